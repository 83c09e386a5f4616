//! Listing and searching: every field, every scope, page by page.

use earwitness::access::Role;
use serde_json::{Value, json};

use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    every_field_finds_its_recording_and_no_other,
    each_caller_finds_what_is_theirs,
    pages_hold_everything_once,
    what_may_not_be_asked_is_refused,
);

/// Two recordings that differ in everything, of months whose deadlines lie apart.
async fn two(archive: &Running) -> Vec<Value> {
    let crm = archive.token(Role::Ingest, &[], None).await;
    let all = [
        json!({"call_id": "c-1", "account_id": "A-1", "recorded_at": "2026-11-20T09:00:00Z", "agent": "anna",
            "number": "+32470123456", "person": {"id": "p-1", "name": "Jan  De Smet"}, "lead_id": "l-1",
            "listing_id": "h-1", "product": "contact", "language": "nl", "direction": "outbound", "tags": ["vip"]}),
        json!({"call_id": "c-2", "account_id": "A-2", "recorded_at": "2024-02-29T09:00:00Z", "agent": "bert",
            "number": "+32470123457", "person": {"id": "p-2", "name": "Élise"}, "lead_id": "l-2",
            "listing_id": "h-2", "product": "premium"}),
    ];
    for (n, metadata) in (1..).zip(&all) {
        let answer = archive.post(&crm, metadata, &wav(8_000, n)).await;
        assert_eq!(answer.status, 201, "{:?}", answer.told());
    }
    all.to_vec()
}

fn calls(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    let found = answer.json()["recordings"].as_array().expect("a list").clone();
    found.iter().map(|one| one["metadata"]["call_id"].as_str().expect("a call").to_owned()).collect()
}

async fn every_field_finds_its_recording_and_no_other(place: &Place) {
    let archive = Running::start(place).await;
    let all = two(&archive).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let cases = [
        json!({"account": "A-1"}),
        json!({"call": "c-1"}),
        json!({"lead": "l-1"}),
        json!({"listing": "h-1"}),
        json!({"product": "contact"}),
        json!({"number": "+32470123456"}),
        json!({"agent": "anna"}),
        json!({"person": "p-1"}),
        json!({"person": "  jan de SMET "}),
        json!({"from": "2026-11-20T10:00:00+01:00"}),
        json!({"from": "2026-01-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "status": "accepted", "held": false}),
    ];
    for asked in &cases {
        assert_eq!(calls(&archive.search(&legal, asked).await), ["c-1"], "{asked}");
    }
    for (asked, expected) in [
        (json!({"account": "A-1", "agent": "bert"}), vec![]),
        (json!({"person": "élise"}), vec!["c-2"]),
        (json!({"to": "2026-11-20T09:00:00Z"}), vec!["c-2"]),
        (json!({"number": "+32470123458"}), vec![]),
        (json!({"held": true}), vec![]),
        (json!({}), vec!["c-1", "c-2"]),
    ] {
        assert_eq!(calls(&archive.search(&legal, &asked).await), expected, "{asked}");
    }
    for query in ["account=A-1", "call=c-1", "lead=l-1", "listing=h-1", "product=contact", "from=2026-01-01T00:00:00Z"]
    {
        assert_eq!(calls(&archive.get(&legal, &format!("/v1/recordings?{query}")).await), ["c-1"], "{query}");
    }
    let listed = archive.get(&legal, "/v1/recordings?call=c-1").await.json();
    let mut expected = all[0].clone();
    expected["part"] = json!(0);
    assert_eq!(listed["recordings"][0]["metadata"], expected);
    assert_eq!(archive.count_entries("search.made").await, cases.len() + 6 + 6 + 1, "each search is in the ledger");
}

async fn each_caller_finds_what_is_theirs(place: &Place) {
    let archive = Running::start(place).await;
    two(&archive).await;
    let privacy = archive.token(Role::Privacy, &[], None).await;
    let rep = |accounts: &'static [&str], agent| archive.token(Role::Rep, accounts, agent);
    let cases: [(Someone, &[&str]); 7] = [
        (rep(&["A-1"], None).await, &["c-1"]),
        (rep(&[], Some("bert")).await, &["c-2"]),
        (rep(&["A-1"], Some("bert")).await, &["c-1", "c-2"]),
        (rep(&["A-9"], Some("nobody")).await, &[]),
        (rep(&[], None).await, &[]),
        (archive.token(Role::Portal, &["A-2"], None).await, &["c-2"]),
        (privacy.clone(), &["c-1", "c-2"]),
    ];
    for (who, expected) in cases {
        let found = archive.search(&who, &json!({})).await;
        assert_eq!(calls(&found), expected);
        // Of all these only privacy may know of holds.
        assert_eq!(!found.json()["recordings"][0]["held"].is_null(), who.id == privacy.id);
    }
    for role in [Role::Ingest, Role::Auditor, Role::Operator] {
        let who = archive.token(role, &["A-1"], None).await;
        assert_eq!(archive.search(&who, &json!({})).await.told(), (403, "forbidden".to_owned()));
    }
}

async fn pages_hold_everything_once(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    for n in 0..5 {
        // Two of the same instant: the id decides between them.
        let recorded_at = format!("2026-11-2{}T09:00:00Z", n / 2);
        let metadata = json!({"call_id": format!("c-{n}"), "account_id": "A-1", "recorded_at": recorded_at});
        assert_eq!(archive.post(&crm, &metadata, &wav(8_000, n)).await.status, 201);
        archive.clock.advance(std::time::Duration::from_millis(5));
    }
    let (mut seen, mut path, mut pages) = (Vec::new(), "/v1/recordings?limit=2".to_owned(), 0);
    loop {
        let page = archive.get(&legal, &path).await;
        seen.extend(calls(&page));
        pages += 1;
        let Some(next) = page.json()["next_cursor"].as_str().map(str::to_owned) else { break };
        path = format!("/v1/recordings?limit=2&cursor={next}");
    }
    assert_eq!((pages, seen), (3, ["c-4", "c-3", "c-2", "c-1", "c-0"].map(str::to_owned).to_vec()));
}

async fn what_may_not_be_asked_is_refused(place: &Place) {
    let archive = Running::start(place).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    for query in ["number=%2B32470123456", "agent=anna", "person=Jan"] {
        let answer = archive.get(&rep, &format!("/v1/recordings?{query}")).await;
        assert_eq!(answer.told(), (400, "invalid-query".to_owned()));
        assert_eq!(answer.json()["search"], "/v1/recordings/search");
    }
    for query in ["colour=red", "held=true", "limit=0", "limit=201", "from=yesterday", "account=A&account=B"] {
        let answer = archive.get(&rep, &format!("/v1/recordings?{query}")).await;
        assert_eq!(answer.told(), (400, "invalid-query".to_owned()), "{query}");
    }
    assert_eq!(archive.get(&rep, "/v1/recordings?cursor=x").await.told().1, "invalid-cursor");
    for asked in [json!({"number": "0470"}), json!({"colour": "red"}), json!({"held": true}), json!({"person": ""})] {
        assert_eq!(archive.search(&rep, &asked).await.told(), (422, "invalid-body".to_owned()), "{asked}");
    }
    assert_eq!(archive.count_entries("search.made").await, 0);
}
