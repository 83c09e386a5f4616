//! RIFF WAVE as recorders really write it: RF64, odd `fmt ` chunks, sizes that lie, recorders killed in mid-call.
//!
//! Sources: Microsoft's "Multimedia Programming Interface and Data Specifications 1.0" and `mmreg.h`, EBU Tech 3306 (RF64).

use std::io;

use super::{BlockLayout, Parsed, PcmForm, Structure};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;
use crate::audio::source::{Walk, array, le16, le32};

/// The fields of `fmt ` that matter.
#[derive(Debug, Clone, Copy)]
struct Format {
    tag: u16,
    channels: u16,
    rate_hz: u32,
    block_align: u16,
    bits: u16,
    frames_per_block: u16,
}

/// Where the `data` chunk is and what is known about it.
#[derive(Debug, Clone, Copy)]
struct Data {
    start: u64,
    len: u64,
    header_is_true: bool,
}

#[derive(Default)]
struct Chunks {
    format: Option<Format>,
    fact_frames: Option<u32>,
    data64: Option<u64>,
    data: Option<Data>,
}

/// Reads the structure of a WAVE file of `len` bytes.
pub(crate) fn read(walk: &mut Walk<'_>, len: u64) -> io::Result<Structure<BlockLayout>> {
    let mut findings = Findings::default();
    let chunks = read_chunks(walk, len, &mut findings)?;
    let parsed = match (chunks.format, chunks.data) {
        (None, _) => Parsed::Broken("the file has no usable `fmt ` chunk"),
        (Some(_), None) => {
            findings.add(FindingCode::Truncated, "the file ends before its sound begins");
            Parsed::Broken("the file has no `data` chunk")
        }
        (Some(format), Some(data)) => layout(format, data, chunks.fact_frames),
    };
    Ok(Structure { parsed, findings })
}

fn read_chunks(walk: &mut Walk<'_>, len: u64, findings: &mut Findings) -> io::Result<Chunks> {
    let mut chunks = Chunks::default();
    let mut at = 12_u64;
    // A real file has a handful of chunks; a crafted one may have millions of empty ones.
    for _ in 0..1_000 {
        let header = walk.peek(at, 8)?;
        let (Some(id), Some(size)) = (array::<4>(header, 0), le32(header, 4)) else { break };
        let body = at.saturating_add(8);
        if chunks.data.is_some() && !id.iter().all(|b| (0x20..0x7F).contains(b)) {
            break;
        }
        let mut size = u64::from(size);
        match &id {
            b"ds64" => chunks.data64 = array(walk.peek(body, 16)?, 8).map(u64::from_le_bytes),
            b"fmt " => {
                let fmt = walk.peek(body, usize::try_from(size.min(64)).unwrap_or(64))?;
                chunks.format = chunks.format.or_else(|| read_format(fmt));
            }
            b"fact" => chunks.fact_frames = le32(walk.peek(body, 4)?, 0),
            b"data" if chunks.data.is_none() => {
                let data = read_data(body, size, chunks.data64, len, findings);
                chunks.data = Some(data);
                size = data.len;
            }
            _ => {}
        }
        at = body.saturating_add(size).saturating_add(size & 1);
    }
    // A missing pad byte after the last chunk is common and harmless.
    if chunks.data.is_some() && at < len {
        findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the last chunk", len - at));
    }
    Ok(chunks)
}

fn read_data(start: u64, claimed: u64, data64: Option<u64>, len: u64, findings: &mut Findings) -> Data {
    let there = len.saturating_sub(start);
    let unknown = u64::from(u32::MAX);
    let claimed = if claimed == unknown { data64.unwrap_or(claimed) } else { claimed };
    if claimed == unknown || (claimed == 0 && there > 0) {
        findings.add(
            FindingCode::Truncated,
            "the recorder never finished the file: the length of the sound is not filled in",
        );
        return Data { start, len: there, header_is_true: false };
    }
    if claimed > there {
        let missing = claimed - there;
        findings.add(FindingCode::Truncated, format!("{missing} of {claimed} bytes of sound are missing"));
    }
    Data { start, len: claimed.min(there), header_is_true: true }
}

fn read_format(fmt: &[u8]) -> Option<Format> {
    const EXTENSIBLE: u16 = 0xFFFE;
    let tag = le16(fmt, 0)?;
    let tag = if tag == EXTENSIBLE { le16(fmt, 24)? } else { tag };
    Some(Format {
        tag,
        channels: le16(fmt, 2)?,
        rate_hz: le32(fmt, 4)?,
        block_align: le16(fmt, 12)?,
        bits: le16(fmt, 14)?,
        frames_per_block: le16(fmt, 18).unwrap_or(0),
    })
}

fn layout(format: Format, data: Data, fact_frames: Option<u32>) -> Parsed<BlockLayout> {
    let codec = match codec_of(format.tag) {
        Ok(codec) => codec,
        Err(codec) => return Parsed::Unsupported(codec),
    };
    if format.channels == 0 || format.rate_hz == 0 {
        return Parsed::Broken("the header gives no channels or no sample rate");
    }
    let mut rate_hz = format.rate_hz;
    let mut pcm = PcmForm::NONE;
    let channels = u32::from(format.channels);
    let align = u32::from(format.block_align);
    let (block_bytes, frames_per_block) = match codec {
        Codec::Pcm => {
            pcm = PcmForm { bits: format.bits, float: format.tag == 3, big_endian: false, signed: format.bits > 8 };
            if !matches!((pcm.bits, pcm.float), (8 | 16 | 24 | 32, false) | (32 | 64, true)) {
                return Parsed::Unsupported(Codec::Other);
            }
            (u32::from(pcm.bits / 8).saturating_mul(channels), 1)
        }
        Codec::Alaw | Codec::Mulaw => (channels, 1),
        Codec::G722 => {
            // Some writers put the RTP clock (8000) here; G.722 is always sampled at 16 kHz.
            rate_hz = 16_000;
            (channels, 2)
        }
        Codec::Gsm => (65, 320),
        Codec::ImaAdpcm => (align, align.saturating_sub(4 * channels).saturating_mul(2) / channels + 1),
        Codec::MsAdpcm => (align, align.saturating_sub(7 * channels).saturating_mul(2) / channels + 2),
        _ => (1, 1),
    };
    if matches!(codec, Codec::Gsm | Codec::G722) && format.channels != 1 {
        return Parsed::Unsupported(codec);
    }
    let minimum = match codec {
        Codec::ImaAdpcm => 4 * channels,
        Codec::MsAdpcm => 7 * channels,
        _ => 0,
    };
    if block_bytes <= minimum || (minimum > 0 && format.bits != 4) {
        return Parsed::Broken("the header's block size does not fit its coding");
    }
    // Writers of ADPCM may use fewer frames of a block than fit in.
    let frames_per_block = match u32::from(format.frames_per_block) {
        told if minimum > 0 && told > 0 && told < frames_per_block => told,
        _ => frames_per_block,
    };
    Parsed::Sound(BlockLayout {
        codec,
        pcm,
        channels: format.channels,
        rate_hz,
        block_bytes,
        frames_per_block,
        data_start: data.start,
        data_len: data.len,
        claimed_frames: fact_frames.map(u64::from).filter(|frames| *frames > 0 && frames_per_block > 1),
        header_is_true: data.header_is_true,
    })
}

/// `Err` holds a coding that we know by name and do not decode.
fn codec_of(tag: u16) -> Result<Codec, Codec> {
    match tag {
        0x0001 | 0x0003 => Ok(Codec::Pcm),
        0x0002 => Ok(Codec::MsAdpcm),
        0x0006 => Ok(Codec::Alaw),
        0x0007 => Ok(Codec::Mulaw),
        0x0011 => Ok(Codec::ImaAdpcm),
        0x0031 | 0x0032 => Ok(Codec::Gsm),
        0x0055 => Ok(Codec::Mp3),
        0x0065 | 0x028F => Ok(Codec::G722),
        0x0050 => Err(Codec::Mp2),
        0x0014 | 0x0040 | 0x0045 | 0x0064 | 0x0085 | 0x0140 => Err(Codec::G726),
        0x0042 | 0x0059 | 0x0111 | 0x0123 => Err(Codec::G723),
        0x0083 | 0x0133 => Err(Codec::G729),
        0x0160..=0x0163 => Err(Codec::Wma),
        0x0038 | 0xA109 => Err(Codec::Speex),
        0x0057 | 0x0058 | 0x0136 | 0x7361 | 0x7362 => Err(Codec::Amr),
        _ => Err(Codec::Other),
    }
}
