//! The files of one recording, and of the package as a whole, as they go into the bag.

use super::bag::{BagWriter, Measured};
use super::instructions::{self, Signing};
use super::names;
use super::shapes::{CustodyLine, PackageFacts, RecordingFacts};
use super::zip::ZipError;
use crate::ledger::shapes::LedgerKey;

/// What is written about a recording beside its audio.
#[derive(Debug, Clone)]
pub struct RecordingFiles {
    /// Its folder below `data/`.
    pub folder: String,
    /// What the archive knows of it.
    pub facts: RecordingFacts,
    /// Its receipt, word for word.
    pub receipt: Vec<u8>,
    /// The waveform as JSON and as a picture.
    pub waveform: (Vec<u8>, String),
}

/// What stands once in a package, but for the page for people.
#[derive(Debug, Clone)]
pub struct CommonFiles {
    /// What the package says of itself.
    pub package: PackageFacts,
    /// The ledger's key.
    pub ledger_key: LedgerKey,
    /// The checkpoint, word for word.
    pub checkpoint: Vec<u8>,
    /// The seal's certificate as PEM, and whether it is self-made.
    pub seal: (String, bool),
}

/// Bytes that come one after the other.
type Pieces = Vec<Vec<u8>>;

/// The header of a recording's audio, whose bytes the caller passes on.
pub fn audio_header(bag: &mut BagWriter, folder: &str, audio: &str, measured: &Measured) -> Result<Vec<u8>, ZipError> {
    bag.payload_header(&format!("{folder}/{audio}"), measured)
}

/// One entry of what happened: its proof as a file, its line for the list.
pub fn custody_entry(
    bag: &mut BagWriter,
    folder: &str,
    line: &CustodyLine,
    proof: &str,
    list: &mut Vec<u8>,
) -> Result<Vec<u8>, ZipError> {
    list.extend(custody_line(line)?);
    bag.payload(&format!("{folder}/{}", line.proof_file()), proof.as_bytes())
}

/// A line of the list of what happened.
pub fn custody_line(line: &CustodyLine) -> Result<Vec<u8>, ZipError> {
    let mut text = serde_json::to_vec(line).map_err(|_| ZipError::Form("an entry"))?;
    text.push(b'\n');
    Ok(text)
}

/// Everything else about a recording; `custody` is its list.
pub fn recording(bag: &mut BagWriter, files: &RecordingFiles, custody: &[u8]) -> Result<Pieces, ZipError> {
    let at = |name: &str| format!("{}/{name}", files.folder);
    Ok(vec![
        bag.payload(&at(names::RECORDING), &json(&files.facts)?)?,
        bag.payload(&at(names::RECEIPT), &files.receipt)?,
        bag.payload(&at(names::CUSTODY), custody)?,
        bag.payload(&at(names::WAVEFORM), &files.waveform.0)?,
        bag.payload(&at(names::WAVEFORM_SVG), files.waveform.1.as_bytes())?,
    ])
}

/// What stands once in a package, but for the page for people.
pub fn common(bag: &mut BagWriter, folder: &str, files: &CommonFiles) -> Result<Pieces, ZipError> {
    let signing = Signing::of(&files.package, &files.ledger_key.fingerprint, files.seal.1);
    Ok(vec![
        bag.payload(names::PACKAGE, &json(&files.package)?)?,
        bag.payload(names::LEDGER_KEY, &json(&files.ledger_key)?)?,
        bag.payload(names::CHECKPOINT, &files.checkpoint)?,
        bag.payload(names::SEAL_CERTIFICATE, files.seal.0.as_bytes())?,
        bag.payload(names::VERIFY, instructions::text(folder, &signing).as_bytes())?,
    ])
}

/// What `bag-info.txt` says.
pub fn bag_info(package: &PackageFacts) -> Vec<(&'static str, String)> {
    let made_on = package.made_at.to_utc().date_naive().to_string();
    vec![
        ("Source-Organization", package.controller.name.clone()),
        ("Organization-Address", package.controller.address.clone()),
        ("Bagging-Date", made_on),
        ("External-Identifier", package.package_id.to_string()),
        ("Bag-Software-Agent", concat!("earwitness ", env!("CARGO_PKG_VERSION")).to_owned()),
    ]
}

/// A JSON file of a package, to the byte.
pub fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, ZipError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|_| ZipError::Form("JSON"))?;
    text.push(b'\n');
    Ok(text)
}
