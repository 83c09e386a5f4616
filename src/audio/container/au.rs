//! Sun/NeXT audio: a 24-byte header, then the sound. All numbers are big-endian.

use std::io;

use super::{BlockLayout, Parsed, PcmForm, Structure};
use crate::audio::facts::{FindingCode, Findings};
use crate::audio::kinds::Codec;
use crate::audio::source::{Walk, be32};

/// Reads the structure of an AU file of `len` bytes.
pub(crate) fn read(walk: &mut Walk<'_>, len: u64) -> io::Result<Structure<BlockLayout>> {
    let header = walk.peek(0, 24)?;
    let field = |n: usize| be32(header, n * 4);
    let (Some(start), Some(claimed), Some(coding), Some(rate_hz), Some(channels)) =
        (field(1), field(2), field(3), field(4), field(5))
    else {
        return Ok(Structure::plain(Parsed::Broken("the file ends within its header")));
    };
    let mut findings = Findings::default();
    let start = u64::from(start.max(24));
    let there = len.saturating_sub(start);
    let mut data_len = there;
    // u32::MAX is the form's own way to say that the writer could not go back, as in a pipe.
    if claimed != u32::MAX {
        let claimed = u64::from(claimed);
        if claimed > there {
            findings
                .add(FindingCode::Truncated, format!("{} of {claimed} bytes of sound are missing", claimed - there));
        } else if claimed == 0 && there > 0 {
            findings.add(FindingCode::Truncated, "the recorder never finished the file");
        } else if claimed < there {
            findings.add(FindingCode::TrailingGarbage, format!("{} bytes after the sound", there - claimed));
            data_len = claimed;
        }
    }
    let Some((codec, pcm, bytes)) = coding_of(coding) else {
        let codec = if (23..=26).contains(&coding) { Codec::G726 } else { Codec::Other };
        return Ok(Structure { parsed: Parsed::Unsupported(codec), findings });
    };
    let (Ok(channels), true) = (u16::try_from(channels), channels > 0 && rate_hz > 0) else {
        return Ok(Structure { parsed: Parsed::Broken("the header gives no channels or no sample rate"), findings });
    };
    let layout = BlockLayout {
        codec,
        pcm,
        channels,
        rate_hz,
        block_bytes: bytes.saturating_mul(u32::from(channels)),
        frames_per_block: 1,
        data_start: start,
        data_len,
        claimed_frames: None,
        header_is_true: true,
    };
    Ok(Structure { parsed: Parsed::Sound(layout), findings })
}

fn coding_of(coding: u32) -> Option<(Codec, PcmForm, u32)> {
    let pcm =
        |bits: u16, float| (Codec::Pcm, PcmForm { bits, float, big_endian: true, signed: true }, u32::from(bits / 8));
    Some(match coding {
        1 => (Codec::Mulaw, PcmForm::NONE, 1),
        27 => (Codec::Alaw, PcmForm::NONE, 1),
        2 => pcm(8, false),
        3 => pcm(16, false),
        4 => pcm(24, false),
        5 => pcm(32, false),
        6 => pcm(32, true),
        7 => pcm(64, true),
        _ => return None,
    })
}
