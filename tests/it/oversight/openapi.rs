//! What the API says of itself: complete, explained, and valid for a checker that is not ours.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use earwitness::http::openapi::{document, template};
use earwitness::http::{Access, openapi::ApiDocument, routes};
use serde_json::Value;

fn served() -> Value {
    serde_json::from_slice(&ApiDocument::new(document(), routes::all_routes(true).table()).bytes()).unwrap()
}

#[test]
fn the_document_has_every_route_of_the_api_and_no_other() {
    let document = served();
    let (mut described, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let id = operation["operationId"].as_str().unwrap().to_owned();
            assert!(ids.insert(id.clone()), "{id} stands for two operations");
            let told = operation["summary"].as_str().or(operation["description"].as_str()).unwrap_or_default();
            assert!(told.len() > 10, "{method} {path} says nothing of itself");
        }
    }
    let routes = routes::all_routes(true);
    let api = routes.table().iter().filter(|route| route.is_api);
    let registered: BTreeSet<_> = api.map(|route| (route.method.to_string(), template(route.path))).collect();
    assert_eq!(described, registered);
    for route in routes.table().iter().filter(|route| route.is_api) {
        let operation = &document["paths"][template(route.path)][route.method.as_str().to_lowercase()];
        assert_eq!(operation["security"].is_array(), route.access != Access::Open, "{}", route.path);
    }
}

/// Names every property and parameter without a description.
fn unexplained(at: &str, value: &Value, found: &mut Vec<String>) {
    let says = |value: &Value| value["description"].as_str().is_some_and(|text| text.len() > 3);
    // What may be null as well is described beside its reference.
    let is_told =
        |value: &Value| says(value) || value["oneOf"].as_array().is_some_and(|choices| choices.iter().any(says));
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get("properties") {
                let mute = properties.iter().filter(|(_, property)| !is_told(property));
                found.extend(mute.map(|(name, _)| format!("{at}.{name}")));
            }
            if let Some(Value::Array(parameters)) = members.get("parameters") {
                let mute = parameters.iter().filter(|parameter| !is_told(parameter));
                found.extend(mute.map(|parameter| format!("{at}?{}", parameter["name"])));
            }
            members.iter().for_each(|(name, member)| unexplained(&format!("{at}/{name}"), member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| unexplained(at, item, found)),
        _ => {}
    }
}

#[test]
fn every_property_and_parameter_is_explained() {
    let document = served();
    let mut found = Vec::new();
    unexplained("", &document["components"]["schemas"], &mut found);
    unexplained("", &document["paths"], &mut found);
    assert!(found.is_empty(), "without a description: {found:#?}");
    assert!(document["components"]["schemas"].as_object().unwrap().len() > 20);
}

#[test]
fn every_error_is_a_problem() {
    let document = served();
    let mut count = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5', 'd'])) {
                // It answers with what is wrong, part by part.
                if (path.as_str(), status.as_str()) == ("/readyz", "503") {
                    assert!(response["content"]["application/json"]["schema"].is_object());
                    continue;
                }
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{method} {path} {status}");
                count += 1;
            }
        }
    }
    assert!(count > 80, "{count}");
    let upload = &document["paths"]["/v1/recordings"]["post"]["responses"]["400"]["description"];
    assert!(["invalid-multipart", "missing-part"].iter().all(|code| upload.as_str().unwrap().contains(code)));
}

#[test]
fn what_answers_with_a_part_says_how_to_ask_for_it() {
    let document = served();
    for part in ["audio", "listen", "related/{name}"] {
        let get = &document["paths"][format!("/v1/recordings/{{id}}/{part}")]["get"];
        let parameters = get["parameters"].as_array().unwrap().iter();
        let asked: Vec<_> = parameters.filter(|p| p["in"] == "header").filter_map(|p| p["name"].as_str()).collect();
        for name in ["Range", "If-Range", "If-None-Match"] {
            assert_eq!(asked.iter().filter(|asked| **asked == name).count(), 1, "{part}: {name}");
        }
        let has = |status: &str, name: &str| get["responses"][status]["headers"][name]["description"].is_string();
        for (status, name) in
            [("200", "ETag"), ("206", "ETag"), ("206", "Content-Range"), ("304", "ETag"), ("416", "Content-Range")]
        {
            assert!(has(status, name), "{part}: {status} {name}");
        }
        assert!(!has("200", "Content-Range") && !has("304", "Accept-Ranges"));
    }
}

#[test]
fn examples_and_formats_are_those_of_real_values() {
    let document = served();
    let schemas = &document["components"]["schemas"];
    let codec = &schemas["Receipt"]["properties"]["codec"]["example"];
    assert!(schemas["Codec"]["enum"].as_array().unwrap().contains(codec), "{codec}");
    for schema in ["Receipt", "PurgeFacts", "Recording", "PolicyInForce"] {
        let rule = &schemas[schema]["properties"]["rule"]["example"];
        assert_eq!(rule, "call_recording/1 P5Y Europe/Brussels instant", "{schema}");
    }
    for parameter in document["paths"]["/v1/recordings"]["get"]["parameters"].as_array().unwrap() {
        if ["from", "to"].contains(&parameter["name"].as_str().unwrap()) {
            assert_eq!(parameter["schema"]["format"], "date-time", "{parameter}");
        }
    }
    let number = schemas["SearchRequest"]["properties"]["number"].clone();
    let number = jsonschema::validator_for(&number).unwrap();
    for (text, good) in [
        ("+32470123456", true),
        ("+123", true),
        ("0470", false),
        ("+0123", false),
        ("+12", false),
        ("+1234567890123456", false),
    ] {
        assert_eq!(number.is_valid(&text.into()), good, "{text}");
    }
}

#[test]
fn an_outside_checker_finds_the_document_valid() {
    let python = std::env::var("EARWITNESS_TEST_PYTHON").expect(
        "EARWITNESS_TEST_PYTHON must name a Python that has tests/requirements.txt installed (`./test` sees to that)",
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/outside/openapi_check.py");
    let check = |document: &Value| {
        let mut command = Command::new(&python);
        command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the Python in EARWITNESS_TEST_PYTHON does not start");
        child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    let mut document = served();
    let run = check(&document);
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    document["paths"]["/v1/ledger/key"]["get"]["responses"] = "none".into();
    assert_eq!(check(&document).status.code(), Some(1), "a document that is not valid is found out");
}
