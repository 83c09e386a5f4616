//! The ISO base media file form (ISO/IEC 14496-12): is every box there, and what does the sound track say.

use std::io;

use super::mp4_audio::{SoundTrack, is_film, read_track};
use super::{Parsed, Structure};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;
use crate::audio::source::{Walk, array, be32};

/// The greatest `moov` that we read; it takes about 10 bytes per 20 ms of sound.
const MAX_MOOV_BYTES: u64 = 64 * 1024 * 1024;

/// The boxes that stand at the top; four printable letters alone may be garbage.
const TOP_LEVEL: [&[u8; 4]; 17] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"moof", b"mfra", b"uuid", b"udta", b"meta", b"sidx", b"styp",
    b"wide", b"pnot", b"emsg", b"prft", b"ssix",
];

/// One box: its kind, and where its content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BoxAt {
    /// Four letters.
    pub kind: [u8; 4],
    /// Where the content begins.
    pub start: usize,
    /// Where the box ends.
    pub end: usize,
}

/// The outcome: a sound track, or (`None` inside `Sound`) a film without sound.
pub(crate) fn read(walk: &mut Walk<'_>, len: u64) -> io::Result<Structure<Option<SoundTrack>>> {
    let mut findings = Findings::default();
    let (mut at, mut moov, mut seen_data) = (0_u64, None, false);
    while at < len {
        let Some((kind, head, size)) = top_box(walk, at, len)? else {
            if len - at < 8 {
                findings.add(FindingCode::Truncated, "the file ends within a box");
            } else {
                findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last box", len - at));
            }
            break;
        };
        let end = at.saturating_add(size);
        if end > len && !TOP_LEVEL.contains(&&kind) {
            findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last box", len - at));
            break;
        }
        if end > len {
            findings.add(FindingCode::Truncated, "the file ends within a box");
        }
        seen_data |= &kind == b"mdat";
        if &kind == b"moov" && moov.is_none() && size <= MAX_MOOV_BYTES {
            let body = walk.peek(at.saturating_add(head), usize::try_from(size.saturating_sub(head)).unwrap_or(0))?;
            moov = Some(body.to_vec());
        }
        at = end;
    }
    let Some(moov) = moov else {
        findings.add(FindingCode::Truncated, "the file has no index (`moov`): its writer never finished");
        return Ok(Structure { parsed: Parsed::Broken("the file has no usable `moov` box"), findings });
    };
    if !seen_data {
        findings.add(FindingCode::Truncated, "the file has an index, but no sound");
    }
    let track = read_track(&moov).map(|track| SoundTrack { end: at.min(len), ..track });
    let parsed = match track {
        Some(track)
            if matches!(
                track.codec,
                Codec::Aac | Codec::HeAac | Codec::Alac | Codec::Mp3 | Codec::Flac | Codec::Opus
            ) =>
        {
            Parsed::Sound(Some(track))
        }
        Some(track) => Parsed::Unsupported(track.codec),
        None if is_film(&moov) => Parsed::Sound(None),
        None => Parsed::Broken("the index has no readable sound track"),
    };
    Ok(Structure { parsed, findings })
}

/// Kind, header length and size of the box at `at`; `None` when there is none.
fn top_box(walk: &mut Walk<'_>, at: u64, len: u64) -> io::Result<Option<([u8; 4], u64, u64)>> {
    let bytes = walk.peek(at, 16)?;
    let (Some(size), Some(kind)) = (be32(bytes, 0), array::<4>(bytes, 4)) else { return Ok(None) };
    if !kind.iter().all(|b| (0x20..0x7F).contains(b) || *b == 0xA9) {
        return Ok(None);
    }
    Ok(match size {
        0 => Some((kind, 8, len.saturating_sub(at))),
        1 => array(bytes, 8).map(u64::from_be_bytes).filter(|size| *size >= 16).map(|size| (kind, 16, size)),
        2..8 => None,
        size => Some((kind, 8, u64::from(size))),
    })
}

/// The boxes within `bytes[from..to]`.
pub(crate) fn children(bytes: &[u8], from: usize, to: usize) -> Vec<BoxAt> {
    let mut boxes = Vec::new();
    let mut at = from;
    let to = to.min(bytes.len());
    while let (Some(size), Some(kind)) = (be32(bytes, at), array::<4>(bytes, at.saturating_add(4))) {
        let size = usize::try_from(size).unwrap_or(0);
        let end = at.saturating_add(size);
        if size < 8 || end > to || boxes.len() >= 1_000 {
            break;
        }
        boxes.push(BoxAt { kind, start: at + 8, end });
        at = end;
    }
    boxes
}

/// The first box of a kind within another.
pub(crate) fn child(bytes: &[u8], parent: BoxAt, kind: &[u8; 4]) -> Option<BoxAt> {
    children(bytes, parent.start, parent.end).into_iter().find(|b| &b.kind == kind)
}
