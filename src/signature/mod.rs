//! Signatures by certificate: CMS (RFC 5652) with the attributes of CAdES (ETSI EN 319 122-1), as openssl and every reader of
//! signatures check them. Bytes only: no clock, no file, no network.
//!
//! | question | file |
//! |---|---|
//! | which algorithms, by which names | [`algorithm`] |
//! | which attributes are signed along | [`attributes`] |
//! | how a detached signature is made | [`build`] |
//! | whether one holds | [`signed`] |
//! | PEM around any of it | [`pem`] |
//! | whose it is; a certificate of one's own | [`certificate`] |
//!
//! The formats come from the crates `der`, `x509-cert` and `cms`; what is computed over them, from `aws-lc-rs`.

pub mod algorithm;
pub mod attributes;
pub mod build;
pub mod certificate;
mod error;
pub mod pem;
pub mod signed;

#[cfg(test)]
mod tests;

pub use error::CmsError;
