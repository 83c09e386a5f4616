//! Levels, silence, clipping and the waveform's points, all from one pass over slots of 10 ms.

use super::facts::{ChannelLevels, FLOOR_DBFS};
use super::waveform::{Folding, Waveform};

/// −50 dBFS: nothing that a listener would call sound stays below it.
const SILENCE: f32 = 0.003_162;

/// What is gathered per channel.
#[derive(Debug, Clone, Copy, Default)]
struct Channel {
    peak: f32,
    square_sum: f64,
    clipped: u64,
}

/// Takes in planar samples of any length, in order.
pub(crate) struct Meter {
    slot_frames: usize,
    clip_level: f32,
    /// Samples that do not fill a slot yet, per channel.
    rest: Vec<Vec<f32>>,
    channels: Vec<Channel>,
    slots: u64,
    silent_slots: u64,
    frames: u64,
    folding: Folding,
}

/// What a [`Meter`] has measured.
pub(crate) struct Measured {
    /// Per channel.
    pub levels: Vec<ChannelLevels>,
    /// 0 to 1.
    pub silence_share: f32,
    /// Over all channels.
    pub clipped_samples: u64,
    /// The picture.
    pub waveform: Waveform,
}

/// Least, greatest and sum of squares, in eight lanes so that the compiler can use vector instructions.
fn scan(samples: &[f32]) -> (f32, f32, f32) {
    const LANES: usize = 8;
    let (mut low, mut high, mut sum) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
    let chunks = samples.chunks_exact(LANES);
    let tail = chunks.remainder();
    for chunk in chunks {
        for (((l, h), s), x) in low.iter_mut().zip(&mut high).zip(&mut sum).zip(chunk) {
            *l = if *x < *l { *x } else { *l };
            *h = if *x > *h { *x } else { *h };
            *s += x * x;
        }
    }
    let fold = |lanes: [f32; LANES], f: fn(f32, f32) -> f32| lanes.into_iter().fold(0.0, f);
    let tail_sum: f32 = tail.iter().map(|x| x * x).sum();
    (
        tail.iter().copied().fold(fold(low, f32::min), f32::min),
        tail.iter().copied().fold(fold(high, f32::max), f32::max),
        fold(sum, |a, b| a + b) + tail_sum,
    )
}

impl Meter {
    /// A meter for so many channels; samples from `clip_level` on count as clipped.
    pub(crate) fn new(rate_hz: u32, channels: u16, clip_level: f32) -> Self {
        let slot_frames = usize::try_from(rate_hz / 100).unwrap_or(1).max(1);
        Self {
            slot_frames,
            clip_level,
            rest: vec![Vec::with_capacity(slot_frames); usize::from(channels)],
            channels: vec![Channel::default(); usize::from(channels)],
            slots: 0,
            silent_slots: 0,
            frames: 0,
            folding: Folding::new(rate_hz, channels, slot_frames),
        }
    }

    /// Takes the next samples; all planes have the same length.
    pub(crate) fn push(&mut self, planes: &[&[f32]]) {
        let frames = planes.first().map_or(0, |plane| plane.len());
        self.frames = self.frames.saturating_add(frames as u64);
        let mut from = 0;
        if self.rest.first().is_some_and(|rest| !rest.is_empty()) {
            let have = self.rest.first().map_or(0, Vec::len);
            from = frames.min(self.slot_frames.saturating_sub(have));
            self.keep(planes, 0, from);
            if self.rest.first().is_some_and(|rest| rest.len() == self.slot_frames) {
                self.flush();
            }
        }
        while frames - from >= self.slot_frames {
            let slot: Vec<&[f32]> =
                planes.iter().map(|p| p.get(from..from + self.slot_frames).unwrap_or_default()).collect();
            self.slot(&slot);
            from += self.slot_frames;
        }
        self.keep(planes, from, frames);
    }

    fn keep(&mut self, planes: &[&[f32]], from: usize, to: usize) {
        for (rest, plane) in self.rest.iter_mut().zip(planes) {
            rest.extend_from_slice(plane.get(from..to).unwrap_or_default());
        }
    }

    fn flush(&mut self) {
        let mut rest = std::mem::take(&mut self.rest);
        let slot: Vec<&[f32]> = rest.iter().map(Vec::as_slice).collect();
        self.slot(&slot);
        rest.iter_mut().for_each(Vec::clear);
        self.rest = rest;
    }

    fn slot(&mut self, planes: &[&[f32]]) {
        let mut loudest = 0.0_f32;
        for ((channel, plane), index) in self.channels.iter_mut().zip(planes).zip(0..) {
            let (low, high, square_sum) = scan(plane);
            let peak = high.max(-low);
            channel.peak = channel.peak.max(peak);
            channel.square_sum += f64::from(square_sum);
            if peak >= self.clip_level {
                channel.clipped += plane.iter().filter(|x| x.abs() >= self.clip_level).count() as u64;
            }
            loudest = loudest.max(peak);
            self.folding.point(index, low, high);
        }
        self.folding.next();
        self.slots += 1;
        self.silent_slots += u64::from(loudest < SILENCE);
    }

    /// The result, once all samples are in.
    pub(crate) fn finish(mut self) -> Measured {
        if self.rest.first().is_some_and(|rest| !rest.is_empty()) {
            self.flush();
        }
        let frames = self.frames;
        Measured {
            levels: self.channels.iter().map(|channel| levels(*channel, frames)).collect(),
            silence_share: share(self.silent_slots, self.slots),
            clipped_samples: self.channels.iter().map(|c| c.clipped).sum(),
            waveform: self.folding.finish(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a level needs no more")]
fn levels(channel: Channel, frames: u64) -> ChannelLevels {
    let rms = if frames == 0 { 0.0 } else { (channel.square_sum / frames as f64).sqrt() };
    ChannelLevels { peak_dbfs: dbfs(channel.peak), rms_dbfs: dbfs(rms as f32) }
}

/// Amplitude to dBFS, finite whatever comes in.
fn dbfs(amplitude: f32) -> f32 {
    let db = 20.0 * amplitude.log10();
    if db.is_finite() { db.max(FLOOR_DBFS) } else { FLOOR_DBFS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn a_sine_has_the_levels_of_a_sine() {
        let sine: Vec<f32> = (0..80_000).map(|i| 0.5 * (i as f32 * 0.05).sin()).collect();
        let quiet = vec![0.0; sine.len()];
        let mut meter = Meter::new(8_000, 2, 0.9999);
        // Odd pieces, to cross the slots' edges.
        for (a, b) in sine.chunks(777).zip(quiet.chunks(777)) {
            meter.push(&[a, b]);
        }
        let measured = meter.finish();
        assert!((measured.levels[0].peak_dbfs + 6.02).abs() < 0.01, "{:?}", measured.levels);
        assert!((measured.levels[0].rms_dbfs + 9.03).abs() < 0.01, "{:?}", measured.levels);
        assert_eq!(measured.levels[1], ChannelLevels { peak_dbfs: -144.0, rms_dbfs: -144.0 });
        assert_eq!(measured.silence_share, 0.0);
        assert_eq!(measured.clipped_samples, 0);
    }

    #[test]
    fn silence_and_clipping_are_counted() {
        let mut meter = Meter::new(8_000, 1, 0.9999);
        meter.push(&[&[1.0; 800]]);
        meter.push(&[&[0.0; 2_400]]);
        let measured = meter.finish();
        assert_eq!(measured.clipped_samples, 800);
        assert_eq!(measured.silence_share, 0.75);
    }

    #[test]
    fn nonsense_samples_do_no_harm() {
        let mut meter = Meter::new(8_000, 1, 0.9999);
        meter.push(&[&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0]]);
        let levels = meter.finish().levels;
        assert!(levels[0].peak_dbfs.is_finite() && levels[0].rms_dbfs.is_finite());
    }
}
