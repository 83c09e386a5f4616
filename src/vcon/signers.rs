//! Whose signatures on a vCon count.

use x509_cert::der::{Encode as _, Error};

use crate::signature::certificate::{Known, read_pem};

/// The public keys whose signatures count, as SubjectPublicKeyInfo in DER. By default: whoever signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers(Option<Vec<Vec<u8>>>);

impl Signers {
    /// Those of the certificates in a PEM file.
    ///
    /// # Errors
    /// What is wrong with the file, in a few words.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let text = String::from_utf8_lossy(pem);
        let certificates = read_pem(&text).map_err(|_| "is not a PEM file of certificates")?;
        let keys: Vec<Vec<u8>> =
            certificates.iter().map(public_key).collect::<Result<_, _>>().map_err(|_| "holds a key that is none")?;
        if keys.is_empty() { Err("holds no certificate") } else { Ok(Self(Some(keys))) }
    }

    /// Whether the signature of this key counts.
    pub fn admit(&self, key: &[u8]) -> bool {
        self.0.as_ref().is_none_or(|keys| keys.iter().any(|known| known == key))
    }
}

/// The key of a certificate: SubjectPublicKeyInfo as DER.
pub fn public_key(certificate: &Known) -> Result<Vec<u8>, Error> {
    certificate.key().to_der()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_file_everybody_counts_and_a_file_without_certificates_is_none() {
        assert!(Signers::default().admit(b"any"));
        for bad in ["", "\n \n", "x", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Signers::from_pem(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
