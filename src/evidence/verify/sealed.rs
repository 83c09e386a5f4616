//! The signature over the lists, and its timestamp.

use std::io::{Read, Seek};
use std::time::Duration;

use super::checks;
use super::files::Files;
use crate::clock::Timestamp;
use crate::evidence::close::{SIGNATURE, SIGNATURE_VALUE, TIMESTAMP};
use crate::ledger::signing::sha256;
use crate::ledger::verify::Report;
use crate::signature::CmsError;
use crate::signature::signed::Signed;
use crate::timestamp::{self, Roots, Stamped, TimestampError};

/// How far the authority's time may be from the signer's: they are a moment apart, by two clocks.
const APART: Duration = Duration::from_secs(10 * 60);

/// A signature that holds.
pub(super) struct Seal {
    /// SHA-256 of the certificate.
    pub(super) fingerprint: String,
    /// The certificate as PEM.
    pub(super) pem: String,
    /// Whether it carries a timestamp, of whatever worth.
    pub(super) is_stamped: bool,
}

/// Checks both. The seal is given also where it does not hold, as far as it can be read: the report names it.
pub(super) fn check<R: Read + Seek>(report: &mut Report, files: &mut Files<R>, roots: Option<&Roots>) -> Option<Seal> {
    let bytes = files.signature_file(SIGNATURE).unwrap_or_default();
    let signed = match Signed::parse(&bytes) {
        Ok(signed) => signed,
        Err(error) => {
            report.add(checks::SIGNATURE, false, &error.to_string());
            return None;
        }
    };
    let content = files.tag_manifest().unwrap_or_default();
    let holds = holds(&signed, &content);
    let told =
        holds.as_ref().map_or_else(ToString::to_string, |at| format!("by {}, at {at}", signed.certificate().subject()));
    report.add(checks::SIGNATURE, holds.is_ok(), &told);
    let stamp = signed.timestamp().ok().flatten();
    let named = files.has_signature_file(TIMESTAMP) || files.has_signature_file(SIGNATURE_VALUE);
    let is_stamped = stamp.is_some() || named;
    if is_stamped {
        match check_stamp(files, &signed, stamp.as_deref(), roots) {
            Ok(Stamped { at, authority, vouched: true, .. }) => {
                report.add(checks::TIMESTAMP, true, &format!("{at} by {authority}"));
            }
            Ok(Stamped { at, authority, .. }) => {
                report.note(checks::AUTHORITY, &format!("{at} by {authority}, whose certificate was not checked"));
            }
            Err(error) => report.add(checks::TIMESTAMP, false, &error.to_string()),
        }
    }
    let fingerprint = signed.certificate().fingerprint().ok()?;
    Some(Seal { fingerprint, pem: signed.certificate().to_pem(), is_stamped })
}

/// When it was signed, as the signer says, if the signature holds.
fn holds(signed: &Signed, content: &[u8]) -> Result<Timestamp, CmsError> {
    signed.check_form()?;
    signed.check(content)?;
    let at = signed.signing_time().ok_or(CmsError::Wrong("it does not say when it was made"))?;
    if !signed.certificate().is_valid_at(at) {
        return Err(CmsError::Wrong("its certificate was not valid then"));
    }
    Ok(since_1970(at))
}

fn since_1970(at: Duration) -> Timestamp {
    Timestamp::from_micros(0).plus(at)
}

/// The token stands in the signature and beside it, and is over the bare signature, which stands beside it as well.
fn check_stamp<R: Read + Seek>(
    files: &mut Files<R>,
    signed: &Signed,
    stamp: Option<&[u8]>,
    roots: Option<&Roots>,
) -> Result<Stamped, TimestampError> {
    let missing = TimestampError::Other("a part of it is missing");
    let (Some(stamp), Some(beside)) = (stamp, files.signature_file(TIMESTAMP)) else { return Err(missing) };
    if beside != stamp {
        return Err(TimestampError::Other("the one in the signature and the one beside it differ"));
    }
    if files.signature_file(SIGNATURE_VALUE).as_deref() != Some(signed.signature()) {
        return Err(TimestampError::Other("the signature beside it is another one"));
    }
    let stamped = timestamp::check(stamp, &sha256(signed.signature()), roots)?;
    let signed_at = signed.signing_time().map(since_1970);
    if signed_at.is_none_or(|at| stamped.at < at.minus(APART) || stamped.at > at.plus(APART)) {
        return Err(TimestampError::Other("it is of another time than the signature"));
    }
    if !signed.certificate().is_valid_at(stamped.at.since(Timestamp::from_micros(0))) {
        return Err(TimestampError::Other("the seal's certificate was not valid at its time"));
    }
    Ok(stamped)
}
