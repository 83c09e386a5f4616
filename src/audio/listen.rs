//! The listening copy: any decodable recording as WAV with 16-bit PCM, whose every byte has its place before any is made.

use std::io::{self, Read};
use std::ops::Range;

use super::decode::Decoding;
use super::facts::Facts;
use super::open::open;
use super::opened::Opening;
use super::source::Source;

/// Bytes before the first sample: RIFF, or RF64 above 4 GiB.
const RIFF_HEADER: u64 = 44;
const RF64_HEADER: u64 = 80;

fn data_len(facts: &Facts) -> u64 {
    facts.frames.saturating_mul(frame_bytes(facts))
}

fn frame_bytes(facts: &Facts) -> u64 {
    u64::from(facts.channels.max(1)) * 2
}

fn is_rf64(facts: &Facts) -> bool {
    data_len(facts) > u64::from(u32::MAX) - RIFF_HEADER
}

/// Length of the listening copy in bytes, known without decoding anything.
pub fn wav_len(facts: &Facts) -> u64 {
    data_len(facts).saturating_add(if is_rf64(facts) { RF64_HEADER } else { RIFF_HEADER })
}

/// The listening copy's header: RIFF WAVE, or RF64 (EBU Tech 3306) when it is larger than RIFF can say.
pub fn wav_header(facts: &Facts) -> Vec<u8> {
    let data = data_len(facts);
    let align = u16::try_from(frame_bytes(facts)).unwrap_or(2);
    let rf64 = is_rf64(facts);
    let small = |len: u64| u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes();
    let riff_len = wav_len(facts).saturating_sub(8);
    let mut header = Vec::with_capacity(80);
    header.extend(if rf64 { b"RF64" } else { b"RIFF" });
    header.extend(if rf64 { u32::MAX.to_le_bytes() } else { small(riff_len) });
    header.extend(b"WAVE");
    if rf64 {
        header.extend(b"ds64");
        header.extend(28_u32.to_le_bytes());
        header.extend(riff_len.to_le_bytes());
        header.extend(data.to_le_bytes());
        header.extend(facts.frames.to_le_bytes());
        header.extend(0_u32.to_le_bytes());
    }
    header.extend(b"fmt ");
    header.extend(16_u32.to_le_bytes());
    header.extend(1_u16.to_le_bytes());
    header.extend(facts.channels.max(1).to_le_bytes());
    header.extend(facts.sample_rate_hz.to_le_bytes());
    header.extend(facts.sample_rate_hz.saturating_mul(u32::from(align)).to_le_bytes());
    header.extend(align.to_le_bytes());
    header.extend(16_u16.to_le_bytes());
    header.extend(b"data");
    header.extend(if rf64 { u32::MAX.to_le_bytes() } else { small(data) });
    header
}

/// Bytes of the listening copy, made while they are read. Blocking: to be read off the async threads.
///
/// The length promise always holds: should decoding bring fewer samples than the facts say, silence follows; what is more is
/// cut off. PCM-like forms are read from where the range begins; of others everything before it is decoded and dropped.
pub struct WavStream {
    header: Vec<u8>,
    range: Range<u64>,
    at: u64,
    decoding: Option<Decoding<'static>>,
    channels: usize,
    /// Samples as bytes, and the place in the copy where they begin.
    ready: Vec<u8>,
    ready_at: u64,
}

impl WavStream {
    /// The bytes `range` of the listening copy of a recording with these facts (from its inspection).
    ///
    /// # Errors
    /// When the source cannot be read, or is not the recording that the facts are about.
    pub fn new(source: Box<dyn Source>, facts: &Facts, range: Range<u64>) -> io::Result<Self> {
        let header = wav_header(facts);
        let range = range.start..range.end.min(wav_len(facts));
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, "the recording cannot be decoded");
        let Opening::Open(opened) = open(source, facts.byte_len)? else { return Err(wrong()) };
        let mut decoding = Decoding::new(opened).map_err(|_| wrong())?;
        let first_frame = range.start.saturating_sub(header.len() as u64) / frame_bytes(facts);
        let begun = decoding.jump(first_frame);
        let ready_at = (header.len() as u64).saturating_add(begun.saturating_mul(frame_bytes(facts)));
        Ok(Self {
            at: range.start,
            range,
            decoding: Some(decoding),
            channels: usize::from(facts.channels.max(1)),
            ready: Vec::new(),
            ready_at,
            header,
        })
    }

    /// Decodes on; afterwards `ready` holds what comes next, or decoding is over.
    fn refill(&mut self) {
        self.ready_at = self.ready_at.saturating_add(self.ready.len() as u64);
        self.ready.clear();
        let Some(decoding) = &mut self.decoding else { return };
        if !decoding.advance() {
            self.decoding = None;
            return;
        }
        let planes = decoding.planes();
        let frames = planes.first().map_or(0, |plane| plane.len());
        self.ready.resize(frames * self.channels * 2, 0);
        for (channel, plane) in planes.iter().take(self.channels).enumerate() {
            let slots = self.ready.chunks_exact_mut(2).skip(channel).step_by(self.channels);
            slots.zip(*plane).for_each(|(slot, sample)| slot.copy_from_slice(&to_s16(*sample).to_le_bytes()));
        }
    }
}

impl Read for WavStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.range.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buf.len());
        let Some(buf) = buf.get_mut(..left).filter(|buf| !buf.is_empty()) else { return Ok(0) };
        let header_rest = usize::try_from(self.at).ok().and_then(|at| self.header.get(at..)).unwrap_or_default();
        let n = if header_rest.is_empty() {
            while self.decoding.is_some() && self.ready_at.saturating_add(self.ready.len() as u64) <= self.at {
                self.refill();
            }
            let from = usize::try_from(self.at.saturating_sub(self.ready_at)).unwrap_or(usize::MAX);
            match self.ready.get(from..).filter(|rest| !rest.is_empty()) {
                Some(rest) => copy(rest, buf),
                None => {
                    buf.fill(0);
                    buf.len()
                }
            }
        } else {
            copy(header_rest, buf)
        };
        self.at = self.at.saturating_add(n as u64);
        Ok(n)
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let n = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..n), to.get_mut(..n)) {
        to.copy_from_slice(from);
    }
    n
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float is cut to the range of the target, which is the intention"
)]
fn to_s16(sample: f32) -> i16 {
    (sample * 32_768.0).round() as i16
}
