//! A symphonia reader for sound in blocks of a fixed size.

use std::io::Read;

use symphonia::core::audio::{Channels, Position};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::common::FourCc;
use symphonia::core::errors::{Result, SeekErrorKind, seek_error, unsupported_error};
use symphonia::core::formats::{FormatId, FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{Metadata, MetadataLog};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::{BlockLayout, PcmForm};
use crate::audio::codec::CODEC_ID_GSM;
use crate::audio::kinds::Codec;

static INFO: FormatInfo =
    FormatInfo { format: FormatId::new(FourCc::new(*b"BLKS")), short_name: "blocks", long_name: "Fixed blocks" };

/// Frames per packet that we aim at.
const PACKET_FRAMES: u32 = 4_096;

/// Reads blocks in the order of the file. The stream begins at the first block and ends after the last.
pub(crate) struct BlockReader<'s> {
    stream: MediaSourceStream<'s>,
    layout: BlockLayout,
    tracks: Vec<Track>,
    media: MediaInfo,
    metadata: MetadataLog,
    blocks_per_packet: u64,
    next_block: u64,
}

impl<'s> BlockReader<'s> {
    /// A reader of the blocks that `stream` consists of.
    pub(crate) fn new(stream: MediaSourceStream<'s>, layout: BlockLayout) -> Result<Self> {
        let mut params = AudioCodecParameters::new();
        let Some(codec) = codec_id(layout.codec, layout.pcm) else { return unsupported_error("block coding") };
        let blocks_per_packet = u64::from((PACKET_FRAMES / layout.frames_per_block.max(1)).max(1));
        let frames = blocks_per_packet.saturating_mul(u64::from(layout.frames_per_block));
        params
            .for_codec(codec)
            .with_sample_rate(layout.rate_hz)
            .with_channels(channels(layout.channels))
            .with_max_frames_per_packet(frames)
            .with_frames_per_block(u64::from(layout.frames_per_block))
            .with_bits_per_coded_sample(u32::from(layout.pcm.bits))
            .with_bits_per_sample(u32::from(layout.pcm.bits));
        let mut track = Track::new(0);
        track.with_codec_params(CodecParameters::Audio(params));
        let media = MediaInfo::from_track(&track);
        let metadata = MetadataLog::default();
        Ok(Self { stream, layout, tracks: vec![track], media, metadata, blocks_per_packet, next_block: 0 })
    }

    fn timestamp(&self, block: u64) -> Timestamp {
        let frames = block.saturating_mul(u64::from(self.layout.frames_per_block));
        Timestamp::new(i64::try_from(frames).unwrap_or(i64::MAX))
    }

    /// The last packet may be short, but a part of a block is of use only where a frame is a block.
    fn usable(&self, bytes: usize) -> usize {
        let block = usize::try_from(self.layout.block_bytes).unwrap_or(usize::MAX).max(1);
        bytes / block * block
    }
}

impl FormatReader for BlockReader<'_> {
    fn format_info(&self) -> &FormatInfo {
        &INFO
    }

    fn media_info(&self) -> &MediaInfo {
        &self.media
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.metadata.metadata()
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn seek(&mut self, _mode: SeekMode, to: SeekTo) -> Result<SeekedTo> {
        let SeekTo::Timestamp { ts: required_ts, track_id } = to else {
            return seek_error(SeekErrorKind::Unseekable);
        };
        let frame = u64::try_from(required_ts.get()).unwrap_or(0);
        let block = frame / u64::from(self.layout.frames_per_block.max(1));
        let at = block.saturating_mul(u64::from(self.layout.block_bytes));
        std::io::Seek::seek(&mut self.stream, std::io::SeekFrom::Start(at.min(self.layout.data_len)))?;
        self.next_block = block;
        Ok(SeekedTo { track_id, required_ts, actual_ts: self.timestamp(block) })
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        let want = self.blocks_per_packet.saturating_mul(u64::from(self.layout.block_bytes));
        let mut data = Vec::new();
        self.stream.by_ref().take(want).read_to_end(&mut data)?;
        data.truncate(self.usable(data.len()));
        if data.is_empty() {
            return Ok(None);
        }
        let blocks = data.len() as u64 / u64::from(self.layout.block_bytes.max(1));
        let ts = self.timestamp(self.next_block);
        self.next_block = self.next_block.saturating_add(blocks);
        let frames = blocks.saturating_mul(u64::from(self.layout.frames_per_block));
        Ok(Some(Packet::new(0, ts, Duration::new(frames), data)))
    }

    fn into_inner<'a>(self: Box<Self>) -> MediaSourceStream<'a>
    where
        Self: 'a,
    {
        self.stream
    }
}

fn channels(count: u16) -> Channels {
    match count {
        1 => Channels::Positioned(Position::FRONT_LEFT),
        2 => Channels::Positioned(Position::FRONT_LEFT | Position::FRONT_RIGHT),
        n => Channels::Discrete(n),
    }
}

fn codec_id(codec: Codec, pcm: PcmForm) -> Option<AudioCodecId> {
    Some(match codec {
        Codec::Alaw => id::CODEC_ID_PCM_ALAW,
        Codec::Mulaw => id::CODEC_ID_PCM_MULAW,
        Codec::ImaAdpcm => id::CODEC_ID_ADPCM_IMA_WAV,
        Codec::MsAdpcm => id::CODEC_ID_ADPCM_MS,
        Codec::G722 => id::CODEC_ID_ADPCM_G722,
        Codec::Gsm => CODEC_ID_GSM,
        Codec::Pcm => match (pcm.bits, pcm.float, pcm.big_endian) {
            (8, false, _) if pcm.signed => id::CODEC_ID_PCM_S8,
            (8, false, _) => id::CODEC_ID_PCM_U8,
            (16, false, false) => id::CODEC_ID_PCM_S16LE,
            (16, false, true) => id::CODEC_ID_PCM_S16BE,
            (24, false, false) => id::CODEC_ID_PCM_S24LE,
            (24, false, true) => id::CODEC_ID_PCM_S24BE,
            (32, false, false) => id::CODEC_ID_PCM_S32LE,
            (32, false, true) => id::CODEC_ID_PCM_S32BE,
            (32, true, false) => id::CODEC_ID_PCM_F32LE,
            (32, true, true) => id::CODEC_ID_PCM_F32BE,
            (64, true, false) => id::CODEC_ID_PCM_F64LE,
            (64, true, true) => id::CODEC_ID_PCM_F64BE,
            _ => return None,
        },
        _ => return None,
    })
}
