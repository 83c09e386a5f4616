//! Opus (RFC 6716) through a decoder in Rust, and the trimming that RFC 7845 asks for.

use opus_pure::{OpusDecoder, OpusMSDecoder};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, AudioBuffer, AudioSpec, Channels, GenericAudioBufferRef, Position,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;

use super::fill;
use crate::audio::source::{array, le16};

/// Opus is always decoded at its own rate, in which all its counts are given.
const RATE_HZ: u32 = 48_000;
/// 120 ms: the longest packet.
const MAX_FRAMES: usize = 5_760;

enum Streams {
    /// Mono or stereo.
    One(Box<OpusDecoder>),
    /// More channels, in several streams.
    Many(Box<OpusMSDecoder>),
}

/// Decodes Opus packets of an Ogg, WebM or MP4 file.
pub(super) struct OpusPackets {
    params: AudioCodecParameters,
    streams: Streams,
    channels: usize,
    gain: f32,
    pre_skip: usize,
    to_skip: usize,
    pcm: Vec<f32>,
    buf: AudioBuffer<f32>,
}

const SUPPORTED: [SupportedAudioCodec; 1] = [SupportedAudioCodec {
    id: CODEC_ID_OPUS,
    info: CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] },
}];

/// The fields of the identification header (RFC 7845 section 5.1).
struct Head {
    channels: u8,
    pre_skip: u16,
    gain_q8: i16,
    family: u8,
}

fn head(params: &AudioCodecParameters) -> Head {
    let bytes = params.extra_data.as_deref().unwrap_or_default();
    let channels = params.channels.as_ref().map_or(2, |c| u8::try_from(c.count()).unwrap_or(0));
    match array::<8>(bytes, 0) {
        Some(magic) if &magic == b"OpusHead" => Head {
            channels: bytes.get(9).copied().unwrap_or(channels),
            pre_skip: le16(bytes, 10).unwrap_or(0),
            gain_q8: array(bytes, 16).map_or(0, i16::from_le_bytes),
            family: bytes.get(18).copied().unwrap_or(0),
        },
        // In MP4 (`dOps`) the delay comes with the edit list instead.
        _ => Head { channels, pre_skip: 0, gain_q8: 0, family: 0 },
    }
}

impl RegisterableAudioDecoder for OpusPackets {
    fn try_registry_new(params: &AudioCodecParameters, _: &AudioDecoderOptions) -> Result<Box<dyn AudioDecoder>> {
        let head = head(params);
        let channels = usize::from(head.channels);
        let streams = match channels {
            1 | 2 if head.family == 0 => OpusDecoder::new(48_000, channels).map(|d| Streams::One(Box::new(d))),
            1..=8 => OpusMSDecoder::new(48_000, channels, head.family).map(|d| Streams::Many(Box::new(d))),
            _ => return unsupported_error("opus: channels"),
        };
        let Ok(streams) = streams else { return unsupported_error("opus: channel mapping") };
        let layout = match head.channels {
            1 => Channels::Positioned(Position::FRONT_LEFT),
            2 => Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT),
            n => Channels::Discrete(u16::from(n)),
        };
        let pre_skip = usize::from(head.pre_skip);
        Ok(Box::new(Self {
            params: params.clone(),
            streams,
            channels,
            gain: 10_f32.powf(f32::from(head.gain_q8) / (20.0 * 256.0)),
            pre_skip,
            to_skip: pre_skip,
            pcm: vec![0.0; MAX_FRAMES * channels],
            buf: AudioBuffer::new(AudioSpec::new(RATE_HZ, layout), MAX_FRAMES),
        }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &SUPPORTED
    }
}

impl AudioDecoder for OpusPackets {
    fn reset(&mut self) {
        let reset = match &mut self.streams {
            Streams::One(decoder) => decoder.reset_state(),
            Streams::Many(decoder) => decoder.reset_state(),
        };
        if reset.is_ok() {
            self.to_skip = self.pre_skip;
        }
    }

    fn codec_info(&self) -> &CodecInfo {
        let [opus] = &SUPPORTED;
        &opus.info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        // An empty packet would ask the decoder to make sound up.
        if packet.data.is_empty() {
            return decode_error("opus: empty packet");
        }
        let decoded = match &mut self.streams {
            Streams::One(decoder) => decoder.decode(packet.data, MAX_FRAMES, &mut self.pcm),
            Streams::Many(decoder) => decoder.decode(packet.data, MAX_FRAMES, &mut self.pcm),
        };
        let Ok(frames) = decoded else { return decode_error("opus: malformed packet") };
        let from = self.to_skip.min(frames);
        self.to_skip -= from;
        let padding = usize::try_from(packet.trim_end.get()).unwrap_or(usize::MAX);
        let to = frames.saturating_sub(padding).max(from);
        let heard = self.pcm.get_mut(from * self.channels..to * self.channels).unwrap_or_default();
        if self.gain != 1.0 {
            heard.iter_mut().for_each(|sample| *sample *= self.gain);
        }
        fill(&mut self.buf, heard);
        Ok(self.buf.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buf.as_generic_audio_buffer_ref()
    }
}
