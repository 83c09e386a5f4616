//! Walking over bare MPEG audio and ADTS frames: they have no index, so only this tells whether all are there.

use std::io;

use crate::audio::facts::{FindingCode, Findings};
use crate::audio::source::{Walk, array, be32};

/// Which family of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// MPEG-1, -2 and -2.5 audio.
    Mpeg,
    /// AAC in ADTS.
    Adts,
}

/// What one frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Bytes of the frame, header included.
    pub len: usize,
    /// What stays the same from frame to frame: version, layer, rate.
    pub key: u32,
    /// MPEG layer (1 to 3); 0 for AAC.
    pub layer: u8,
}

/// What a walk over all frames found.
#[derive(Debug)]
pub(crate) struct Frames {
    /// Where the first frame begins.
    pub start: u64,
    /// Bytes from there to the end of the last whole frame.
    pub len: u64,
    /// Whole frames, an information frame (Xing) not counted.
    pub count: u64,
    /// MPEG layer (1 to 3); 0 for AAC.
    pub layer: u8,
}

/// Consecutive frames that agree before we believe that these are frames.
const ENOUGH: usize = 4;
/// Junk that may stand before the first frame.
const LEAD_IN: usize = 8 * 1024;

/// Which frames these bytes begin with (some junk may come first, as when a recorder cut into a stream).
pub(crate) fn recognise(head: &[u8]) -> Option<Kind> {
    first_frame(head).map(|(kind, _)| kind)
}

fn first_frame(head: &[u8]) -> Option<(Kind, usize)> {
    (0..head.len().min(LEAD_IN)).filter(|at| head.get(*at) == Some(&0xFF)).find_map(|at| {
        let kinds = [Kind::Mpeg, Kind::Adts].into_iter();
        kinds.filter(|kind| run_from(*kind, head, at) >= ENOUGH).map(|kind| (kind, at)).next()
    })
}

/// How many agreeing frames follow one another, up to [`ENOUGH`].
fn run_from(kind: Kind, head: &[u8], mut at: usize) -> usize {
    let mut key = None;
    for run in 0..ENOUGH {
        let header = head.get(at..).and_then(|rest| parse(kind, rest));
        match header {
            Some(h) if key.is_none_or(|k| k == h.key) => {
                key = Some(h.key);
                at = at.saturating_add(h.len);
            }
            _ => return run,
        }
    }
    ENOUGH
}

/// Walks over all frames of a source of `len` bytes, beginning at `from`; `None` when they are not frames of this kind.
pub(crate) fn walk(
    kind: Kind,
    walk: &mut Walk<'_>,
    from: u64,
    len: u64,
    findings: &mut Findings,
) -> io::Result<Option<Frames>> {
    let head = walk.peek(from, 64 * 1024)?;
    let Some((found, offset)) = first_frame(head) else { return Ok(None) };
    let Some(first) = head.get(offset..).and_then(|rest| parse(found, rest)) else { return Ok(None) };
    if found != kind {
        return Ok(None);
    }
    let start = from.saturating_add(offset as u64);
    let mut frames = Frames { start, len: 0, count: 0, layer: first.layer };
    let info = info_frames(walk.peek(start, first.len)?);
    let mut at = start;
    while at < len {
        let here = parse(kind, walk.peek(at, 8)?).filter(|h| h.key == first.key);
        match here {
            Some(header) if at.saturating_add(header.len as u64) <= len => {
                at = at.saturating_add(header.len as u64);
                frames.count = frames.count.saturating_add(1);
                frames.len = at.saturating_sub(start);
            }
            Some(_) => {
                findings.add(FindingCode::Truncated, "the last frame is incomplete");
                break;
            }
            None => match next_sync(kind, walk, at, len, first.key)? {
                Some(next) => {
                    findings.add(FindingCode::DecodeError, format!("{} bytes between frames are not audio", next - at));
                    at = next;
                }
                None => {
                    judge_tail(walk, at, len, findings)?;
                    break;
                }
            },
        }
    }
    if let Some(claimed) = info {
        frames.count = frames.count.saturating_sub(1);
        if claimed.is_some_and(|c| u64::from(c) > frames.count) {
            findings.add(FindingCode::Truncated, "the file holds fewer frames than its first frame says");
        }
    }
    Ok(Some(frames))
}

/// The place of the next two agreeing frames after `at`.
fn next_sync(kind: Kind, walk: &mut Walk<'_>, at: u64, len: u64, key: u32) -> io::Result<Option<u64>> {
    let mut pos = at.saturating_add(1);
    while pos < len {
        let piece = walk.peek(pos, 32 * 1024)?;
        let agrees = |offset: usize| {
            let header = piece.get(offset..).and_then(|rest| parse(kind, rest)).filter(|h| h.key == key)?;
            let next = offset.checked_add(header.len)?;
            piece.get(next..).and_then(|rest| parse(kind, rest)).filter(|h| h.key == key)
        };
        if let Some(offset) = (0..piece.len()).find(|o| piece.get(*o) == Some(&0xFF) && agrees(*o).is_some()) {
            return Ok(Some(pos.saturating_add(offset as u64)));
        }
        // Half of it again, so that a frame across the seam is seen whole.
        pos = pos.saturating_add((piece.len() as u64 / 2).max(1));
    }
    Ok(None)
}

/// Known tags may follow the last frame; anything else is garbage. Zeros are padding.
fn judge_tail(walk: &mut Walk<'_>, at: u64, len: u64, findings: &mut Findings) -> io::Result<()> {
    let tail = walk.peek(at, 64 * 1024)?;
    let known = [b"TAG".as_slice(), b"APETAGEX", b"LYRICSBEGIN", b"3DI", b"ID3"];
    let padding = tail.iter().all(|b| *b == 0);
    if !padding && !known.iter().any(|tag| tail.starts_with(tag)) {
        findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last frame", len - at));
    }
    Ok(())
}

/// `Some` if this is an information frame (Xing, Info or VBRI), with the number of frames that it tells.
fn info_frames(frame: &[u8]) -> Option<Option<u32>> {
    let at = |tag: &[u8; 4]| (4..frame.len().min(64)).find(|o| array::<4>(frame, *o).as_ref() == Some(tag));
    if let Some(o) = at(b"Xing").or_else(|| at(b"Info")) {
        let has_count = be32(frame, o + 4).is_some_and(|flags| flags & 1 != 0);
        return Some(be32(frame, o + 8).filter(|_| has_count));
    }
    at(b"VBRI").map(|o| be32(frame, o + 14))
}

fn parse(kind: Kind, bytes: &[u8]) -> Option<Header> {
    match kind {
        Kind::Mpeg => parse_mpeg(array(bytes, 0)?),
        Kind::Adts => parse_adts(array(bytes, 0)?),
    }
}

/// ISO/IEC 11172-3 clause 2.4.2.3, with the lower rates of 13818-3 and the usual MPEG-2.5 extension.
fn parse_mpeg([sync, b1, b2, b3]: [u8; 4]) -> Option<Header> {
    const V1_L1: [u32; 15] = [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
    const V1_L2: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
    const V1_L3: [u32; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const V2_L1: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
    const V2_L23: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    if sync != 0xFF || b1 & 0xE0 != 0xE0 || b3 & 0x03 == 0x02 {
        return None;
    }
    let version = (b1 >> 3) & 3;
    let layer = 4 - ((b1 >> 1) & 3);
    let base = *[44_100_u32, 48_000, 32_000].get(usize::from((b2 >> 2) & 3))?;
    let rate = match version {
        3 => base,
        2 => base / 2,
        0 => base / 4,
        _ => return None,
    };
    let table = match (version == 3, layer) {
        (true, 1) => V1_L1,
        (true, 2) => V1_L2,
        (true, 3) => V1_L3,
        (false, 1) => V2_L1,
        (false, 2 | 3) => V2_L23,
        _ => return None,
    };
    // Index 0 is "free format", which no recorder writes and whose frames have no length.
    let kbps = table.get(usize::from(b2 >> 4)).copied().filter(|kbps| *kbps > 0)?;
    let padding = u32::from((b2 >> 1) & 1);
    let len = match (layer, version == 3) {
        (1, _) => (12_000 * kbps / rate + padding) * 4,
        (3, false) => 72_000 * kbps / rate + padding,
        _ => 144_000 * kbps / rate + padding,
    };
    Some(Header { len: usize::try_from(len).ok()?, key: u32::from(b1 & 0x1E) << 8 | u32::from(b2 & 0x0C), layer })
}

/// ISO/IEC 13818-7 clause 6.2.
fn parse_adts([sync, b1, b2, b3, b4, b5, _]: [u8; 7]) -> Option<Header> {
    let rate_index = (b2 >> 2) & 0x0F;
    if sync != 0xFF || b1 & 0xF6 != 0xF0 || rate_index > 12 {
        return None;
    }
    let len = usize::from(b3 & 3) << 11 | usize::from(b4) << 3 | usize::from(b5 >> 5);
    let key = u32::from(b1 & 0x08) << 16 | u32::from(b2 & 0xFD) << 8 | u32::from(b3 & 0xC0);
    (len > 7).then_some(Header { len, key, layer: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mpeg_headers() {
        // MPEG-1 layer III, 128 kbit/s, 44.1 kHz; MPEG-2.5 layer III, 16 kbit/s, 8 kHz.
        assert_eq!(parse_mpeg([0xFF, 0xFB, 0x90, 0x00]).map(|h| (h.len, h.layer)), Some((417, 3)));
        assert_eq!(parse_mpeg([0xFF, 0xE3, 0x28, 0xC0]).map(|h| (h.len, h.layer)), Some((144, 3)));
        assert_eq!(parse_mpeg([0xFF, 0xFB, 0xF0, 0x00]), None);
    }

    #[test]
    fn one_header_is_not_enough() {
        let mut bytes = vec![0; 4_000];
        bytes[..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x00]);
        assert_eq!(recognise(&bytes), None);
        for frame in 1..5 {
            bytes[frame * 417..][..4].copy_from_slice(&[0xFF, 0xFB, 0x90, 0x00]);
        }
        assert_eq!(recognise(&bytes), Some(Kind::Mpeg));
    }
}
