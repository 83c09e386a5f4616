//! Timestamps: what OpenSSL's authority gives is believed, and nothing else is.

use std::sync::Arc;

use earwitness::clock::{Clock, ManualClock, SystemClock, Timestamp};
use earwitness::timestamp::{Authority, Roots, TimestampError, Token, check};

use crate::support::tsa::{Conduct, Tsa, issue, openssl};

const DIGEST: [u8; 32] = [7; 32];

fn authority(tsa: &Tsa, clock: Arc<dyn Clock>) -> Authority {
    Authority::new(&tsa.url, Some(roots(tsa)), None, clock).unwrap()
}

fn roots(tsa: &Tsa) -> Roots {
    Roots::from_pem(&std::fs::read(tsa.ca_file()).unwrap()).unwrap()
}

async fn stamp(tsa: &Tsa) -> Result<Token, TimestampError> {
    authority(tsa, Arc::new(SystemClock::new())).stamp(DIGEST).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timestamp_is_one_for_openssl_too() {
    let tsa = Tsa::start().await;
    let before = SystemClock::new().now();
    let token = stamp(&tsa).await.unwrap();
    assert!(tsa.openssl_verifies(token.response(), &DIGEST));
    assert!(!tsa.openssl_verifies(token.response(), &[8; 32]));
    let stamped = token.stamped();
    assert_eq!(
        (stamped.policy.as_str(), stamped.authority.as_str(), stamped.vouched),
        ("1.2.3.4.1", "CN=test-tsa", true)
    );
    assert!(stamped.at.seconds() >= before.seconds() && stamped.at <= SystemClock::new().now());
    // Offline, the answer and the token alone say the same; without roots nobody vouches.
    for der in [token.response(), token.token()] {
        assert_eq!(&check(der, &DIGEST, Some(&roots(&tsa))).unwrap(), stamped);
        assert!(!check(der, &DIGEST, None).unwrap().vouched);
    }
    // Two timestamps are two.
    assert_ne!(stamp(&tsa).await.unwrap().stamped().serial, stamped.serial);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_answer_to_the_question_is_refused() {
    let tsa = Tsa::start().await;
    for (conduct, code) in [
        (Conduct::Refuse, "timestamp-refused"),
        (Conduct::OtherDigest, "timestamp-other"),
        (Conduct::OtherNonce, "timestamp-other"),
        (Conduct::Unavailable, "timestamp-http-status"),
        (Conduct::Endless, "timestamp-form"),
    ] {
        tsa.conduct(conduct);
        assert_eq!(stamp(&tsa).await.unwrap_err().code(), code, "{conduct:?}");
    }
    tsa.conduct(Conduct::Refuse);
    assert!(matches!(stamp(&tsa).await, Err(TimestampError::Refused { status: 2, failure: "badAlg" })));
    tsa.conduct(Conduct::Honest);
    let wrong_clock = Arc::new(ManualClock::new(Timestamp::parse("2026-01-01T00:00:00Z").unwrap()));
    assert_eq!(authority(&tsa, wrong_clock).stamp(DIGEST).await.unwrap_err().code(), "timestamp-time");
    let nobody = Authority::new("http://127.0.0.1:1/tsr", None, None, Arc::new(SystemClock::new())).unwrap();
    assert_eq!(nobody.stamp(DIGEST).await.unwrap_err().code(), "timestamp-unreachable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_changed_byte_anywhere_is_noticed() {
    let tsa = Tsa::start().await;
    let token = stamp(&tsa).await.unwrap();
    let roots = roots(&tsa);
    for at in 0..token.token().len() {
        for bit in [0x01, 0x80] {
            let mut damaged = token.token().to_vec();
            damaged[at] ^= bit;
            assert!(check(&damaged, &DIGEST, Some(&roots)).is_err(), "byte {at} of {}", damaged.len());
        }
    }
    for len in 0..token.response().len() {
        assert!(check(&token.response()[..len], &DIGEST, None).is_err());
    }
    assert!(check(&[token.response(), b"\0"].concat(), &DIGEST, None).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_certificate_for_timestamps_that_somebody_vouches_for_counts() {
    let (tsa, stranger) = (Tsa::start().await, Tsa::start().await);
    let place = tsa.folder();
    let usages = ["critical,codeSigning", "critical,timeStamping,codeSigning", "timeStamping", "critical,timeStamping"];
    for (number, usage) in usages.iter().enumerate() {
        issue(place, &format!("other{number}"), usage);
    }
    let token = stamp(&tsa).await.unwrap();
    assert_eq!(check(token.token(), &DIGEST, Some(&roots(&stranger))).unwrap_err().code(), "timestamp-not-vouched");

    // The same words, signed by a certificate of the same authority that is for something else, or for more.
    std::fs::write(place.join("token.der"), token.token()).unwrap();
    openssl(place, "cms -verify -noverify -inform DER -in token.der -binary -out words.der");
    for (number, usage) in usages.into_iter().enumerate() {
        let sign = "cms -sign -binary -nodetach -cades -nosmimecap -econtent_type 1.2.840.113549.1.9.16.1.4 -md sha256";
        let files = format!("-signer other{number}.pem -inkey other{number}.key -in words.der -out other.der");
        openssl(place, &format!("{sign} {files} -outform DER"));
        let checked = check(&std::fs::read(place.join("other.der")).unwrap(), &DIGEST, Some(&roots(&tsa)));
        match checked {
            Ok(stamped) => assert_eq!((usage, stamped.authority.as_str()), ("critical,timeStamping", "CN=test-other3")),
            Err(error) => {
                assert_eq!(error.code(), "timestamp-signature", "{usage}");
                assert_ne!(usage, "critical,timeStamping");
            }
        }
    }
}
