//! PEM (RFC 7468) around DER.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

/// Characters of a line.
const LINE: usize = 64;

/// The text around these bytes. Wiped when dropped: they may be a key.
pub fn write(der: &[u8], label: &str) -> Zeroizing<String> {
    let body = Zeroizing::new(BASE64_STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() + body.len() / LINE + 2 * label.len() + 40));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for (index, digit) in body.chars().enumerate() {
        if index > 0 && index % LINE == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

/// The bytes in the first block with this label; what stands around it is passed over.
pub fn read(pem: &[u8], label: &str) -> Option<Zeroizing<Vec<u8>>> {
    blocks(std::str::from_utf8(pem).ok()?, label).next()?
}

/// The bytes in each block with this label; none for one that cannot be read.
pub fn blocks(text: &str, label: &str) -> impl Iterator<Item = Option<Zeroizing<Vec<u8>>>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&begin)?;
        let Some((body, after)) = after.split_once(&end) else {
            rest = "";
            return Some(None);
        };
        rest = after;
        let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
        Some(BASE64_STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_line_by_line() {
        for len in [0, 1, 47, 48, 49, 96, 1_000] {
            let der: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let text = write(&der, "THING");
            assert!(text.lines().all(|line| line.len() <= LINE), "{len}");
            assert_eq!(read(text.as_bytes(), "THING").unwrap().as_slice(), der);
            assert!(read(text.as_bytes(), "OTHER").is_none());
        }
        let two = format!("first\n{}between\n{}", &*write(b"a", "THING"), &*write(b"b", "THING"));
        let found: Vec<_> = blocks(&two, "THING").map(|block| block.unwrap().to_vec()).collect();
        assert_eq!(found, [b"a", b"b"]);
        assert!(blocks("-----BEGIN THING-----\nYQ==\n", "THING").any(|block| block.is_none()), "without an end");
        assert!(read(b"\xff", "THING").is_none());
    }
}
