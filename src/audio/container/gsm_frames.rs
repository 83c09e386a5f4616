//! Bare GSM 06.10: frames of 33 bytes, each beginning with the nibble 0xD, nothing else.

use std::io;

use super::{BlockLayout, PcmForm};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;
use crate::audio::source::Walk;

const FRAME_BYTES: usize = 33;

fn has_signature(frame: &[u8]) -> bool {
    frame.first().is_some_and(|b| b >> 4 == 0xD)
}

/// Whether nearly all frames in these first bytes carry the signature, and there are at least ten (200 ms). By chance that
/// happens once in 16⁹ times; a damaged frame among many must not turn evidence into "not audio".
pub(crate) fn looks_like(head: &[u8]) -> bool {
    let frames = head.chunks_exact(FRAME_BYTES);
    let count = frames.len();
    let signed = frames.filter(|frame| has_signature(frame)).count();
    count >= 10 && signed * 20 >= count * 19
}

/// The layout of such a file of `len` bytes, with its first frame at `start`.
pub(crate) fn layout(walk: &mut Walk<'_>, start: u64, len: u64, findings: &mut Findings) -> io::Result<BlockLayout> {
    let sound = len.saturating_sub(start);
    if !sound.is_multiple_of(FRAME_BYTES as u64) {
        findings.add(FindingCode::Truncated, "the last frame is incomplete");
    }
    let mut at = start;
    while at < len {
        // Whole frames only, so that every piece begins with one.
        let piece = walk.peek(at, 1_000 * FRAME_BYTES)?;
        if piece.is_empty() {
            break;
        }
        if !piece.chunks_exact(FRAME_BYTES).all(has_signature) {
            findings.add(FindingCode::DecodeError, "a frame does not carry the signature of one");
        }
        at = at.saturating_add(piece.len() as u64);
    }
    Ok(BlockLayout {
        codec: Codec::Gsm,
        pcm: PcmForm::NONE,
        channels: 1,
        rate_hz: 8_000,
        block_bytes: 33,
        frames_per_block: 160,
        data_start: start,
        data_len: sound,
        claimed_frames: None,
        header_is_true: true,
    })
}
