//! Reading a ZIP of ours, and nothing else: whatever is between the files is made again from what the directory says of
//! them, and must be the same to the last byte.

use std::collections::HashSet;
use std::io::{Read, Seek, SeekFrom};

use super::form::{self, CENTRAL_BYTES, END_BYTES, END64_BYTES, LOCATOR64_BYTES};
use super::{MAX_MEMBERS, MAX_NAME_BYTES, Member, ZipError, is_plain};

/// Longest directory that is read, in bytes.
const MAX_DIRECTORY_BYTES: u64 = 256 << 20;
/// Bytes of a file that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// A ZIP whose directory was read.
#[derive(Debug)]
pub struct ZipReader<R> {
    source: R,
    members: Vec<Member>,
}

fn wrong(what: &'static str) -> ZipError {
    ZipError::Form(what)
}

impl<R: Read + Seek> ZipReader<R> {
    /// Reads the directory, and compares everything that is around the files with it: no gap, nothing before the first or
    /// after the end, no name twice.
    pub fn open(mut source: R) -> Result<Self, ZipError> {
        let total = source.seek(SeekFrom::End(0))?;
        let (count, at, directory) = directory(&mut source, total)?;
        let members = entries(&directory, count)?;
        check_names(&members)?;
        let mut expected = 0;
        for member in &members {
            if member.offset != expected {
                return Err(wrong("there is something between two files, or a file within another"));
            }
            expected = member.end();
        }
        if expected != at {
            return Err(wrong("there is something between the files and the directory"));
        }
        let mut reader = Self { source, members };
        for index in 0..reader.members.len() {
            reader.check_header(index)?;
        }
        Ok(reader)
    }

    /// The files, in their order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    fn check_header(&mut self, index: usize) -> Result<(), ZipError> {
        let header = self.members[index].local_header();
        let mut found = vec![0; header.len()];
        self.source.seek(SeekFrom::Start(self.members[index].offset))?;
        self.source.read_exact(&mut found).map_err(|_| wrong("a file's header is cut off"))?;
        if found == header { Ok(()) } else { Err(wrong("a file's header says something else than the directory")) }
    }

    /// A file's bytes, a piece at a time, and whether they have the checksum that the directory says.
    pub fn each_chunk(&mut self, index: usize, mut take: impl FnMut(&[u8])) -> Result<bool, ZipError> {
        let Some(member) = self.members.get(index) else { return Err(wrong("no such file")) };
        let (mut left, crc) = (member.byte_len, member.crc);
        self.source.seek(SeekFrom::Start(member.data_offset()))?;
        let mut hasher = crc32fast::Hasher::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        while left > 0 {
            let len = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            self.source.read_exact(&mut chunk[..len])?;
            hasher.update(&chunk[..len]);
            take(&chunk[..len]);
            left -= len as u64;
        }
        Ok(hasher.finalize() == crc)
    }

    /// A whole file of at most `max_bytes`.
    pub fn whole(&mut self, index: usize, max_bytes: u64) -> Result<Vec<u8>, ZipError> {
        if self.members.get(index).is_none_or(|member| member.byte_len > max_bytes) {
            return Err(wrong("a file is longer than such a file can be"));
        }
        let mut bytes = Vec::new();
        self.each_chunk(index, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }
}

/// How many files the end speaks of, where the directory begins, and the directory.
fn directory<R: Read + Seek>(source: &mut R, total: u64) -> Result<(u64, u64, Vec<u8>), ZipError> {
    let longest = (END64_BYTES + LOCATOR64_BYTES + END_BYTES) as u64;
    let tail = read_at(source, total.saturating_sub(longest), total.min(longest))?;
    let short = tail.last_chunk::<END_BYTES>().ok_or(wrong("shorter than any ZIP"))?;
    let long = tail.len() as u64 == longest && number(&tail[..4]) == number(&form::end(u64::MAX, 0, 0)[..4]);
    let (count, bytes, at) = if long {
        (number(&tail[24..32]), number(&tail[40..48]), number(&tail[48..56]))
    } else {
        (number(&short[10..12]), number(&short[12..16]), number(&short[16..20]))
    };
    if count > MAX_MEMBERS as u64 || bytes > MAX_DIRECTORY_BYTES {
        return Err(wrong("more files than a package has"));
    }
    // Whatever it says: only what lies within the file is computed with.
    let end_at = at.checked_add(bytes).filter(|end_at| *end_at <= total);
    let end = end_at.map(|end_at| (end_at, form::end(count, at, bytes)));
    let Some((_, end)) = end.filter(|(end_at, end)| end_at.checked_add(end.len() as u64) == Some(total)) else {
        return Err(wrong("cut off, or there is something before or after it"));
    };
    if !tail.ends_with(&end) {
        return Err(wrong("its end is not as it is written here"));
    }
    Ok((count, at, read_at(source, at, bytes)?))
}

fn read_at<R: Read + Seek>(source: &mut R, at: u64, bytes: u64) -> Result<Vec<u8>, ZipError> {
    let mut found = vec![0; usize::try_from(bytes).map_err(|_| wrong("too long"))?];
    source.seek(SeekFrom::Start(at))?;
    source.read_exact(&mut found)?;
    Ok(found)
}

/// A little-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn entries(directory: &[u8], count: u64) -> Result<Vec<Member>, ZipError> {
    let mut members = Vec::new();
    let mut rest = directory;
    while !rest.is_empty() {
        let member = entry(rest)?;
        let header = member.central_header();
        rest = rest
            .strip_prefix(header.as_slice())
            .ok_or(wrong("an entry of the directory is not as it is written here"))?;
        members.push(member);
    }
    if members.len() as u64 == count { Ok(members) } else { Err(wrong("the end speaks of another number of files")) }
}

/// What an entry says. Whether it says so in our form is for the caller to see.
fn entry(bytes: &[u8]) -> Result<Member, ZipError> {
    let cut = || wrong("the directory is cut off");
    let field = |from: usize, to: usize| bytes.get(from..to).map(number).ok_or_else(cut);
    let (name_bytes, extra_bytes) = (field(28, 30)? as usize, field(30, 32)? as usize);
    if name_bytes > MAX_NAME_BYTES {
        return Err(wrong("a name is too long"));
    }
    let name = bytes.get(CENTRAL_BYTES..CENTRAL_BYTES + name_bytes).ok_or_else(cut)?;
    let name = std::str::from_utf8(name).map_err(|_| wrong("a name is not plain"))?.to_owned();
    let extra = CENTRAL_BYTES + name_bytes;
    // Behind the extra field's own head stand only those numbers that did not fit.
    let mut longer =
        bytes.get(extra..extra + extra_bytes).ok_or_else(cut)?.get(4..).unwrap_or_default().chunks_exact(8);
    let mut full = |short: u64| {
        if short == u64::from(u32::MAX) { longer.next().map(number).unwrap_or(short) } else { short }
    };
    let (packed, byte_len, offset) = (full(field(20, 24)?), full(field(24, 28)?), full(field(42, 46)?));
    if packed != byte_len {
        return Err(wrong("a file is packed: here files are stored as they are"));
    }
    let crc = u32::try_from(field(16, 20)?).map_err(|_| cut())?;
    if offset.checked_add(byte_len).and_then(|end| end.checked_add(1 << 20)).is_none() {
        return Err(wrong("a file ends beyond every disk"));
    }
    Ok(Member { name, byte_len, crc, offset })
}

fn check_names(members: &[Member]) -> Result<(), ZipError> {
    let mut names = HashSet::with_capacity(members.len());
    for member in members {
        if !is_plain(&member.name) {
            return Err(wrong("a name is not plain: it could lead out of the folder"));
        }
        if !names.insert(member.name.to_ascii_lowercase()) {
            return Err(wrong("a name is there twice"));
        }
    }
    Ok(())
}
