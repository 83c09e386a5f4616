//! The whole check of one recording: recognise, decode everything, measure, judge.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::decode::{Decoding, to_ms};
use super::facts::{Facts, Finding, FindingCode, Findings, Inspection};
use super::kinds::{Codec, Container};
use super::levels::{Measured, Meter};
use super::open::open;
use super::opened::{About, Opening};
use super::source::Source;

/// What the sender said about the recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Expectations {
    /// Length in milliseconds.
    pub duration_ms: Option<u64>,
}

/// How far an inspection goes.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// The longest recording that is decoded, in seconds of sound.
    pub max_sound_s: u64,
    /// Asked between packets; `true` ends the inspection with the finding `decode-error`.
    pub stop: &'a (dyn Fn() -> bool + Sync),
}

impl Default for Limits<'_> {
    fn default() -> Self {
        Self { max_sound_s: 24 * 3_600, stop: &|| false }
    }
}

/// Why there is no inspection.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no audio, or too few consecutive frames of MPEG audio: 415.
    #[error("the content is not recognised as audio")]
    NotAudio,
    /// The source could not be read: our fault, not the sender's.
    #[error("the recording could not be read: {0}")]
    Read(#[from] std::io::Error),
}

impl Refusal {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAudio => "not-audio",
            Self::Read(_) => "internal",
        }
    }
}

/// Checks a recording of `byte_len` bytes: decodes all of it once. Blocking, and as long as decoding takes.
///
/// Memory is bounded by what a decoder asks for in one packet; a crafted file can make that much, so that untrusted ones
/// go through [`Supervisor`](super::Supervisor), which does this in a process with limits.
///
/// # Errors
/// [`Refusal`]: not audio at all, or the source could not be read. Everything else is a finding.
pub fn inspect(
    source: impl Source,
    byte_len: u64,
    expectations: &Expectations,
    limits: &Limits<'_>,
) -> Result<Inspection, Refusal> {
    let opened = catch_unwind(AssertUnwindSafe(|| open(Box::new(source), byte_len)));
    let opening = match opened {
        Ok(opening) => opening?,
        Err(_) => {
            let finding = Finding::new(FindingCode::DecodeError, "the reader gave up on a malformed header");
            return Ok(Inspection::undecoded(Container::Mp4, Codec::Other, byte_len, finding));
        }
    };
    let decoding = match opening {
        Opening::NotAudio => return Err(Refusal::NotAudio),
        Opening::Closed(container, codec, findings) => return Ok(closed(container, codec, byte_len, findings)),
        Opening::Open(opened) => match catch_unwind(AssertUnwindSafe(|| Decoding::new(opened))) {
            Ok(Ok(decoding)) => decoding,
            Ok(Err((about, findings))) => return Ok(closed(about.container, about.codec, byte_len, findings)),
            Err(_) => {
                let finding = Finding::new(FindingCode::DecodeError, "the decoder gave up on a malformed header");
                return Ok(Inspection::undecoded(Container::Mp4, Codec::Other, byte_len, finding));
            }
        },
    };
    Ok(run(decoding, byte_len, expectations, limits))
}

fn closed(container: Container, codec: Codec, byte_len: u64, findings: Findings) -> Inspection {
    let finding = Finding::new(FindingCode::DecodeError, "nothing could be decoded");
    let mut inspection = Inspection::undecoded(container, codec, byte_len, finding);
    let findings = findings.into_vec();
    if !findings.is_empty() {
        inspection.findings = findings;
    }
    inspection.facts.plays_in_browser = codec.plays_in_browser(container);
    inspection
}

fn run(mut decoding: Decoding<'_>, byte_len: u64, expectations: &Expectations, limits: &Limits<'_>) -> Inspection {
    let mut meter = None;
    while decoding.advance() {
        let (rate_hz, channels) = (decoding.rate_hz(), decoding.channels());
        let clip_level = decoding.about().codec.clip_level();
        meter.get_or_insert_with(|| Meter::new(rate_hz, channels, clip_level)).push(&decoding.planes());
        if decoding.frames() / u64::from(rate_hz.max(1)) >= limits.max_sound_s {
            let detail = format!("longer than the {} s that are decoded at most", limits.max_sound_s);
            decoding.findings().add(FindingCode::DecodeError, detail);
            break;
        }
        if (limits.stop)() {
            decoding.findings().add(FindingCode::DecodeError, "the check did not finish in its time");
            break;
        }
    }
    let (rate_hz, channels, frames) = (decoding.rate_hz(), decoding.channels(), decoding.frames());
    let (about, mut findings) = decoding.finish();
    let measured = meter.unwrap_or_else(|| Meter::new(1, 0, 1.0)).finish();
    let duration_ms = to_ms(frames, rate_hz);
    judge_length(duration_ms, &about, expectations, &mut findings);
    judge_sound(&measured, frames, channels, &mut findings);
    let facts = facts(&about, byte_len, (rate_hz, channels, frames), duration_ms, &measured);
    Inspection { facts, findings: findings.into_vec(), waveform: measured.waveform }
}

fn facts(about: &About, byte_len: u64, sound: (u32, u16, u64), duration_ms: u64, measured: &Measured) -> Facts {
    let (sample_rate_hz, channels, frames) = sound;
    Facts {
        container: about.container,
        codec: about.codec,
        sample_rate_hz,
        channels,
        duration_ms,
        frames,
        byte_len,
        bits_per_sample: about.bits,
        levels: measured.levels.clone(),
        silence_share: measured.silence_share,
        clipped_samples: measured.clipped_samples,
        plays_in_browser: about.header_is_true && about.codec.plays_in_browser(about.container),
        media_type: about.container.media_type().to_owned(),
    }
}

fn judge_length(duration_ms: u64, about: &About, expectations: &Expectations, findings: &mut Findings) {
    if let Some(expected) = expectations.duration_ms {
        let off = expected.abs_diff(duration_ms);
        if off > 1_000 && off.saturating_mul(20) > expected {
            let detail = format!("{duration_ms} ms of sound, reported as {expected} ms");
            findings.add(FindingCode::DurationMismatch, detail);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "compared to whole seconds")]
    if about.promised_ms.is_some_and(|promised| promised - duration_ms as f64 > 1_000.0) {
        findings.add(FindingCode::Truncated, "the sound is shorter than the file says");
    }
    if duration_ms < 1_000 && duration_ms > 0 {
        findings.add(FindingCode::TooShort, format!("{duration_ms} ms"));
    }
}

/// −60 dBFS: below it a channel carries nothing.
const DEAD_DBFS: f32 = -60.0;
/// −50 dBFS: above it a channel carries something.
const ALIVE_DBFS: f32 = -50.0;

fn judge_sound(measured: &Measured, frames: u64, channels: u16, findings: &mut Findings) {
    if frames == 0 {
        return;
    }
    if measured.silence_share >= 0.99 {
        findings.add(FindingCode::Silent, "less than one part in a hundred rises above −50 dBFS");
    }
    let dead = measured.levels.iter().filter(|level| level.peak_dbfs < DEAD_DBFS).count();
    let alive = measured.levels.iter().any(|level| level.peak_dbfs > ALIVE_DBFS);
    if dead > 0 && alive {
        findings.add(FindingCode::ChannelMissing, format!("{dead} of {channels} channels are silent"));
    }
    let samples = frames.saturating_mul(u64::from(channels));
    if measured.clipped_samples.saturating_mul(1_000) > samples {
        let detail = format!("{} of {samples} samples are at full scale", measured.clipped_samples);
        findings.add(FindingCode::Clipping, detail);
    }
}
