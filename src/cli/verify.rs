//! `earwitness verify`: checks a document or a package offline. Opens no archive and reads no settings.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::output::{Exit, Failure, Output};
use crate::evidence::verify::{self as package, Pin};
use crate::ledger::cosignature::WitnessKey;
use crate::ledger::verify::{Attestations, Report, TrustedKey, verify, verify_attested, verify_with_proof};
use crate::timestamp::Roots;

/// Far above any receipt, certificate or checkpoint, in bytes.
const MAX_BYTES: u64 = 16 << 20;
/// How every ZIP begins, and none of the documents.
const ZIP: &[u8] = b"PK";

#[derive(clap::Args)]
pub(super) struct Args {
    /// A package, receipt, certificate, destruction record or checkpoint; `-` is standard input, for all but packages
    file: PathBuf,
    /// The key to trust: its fingerprint, a verifier key, base64, PEM, or a file that holds one of them or the saved
    /// answer of GET /v1/ledger/key. Without it, the key that a document states of itself is used. For a package also
    /// the certificate of its seal: PEM or fingerprint; may be given twice there
    #[arg(long, value_name = "KEY")]
    trust: Vec<String>,
    /// The proof that a receipt's entry is in the ledger (C2SP tlog-proof)
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// The timestamp on a checkpoint (RFC 3161), as GET /v1/ledger/timestamp/SIZE gives it
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    timestamp: Option<PathBuf>,
    /// PEM file of the authorities that have to vouch for the certificate of the timestamp, of a package as well
    #[arg(long, value_name = "FILE", conflicts_with = "proof")]
    timestamp_ca: Option<PathBuf>,
    /// The verifier key of a witness that has to have cosigned a checkpoint; can be repeated
    #[arg(long, value_name = "VKEY", conflicts_with = "proof")]
    witness: Vec<WitnessKey>,
}

impl Args {
    /// Whether what others say of a checkpoint is to be checked as well.
    fn is_attested(&self) -> bool {
        self.timestamp.is_some() || !self.witness.is_empty()
    }
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

fn pin(text: &String) -> Result<Pin, Failure> {
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

/// The one key that a document can be checked against.
fn one_key(pins: &[Pin]) -> Result<Option<&TrustedKey>, Failure> {
    match pins {
        [] => Ok(None),
        [pin] => pin.key().map(Some).ok_or_else(|| Failure::usage("--trust: a certificate signs packages only")),
        _ => Err(Failure::usage("--trust: only a package is checked against more than one key")),
    }
}

/// The file, where it is a ZIP.
fn package(path: &Path) -> Result<Option<File>, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("cannot read {}: {error}", path.display()));
    if path == Path::new("-") {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut first = Vec::new();
    file.by_ref().take(ZIP.len() as u64).read_to_end(&mut first).map_err(failed)?;
    file.rewind().map_err(failed)?;
    Ok((first == ZIP).then_some(file))
}

/// Who has to vouch for a timestamp's certificate.
fn roots(args: &Args) -> Result<Option<Roots>, Failure> {
    let pem = args.timestamp_ca.as_deref().map(read).transpose()?;
    let roots = pem.map(|pem| Roots::from_pem(&pem)).transpose();
    roots.map_err(|error| Failure::usage(format!("--timestamp-ca: {error}")))
}

fn attested(args: &Args, bytes: &[u8], trust: Option<&TrustedKey>) -> Result<Report, Failure> {
    let timestamp = args.timestamp.as_deref().map(read).transpose()?;
    let roots = roots(args)?;
    let others = Attestations { timestamp: timestamp.as_deref(), roots: roots.as_ref(), witnesses: &args.witness };
    Ok(verify_attested(bytes, trust, &others))
}

pub(super) fn run(args: &Args, output: Output) -> Result<Exit, Failure> {
    let pins = args.trust.iter().map(pin).collect::<Result<Vec<_>, _>>()?;
    let report = match (package(&args.file)?, &args.proof) {
        (Some(_), _) if args.is_attested() => {
            return Err(Failure::usage("--timestamp, --witness: a package has its own"));
        }
        (Some(_), Some(_)) => return Err(Failure::usage("--proof: a package has its own proofs")),
        (Some(file), None) => package::verify(BufReader::new(file), &pins, roots(args)?.as_ref()),
        (None, _) if args.timestamp_ca.is_some() && args.timestamp.is_none() => {
            return Err(Failure::usage("--timestamp-ca: needs --timestamp, but for a package"));
        }
        (None, None) if args.is_attested() => attested(args, &read(&args.file)?, one_key(&pins)?)?,
        (None, None) => verify(&read(&args.file)?, one_key(&pins)?),
        (None, Some(path)) => {
            let proof = String::from_utf8_lossy(&read(path)?).into_owned();
            verify_with_proof(&read(&args.file)?, &proof, one_key(&pins)?)
        }
    };
    let ok = report.ok();
    output.result(&Verified { ok, report })?;
    Ok(if ok { Exit::Done } else { Exit::Refused })
}
