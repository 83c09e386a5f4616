//! GSM 06.10 full rate (ETSI EN 300 961), the decoder in its 16-bit arithmetic: bit-exact by definition.

use super::Telephone;

/// Samples per frame.
const FRAME: usize = 160;
/// Table 4.1 of the standard: for each log-area ratio the offset B, the minimum MIC and the inverse of A.
const LAR: [(i16, i16, i16); 8] = [
    (0, -32, 13_107),
    (0, -32, 13_107),
    (2_048, -16, 13_107),
    (-2_560, -16, 13_107),
    (94, -8, 19_223),
    (-1_792, -8, 17_476),
    (-341, -4, 31_454),
    (-1_144, -4, 29_708),
];
/// Bits of each log-area ratio.
const LAR_BITS: [u32; 8] = [6, 6, 5, 5, 4, 4, 3, 3];
/// Table 4.3b: the quantised long-term gain.
const GAIN: [i16; 4] = [3_277, 11_469, 21_299, 32_767];
/// Table 4.6: normalised direct mantissa.
const MANTISSA: [i16; 8] = [18_431, 20_479, 22_527, 24_575, 26_623, 28_671, 30_719, 32_767];

/// The decoder's memory.
#[derive(Debug, Clone)]
pub(super) struct Gsm {
    wav49: bool,
    /// The reconstructed short-term residual: the last 120 samples, then room for 40 new ones.
    residual: [i16; 160],
    lag: usize,
    previous_lar: [i16; 8],
    filter: [i16; 9],
    emphasis: i16,
}

/// Reads bits, most significant first (bare frames) or least significant first (WAV49).
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    lsb_first: bool,
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> i16 {
        (0..n).fold(0, |value, i| {
            let byte = self.bytes.get(self.at / 8).copied().unwrap_or(0);
            let offset = self.at % 8;
            self.at += 1;
            if self.lsb_first {
                value | i16::from(byte >> offset & 1) << i
            } else {
                value << 1 | i16::from(byte >> (7 - offset) & 1)
            }
        })
    }
}

fn mult_r(a: i16, b: i16) -> i16 {
    let product = (i32::from(a) * i32::from(b) + 16_384) >> 15;
    // Only −32768 × −32768 does not fit.
    i16::try_from(product).unwrap_or(i16::MAX)
}

impl Gsm {
    /// For frames of 33 bytes.
    pub(super) fn bare() -> Self {
        Self { wav49: false, residual: [0; 160], lag: 40, previous_lar: [0; 8], filter: [0; 9], emphasis: 0 }
    }

    /// For Microsoft's blocks of 65 bytes, two frames each.
    pub(super) fn wav49() -> Self {
        Self { wav49: true, ..Self::bare() }
    }

    fn frame(&mut self, bits: &mut Bits<'_>, out: &mut Vec<i16>) {
        let mut lar = [0_i16; 8];
        for ((slot, (b, mic, inverse)), width) in lar.iter_mut().zip(LAR).zip(LAR_BITS) {
            let coded = bits.take(width);
            let value = ((coded + mic) << 10).saturating_sub(b << 1);
            let value = mult_r(inverse, value);
            *slot = value.saturating_add(value);
        }
        let mut residual = [0_i16; FRAME];
        for quarter in residual.chunks_exact_mut(40) {
            self.sub_frame(bits, quarter);
        }
        self.synthesise(lar, &residual, out);
        self.previous_lar = lar;
    }

    /// One sub-segment of 40 samples: clauses 5.3.1 and 5.3.2.
    fn sub_frame(&mut self, bits: &mut Bits<'_>, out: &mut [i16]) {
        let lag = usize::try_from(bits.take(7)).unwrap_or(0);
        let gain = GAIN.get(usize::try_from(bits.take(2)).unwrap_or(0)).copied().unwrap_or(0);
        let grid = usize::try_from(bits.take(2)).unwrap_or(0);
        let (exponent, mantissa) = unpack_maximum(bits.take(6));
        let factor = MANTISSA.get(usize::from(mantissa)).copied().unwrap_or(0);
        let shift = 6 - exponent;
        let rounding = if shift > 0 { 1_i16 << (shift - 1) } else { 0 };
        let mut pulses = [0_i16; 40];
        for i in 0..13 {
            let coded = ((bits.take(3) << 1) - 7) << 12;
            let value = mult_r(factor, coded).saturating_add(rounding) >> shift;
            if let Some(slot) = pulses.get_mut(grid + 3 * i) {
                *slot = value;
            }
        }
        if (40..=120).contains(&lag) {
            self.lag = lag;
        }
        for (k, pulse) in pulses.into_iter().enumerate() {
            let past = self.residual.get(120 + k - self.lag).copied().unwrap_or(0);
            let value = pulse.saturating_add(mult_r(gain, past));
            if let (Some(memory), Some(slot)) = (self.residual.get_mut(120 + k), out.get_mut(k)) {
                (*memory, *slot) = (value, value);
            }
        }
        self.residual.copy_within(40.., 0);
    }

    /// Short-term synthesis and de-emphasis: clauses 5.3.3 to 5.3.7.
    fn synthesise(&mut self, lar: [i16; 8], residual: &[i16; FRAME], out: &mut Vec<i16>) {
        // The ratios glide from the frame before to this one in four steps.
        for (from, to, step) in [(0, 13, 0), (13, 27, 1), (27, 40, 2), (40, FRAME, 3)] {
            let mut reflection = [0_i16; 8];
            for ((slot, old), new) in reflection.iter_mut().zip(self.previous_lar).zip(lar) {
                *slot = to_reflection(match step {
                    0 => (old >> 2).saturating_add(new >> 2).saturating_add(old >> 1),
                    1 => (old >> 1).saturating_add(new >> 1),
                    2 => (old >> 2).saturating_add(new >> 2).saturating_add(new >> 1),
                    _ => new,
                });
            }
            for sample in residual.get(from..to).unwrap_or_default() {
                let filtered = self.lattice(&reflection, *sample);
                self.emphasis = filtered.saturating_add(mult_r(self.emphasis, 28_180));
                out.push(self.emphasis.saturating_add(self.emphasis) & !7);
            }
        }
    }

    fn lattice(&mut self, reflection: &[i16; 8], sample: i16) -> i16 {
        let mut value = sample;
        for (i, r) in reflection.iter().enumerate().rev() {
            let below = self.filter.get(i).copied().unwrap_or(0);
            value = value.saturating_sub(mult_r(*r, below));
            if let Some(slot) = self.filter.get_mut(i + 1) {
                *slot = below.saturating_add(mult_r(*r, value));
            }
        }
        if let Some(first) = self.filter.first_mut() {
            *first = value;
        }
        value
    }
}

/// Log-area ratio to reflection coefficient (clause 5.2.9): a broken line in three pieces.
fn to_reflection(lar: i16) -> i16 {
    let size = lar.saturating_abs();
    let value = if size < 11_059 {
        size << 1
    } else if size < 20_070 {
        size + 11_059
    } else {
        (size >> 2).saturating_add(26_112)
    };
    if lar < 0 { -value } else { value }
}

/// The block maximum's exponent and mantissa (clause 5.2.15).
fn unpack_maximum(coded: i16) -> (i16, u8) {
    let mut exponent = if coded > 15 { (coded >> 3) - 1 } else { 0 };
    let mut mantissa = coded - (exponent << 3);
    if mantissa == 0 {
        return (-4, 7);
    }
    while mantissa <= 7 {
        mantissa = mantissa << 1 | 1;
        exponent -= 1;
    }
    (exponent, u8::try_from(mantissa - 8).unwrap_or(0))
}

impl Telephone for Gsm {
    fn decode(&mut self, blocks: &[u8], out: &mut Vec<i16>) {
        if self.wav49 {
            for block in blocks.chunks_exact(65) {
                let mut bits = Bits { bytes: block, at: 0, lsb_first: true };
                self.frame(&mut bits, out);
                self.frame(&mut bits, out);
            }
        } else {
            for frame in blocks.chunks_exact(33) {
                // The first four bits are the signature.
                self.frame(&mut Bits { bytes: frame, at: 4, lsb_first: false }, out);
            }
        }
    }

    fn reset(&mut self) {
        *self = Self { wav49: self.wav49, ..Self::bare() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reflection_is_monotonous_and_odd() {
        let values: Vec<i16> = (0..i16::MAX).step_by(7).map(to_reflection).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(to_reflection(-12_000), -to_reflection(12_000));
    }

    #[test]
    fn block_maxima() {
        assert_eq!(unpack_maximum(0), (-4, 7));
        assert_eq!(unpack_maximum(15), (0, 7));
        assert_eq!(unpack_maximum(63), (6, 7));
    }

    #[test]
    fn any_bytes_decode_without_overflow() {
        let mut out = Vec::new();
        for fill in [0x00, 0xFF, 0xD5, 0xAA] {
            Gsm::bare().decode(&[fill; 33 * 50], &mut out);
            Gsm::wav49().decode(&[fill; 65 * 50], &mut out);
        }
        assert_eq!(out.len(), 4 * (50 * 160 + 50 * 320));
    }
}
