//! What objects are called: one enum, one text per object. Whatever is not of this form is not ours.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::tile::TileKey;
use crate::recording::{ExpiryMonth, RecordingId, UnknownName};
use crate::vault::keys::KeyName;

/// One of a recording's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordingPart {
    /// The original audio, sealed.
    Audio,
    /// The waveform, sealed.
    Waveform,
    /// What brings the row back when the catalog is lost, sealed.
    Sidecar,
    /// Related data (a transcript, a note), sealed.
    Related(Uuid),
}

/// `audio`, `waveform`, `sidecar`, `related-<uuid>`.
impl fmt::Display for RecordingPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audio => f.write_str("audio"),
            Self::Waveform => f.write_str("waveform"),
            Self::Sidecar => f.write_str("sidecar"),
            Self::Related(id) => write!(f, "related-{}", id.as_hyphenated()),
        }
    }
}

impl RecordingPart {
    /// The associated data under which this object of recording `id` is sealed: the id alone for the audio,
    /// `<id>/<name>` for the others.
    pub fn aad(&self, id: RecordingId) -> Vec<u8> {
        match self {
            Self::Audio => id.to_string().into_bytes(),
            other => format!("{id}/{other}").into_bytes(),
        }
    }
}

/// The name of one object in the store. Says nothing about the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKey {
    /// `rec/<month>/<uuid>/<part>`
    Recording {
        /// The month in which the deadline falls.
        month: ExpiryMonth,
        /// Whose object it is.
        id: RecordingId,
        /// Which of its objects.
        part: RecordingPart,
    },
    /// `secrets/<key name>`: a copy of a wrapped secret.
    Secret(KeyName),
    /// `certificates/<month>/<uuid>.json`: the certificate of one purged recording.
    Certificate {
        /// The month in which its deadline fell.
        month: ExpiryMonth,
        /// The recording that was purged.
        id: RecordingId,
    },
    /// `months/<month>.destroyed.json`: the certificate of a month whose key is destroyed.
    MonthDestroyed(ExpiryMonth),
    /// `tokens/<uuid>.revoked`: that a token was withdrawn, sealed.
    TokenRevoked(Uuid),
    /// `cases/<uuid>`: what brings a case back when the catalog is lost, sealed.
    Case(Uuid),
    /// `cases/<uuid>.purged`: that a case was purged, sealed under the installation's key.
    CasePurged(Uuid),
    /// `disclosures/<case>/<uuid>`: what brings a row of the register back when the catalog is lost, sealed.
    Disclosure {
        /// The case.
        case: Uuid,
        /// The package.
        id: Uuid,
    },
    /// `erased/<month>/<uuid>`: that a recording was erased before its deadline, sealed under its month's secret.
    Erased {
        /// The month in which its deadline would have been.
        month: ExpiryMonth,
        /// The recording.
        id: RecordingId,
    },
    /// `ledger/checkpoint`: the newest checkpoint; overwritten.
    Checkpoint,
    /// `ledger/checkpoints/<size>`: the checkpoint of that tree size.
    CheckpointAt(u64),
    /// `ledger/timestamps/<size>.tsr`: an authority's timestamp on the checkpoint of that tree size (RFC 3161).
    Timestamp(u64),
    /// `ledger/tile/<tile>`
    Tile(TileKey),
}

impl ObjectKey {
    /// Whether this is a recording's sidecar: it carries a wrapped key.
    pub fn is_sidecar(&self) -> bool {
        matches!(self, Self::Recording { part: RecordingPart::Sidecar, .. })
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recording { month, id, part } => write!(f, "rec/{month}/{id}/{part}"),
            Self::Secret(name) => write!(f, "secrets/{name}"),
            Self::Certificate { month, id } => write!(f, "certificates/{month}/{id}.json"),
            Self::MonthDestroyed(month) => write!(f, "months/{month}.destroyed.json"),
            Self::TokenRevoked(id) => write!(f, "tokens/{}.revoked", id.as_hyphenated()),
            Self::Case(id) => write!(f, "cases/{}", id.as_hyphenated()),
            Self::CasePurged(id) => write!(f, "cases/{}.purged", id.as_hyphenated()),
            Self::Disclosure { case, id } => write!(f, "disclosures/{}/{}", case.as_hyphenated(), id.as_hyphenated()),
            Self::Erased { month, id } => write!(f, "erased/{month}/{id}"),
            Self::Checkpoint => f.write_str("ledger/checkpoint"),
            Self::CheckpointAt(size) => write!(f, "ledger/checkpoints/{size}"),
            Self::Timestamp(size) => write!(f, "ledger/timestamps/{size}.tsr"),
            Self::Tile(tile) => write!(f, "ledger/tile/{tile}"),
        }
    }
}

impl FromStr for ObjectKey {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let key = parse(text).ok_or(UnknownName)?;
        // One text per object: numbers and UUIDs have several forms, of which only ours counts.
        if key.to_string() == text { Ok(key) } else { Err(UnknownName) }
    }
}

fn parse(text: &str) -> Option<ObjectKey> {
    let (area, rest) = text.split_once('/')?;
    match area {
        "rec" => {
            let mut pieces = rest.splitn(3, '/');
            let (month, id) = (pieces.next()?.parse().ok()?, pieces.next()?.parse().ok()?);
            let part = match pieces.next()? {
                "audio" => RecordingPart::Audio,
                "waveform" => RecordingPart::Waveform,
                "sidecar" => RecordingPart::Sidecar,
                other => RecordingPart::Related(Uuid::try_parse(other.strip_prefix("related-")?).ok()?),
            };
            Some(ObjectKey::Recording { month, id, part })
        }
        "secrets" => rest.parse().ok().map(ObjectKey::Secret),
        "certificates" => {
            let (month, id) = rest.strip_suffix(".json")?.split_once('/')?;
            Some(ObjectKey::Certificate { month: month.parse().ok()?, id: id.parse().ok()? })
        }
        "months" => rest.strip_suffix(".destroyed.json")?.parse().ok().map(ObjectKey::MonthDestroyed),
        "tokens" => Some(ObjectKey::TokenRevoked(Uuid::try_parse(rest.strip_suffix(".revoked")?).ok()?)),
        "cases" => Some(match rest.strip_suffix(".purged") {
            Some(id) => ObjectKey::CasePurged(Uuid::try_parse(id).ok()?),
            None => ObjectKey::Case(Uuid::try_parse(rest).ok()?),
        }),
        "disclosures" => {
            let (case, id) = rest.split_once('/')?;
            Some(ObjectKey::Disclosure { case: Uuid::try_parse(case).ok()?, id: Uuid::try_parse(id).ok()? })
        }
        "erased" => {
            let (month, id) = rest.split_once('/')?;
            Some(ObjectKey::Erased { month: month.parse().ok()?, id: id.parse().ok()? })
        }
        "ledger" if rest == "checkpoint" => Some(ObjectKey::Checkpoint),
        "ledger" => match rest.split_once('/')? {
            ("checkpoints", size) => size.parse().ok().map(ObjectKey::CheckpointAt),
            ("timestamps", name) => name.strip_suffix(".tsr")?.parse().ok().map(ObjectKey::Timestamp),
            ("tile", tile) => tile.parse().ok().map(ObjectKey::Tile),
            _ => None,
        },
        _ => None,
    }
}

/// A folder of the store, to be listed with everything below it. Ends with `/`, or is empty for the whole store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Everything.
    pub fn all() -> Self {
        Self(String::new())
    }

    /// All objects of all recordings.
    pub fn recordings() -> Self {
        Self("rec/".into())
    }

    /// All objects of the recordings whose deadline falls in `month`.
    pub fn month(month: ExpiryMonth) -> Self {
        Self(format!("rec/{month}/"))
    }

    /// All objects of one recording.
    pub fn recording(month: ExpiryMonth, id: RecordingId) -> Self {
        Self(format!("rec/{month}/{id}/"))
    }

    /// The copies of the wrapped secrets.
    pub fn secrets() -> Self {
        Self("secrets/".into())
    }

    /// The certificates of purged recordings.
    pub fn certificates() -> Self {
        Self("certificates/".into())
    }

    /// The certificates of destroyed months.
    pub fn months() -> Self {
        Self("months/".into())
    }

    /// The withdrawn tokens.
    pub fn tokens() -> Self {
        Self("tokens/".into())
    }

    /// What the store keeps of cases.
    pub fn cases() -> Self {
        Self("cases/".into())
    }

    /// The register of disclosures.
    pub fn disclosures() -> Self {
        Self("disclosures/".into())
    }

    /// The register's rows of one case.
    pub fn disclosures_of(case: Uuid) -> Self {
        Self(format!("disclosures/{}/", case.as_hyphenated()))
    }

    /// What was erased before its deadline.
    pub fn erased() -> Self {
        Self("erased/".into())
    }

    /// The same of the recordings whose deadline would have been in `month`.
    pub fn erased_in(month: ExpiryMonth) -> Self {
        Self(format!("erased/{month}/"))
    }

    /// The ledger's tiles and checkpoints.
    pub fn ledger() -> Self {
        Self("ledger/".into())
    }

    /// The ledger's checkpoints by size.
    pub fn checkpoints() -> Self {
        Self("ledger/checkpoints/".into())
    }

    /// The timestamps on checkpoints.
    pub fn timestamps() -> Self {
        Self("ledger/timestamps/".into())
    }

    /// The narrower versions of a full tile.
    pub fn parts_of(tile: TileKey) -> Self {
        let full = tile.full();
        Self(format!("ledger/tile/{full}.p/"))
    }

    /// As the store sees it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21";

    #[test]
    fn every_kind_reads_as_it_is_written() {
        for text in [
            format!("rec/2031-11/{ID}/audio"),
            format!("rec/2031-11/{ID}/waveform"),
            format!("rec/2031-11/{ID}/sidecar"),
            format!("rec/2031-11/{ID}/related-{ID}"),
            "secrets/month-2031-11".into(),
            "secrets/installation".into(),
            format!("secrets/case-{ID}"),
            format!("certificates/2031-11/{ID}.json"),
            "months/2031-11.destroyed.json".into(),
            format!("tokens/{ID}.revoked"),
            format!("cases/{ID}"),
            format!("cases/{ID}.purged"),
            format!("disclosures/{ID}/{ID}"),
            format!("erased/2031-11/{ID}"),
            "ledger/checkpoint".into(),
            "ledger/checkpoints/1200".into(),
            "ledger/timestamps/1200.tsr".into(),
            "ledger/tile/0/x001/234.p/7".into(),
            "ledger/tile/entries/000".into(),
        ] {
            assert_eq!(text.parse::<ObjectKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nothing_else_is_a_key() {
        for text in [
            String::new(),
            "rec".into(),
            format!("rec/2031-11/{ID}"),
            format!("rec/2031-11/{ID}/../audio"),
            format!("rec/2031-11/{}/audio", ID.to_uppercase()),
            format!("rec/2031-11/{ID}/audio/"),
            format!("/rec/2031-11/{ID}/audio"),
            "secrets/../x".into(),
            "ledger/checkpoints/007".into(),
            "ledger/checkpoints/+7".into(),
            "ledger/timestamps/7".into(),
            format!("certificates/2031-11/{ID}"),
            format!("tokens/{}.revoked", ID.to_uppercase()),
            format!("cases/{ID}/record"),
            format!("erased/2031-11/{ID}/x"),
            format!("erased/{ID}"),
            format!("cases/{}", ID.to_uppercase()),
        ] {
            assert!(text.parse::<ObjectKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_tile_are_below_its_name() {
        for tile in ["0/x001/234", "0/x001/234.p/7"] {
            assert_eq!(Prefix::parts_of(tile.parse().unwrap()).as_str(), "ledger/tile/0/x001/234.p/");
        }
    }

    #[test]
    fn the_audio_is_bound_to_the_id_alone() {
        let id: RecordingId = ID.parse().unwrap();
        assert_eq!(RecordingPart::Audio.aad(id), ID.as_bytes());
        assert_eq!(RecordingPart::Waveform.aad(id), format!("{ID}/waveform").as_bytes());
    }
}
