//! Decoders: symphonia's, and those that it lacks.

mod g722;
mod gsm;
mod opus;
mod sbr;

use std::sync::LazyLock;

use symphonia::core::audio::{AsGenericAudioBufferRef, Audio, AudioBuffer, AudioMut, AudioSpec, GenericAudioBufferRef};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_ADPCM_G722;
use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{CodecRegistry, RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::common::{FourCc, Tier};
use symphonia::core::errors::{Result, unsupported_error};
use symphonia::core::packet::PacketRef;

pub(crate) use sbr::SbrWatch;

/// GSM 06.10, which symphonia has no number for.
pub(crate) const CODEC_ID_GSM: AudioCodecId = AudioCodecId::new(FourCc::new(*b"GSM "));

static REGISTRY: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    symphonia::default::register_enabled_codecs(&mut registry);
    registry.register_audio_decoder_at_tier::<BlockDecoder>(Tier::Preferred);
    registry.register_audio_decoder_at_tier::<opus::OpusPackets>(Tier::Preferred);
    registry
});

/// A decoder for these parameters, which verifies what the form has check sums for, and trims encoder delay.
pub(crate) fn make(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>> {
    REGISTRY.make_audio_decoder(params, &AudioDecoderOptions::default().verify(true).gapless(true))
}

/// A telephone codec that turns bytes into 16-bit samples of one channel.
trait Telephone: Send + Sync {
    /// Decodes whole blocks, appending to `out`.
    fn decode(&mut self, blocks: &[u8], out: &mut Vec<i16>);
    /// Forgets everything, as at the beginning.
    fn reset(&mut self);
}

/// The symphonia side of the telephone codecs.
struct BlockDecoder {
    params: AudioCodecParameters,
    codec: Box<dyn Telephone>,
    samples: Vec<i16>,
    buf: AudioBuffer<i16>,
}

const SUPPORTED: [SupportedAudioCodec; 2] = [
    SupportedAudioCodec {
        id: CODEC_ID_GSM,
        info: CodecInfo { short_name: "gsm", long_name: "GSM 06.10 full rate", profiles: &[] },
    },
    SupportedAudioCodec {
        id: CODEC_ID_ADPCM_G722,
        info: CodecInfo { short_name: "g722", long_name: "ITU-T G.722", profiles: &[] },
    },
];

impl RegisterableAudioDecoder for BlockDecoder {
    fn try_registry_new(params: &AudioCodecParameters, _: &AudioDecoderOptions) -> Result<Box<dyn AudioDecoder>> {
        let (Some(rate), Some(channels)) = (params.sample_rate, params.channels.clone()) else {
            return unsupported_error("telephone codec: rate and channels are required");
        };
        let frames = params.max_frames_per_packet.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        if channels.count() != 1 {
            return unsupported_error("telephone codec: one channel only");
        }
        let codec: Box<dyn Telephone> = match params.codec {
            CODEC_ID_GSM if params.frames_per_block == Some(320) => Box::new(gsm::Gsm::wav49()),
            CODEC_ID_GSM => Box::new(gsm::Gsm::bare()),
            _ => Box::new(g722::G722::default()),
        };
        let buf = AudioBuffer::new(AudioSpec::new(rate, channels), frames);
        Ok(Box::new(Self { params: params.clone(), codec, samples: Vec::new(), buf }))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        &SUPPORTED
    }
}

impl AudioDecoder for BlockDecoder {
    fn reset(&mut self) {
        self.codec.reset();
    }

    fn codec_info(&self) -> &CodecInfo {
        let [gsm, g722] = &SUPPORTED;
        if self.params.codec == CODEC_ID_GSM { &gsm.info } else { &g722.info }
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.samples.clear();
        self.codec.decode(packet.data, &mut self.samples);
        fill(&mut self.buf, &self.samples);
        Ok(self.buf.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.buf.as_generic_audio_buffer_ref()
    }
}

/// Puts interleaved samples into the planes of a buffer.
fn fill<S: symphonia::core::audio::sample::Sample>(buf: &mut AudioBuffer<S>, interleaved: &[S]) {
    let channels = buf.spec().channels().count().max(1);
    let frames = interleaved.len() / channels;
    buf.clear();
    buf.grow_capacity(frames);
    buf.render_uninit(Some(frames));
    for channel in 0..channels {
        if let Some(plane) = buf.plane_mut(channel) {
            let samples = interleaved.iter().skip(channel).step_by(channels);
            plane.iter_mut().zip(samples).for_each(|(slot, sample)| *slot = *sample);
        }
    }
}
