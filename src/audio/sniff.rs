//! Recognising a recording by its first bytes, never by its name.

use super::container::{frames, gsm_frames};
use super::kinds::Container;
use super::source::{array, be32};

/// How many of the first bytes [`sniff`] should be shown (fewer if the source is shorter).
pub const SNIFF_BYTES: usize = 64 * 1024;

/// Which kind of audio file begins with these bytes; `None` when they are not audio.
///
/// MPEG and GSM frames have hardly any signature, so several consecutive ones are asked for. An answer is no promise that
/// the file holds sound: an MP4 may turn out to be a film.
pub fn sniff(head: &[u8]) -> Option<Container> {
    let tag = id3v2_len(head);
    let Some(audio) = head.get(usize::try_from(tag).ok()?..).filter(|rest| tag == 0 || !rest.is_empty()) else {
        // A tag longer than what we were shown (a cover picture): MPEG audio until the inspection has seen more.
        return Some(Container::Mpeg);
    };
    signature(audio).or_else(|| weak_signature(audio))
}

fn signature(b: &[u8]) -> Option<Container> {
    let first: [u8; 4] = array(b, 0)?;
    let form: [u8; 4] = array(b, 8).unwrap_or_default();
    match &first {
        b"RIFF" if &form == b"WAVE" => Some(Container::Wav),
        b"RF64" | b"BW64" if &form == b"WAVE" => Some(Container::Rf64),
        b"riff" if b.get(4..8)? == [0x2E, 0x91, 0xCF, 0x11] => Some(Container::W64),
        b".snd" => Some(Container::Au),
        b"FORM" if matches!(&form, b"AIFF" | b"AIFC") => Some(Container::Aiff),
        b"caff" => Some(Container::Caf),
        b"fLaC" => Some(Container::Flac),
        b"OggS" => Some(Container::Ogg),
        b"#!AM" if b.starts_with(b"#!AMR\n") || b.starts_with(b"#!AMR-WB\n") => Some(Container::Amr),
        [0x30, 0x26, 0xB2, 0x75] => Some(Container::Asf),
        [0x1A, 0x45, 0xDF, 0xA3] => {
            Some(if contains(b.get(..64).unwrap_or(b), b"webm") { Container::Webm } else { Container::Matroska })
        }
        _ if is_mp4(b) => Some(Container::Mp4),
        _ => None,
    }
}

fn is_mp4(b: &[u8]) -> bool {
    let kind = array::<4>(b, 4).unwrap_or_default();
    match &kind {
        b"ftyp" => !b.get(8..12).is_some_and(|brand| matches!(brand, b"avif" | b"heic" | b"heix" | b"mif1")),
        b"moov" | b"styp" => be32(b, 0).is_some_and(|size| size >= 8),
        _ => false,
    }
}

fn weak_signature(b: &[u8]) -> Option<Container> {
    match frames::recognise(b) {
        Some(frames::Kind::Mpeg) => Some(Container::Mpeg),
        Some(frames::Kind::Adts) => Some(Container::Adts),
        None => gsm_frames::looks_like(b).then_some(Container::Gsm),
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

/// The length in bytes of an ID3v2 tag at the beginning; 0 when there is none.
pub(crate) fn id3v2_len(b: &[u8]) -> u64 {
    let Some(header) = array::<10>(b, 0) else { return 0 };
    let [b'I', b'D', b'3', major, _, flags, size @ ..] = header else { return 0 };
    if major == 0xFF || size.iter().any(|byte| byte & 0x80 != 0) {
        return 0;
    }
    let body = size.iter().fold(0_u64, |sum, byte| (sum << 7) | u64::from(*byte));
    body + if flags & 0x10 != 0 { 20 } else { 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_audio_is_not_recognised() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice();
        for head in
            [png, b"%PDF-1.7\n", b"PK\x03\x04", b"<!doctype html>", b"Hello, this is text.", b"", b"RIFF", b"\xff\xfb"]
        {
            assert_eq!(sniff(head), None, "{head:?}");
        }
        assert_eq!(sniff(&[0xFF; 4096]), None);
        assert_eq!(sniff(&[0; 4096]), None);
    }

    #[test]
    fn a_tag_in_front_is_skipped() {
        let mut file = b"ID3\x04\0\0\0\0\0\x05.....".to_vec();
        file.extend(b"fLaC");
        assert_eq!(sniff(&file), Some(Container::Flac));
    }

    #[test]
    fn signatures() {
        assert_eq!(sniff(b"RIFF\0\0\0\0WAVEfmt "), Some(Container::Wav));
        assert_eq!(sniff(b"RIFF\0\0\0\0AVI LIST"), None);
        assert_eq!(sniff(b"\0\0\0\x20ftypM4A \0\0\0\0"), Some(Container::Mp4));
        assert_eq!(sniff(b"\0\0\0\x20ftypavif\0\0\0\0"), None);
        assert_eq!(sniff(b"#!AMR\n\x3c"), Some(Container::Amr));
    }
}
