//! BagIt 1.0 (RFC 8493): what is in a package, listed with its digests, and the digests of the lists.
//!
//! One folder holds all of it: the payload below `data/`, the tag files beside it, and below `signature/` what signs the
//! tag manifest, which lists everything else by way of the manifest. `signature/` is in no list: it could not be.

use aws_lc_rs::digest::{Context, SHA256, digest};
use uuid::Uuid;

use super::zip::ZipError;
use super::zip::write::ZipWriter;

/// The declaration of every bag.
pub const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// What the bag says of itself.
pub const BAG_INFO: &str = "bag-info.txt";
/// The list of the payload.
pub const MANIFEST: &str = "manifest-sha256.txt";
/// The list of the tag files.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// The folder of what signs the bag.
pub const SIGNATURE_FOLDER: &str = "signature";

/// The one folder of a package's ZIP.
pub fn folder_of(package: Uuid) -> String {
    format!("evidence-{}", package.as_hyphenated())
}

/// Length and digests of a file, which must be known before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Its length.
    pub byte_len: u64,
    /// CRC-32, for the ZIP.
    pub crc: u32,
    /// SHA-256, for the manifest.
    pub sha256: [u8; 32],
}

/// Measures a file that comes in pieces.
pub struct Measure {
    byte_len: u64,
    crc: crc32fast::Hasher,
    sha256: Context,
}

impl Default for Measure {
    fn default() -> Self {
        Self { byte_len: 0, crc: crc32fast::Hasher::new(), sha256: Context::new(&SHA256) }
    }
}

impl Measure {
    /// The next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.byte_len += bytes.len() as u64;
        self.crc.update(bytes);
        self.sha256.update(bytes);
    }

    /// What came of it.
    pub fn finish(self) -> Measured {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Measured { byte_len: self.byte_len, crc: self.crc.finalize(), sha256 }
    }
}

impl Measured {
    /// Of bytes that are all there.
    pub fn of(bytes: &[u8]) -> Self {
        let mut measure = Measure::default();
        measure.update(bytes);
        measure.finish()
    }
}

/// A bag that is being written into a ZIP. Each call gives the bytes that come next.
#[derive(Debug)]
pub struct BagWriter {
    folder: String,
    zip: ZipWriter,
    manifest: String,
    payload_bytes: u64,
    payload_files: u64,
}

impl BagWriter {
    /// An empty bag of this package.
    pub fn new(package: Uuid) -> Self {
        Self {
            folder: folder_of(package),
            zip: ZipWriter::default(),
            manifest: String::new(),
            payload_bytes: 0,
            payload_files: 0,
        }
    }

    /// The declaration, which comes first.
    pub fn declaration(&mut self) -> Result<Vec<u8>, ZipError> {
        self.file("bagit.txt", BAGIT.as_bytes())
    }

    /// A file of the payload; `path` is below `data/`.
    pub fn payload(&mut self, path: &str, bytes: &[u8]) -> Result<Vec<u8>, ZipError> {
        let mut all = self.payload_header(path, &Measured::of(bytes))?;
        all.extend_from_slice(bytes);
        Ok(all)
    }

    /// What stands before a file of the payload that comes in pieces, which the caller passes on.
    pub fn payload_header(&mut self, path: &str, measured: &Measured) -> Result<Vec<u8>, ZipError> {
        self.payload_bytes += measured.byte_len;
        self.payload_files += 1;
        self.manifest.push_str(&line(&measured.sha256, &format!("data/{path}")));
        self.zip.file(&format!("{}/data/{path}", self.folder), measured.byte_len, measured.crc)
    }

    /// The lists, once the payload is complete; and the text of the tag manifest, which is to be signed.
    pub fn tags(&mut self, about: &[(&str, &str)]) -> Result<(Vec<u8>, String), ZipError> {
        let info = bag_info(about, self.payload_bytes, self.payload_files);
        let manifest = std::mem::take(&mut self.manifest);
        let mut tag_manifest = String::new();
        for (name, text) in [("bagit.txt", BAGIT), (BAG_INFO, &info), (MANIFEST, &manifest)] {
            tag_manifest.push_str(&line(&sha256(text.as_bytes()), name));
        }
        let mut all = self.file(BAG_INFO, info.as_bytes())?;
        all.extend(self.file(MANIFEST, manifest.as_bytes())?);
        all.extend(self.file(TAG_MANIFEST, tag_manifest.as_bytes())?);
        Ok((all, tag_manifest))
    }

    /// A file below `signature/`.
    pub fn signature(&mut self, name: &str, bytes: &[u8]) -> Result<Vec<u8>, ZipError> {
        self.file(&format!("{SIGNATURE_FOLDER}/{name}"), bytes)
    }

    /// The end of the ZIP, without which it is not one.
    pub fn finish(self) -> Vec<u8> {
        self.zip.finish()
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<Vec<u8>, ZipError> {
        let header = self.zip.file(&format!("{}/{path}", self.folder), bytes.len() as u64, crc32fast::hash(bytes));
        let mut all = header?;
        all.extend_from_slice(bytes);
        Ok(all)
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// A line of a manifest. Names in a package need no encoding: they are plain.
fn line(sha256: &[u8; 32], path: &str) -> String {
    format!("{}  {path}\n", hex::encode(sha256))
}

/// Reads a manifest: digest and path of each line, in their order. None when a line is of another form.
pub fn read_manifest(text: &str) -> Option<Vec<([u8; 32], &str)>> {
    let lines = text.strip_suffix('\n').map(|text| text.split('\n').map(read_line).collect());
    if text.is_empty() { Some(Vec::new()) } else { lines? }
}

fn read_line(line: &str) -> Option<([u8; 32], &str)> {
    let (digest, path) = line.split_once("  ")?;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(digest, &mut sha256).ok()?;
    (hex::encode(sha256) == digest).then_some((sha256, path))
}

/// `bag-info.txt`. A value stands on one line, whatever is in it.
fn bag_info(about: &[(&str, &str)], payload_bytes: u64, payload_files: u64) -> String {
    let mut text = String::new();
    for (label, value) in about {
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        text.push_str(&format!("{label}: {}\n", value.trim()));
    }
    text.push_str(&format!("Payload-Oxum: {payload_bytes}.{payload_files}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_is_written_and_in_no_other_form() {
        let text = line(&[0xab; 32], "data/1/audio.wav") + &line(&[1; 32], "data/2/a b");
        let read = read_manifest(&text).unwrap();
        assert_eq!(read, [([0xab; 32], "data/1/audio.wav"), ([1; 32], "data/2/a b")]);
        assert_eq!(read_manifest("").unwrap(), []);
        for bad in [
            text.trim_end().to_owned(),
            text.replace("abab", "ABAB"),
            text.replace("  data", " data"),
            text.replacen("ab", "", 1),
            format!("\n{text}"),
            text.replace("  ", "\t"),
        ] {
            assert_eq!(read_manifest(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_value_cannot_make_a_line_of_its_own() {
        let text = bag_info(&[("Source-Organization", "Example\r\nPayload-Oxum: 1.1")], 7, 2);
        assert_eq!(text, "Source-Organization: Example  Payload-Oxum: 1.1\nPayload-Oxum: 7.2\n");
    }

    #[test]
    fn pieces_measure_as_the_whole() {
        let mut measure = Measure::default();
        measure.update(b"ab");
        measure.update(b"c");
        assert_eq!(measure.finish(), Measured::of(b"abc"));
        assert_eq!(Measured::of(b"").crc, 0);
    }
}
