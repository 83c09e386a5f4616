//! The bytes around the files (PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16), made from what is in them.

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END64: u32 = 0x0606_4b50;
const LOCATOR64: u32 = 0x0706_4b50;

/// Length of a local header before its name.
pub(super) const LOCAL_BYTES: usize = 30;
/// Length of an entry of the directory before its name.
pub(super) const CENTRAL_BYTES: usize = 46;
/// Length of the end.
pub(super) const END_BYTES: usize = 22;
/// Length of the locator of the longer end.
pub(super) const LOCATOR64_BYTES: usize = 20;
/// Length of the longer end.
pub(super) const END64_BYTES: usize = 56;

/// Version 1.0 of the format can store files; 4.5 has ZIP64.
const VERSION: u16 = 10;
const VERSION64: u16 = 45;
/// Made on a system with Unix permissions.
const UNIX: u16 = 3 << 8;
/// An ordinary file that its owner writes and everybody reads.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// 1980-01-01 00:00:00, the first time that the format has: when a package was made stands in it.
const DATE: u16 = 0x0021;
const ZIP64_ID: u16 = 1;

const FULL16: u16 = u16::MAX;
const FULL32: u32 = u32::MAX;

/// One file of a ZIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path.
    pub name: String,
    /// Its length.
    pub byte_len: u64,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// Where its header begins.
    pub offset: u64,
}

/// A number as the older field has it: full where the longer one stands elsewhere.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(FULL32)
}

fn is_long(number: u64) -> bool {
    number >= u64::from(FULL32)
}

/// Little-endian fields one after the other.
struct Fields(Vec<u8>);

impl Fields {
    fn of(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
}

/// Names have at most [`super::MAX_NAME_BYTES`] bytes, extra fields at most 28.
fn len16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(FULL16)
}

impl Member {
    fn is_long(&self) -> bool {
        is_long(self.byte_len)
    }

    /// Where the file itself begins.
    pub(super) fn data_offset(&self) -> u64 {
        let extra = if self.is_long() { 20 } else { 0 };
        self.offset + (LOCAL_BYTES + self.name.len() + extra) as u64
    }

    /// Where what comes after the file begins.
    pub fn end(&self) -> u64 {
        self.data_offset() + self.byte_len
    }

    /// Version, flags, method, time, date, checksum and lengths: the same in both headers.
    fn common(&self, fields: &mut Fields, version: u16) {
        fields.u16(version).u16(0).u16(0).u16(0).u16(DATE).u32(self.crc);
        // A file that is too long in one of the two fields is so in both: it is stored as it is.
        fields.u32(short(self.byte_len)).u32(short(self.byte_len)).u16(len16(self.name.len()));
    }

    /// What stands before the file.
    pub(super) fn local_header(&self) -> Vec<u8> {
        let mut fields = Fields::of(LOCAL_BYTES + self.name.len() + 20);
        fields.u32(LOCAL);
        self.common(&mut fields, if self.is_long() { VERSION64 } else { VERSION });
        fields.u16(if self.is_long() { 20 } else { 0 });
        fields.0.extend_from_slice(self.name.as_bytes());
        if self.is_long() {
            fields.u16(ZIP64_ID).u16(16).u64(self.byte_len).u64(self.byte_len);
        }
        fields.0
    }

    /// Its entry in the directory.
    pub(super) fn central_header(&self) -> Vec<u8> {
        let mut long = Fields::of(24);
        if self.is_long() {
            long.u64(self.byte_len).u64(self.byte_len);
        }
        if is_long(self.offset) {
            long.u64(self.offset);
        }
        let long = long.0;
        let (version, extra) = if long.is_empty() { (VERSION, 0) } else { (VERSION64, 4 + long.len()) };
        let mut fields = Fields::of(CENTRAL_BYTES + self.name.len() + extra);
        fields.u32(CENTRAL).u16(UNIX | version);
        self.common(&mut fields, version);
        // No comment, the first volume, no text.
        fields.u16(len16(extra)).u16(0).u16(0).u16(0).u32(ATTRIBUTES).u32(short(self.offset));
        fields.0.extend_from_slice(self.name.as_bytes());
        if !long.is_empty() {
            fields.u16(ZIP64_ID).u16(len16(long.len()));
            fields.0.extend_from_slice(&long);
        }
        fields.0
    }
}

/// What stands at the end: how many files there are, and where the directory is.
pub(super) fn end(count: u64, directory_offset: u64, directory_bytes: u64) -> Vec<u8> {
    let mut fields = Fields::of(END64_BYTES + LOCATOR64_BYTES + END_BYTES);
    if count >= u64::from(FULL16) || is_long(directory_offset) || is_long(directory_bytes) {
        let at = directory_offset + directory_bytes;
        fields.u32(END64).u64(END64_BYTES as u64 - 12).u16(UNIX | VERSION64).u16(VERSION64).u32(0).u32(0);
        fields.u64(count).u64(count).u64(directory_bytes).u64(directory_offset);
        fields.u32(LOCATOR64).u32(0).u64(at).u32(1);
    }
    let count = u16::try_from(count).unwrap_or(FULL16);
    fields.u32(END).u16(0).u16(0).u16(count).u16(count).u32(short(directory_bytes)).u32(short(directory_offset)).u16(0);
    fields.0
}
