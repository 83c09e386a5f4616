//! Apple AIFF and AIFF-C ("Audio Interchange File Format 1.3"). All numbers are big-endian.

use std::io;

use super::{BlockLayout, Parsed, PcmForm, Structure};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;
use crate::audio::source::{Walk, array, be16, be32};

/// The fields of `COMM`.
struct Common {
    channels: u16,
    frames: u32,
    bits: u16,
    rate_hz: u32,
    coding: [u8; 4],
}

/// Reads the structure of an AIFF file of `len` bytes.
pub(crate) fn read(walk: &mut Walk<'_>, len: u64) -> io::Result<Structure<BlockLayout>> {
    let mut findings = Findings::default();
    let (mut common, mut data) = (None, None);
    let mut at = 12_u64;
    for _ in 0..1_000 {
        let header = walk.peek(at, 8)?;
        let (Some(id), Some(size)) = (array::<4>(header, 0), be32(header, 4)) else { break };
        if common.is_some() && data.is_some() && !id.iter().all(|b| (0x20..0x7F).contains(b)) {
            break;
        }
        let body = at.saturating_add(8);
        match &id {
            b"COMM" => common = read_common(walk.peek(body, 22)?),
            b"SSND" => {
                let offset = be32(walk.peek(body, 8)?, 0).unwrap_or(0);
                let start = body.saturating_add(8).saturating_add(u64::from(offset));
                data = Some((start, u64::from(size).saturating_sub(8).saturating_sub(u64::from(offset))));
            }
            _ => {}
        }
        at = body.saturating_add(u64::from(size)).saturating_add(u64::from(size & 1));
    }
    let (Some(common), Some((start, claimed))) = (common, data) else {
        findings.add(FindingCode::Truncated, "the file ends before its sound begins");
        return Ok(Structure { parsed: Parsed::Broken("the file has no `COMM` or no `SSND` chunk"), findings });
    };
    if at < len {
        findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last chunk", len - at));
    }
    let there = len.saturating_sub(start);
    if claimed > there || (claimed == 0 && there > 0) {
        findings.add(FindingCode::Truncated, "the sound is shorter than its chunk, or its length was never filled in");
    }
    let data_len = if claimed == 0 { there } else { claimed.min(there) };
    let parsed = layout(&common, start, data_len, claimed > 0);
    if let Parsed::Sound(layout) = &parsed
        && u64::from(common.frames) > data_len / u64::from(layout.block_bytes)
    {
        findings.add(FindingCode::Truncated, "the file holds fewer frames than its header says");
    }
    Ok(Structure { parsed, findings })
}

fn read_common(comm: &[u8]) -> Option<Common> {
    Some(Common {
        channels: be16(comm, 0)?,
        frames: be32(comm, 2)?,
        bits: be16(comm, 6)?,
        rate_hz: extended_to_u32(array(comm, 8)?),
        coding: array(comm, 18).unwrap_or(*b"NONE"),
    })
}

/// An 80-bit extended float (IEEE 754, 15-bit exponent, explicit leading bit) as a whole number; 0 when out of range.
fn extended_to_u32(bytes: [u8; 10]) -> u32 {
    let [e0, e1, mantissa @ ..] = bytes;
    let exponent = i32::from(u16::from_be_bytes([e0, e1]) & 0x7FFF) - 16_383;
    if e0 & 0x80 != 0 || !(0..32).contains(&exponent) {
        return 0;
    }
    u32::try_from(u64::from_be_bytes(mantissa) >> (63 - exponent)).unwrap_or(0)
}

fn layout(common: &Common, data_start: u64, data_len: u64, header_is_true: bool) -> Parsed<BlockLayout> {
    let whole = |bits: u16, big_endian| (Codec::Pcm, PcmForm { bits, float: false, big_endian, signed: true });
    let float = |bits: u16| (Codec::Pcm, PcmForm { bits, float: true, big_endian: true, signed: true });
    // Sample sizes between two bytes are stored left-justified in the next whole byte.
    let bits = common.bits.saturating_add(7) / 8 * 8;
    let (codec, pcm) = match &common.coding {
        // Plain AIFF has no coding field: those bytes then belong to the next chunk.
        b"sowt" => whole(bits, false),
        b"ulaw" | b"ULAW" => (Codec::Mulaw, PcmForm::NONE),
        b"alaw" | b"ALAW" => (Codec::Alaw, PcmForm::NONE),
        b"fl32" | b"FL32" => float(32),
        b"fl64" | b"FL64" => float(64),
        b"ima4" | b"GSM " | b"agsm" | b"QDMC" | b"Qclp" | b"MAC3" | b"MAC6" => {
            return Parsed::Unsupported(Codec::Other);
        }
        _ => whole(bits, true),
    };
    if common.channels == 0 || common.rate_hz == 0 || !matches!(pcm.bits, 8 | 16 | 24 | 32 | 64) {
        return Parsed::Broken("the header gives no channels, no sample rate or an impossible sample size");
    }
    let sample_bytes = if codec == Codec::Pcm { u32::from(pcm.bits / 8) } else { 1 };
    Parsed::Sound(BlockLayout {
        codec,
        pcm,
        channels: common.channels,
        rate_hz: common.rate_hz,
        block_bytes: sample_bytes.saturating_mul(u32::from(common.channels)),
        frames_per_block: 1,
        data_start,
        data_len,
        claimed_frames: None,
        header_is_true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_floats() {
        assert_eq!(extended_to_u32([0x40, 0x0B, 0xFA, 0, 0, 0, 0, 0, 0, 0]), 8_000);
        assert_eq!(extended_to_u32([0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]), 48_000);
        assert_eq!(extended_to_u32([0xFF; 10]), 0);
        assert_eq!(extended_to_u32([0; 10]), 0);
    }
}
