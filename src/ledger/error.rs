//! What can go wrong in the ledger.

/// An error of the ledger. The texts carry no personal data: never a payload, a name or a path given by a client.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Not a kind of entry: lower-case words joined by dots.
    #[error("not a kind of ledger entry")]
    Kind,
    /// JSON that is not in the one form in which it may be signed or hashed (RFC 8785, whole numbers only).
    #[error("not canonical JSON: {0}")]
    Canonical(&'static str),
    /// Bytes that are not a ledger leaf.
    #[error("not a ledger leaf: {0}")]
    Leaf(&'static str),
    /// A number of entries that no ledger of ours reaches ([`super::tree::MAX_ENTRIES`]).
    #[error("the tree would be larger than this program handles")]
    TooLarge,
    /// An entry or an older tree that is not within the tree.
    #[error("beyond the end of the tree")]
    BeyondTree,
    /// The caller did not hand in a stored hash that is needed.
    #[error("the stored hash {index} is missing")]
    MissingHash {
        /// Its index in the array of stored hashes.
        index: u64,
    },
    /// A proof that does not prove what it is said to prove.
    #[error("the proof does not hold")]
    WrongProof,
    /// A path that names no tile (C2SP tlog-tiles).
    #[error("not the path of a tile")]
    TilePath,
    /// An entry bundle that is cut off, or holds another number of entries than its name says.
    #[error("not an entry bundle: {0}")]
    Bundle(&'static str),
    /// Rebuilding: the bundle handed in is not the next one, or the entries end before the checkpoint does.
    #[error("rebuilding needs entry {next} next")]
    Gap {
        /// The sequence number of the entry that must come next.
        next: u64,
    },
    /// Rebuilding: the entries do not give the root that the checkpoint signed.
    #[error("the entries do not give the checkpoint's root")]
    RootMismatch,
    /// A log name that C2SP signed-note cannot carry: empty, or with white space, a plus or control characters.
    #[error("the ledger's name must be without white space, plus and control characters")]
    Origin,
    /// Not a checkpoint (C2SP tlog-checkpoint), or one of another ledger.
    #[error("not a checkpoint: {0}")]
    Checkpoint(&'static str),
    /// Not a proof (C2SP tlog-proof).
    #[error("not a tlog-proof: {0}")]
    Proof(&'static str),
    /// A signature that is not this key's over these bytes.
    #[error("the signature does not hold")]
    Signature,
    /// A signing or verifying key that cannot be read.
    #[error("not a usable key: {0}")]
    Key(&'static str),
    /// The file of the signing key could not be read or written.
    #[error("the signing key's file: {0}")]
    KeyFile(#[source] std::io::Error),
    /// Not a signed document of this archive.
    #[error("not a signed document: {0}")]
    Document(&'static str),
    /// The cryptographic library failed, for example because the system gave no random bytes.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl LedgerError {
    /// A stable word for clients and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Kind => "ledger-kind",
            Self::Canonical(_) => "ledger-not-canonical",
            Self::Leaf(_) => "ledger-leaf",
            Self::TooLarge => "ledger-too-large",
            Self::BeyondTree => "ledger-beyond-tree",
            Self::MissingHash { .. } => "ledger-missing-hash",
            Self::WrongProof => "ledger-wrong-proof",
            Self::TilePath => "ledger-tile-path",
            Self::Bundle(_) => "ledger-bundle",
            Self::Gap { .. } => "ledger-gap",
            Self::RootMismatch => "ledger-root-mismatch",
            Self::Origin => "ledger-origin",
            Self::Checkpoint(_) => "ledger-checkpoint",
            Self::Proof(_) => "ledger-proof",
            Self::Signature => "ledger-signature",
            Self::Key(_) => "ledger-key",
            Self::KeyFile(_) => "ledger-key-file",
            Self::Document(_) => "ledger-document",
            Self::Crypto => "ledger-crypto",
        }
    }
}
