//! From bytes to a reader: recognises the form, looks at the structure, and makes the reader that decoding begins with.

use std::io;

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::codecs::audio::well_known::profiles::{CODEC_PROFILE_AAC_HE, CODEC_PROFILE_AAC_HE_V2};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::formats::{AdtsReader, FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader};

use super::container::blocks::BlockReader;
use super::container::{BlockLayout, Parsed, Structure, aiff, au, ebml, flac, frames, gsm_frames, mp4, ogg, wav};
use super::facts::{FindingCode, Findings};
use super::kinds::{Codec, Container};
use super::opened::{About, Opened, Opening, is_eof};
use super::sniff::{SNIFF_BYTES, id3v2_len, sniff};
use super::source::{Source, Walk, Window, read_at};

/// What a structure without sound comes to.
type Closed = Box<(Container, Codec, Findings)>;
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
fn sound<T>(structure: Structure<T>, container: Container) -> Result<(T, Findings), Closed> {
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
            let layout = gsm_frames::layout(walk, tag, len, &mut findings)?;
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
    let stream = Window::new(source, 0, track.end)?.into_stream();
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
        // Only a film is certainly no recording; a damaged header may hide the sound.
        if reader.first_track(TrackType::Video).is_some() && !findings.has(FindingCode::Truncated) {
            return Opening::NotAudio;
        }
        return Opening::Closed(about.container, about.codec, broken("the file has no sound track", findings));
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
