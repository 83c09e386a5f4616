//! From bytes to a reader: recognises the form, looks at the structure, and makes the reader that decoding begins with.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::well_known::profiles::{CODEC_PROFILE_AAC_HE, CODEC_PROFILE_AAC_HE_V2};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::formats::{AdtsReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader};

use super::container::blocks::BlockReader;
use super::container::{BlockLayout, Parsed, Structure, aiff, au, ebml, flac, frames, gsm_frames, mp4, ogg, wav};
use super::facts::{FindingCode, Findings};
use super::kinds::{Codec, Container};
use super::sniff::{SNIFF_BYTES, id3v2_len, sniff};
use super::source::{Source, Walk, Window, read_at};

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
    fn new(container: Container, codec: Codec) -> Self {
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

type Found<'s> = io::Result<Opening<'s>>;

/// Opens a source of `len` bytes.
pub(crate) fn open<'s>(mut source: Box<dyn Source + 's>, len: u64) -> Found<'s> {
    let mut head = read_at(&mut *source, 0, SNIFF_BYTES)?;
    let tag = id3v2_len(&head);
    if tag > 0 {
        head = read_at(&mut *source, tag, SNIFF_BYTES)?;
    }
    let Some(container) = sniff(&head) else { return Ok(Opening::NotAudio) };
    let closed = |codec| Ok(Opening::Closed(container, codec, unsupported(codec)));
    match container {
        Container::Wav | Container::Rf64 | Container::Au | Container::Aiff | Container::Gsm => {
            open_blocks(source, container, tag, len)
        }
        Container::Mpeg => open_frames(source, About::new(container, Codec::Mp3), tag, len),
        Container::Adts => open_frames(source, About::new(container, Codec::Aac), tag, len),
        Container::Flac => open_flac(source, tag, len),
        Container::Ogg => open_ogg(source, tag, len),
        Container::Mp4 => open_mp4(source, len),
        Container::Webm | Container::Matroska => open_matroska(source, container, len),
        Container::Amr => closed(Codec::Amr),
        Container::Asf => closed(Codec::Wma),
        Container::W64 | Container::Caf => closed(Codec::Other),
    }
}

fn unsupported(codec: Codec) -> Findings {
    let mut findings = Findings::default();
    findings.add(FindingCode::UnsupportedCodec, format!("the archive cannot decode {}", codec.label()));
    findings
}

fn broken(why: &str, mut findings: Findings) -> Findings {
    findings.add(FindingCode::DecodeError, why);
    findings
}

/// Takes the sound out of a structure, or says why there is none.
fn sound<T>(structure: Structure<T>, container: Container) -> Result<(T, Findings), Box<(Container, Codec, Findings)>> {
    let Structure { parsed, findings } = structure;
    match parsed {
        Parsed::Sound(sound) => Ok((sound, findings)),
        Parsed::Unsupported(codec) => {
            let mut all = unsupported(codec);
            all.extend(findings);
            Err(Box::new((container, codec, all)))
        }
        Parsed::Broken(why) => Err(Box::new((container, Codec::Other, broken(why, findings)))),
    }
}

macro_rules! sound_or_return {
    ($structure:expr, $container:expr) => {
        match sound($structure, $container) {
            Ok(found) => found,
            Err(closed) => {
                let (container, codec, findings) = *closed;
                return Ok(Opening::Closed(container, codec, findings));
            }
        }
    };
}

fn open_blocks<'s>(mut source: Box<dyn Source + 's>, container: Container, tag: u64, len: u64) -> Found<'s> {
    let walk = &mut Walk::new(&mut *source, len);
    let structure = match container {
        Container::Wav | Container::Rf64 => wav::read(walk, len)?,
        Container::Au => au::read(walk, len)?,
        Container::Aiff => aiff::read(walk, len)?,
        _ => {
            let mut findings = Findings::default();
            let layout = gsm_frames::layout(tag, len.saturating_sub(tag), &mut findings);
            Structure { parsed: Parsed::Sound(layout), findings }
        }
    };
    let (layout, findings) = sound_or_return!(structure, container);
    let mut about = About::new(container, layout.codec);
    about.header_is_true = layout.header_is_true;
    if layout.codec == Codec::Mp3 {
        let end = layout.data_start.saturating_add(layout.data_len);
        let opening = open_frames(source, about, layout.data_start, end)?;
        return Ok(with_findings(opening, findings));
    }
    let blocks = layout.data_len / u64::from(layout.block_bytes.max(1));
    let frames = blocks.saturating_mul(u64::from(layout.frames_per_block));
    about.bits = (layout.codec == Codec::Pcm).then_some(layout.pcm.bits);
    about.promised_frames = Some(frames);
    // The number of frames only shortens the last block: anything else would be a header against its own sound.
    let shortest = frames.saturating_sub(u64::from(layout.frames_per_block));
    about.take = layout.claimed_frames.filter(|claimed| (shortest..frames).contains(claimed));
    about.promised_frames = about.take.or(about.promised_frames);
    about.seekable = !matches!(layout.codec, Codec::Gsm | Codec::G722);
    let stream = Window::new(source, layout.data_start, layout.data_len)?.into_stream();
    Ok(finish(BlockReader::new(stream, layout_for_reader(layout)).map(|r| Box::new(r) as _), about, findings))
}

/// The reader sees nothing but the sound.
fn layout_for_reader(layout: BlockLayout) -> BlockLayout {
    BlockLayout { data_start: 0, ..layout }
}

fn with_findings<'s>(opening: Opening<'s>, mut first: Findings) -> Opening<'s> {
    match opening {
        Opening::Open(mut opened) => {
            first.extend(std::mem::take(&mut opened.findings));
            opened.findings = first;
            Opening::Open(opened)
        }
        Opening::Closed(container, codec, findings) => {
            first.extend(findings);
            Opening::Closed(container, codec, first)
        }
        Opening::NotAudio => Opening::NotAudio,
    }
}

fn open_frames<'s>(mut source: Box<dyn Source + 's>, about: About, from: u64, end: u64) -> Found<'s> {
    let mut findings = Findings::default();
    let kind = if about.codec == Codec::Aac { frames::Kind::Adts } else { frames::Kind::Mpeg };
    let Some(found) = frames::walk(kind, &mut Walk::new(&mut *source, end), from, end, &mut findings)? else {
        if about.container == Container::Mpeg {
            return Ok(Opening::NotAudio);
        }
        let findings = broken("no consecutive MPEG audio frames", findings);
        return Ok(Opening::Closed(about.container, about.codec, findings));
    };
    if found.layer == 1 || found.layer == 2 {
        return Ok(Opening::Closed(about.container, Codec::Mp2, unsupported(Codec::Mp2)));
    }
    let stream = Window::new(source, found.start, found.len)?.into_stream();
    let options = FormatOptions::default();
    let reader = match kind {
        frames::Kind::Mpeg => MpaReader::try_new(stream, options).map(|r| Box::new(r) as Box<dyn FormatReader + 's>),
        frames::Kind::Adts => AdtsReader::try_new(stream, options).map(|r| Box::new(r) as _),
    };
    Ok(finish(reader, about, findings))
}

fn open_flac<'s>(mut source: Box<dyn Source + 's>, from: u64, len: u64) -> Found<'s> {
    let structure = flac::read(&mut Walk::new(&mut *source, len), from)?;
    let (header, findings) = sound_or_return!(structure, Container::Flac);
    let mut about = About::new(Container::Flac, Codec::Flac);
    about.bits = Some(header.bits);
    about.promised_frames = header.total_frames;
    about.packet_bytes = Some(len.saturating_sub(header.frames_start));
    about.continuous = true;
    let stream = Window::new(source, from, len.saturating_sub(from))?.into_stream();
    let reader = FlacReader::try_new(stream, FormatOptions::default());
    Ok(finish(reader.map(|r| Box::new(r) as _), about, findings))
}

fn open_ogg<'s>(mut source: Box<dyn Source + 's>, from: u64, len: u64) -> Found<'s> {
    let structure = ogg::read(&mut Walk::new(&mut *source, len), from, len)?;
    let (pages, findings) = sound_or_return!(structure, Container::Ogg);
    let mut about = About::new(Container::Ogg, pages.codec);
    about.continuous = true;
    let stream = Window::new(source, from, pages.len.saturating_sub(from))?.into_stream();
    let reader = OggReader::try_new(stream, FormatOptions::default());
    Ok(finish(reader.map(|r| Box::new(r) as _), about, findings))
}

fn open_mp4<'s>(mut source: Box<dyn Source + 's>, len: u64) -> Found<'s> {
    let structure = mp4::read(&mut Walk::new(&mut *source, len), len)?;
    let (track, mut findings) = sound_or_return!(structure, Container::Mp4);
    let Some(track) = track else { return Ok(Opening::NotAudio) };
    let mut about = About::new(Container::Mp4, track.codec);
    about.bits = track.bits;
    (about.skip, about.take, about.trim_scale) = (track.skip_ticks, track.take_ticks, track.timescale);
    about.continuous = true;
    if track.codec == Codec::HeAac {
        findings.extend(unsupported(Codec::HeAac));
    }
    let stream = Window::new(source, 0, len)?.into_stream();
    let reader = IsoMp4Reader::try_new(stream, FormatOptions::default());
    Ok(finish(reader.map(|r| Box::new(r) as _), about, findings))
}

fn open_matroska<'s>(mut source: Box<dyn Source + 's>, container: Container, len: u64) -> Found<'s> {
    let mut findings = Findings::default();
    let segment = ebml::read(&mut Walk::new(&mut *source, len), len, &mut findings)?;
    let mut about = About::new(container, Codec::Other);
    about.open_ended = segment.streamed;
    about.promised_ms = segment.claimed_ms;
    let stream: MediaSourceStream<'s> = Window::new(source, 0, len)?.into_stream();
    let reader = MkvReader::try_new(stream, FormatOptions::default());
    Ok(finish(reader.map(|r| Box::new(r) as _), about, findings))
}

/// The last step for all forms: is there a sound track in a coding that we decode.
fn finish<'s>(
    reader: symphonia::core::errors::Result<Box<dyn FormatReader + 's>>,
    mut about: About,
    mut findings: Findings,
) -> Opening<'s> {
    let reader = match reader {
        Ok(reader) => reader,
        Err(error) => {
            let code = if is_eof(&error) { FindingCode::Truncated } else { FindingCode::DecodeError };
            findings.add(code, format!("the header cannot be read: {error}"));
            return Opening::Closed(about.container, about.codec, findings);
        }
    };
    let track = reader.default_track(TrackType::Audio).map(|track| (track.id, track.codec_params.clone()));
    let Some((track_id, Some(params))) = track else {
        return if findings.has(FindingCode::Truncated) {
            Opening::Closed(about.container, about.codec, findings)
        } else {
            Opening::NotAudio
        };
    };
    let Some(params) = params.audio().cloned() else { return Opening::NotAudio };
    if about.codec == Codec::Other {
        about.codec = codec_by_id(&params);
        about.bits =
            if about.codec == Codec::Flac { params.bits_per_sample.and_then(|b| u16::try_from(b).ok()) } else { None };
    }
    if about.codec == Codec::Other {
        let mut all = unsupported(Codec::Other);
        all.extend(findings);
        return Opening::Closed(about.container, Codec::Other, all);
    }
    let told_he = matches!(params.profile, Some(CODEC_PROFILE_AAC_HE | CODEC_PROFILE_AAC_HE_V2));
    if about.codec == Codec::Aac && told_he {
        about.codec = Codec::HeAac;
        findings.extend(unsupported(Codec::HeAac));
    }
    Opening::Open(Box::new(Opened { reader, track_id, params, about, findings }))
}

fn codec_by_id(params: &AudioCodecParameters) -> Codec {
    match params.codec {
        id::CODEC_ID_OPUS => Codec::Opus,
        id::CODEC_ID_VORBIS => Codec::Vorbis,
        id::CODEC_ID_FLAC => Codec::Flac,
        id::CODEC_ID_AAC => Codec::Aac,
        id::CODEC_ID_MP3 => Codec::Mp3,
        id::CODEC_ID_ALAC => Codec::Alac,
        id::CODEC_ID_PCM_S16LE | id::CODEC_ID_PCM_S24LE | id::CODEC_ID_PCM_S16BE => Codec::Pcm,
        _ => Codec::Other,
    }
}

/// Whether an error means that the bytes ran out.
pub(crate) fn is_eof(error: &Error) -> bool {
    matches!(error, Error::IoError(e) if e.kind() == io::ErrorKind::UnexpectedEof)
}
