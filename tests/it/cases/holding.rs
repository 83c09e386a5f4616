//! Holds by recordings, by a search's result, by account and period; several at once on one recording.

use std::time::Duration;

use earwitness::access::{Caller, Role, StoredToken};
use earwitness::catalog::{HoldOutcome, HoldRow, SecretState};
use earwitness::clock::Clock as _;
use earwitness::find::{Question, Reader, find_all};
use earwitness::hold::{case, catch_arrivals};
use earwitness::ledger::kind::Kind;
use earwitness::purge::pass;
use earwitness::recording::RecordingId;
use earwitness::{fsck, housekeeping};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{call_at, exhaust, held_of, legal, month_secret, move_to, open, post, release_all};
use crate::on_both_stacks;
use crate::support::archive::{Running, Someone, at};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    each_named_recording_gets_an_answer_of_its_own,
    asked_for_again_a_hold_is_told_to_the_store_as_well,
    what_a_search_finds_is_held,
    a_rule_holds_what_is_here_and_what_arrives,
    what_arrives_under_a_rule_is_not_purged_before_it_is_caught,
    a_rule_that_came_too_late_holds_nothing,
    cases_and_rules_hold_the_same_recording,
    legal_alone_finds_what_is_held_past_its_month,
    what_cannot_be_held_is_refused,
);

/// Recorded so that the deadline is an hour after the tests' beginning.
pub const DUE: &str = "2021-11-22T11:00:00Z";
/// When that is over.
pub const OVER: &str = "2026-11-22T11:00:30Z";

async fn take_in(running: &Running, crm: &Someone, call_id: &str, account: &str, recorded_at: &str) -> RecordingId {
    let mut metadata = call_at(call_id, recorded_at);
    metadata["account_id"] = json!(account);
    metadata["number"] = json!("+32470001122");
    let seed = u32::try_from(call_id.len()).expect("a short name");
    let answer = running.post(crm, &metadata, &wav(800, seed)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.told());
    answer.id()
}

fn outcomes(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let all = answer["recordings"].as_array().expect("a list").iter();
    all.map(|one| (text(&one["id"]), text(&one["outcome"]))).collect()
}

async fn asked_for_again_a_hold_is_told_to_the_store_as_well(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let id = take_in(&running, &crm, "kept", "A-1", "2026-11-22T09:00:00Z").await;
    // Somebody placed it, and died before the sidecar had it.
    let catalog = &running.archive.catalog;
    let mut tx = catalog.begin().await.expect("a transaction");
    let hold = HoldRow::direct(Uuid::new_v4(), case, id, running.clock.now());
    assert_eq!(tx.place_hold(&hold).await.expect("an answer"), HoldOutcome::Placed);
    tx.commit().await.expect("committed");
    assert_eq!(catalog.stale_sidecars(10).await.expect("an answer"), [id]);
    let again = post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [id]})).await.json();
    assert_eq!(outcomes(&again), [(id.to_string(), "already-held".to_owned())]);
    assert_eq!(catalog.stale_sidecars(10).await.expect("an answer"), [], "an old catalog gets it back from there");
}

async fn each_named_recording_gets_an_answer_of_its_own(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let path = format!("/v1/cases/{case}/holds");
    let gone = take_in(&running, &crm, "gone", "A-1", DUE).await;
    let kept = take_in(&running, &crm, "kept", "A-1", "2026-11-22T09:00:00Z").await;
    let other = take_in(&running, &crm, "other", "A-2", "2026-11-22T09:00:00Z").await;
    let first = post(&running, &an, &path, &json!({"recordings": [kept]})).await;
    assert_eq!((first.status, &first.json()["placed"]), (200, &json!(1)));
    move_to(&running, OVER).await;
    let due = post(&running, &an, &path, &json!({"recordings": [gone]})).await.json();
    assert_eq!(outcomes(&due), [(gone.to_string(), "too-late".to_owned())], "due, and still there");
    exhaust(&running.archive).await;
    let nobody = Uuid::new_v4();
    let all = json!({"recordings": [kept, gone, nobody, other, other]});
    let answer = post(&running, &an, &path, &all).await.json();
    let expected = [(kept, "already-held"), (gone, "too-late"), (RecordingId(nobody), "not-found"), (other, "placed")];
    assert_eq!(outcomes(&answer), expected.map(|(id, outcome)| (id.to_string(), outcome.to_owned())));
    for (member, count) in [("placed", 1), ("already_held", 1), ("too_late", 1), ("not_found", 1), ("left", 0)] {
        assert_eq!(answer[member], count, "{member}");
    }
    assert_eq!(held_of(&running, case).await, 2);

    let first = running.get(&an, &format!("{path}?limit=1")).await.json();
    assert_eq!(first["holds"][0]["recording_id"], json!(kept));
    assert_eq!((&first["holds"][0]["past_deadline"], first["holds"][0].get("rule_id")), (&json!(false), None));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = running.get(&an, &format!("{path}?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&second["holds"][0]["recording_id"], &second["next_cursor"]), (&json!(other), &json!(null)));
    let custody = running.custody(kept).await;
    let placed: Vec<_> = custody.iter().filter(|(kind, _)| kind == "hold.placed").collect();
    let [(_, payload)] = &placed[..] else { panic!("one hold was placed: {custody:?}") };
    assert_eq!((&payload["case_id"], &payload["actor"]["name"]), (&json!(case), &json!("An")));
    assert!(payload.get("reference").is_none() && payload.get("rule_id").is_none());
}

async fn what_a_search_finds_is_held(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let path = format!("/v1/cases/{case}/holds");
    let mut ids = Vec::new();
    for n in 0..4 {
        let account = if n == 3 { "A-2" } else { "A-1" };
        ids.push(take_in(&running, &crm, &"x".repeat(n + 1), account, &format!("2026-11-1{n}T09:00:00Z")).await);
    }
    let asked = json!({"search": {"number": "+32470001122", "account": "A-1", "from": "2026-11-11T00:00:00Z"}});
    let answer = post(&running, &an, &path, &asked).await.json();
    assert_eq!(outcomes(&answer), [&ids[2], &ids[1]].map(|id| (id.to_string(), "placed".to_owned())));
    assert_eq!(post(&running, &an, &path, &asked).await.json()["already_held"], 2);
    assert_eq!(running.count_entries(Kind::SEARCH_MADE.as_str()).await, 2, "it is in the ledger like any search");
    let none = post(&running, &an, &path, &json!({"search": {"account": "A-9"}})).await;
    assert_eq!((none.status, &none.json()["recordings"]), (200, &json!([])));

    let token = StoredToken {
        id: an.id,
        owner: "An".into(),
        role: Role::Legal,
        accounts: vec![],
        agent: None,
        expires_at: None,
        revoked_at: None,
    };
    let reader = Reader::new(&Caller::new(token, [127, 0, 0, 1].into()), None);
    let most = async |most| find_all(&running.archive, &reader, &Question::default(), most).await.expect("an answer");
    assert_eq!(most(4).await.map(|ids| ids.len()), Some(4));
    assert_eq!(most(3).await, None, "more than may be held at once");
}

async fn a_rule_holds_what_is_here_and_what_arrives(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let path = format!("/v1/cases/{case}/holds");
    let before = take_in(&running, &crm, "before", "A-1", "2026-11-01T08:59:59Z").await;
    let first = take_in(&running, &crm, "first", "A-1", "2026-11-01T09:00:00Z").await;
    let stranger = take_in(&running, &crm, "stranger", "A-2", "2026-11-01T09:00:00Z").await;
    let asked = json!({"account": "A-1", "from": "2026-11-01T10:00:00+01:00", "to": "2026-11-22T10:00:00Z"});
    let answer = post(&running, &an, &path, &asked).await;
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    let answer = answer.json();
    assert_eq!(outcomes(&answer), [(first.to_string(), "placed".to_owned())]);
    assert_eq!((&answer["rule"]["account"], &answer["rule"]["placed_by"]), (&json!("A-1"), &json!("An")));
    let rule = answer["rule"]["id"].clone();
    let again = post(&running, &an, &path, &asked).await.json();
    assert_eq!((&again["rule"]["id"], &again["already_held"]), (&rule, &json!(1)), "not a second rule");

    let arrived = take_in(&running, &crm, "arrived", "A-1", "2026-11-22T09:59:59Z").await;
    let outside = take_in(&running, &crm, "outside", "A-1", "2026-11-22T10:00:00Z").await;
    let report = housekeeping::pass(&running.archive, false).await;
    assert_eq!((report.arrivals_caught, report.failed.len()), (1, 0), "{report:?}");
    assert_eq!(catch_arrivals(&running.archive).await.expect("an answer"), 0, "once");
    for (id, expected) in [(before, 0), (first, 1), (stranger, 0), (arrived, 1), (outside, 0)] {
        let holds = running.archive.catalog.holds_of(id).await.expect("holds");
        assert_eq!(holds.len(), expected, "{id}");
        assert!(holds.iter().all(|hold| json!(hold.rule_id) == rule));
    }
    let custody = running.custody(arrived).await;
    let (_, payload) = custody.iter().find(|(kind, _)| kind == "hold.placed").expect("it is held");
    assert_eq!((&payload["rule_id"], &payload["actor"]["name"]), (&rule, &json!("An")));
    let told = running.get(&an, &format!("/v1/cases/{case}")).await.json();
    assert_eq!(told["in_force"], json!({"holds": 2, "rules": 1, "releases": 0}));
    assert_eq!(told["rules"][0]["id"], rule);
    let refused = post(&running, &an, &format!("/v1/cases/{case}/close"), &json!({"reason": "over"})).await;
    assert_eq!(refused.told(), (409, "case-in-force".into()));
}

async fn what_arrives_under_a_rule_is_not_purged_before_it_is_caught(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let placed = post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"account": "A-1"})).await;
    assert_eq!(placed.status, 200);
    let id = take_in(&running, &crm, "late", "A-1", DUE).await;
    let free = take_in(&running, &crm, "free", "A-2", DUE).await;
    assert!(running.archive.catalog.holds_of(id).await.expect("holds").is_empty(), "nobody has caught it");
    move_to(&running, OVER).await;
    let archive = &running.archive;
    assert_eq!(archive.catalog.due(running.clock.now(), 10).await.expect("due"), [free]);
    assert_eq!(archive.catalog.count_due(running.clock.now()).await.expect("due"), 1);
    let report = pass(archive).await.expect("a pass");
    assert_eq!((report.fenced, report.still_due), (1, 0), "{report:?}");
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    assert!(tx.fence(id, running.clock.now()).await.is_err(), "the fence looks at the rules itself");
    drop(tx);
    // As of its arrival, which was before its deadline.
    assert_eq!(catch_arrivals(archive).await.expect("an answer"), 1);
    let hold = archive.catalog.holds_of(id).await.expect("holds")[0];
    assert!(hold.placed_at < at("2026-11-22T11:00:00Z"));
    assert_eq!(running.read(&an, id, "/audio").await.status, 200);
    move_to(&running, "2026-12-02T00:00:00Z").await;
    exhaust(archive).await;
    assert_eq!(month_secret(archive, "2026-11").await, SecretState::Destroyed);
    assert_eq!(running.read(&an, id, "/audio").await.body, wav(800, 4));
    assert!(fsck::run(archive, fsck::Options::default()).await.expect("a look").is_sound());
}

async fn a_rule_that_came_too_late_holds_nothing(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let case = open(&running, &an, "2026/12").await;
    let id = take_in(&running, &crm, "late", "A-1", DUE).await;
    move_to(&running, "2026-11-22T11:00:00Z").await;
    let answer = post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"account": "A-1"})).await.json();
    assert_eq!(outcomes(&answer), [(id.to_string(), "too-late".to_owned())]);
    assert_eq!(catch_arrivals(&running.archive).await.expect("an answer"), 0);
    let report = pass(&running.archive).await.expect("a pass");
    assert_eq!(report.fenced, 1, "{report:?}");
}

async fn cases_and_rules_hold_the_same_recording(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an, bo) =
        (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await, legal(&running, "Bo").await);
    let id = take_in(&running, &crm, "one", "A-1", DUE).await;
    let (one, other) = (open(&running, &an, "one").await, open(&running, &an, "other").await);
    for (case, what) in
        [(one, json!({"account": "A-1"})), (one, json!({"recordings": [id]})), (other, json!({"search": {}}))]
    {
        let answer = post(&running, &an, &format!("/v1/cases/{case}/holds"), &what).await.json();
        assert_eq!(answer["placed"], 1, "{what}: {answer}");
    }
    assert_eq!(running.archive.catalog.holds_of(id).await.expect("holds").len(), 3);
    assert_eq!(running.archive.catalog.recording_keys(id).await.expect("keys").len(), 3, "the month's, and two cases'");
    move_to(&running, OVER).await;
    release_all(&running, one, &an, &bo).await;
    assert_eq!(running.archive.catalog.holds_of(id).await.expect("holds").len(), 1);
    exhaust(&running.archive).await;
    assert_eq!(running.read(&an, id, "/audio").await.status, 200, "the other case holds it");
    release_all(&running, other, &an, &bo).await;
    assert_eq!(running.read(&an, id, "/audio").await.status, 410);
    assert_eq!(pass(&running.archive).await.expect("a pass").fenced, 1, "by the next pass");
}

async fn legal_alone_finds_what_is_held_past_its_month(place: &Place) {
    let running = Running::start(place).await;
    let (crm, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let privacy = running.token(Role::Privacy, &[], None).await;
    let rep = running.token(Role::Rep, &["A-1"], None).await;
    let case = open(&running, &an, "2026/12").await;
    let id = take_in(&running, &crm, "held", "A-1", DUE).await;
    take_in(&running, &crm, "free", "A-1", DUE).await;
    post(&running, &an, &format!("/v1/cases/{case}/holds"), &json!({"recordings": [id]})).await;
    let asked = json!({"number": "+32470001122"});
    let found = async |who: &Someone, asked: &Value| -> Vec<Value> {
        let answer = running.search(who, asked).await.json();
        answer["recordings"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect()
    };
    for instant in ["2026-11-22T11:00:00Z", "2026-12-02T00:00:00Z"] {
        move_to(&running, instant).await;
        assert_eq!(found(&an, &asked).await, [json!(id)], "{instant}");
        assert_eq!(found(&an, &json!({"held": true})).await, [json!(id)]);
        assert_eq!(found(&an, &json!({"held": false})).await, [json!(null); 0]);
        for who in [&privacy, &rep] {
            assert_eq!(found(who, &asked).await, [json!(null); 0], "{instant}");
        }
        let listed = running.get(&an, "/v1/recordings?account=A-1").await.json();
        assert_eq!(listed["recordings"][0]["id"], json!(id));
        exhaust(&running.archive).await;
    }
    let listed = running.get(&an, &format!("/v1/cases/{case}/holds")).await.json();
    assert_eq!((&listed["holds"][0]["past_deadline"], &listed["holds"][0]["recording_id"]), (&json!(true), &json!(id)));
    assert_eq!(
        month_secret(&running.archive, "2026-11").await,
        SecretState::Destroyed,
        "it is found by its case's key"
    );
}

async fn what_cannot_be_held_is_refused(place: &Place) {
    let running = Running::start(place).await;
    let an = legal(&running, "An").await;
    let case = open(&running, &an, "2026/12").await;
    let path = format!("/v1/cases/{case}/holds");
    for bad in [
        json!({}),
        json!({"recordings": []}),
        json!({"recordings": ["x"]}),
        json!({"recordings": [Uuid::new_v4()], "account": "A-1"}),
        json!({"recordings": [Uuid::new_v4()], "from": "2026-01-01T00:00:00Z"}),
        json!({"search": {"limit": 5}}),
        json!({"search": {"number": "0470"}}),
        json!({"account": ""}),
        json!({"account": "A-1", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
    ] {
        assert_eq!(post(&running, &an, &path, &bad).await.told(), (422, "invalid-body".into()), "{bad}");
    }
    let many: Vec<Uuid> = (0..5_001).map(|_| Uuid::new_v4()).collect();
    let answer = post(&running, &an, &path, &json!({"recordings": many})).await;
    assert_eq!((answer.told(), &answer.json()["limit"]), ((409, "too-many-found".into()), &json!(5_000)));
    let good = json!({"recordings": [Uuid::new_v4()]});
    let none = format!("/v1/cases/{}/holds", Uuid::new_v4());
    assert_eq!(post(&running, &an, &none, &good).await.status, 404);
    assert_eq!(running.get(&an, &none).await.status, 404);
    post(&running, &an, &format!("/v1/cases/{case}/close"), &json!({"reason": "over"})).await;
    for body in [good, json!({"search": {}}), json!({"account": "A-1"})] {
        assert_eq!(post(&running, &an, &path, &body).await.told(), (409, "case-closed".into()));
    }
    assert!(case::look_up(&running.archive, case).await.expect("a case").closed_at.is_some());
    running.clock.advance(Duration::from_secs(1));
}
