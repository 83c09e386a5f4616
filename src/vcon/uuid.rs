//! The name of a recording's vCon.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use uuid::{Builder, Uuid};

use crate::recording::RecordingId;

/// The UUID of the recording's vCon, the same whenever it is written.
///
/// As the draft has it: version 8, the first half as in version 7 (here that of the recording's own id), the second
/// the highest 62 bits of the SHA-1 of a domain name. A subdomain is allowed there, so it is one that no other recording
/// has: half an id alone would not be unique.
pub fn uuid_of(id: RecordingId, origin: &str) -> Uuid {
    let host = origin.split(['/', ':']).next().unwrap_or_default();
    let name = format!("{id}.{host}");
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, name.as_bytes());
    let mut high = [0; 8];
    high.copy_from_slice(&hash.as_ref()[..8]);
    let mut bytes = *id.0.as_bytes();
    bytes[8..].copy_from_slice(&(u64::from_be_bytes(high) >> 2).to_be_bytes());
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn id(text: &str) -> RecordingId {
        text.parse().unwrap()
    }

    #[test]
    fn it_is_of_version_8_and_made_as_the_draft_says() {
        // The second half is the beginning of what sha1sum says of 0193d8a0-…-3f5d1f0c9b21.example.org, two bits to the right.
        let uuid = uuid_of(id("0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21"), "example.org/calls");
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (8, uuid::Variant::RFC4122));
        assert_eq!(uuid.to_string(), "0193d8a0-5b7e-8c11-9cff-74552469f5ad");
    }

    #[test]
    fn it_is_stable_and_no_others() {
        let (one, now) = (id("0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21"), Timestamp::from_micros(1));
        assert_eq!(uuid_of(one, "a.example/x"), uuid_of(one, "a.example:8443/y"));
        assert_ne!(uuid_of(one, "a.example/x"), uuid_of(one, "b.example/x"));
        // Taken in within the same millisecond.
        let all: std::collections::HashSet<Uuid> =
            (0..2_000).map(|_| uuid_of(RecordingId::new(now), "a.example")).collect();
        assert_eq!(all.len(), 2_000);
    }
}
