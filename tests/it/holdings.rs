//! What is held, on what ground, until when: as JSON, as a table, and as a page in four languages.

use earwitness::access::Role;
use earwitness::purge::pass;
use serde_json::{Value, json};

use crate::cases::{legal, move_to, new_case, post};
use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    the_record_says_what_there_is_and_until_when,
    the_page_speaks_four_languages_and_names_nobody,
);

const PATH: &str = "/v1/retention/processing";

fn of<'a>(record: &'a Value, category: &str) -> &'a Value {
    let holdings = record["holdings"].as_array().expect("holdings");
    holdings.iter().find(|one| one["category"] == category).unwrap_or_else(|| panic!("{category}: {record}"))
}

async fn the_record_says_what_there_is_and_until_when(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Auditor, &[], None).await);
    let an = legal(&running, "An").await;
    let empty = running.get(&auditor, PATH).await.json();
    assert_eq!(empty["holdings"].as_array().map(Vec::len), Some(11), "each kind, also where there is none");
    assert_eq!(
        (&of(&empty, "call-recordings")["count"], &of(&empty, "call-recordings")["first_end"]),
        (&json!(0), &Value::Null)
    );

    let mut first = call("a");
    first["recorded_at"] = json!("2026-11-20T09:00:00Z");
    let id = running.post(&crm, &first, &wav(800, 1)).await.id();
    running.post(&crm, &call("b"), &wav(800, 2)).await.id();
    assert_eq!(running.read(&an, id, "/audio").await.status, 200);
    post(&running, &an, "/v1/cases", &new_case("2026/12")).await;
    let record = running.get(&auditor, PATH).await.json();
    let calls = of(&record, "call-recordings");
    assert_eq!(
        [&calls["ground"], &calls["until"], &calls["count"], &calls["first_end"], &calls["last_end"]],
        [
            &json!("gdpr-6-1-f"),
            &json!("period"),
            &json!(2),
            &json!("2031-11-20T09:00:00Z"),
            &json!("2031-11-22T09:00:00Z")
        ]
    );
    assert!(calls["rule"].as_str().is_some_and(|rule| rule.starts_with("call_recording/1 P5Y ")), "{calls}");
    assert_eq!(of(&record, "cases")["count"], 1);
    assert_eq!(
        (&of(&record, "statistics")["ground"], &of(&record, "statistics")["until"]),
        (&json!("none"), &json!("for-good"))
    );
    let accesses = of(&record, "access-records");
    assert!(accesses["count"].as_u64() >= Some(3), "two receipts and a read: {accesses}");
    assert_eq!(accesses["last_end"], "2031-11-22T09:00:00Z", "they end with the recording");

    move_to(&running, "2031-11-21T10:00:00Z").await;
    for _ in 0..3 {
        pass(&running.archive).await.expect("a pass");
    }
    let later = running.get(&auditor, PATH).await.json();
    assert_eq!((&of(&later, "call-recordings")["count"], &of(&later, "related-data")["count"]), (&json!(1), &json!(0)));
    let table = running.get(&auditor, &format!("{PATH}?format=csv")).await;
    let mut reader = csv::Reader::from_reader(table.body.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let calls = rows.iter().find(|row| &row[0] == "call-recordings").expect("a row");
    assert_eq!((rows.len(), &calls[7], &calls[8]), (11, "1", "2031-11-22T09:00:00Z"));
}

async fn the_page_speaks_four_languages_and_names_nobody(place: &Place) {
    let running = Running::start_with(place, &[("EARWITNESS_CONTROLLER_NAME", "Voorbeeld <NV> & Co")]).await;
    let (crm, auditor) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Auditor, &[], None).await);
    running.post(&crm, &call("a"), &wav(800, 1)).await.id();
    for (language, word) in [
        ("nl", "Gespreksopnamen"),
        ("fr", "Enregistrements"),
        ("en", "Call recordings"),
        ("de", "Gesprächsaufzeichnungen"),
    ] {
        let answer = running.get(&auditor, &format!("{PATH}?format=html&language={language}")).await;
        let page = String::from_utf8(answer.body).expect("text");
        assert!(page.contains(&format!("<html lang=\"{language}\">")) && page.contains(word), "{page}");
        assert!(page.contains("Voorbeeld &lt;NV&gt; &amp; Co"), "shown as text");
        for trace in ["A-1", "http://", "https://", "<script"] {
            assert!(!page.contains(trace), "{trace}");
        }
        if let Ok(folder) = std::env::var("EARWITNESS_TEST_PAGES") {
            std::fs::write(std::path::Path::new(&folder).join(format!("processing-{language}.html")), page)
                .expect("kept");
        }
    }
    let refused = running.get(&auditor, &format!("{PATH}?language=es")).await;
    assert_eq!(refused.told(), (400, "invalid-query".into()));
}
