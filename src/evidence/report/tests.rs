//! The page says what it is given, in every language, and nothing that is in it does anything.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::access::{Actor, Role};
use crate::audio::{Codec, Container, Facts, Finding, FindingCode, Waveform};
use crate::clock::Timestamp;
use crate::evidence::recipient::{Recipient, RecipientKind};
use crate::ledger::kind::Kind;
use crate::ledger::shapes::Controller;
use crate::ledger::verify::Outcome;
use crate::recording::{Language, Metadata, Status};

const LANGUAGES: [Language; 4] = [Language::Nl, Language::Fr, Language::En, Language::De];
const CASE: &str = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b21";
const OTHER_CASE: &str = "0193d8a0-5b7e-7c11-a2f4-3f5d1f0c9b22";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A report on one recording.
struct Whole {
    data: ReportData,
    recordings: Vec<ReportedRecording>,
}

/// The page.
fn render(whole: &Whole, language: Language) -> String {
    super::render(&whole.data, &whole.recordings, language)
}

/// One whose every free text is `text`.
fn data_of(text: &str) -> Whole {
    let metadata = Metadata {
        call_id: text.into(),
        part: 1,
        account_id: text.into(),
        recorded_at: at("2026-11-22T09:15:00Z"),
        direction: None,
        agent: Some(text.into()),
        person: Some(crate::recording::Person { id: Some(text.into()), name: Some(text.into()) }),
        number: Some(text.into()),
        lead_id: Some(text.into()),
        listing_id: Some(text.into()),
        product: Some(text.into()),
        language: None,
        notice: None,
        sha256: None,
        duration_ms: None,
        tags: Vec::new(),
    };
    let actor = |name: &str| json!({"id": CASE, "name": name, "role": "legal", "address": "192.0.2.7"});
    let entry = |seq, kind: &str, payload| {
        CustodyEntry::of(Some(seq), at("2026-11-22T09:20:00Z"), &kind.parse::<Kind>().unwrap(), Some(&payload))
    };
    let recipient = json!({"name": text, "kind": "bailiff"});
    let custody = [
        entry(1, "recording.received", json!({"actor": actor(text)})),
        entry(2, "related.stored", json!({"actor": actor(text), "name": text})),
        entry(3, "recording.read", json!({"actor": actor(text), "action": "listen", "purpose": text})),
        entry(
            4,
            "evidence.made",
            json!({"actor": actor(text), "case_id": CASE, "recipient": recipient, "purpose": text}),
        ),
    ];
    let finding = Finding::new(FindingCode::Silent, text);
    let recordings = vec![ReportedRecording {
        id: CASE.parse().unwrap(),
        metadata,
        received_at: at("2026-11-22T09:20:00Z"),
        expires_at: at("2031-11-22T09:15:00Z"),
        status: Status::Accepted,
        facts: Facts::unknown(Container::Wav, Codec::Alaw, 1_659_884),
        findings: vec![finding],
        waveform: None,
        file: text.into(),
        sha256: "ab".repeat(32),
        sha512: "cd".repeat(64),
        custody: custody.into_iter().collect(),
    }];
    let data = ReportData {
        package_id: uuid::Uuid::nil(),
        made_at: at("2026-11-28T20:00:00Z"),
        made_by: Actor { id: uuid::Uuid::nil(), name: text.into(), role: Role::Legal, address: [192, 0, 2, 7].into() },
        controller: Controller { name: text.into(), address: text.into(), privacy_contact: text.into() },
        case_id: CASE.parse().unwrap(),
        case_reference: text.into(),
        purpose: text.into(),
        recipient: Recipient { name: text.into(), kind: RecipientKind::Bailiff },
        zone: chrono_tz::Europe::Brussels,
        recordings: 1,
        checkpoint: ReportedCheckpoint {
            origin: text.into(),
            size: 1_234_567,
            root: text.into(),
            stamped: Some((at("2026-11-28T19:00:00Z"), text.into())),
            witnesses: vec![text.into()],
        },
        ledger_key: "01".repeat(32),
        seal: Seal {
            subject: text.into(),
            fingerprint: "23".repeat(32),
            self_made: true,
            timestamp: Some(text.into()),
        },
        verified: vec![(Verified::AudioDigest, Outcome::Passed), (Verified::Inclusion, Outcome::Failed)],
        commands: vec![(Repeat::Everything, text.into())],
    };
    Whole { data, recordings }
}

/// Everything in the page that a browser takes for markup.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest)).collect()
}

#[test]
fn what_others_wrote_is_text_in_every_language() {
    let harmless = data_of("x");
    for language in LANGUAGES {
        let expected = tags(&render(&harmless, language)).len();
        for hostile in [
            "<script>alert(1)</script>",
            "\"><img src=https://evil.example/x onerror=alert(1)>",
            "</style><style>*{display:none}",
            "]]>--><!--",
            "&lt;script&gt;",
            "{n} {t} {a} {k}",
        ] {
            let page = render(&data_of(hostile), language);
            assert_eq!(tags(&page).len(), expected, "{hostile} in {language:?}");
            assert!(!page.contains("<script") && !page.contains("<img"));
        }
    }
}

#[test]
fn every_language_says_all_of_it_in_its_own_words() {
    let pages = LANGUAGES.map(|language| render(&data_of("Dupont"), language));
    for (page, language) in pages.iter().zip(LANGUAGES) {
        assert!(page.contains(&format!("<html lang=\"{}\">", language.code())));
        for part in ["1\u{202f}234\u{202f}567", "UTC+01:00", "2026-11-22T09:15:00Z", "G.711 A-law", "<span>abab</span>"]
        {
            assert!(page.contains(part), "{part} in {language:?}");
        }
        for placeholder in ["{n}", "{t}", "{a}", "{k}"] {
            assert!(!page.contains(placeholder), "{placeholder} in {language:?}");
        }
        let others = pages.iter().filter(|other| *other != page).count();
        assert_eq!(others, 3, "{language:?} is a language of its own");
    }
    let says = |place: usize, words: &str| assert!(pages[place].contains(words), "{words}");
    says(0, "gerechtsdeurwaarder");
    says(1, "huissier de justice");
    says(2, "bailiff");
    says(3, "Gerichtsvollzieher");
}

#[test]
fn what_is_done_for_another_case_has_no_names() {
    let mut data = data_of("x");
    let payload = |case: Option<&str>| {
        let mut payload = json!({
            "actor": {"id": CASE, "name": "Secret Name", "role": "legal", "address": "192.0.2.7"},
            "recipient": {"name": "Secret Name", "kind": "bailiff"},
            "purpose": "Secret Name", "reason": "Secret Name", "related": "Secret Name"});
        if let Some(case) = case {
            payload["case_id"] = json!(case);
        }
        payload
    };
    let entry = |kind: &str, case: Option<&str>| {
        CustodyEntry::of(None, at("2026-11-22T09:20:00Z"), &kind.parse().unwrap(), Some(&payload(case)))
    };
    data.recordings[0].custody = [
        entry("hold.placed", Some(OTHER_CASE)),
        entry("evidence.made", Some(OTHER_CASE)),
        entry("recording.read", Some(OTHER_CASE)),
        entry("release.decided", None),
    ]
    .into_iter()
    .collect();
    for language in LANGUAGES {
        let page = render(&data, language);
        assert!(!page.contains("Secret Name"), "{language:?}");
        assert_eq!(page.matches(texts::of(language).custody.untold).count(), 4, "{language:?}");
    }
    data.recordings[0].custody = [entry("hold.placed", Some(CASE))].into_iter().collect();
    assert!(render(&data, Language::Nl).contains("Secret Name"));
}

#[test]
fn a_long_custody_leaves_out_accesses_and_says_so() {
    let mut data = data_of("x");
    let read = |seq: u64, who: &str| {
        let payload = json!({"actor": {"name": who, "role": "rep"}, "action": "listen"});
        CustodyEntry::of(Some(seq), at("2026-11-22T09:20:00Z"), &Kind::RECORDING_READ, Some(&payload))
    };
    let held = CustodyEntry::of(Some(900), at("2026-11-22T09:20:00Z"), &Kind::HOLD_PLACED, None);
    data.recordings[0].custody = (0..300).map(|seq| read(seq, &format!("rep {seq}"))).chain([held]).collect();
    let page = render(&data, Language::En);
    assert!(page.contains("283 further accesses are listed in custody.jsonl."));
    assert!(page.contains("rep 0") && page.contains("Placed on legal hold"));
    // The same person again and again is one row.
    data.recordings[0].custody = (0..300).map(|seq| read(seq, "An")).collect();
    let page = render(&data, Language::En);
    assert!(page.contains("300 times, until 22 November 2026, 10:20:00 (UTC+01:00)") && !page.contains("further"));
}

#[test]
fn a_custody_of_a_million_accesses_takes_the_room_of_a_few() {
    let mut custody = Custody::default();
    for seq in 0..1_000_000_u64 {
        let payload = json!({"actor": {"name": format!("rep {seq}"), "role": "rep"}, "action": "listen"});
        let payload = (seq % 1_000 == 0).then_some(&payload);
        // Most are not told of, and one like the other; in between some are.
        custody.push(CustodyEntry::of(Some(seq), at("2026-11-22T09:20:00Z"), &Kind::RECORDING_READ, payload));
    }
    assert!(format!("{custody:?}").len() < 64 * 1024, "what is left out takes no memory");
    let mut data = data_of("x");
    data.recordings[0].custody = custody;
    let page = render(&data, Language::En);
    let shown = |n: u64| page.contains(&format!("rep {n}<")) || page.contains(&format!("rep {n} "));
    assert!(shown(0) && shown(999_000) && !shown(500_000), "{page}");
    // Nine rows at either end, every other one of which stands for 999.
    assert!(page.contains("991\u{202f}000 further accesses are listed in custody.jsonl."), "{page}");
}

#[test]
fn who_is_not_told_of_is_not_called_the_archive() {
    let mut data = data_of("x");
    data.recordings[0].custody =
        [CustodyEntry::of(Some(1), at("2026-11-22T09:20:00Z"), &Kind::RECORDING_READ, None)].into_iter().collect();
    for language in LANGUAGES {
        let (part, own) = (section(&data.data, &data.recordings[0], 0, language), &texts::of(language).custody);
        assert!(part.contains(own.untold) && !part.contains(own.nobody), "{language:?}");
    }
}

#[test]
fn a_picture_is_named_in_the_language_of_the_page() {
    let mut data = data_of("x");
    data.recordings[0].waveform = Some(Waveform {
        version: 2,
        channels: 1,
        sample_rate: 8_000,
        samples_per_pixel: 80,
        bits: 8,
        length: 100,
        data: [-9, 9].repeat(100),
    });
    assert!(render(&data, Language::Fr).contains("aria-label=\"Forme d’onde de l’enregistrement\""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_whatever_changes_the_markup(text in "\\PC{0,40}|.{0,40}", place in 0..4_usize) {
        let page = render(&data_of(&text), LANGUAGES[place]);
        prop_assert_eq!(tags(&page).len(), tags(&render(&data_of("x"), LANGUAGES[place])).len());
        let is_allowed = |c: char| !c.is_control() || c == '\n';
        prop_assert!(page.chars().all(is_allowed), "a control character came through");
    }
}
