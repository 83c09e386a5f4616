//! What holds across the files of the ledger.
