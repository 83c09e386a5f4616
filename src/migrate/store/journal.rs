//! Which objects were read back and found right, so that the next pass need not read them again: only of objects that
//! nobody ever overwrites. A file beside the data, in the order of the walk, read along with it: no pass holds it in
//! memory. Losing it costs time and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

/// One object that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verified {
    pub path: String,
    pub byte_len: u64,
    pub sha256: String,
}

impl Verified {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_suffix('\n')?.splitn(3, ' ');
        let (sha256, byte_len, path) = (words.next()?, words.next()?, words.next()?);
        let whole = sha256.len() == 64 && !path.is_empty();
        whole.then(|| byte_len.parse().ok()).flatten().map(|byte_len| Self {
            path: path.to_owned(),
            byte_len,
            sha256: sha256.to_owned(),
        })
    }

    fn line(&self) -> String {
        format!("{} {} {}\n", self.sha256, self.byte_len, self.path)
    }
}

/// The lines of one file, until it ends or is cut.
struct Lines(Option<BufReader<File>>);

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        match File::open(path) {
            Ok(file) => Ok(Self(Some(BufReader::new(file)))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }

    fn next(&mut self) -> io::Result<Option<Verified>> {
        let Some(file) = &mut self.0 else { return Ok(None) };
        let mut line = String::new();
        file.read_line(&mut line)?;
        Ok(Verified::parse(&line))
    }
}

/// See the module.
pub(super) struct Journal {
    before: Lines,
    ahead: Option<Verified>,
    now: BufWriter<File>,
    place: PathBuf,
    part: PathBuf,
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::new(OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?))
}

impl Journal {
    /// The journal of what was copied from one store to another.
    pub(super) fn open(data: &Path, source: &str, target: &str) -> io::Result<Self> {
        let folder = data.join("migration");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let name = hex::encode(&digest(&SHA256, format!("{source}\n{target}").as_bytes()).as_ref()[..16]);
        let (place, part) = (folder.join(format!("{name}.verified")), folder.join(format!("{name}.part")));
        if part.exists() {
            keep_what_was_broken_off(&place, &part)?;
        }
        let mut before = Lines::open(&place)?;
        let ahead = before.next()?;
        Ok(Self { before, ahead, now: create(&part)?, place, part })
    }

    /// What is known of the object at `path`. To be asked in the order of the paths.
    pub(super) fn known(&mut self, path: &str) -> io::Result<Option<Verified>> {
        while self.ahead.as_ref().is_some_and(|ahead| ahead.path.as_str() < path) {
            self.ahead = self.before.next()?;
        }
        Ok(self.ahead.clone().filter(|ahead| ahead.path == path))
    }

    /// Notes an object that was read back, now or by an earlier pass. In the order of the paths.
    pub(super) fn note(&mut self, verified: &Verified) -> io::Result<()> {
        self.now.write_all(verified.line().as_bytes())?;
        // A pass that is broken off has not worked in vain.
        self.now.flush()
    }

    /// The pass has come to its end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.now.flush()?;
        std::fs::rename(self.part, self.place)
    }

    /// Nobody asks any more.
    pub(super) fn remove(data: &Path) -> io::Result<()> {
        match std::fs::remove_dir_all(data.join("migration")) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// What the pass that broke off had noted, and behind that what the one before it had.
fn keep_what_was_broken_off(place: &Path, part: &Path) -> io::Result<()> {
    let merged = part.with_extension("merged");
    let mut out = create(&merged)?;
    let mut last = String::new();
    let mut newer = Lines::open(part)?;
    while let Some(verified) = newer.next()? {
        out.write_all(verified.line().as_bytes())?;
        last = verified.path;
    }
    let mut older = Lines::open(place)?;
    while let Some(verified) = older.next()? {
        if verified.path > last {
            out.write_all(verified.line().as_bytes())?;
        }
    }
    out.flush()?;
    std::fs::rename(&merged, place)?;
    std::fs::remove_file(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(path: &str, byte_len: u64) -> Verified {
        Verified { path: path.to_owned(), byte_len, sha256: "ab".repeat(32) }
    }

    #[test]
    fn a_pass_that_breaks_off_keeps_what_it_and_the_one_before_it_knew() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Journal::open(folder.path(), "a", "b").unwrap();
        let mut first = open();
        for path in ["rec/1", "rec/3", "rec/5"] {
            assert_eq!(first.known(path).unwrap(), None);
            first.note(&verified(path, 7)).unwrap();
        }
        first.finish().unwrap();

        let mut second = open();
        assert_eq!(second.known("rec/1").unwrap(), Some(verified("rec/1", 7)));
        second.note(&verified("rec/2", 8)).unwrap();
        let mut file = OpenOptions::new().append(true).open(&second.part).unwrap();
        file.write_all(b"cut in the mid").unwrap();
        drop(second);

        let mut third = open();
        let known: Vec<_> = ["rec/1", "rec/2", "rec/3", "rec/4", "rec/5"].map(|p| third.known(p).unwrap()).into();
        assert_eq!(
            known,
            [None, Some(verified("rec/2", 8)), Some(verified("rec/3", 7)), None, Some(verified("rec/5", 7))]
        );
        assert_eq!(Journal::open(folder.path(), "a", "c").unwrap().known("rec/2").unwrap(), None, "of another target");
        Journal::remove(folder.path()).unwrap();
        assert_eq!(open().known("rec/5").unwrap(), None);
    }
}
