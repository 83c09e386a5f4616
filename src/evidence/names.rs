//! Where things are in a package, below `data/`.

/// What was handed over, to whom and why.
pub const PACKAGE: &str = "package.json";
/// The ledger's checkpoint, to which every proof leads.
pub const CHECKPOINT: &str = "checkpoint";
/// The ledger's key.
pub const LEDGER_KEY: &str = "ledger-key.json";
/// The certificate that the package is signed with.
pub const SEAL_CERTIFICATE: &str = "seal-certificate.pem";
/// The page for people.
pub const REPORT: &str = "report.html";
/// How to check all of it with ordinary tools.
pub const VERIFY: &str = "VERIFY.txt";

/// What the archive knows of a recording, in its folder.
pub const RECORDING: &str = "recording.json";
/// The receipt, word for word.
pub const RECEIPT: &str = "receipt.json";
/// The ledger's entries about it.
pub const CUSTODY: &str = "custody.jsonl";
/// The waveform.
pub const WAVEFORM: &str = "waveform.json";
/// The waveform as a picture.
pub const WAVEFORM_SVG: &str = "waveform.svg";
/// The IETF's form of the same.
pub const VCON: &str = "recording.vcon.json";

/// The folder of the recording that comes as the `number`th, from 1.
pub fn folder(number: usize, id: crate::recording::RecordingId) -> String {
    format!("{number}-{id}")
}
