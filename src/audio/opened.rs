//! A recording that was opened: what decoding begins with.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;

use super::facts::Findings;
use super::kinds::{Codec, Container};

/// What opening led to.
pub(crate) enum Opening<'s> {
    /// Not audio at all.
    NotAudio,
    /// Audio, but nothing of it can be decoded; the findings say why.
    Closed(Container, Codec, Findings),
    /// Ready to be decoded.
    Open(Box<Opened<'s>>),
}

/// A recording that can be decoded, and what its structure says.
pub(crate) struct Opened<'s> {
    /// Gives the packets.
    pub reader: Box<dyn FormatReader + 's>,
    /// The sound's track.
    pub track_id: u32,
    /// For making the decoder.
    pub params: AudioCodecParameters,
    /// What the structure says about it.
    pub about: About,
    /// What is wrong with the structure.
    pub findings: Findings,
}

/// What the structure says about the sound.
#[derive(Debug, Clone)]
pub(crate) struct About {
    /// The form.
    pub container: Container,
    /// The coding.
    pub codec: Codec,
    /// Bits per sample where that means something.
    pub bits: Option<u16>,
    /// Delay to drop at the beginning and length to keep, in units of `trim_scale` per second (0: frames).
    pub skip: u64,
    /// See `skip`.
    pub take: Option<u64>,
    /// See `skip`.
    pub trim_scale: u32,
    /// Frames that must be there; fewer mean that the file is cut.
    pub promised_frames: Option<u64>,
    /// Length that the file states, in ms, roughly.
    pub promised_ms: Option<f64>,
    /// Bytes that the packets must add up to, where the packets are the whole rest of the file.
    pub packet_bytes: Option<u64>,
    /// Whether time stamps must follow each other without gaps.
    pub continuous: bool,
    /// Whether the end comes as a broken read, because the writer could not know it.
    pub open_ended: bool,
    /// Whether a browser that believes the header finds the sound.
    pub header_is_true: bool,
    /// Whether the reader can jump to any frame and decode from there.
    pub seekable: bool,
}

impl About {
    /// What is so unless a structure says otherwise.
    pub(crate) fn new(container: Container, codec: Codec) -> Self {
        Self {
            container,
            codec,
            bits: None,
            skip: 0,
            take: None,
            trim_scale: 0,
            promised_frames: None,
            promised_ms: None,
            packet_bytes: None,
            continuous: false,
            open_ended: false,
            header_is_true: true,
            seekable: false,
        }
    }
}

/// Whether an error means that the bytes ran out.
pub(crate) fn is_eof(error: &Error) -> bool {
    matches!(error, Error::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof)
}
