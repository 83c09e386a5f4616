//! `earwitness verify`: checks a document offline. Opens no archive and reads no settings.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{Exit, Failure, Output};
use crate::ledger::verify::{Report, TrustedKey, verify, verify_with_proof};

/// Far above any receipt, certificate or checkpoint, in bytes.
const MAX_BYTES: u64 = 16 << 20;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A receipt, certificate, destruction record or checkpoint; `-` is standard input
    file: PathBuf,
    /// The key to trust: its fingerprint, a verifier key, base64, PEM, or a file that holds one of them or the saved
    /// answer of GET /v1/ledger/key. Without it, the key that a document states of itself is used
    #[arg(long, value_name = "KEY")]
    trust: Option<String>,
    /// The proof that a receipt's entry is in the ledger (C2SP tlog-proof)
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

#[derive(Serialize)]
struct Verified {
    ok: bool,
    #[serde(flatten)]
    report: Report,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.report)?;
        writeln!(f, "{}", self.report.conclusion())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = match path {
        path if path == Path::new("-") => Box::new(io::stdin()),
        path => Box::new(File::open(path).map_err(failed)?),
    };
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Failure::failed(format!("{} is too large to be one of our documents", path.display())));
    }
    Ok(bytes)
}

fn trusted(text: &str) -> Result<TrustedKey, Failure> {
    text.parse().or_else(|error| {
        let path = Path::new(text);
        if !path.is_file() {
            return Err(Failure::usage(format!("--trust: {error}")));
        }
        String::from_utf8_lossy(&read(path)?)
            .parse()
            .map_err(|error| Failure::usage(format!("--trust {text}: {error}")))
    })
}

pub(super) fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let trust = args.trust.as_deref().map(trusted).transpose()?;
    let bytes = read(&args.file)?;
    let report = match &args.proof {
        None => verify(&bytes, trust.as_ref()),
        Some(path) => {
            let proof = String::from_utf8_lossy(&read(path)?).into_owned();
            verify_with_proof(&bytes, &proof, trust.as_ref())
        }
    };
    let ok = report.ok();
    output.result(&Verified { ok, report })?;
    Ok(if ok { Exit::Done } else { Exit::Refused })
}
