//! What an inspection says: measured facts, and findings with stable codes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kinds::{Codec, Container};
use super::waveform::Waveform;

/// The lowest level that is ever reported, in dBFS: digital silence has none.
pub const FLOOR_DBFS: f32 = -144.0;

/// All that a full decode of one recording tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Inspection {
    /// What was measured.
    pub facts: Facts,
    /// What is wrong or remarkable, in the order in which it was found; each code at most once.
    pub findings: Vec<Finding>,
    /// The picture of the sound.
    pub waveform: Waveform,
}

impl Inspection {
    /// Whether any finding is a ground for quarantine.
    pub fn is_quarantined(&self) -> bool {
        self.findings.iter().any(|f| f.code.severity() == Severity::Quarantine)
    }

    /// What is known when nothing could be decoded: the length in bytes and one finding.
    pub fn undecoded(container: Container, codec: Codec, byte_len: u64, finding: Finding) -> Self {
        Self { facts: Facts::unknown(container, codec, byte_len), findings: vec![finding], waveform: Waveform::empty() }
    }
}

/// Measured facts about one recording. Everything comes from decoding all of it, never from what its header claims.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Facts {
    /// The file form, told from the content.
    pub container: Container,
    /// The coding of the sound.
    pub codec: Codec,
    /// Frames per second (Hz). 0 when nothing could be decoded.
    pub sample_rate_hz: u32,
    /// Number of channels. 0 when nothing could be decoded.
    pub channels: u16,
    /// Length in milliseconds: frames ÷ rate, rounded. Encoder delay and padding are not counted where the form tells them.
    pub duration_ms: u64,
    /// Frames (one sample per channel each) that were decoded.
    pub frames: u64,
    /// Size of the recording in bytes.
    pub byte_len: u64,
    /// Bits per sample where the coding has such a number (PCM, FLAC, ALAC).
    pub bits_per_sample: Option<u16>,
    /// Levels of each channel, in channel order.
    pub levels: Vec<ChannelLevels>,
    /// Share of the time, 0 to 1, in which no channel rises above −50 dBFS (looked at in steps of 10 ms).
    pub silence_share: f32,
    /// Samples, over all channels, at the highest or lowest value that the coding can express.
    pub clipped_samples: u64,
    /// Whether present browsers play the recording as it is.
    pub plays_in_browser: bool,
    /// The media type (RFC 6838) of the recording as it is.
    pub media_type: String,
}

/// The levels of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChannelLevels {
    /// Greatest absolute sample, in dB relative to full scale; −144 for digital silence.
    pub peak_dbfs: f32,
    /// Root mean square over the whole recording, in dB relative to full scale; −144 for digital silence.
    pub rms_dbfs: f32,
}

impl Facts {
    /// Facts of a recording that could not be decoded.
    pub fn unknown(container: Container, codec: Codec, byte_len: u64) -> Self {
        Self {
            container,
            codec,
            sample_rate_hz: 0,
            channels: 0,
            duration_ms: 0,
            frames: 0,
            byte_len,
            bits_per_sample: None,
            levels: Vec::new(),
            silence_share: 0.0,
            clipped_samples: 0,
            plays_in_browser: false,
            media_type: container.media_type().to_owned(),
        }
    }
}

/// One thing that is wrong or remarkable about a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The stable code.
    pub code: FindingCode,
    /// What was seen, for people; holds no personal data.
    pub detail: String,
}

impl Finding {
    /// A finding with its explanation.
    pub fn new(code: FindingCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }

    /// Whether this is a warning or a ground for quarantine.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Stable codes of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FindingCode {
    /// The recording ends before its form says that it should, or was never finished.
    Truncated,
    /// Part of the recording cannot be decoded, or its check sums do not agree.
    DecodeError,
    /// The recording is audio in a coding that the archive cannot decode, so that nobody can tell whether it is whole.
    UnsupportedCodec,
    /// The length differs from what the sender reported by more than 1 s and 5 %.
    DurationMismatch,
    /// The bytes are not those whose digest the sender gave.
    DigestMismatch,
    /// Hardly anything can be heard.
    Silent,
    /// Shorter than one second.
    TooShort,
    /// More than one sample in a thousand is at full scale.
    Clipping,
    /// There are bytes after the end of the recording that do not belong to it.
    TrailingGarbage,
    /// One channel carries sound while another is silent.
    ChannelMissing,
}

/// What a finding leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The recording is accepted, and the finding kept with it.
    Warning,
    /// The recording is kept, but apart, until somebody decides.
    Quarantine,
}

impl FindingCode {
    /// What this finding leads to.
    pub const fn severity(self) -> Severity {
        match self {
            Self::Truncated
            | Self::DecodeError
            | Self::UnsupportedCodec
            | Self::DurationMismatch
            | Self::DigestMismatch => Severity::Quarantine,
            Self::Silent | Self::TooShort | Self::Clipping | Self::TrailingGarbage | Self::ChannelMissing => {
                Severity::Warning
            }
        }
    }

    /// The code as clients see it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::DecodeError => "decode-error",
            Self::UnsupportedCodec => "unsupported-codec",
            Self::DurationMismatch => "duration-mismatch",
            Self::DigestMismatch => "digest-mismatch",
            Self::Silent => "silent",
            Self::TooShort => "too-short",
            Self::Clipping => "clipping",
            Self::TrailingGarbage => "trailing-garbage",
            Self::ChannelMissing => "channel-missing",
        }
    }
}

/// Keeps the first finding of each code.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds a finding unless its code is there already.
    pub(crate) fn add(&mut self, code: FindingCode, detail: impl Into<String>) {
        if !self.0.iter().any(|f| f.code == code) {
            self.0.push(Finding::new(code, detail));
        }
    }

    /// Whether this code has been found.
    pub(crate) fn has(&self, code: FindingCode) -> bool {
        self.0.iter().any(|f| f.code == code)
    }

    /// Adds all of another list.
    pub(crate) fn extend(&mut self, other: Self) {
        for finding in other.0 {
            self.add(finding.code, finding.detail);
        }
    }

    /// The list.
    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_is_serialised() {
        for code in [
            FindingCode::Truncated,
            FindingCode::DecodeError,
            FindingCode::UnsupportedCodec,
            FindingCode::DurationMismatch,
            FindingCode::DigestMismatch,
            FindingCode::Silent,
            FindingCode::TooShort,
            FindingCode::Clipping,
            FindingCode::TrailingGarbage,
            FindingCode::ChannelMissing,
        ] {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.code()));
        }
    }

    #[test]
    fn each_code_is_kept_once() {
        let mut findings = Findings::default();
        findings.add(FindingCode::Truncated, "first");
        findings.add(FindingCode::Truncated, "second");
        assert!(findings.has(FindingCode::Truncated));
        assert_eq!(findings.into_vec(), vec![Finding::new(FindingCode::Truncated, "first")]);
    }
}
