//! What packages are signed with: a key on P-256 and its certificate. A self-made one unless the organisation configures
//! its own.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::Digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, Signature};

use crate::config::SealFiles;
use crate::ledger::LedgerError;
use crate::ledger::key_file::{read_private, write_new};
use crate::signature::certificate::{self, Known};
use crate::signature::{CmsError, algorithm, pem};

/// Far above any chain of certificates, in bytes.
const MAX_CERTIFICATES_BYTES: u64 = 256 * 1024;
/// What a self-made certificate is called.
const NAME: &str = "Earwitness evidence seal";

/// Why there is nothing to sign with.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file of the key.
    #[error("the file of the seal's key: {0}")]
    Key(#[from] LedgerError),
    /// The file of the certificates.
    #[error("the file of the seal's certificate: {0}")]
    Certificate(#[source] std::io::Error),
    /// What is in the two files.
    #[error("the seal: {0}")]
    Cms(#[from] CmsError),
    /// They do not go together, or not with the present time.
    #[error("the seal: {0}")]
    Unfit(&'static str),
}

impl SealError {
    /// A stable word for clients and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Key(_) => "seal-key",
            Self::Certificate(_) => "seal-certificate",
            Self::Cms(error) => error.code(),
            Self::Unfit(_) => "seal-unfit",
        }
    }
}

/// Something that signs packages. Another kind than a file (a token, a service for qualified seals) implements this.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// Its certificates in DER: its own first, then each one's issuer as far as they are there.
    fn chain(&self) -> &[Vec<u8>];

    /// The signature over a message: ECDSA on P-256 with SHA-256, in DER, in the lower half.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SealError>;
}

/// Attempts at a signature in the lower half: one in 2^64 packages would need more.
const ATTEMPTS: u32 = 64;

/// A key and its certificates in two files.
pub struct FileSealer {
    key: EcdsaKeyPair,
    chain: Vec<Vec<u8>>,
}

/// Reads key and certificates, and makes them if need be. `organization` goes into a certificate that is made; `now` is the
/// time since 1970.
///
/// # Errors
/// [`SealError::Unfit`] where key and certificate do not belong together, or the certificate is not valid `now`.
pub fn open(files: &SealFiles, organization: &str, now: Duration) -> Result<FileSealer, SealError> {
    let (key_path, certificate_path) = match files {
        SealFiles::Own { key, certificate } => (key.clone(), certificate.clone()),
        SealFiles::SelfMade(folder) => (folder.join("seal.pem"), folder.join("seal-certificate.pem")),
    };
    if matches!(files, SealFiles::SelfMade(_)) {
        make_where_missing(&key_path, &certificate_path, organization, now)?;
    }
    let key = read_key(&read_private(&key_path)?)?;
    let chain = read_certificates(&certificate_path)?;
    check(&key, &chain, now)?;
    Ok(FileSealer { key, chain: chain.into_iter().map(|known| known.der).collect() })
}

/// The key first. Of two that make one at once, one wins, and both go on with what is there then.
fn make_where_missing(key: &Path, certificate: &Path, organization: &str, now: Duration) -> Result<(), SealError> {
    if !key.exists() {
        let made = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(|_| CmsError::Crypto)?;
        let der = made.to_pkcs8v1().map_err(|_| CmsError::Crypto)?;
        keep(key, pem::write(der.as_ref(), "PRIVATE KEY").as_bytes()).map_err(LedgerError::KeyFile)?;
    }
    if !certificate.exists() {
        let pair = read_key(&read_private(key)?)?;
        let der = certificate::self_made(&pair, NAME, organization, now)?;
        keep(certificate, Known::from_der(&der)?.to_pem().as_bytes()).map_err(SealError::Certificate)?;
    }
    Ok(())
}

fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    match write_new(path, bytes) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// PKCS#8 as `openssl genpkey` writes it, or SEC 1 as `openssl ecparam -genkey` does.
fn read_key(text: &[u8]) -> Result<EcdsaKeyPair, SealError> {
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let read = match (pem::read(text, "PRIVATE KEY"), pem::read(text, "EC PRIVATE KEY")) {
        (Some(der), _) => EcdsaKeyPair::from_pkcs8(algorithm, &der),
        (None, Some(der)) => EcdsaKeyPair::from_private_key_der(algorithm, &der),
        (None, None) => return Err(SealError::Unfit("its key's file is not PEM with an unencrypted private key")),
    };
    read.map_err(|_| SealError::Unfit("its key is not one on P-256"))
}

fn read_certificates(path: &Path) -> Result<Vec<Known>, SealError> {
    let size = std::fs::metadata(path).map_err(SealError::Certificate)?.len();
    if size > MAX_CERTIFICATES_BYTES {
        return Err(SealError::Unfit("its certificate's file is too long to be one"));
    }
    let text = std::fs::read(path).map_err(SealError::Certificate)?;
    Ok(certificate::read_pem(&String::from_utf8_lossy(&text))?)
}

fn check(key: &EcdsaKeyPair, chain: &[Known], now: Duration) -> Result<(), SealError> {
    let own = chain.first().ok_or(SealError::Unfit("there is no certificate"))?;
    if algorithm::curve(own.key())? != algorithm::P256 {
        return Err(SealError::Unfit("its certificate is not of a key on P-256"));
    }
    if own.key().subject_public_key.as_bytes() != Some(key.public_key().as_ref()) {
        return Err(SealError::Unfit("the certificate that comes first is not that of its key"));
    }
    if !own.is_valid_at(now) {
        return Err(SealError::Unfit("its certificate is not valid at this time"));
    }
    for (below, above) in chain.iter().zip(chain.iter().skip(1)) {
        below.check_issued_by(above)?;
    }
    Ok(())
}

impl FileSealer {
    /// The signature of a message of which only the SHA-256 is at hand: ECDSA on P-256, in DER.
    pub fn sign_digest(&self, digest: &Digest) -> Result<Vec<u8>, SealError> {
        in_lower_half(|| self.key.sign_digest(digest))
    }
}

/// Every signature is a new one, and each second one in the form that we make.
fn in_lower_half<E>(sign: impl Fn() -> Result<Signature, E>) -> Result<Vec<u8>, SealError> {
    for _ in 0..ATTEMPTS {
        let signature = sign().map_err(|_| CmsError::Crypto)?;
        if algorithm::is_lower_half(signature.as_ref())? {
            return Ok(signature.as_ref().to_vec());
        }
    }
    Err(CmsError::Crypto.into())
}

#[async_trait]
impl Sealer for FileSealer {
    fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SealError> {
        in_lower_half(|| self.key.sign(&SystemRandom::new(), message))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    #[test]
    fn a_seal_is_made_once_and_read_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let files = SealFiles::SelfMade(folder.path().join("signing"));
        let made = open(&files, "Example NV", NOW).unwrap();
        let again = open(&files, "Another", NOW + Duration::from_secs(7)).unwrap();
        assert_eq!((made.chain.len(), &made.chain), (1, &again.chain));
        for name in ["seal.pem", "seal-certificate.pem"] {
            let mode = std::fs::metadata(folder.path().join("signing").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let known = Known::from_der(&made.chain[0]).unwrap();
        assert!(known.is_self_made() && known.check_issued_by(&known).is_ok());
        assert!(known.is_valid_at(NOW) && !known.is_valid_at(NOW * 2));
        assert!(matches!(open(&files, "", NOW * 2), Err(SealError::Unfit(_))), "its time is over");
    }

    #[test]
    fn a_certificate_that_is_lost_is_made_again_for_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let files = SealFiles::SelfMade(folder.path().to_owned());
        let before = Known::from_der(&open(&files, "Example NV", NOW).unwrap().chain[0]).unwrap();
        std::fs::remove_file(folder.path().join("seal-certificate.pem")).unwrap();
        let after = Known::from_der(&open(&files, "Example NV", NOW).unwrap().chain[0]).unwrap();
        assert_eq!(before.key(), after.key());
        assert_ne!(before.fingerprint().unwrap(), after.fingerprint().unwrap());
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [&one, &other] {
            open(&SealFiles::SelfMade(folder.path().to_owned()), "Example NV", NOW).unwrap();
        }
        let own = |key: &tempfile::TempDir, certificate: &tempfile::TempDir| SealFiles::Own {
            key: key.path().join("seal.pem"),
            certificate: certificate.path().join("seal-certificate.pem"),
        };
        assert!(open(&own(&one, &one), "", NOW).is_ok());
        assert!(matches!(open(&own(&one, &other), "", NOW), Err(SealError::Unfit(_))));
        let nowhere = tempfile::tempdir().unwrap();
        assert!(matches!(open(&own(&nowhere, &one), "", NOW), Err(SealError::Key(_))), "the own one is not made");
        assert!(matches!(open(&own(&one, &nowhere), "", NOW), Err(SealError::Certificate(_))));
        std::fs::set_permissions(one.path().join("seal.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(open(&own(&one, &one), "", NOW), Err(SealError::Key(_))), "others can read it");
    }
}
