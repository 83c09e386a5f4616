//! Decoding an opened recording, piece by piece, whatever its form; panics in a decoder end here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::errors::Error;
use symphonia::core::formats::{SeekMode, SeekTo};
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use super::codec::{self, SbrWatch};
use super::facts::{FindingCode, Findings};
use super::kinds::Codec;
use super::opened::{About, Opened, is_eof};

/// More per packet than any real coding has; a decoder makes its buffers as large as this says.
const MAX_FRAMES_PER_PACKET: u64 = 131_072;
/// Rates and channels of real recordings.
const RATES_HZ: std::ops::RangeInclusive<u32> = 4_000..=192_000;
const CHANNELS: std::ops::RangeInclusive<usize> = 1..=8;
/// Errors after which decoding is given up: the finding is there already.
const MAX_ERRORS: u32 = 1_000;

/// A recording that is being decoded.
pub(crate) struct Decoding<'s> {
    opened: Box<Opened<'s>>,
    decoder: Box<dyn AudioDecoder>,
    planes: Vec<Vec<f32>>,
    /// The part of `planes` that is to be heard.
    heard: std::ops::Range<usize>,
    rate_hz: u32,
    channels: u16,
    to_skip: u64,
    to_take: Option<u64>,
    frames: u64,
    next_ts: Option<Timestamp>,
    packet_bytes: u64,
    errors: u32,
    sbr: SbrWatch,
}

/// What one step of decoding brought.
enum Piece {
    Sound,
    Nothing,
    End,
}

impl<'s> Decoding<'s> {
    /// Makes the decoder, after a look at what the header asks for. `Err` gives back what was found.
    pub(crate) fn new(mut opened: Box<Opened<'s>>) -> Result<Self, (About, Findings)> {
        let params = &opened.params;
        let plausible = params.sample_rate.is_none_or(|rate| RATES_HZ.contains(&rate))
            && params.channels.as_ref().is_none_or(|c| CHANNELS.contains(&c.count()))
            && params.max_frames_per_packet.is_none_or(|n| n <= MAX_FRAMES_PER_PACKET);
        if !plausible {
            let mut findings = std::mem::take(&mut opened.findings);
            findings
                .add(FindingCode::DecodeError, "the header asks for a rate, channels or packets that no recording has");
            return Err((opened.about, findings));
        }
        match codec::make(params) {
            Ok(decoder) => Ok(Self {
                opened,
                decoder,
                planes: Vec::new(),
                heard: 0..0,
                rate_hz: 0,
                channels: 0,
                to_skip: 0,
                to_take: None,
                frames: 0,
                next_ts: None,
                packet_bytes: 0,
                errors: 0,
                sbr: SbrWatch::default(),
            }),
            Err(error) => {
                let mut findings = std::mem::take(&mut opened.findings);
                let code = match error {
                    Error::Unsupported(_) => FindingCode::UnsupportedCodec,
                    _ => FindingCode::DecodeError,
                };
                findings.add(code, format!("no decoder for it: {error}"));
                Err((opened.about, findings))
            }
        }
    }

    /// Decodes on until there is sound; `false` at the end.
    pub(crate) fn advance(&mut self) -> bool {
        loop {
            if self.to_take == Some(0) {
                return false;
            }
            match catch_unwind(AssertUnwindSafe(|| self.step())) {
                Ok(Piece::Sound) => return true,
                Ok(Piece::Nothing) if self.errors <= MAX_ERRORS => {}
                Ok(Piece::Nothing | Piece::End) => return false,
                Err(_) => {
                    self.findings().add(FindingCode::DecodeError, "the decoder gave up on malformed sound");
                    return false;
                }
            }
        }
    }

    /// The sound of the last step, one slice per channel.
    pub(crate) fn planes(&self) -> Vec<&[f32]> {
        self.planes.iter().map(|plane| plane.get(self.heard.clone()).unwrap_or_default()).collect()
    }

    /// Frames per second; 0 before any sound.
    pub(crate) const fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Channels; 0 before any sound.
    pub(crate) const fn channels(&self) -> u16 {
        self.channels
    }

    /// Frames to be heard so far.
    pub(crate) const fn frames(&self) -> u64 {
        self.frames
    }

    /// What the structure said.
    pub(crate) const fn about(&self) -> &About {
        &self.opened.about
    }

    /// What was found so far.
    pub(crate) fn findings(&mut self) -> &mut Findings {
        &mut self.opened.findings
    }

    /// Jumps to a frame, where the form allows it cheaply; gives the frame at which decoding goes on.
    pub(crate) fn jump(&mut self, frame: u64) -> u64 {
        let ts = Timestamp::new(i64::try_from(frame).unwrap_or(i64::MAX));
        let track_id = self.opened.track_id;
        if !self.opened.about.seekable || frame == 0 {
            return 0;
        }
        match self.opened.reader.seek(SeekMode::Accurate, SeekTo::Timestamp { ts, track_id }) {
            Ok(seeked) => u64::try_from(seeked.actual_ts.get()).unwrap_or(0),
            Err(_) => 0,
        }
    }

    /// The verdicts that only the end allows; gives what was found in all.
    pub(crate) fn finish(mut self) -> (About, Findings) {
        let verified = catch_unwind(AssertUnwindSafe(|| self.decoder.finalize().verify_ok)).unwrap_or(Some(false));
        let mut about = self.opened.about.clone();
        let findings = &mut self.opened.findings;
        if verified == Some(false) {
            findings.add(FindingCode::DecodeError, "the sound does not have the check sum that the file gives for it");
        }
        if about.promised_frames.is_some_and(|promised| self.frames < promised) {
            findings.add(FindingCode::Truncated, "the file holds fewer frames than its header says");
        }
        if let Some(bytes) = about.packet_bytes.and_then(|all| all.checked_sub(self.packet_bytes)).filter(|n| *n > 0) {
            findings.add(FindingCode::TrailingGarbage, format!("{bytes} bytes that belong to no frame"));
        }
        if self.frames == 0 {
            findings.add(FindingCode::Truncated, "the file holds no sound at all");
        }
        if about.codec == Codec::Aac && self.sbr.is_sbr() {
            about.codec = Codec::HeAac;
            findings.add(FindingCode::UnsupportedCodec, "the archive cannot decode HE-AAC, only its core");
        }
        (about, std::mem::take(&mut self.opened.findings))
    }

    fn step(&mut self) -> Piece {
        let packet = match self.opened.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Piece::End,
            Err(Error::ResetRequired) => return self.chained(),
            Err(error) => return self.broken_read(&error),
        };
        if packet.track_id != self.opened.track_id {
            return Piece::Nothing;
        }
        self.packet_bytes = self.packet_bytes.saturating_add(packet.data.len() as u64);
        if self.opened.about.codec == Codec::Aac {
            self.sbr.look(&packet.data);
        }
        self.follow(&packet);
        match self.decoder.decode(&packet) {
            Ok(buffer) => {
                let (rate, channels) = (buffer.spec().rate(), buffer.spec().channels().count());
                buffer.copy_to_vecs_planar(&mut self.planes);
                self.take_in(rate, channels)
            }
            Err(Error::ResetRequired) => self.chained(),
            Err(error) => {
                self.errors += 1;
                self.findings().add(FindingCode::DecodeError, format!("a packet cannot be decoded: {error}"));
                Piece::Nothing
            }
        }
    }

    /// Time stamps that do not follow one another show what a reader left out in silence.
    fn follow(&mut self, packet: &Packet) {
        if self.opened.about.continuous && self.next_ts.is_some_and(|expected| expected != packet.pts) {
            self.findings().add(FindingCode::DecodeError, "the time stamps have a gap: part of the sound is missing");
        }
        self.next_ts = packet.pts.checked_add(packet.block_dur());
    }

    fn take_in(&mut self, rate_hz: u32, channels: usize) -> Piece {
        let count = self.planes.first().map_or(0, Vec::len);
        if count == 0 || channels == 0 {
            return Piece::Nothing;
        }
        if self.rate_hz == 0 {
            self.rate_hz = rate_hz;
            self.channels = u16::try_from(channels).unwrap_or(0);
            let scale = match self.opened.about.trim_scale {
                0 => rate_hz,
                scale => scale,
            };
            let in_frames =
                |ticks: u64| u64::try_from(u128::from(ticks) * u128::from(rate_hz) / u128::from(scale)).ok();
            self.to_skip = in_frames(self.opened.about.skip).unwrap_or(0);
            self.to_take = self.opened.about.take.and_then(in_frames);
        }
        if rate_hz != self.rate_hz || channels != usize::from(self.channels) {
            self.findings().add(FindingCode::DecodeError, "rate or channels change in the middle");
            return Piece::End;
        }
        let skipped = usize::try_from(self.to_skip).unwrap_or(usize::MAX).min(count);
        self.to_skip -= skipped as u64;
        let left = count - skipped;
        let taken = self.to_take.map_or(left, |take| usize::try_from(take).unwrap_or(usize::MAX).min(left));
        self.to_take = self.to_take.map(|take| take - taken as u64);
        self.frames = self.frames.saturating_add(taken as u64);
        self.heard = skipped..skipped + taken;
        if taken == 0 { Piece::Nothing } else { Piece::Sound }
    }

    /// A chained Ogg file: another stream begins, and with it another decoder.
    fn chained(&mut self) -> Piece {
        let track = self.opened.reader.tracks().iter().find_map(|track| {
            let params = track.codec_params.as_ref()?.audio()?.clone();
            Some((track.id, params))
        });
        self.errors += 1;
        self.next_ts = None;
        // Browsers play the first stream and stop, as if its header told all there is.
        self.opened.about.header_is_true = false;
        let Some((track_id, params)) = track else { return Piece::End };
        match codec::make(&params) {
            Ok(decoder) => {
                (self.opened.track_id, self.opened.params, self.decoder) = (track_id, params, decoder);
                Piece::Nothing
            }
            Err(error) => {
                self.findings().add(FindingCode::DecodeError, format!("a second stream cannot be decoded: {error}"));
                Piece::End
            }
        }
    }

    fn broken_read(&mut self, error: &Error) -> Piece {
        if is_eof(error) {
            if !self.opened.about.open_ended {
                self.findings().add(FindingCode::Truncated, "the file ends in the middle of a packet");
            }
            return Piece::End;
        }
        self.findings().add(FindingCode::DecodeError, format!("the file cannot be read on: {error}"));
        Piece::End
    }
}

/// Frames at a rate as milliseconds, rounded.
pub(crate) fn to_ms(frames: u64, rate_hz: u32) -> u64 {
    let rate = u128::from(rate_hz.max(1));
    u64::try_from((u128::from(frames) * 1_000 + rate / 2) / rate).unwrap_or(u64::MAX)
}
