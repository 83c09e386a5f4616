//! The sound track of an MP4: its coding, and how much of what is decoded is to be heard (the edit list).

use super::mp4::{BoxAt, child, children};
use crate::audio::kinds::Codec;
use crate::audio::source::{array, be16, be32};

/// What the sound track says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SoundTrack {
    /// The coding.
    pub codec: Codec,
    /// Frames to drop at the beginning (encoder delay), in ticks of `timescale`.
    pub skip_ticks: u64,
    /// Ticks to be heard after that; `None` when the file does not say.
    pub take_ticks: Option<u64>,
    /// Ticks per second of the track.
    pub timescale: u32,
    /// Whether the sound comes in fragments.
    pub fragmented: bool,
    /// Bits per sample, where the coding is lossless.
    pub bits: Option<u16>,
    /// Where the last box ends in the file; garbage may follow.
    pub end: u64,
}

/// Reads the first sound track of a `moov` box's content.
pub(crate) fn read_track(moov: &[u8]) -> Option<SoundTrack> {
    let whole = BoxAt { kind: *b"moov", start: 0, end: moov.len() };
    let movie_scale = child(moov, whole, b"mvhd").and_then(|b| timescale(moov, b))?;
    let fragmented = child(moov, whole, b"mvex").is_some();
    let tracks = children(moov, 0, moov.len()).into_iter().filter(|b| &b.kind == b"trak");
    tracks.filter_map(|trak| read_trak(moov, trak, movie_scale, fragmented)).next()
}

/// Whether every track says that it is something else than sound.
pub(crate) fn is_film(moov: &[u8]) -> bool {
    let tracks = children(moov, 0, moov.len()).into_iter().filter(|b| &b.kind == b"trak");
    let mut handlers = tracks.map(|trak| {
        let hdlr = child(moov, child(moov, trak, b"mdia")?, b"hdlr")?;
        array::<4>(moov, hdlr.start + 8)
    });
    handlers
        .all(|handler| handler.is_some_and(|h| matches!(&h, b"vide" | b"text" | b"sbtl" | b"hint" | b"tmcd" | b"meta")))
}

fn read_trak(moov: &[u8], trak: BoxAt, movie_scale: u32, fragmented: bool) -> Option<SoundTrack> {
    let mdia = child(moov, trak, b"mdia")?;
    let hdlr = child(moov, mdia, b"hdlr")?;
    if array::<4>(moov, hdlr.start + 8)? != *b"soun" {
        return None;
    }
    let timescale = child(moov, mdia, b"mdhd").and_then(|b| timescale(moov, b)).filter(|scale| *scale > 0)?;
    let stbl = child(moov, child(moov, mdia, b"minf")?, b"stbl")?;
    let stsd = child(moov, stbl, b"stsd")?;
    let entry = children(moov, stsd.start + 8, stsd.end).into_iter().next()?;
    let (codec, bits) = coding(moov, entry);
    let edit = child(moov, trak, b"edts").and_then(|edts| child(moov, edts, b"elst"));
    let (skip_ticks, played) = edit.and_then(|b| first_edit(moov, b)).unwrap_or((0, 0));
    let take_ticks = u64::from(timescale).checked_mul(played).and_then(|t| t.checked_div(u64::from(movie_scale)));
    // A fragmented file writes 0 here, or the length of nothing: the sound comes later.
    let take_ticks = take_ticks.filter(|ticks| *ticks > 0 && !fragmented);
    Some(SoundTrack { codec, skip_ticks, take_ticks, timescale, fragmented, bits, end: 0 })
}

/// `mvhd` and `mdhd` both have their time scale here.
fn timescale(moov: &[u8], header: BoxAt) -> Option<u32> {
    let version = *moov.get(header.start)?;
    be32(moov, header.start + if version == 1 { 20 } else { 12 })
}

/// Media time and length (in the movie's ticks) of the first edit that shows anything.
fn first_edit(moov: &[u8], elst: BoxAt) -> Option<(u64, u64)> {
    let version = *moov.get(elst.start)?;
    let count = be32(moov, elst.start + 4)?.min(16);
    (0..usize::try_from(count).ok()?).find_map(|i| {
        let (length, media) = if version == 1 {
            let at = elst.start + 8 + i * 20;
            (array(moov, at).map(u64::from_be_bytes)?, array(moov, at + 8).map(i64::from_be_bytes)?)
        } else {
            let at = elst.start + 8 + i * 12;
            (u64::from(be32(moov, at)?), i64::from(array(moov, at + 4).map(i32::from_be_bytes)?))
        };
        // −1 is an empty edit: silence before the sound.
        u64::try_from(media).ok().map(|media| (media, length))
    })
}

fn coding(moov: &[u8], entry: BoxAt) -> (Codec, Option<u16>) {
    // An audio sample entry has 28 bytes before its boxes; QuickTime's version 1 has 16 more.
    let version = be16(moov, entry.start + 8).unwrap_or(0);
    let boxes_at = entry.start + 28 + if version == 1 { 16 } else { 0 };
    match &entry.kind {
        b"mp4a" => {
            let esds = children(moov, boxes_at, entry.end).into_iter().find(|b| &b.kind == b"esds");
            (esds.and_then(|b| moov.get(b.start..b.end)).map_or(Codec::Other, mpeg4_coding), None)
        }
        b"alac" => {
            let cookie = children(moov, boxes_at, entry.end).into_iter().find(|b| &b.kind == b"alac");
            let bits = cookie.and_then(|b| moov.get(b.start + 9)).map(|bits| u16::from(*bits));
            (Codec::Alac, bits)
        }
        b"fLaC" => (Codec::Flac, be16(moov, entry.start + 18)),
        b"Opus" => (Codec::Opus, None),
        b".mp3" => (Codec::Mp3, None),
        b"samr" | b"sawb" => (Codec::Amr, None),
        _ => (Codec::Other, None),
    }
}

/// The coding from an `esds` box (ISO/IEC 14496-1 clause 7.2.6).
fn mpeg4_coding(esds: &[u8]) -> Codec {
    const DECODER_CONFIG: u8 = 4;
    const DECODER_SPECIFIC: u8 = 5;
    let Some((_, start)) = descriptor(esds, 4) else { return Codec::Other };
    let flags = esds.get(start + 2).copied().unwrap_or(0);
    // Stream dependence, URL and OCR stream id never occur in files; their presence shifts the rest.
    if flags & 0xE0 != 0 {
        return Codec::Other;
    }
    let Some((DECODER_CONFIG, start)) = descriptor(esds, start + 3) else { return Codec::Other };
    match esds.get(start) {
        Some(0x40 | 0x67) => match descriptor(esds, start + 13) {
            Some((DECODER_SPECIFIC, at)) => aac_coding(esds.get(at..).unwrap_or_default()),
            _ => Codec::Aac,
        },
        Some(0x69 | 0x6B) => Codec::Mp3,
        _ => Codec::Other,
    }
}

/// Tag of the descriptor at `at`, and where its content begins.
fn descriptor(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    let tag = *bytes.get(at)?;
    let length_bytes = bytes.get(at + 1..)?.iter().take(4).take_while(|b| **b & 0x80 != 0).count();
    Some((tag, at + 2 + length_bytes.min(3)))
}

/// The coding from an AudioSpecificConfig (ISO/IEC 14496-3 clause 1.6.2).
pub(crate) fn aac_coding(config: &[u8]) -> Codec {
    let bits = |at: usize, n: usize| {
        (at..at + n).fold(0_u32, |sum, i| {
            let byte = config.get(i / 8).copied().unwrap_or(0);
            sum << 1 | u32::from(byte >> (7 - i % 8) & 1)
        })
    };
    let object = bits(0, 5);
    let mut at = if bits(5, 4) == 15 { 33 } else { 9 };
    match object {
        2 => {}
        5 | 29 => return Codec::HeAac,
        _ => return Codec::Other,
    }
    // Channel configuration, then GASpecificConfig without its rare extensions; after it, SBR may be told as an extension.
    at += 4 + 3;
    let told = bits(at, 11) == 0x2B7 && bits(at + 11, 5) == 5 && bits(at + 16, 1) == 1;
    if told { Codec::HeAac } else { Codec::Aac }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audio_specific_config() {
        // AAC-LC 44.1 kHz stereo; explicit HE-AAC; AAC-LC 24 kHz mono with the SBR extension.
        assert_eq!(aac_coding(&[0x12, 0x10]), Codec::Aac);
        assert_eq!(aac_coding(&[0x2B, 0x11, 0x88, 0x00]), Codec::HeAac);
        assert_eq!(aac_coding(&[0x13, 0x08, 0x56, 0xE5, 0x98]), Codec::HeAac);
    }
}
