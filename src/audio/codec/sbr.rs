//! Noticing HE-AAC that does not say so: its frames end with a payload for spectral band replication.

/// Looks at the first AAC frames of a stream.
#[derive(Debug, Default)]
pub(crate) struct SbrWatch {
    seen: u32,
    with_sbr: u32,
}

/// Frames to look at: about 2 s.
const ENOUGH: u32 = 64;

impl SbrWatch {
    /// Shows one raw AAC frame.
    pub(crate) fn look(&mut self, frame: &[u8]) {
        if self.seen < ENOUGH {
            self.seen += 1;
            self.with_sbr += u32::from(ends_with_sbr(frame));
        }
    }

    /// Whether the stream carries SBR. A frame without it looks as if it did by chance once in 40, so that most have to.
    pub(crate) const fn is_sbr(&self) -> bool {
        self.seen >= 8 && self.with_sbr * 2 > self.seen
    }
}

/// Whether some fill element with an SBR extension (ISO/IEC 14496-3, table 4.57) reaches exactly to the end of the frame.
/// Elements before it would have to be Huffman-decoded, so this looks from the end.
fn ends_with_sbr(frame: &[u8]) -> bool {
    let bit = |at: usize| frame.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let number = |at: usize, n: usize| (at..at + n).fold(0_usize, |sum, i| sum << 1 | usize::from(bit(i)));
    let total = frame.len() * 8;
    // The end element (111) and then zeros up to the byte.
    (3..=10)
        .filter_map(|back| total.checked_sub(back))
        .filter(|end| number(*end, 3) == 7 && (*end + 3..total).all(|at| !bit(at)))
        .any(|end| {
            // Short fill elements tell their length in 4 bits, longer ones in 8 more.
            let short = (1..15).filter_map(|count| end.checked_sub(7 + count * 8).map(|at| (at, count)));
            let is_short = short.into_iter().any(|(at, count)| {
                number(at, 3) == 6 && number(at + 3, 4) == count && matches!(number(at + 7, 4), 13 | 14)
            });
            let long = (14..270).filter_map(|count| end.checked_sub(15 + count * 8).map(|at| (at, count)));
            is_short
                || long.into_iter().any(|(at, count)| {
                    number(at, 7) == 0b110_1111
                        && number(at + 7, 8) == count - 14
                        && matches!(number(at + 15, 4), 13 | 14)
                })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_element_with_sbr_at_the_end() {
        // 8 bits of something, then: fill (110), count 2 (0010), extension 1101 and 12 bits, end (111), 6 zeros.
        let bits = "1010101011000101101010101010101111000000";
        let frame: Vec<u8> = (0..bits.len() / 8).map(|i| u8::from_str_radix(&bits[i * 8..][..8], 2).unwrap()).collect();
        assert!(ends_with_sbr(&frame));
        assert!(!ends_with_sbr(&[0; 40]));
        assert!(!ends_with_sbr(&[]));
    }
}
