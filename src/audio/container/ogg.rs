//! Ogg (RFC 3533): a decoder skips a damaged page in silence, so every page's check sum and number is looked at here.

use std::io;

use super::{Parsed, Structure};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;
use crate::audio::source::{Walk, array, le32};

/// What the pages say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OggPages {
    /// The coding of the first audio stream.
    pub codec: Codec,
    /// Bytes up to the end of the last whole page.
    pub len: u64,
}

struct Page {
    len: usize,
    flags: u8,
    serial: u32,
    number: u32,
    crc_ok: bool,
}

#[derive(Default)]
struct State {
    codec: Option<Codec>,
    serial: u32,
    next_number: u32,
    ended: bool,
    begun: bool,
}

/// Walks over all pages of a source of `len` bytes, beginning at `from`.
pub(crate) fn read(walk: &mut Walk<'_>, from: u64, len: u64) -> io::Result<Structure<OggPages>> {
    let mut findings = Findings::default();
    let mut state = State::default();
    let table = crc_table();
    let mut at = from;
    while at < len {
        let bytes = walk.peek(at, 27 + 255 + 255 * 255)?;
        match read_page(bytes, &table) {
            Some(page) => {
                if page.flags & 2 != 0 && state.codec.is_none() {
                    state.codec = Some(identify(bytes));
                    state.serial = page.serial;
                }
                follow(&mut state, &page, &mut findings);
                at = at.saturating_add(page.len as u64);
            }
            None if bytes.starts_with(b"OggS") => {
                findings.add(FindingCode::Truncated, "the last page is incomplete");
                break;
            }
            None => match find_page(walk, at, len)? {
                Some(next) => {
                    findings.add(FindingCode::DecodeError, format!("{} bytes between pages are not audio", next - at));
                    at = next;
                }
                None if state.ended => {
                    findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last page", len - at));
                    break;
                }
                None => {
                    findings.add(FindingCode::Truncated, "the stream stops without its last page");
                    break;
                }
            },
        }
    }
    if !state.ended {
        findings.add(FindingCode::Truncated, "the last page is not marked as the end of the stream");
    }
    let parsed = match state.codec {
        None => Parsed::Broken("no stream begins here"),
        Some(codec @ (Codec::Opus | Codec::Vorbis | Codec::Flac)) => {
            Parsed::Sound(OggPages { codec, len: at.min(len) })
        }
        Some(codec) => Parsed::Unsupported(codec),
    };
    Ok(Structure { parsed, findings })
}

fn follow(state: &mut State, page: &Page, findings: &mut Findings) {
    if !page.crc_ok {
        findings.add(FindingCode::DecodeError, "a page's check sum is wrong");
    }
    // A new stream after the end of the first one: a chained file.
    if page.flags & 2 != 0 && state.ended {
        (state.serial, state.begun, state.ended) = (page.serial, false, false);
    }
    if page.serial != state.serial {
        return;
    }
    if state.begun && page.number != state.next_number {
        findings.add(FindingCode::DecodeError, "a page is missing");
    }
    (state.begun, state.next_number) = (true, page.number.wrapping_add(1));
    state.ended = page.flags & 4 != 0;
}

fn read_page(bytes: &[u8], table: &[u32; 256]) -> Option<Page> {
    if !bytes.starts_with(b"OggS") {
        return None;
    }
    let segments = usize::from(*bytes.get(26)?);
    let lacing = bytes.get(27..27 + segments)?;
    let len = 27 + segments + lacing.iter().map(|n| usize::from(*n)).sum::<usize>();
    let page = bytes.get(..len)?;
    let crc = page.iter().enumerate().fold(0_u32, |crc, (i, byte)| {
        let byte = if (22..26).contains(&i) { 0 } else { *byte };
        let [top, ..] = crc.to_be_bytes();
        (crc << 8) ^ table.get(usize::from(top ^ byte)).copied().unwrap_or(0)
    });
    Some(Page {
        len,
        flags: *page.get(5)?,
        serial: le32(page, 14)?,
        number: le32(page, 18)?,
        crc_ok: le32(page, 22)? == crc,
    })
}

/// The check sum of RFC 3533: polynomial 0x04C11DB7, not reflected, beginning at 0.
fn crc_table() -> [u32; 256] {
    let mut table = [0_u32; 256];
    for (i, slot) in (0_u32..).zip(table.iter_mut()) {
        *slot = (0..8).fold(i << 24, |crc, _| if crc >> 31 == 1 { (crc << 1) ^ 0x04C1_1DB7 } else { crc << 1 });
    }
    table
}

fn find_page(walk: &mut Walk<'_>, at: u64, len: u64) -> io::Result<Option<u64>> {
    let mut pos = at.saturating_add(1);
    while pos < len {
        let piece = walk.peek(pos, 64 * 1024)?;
        if let Some(offset) = piece.windows(5).position(|w| w == b"OggS\0") {
            return Ok(Some(pos.saturating_add(offset as u64)));
        }
        pos = pos.saturating_add((piece.len() as u64).saturating_sub(4).max(1));
    }
    Ok(None)
}

/// The coding, from the first packet of the stream.
fn identify(page: &[u8]) -> Codec {
    let segments = page.get(26).map_or(0, |n| usize::from(*n));
    let packet = page.get(27 + segments..).unwrap_or_default();
    match array::<8>(packet, 0).unwrap_or_default() {
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd'] => Codec::Opus,
        [1, b'v', b'o', b'r', b'b', b'i', b's', _] => Codec::Vorbis,
        [0x7F, b'F', b'L', b'A', b'C', ..] => Codec::Flac,
        [b'S', b'p', b'e', b'e', b'x', ..] => Codec::Speex,
        _ => Codec::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_in_a_page_is_seen() {
        // A page as libogg 1.3 writes it: serial 1, number 0, both first and last, one packet "Speex   ".
        let mut page = b"OggS\0\x06\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x01\x08Speex   ".to_vec();
        let table = crc_table();
        assert!(!read_page(&page, &table).unwrap().crc_ok);
        let crc = page.iter().fold(0_u32, |c, b| (c << 8) ^ table[usize::from(c.to_be_bytes()[0] ^ b)]);
        page[22..26].copy_from_slice(&crc.to_le_bytes());
        assert!(read_page(&page, &table).unwrap().crc_ok);
        page[30] ^= 1;
        assert!(!read_page(&page, &table).unwrap().crc_ok);
    }

    #[test]
    fn the_table_is_the_one_of_the_rfc() {
        assert_eq!(crc_table()[1], 0x04C1_1DB7);
        assert_eq!(crc_table()[255], 0xB1F7_40B4);
    }
}
