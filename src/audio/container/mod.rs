//! The structure of each file form: where the sound is, how it is coded, and whether the file is whole.

pub(crate) mod aiff;
pub(crate) mod au;
pub(crate) mod blocks;
pub(crate) mod ebml;
pub(crate) mod flac;
pub(crate) mod frames;
pub(crate) mod gsm_frames;
pub(crate) mod mp4;
pub(crate) mod mp4_audio;
pub(crate) mod ogg;
pub(crate) mod wav;

use super::facts::Findings;
use super::kinds::Codec;

/// Sound in blocks of a fixed size, one after another: WAV, AU, AIFF, bare GSM.
#[derive(Debug, Clone)]
pub(crate) struct BlockLayout {
    /// How the blocks are coded.
    pub codec: Codec,
    /// The precise PCM form, when the codec is PCM.
    pub pcm: PcmForm,
    /// Channels.
    pub channels: u16,
    /// Frames per second.
    pub rate_hz: u32,
    /// Bytes per block.
    pub block_bytes: u32,
    /// Frames per block.
    pub frames_per_block: u32,
    /// Where the first block begins.
    pub data_start: u64,
    /// Bytes of sound that are really there.
    pub data_len: u64,
    /// Frames that the file says it holds; only believed when it shortens the last block.
    pub claimed_frames: Option<u64>,
    /// Whether a player that believes the header finds the sound.
    pub header_is_true: bool,
}

/// The form of linear PCM samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PcmForm {
    /// Bits per sample: 8, 16, 24, 32 or 64.
    pub bits: u16,
    /// Floating point, or whole numbers.
    pub float: bool,
    /// Most significant byte first.
    pub big_endian: bool,
    /// Signed; only 8-bit samples may be unsigned.
    pub signed: bool,
}

impl PcmForm {
    /// 16-bit signed little-endian, for codings where it does not matter.
    pub(crate) const NONE: Self = Self { bits: 16, float: false, big_endian: false, signed: true };
}

/// What reading a header led to.
#[derive(Debug)]
pub(crate) enum Parsed<T> {
    /// The sound can be decoded.
    Sound(T),
    /// Audio in a coding that we do not decode.
    Unsupported(Codec),
    /// The header makes no sense; the text says why.
    Broken(&'static str),
}

/// A header and what was found on the way.
#[derive(Debug)]
pub(crate) struct Structure<T> {
    /// The header.
    pub parsed: Parsed<T>,
    /// What is wrong with the file's structure.
    pub findings: Findings,
}

impl<T> Structure<T> {
    /// A result without findings.
    pub(crate) fn plain(parsed: Parsed<T>) -> Self {
        Self { parsed, findings: Findings::default() }
    }
}
