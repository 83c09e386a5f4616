//! The checks of a package, and what it means when one fails.

use crate::ledger::verify::CheckKind;

macro_rules! checks {
    ($($name:ident = $text:literal, $means:literal;)*) => {
        $(pub(super) const $name: CheckKind = CheckKind { name: $text, means: $means };)*
    };
}

checks! {
    ZIP = "zip", "The file is not as the archive sent it: cut off, packed anew, or with something added or changed between \
        the files in it.";
    BAG = "bag", "It is a ZIP, but not of one evidence package.";
    LISTED = "listed", "A file is missing, or there is one that the package does not list.";
    DIGESTS = "digests", "A file is not the one that was put into the package.";
    TAGS = "tag manifest", "The list of the package's files was changed.";
    SIGNATURE = "signature", "The package was changed after it was signed, or somebody else made it.";
    TIMESTAMP = "timestamp", "It is not shown that the package was there at that time.";
    AUTHORITY = "timestamp", "Nobody was named who has to vouch for the authority's certificate, so it was not checked: anybody could \
        have made this timestamp. Give the authority's root with --timestamp-ca.";
    PACKAGE = "package", "What the package says of itself is not what is in it.";
    LEDGER_KEY = "ledger key", "The forms of the ledger's key contradict each other.";
    CHECKPOINT = "checkpoint", "The ledger's key did not sign this state of the ledger.";
    RECEIPTS = "receipts", "A receipt is not one that the archive signed, or is of another recording.";
    RECORDINGS = "recordings", "What is told of a recording is not what the archive signed when it received it.";
    AUDIO = "audio", "An audio file is not the one that the archive received.";
    CUSTODY = "custody", "What is told of a recording's past is not what the ledger says.";
    PROOFS = "proofs", "It is not shown that an event is in the ledger.";
    HANDING_OVER = "handing over", "The ledger does not say that this package, with these recordings and with this past of each, was \
        handed over, signed with this seal.";
    COVERED = "covered", "The ledger's key, which you trust, vouches for the recordings, what is told of them and what happened to \
        them. What is named here stands on the seal alone, whose certificate was not compared with one you trust.";
    REPORT = "report", "The page that people read is missing.";
    TRUSTED = "trusted", "Neither the ledger's key nor the seal is one that you trust.";
}
