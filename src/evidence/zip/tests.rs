//! The dialect, and that no byte of it could be another.

use std::io::Cursor;

use super::read::ZipReader;
use super::write::ZipWriter;
use super::{Member, ZipError, form, is_plain};

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut writer, mut bytes) = (ZipWriter::default(), Vec::new());
    for (name, content) in files {
        bytes.extend(writer.file(name, content.len() as u64, crc32fast::hash(content)).unwrap());
        bytes.extend_from_slice(content);
    }
    bytes.extend(writer.finish());
    bytes
}

fn sample() -> Vec<u8> {
    zip(&[("bag/a.txt", b"hello"), ("bag/data/empty", b""), ("bag/data/b.wav", &[7; 3_000])])
}

/// Whether all of it is as it was written.
fn is_whole(bytes: &[u8]) -> bool {
    let Ok(mut reader) = ZipReader::open(Cursor::new(bytes)) else { return false };
    (0..reader.members().len()).all(|index| reader.each_chunk(index, |_| ()).is_ok_and(|same| same))
}

#[test]
fn what_is_written_is_read_back() {
    let bytes = sample();
    let mut reader = ZipReader::open(Cursor::new(&bytes)).unwrap();
    let names: Vec<_> = reader.members().iter().map(|m| m.name.clone()).collect();
    assert_eq!(names, ["bag/a.txt", "bag/data/empty", "bag/data/b.wav"]);
    assert_eq!(reader.whole(0, 5).unwrap(), b"hello");
    assert!(reader.whole(0, 4).is_err(), "longer than it may be");
    assert!(is_whole(&bytes));
    assert!(is_whole(&zip(&[])), "no file at all");
}

#[test]
fn one_flipped_bit_anywhere_is_noticed() {
    let good = sample();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!is_whole(&bad), "bit {bit}");
    }
}

#[test]
fn what_is_cut_off_or_has_something_around_it_is_refused() {
    let good = sample();
    for len in 0..good.len() {
        assert!(!is_whole(&good[..len]), "cut to {len}");
    }
    assert!(!is_whole(&[b"x".as_slice(), &good].concat()), "a prefix");
    assert!(!is_whole(&[good.as_slice(), b"x"].concat()), "a trailer");
    let end = good.len() - form::END_BYTES;
    let mut gap = good.clone();
    gap.insert(end, 0);
    assert!(!is_whole(&gap), "a gap before the end");
}

#[test]
fn names_that_lead_elsewhere_or_twice_to_one_place_are_refused() {
    for bad in
        ["", "/a", "a/", "a//b", "../a", "a/../b", "a/./b", "a\\b", "C:a", "a b", "é", ".a", "a.", &"a".repeat(241)]
    {
        assert!(!is_plain(bad), "{bad}");
        assert!(matches!(ZipWriter::default().file(bad, 0, 0), Err(ZipError::Name(_))), "{bad}");
    }
    let mut writer = ZipWriter::default();
    writer.file("bag/a", 0, 0).unwrap();
    assert!(writer.file("bag/A", 0, 0).is_err());
    // Written by somebody else, they are not read either.
    for (name, other) in [("bag/a", "bag/a"), ("bag/a", "bag/A"), ("bag/a", "bag/..")] {
        let members = [name, other].map(|name| Member { name: name.to_owned(), byte_len: 0, crc: 0, offset: 0 });
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for mut member in members {
            member.offset = bytes.len() as u64;
            bytes.extend(member.local_header());
            directory.extend(member.central_header());
        }
        let at = bytes.len() as u64;
        bytes.extend_from_slice(&directory);
        bytes.extend(form::end(2, at, directory.len() as u64));
        assert!(ZipReader::open(Cursor::new(&bytes)).is_err(), "{other}");
    }
}

#[test]
fn many_files_take_the_longer_end() {
    let mut writer = ZipWriter::default();
    let mut bytes = Vec::new();
    for index in 0..70_000 {
        bytes.extend(writer.file(&format!("bag/{index}"), 0, 0).unwrap());
    }
    bytes.extend(writer.finish());
    let reader = ZipReader::open(Cursor::new(&bytes)).unwrap();
    assert_eq!(reader.members().len(), 70_000);
    let end = bytes.len() - form::END_BYTES - form::LOCATOR64_BYTES - form::END64_BYTES;
    for at in end..bytes.len() {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        assert!(ZipReader::open(Cursor::new(&bad)).is_err(), "byte {at}");
    }
}

#[test]
fn a_directory_beyond_the_end_of_numbers_is_refused() {
    let mut bytes = form::end(u64::from(u16::MAX), 0, 0);
    bytes[40..48].copy_from_slice(&2_u64.to_le_bytes());
    bytes[48..56].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(ZipReader::open(Cursor::new(&bytes)).is_err());
}

#[test]
fn a_file_beyond_four_gibibytes_has_its_length_in_the_longer_field() {
    let long = Member { name: "bag/long".into(), byte_len: 5 << 30, crc: 7, offset: 0 };
    let after = Member { name: "bag/after".into(), byte_len: 1, crc: 8, offset: long.end() };
    assert_eq!(long.data_offset(), (form::LOCAL_BYTES + 8 + 20) as u64);
    assert_eq!(long.local_header().len() as u64, long.data_offset());
    assert_eq!(long.central_header().len(), form::CENTRAL_BYTES + 8 + 4 + 16);
    assert_eq!(after.central_header().len(), form::CENTRAL_BYTES + 9 + 4 + 8, "its offset alone is long");
    assert_eq!(&long.central_header()[20..28], &[0xff; 8]);
}
