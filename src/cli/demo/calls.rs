//! The made-up calls of the demo. Nobody in them exists.
//!
//! The numbers are from ranges that regulators keep free for films and books: France 06 39 98 xx xx, Germany
//! 030 23125 xxx, the United Kingdom 07700 900xxx. We know of none in Belgium.

use serde_json::json;

use crate::clock::Timestamp;
use crate::receive::metadata::{InvalidMetadata, from_fields};
use crate::recording::Metadata;
use crate::retention::{Policy, deadline};

/// Somebody at the other end.
struct Customer {
    account: &'static str,
    person: &'static str,
    number: &'static str,
    language: &'static str,
}

const fn customer(
    account: &'static str,
    person: &'static str,
    number: &'static str,
    language: &'static str,
) -> Customer {
    Customer { account, person, number, language }
}

const CAMILLE: Customer = customer(ACCOUNT, "Camille Exemple", "+33639980001", "fr");
const SAM: Customer = customer(ACCOUNT, "Sam Sample", "+447700900101", "en");
const JO: Customer = customer("immo-de-linde", "Jo Voorbeeld", "+33639980002", "nl");
const ROBIN: Customer = customer("immo-de-linde", "Robin Muster", "+493023125101", "de");
const ALEX: Customer = customer("notaris-voorbeeld", "Alex Fictief", "+33639980003", "nl");

/// A call that never was.
pub(super) struct Call {
    /// The recording, as a recorder wrote it.
    pub(super) audio: &'static [u8],
    /// How long ago, in days; none: its time is over in a moment.
    pub(super) days_ago: Option<u32>,
    customer: Customer,
    agent: &'static str,
    listing: &'static str,
    inbound: bool,
}

const fn call(
    audio: &'static [u8],
    days_ago: Option<u32>,
    customer: Customer,
    agent: &'static str,
    listing: &'static str,
    inbound: bool,
) -> Call {
    Call { audio, days_ago, customer, agent, listing, inbound }
}

macro_rules! sample {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/", $path))
    };
}

/// The demo's calls, the one that is due first.
pub(super) const CALLS: [Call; 8] = [
    call(sample!("good/wav-gsm49.wav"), None, CAMILLE, AGENT, "flat-12", true),
    call(sample!("good/baresip-heard.wav"), Some(0), SAM, AGENT, "flat-12", true),
    call(sample!("good/opus-mono.ogg"), Some(23), JO, "luc.martin", "house-3", false),
    call(sample!("good/wav-alaw-stereo.wav"), Some(201), CAMILLE, AGENT, "loft-7", false),
    call(sample!("good/xing.mp3"), Some(517), ROBIN, "luc.martin", "house-9", true),
    call(sample!("good/moov-end.m4a"), Some(964), SAM, "luc.martin", "flat-2", true),
    call(sample!("good/wav-mulaw-mono.wav"), Some(1402), ALEX, AGENT, "deed-1", false),
    // Cut off while it was being sent: kept, and set aside for legal to decide.
    call(sample!("broken/truncated-xing.mp3"), Some(1755), ROBIN, "luc.martin", "house-9", false),
];

/// The account that the demo's rep and portal belong to.
pub(super) const ACCOUNT: &str = "agence-bellevue";
/// The agent that the demo's rep is.
pub(super) const AGENT: &str = "an.peeters";

impl Call {
    /// What the product would say about it. `run` keeps two demos in one folder apart.
    pub(super) fn metadata(
        &self,
        index: usize,
        run: &str,
        recorded_at: Timestamp,
    ) -> Result<Metadata, InvalidMetadata> {
        let fields = json!({
            "call_id": format!("demo-{run}-{}", index + 1),
            "account_id": self.customer.account,
            "recorded_at": recorded_at,
            "direction": if self.inbound { "inbound" } else { "outbound" },
            "agent": self.agent,
            "person": {"name": self.customer.person},
            "number": self.customer.number,
            "listing_id": self.listing,
            "product": "lead-contact",
            "language": self.customer.language,
            "notice": "1.0",
            "tags": ["demo"],
        });
        from_fields(fields.as_object().cloned().unwrap_or_default())
    }
}

/// The start of a call whose time is over at `due`; none on the few days on which no period of the policy ends
/// (29 February, an hour that clocks skip).
pub(super) fn recorded_for(policy: &Policy, due: Timestamp) -> Option<Timestamp> {
    let mut start = due;
    // One step back by a period's length, then by what leap years and summer time make of the difference.
    for _ in 0..4 {
        let end = deadline(policy, start).ok()?.expires_at;
        if end == due {
            return Some(start);
        }
        start = Timestamp::from_micros(start.micros() + (due.micros() - end.micros()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_one_that_the_archive_would_take() {
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        for (i, call) in CALLS.iter().enumerate() {
            assert!(call.metadata(i, "r", at).is_ok(), "{i}");
            assert!(crate::audio::sniff(call.audio).is_some(), "{i}");
        }
        assert!(CALLS[0].days_ago.is_none() && CALLS[1..].iter().all(|call| call.days_ago.is_some()));
        assert!(CALLS.iter().any(|call| call.customer.account == ACCOUNT && call.agent == AGENT));
    }

    #[test]
    fn the_expiring_call_ends_at_the_very_instant() {
        let policy: Policy = "call_recording/1 P5Y Europe/Brussels instant".parse().unwrap();
        for due in ["2026-11-22T20:33:15.25Z", "2026-03-30T10:00:00Z", "2026-10-25T12:00:00Z", "2028-02-28T08:00:00Z"] {
            let due = Timestamp::parse(due).unwrap();
            let start = recorded_for(&policy, due).unwrap();
            assert_eq!(deadline(&policy, start).unwrap().expires_at, due);
        }
        assert_eq!(recorded_for(&policy, Timestamp::parse("2028-02-29T08:00:00Z").unwrap()), None);
    }
}
