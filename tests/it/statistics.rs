//! What purged calls leave: every call once, nobody to be found, and nothing to be had by subtracting.

use std::collections::{BTreeMap, BTreeSet};

use earwitness::access::Role;
use earwitness::ledger::verify::verify;
use earwitness::purge::pass;
use earwitness::vault::objects::{ObjectKey, Prefix};
use serde_json::{Value, json};

use crate::cases::move_to;
use crate::on_both_stacks;
use crate::support::archive::{Running, Someone};
use crate::support::objects::listed;
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    two_years_of_calls_leave_sums_and_nobody,
    what_is_counted_and_not_published_says_nothing,
    only_calls_that_were_accepted_count,
    a_cell_that_was_changed_keeps_nothing_waiting,
);

/// A call as it was made up, and as it must be counted.
#[derive(Debug, Clone)]
struct MadeUp {
    month: String,
    account: String,
    product: Option<&'static str>,
    language: Option<&'static str>,
    seconds: u64,
}

/// A small generator with a seed: the traffic is the same in every run.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// 24 months from November 2026: busy and quiet ones, common and rare products and languages, large and small accounts.
fn traffic() -> Vec<MadeUp> {
    let mut dice = Dice(7);
    let mut calls = Vec::new();
    for n in 0..24u64 {
        let (year, month) = (2026 + (10 + n) / 12, (10 + n) % 12 + 1);
        // So many in the last month that nothing is left to be carried over.
        let busy = if n % 10 == 3 { 50 } else { 0 };
        for _ in 0..(2 + busy + dice.throw(20)) {
            let account = if dice.throw(3) == 0 { 1 } else { dice.throw(8) };
            calls.push(MadeUp {
                month: format!("{year}-{month:02}"),
                account: format!("ACCOUNT-{account}"),
                product: [Some("lead-contact"), Some("lead-contact"), Some("valuation"), None][dice.throw(4) as usize],
                language: [Some("nl"), Some("nl"), Some("fr"), Some("de"), None][dice.throw(5) as usize],
                seconds: 1 + dice.throw(3),
            });
        }
    }
    calls
}

async fn post(running: &Running, crm: &Someone, n: usize, call: &MadeUp) {
    let mut metadata = json!({"call_id": format!("call-{n}"), "account_id": call.account, "number": "+32470123456",
        "recorded_at": format!("{}-15T10:{:02}:{:02}Z", call.month, n / 60 % 60, n % 60)});
    for (name, value) in [("product", call.product), ("language", call.language)] {
        if let Some(value) = value {
            metadata[name] = json!(value);
        }
    }
    let frames = 8_000 * usize::try_from(call.seconds).unwrap();
    let answer = running.post(crm, &metadata, &wav(frames, u32::try_from(n).unwrap())).await;
    assert_eq!(answer.status, 201, "{:?}", answer.told());
}

/// One pass after the other until nothing is left to do.
async fn purge_all(running: &Running) {
    for _ in 0..8 {
        let report = pass(&running.archive).await.expect("a pass");
        assert!(report.stopped_by.is_empty(), "{report:?}");
    }
}

async fn asked(running: &Running, who: &Someone, query: &str) -> Value {
    let answer = running.get(who, &format!("/v1/statistics{query}")).await;
    assert_eq!(answer.status, 200, "{:?}", answer.told());
    answer.json()
}

/// What tells a line from another.
fn line(cell: &Value) -> String {
    ["period", "product", "language", "kind", "folded"].map(|name| cell[name].to_string()).join(" ")
}

fn lines(report: &Value) -> BTreeMap<String, u64> {
    let cells = report["cells"].as_array().expect("cells");
    let all: BTreeMap<_, _> =
        cells.iter().map(|cell| (line(cell), cell["calls"].as_u64().expect("a number"))).collect();
    assert_eq!(all.len(), cells.len(), "each line once");
    all
}

/// Whether a call can be in a cell, by what the cell says of itself alone.
fn can_be_in(call: &MadeUp, cell: &Value) -> bool {
    let folded: Vec<&str> = cell["folded"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    let is = |name: &str, value: Option<&str>| folded.contains(&name) || cell[name].as_str() == value;
    let period = cell["period"].as_str().unwrap_or_default();
    call.month.starts_with(period) && is("product", call.product) && is("language", call.language)
}

async fn two_years_of_calls_leave_sums_and_nobody(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Auditor, &[], None).await);
    let calls = traffic();
    let mut months: Vec<&str> = calls.iter().map(|call| call.month.as_str()).collect();
    months.dedup();
    for (n, call) in calls.iter().enumerate() {
        move_to(&running, &format!("{}-20T10:00:00Z", call.month)).await;
        post(&running, &crm, n, call).await;
    }
    assert_eq!(asked(&running, &auditor, "").await["closed_through"], Value::Null);

    // Five years later, month by month: in the second half all of a month's calls are purged.
    let mut before = BTreeMap::new();
    for month in &months {
        let later = format!("{}{}", month[..4].parse::<u32>().unwrap() + 5, &month[4..]);
        move_to(&running, &format!("{later}-20T10:00:00Z")).await;
        purge_all(&running).await;
        let now = lines(&asked(&running, &auditor, "").await);
        for (line, count) in &now {
            let was = before.get(line).copied().unwrap_or_default();
            assert!(*count == was || *count >= was + 10, "{line}: {was}, then {count}: the difference tells of few");
        }
        assert!(before.keys().all(|line| now.contains_key(line)), "what is published stays");
        before = now;
    }
    move_to(&running, "2033-11-20T10:00:00Z").await;
    purge_all(&running).await;

    let report = asked(&running, &auditor, "").await;
    let seconds: u64 = calls.iter().map(|call| call.seconds).sum();
    assert_eq!((&report["calls"], &report["seconds"]), (&json!(calls.len()), &json!(seconds)), "{report}");
    assert_eq!(report["closed_through"], "2033-10", "the last calls were purged in it");
    for cell in report["cells"].as_array().expect("cells") {
        let inside: BTreeSet<_> = calls.iter().filter(|call| can_be_in(call, cell)).map(|call| &call.account).collect();
        assert!(cell["calls"].as_u64() >= Some(10) && inside.len() >= 3, "{cell}");
    }
    let fine = report["cells"].as_array().expect("cells").iter().filter(|cell| cell["folded"] == json!([])).count();
    assert!(fine >= 1, "not everything was folded: {report}");

    assert_as_a_table(&running, &auditor, &report).await;
    assert_parts_add_up(&running, &auditor, &report).await;
    assert_nobody_is_in_them(&running, months.len()).await;
}

/// The same as CSV.
async fn assert_as_a_table(running: &Running, who: &Someone, report: &Value) {
    let table = running.get(who, "/v1/statistics?format=csv").await;
    let mut reader = csv::Reader::from_reader(table.body.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(Some(rows.len()), report["cells"].as_array().map(Vec::len));
    let calls: u64 = rows.iter().map(|row| row[5].parse::<u64>().expect("a number")).sum();
    assert_eq!(json!(calls), report["calls"]);
}

/// Questions cut the same cells.
async fn assert_parts_add_up(running: &Running, who: &Someone, report: &Value) {
    let only = asked(running, who, "?product=valuation").await;
    let expected = report["cells"].as_array().expect("cells").iter().filter(|cell| cell["product"] == "valuation");
    assert_eq!(only["cells"].as_array().map(Vec::len), Some(expected.count()));
    let early = asked(running, who, "?to=2025-12").await;
    assert_eq!((&early["calls"], &early["cells"]), (&json!(0), &json!([])));
    assert_eq!(running.get(who, "/v1/statistics?from=2026-13").await.status, 400);
}

/// The signed documents verify and name nobody; what they were made from is erased.
async fn assert_nobody_is_in_them(running: &Running, at_least: usize) {
    let archive = &running.archive;
    let objects = listed(archive.store.as_ref(), &Prefix::statistics()).await;
    assert!(objects.len() >= at_least, "{objects:?}");
    for object in &objects {
        let key: ObjectKey = object.path.parse().expect("a name");
        let bytes = archive.store.get(&key, 1 << 20).await.expect("a document");
        let report = verify(&bytes, Some(&archive.signing.public().vkey(&archive.origin).parse().expect("a key")));
        assert!(report.ok(), "{report}");
        let text = String::from_utf8(bytes.to_vec()).expect("JSON");
        for trace in ["ACCOUNT-", "call-", "+32470", "recording_id"] {
            assert!(!text.contains(trace), "{trace} in {text}");
        }
    }
    assert_eq!(archive.catalog.statistics_months_open().await.expect("months"), [], "nothing waits");
}

async fn what_is_counted_and_not_published_says_nothing(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Auditor, &[], None).await);
    let call = MadeUp {
        month: "2026-11".into(),
        account: "ACCOUNT-1".into(),
        product: Some("lead-contact"),
        language: Some("nl"),
        seconds: 2,
    };
    post(&running, &crm, 1, &call).await;
    move_to(&running, "2031-11-20T10:00:00Z").await;
    purge_all(&running).await;
    let archive = &running.archive;
    let [month] = archive.catalog.statistics_months_open().await.expect("months")[..] else { panic!("one month") };
    assert_eq!(month.to_string(), "2031-11");
    let cells = archive.catalog.statistics_cells(month).await.expect("cells");
    let [cell] = &cells[..] else { panic!("one cell: {cells:?}") };
    for trace in ["lead-contact", "nl", "2026-11", "seconds"] {
        assert!(!cell.sealed.windows(trace.len()).any(|part| part == trace.as_bytes()), "{trace} can be read");
    }
    // Too little to be told, and kept for what comes; the month's own key has nothing under it and goes.
    move_to(&running, "2031-12-10T10:00:00Z").await;
    purge_all(&running).await;
    let report = asked(&running, &auditor, "").await;
    assert_eq!((&report["closed_through"], &report["cells"]), (&json!("2031-11"), &json!([])));
    let open = archive.catalog.statistics_months_open().await.expect("months");
    assert_eq!(open.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2031-12"], "carried over");
    let name = earwitness::vault::keys::KeyName::Month(month);
    assert!(!archive.keyring.provider().exists(&name).await.expect("an answer"), "the key of the month is gone");
}

async fn only_calls_that_were_accepted_count(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Auditor, &[], None).await);
    for n in 0..12 {
        let metadata = json!({"call_id": format!("good-{n}"), "account_id": format!("ACCOUNT-{n}"),
            "recorded_at": "2026-11-22T09:00:00Z"});
        assert_eq!(running.post(&crm, &metadata, &wav(8_000, n)).await.status, 201);
        let mut cut = wav(16_000, 100 + n);
        cut.truncate(20_000);
        let metadata = json!({"call_id": format!("cut-{n}"), "account_id": format!("ACCOUNT-{n}"),
            "recorded_at": "2026-11-22T09:00:00Z"});
        assert_eq!(running.post(&crm, &metadata, &cut).await.status, 202, "it is quarantined");
    }
    move_to(&running, "2031-11-23T10:00:00Z").await;
    purge_all(&running).await;
    move_to(&running, "2031-12-10T10:00:00Z").await;
    purge_all(&running).await;
    let report = asked(&running, &auditor, "").await;
    assert_eq!((&report["calls"], &report["seconds"]), (&json!(12), &json!(12)), "{report}");
}

async fn a_cell_that_was_changed_keeps_nothing_waiting(place: &Place) {
    let running = Running::start(place).await;
    let (crm, auditor) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Auditor, &[], None).await);
    let archive = &running.archive;
    let call = |n: usize| MadeUp {
        month: "2026-11".into(),
        account: format!("ACCOUNT-{n}"),
        product: Some("lead-contact"),
        language: Some("nl"),
        seconds: 1,
    };
    post(&running, &crm, 0, &call(0)).await;
    move_to(&running, "2031-11-20T10:00:00Z").await;
    purge_all(&running).await;
    let change = async |month: &str| {
        let month = month.parse().expect("a month");
        let cells = archive.catalog.statistics_cells(month).await.expect("cells");
        let [cell] = &cells[..] else { panic!("one cell: {cells:?}") };
        let changed = earwitness::catalog::OpenCell { mac: cell.mac.clone(), sealed: vec![7; 60] };
        let mut tx = archive.catalog.begin().await.expect("a transaction");
        tx.put_statistics_cell(month, &changed, false, None).await.expect("changed");
        tx.commit().await.expect("the commit holds");
    };

    change("2031-11").await;
    move_to(&running, "2026-11-20T10:00:00Z").await;
    for n in 1..13 {
        post(&running, &crm, n, &call(n)).await;
    }
    move_to(&running, "2031-11-21T10:00:00Z").await;
    purge_all(&running).await;
    move_to(&running, "2031-12-10T10:00:00Z").await;
    purge_all(&running).await;
    let report = asked(&running, &auditor, "").await;
    assert_eq!((&report["closed_through"], &report["calls"]), (&json!("2031-11"), &json!(12)), "counted from there on");

    // Changed, and nothing counted after it: the month and its key end without it.
    move_to(&running, "2026-12-20T10:00:00Z").await;
    post(&running, &crm, 20, &MadeUp { month: "2026-12".into(), ..call(20) }).await;
    move_to(&running, "2031-12-20T10:00:00Z").await;
    purge_all(&running).await;
    change("2031-12").await;
    move_to(&running, "2032-01-10T10:00:00Z").await;
    purge_all(&running).await;
    let report = asked(&running, &auditor, "").await;
    assert_eq!((&report["closed_through"], &report["calls"]), (&json!("2031-12"), &json!(12)), "{report}");
    let name = earwitness::vault::keys::KeyName::Month("2031-12".parse().expect("a month"));
    assert!(!archive.keyring.provider().exists(&name).await.expect("an answer"), "the key of the month is gone");
}
