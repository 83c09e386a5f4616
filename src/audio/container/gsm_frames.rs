//! Bare GSM 06.10: frames of 33 bytes, each beginning with the nibble 0xD, nothing else.

use super::{BlockLayout, PcmForm};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;

const FRAME_BYTES: usize = 33;

/// Whether all frames in these first bytes carry the signature, and there are at least ten (200 ms; a chance of 16⁻¹⁰).
pub(crate) fn looks_like(head: &[u8]) -> bool {
    let frames = head.chunks_exact(FRAME_BYTES);
    frames.len() >= 10 && frames.into_iter().all(|frame| frame.first().is_some_and(|b| b >> 4 == 0xD))
}

/// The layout of such a file of `len` bytes from `start` on.
pub(crate) fn layout(start: u64, len: u64, findings: &mut Findings) -> BlockLayout {
    if len % (FRAME_BYTES as u64) != 0 {
        findings.add(FindingCode::Truncated, "the last frame is incomplete");
    }
    BlockLayout {
        codec: Codec::Gsm,
        pcm: PcmForm::NONE,
        channels: 1,
        rate_hz: 8_000,
        block_bytes: 33,
        frames_per_block: 160,
        data_start: start,
        data_len: len,
        claimed_frames: None,
        header_is_true: true,
    }
}
