//! The ZIP and the bag in it.

use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek};

use aws_lc_rs::digest::{Context, SHA256};

use super::checks;
use crate::evidence::bag::{BAG_INFO, BAGIT, MANIFEST, SIGNATURE_FOLDER, TAG_MANIFEST, read_manifest};
use crate::evidence::close::{SIGNATURE, SIGNATURE_VALUE, TIMESTAMP};
use crate::evidence::zip::MAX_MEMBERS;
use crate::evidence::zip::read::ZipReader;
use crate::ledger::verify::Report;

/// Longest manifest that is read: a line for each file.
const MAX_MANIFEST_BYTES: u64 = (MAX_MEMBERS as u64) * 320;
/// Longest of the other tag files.
const MAX_TAG_BYTES: u64 = 64 * 1024;
/// The tag files that stand in the tag manifest, in its order.
const TAGS: [&str; 3] = ["bagit.txt", BAG_INFO, MANIFEST];

/// The files of a package by their paths in its folder.
pub(super) struct Files<R> {
    zip: ZipReader<R>,
    folder: String,
    places: HashMap<String, usize>,
    digests: BTreeMap<String, [u8; 32]>,
}

impl<R: Read + Seek> Files<R> {
    /// Opens the ZIP. None where it is not one of a package.
    pub(super) fn open(report: &mut Report, source: R) -> Option<Self> {
        let zip = match ZipReader::open(source) {
            Ok(zip) => zip,
            Err(error) => {
                report.add(checks::ZIP, false, &error.to_string());
                return None;
            }
        };
        report.add(checks::ZIP, true, &format!("{} files", zip.members().len()));
        let folder =
            zip.members().first().and_then(|first| first.name.split_once('/')).map(|(folder, _)| folder.to_owned());
        let mut places = HashMap::new();
        for (index, member) in zip.members().iter().enumerate() {
            let path = folder.as_ref().and_then(|folder| member.name.strip_prefix(folder)?.strip_prefix('/'));
            let Some(path) = path else {
                report.add(checks::BAG, false, "not everything is in one folder");
                return None;
            };
            places.insert(path.to_owned(), index);
        }
        let mut files = Self { zip, folder: folder.unwrap_or_default(), places, digests: BTreeMap::new() };
        let declared = files.read("bagit.txt", MAX_TAG_BYTES).is_some_and(|bytes| bytes == BAGIT.as_bytes());
        report.add(checks::BAG, declared, &files.folder);
        declared.then_some(files)
    }

    /// The one folder at the top.
    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    /// A whole file of at most so many bytes; none when it is not there, or longer.
    pub(super) fn read(&mut self, path: &str, max_bytes: u64) -> Option<Vec<u8>> {
        self.zip.whole(*self.places.get(path)?, max_bytes).ok()
    }

    /// The SHA-256 of a file, as it is and as it is listed.
    pub(super) fn digest(&self, path: &str) -> Option<[u8; 32]> {
        self.digests.get(path).copied()
    }

    /// Every path below `data/`.
    pub(super) fn payload(&self) -> impl Iterator<Item = &str> {
        self.digests.keys().filter_map(|path| path.strip_prefix("data/"))
    }

    /// Compares what is there with what is listed: true when nothing is missing, nothing is added and every file is as it
    /// was listed.
    pub(super) fn check_bag(&mut self, report: &mut Report) -> bool {
        let manifest = self.read(MANIFEST, MAX_MANIFEST_BYTES).unwrap_or_default();
        let manifest = String::from_utf8(manifest).unwrap_or_default();
        let listed = read_manifest(&manifest).filter(|lines| !lines.is_empty());
        let payload = self.check_listed(report, listed.as_deref());
        let digests = listed.is_some_and(|lines| self.check_digests(report, &lines));
        let tags = self.check_tags(report);
        payload && digests && tags
    }

    fn check_listed(&self, report: &mut Report, listed: Option<&[([u8; 32], &str)]>) -> bool {
        let Some(listed) = listed else {
            report.add(checks::LISTED, false, "there is no list of the files");
            return false;
        };
        let mut expected: HashMap<&str, bool> =
            TAGS.iter().copied().chain([TAG_MANIFEST]).map(|path| (path, false)).collect();
        for (_, path) in listed {
            if !path.starts_with("data/") || expected.insert(path, false).is_some() {
                report.add(checks::LISTED, false, &format!("{path} is listed twice, or is no payload"));
                return false;
            }
        }
        let signature = |path: &str| {
            path.strip_prefix(SIGNATURE_FOLDER)
                .and_then(|name| name.strip_prefix('/'))
                .is_some_and(|name| [SIGNATURE, SIGNATURE_VALUE, TIMESTAMP].contains(&name))
        };
        for path in self.places.keys() {
            match expected.get_mut(path.as_str()) {
                Some(found) => *found = true,
                None if signature(path) => {}
                None => {
                    report.add(checks::LISTED, false, &format!("{path} is not listed"));
                    return false;
                }
            }
        }
        let missing = expected.into_iter().find(|(_, found)| !found).map(|(path, _)| path);
        let detail = missing.map_or(format!("{} files", listed.len()), |path| format!("{path} is missing"));
        report.add(checks::LISTED, missing.is_none(), &detail);
        missing.is_none()
    }

    fn check_digests(&mut self, report: &mut Report, listed: &[([u8; 32], &str)]) -> bool {
        for (expected, path) in listed {
            let Some(place) = self.places.get(*path) else { continue };
            let mut context = Context::new(&SHA256);
            let same_crc = self.zip.each_chunk(*place, |chunk| context.update(chunk)).unwrap_or(false);
            if !same_crc || context.finish().as_ref() != expected {
                report.add(checks::DIGESTS, false, &format!("{path} is another one"));
                return false;
            }
            self.digests.insert((*path).to_owned(), *expected);
        }
        report.add(checks::DIGESTS, true, &format!("SHA-256 of {} files", listed.len()));
        true
    }

    fn check_tags(&mut self, report: &mut Report) -> bool {
        let manifest = self.tag_manifest().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
        let lines = read_manifest(&manifest).unwrap_or_default();
        let names: Vec<&str> = lines.iter().map(|(_, path)| *path).collect();
        if names != TAGS {
            report.add(checks::TAGS, false, "it does not list what it has to");
            return false;
        }
        for (expected, path) in lines {
            let bytes = self.read(path, MAX_MANIFEST_BYTES).unwrap_or_default();
            if crate::ledger::signing::sha256(&bytes) != expected || !self.has_good_checksum(path) {
                report.add(checks::TAGS, false, &format!("{path} is another one"));
                return false;
            }
        }
        let good = self.has_good_checksum(TAG_MANIFEST);
        report.add(checks::TAGS, good, "");
        good
    }

    /// Whether the ZIP's own checksum of a file is right. The digest says more; but this is a byte as well.
    pub(super) fn has_good_checksum(&mut self, path: &str) -> bool {
        let Some(place) = self.places.get(path) else { return false };
        self.zip.each_chunk(*place, |_| ()).unwrap_or(false)
    }

    /// What is signed.
    pub(super) fn tag_manifest(&mut self) -> Option<Vec<u8>> {
        self.read(TAG_MANIFEST, MAX_TAG_BYTES)
    }

    /// A file below `signature/`, which no list has.
    pub(super) fn signature_file(&mut self, name: &str) -> Option<Vec<u8>> {
        let path = format!("{SIGNATURE_FOLDER}/{name}");
        let bytes = self.read(&path, crate::signature::signed::MAX_BYTES as u64)?;
        self.has_good_checksum(&path).then_some(bytes)
    }

    /// Whether there is such a file, readable or not.
    pub(super) fn has_signature_file(&self, name: &str) -> bool {
        self.places.contains_key(&format!("{SIGNATURE_FOLDER}/{name}"))
    }

    /// A file below `data/`.
    pub(super) fn data(&mut self, path: &str, max_bytes: u64) -> Option<Vec<u8>> {
        self.read(&format!("data/{path}"), max_bytes)
    }
}
