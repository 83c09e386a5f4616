//! Real answers against the schemas that `/openapi.json` promises for them.

use std::collections::BTreeSet;
use std::time::Duration;

use earwitness::access::Role;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::agency;
use crate::cases::{legal, new_case};
use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone, at, call};
use crate::support::sounds;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    recordings_are_answered_as_described,
    oversight_is_answered_as_described,
    cases_are_answered_as_described,
    accounts_are_answered_as_described,
    problems_are_answered_as_described,
    a_second_decision_is_answered_as_described,
    disclosures_are_answered_as_described,
);

/// The served document, whose schemas allow no member that they do not name.
struct Described(Value);

impl Described {
    async fn by(running: &Running) -> Self {
        let mut document = anyone(running, "/openapi.json").await.json();
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        let mut open = BTreeSet::from(["Problem".to_owned()]);
        schemas.values().for_each(|schema| parts_of_others(schema, &mut open));
        let closed = schemas.iter_mut().filter(|(name, _)| !open.contains(*name));
        closed.for_each(|(_, schema)| close(schema));
        Self(document)
    }

    /// Checks an answer to `method` of `path`, as the document writes it.
    fn check(&self, method: &str, path: &str, status: u16, answer: &Answer) -> Value {
        assert_eq!(answer.status, status, "{method} {path}: {:?}", answer.told());
        let responses = &self.0["paths"][path][method]["responses"];
        let response = responses.get(status.to_string()).unwrap_or(&responses["default"]);
        let kind = answer.header("content-type");
        let mut schema = response["content"][kind]["schema"].clone();
        assert!(schema.is_object(), "{method} {path} {status}: {kind} is not described in {response}");
        schema["components"] = self.0["components"].clone();
        let validator: Validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let body = answer.json();
        let wrong: Vec<_> =
            validator.iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{method} {path} {status}: {wrong:#?} in {body:#}");
        body
    }
}

/// The names of the schemas that are parts of others, beside which other members stand.
fn parts_of_others(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            let parts = members.get("allOf").and_then(Value::as_array).into_iter().flatten();
            let names = parts.filter_map(|part| part["$ref"].as_str()?.rsplit('/').next());
            found.extend(names.map(str::to_owned));
            members.values().for_each(|member| parts_of_others(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| parts_of_others(item, found)),
        _ => {}
    }
}

/// Forbids further members; where parts are put together, beside all of them.
fn close(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if members.contains_key("allOf") {
        members.insert("unevaluatedProperties".to_owned(), false.into());
        return;
    }
    if members.contains_key("properties") {
        members.entry("additionalProperties").or_insert(false.into());
    }
    for word in ["oneOf", "anyOf"] {
        members.get_mut(word).and_then(Value::as_array_mut).into_iter().flatten().for_each(close);
    }
}

async fn anyone(running: &Running, path: &str) -> Answer {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    running.send(client.get(format!("http://{}{path}", running.address))).await
}

async fn post_json(running: &Running, who: &Someone, path: &str, body: &Value) -> Answer {
    running.send(running.request(who, Method::POST, path).json(body)).await
}

/// Metadata with everything that they may have.
fn everything(call_id: &str) -> Value {
    let mut metadata = call(call_id);
    let more = json!({
        "direction": "inbound", "agent": "ann", "person": {"id": "p-7", "name": "Jan"}, "number": "+32470001122",
        "lead_id": "lead-9", "listing_id": "list-5", "product": "leads", "language": "nl", "notice": "2026-01",
        "duration_ms": 2_000, "tags": ["a", "b"],
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    metadata
}

const RECORDINGS: &str = "/v1/recordings";
const ONE: &str = "/v1/recordings/{id}";

async fn recordings_are_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (ingest, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let rep = running.token(Role::Rep, &["A-1"], Some("ann")).await;
    let sound = sounds::wav(16_000, 1);
    let kept = running.post(&ingest, &everything("kept"), &sound).await;
    described.check("post", RECORDINGS, 201, &kept);
    described.check("post", RECORDINGS, 200, &running.post(&ingest, &everything("kept"), &sound).await);
    let mut wrong = call("wrong");
    wrong["sha256"] = "00".repeat(32).into();
    let receipt = described.check("post", RECORDINGS, 202, &running.post(&ingest, &wrong, &sound).await);
    assert_eq!(receipt["findings"], json!(["digest-mismatch"]));

    let id = kept.id();
    let related = format!("/v1/recordings/{id}/related/note.txt");
    for status in [201, 200] {
        let put = running.request(&ingest, Method::PUT, &related).header("content-type", "text/plain").body("a note");
        described.check("put", "/v1/recordings/{id}/related/{name}", status, &running.send(put).await);
    }
    running.hold(id).await;
    for who in [&legal, &rep] {
        let one = described.check("get", ONE, 200, &running.read(who, id, "").await);
        assert_eq!(one["facts"]["codec"], kept.json()["codec"], "one name for a codec");
        let page = described.check("get", RECORDINGS, 200, &running.get(who, "/v1/recordings?limit=1").await);
        assert_eq!(page["recordings"].as_array().unwrap().len(), 1);
        let asked = json!({"number": "+32470001122", "from": "2026-11-01T00:00:00+01:00"});
        let found = running.search(who, &asked).await;
        let found = described.check("post", "/v1/recordings/search", 200, &found);
        assert_eq!(found["recordings"][0]["id"], json!(id));
        described.check("get", "/v1/recordings/{id}/waveform", 200, &running.read(who, id, "/waveform").await);
    }
    described.check("get", "/v1/recordings/{id}/receipt", 200, &running.read(&ingest, id, "/receipt").await);
    let one = running.read(&legal, id, "").await.json();
    assert_eq!((one["related"][0]["name"].as_str(), one["held"].as_bool()), (Some("note.txt"), Some(true)));
}

async fn oversight_is_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (ingest, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let (auditor, operator) =
        (running.token(Role::Auditor, &[], None).await, running.token(Role::Operator, &[], None).await);
    let mut wrong = everything("wrong");
    wrong["sha256"] = "00".repeat(32).into();
    let wrong = running.post(&ingest, &wrong, &sounds::wav(16_000, 1)).await.id();
    let mut due = call("due");
    due["recorded_at"] = "2021-11-22T11:00:00Z".into();
    let due = running.post(&ingest, &due, &sounds::wav(16_000, 2)).await.id();
    for who in [&legal, &operator] {
        described.check("get", "/v1/quarantine", 200, &running.get(who, "/v1/quarantine").await);
    }
    running.clock.advance(Duration::from_millis(1));
    let decision = json!({"decision": "accept", "reason": "heard and found good"});
    let decided = post_json(&running, &legal, &format!("/v1/recordings/{wrong}/quarantine"), &decision).await;
    described.check("post", "/v1/recordings/{id}/quarantine", 200, &decided);
    for who in [&legal, &auditor] {
        let page =
            described.check("get", "/v1/recordings/{id}/custody", 200, &running.read(who, wrong, "/custody").await);
        assert!(page["entries"].as_array().unwrap().len() > 2);
    }
    running.clock.set(at("2026-11-22T11:00:30Z"));
    let (runs, report) = ("/v1/purge-runs", "/v1/retention/report");
    described.check("get", report, 200, &running.get(&auditor, report).await);
    let dry = post_json(&running, &auditor, runs, &json!({"dry_run": true})).await;
    assert_eq!(described.check("post", runs, 200, &dry)["recordings"], json!([due]));
    described.check("post", runs, 200, &post_json(&running, &operator, runs, &json!({"dry_run": false})).await);
    let certificate = running.get(&auditor, &format!("/v1/retention/certificates/{due}")).await;
    described.check("get", "/v1/retention/certificates/{id}", 200, &certificate);
    described.check("get", report, 200, &running.get(&auditor, report).await);
    let upcoming = running.get(&auditor, "/v1/retention/upcoming?months=100").await;
    let upcoming = described.check("get", "/v1/retention/upcoming", 200, &upcoming);
    assert_eq!(upcoming["months"].as_array().unwrap().len(), 1);
    let processing = running.get(&auditor, "/v1/retention/processing").await;
    described.check("get", "/v1/retention/processing", 200, &processing);
    described.check("get", "/v1/statistics", 200, &running.get(&auditor, "/v1/statistics").await);
    described.check("get", "/v1/ledger/key", 200, &anyone(&running, "/v1/ledger/key").await);
}

async fn cases_are_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (ingest, an) = (running.token(Role::Ingest, &[], None).await, legal(&running, "An").await);
    let bo = legal(&running, "Bo").await;
    let id = running.post(&ingest, &call("held"), &sounds::wav(16_000, 1)).await.id();
    let (cases, one) = ("/v1/cases", "/v1/cases/{id}");
    let mut new = new_case("2026/12");
    let case = Uuid::new_v4();
    new["id"] = json!(case);
    for status in [201, 200] {
        described.check("post", cases, status, &post_json(&running, &an, cases, &new).await);
    }
    let of_this = |path: &str| path.replace("{id}", &case.to_string());
    let ask = async |path: &str, status: u16, who: &Someone, body: &Value| {
        described.check("post", path, status, &post_json(&running, who, &of_this(path), body).await)
    };
    ask("/v1/cases/{id}/notes", 201, &an, &json!({"text": "a note"})).await;
    let changed = running.request(&an, Method::PATCH, &of_this(one)).json(&json!({"language": "de"}));
    described.check("patch", one, 200, &running.send(changed).await);
    let holds = "/v1/cases/{id}/holds";
    ask(holds, 200, &an, &json!({"recordings": [id, Uuid::new_v4()]})).await;
    let rule =
        ask(holds, 200, &an, &json!({"account": "A-1", "from": "2026-01-01T00:00:00Z"})).await["rule"]["id"].clone();
    described.check("get", holds, 200, &running.get(&an, &of_this(holds)).await);
    let (release, approve) = ("/v1/cases/{id}/release", "/v1/cases/{id}/release/approve");
    let mut asked = Vec::new();
    for what in [json!({"rule": rule, "reason": "x"}), json!({"recordings": [id], "reason": "x"})] {
        let release = ask(release, 201, &an, &what).await["id"].clone();
        asked.push(json!({"release": release, "decision": "approve", "reason": "x"}));
    }
    assert_eq!(ask(approve, 403, &an, &asked[0]).await["code"], "second-person-required");
    for decision in &asked {
        ask(approve, 200, &bo, decision).await;
        assert_eq!(ask(approve, 409, &bo, decision).await["code"], "release-decided");
    }
    assert_eq!(ask(release, 409, &an, &json!({"all": true, "reason": "x"})).await["code"], "nothing-held");
    described.check("get", one, 200, &running.get(&an, &of_this(one)).await);
    ask("/v1/cases/{id}/close", 200, &an, &json!({"reason": "over"})).await;
    assert_eq!(ask(holds, 409, &an, &json!({"account": "A-1"})).await["code"], "case-closed");
    described.check("get", one, 200, &running.get(&an, &of_this(one)).await);
    described.check("get", cases, 200, &running.get(&an, cases).await);
}

async fn accounts_are_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (ingest, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let (accounts, one) = ("/v1/accounts", "/v1/accounts/{id}");
    let of = |path: &str, id: &str| path.replace("{id}", id).replace("{person}", "p-7");
    for (id, status) in [("A-1", 201), ("A-1", 200), ("A-2", 201)] {
        let put = running.request(&ingest, Method::PUT, &of(one, id)).json(&agency("Immo Voorbeeld"));
        described.check("put", one, status, &running.send(put).await);
    }
    let ask = async |path: &str, status: u16, id: &str, body: &Value| {
        described.check("post", path, status, &post_json(&running, &ingest, &of(path, id), body).await)
    };
    ask("/v1/accounts/{id}/persons/{person}/left", 200, "A-1", &json!({})).await;
    ask("/v1/accounts/{id}/close", 200, "A-1", &json!({})).await;
    ask("/v1/accounts/{id}/reopen", 200, "A-1", &json!({})).await;
    ask("/v1/accounts/{id}/merge", 200, "A-2", &json!({"into": "A-1"})).await;
    assert_eq!(ask("/v1/accounts/{id}/close", 409, "A-2", &json!({})).await["code"], "account-merged");
    let end = "/v1/accounts/{id}/end-relation";
    assert_eq!(ask(end, 422, "A-1", &json!({"ended_at": "2030-01-01T00:00:00Z"})).await["code"], "invalid-body");
    let uuid = ask(end, 200, "A-1", &json!({"ended_at": "2016-11-22T12:00:00Z"})).await["uuid"].clone();
    for who in [&ingest, &legal] {
        described.check("get", one, 200, &running.get(who, &of(one, "A-1")).await);
        described.check("get", accounts, 200, &running.get(who, accounts).await);
    }
    running.clock.set(at("2026-11-22T12:00:00Z"));
    assert_eq!(described.check("get", one, 410, &running.get(&legal, &of(one, "A-1")).await)["code"], "expired");
    let operator = running.token(Role::Operator, &[], None).await;
    let runs = "/v1/purge-runs";
    let dry = post_json(&running, &operator, runs, &json!({"dry_run": true})).await;
    assert_eq!(described.check("post", runs, 200, &dry)["accounts"], 1);
    described.check("post", runs, 200, &post_json(&running, &operator, runs, &json!({"dry_run": false})).await);
    let path = format!("/v1/retention/certificates/{}", uuid.as_str().expect("a uuid"));
    described.check("get", "/v1/retention/certificates/{id}", 200, &running.get(&legal, &path).await);
}

async fn problems_are_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (ingest, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let sound = sounds::wav(16_000, 1);
    let told = |method: &str, path: &str, status: u16, answer: &Answer, code: &str| {
        assert_eq!(described.check(method, path, status, answer)["code"], code, "{method} {path}");
    };
    told("get", RECORDINGS, 401, &anyone(&running, RECORDINGS).await, "unauthorized");
    told("get", RECORDINGS, 403, &running.get(&ingest, RECORDINGS).await, "forbidden");
    told("get", RECORDINGS, 400, &running.get(&legal, "/v1/recordings?number=%2B32").await, "invalid-query");
    told("get", RECORDINGS, 400, &running.get(&legal, "/v1/recordings?cursor=x").await, "invalid-cursor");
    let none = Uuid::new_v4();
    told("get", ONE, 404, &running.get(&legal, &format!("/v1/recordings/{none}")).await, "not-found");
    let searched = running.search(&legal, &json!({"number": "0470"})).await;
    told("post", "/v1/recordings/search", 422, &searched, "invalid-body");

    let kept = running.post(&ingest, &call("kept"), &sound).await.id();
    let other = running.post(&ingest, &call("kept"), &sounds::wav(16_000, 2)).await;
    told("post", RECORDINGS, 409, &other, "call-exists");
    told("post", RECORDINGS, 415, &running.post(&ingest, &call("text"), b"not a sound at all").await, "not-audio");
    told("post", RECORDINGS, 422, &running.post(&ingest, &json!({"x": 1}), &sound).await, "invalid-metadata");
    let form = reqwest::multipart::Form::new().text("other", "x");
    let unknown = running.send(running.request(&ingest, Method::POST, RECORDINGS).multipart(form)).await;
    told("post", RECORDINGS, 400, &unknown, "unknown-part");

    running.clock.set(at("2031-11-22T09:00:00Z"));
    told("get", ONE, 410, &running.read(&legal, kept, "").await, "expired");
}

async fn a_second_decision_is_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (ingest, legal) = (running.token(Role::Ingest, &[], None).await, running.token(Role::Legal, &[], None).await);
    let kept = running.post(&ingest, &call("kept"), &sounds::wav(16_000, 1)).await.id();
    let decide = "/v1/recordings/{id}/quarantine";
    let decision = json!({"decision": "accept", "reason": "x"});
    let decided = post_json(&running, &legal, &decide.replace("{id}", &kept.to_string()), &decision).await;
    assert_eq!(described.check("post", decide, 409, &decided)["code"], "already-decided");
}

async fn disclosures_are_answered_as_described(place: &Place) {
    let running = Running::start(place).await;
    let described = Described::by(&running).await;
    let (legal, id) = crate::evidence::one_package(&running).await;
    let auditor = running.token(Role::Auditor, &[], None).await;
    for who in [&legal, &auditor] {
        let page = described.check("get", "/v1/disclosures", 200, &running.get(who, "/v1/disclosures").await);
        assert_eq!(page["disclosures"][0]["id"], id);
    }
}
