//! ITU-T G.722 at 64 kbit/s: two ADPCM bands, joined by a quadrature mirror filter. Block names are the Recommendation's.

use super::Telephone;

/// The receive filter's coefficients (table 11).
const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
/// Output levels of the 6-bit quantiser of the lower band, by code word (tables 16 and 18).
const LEVELS_6: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232, -9_360,
    -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776, -2_400, -2_032,
    -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280, 11_192, 10_232, 9_360, 8_576,
    7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168, 2_776, 2_400, 2_032, 1_688, 1_360, 1_040,
    728, 432, 136, -432, -136,
];
/// Output levels of the 4-bit quantiser, which steers the lower band's adaptation.
const LEVELS_4: [i32; 16] =
    [0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584, 1_200, 0];
/// Output levels of the upper band's 2-bit quantiser.
const LEVELS_2: [i32; 4] = [-7_408, -1_616, 7_408, 1_616];
/// Scale factor multipliers by code word: lower band (4 bits) and upper band (2 bits).
const MULTIPLIERS_4: [i32; 16] = [-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60];
const MULTIPLIERS_2: [i32; 4] = [798, -214, 798, -214];
/// The inverse logarithm's table (table 15).
const INVERSE_LOG: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774, 2_834,
    2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];

fn saturate(value: i32) -> i32 {
    value.clamp(-32_768, 32_767)
}

/// What one band remembers.
#[derive(Debug, Clone, Copy)]
struct Band {
    /// Predicted signal.
    s: i32,
    /// The zero section's part of it.
    sz: i32,
    /// The last two reconstructed signals.
    r: [i32; 2],
    /// The last two partially reconstructed signals.
    p: [i32; 2],
    /// Coefficients of the pole section.
    a: [i32; 2],
    /// The last six differences.
    d: [i32; 6],
    /// Coefficients of the zero section.
    b: [i32; 6],
    /// Logarithm of the scale factor.
    nb: i32,
    /// Scale factor.
    det: i32,
}

impl Band {
    const fn new(det: i32) -> Self {
        Self { s: 0, sz: 0, r: [0; 2], p: [0; 2], a: [0; 2], d: [0; 6], b: [0; 6], nb: 0, det }
    }

    /// LOGSCL and SCALEL, or LOGSCH and SCALEH.
    fn rescale(&mut self, multiplier: i32, limit: i32, offset: i32) {
        self.nb = (((self.nb * 127) >> 7) + multiplier).clamp(0, limit);
        let level = usize::try_from(self.nb >> 6 & 31).ok().and_then(|i| INVERSE_LOG.get(i)).copied().unwrap_or(0);
        let shift = offset - (self.nb >> 11);
        self.det = (if shift < 0 { level << -shift } else { level >> shift }) << 2;
    }

    /// Block 4: reconstructs, adapts both sections of the predictor, and predicts the next sample.
    fn adapt(&mut self, d0: i32) {
        let r0 = saturate(self.s + d0);
        let p0 = saturate(self.sz + d0);
        let same = |x: i32, y: i32| (x < 0) == (y < 0);
        let [a1, a2] = self.a;
        let [p1, p2] = self.p;
        let lean = saturate(a1 << 2);
        let lean = if same(p0, p1) { -lean } else { lean }.min(32_767);
        let a2 = ((lean >> 7) + if same(p0, p2) { 128 } else { -128 } + ((a2 * 32_512) >> 15)).clamp(-12_288, 12_288);
        let bound = saturate(15_360 - a2);
        let a1 = saturate(((a1 * 32_640) >> 15) + if same(p0, p1) { 192 } else { -192 }).clamp(-bound, bound);
        for (b, d) in self.b.iter_mut().zip(self.d) {
            let step = match d0 {
                0 => 0,
                _ if same(d0, d) => 128,
                _ => -128,
            };
            *b = saturate(((*b * 32_640) >> 15) + step);
        }
        self.d.copy_within(..5, 1);
        if let Some(first) = self.d.first_mut() {
            *first = d0;
        }
        let [r1, _] = self.r;
        self.r = [r0, r1];
        self.p = [p0, p1];
        self.a = [a1, a2];
        let pole = saturate(((a1 * saturate(2 * r0)) >> 15) + ((a2 * saturate(2 * r1)) >> 15));
        let zero: i32 = self.b.iter().zip(self.d).map(|(b, d)| (b * saturate(2 * d)) >> 15).sum();
        self.sz = saturate(zero);
        self.s = saturate(pole + self.sz);
    }
}

/// The decoder: one byte in, two samples at 16 kHz out.
#[derive(Debug, Clone)]
pub(super) struct G722 {
    low: Band,
    high: Band,
    taps: [i32; 24],
}

impl Default for G722 {
    fn default() -> Self {
        Self { low: Band::new(32), high: Band::new(8), taps: [0; 24] }
    }
}

impl G722 {
    fn byte(&mut self, byte: u8) -> [i16; 2] {
        let (six, two) = (usize::from(byte & 0x3F), usize::from(byte >> 6));
        let level = |table: &[i32], code: usize| table.get(code).copied().unwrap_or(0);

        let heard = saturate(self.low.s + ((self.low.det * level(&LEVELS_6, six)) >> 15)).clamp(-16_384, 16_383);
        let four = six >> 2;
        let difference = (self.low.det * level(&LEVELS_4, four)) >> 15;
        self.low.rescale(level(&MULTIPLIERS_4, four), 18_432, 8);
        self.low.adapt(difference);

        let difference = (self.high.det * level(&LEVELS_2, two)) >> 15;
        let heard_high = saturate(self.high.s + difference).clamp(-16_384, 16_383);
        self.high.rescale(level(&MULTIPLIERS_2, two), 22_528, 10);
        self.high.adapt(difference);
        self.join(heard, heard_high)
    }

    /// The receive filter: both bands into two samples.
    fn join(&mut self, low: i32, high: i32) -> [i16; 2] {
        self.taps.copy_within(2.., 0);
        let [.., even, odd] = &mut self.taps;
        (*even, *odd) = (low + high, low - high);
        let (mut first, mut second) = (0, 0);
        for ((pair, forward), backward) in self.taps.chunks_exact(2).zip(QMF).zip(QMF.iter().rev()) {
            if let [even, odd] = pair {
                second += even * forward;
                first += odd * backward;
            }
        }
        [first, second].map(|sum| i16::try_from(saturate(sum >> 11)).unwrap_or(0))
    }
}

impl Telephone for G722 {
    fn decode(&mut self, blocks: &[u8], out: &mut Vec<i16>) {
        out.extend(blocks.iter().flat_map(|byte| self.byte(*byte)));
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_decode_without_overflow() {
        let mut out = Vec::new();
        for fill in [0x00, 0xFF, 0x80, 0x3F, 0x20] {
            G722::default().decode(&[fill; 2_000], &mut out);
        }
        let mut noise = 1_u32;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.to_be_bytes()[0]
        })
        .take(20_000)
        .collect();
        G722::default().decode(&bytes, &mut out);
        assert_eq!(out.len(), 2 * (5 * 2_000 + 20_000));
    }
}
