use proptest::prelude::*;

use super::*;
use crate::vault::{Key32, SealError};

const FIRST: usize = FIRST_SEGMENT_PLAIN_BYTES;
const FULL: usize = SEGMENT_PLAIN_BYTES;

fn key() -> Key32 {
    Key32::from_slice(&[3; 32]).unwrap()
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

fn seal(plain: &[u8], aad: &[u8], chunk: usize) -> Vec<u8> {
    let mut sealer = Encryptor::new(&key(), aad).unwrap();
    let mut sealed = Vec::new();
    for chunk in plain.chunks(chunk.max(1)) {
        sealer.push(chunk).unwrap().iter().for_each(|s| sealed.extend_from_slice(s));
    }
    sealed.extend_from_slice(&sealer.finish().unwrap());
    sealed
}

fn open(sealed: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
    let layout = Layout::of_ciphertext(sealed.len() as u64)?;
    let opener = Decryptor::new(&key(), aad, sealed[..HEADER_BYTES].try_into().unwrap(), layout)?;
    let mut plain = Vec::new();
    for index in 0..layout.segments() {
        let place = layout.segment(index).unwrap();
        let start = place.cipher_start as usize;
        plain.extend_from_slice(opener.open(index, &mut sealed[start..start + place.cipher_len].to_vec())?);
    }
    Ok(plain)
}

/// Lengths at and around the borders of the first three segments.
fn border_len() -> impl Strategy<Value = usize> {
    (prop::sample::select(vec![0, FIRST, FIRST + FULL, FIRST + 2 * FULL]), -40_i64..40)
        .prop_map(|(border, by)| usize::try_from(border as i64 + by).unwrap_or(0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn opens_to_what_was_sealed(len in border_len(), chunk in prop::sample::select(vec![1_000, 65_480, 65_520, 400_000])) {
        let plain = text(len);
        let sealed = seal(&plain, b"id", chunk);
        prop_assert_eq!(sealed.len() as u64, ciphertext_len(len as u64).unwrap());
        prop_assert_eq!(plain_len(sealed.len() as u64).unwrap(), len as u64);
        prop_assert_eq!(open(&sealed, b"id").unwrap(), plain);
    }

    #[test]
    fn every_range_lies_in_the_segments_named_for_it(len in border_len(), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let layout = Layout::of_plain(len as u64).unwrap();
        let (a, b) = (a.index(len + 1) as u64, b.index(len + 1) as u64);
        let range = a.min(b)..a.max(b);
        let covering = layout.covering(&range).unwrap();
        let inside = |o: u64| (0..layout.segments()).map(|i| layout.segment(i).unwrap())
            .find(|s| (s.plain_start..s.plain_start + s.plain_len as u64).contains(&o)).map(|s| s.index);
        if range.is_empty() {
            prop_assert!(covering.is_empty());
        } else {
            prop_assert_eq!(inside(range.start), Some(covering.start));
            prop_assert_eq!(inside(range.end - 1), Some(covering.end - 1));
        }
        prop_assert_eq!(layout.covering(&(0..len as u64 + 1)), Err(SealError::RangeOutside));
    }

    #[test]
    fn any_cut_extension_or_changed_bit_is_noticed(len in border_len(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let sealed = seal(&text(len), b"id", 50_000);
        let at = at.index(sealed.len());
        prop_assert!(open(&sealed[..at.max(HEADER_BYTES)], b"id").is_err());
        let mut changed = sealed.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(open(&changed, b"id").is_err());
        for extra in [1, 16, 17, 65_536] {
            let longer = [sealed.as_slice(), &vec![0; extra]].concat();
            prop_assert!(open(&longer, b"id").is_err(), "longer by {}", extra);
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_and_the_others_are_one_to_one(len in 0_u64..400_000) {
        match plain_len(len) {
            Ok(plain) => prop_assert_eq!(ciphertext_len(plain).unwrap(), len),
            Err(error) => {
                prop_assert_eq!(error, SealError::ImpossibleLength);
                prop_assert!(len < 56 || (1..=16).contains(&(len % 65_536)));
            }
        }
    }
}

#[test]
fn empty_plaintext_is_a_header_and_a_tag() {
    let sealed = seal(b"", b"id", 1);
    assert_eq!(sealed.len(), 56);
    assert_eq!(open(&sealed, b"id").unwrap(), b"");
    assert_eq!(open(&sealed, b"other").unwrap_err(), SealError::Forged);
}

#[test]
fn a_cut_at_a_segment_border_is_noticed() {
    let sealed = seal(&text(FIRST + 2 * FULL), b"id", 50_000);
    assert_eq!(sealed.len(), 3 * SEGMENT_BYTES);
    for segments in 1..3 {
        assert_eq!(open(&sealed[..segments * SEGMENT_BYTES], b"id").unwrap_err(), SealError::Forged);
    }
}

#[test]
fn segments_in_another_order_are_noticed() {
    let sealed = seal(&text(FIRST + 2 * FULL + 9), b"id", 50_000);
    let mut swapped = sealed.clone();
    swapped[SEGMENT_BYTES..2 * SEGMENT_BYTES].copy_from_slice(&sealed[2 * SEGMENT_BYTES..3 * SEGMENT_BYTES]);
    swapped[2 * SEGMENT_BYTES..3 * SEGMENT_BYTES].copy_from_slice(&sealed[SEGMENT_BYTES..2 * SEGMENT_BYTES]);
    assert_eq!(open(&swapped, b"id").unwrap_err(), SealError::Forged);
}

#[test]
fn the_format_ends_where_the_segment_number_does() {
    let longest = Layout::of_plain(MAX_PLAIN_BYTES).unwrap();
    assert_eq!(longest.segments(), u32::MAX);
    assert!(longest.segment(u32::MAX - 1).unwrap().last);
    assert_eq!(Layout::of_plain(MAX_PLAIN_BYTES + 1), Err(SealError::TooLong));
    assert_eq!(Layout::of_ciphertext(u64::MAX), Err(SealError::ImpossibleLength));
    assert_eq!(Layout::of_ciphertext(longest.ciphertext_len()), Ok(longest));
}
