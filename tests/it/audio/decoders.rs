//! Our decoders against other people's: ffmpeg with libopus and libgsm, sample by sample.

use std::io::{Cursor, Read};

use earwitness::audio::{Facts, WavStream, wav_header, wav_len};

use super::{ffmpeg, look, read};

fn facts(file: &str) -> Facts {
    look(read(file)).unwrap().facts
}

/// The listening copy, decoded by us.
fn copy(file: &str, range: std::ops::Range<u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let source = Box::new(Cursor::new(read(file)));
    WavStream::new(source, &facts(file), range).unwrap().read_to_end(&mut out).unwrap();
    out
}

fn samples(file: &str) -> Vec<i16> {
    let facts = facts(file);
    let copy = copy(file, 0..u64::MAX);
    assert_eq!(copy.len() as u64, wav_len(&facts));
    let header = wav_header(&facts);
    assert!(copy.starts_with(&header));
    copy[header.len()..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect()
}

/// Signal-to-difference ratio in dB, over what both have.
fn snr_db(ours: &[i16], theirs: &[f32]) -> f64 {
    let pairs = ours.iter().map(|x| f64::from(*x) / 32_768.0).zip(theirs.iter().map(|y| f64::from(*y)));
    let (signal, noise) = pairs.fold((0.0, 0.0), |(s, n), (x, y)| (s + y * y, n + (x - y) * (x - y)));
    10.0 * (signal / f64::max(noise, 1e-12)).log10()
}

fn agree(file: &str, decoder: &[&str], at_least_db: f64) {
    let (ours, theirs) = (samples(file), ffmpeg(file, decoder));
    let db = snr_db(&ours, &theirs);
    assert!(db >= at_least_db, "{file}: {db:.1} dB; {} and {} samples", ours.len(), theirs.len());
}

#[test]
fn forms_with_whole_numbers_are_bit_exact() {
    for file in [
        "good/wav-pcm16-stereo.wav",
        "good/wav-pcm8-stereo.wav",
        "good/wav-alaw-stereo.wav",
        "good/wav-mulaw-mono.wav",
        "good/odd-alaw-fmt16.wav",
        "good/rf64.wav",
        "good/mulaw.au",
        "good/pcm16.aiff",
        "good/call.flac",
        "good/flac.ogg",
        "good/alac.m4a",
        "good/wav-ima-stereo.wav",
        "good/wav-ms-stereo.wav",
        "broken/unfinished-zero.wav",
        "broken/baresip-killed.wav",
    ] {
        let (ours, theirs) = (samples(file), ffmpeg(file, &[]));
        let exact = ours.iter().zip(&theirs).all(|(x, y)| f32::from(*x) == y * 32_768.0);
        assert!(exact, "{file} differs: {:.1} dB", snr_db(&ours, &theirs));
        assert!(ours.len().abs_diff(theirs.len()) <= 4_096, "{file}: {} and {}", ours.len(), theirs.len());
    }
}

#[test]
fn gsm_is_bit_exact_with_libgsm() {
    for (file, decoder) in [("good/bare.gsm", "libgsm"), ("good/wav-gsm49.wav", "libgsm_ms")] {
        let (ours, theirs) = (samples(file), ffmpeg(file, &["-c:a", decoder]));
        assert_eq!(ours.len(), theirs.len(), "{file}");
        assert!(
            ours.iter().zip(&theirs).all(|(x, y)| f32::from(*x) == y * 32_768.0),
            "{file}: {:.1} dB",
            snr_db(&ours, &theirs)
        );
    }
}

/// 16-bit rounding alone leaves about 70 dB on this speech.
#[test]
fn opus_agrees_with_libopus() {
    for file in ["good/opus-mono.ogg", "good/opus-stereo.ogg", "good/opus-music.ogg", "good/opus.webm", "good/opus.mka"]
    {
        agree(file, &["-c:a", "libopus"], 60.0);
    }
}

#[test]
fn the_others_agree_with_ffmpeg() {
    agree("good/wav-g722.wav", &[], 30.0);
    agree("good/vorbis.ogg", &[], 60.0);
    agree("good/xing.mp3", &[], 50.0);
    agree("good/moov-end.m4a", &[], 50.0);
    agree("good/moov-start.m4a", &[], 50.0);
}

#[test]
fn every_range_of_a_listening_copy_is_a_part_of_the_whole() {
    for file in [
        "good/bare.gsm",
        "good/mulaw.au",
        "good/wav-ima-stereo.wav",
        "good/alac.m4a",
        "good/wav-g722.wav",
        "good/opus.mka",
    ] {
        let whole = copy(file, 0..u64::MAX);
        let len = whole.len() as u64;
        for (from, to) in
            [(0, 1), (10, 60), (43, 45), (44, 46), (len / 2 + 1, len / 2 + 5_000), (len - 3, len), (len, len)]
        {
            let part = copy(file, from..to);
            let expected = &whole[usize::try_from(from).unwrap()..usize::try_from(to).unwrap()];
            assert!(part == expected, "{file}: {from}..{to}");
        }
    }
}

#[test]
fn a_listening_copy_keeps_its_promise_whatever_decoding_brings() {
    let mut facts = facts("good/mulaw.au");
    for frames in [facts.frames + 1_000, facts.frames - 1_000] {
        facts.frames = frames;
        let mut out = Vec::new();
        let source = Box::new(Cursor::new(read("good/mulaw.au")));
        WavStream::new(source, &facts, 0..u64::MAX).unwrap().read_to_end(&mut out).unwrap();
        assert_eq!(out.len() as u64, wav_len(&facts));
        assert_eq!(out[out.len() - 2_000..].iter().all(|b| *b == 0), frames > 32_000);
    }
}
