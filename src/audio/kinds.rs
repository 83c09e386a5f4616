//! The names of file forms and codings.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The form of a recording's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// RIFF WAVE.
    Wav,
    /// RIFF WAVE with 64-bit sizes (EBU Tech 3306, and BW64 of ITU-R BS.2088).
    Rf64,
    /// Sony Wave64.
    W64,
    /// Sun/NeXT audio.
    Au,
    /// Apple AIFF and AIFF-C.
    Aiff,
    /// Apple Core Audio.
    Caf,
    /// Native FLAC (RFC 9639).
    Flac,
    /// Ogg (RFC 3533).
    Ogg,
    /// Bare MPEG audio frames (ISO/IEC 11172-3 and 13818-3), ID3 tags or not.
    Mpeg,
    /// Bare AAC frames (ADTS).
    Adts,
    /// ISO base media file: MP4, M4A, 3GP, fragmented or not.
    Mp4,
    /// WebM.
    Webm,
    /// Matroska.
    Matroska,
    /// Bare GSM 06.10 frames of 33 bytes.
    Gsm,
    /// AMR or AMR-WB storage format (RFC 4867 section 5).
    Amr,
    /// Advanced Systems Format (Windows Media).
    Asf,
}

impl Container {
    /// The media type (RFC 6838) by which such a file is served.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Wav | Self::Rf64 => "audio/wav",
            Self::W64 => "audio/x-w64",
            Self::Au => "audio/basic",
            Self::Aiff => "audio/aiff",
            Self::Caf => "audio/x-caf",
            Self::Flac => "audio/flac",
            Self::Ogg => "audio/ogg",
            Self::Mpeg => "audio/mpeg",
            Self::Adts => "audio/aac",
            Self::Mp4 => "audio/mp4",
            Self::Webm => "audio/webm",
            Self::Matroska => "audio/matroska",
            Self::Gsm => "audio/gsm",
            Self::Amr => "audio/amr",
            Self::Asf => "audio/x-ms-wma",
        }
    }

    /// What the name of such a file ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Wav | Self::Rf64 => "wav",
            Self::W64 => "w64",
            Self::Au => "au",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Mpeg => "mp3",
            Self::Adts => "aac",
            Self::Mp4 => "m4a",
            Self::Webm => "webm",
            Self::Matroska => "mka",
            Self::Gsm => "gsm",
            Self::Amr => "amr",
            Self::Asf => "wma",
        }
    }
}

/// The coding of the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Codec {
    /// Linear PCM, whole numbers or floating point.
    Pcm,
    /// G.711 A-law.
    Alaw,
    /// G.711 µ-law.
    Mulaw,
    /// IMA ADPCM in WAV.
    ImaAdpcm,
    /// Microsoft ADPCM.
    MsAdpcm,
    /// GSM 06.10 full rate.
    Gsm,
    /// G.722.
    G722,
    /// MPEG layer III.
    Mp3,
    /// AAC low complexity.
    Aac,
    /// AAC with spectral band replication: only its core can be decoded.
    HeAac,
    /// Opus.
    Opus,
    /// Vorbis.
    Vorbis,
    /// FLAC.
    Flac,
    /// Apple lossless.
    Alac,
    /// MPEG layer I or II: not decoded.
    Mp2,
    /// AMR or AMR-WB: not decoded.
    Amr,
    /// Speex: not decoded.
    Speex,
    /// G.723.1: not decoded.
    G723,
    /// G.726: not decoded.
    G726,
    /// G.729: not decoded.
    G729,
    /// Windows Media Audio: not decoded.
    Wma,
    /// Audio in a coding without a name here: not decoded.
    Other,
}

impl Codec {
    /// The field's usual name, for texts.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pcm => "PCM",
            Self::Alaw => "G.711 A-law",
            Self::Mulaw => "G.711 µ-law",
            Self::ImaAdpcm => "IMA ADPCM",
            Self::MsAdpcm => "Microsoft ADPCM",
            Self::Gsm => "GSM 06.10",
            Self::G722 => "G.722",
            Self::Mp3 => "MP3",
            Self::Aac => "AAC",
            Self::HeAac => "HE-AAC",
            Self::Opus => "Opus",
            Self::Vorbis => "Vorbis",
            Self::Flac => "FLAC",
            Self::Alac => "ALAC",
            Self::Mp2 => "MPEG layer I or II",
            Self::Amr => "AMR",
            Self::Speex => "Speex",
            Self::G723 => "G.723.1",
            Self::G726 => "G.726",
            Self::G729 => "G.729",
            Self::Wma => "Windows Media Audio",
            Self::Other => "an unknown coding",
        }
    }

    /// Whether present browsers play this coding in this form (tried in Chromium; `canPlayType` is no help).
    pub const fn plays_in_browser(self, container: Container) -> bool {
        match container {
            Container::Wav | Container::Rf64 => matches!(self, Self::Pcm | Self::Alaw | Self::Mulaw | Self::Mp3),
            Container::Flac | Container::Mpeg | Container::Adts => {
                matches!(self, Self::Flac | Self::Mp3 | Self::Aac | Self::HeAac)
            }
            Container::Ogg => matches!(self, Self::Opus | Self::Vorbis | Self::Flac),
            Container::Webm => matches!(self, Self::Opus | Self::Vorbis),
            Container::Mp4 => matches!(self, Self::Aac | Self::HeAac | Self::Mp3 | Self::Opus | Self::Flac),
            _ => false,
        }
    }

    /// The value from which a sample counts as clipped, relative to a full scale of 1: companded codings do not reach 1.
    pub(crate) const fn clip_level(self) -> f32 {
        match self {
            Self::Alaw => 0.984,
            Self::Mulaw => 0.980,
            Self::Gsm => 0.9997,
            _ => 0.9999,
        }
    }
}
