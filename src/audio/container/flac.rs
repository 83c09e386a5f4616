//! Native FLAC (RFC 9639): where the frames begin, and how much sound the header promises.

use std::io;

use super::{Parsed, Structure};
use crate::audio::source::{Walk, array};

/// What the metadata blocks say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlacHeader {
    /// Bytes before the first frame.
    pub frames_start: u64,
    /// Frames that the encoder wrote; `None` when it could not go back to fill that in.
    pub total_frames: Option<u64>,
    /// Bits per sample.
    pub bits: u16,
}

/// Reads the metadata blocks at `from`.
pub(crate) fn read(walk: &mut Walk<'_>, from: u64) -> io::Result<Structure<FlacHeader>> {
    let mut header = FlacHeader { frames_start: 0, total_frames: None, bits: 0 };
    let mut at = from.saturating_add(4);
    for _ in 0..1_000 {
        let Some([kind, l0, l1, l2]) = array::<4>(walk.peek(at, 4)?, 0) else { break };
        let body = at.saturating_add(4);
        if kind & 0x7F == 0 {
            let info = walk.peek(body, 34)?;
            let packed = array(info, 10).map_or(0, u64::from_be_bytes);
            header.bits = u16::try_from((packed >> 36) & 0x1F).unwrap_or(0) + 1;
            header.total_frames = Some(packed & 0xF_FFFF_FFFF).filter(|frames| *frames > 0);
        }
        at = body.saturating_add(u64::from(u32::from_be_bytes([0, l0, l1, l2])));
        if kind & 0x80 != 0 {
            header.frames_start = at;
            return Ok(Structure::plain(Parsed::Sound(header)));
        }
    }
    Ok(Structure::plain(Parsed::Broken("the metadata has no end")))
}
