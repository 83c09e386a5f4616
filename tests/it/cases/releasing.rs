//! Asked for by one person, decided by another, carried out.

use earwitness::access::Role;
use earwitness::clock::Clock as _;
use earwitness::hold::{case, catch_arrivals};
use earwitness::purge::pass;
use earwitness::recording::RecordingId;
use earwitness::vault::objects::ObjectKey;
use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::holding::{DUE, OVER};
use super::{call_at, held_of, kinds, legal, move_to, open, post};
use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    a_second_person_is_needed,
    what_is_refused_stays,
    the_last_release_lets_the_purge_have_it,
    of_several_who_decide_one_counts,
    all_is_what_there_was_when_it_was_asked_for,
    a_rule_ends_with_its_holds,
    one_recording_of_a_rule_is_let_go,
    what_lets_go_of_nothing_is_refused,
    what_is_done_names_no_recordings_any_more,
);

struct Setting {
    running: Running,
    an: Someone,
    bo: Someone,
    crm: Someone,
    case: Uuid,
}

impl Setting {
    async fn new(place: &Place) -> Self {
        let running = Running::start(place).await;
        let (an, bo) = (legal(&running, "An").await, legal(&running, "Bo").await);
        let crm = running.token(Role::Ingest, &[], None).await;
        let case = open(&running, &an, "2026/12").await;
        Self { running, an, bo, crm, case }
    }

    async fn recording(&self, call_id: &str) -> RecordingId {
        let metadata = call_at(call_id, DUE);
        let seed = u32::try_from(call_id.len()).expect("a short name");
        self.running.post(&self.crm, &metadata, &wav(800, seed)).await.id()
    }

    async fn hold(&self, what: &Value) -> Value {
        let answer = post(&self.running, &self.an, &format!("/v1/cases/{}/holds", self.case), what).await;
        assert_eq!(answer.status, 200, "{:?}", answer.told());
        answer.json()
    }

    async fn ask(&self, mut what: Value) -> Answer {
        what["reason"] = json!("it is over");
        post(&self.running, &self.an, &format!("/v1/cases/{}/release", self.case), &what).await
    }

    async fn asked(&self, what: Value) -> Value {
        let answer = self.ask(what).await;
        assert_eq!((answer.status, &answer.json()["state"]), (201, &json!("asked")), "{:?}", answer.told());
        answer.json()["id"].clone()
    }

    async fn decide(&self, who: &Someone, release: &Value, decision: &str) -> Answer {
        let body = json!({"release": release, "decision": decision, "reason": "looked at it"});
        post(&self.running, who, &format!("/v1/cases/{}/release/approve", self.case), &body).await
    }
}

async fn a_second_person_is_needed(place: &Place) {
    let setting = Setting::new(place).await;
    let id = setting.recording("one").await;
    setting.hold(&json!({"recordings": [id]})).await;
    let release = setting.asked(json!({"recordings": [id]})).await;
    let again = setting.ask(json!({"recordings": [id]})).await;
    assert_eq!((again.status, &again.json()["id"]), (200, &release), "the same request again");
    let mut ans_tokens = vec![setting.an.clone()];
    for name in ["An", "an ", "A\u{200b}N"] {
        ans_tokens.push(legal(&setting.running, name).await);
    }
    for decision in ["approve", "refuse"] {
        for same in &ans_tokens {
            let told = setting.decide(same, &release, decision).await.told();
            assert_eq!(told, (403, "second-person-required".into()), "{decision}");
        }
    }
    assert_eq!(held_of(&setting.running, setting.case).await, 1);
    assert_eq!(setting.running.count_entries("access.refused").await, 8, "it is in the ledger who tried");
    let close = format!("/v1/cases/{}/close", setting.case);
    let closed = post(&setting.running, &setting.an, &close, &json!({"reason": "x"})).await;
    assert_eq!(closed.told(), (409, "case-in-force".into()));

    let approved = setting.decide(&setting.bo, &release, "approve").await;
    assert_eq!(approved.status, 200, "{:?}", approved.told());
    let told = approved.json();
    assert_eq!((&told["state"], &told["released"], &told["left"]), (&json!("approved"), &json!(1), &json!(0)));
    assert_eq!((&told["asked_by"], &told["decided_by"]), (&json!("An"), &json!("Bo")));
    assert_eq!(held_of(&setting.running, setting.case).await, 0);
    assert_eq!(setting.decide(&setting.bo, &release, "refuse").await.told(), (409, "release-decided".into()));
    assert_eq!(setting.decide(&setting.an, &release, "approve").await.told().0, 403);
    let (_, payload) = setting
        .running
        .custody(id)
        .await
        .into_iter()
        .find(|(kind, _)| kind == "hold.released")
        .expect("it is released");
    assert_eq!((&payload["actor"]["name"], &payload["release_id"]), (&json!("Bo"), &release));
    let told = setting.running.get(&setting.an, &format!("/v1/cases/{}", setting.case)).await.json();
    assert_eq!(
        (&told["releases"][0]["state"], &told["releases"][0]["done_at"].is_null()),
        (&json!("approved"), &false)
    );
    let kinds = kinds(&setting.running, setting.case).await;
    for kind in ["release.asked", "release.decided"] {
        assert_eq!(kinds.iter().filter(|other| *other == kind).count(), 1, "{kinds:?}");
    }
    assert_eq!(post(&setting.running, &setting.an, &close, &json!({"reason": "x"})).await.status, 200);
}

async fn what_is_refused_stays(place: &Place) {
    let setting = Setting::new(place).await;
    let id = setting.recording("one").await;
    setting.hold(&json!({"recordings": [id]})).await;
    let release = setting.asked(json!({"all": true})).await;
    let refused = setting.decide(&setting.bo, &release, "refuse").await.json();
    assert_eq!((&refused["state"], &refused["released"]), (&json!("refused"), &json!(0)));
    assert_eq!(held_of(&setting.running, setting.case).await, 1);
    assert_eq!(setting.decide(&setting.bo, &release, "approve").await.told(), (409, "release-decided".into()));
}

async fn the_last_release_lets_the_purge_have_it(place: &Place) {
    let setting = Setting::new(place).await;
    let id = setting.recording("one").await;
    setting.hold(&json!({"recordings": [id]})).await;
    move_to(&setting.running, OVER).await;
    let archive = &setting.running.archive;
    assert_eq!(pass(archive).await.expect("a pass").fenced, 0);
    let release = setting.asked(json!({"recordings": [id]})).await;
    assert_eq!(pass(archive).await.expect("a pass").fenced, 0, "it is only asked for");
    assert_eq!(setting.decide(&setting.bo, &release, "approve").await.status, 200);
    let report = pass(archive).await.expect("a pass");
    assert_eq!((report.fenced, report.certified), (1, 1), "{report:?}");
}

async fn of_several_who_decide_one_counts(place: &Place) {
    let setting = Setting::new(place).await;
    let id = setting.recording("one").await;
    for round in 0..5 {
        setting.hold(&json!({"recordings": [id]})).await;
        let release = setting.asked(json!({"all": true})).await;
        let mut people = Vec::new();
        for n in 0..6 {
            people.push(legal(&setting.running, &format!("person {n}")).await);
        }
        let decided = join_all(people.iter().enumerate().map(async |(n, who)| {
            let decision = if n % 2 == 0 { "approve" } else { "refuse" };
            (decision, setting.decide(who, &release, decision).await)
        }));
        let decided = decided.await;
        let counted: Vec<_> = decided.iter().filter(|(_, answer)| answer.status == 200).collect();
        let [(decision, _)] = counted[..] else { panic!("{} decisions counted", counted.len()) };
        for (_, answer) in decided.iter().filter(|(_, answer)| answer.status != 200) {
            assert_eq!(answer.told(), (409, "release-decided".into()));
        }
        let entries = kinds(&setting.running, setting.case).await;
        assert_eq!(entries.iter().filter(|kind| *kind == "release.decided").count(), round + 1);
        let left = held_of(&setting.running, setting.case).await;
        assert_eq!(left, u64::from(*decision == "refuse"), "{decision}");
    }
}

async fn all_is_what_there_was_when_it_was_asked_for(place: &Place) {
    let setting = Setting::new(place).await;
    let (before, after) = (setting.recording("before").await, setting.recording("later on").await);
    setting.hold(&json!({"recordings": [before]})).await;
    let release = setting.asked(json!({"all": true})).await;
    setting.hold(&json!({"recordings": [after]})).await;
    assert_eq!(setting.decide(&setting.bo, &release, "approve").await.json()["released"], 1);
    let catalog = &setting.running.archive.catalog;
    assert!(catalog.holds_of(before).await.expect("holds").is_empty());
    assert_eq!(catalog.holds_of(after).await.expect("holds").len(), 1, "nobody has agreed to letting go of this");
}

async fn a_rule_ends_with_its_holds(place: &Place) {
    let setting = Setting::new(place).await;
    let (here, direct) = (setting.recording("here").await, setting.recording("direct").await);
    let rule = setting.hold(&json!({"account": "A-1"})).await["rule"]["id"].clone();
    setting.hold(&json!({"recordings": [direct]})).await;
    let release = setting.asked(json!({"rule": rule})).await;
    // What arrives between is the rule's as well.
    let arrived = setting.recording("arrived").await;
    assert_eq!(catch_arrivals(&setting.running.archive).await.expect("an answer"), 1);
    assert_eq!(setting.decide(&setting.bo, &release, "approve").await.json()["released"], 3);
    let late = setting.recording("much later").await;
    assert_eq!(catch_arrivals(&setting.running.archive).await.expect("an answer"), 0);
    for (id, expected) in [(here, 0), (direct, 1), (arrived, 0), (late, 0)] {
        let holds = setting.running.archive.catalog.holds_of(id).await.expect("holds");
        assert_eq!(holds.len(), expected, "{id}");
    }
    let told = setting.running.get(&setting.an, &format!("/v1/cases/{}", setting.case)).await.json();
    assert!(!told["rules"][0]["ended_at"].is_null(), "{told}");
    assert!(kinds(&setting.running, setting.case).await.contains(&"hold.rule_ended".to_owned()));
    let again = setting.hold(&json!({"account": "A-1"})).await;
    assert_ne!(again["rule"]["id"], rule, "a rule that ended does not come back");
    assert_eq!(again["placed"], 4);
}

async fn one_recording_of_a_rule_is_let_go(place: &Place) {
    let setting = Setting::new(place).await;
    let (kept, gone) = (setting.recording("kept").await, setting.recording("gone it is").await);
    setting.hold(&json!({"account": "A-1"})).await;
    let release = setting.asked(json!({"recordings": [gone]})).await;
    assert_eq!(setting.decide(&setting.bo, &release, "approve").await.json()["released"], 1);
    assert_eq!(catch_arrivals(&setting.running.archive).await.expect("an answer"), 0, "it is not held again");
    move_to(&setting.running, OVER).await;
    let report = pass(&setting.running.archive).await.expect("a pass");
    assert_eq!((report.fenced, report.still_due), (1, 0));
    let catalog = &setting.running.archive.catalog;
    assert!(catalog.purge_of(gone).await.expect("an answer").is_some());
    assert!(catalog.purge_of(kept).await.expect("an answer").is_none());
}

async fn what_lets_go_of_nothing_is_refused(place: &Place) {
    let setting = Setting::new(place).await;
    let id = setting.recording("one").await;
    for nothing in [json!({"all": true}), json!({"recordings": [id]})] {
        assert_eq!(setting.ask(nothing).await.told(), (409, "nothing-held".into()));
    }
    assert_eq!(setting.ask(json!({"rule": Uuid::new_v4()})).await.told(), (404, "not-found".into()));
    for bad in
        [json!({}), json!({"all": false}), json!({"recordings": []}), json!({"all": true, "rule": Uuid::new_v4()})]
    {
        assert_eq!(setting.ask(bad).await.told(), (422, "invalid-body".into()));
    }
    assert_eq!(setting.decide(&setting.bo, &json!(Uuid::new_v4()), "approve").await.told(), (404, "not-found".into()));
    let other = open(&setting.running, &setting.an, "another").await;
    let mine = setting.hold(&json!({"account": "A-1"})).await["rule"]["id"].clone();
    let asked = json!({"rule": mine, "reason": "x"});
    let theirs = post(&setting.running, &setting.an, &format!("/v1/cases/{other}/release"), &asked).await;
    assert_eq!(theirs.told(), (404, "not-found".into()), "a rule of another case");
}

async fn what_is_done_names_no_recordings_any_more(place: &Place) {
    let setting = Setting::new(place).await;
    let archive = &setting.running.archive;
    let id = setting.recording("one").await;
    setting.hold(&json!({"recordings": [id]})).await;
    let mut named: Vec<RecordingId> = (1..5_000).map(|number| RecordingId(Uuid::from_u128(number))).collect();
    named.push(id);
    let release = setting.asked(json!({"recordings": named})).await;
    let kept = async || archive.store.get(&ObjectKey::Case(setting.case), 64 << 20).await.expect("a copy").len();
    let told = async || {
        let case = setting.running.get(&setting.an, &format!("/v1/cases/{}", setting.case)).await.json();
        case["releases"][0].clone()
    };
    assert!(kept().await > 5_000 * 36, "an old catalog gets back what was asked for");
    let asked = told().await;
    assert_eq!((asked["recordings"].as_array().map(Vec::len), &asked["recording_count"]), (Some(5_000), &json!(5_000)));
    assert_eq!(setting.decide(&setting.bo, &release, "approve").await.json()["released"], 1);
    let done = told().await;
    assert_eq!((done.get("recordings"), &done["recording_count"]), (None, &json!(5_000)), "{done}");
    let small = kept().await;
    assert!(small < 20_000, "{small}");

    // Of what the store does not know to be let go of yet the copy says it.
    let mut tx = archive.catalog.begin().await.expect("a transaction");
    assert!(tx.touch_recording(id, setting.running.clock.now()).await.expect("an answer"));
    tx.commit().await.expect("committed");
    case::record::refresh(archive, setting.case).await.expect("a copy");
    assert!(kept().await > small + 36);
    // Only the newest of those that are done are told of; all that wait are.
    for round in 0..55 {
        setting.hold(&json!({"recordings": [id]})).await;
        let release = setting.asked(json!({"all": true})).await;
        let decision = if round == 54 { continue } else { "approve" };
        assert_eq!(setting.decide(&setting.bo, &release, decision).await.status, 200);
    }
    let told = setting.running.get(&setting.an, &format!("/v1/cases/{}", setting.case)).await.json();
    let releases = told["releases"].as_array().expect("a list");
    assert_eq!(releases.iter().filter(|one| one["done_at"].is_null()).count(), 1);
    assert_eq!(releases.len(), 51);
}
