//! Writing a ZIP while it is sent: the caller passes on what it is given, and the files between.

use std::collections::HashSet;

use super::{MAX_MEMBERS, Member, ZipError, form, is_plain};

/// A ZIP that is being written.
#[derive(Debug, Default)]
pub struct ZipWriter {
    members: Vec<Member>,
    names: HashSet<String>,
    offset: u64,
}

impl ZipWriter {
    /// The header of a file, to be followed by exactly so many bytes with this CRC-32.
    ///
    /// # Errors
    /// [`ZipError::Name`] for a name that is not plain, or that another file has, be it in capital letters: on some disks
    /// they are one file.
    pub fn file(&mut self, name: &str, byte_len: u64, crc: u32) -> Result<Vec<u8>, ZipError> {
        if !is_plain(name) || !self.names.insert(name.to_ascii_lowercase()) {
            return Err(ZipError::Name(name.to_owned()));
        }
        if self.members.len() >= MAX_MEMBERS {
            return Err(ZipError::TooMany);
        }
        let member = Member { name: name.to_owned(), byte_len, crc, offset: self.offset };
        let header = member.local_header();
        self.offset = member.end();
        self.members.push(member);
        Ok(header)
    }

    /// The directory and the end. Without it nobody takes the ZIP for whole.
    pub fn finish(self) -> Vec<u8> {
        let mut directory: Vec<u8> = self.members.iter().flat_map(Member::central_header).collect();
        let end = form::end(self.members.len() as u64, self.offset, directory.len() as u64);
        directory.extend_from_slice(&end);
        directory
    }
}
