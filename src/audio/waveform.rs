//! The picture of the sound: least and greatest sample per step, in the JSON form (version 2) of BBC audiowaveform, so that
//! existing players (peaks.js, waveform-data.js) read it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most points per channel; an hour has about 2,800.
pub const MAX_POINTS: usize = 4_000;

/// Least and greatest samples, as BBC audiowaveform's data format 2 has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waveform {
    /// Version of the form: 2.
    pub version: u8,
    /// Number of channels.
    pub channels: u16,
    /// Frames per second of the recording (Hz).
    pub sample_rate: u32,
    /// Frames that one point stands for.
    pub samples_per_pixel: u32,
    /// Bits per value: 8.
    pub bits: u8,
    /// Number of points per channel.
    pub length: u32,
    /// For each point and, within it, for each channel: the least and the greatest sample, −128 to 127.
    pub data: Vec<i8>,
}

impl Waveform {
    /// A picture of nothing.
    pub const fn empty() -> Self {
        Self { version: 2, channels: 0, sample_rate: 0, samples_per_pixel: 0, bits: 8, length: 0, data: Vec::new() }
    }

    /// Least and greatest value of one channel, point by point.
    pub fn points(&self, channel: u16) -> impl Iterator<Item = (i8, i8)> + '_ {
        let stride = usize::from(self.channels).max(1) * 2;
        self.data.chunks_exact(stride).filter_map(move |point| {
            let at = usize::from(channel) * 2;
            Some((*point.get(at)?, *point.get(at + 1)?))
        })
    }
}

/// Gathers points in bounded memory: when there are too many, every two become one.
#[derive(Debug)]
pub(crate) struct Folding {
    sample_rate: u32,
    channels: u16,
    frames_per_point: u32,
    slots_per_point: u32,
    slots_in_point: u32,
    open: Vec<(f32, f32)>,
    data: Vec<(i8, i8)>,
}

impl Folding {
    /// For slots of so many frames.
    pub(crate) fn new(sample_rate: u32, channels: u16, slot_frames: usize) -> Self {
        Self {
            sample_rate,
            channels,
            frames_per_point: u32::try_from(slot_frames).unwrap_or(u32::MAX),
            slots_per_point: 1,
            slots_in_point: 0,
            open: vec![(0.0, 0.0); usize::from(channels)],
            data: Vec::new(),
        }
    }

    /// One channel's part of a slot.
    pub(crate) fn point(&mut self, channel: usize, low: f32, high: f32) {
        if let Some(open) = self.open.get_mut(channel) {
            *open = if self.slots_in_point == 0 { (low, high) } else { (open.0.min(low), open.1.max(high)) };
        }
    }

    /// Ends a slot.
    pub(crate) fn next(&mut self) {
        self.slots_in_point += 1;
        if self.slots_in_point >= self.slots_per_point {
            self.close();
        }
    }

    fn close(&mut self) {
        self.data.extend(self.open.iter().map(|(low, high)| (to_i8(*low), to_i8(*high))));
        self.slots_in_point = 0;
        let stride = usize::from(self.channels).max(1);
        if self.data.len() >= MAX_POINTS * stride {
            self.halve(stride);
        }
    }

    fn halve(&mut self, stride: usize) {
        let pairs = self.data.chunks_exact(2 * stride);
        let folded = pairs.flat_map(|pair| {
            let (first, second) = pair.split_at(stride);
            first.iter().zip(second).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1)))
        });
        self.data = folded.collect();
        self.slots_per_point = self.slots_per_point.saturating_mul(2);
        self.frames_per_point = self.frames_per_point.saturating_mul(2);
    }

    /// The picture.
    pub(crate) fn finish(mut self) -> Waveform {
        if self.slots_in_point > 0 {
            self.close();
        }
        let points = self.data.len() / usize::from(self.channels).max(1);
        Waveform {
            version: 2,
            channels: self.channels,
            sample_rate: self.sample_rate,
            samples_per_pixel: self.frames_per_point,
            bits: 8,
            length: u32::try_from(points).unwrap_or(u32::MAX),
            data: self.data.into_iter().flat_map(|(low, high)| [low, high]).collect(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float is cut to the range of the target, which is the intention"
)]
fn to_i8(sample: f32) -> i8 {
    (sample * 128.0).round() as i8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_stays_small_and_keeps_every_peak() {
        let mut folding = Folding::new(8_000, 2, 80);
        for slot in 0..1_000_000 {
            folding.point(0, -0.25, if slot == 777_777 { 1.0 } else { 0.25 });
            folding.point(1, 0.0, 0.0);
            folding.next();
        }
        let waveform = folding.finish();
        assert!(waveform.length as usize <= MAX_POINTS && waveform.length as usize > MAX_POINTS / 2 - 1);
        assert_eq!(waveform.data.len(), waveform.length as usize * 4);
        assert_eq!(waveform.points(0).map(|p| p.1).max(), Some(127));
        assert_eq!(waveform.points(0).filter(|p| p.1 > 32).count(), 1);
        assert!(waveform.points(1).all(|p| p == (0, 0)));
        let frames = u64::from(waveform.length) * u64::from(waveform.samples_per_pixel);
        assert!((80_000_000..80_000_000 + 2 * u64::from(waveform.samples_per_pixel)).contains(&frames));
    }

    #[test]
    fn the_json_has_the_members_of_the_form() {
        let json = serde_json::to_value(Waveform::empty()).unwrap();
        for member in ["version", "channels", "sample_rate", "samples_per_pixel", "bits", "length", "data"] {
            assert!(json.get(member).is_some(), "{member}");
        }
    }
}
