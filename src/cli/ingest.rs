//! `earwitness ingest`: bulk import.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::output::{Exit, Failure, Output, aligned, progress};
use super::{part, signals};
use crate::config::Config;
use crate::receive::bulk::{Import, ImportError, RowEnd, Summary, import, shell_actor};
use crate::receive::manifest::{Manifest, ManifestError};
use crate::serve::publish_ledger_until;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Folders in which the manifest's files are, or the files themselves [default: the manifest's folder]
    #[arg(value_name = "PATH")]
    places: Vec<PathBuf>,
    /// The list of recordings, .csv or .jsonl: `file`, and the metadata columns of the API (person_id, person_name,
    /// tags separated by `;`)
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Where rows that were not taken in are listed [default: <MANIFEST>.rejects.jsonl]
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Recordings at once [default: one per processor]
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

#[derive(Serialize)]
struct Done {
    #[serde(flatten)]
    summary: Summary,
    seconds: f64,
    rejects: Option<PathBuf>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { accepted, quarantined, repeated, rejected, complete } = self.summary;
        let rows =
            [("accepted", accepted), ("quarantined", quarantined), ("in already", repeated), ("rejected", rejected)];
        f.write_str(&aligned(&rows.map(|(name, count)| [name.to_owned(), count.to_string()])))?;
        if let Some(path) = &self.rejects {
            writeln!(f, "the rejected rows are in {}", path.display())?;
        }
        if complete { Ok(()) } else { writeln!(f, "stopped before the end; the same command goes on") }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Manifest(ManifestError::Form | ManifestError::Header(_)) => Self::usage(error),
            other => Self::failed(format!("{other}; what is in stays, and the same command goes on")),
        }
    }
}

/// The file of rejected rows: there only when there are some.
struct Rejects {
    path: PathBuf,
    file: BufWriter<File>,
    any: bool,
}

impl Rejects {
    fn create(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        Ok(Self { path, file: BufWriter::new(file), any: false })
    }

    fn keep(&mut self, end: &RowEnd) -> io::Result<()> {
        let RowEnd::Rejected(reject) = end else { return Ok(()) };
        self.any = true;
        serde_json::to_writer(&mut self.file, reject)?;
        self.file.write_all(b"\n")?;
        // Whoever stops the import half-way still has the reasons so far.
        self.file.flush()
    }

    /// Where they are, when there are any.
    fn finish(self) -> io::Result<Option<PathBuf>> {
        if self.any {
            return Ok(Some(self.path));
        }
        std::fs::remove_file(&self.path)?;
        Ok(None)
    }
}

pub(super) async fn run(args: Args, config: Config, output: Output) -> Result<Exit, Failure> {
    let manifest = Manifest::open(&args.manifest).map_err(ImportError::from)?;
    let bar = progress(|| Manifest::count(&args.manifest).map_err(ImportError::from))?;
    let stop = signals::watch()?;
    let archive = part::open_ready(config).await?;
    archive.check_store().await?;
    let folder = args.manifest.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let how = Import {
        places: if args.places.is_empty() { vec![folder] } else { args.places },
        jobs: args.jobs.unwrap_or(cores),
        actor: shell_actor("earwitness ingest"),
    };
    let path = args.rejects.unwrap_or_else(|| {
        let mut name = args.manifest.into_os_string();
        name.push(".rejects.jsonl");
        name.into()
    });
    let cannot = |error: io::Error| Failure::failed(format!("cannot write the file of rejected rows: {error}"));
    let mut rejects = Rejects::create(path).map_err(cannot)?;
    let started = Instant::now();
    let publishing = CancellationToken::new();
    let publisher = tokio::spawn(publish_ledger_until(archive.clone(), publishing.clone()));
    let summary = import(&archive, manifest, how, &stop, |end| {
        bar.inc(1);
        rejects.keep(end)
    })
    .await;
    bar.finish_and_clear();
    publishing.cancel();
    publisher.await.map_err(Failure::failed)?;
    archive.hand_over_ledger().await?;
    let rejects = rejects.finish().map_err(cannot)?;
    let done = Done { summary: summary?, seconds: started.elapsed().as_secs_f64(), rejects };
    output.result(&done)?;
    Ok(match done.summary {
        Summary { complete: false, .. } => Exit::Failed,
        Summary { rejected: 1.., .. } => Exit::Refused,
        _ => Exit::Done,
    })
}
