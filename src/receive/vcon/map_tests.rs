use serde_json::json;

use super::*;
use crate::receive::metadata::from_fields;

const UUID: &str = "019f15a6-a752-826f-b9a2-279e0d16bc46";

/// A document whose contents are nothing.
fn document(more: &Value) -> Document<()> {
    let mut all = json!({
        "vcon": "0.4.0", "uuid": UUID, "created_at": "2026-11-22T09:05:00Z",
        "parties": [
            {"tel": "tel:+32-470-12.34.56;ext=7", "name": "Jan", "uuid": "p-7", "org": "A-1", "role": "Customer"},
            {"name": "Ann", "uuid": "ann", "role": "agent"},
        ],
        "dialog": [{"type": "recording", "start": "2026-11-22T09:00:00+00:00", "duration": 33.12, "parties": [0, 1],
            "mediatype": "audio/x-wav", "encoding": "base64url", "body": "text"}],
    });
    for (pointer, value) in more.as_object().unwrap() {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match all.pointer_mut(parent).unwrap() {
            Value::Object(members) => drop(members.insert(name.to_owned(), value.clone())),
            Value::Array(items) => items.push(value.clone()),
            other => panic!("{other}"),
        }
    }
    let entries = |list: Value| -> Vec<Entry<()>> {
        let items = list.as_array().cloned().unwrap_or_default();
        let entry = |item: Value| {
            let mut members = item.as_object().unwrap().clone();
            let body = match members.remove("body") {
                None | Some(Value::Null) => None,
                Some(Value::String(_)) => Some(Body::Text(())),
                Some(other) => Some(Body::Json(other)),
            };
            Entry { members, body }
        };
        items.into_iter().map(entry).collect()
    };
    let mut members = all.as_object().unwrap().clone();
    let mut list = |name: &str| entries(members.remove(name).unwrap_or_default());
    let (dialog, attachments, analysis) = (list("dialog"), list("attachments"), list("analysis"));
    Document { members, dialog, attachments, analysis, payload: None }
}

fn mapped(more: Value) -> Conversation<()> {
    map(document(&more)).unwrap()
}

/// The code, and the path of what is wrong.
fn refused(more: Value) -> (&'static str, String) {
    match map(document(&more)) {
        Err(error @ VconError::Invalid(_)) => {
            let code = error.code();
            let VconError::Invalid(problems) = error else { unreachable!() };
            (code, problems[0].field.clone())
        }
        Err(VconError::Unsupported(problem)) => ("unsupported-vcon", problem.field),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_metadata_of_its_own_the_drafts_members_say_what_they_can() {
    let conversation = mapped(json!({}));
    assert!(conversation.carried.is_none() && matches!(conversation.audio, Media::Inline(())));
    let metadata = from_fields(complete(None, conversation.told).unwrap()).unwrap();
    let expected = json!({
        "call_id": UUID, "part": 0, "account_id": "A-1", "recorded_at": "2026-11-22T09:00:00Z", "direction": "inbound",
        "agent": "ann", "person": {"id": "p-7", "name": "Jan"}, "number": "+32470123456", "duration_ms": 33_120,
    });
    assert_eq!(serde_json::to_value(metadata).unwrap(), expected);
}

#[test]
fn who_called_is_the_first_or_the_one_that_is_named() {
    let direction = |more: Value| mapped(more).told.get("direction").cloned();
    assert_eq!(direction(json!({"/dialog/0/originator": 1})), Some(json!("outbound")));
    assert_eq!(direction(json!({"/dialog/0/parties": [[1, 0], null]})), Some(json!("outbound")));
    assert_eq!(direction(json!({"/dialog/0/parties": 0})), Some(json!("inbound")));
    assert_eq!(direction(json!({"/dialog/0/parties": []})), None);
    assert_eq!(direction(json!({"/parties/": {}, "/dialog/0/originator": 2})), None);
}

#[test]
fn anonymous_is_no_name_and_a_number_that_is_not_global_is_refused_with_the_metadata() {
    let told = mapped(json!({"/parties/0/name": "Anonymous", "/parties/0/tel": "0470 12"})).told;
    assert_eq!((&told["person"]["name"], &told["number"]), (&Value::Null, &json!("047012")));
    assert!(from_fields(told).is_err());
}

#[test]
fn carried_metadata_are_all_there_is_but_for_what_has_to_be_there() {
    let carried = json!({"account_id": "A-9", "lead_id": "l"}).as_object().unwrap().clone();
    let fields = complete(Some(carried), mapped(json!({})).told).unwrap();
    let expected = json!({
        "account_id": "A-9", "lead_id": "l", "call_id": UUID, "recorded_at": "2026-11-22T09:00:00+00:00",
    });
    assert_eq!(Value::Object(fields), expected);
    let same = json!({"recorded_at": "2026-11-22T10:00:00+01:00"}).as_object().unwrap().clone();
    assert!(complete(Some(same), mapped(json!({})).told).is_ok());
    let other = json!({"recorded_at": "2026-11-22T10:00:01+01:00"}).as_object().unwrap().clone();
    assert!(matches!(complete(Some(other), mapped(json!({})).told), Err(VconError::Invalid(_))));
}

#[test]
fn attachments_are_told_apart_by_their_purpose() {
    let attachments = json!([
        {"purpose": "earwitness-receipt", "body": "x", "encoding": "base64url"},
        {"purpose": "earwitness-metadata", "body": {"lead_id": "l"}, "encoding": "json"},
        {"body": "x", "filename": "note.txt"},
        {"body": [1], "party": 1, "dialog": 0, "start": "2026-11-22T09:00:00Z"},
        {"purpose": "without a body"},
    ]);
    let analysis = json!([{"type": "transcript", "vendor": "v", "body": "x", "encoding": "base64url", "dialog": [0]}]);
    let conversation = mapped(json!({"/attachments": attachments, "/analysis": analysis}));
    assert!(matches!(conversation.carried, Some(Body::Json(_))));
    let seen: Vec<_> = conversation.beside.iter().map(|one| (one.path.as_str(), one.encoding)).collect();
    let expected =
        [("attachments[2]", Encoding::None), ("attachments[3]", Encoding::Json), ("analysis[0]", Encoding::Base64Url)];
    assert_eq!(seen, expected);
}

#[test]
fn what_cannot_be_kept_or_is_not_known_is_not_taken() {
    let hash = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg";
    let cases = [
        (json!({"/critical": ["redaction2"]}), "critical"),
        (json!({"/vcon": "0.3.0"}), "vcon"),
        (json!({"/redacted": {"uuid": UUID, "type": "pii"}}), "redacted"),
        (json!({"/group": [{"uuid": UUID}]}), "group"),
        (json!({"/dialog": []}), "dialog"),
        (json!({"/dialog/": {"type": "transfer", "start": "2026-11-22T09:00:00Z"}}), "dialog"),
        (json!({"/dialog/0/type": "text"}), "dialog[0].type"),
        (json!({"/attachments": [{"url": "https://a.example/x", "content_hash": hash}]}), "attachments[0].url"),
    ];
    for (more, path) in cases {
        assert_eq!(refused(more.clone()), ("unsupported-vcon", path.to_owned()), "{more}");
    }
    assert!(map(document(&json!({"/critical": ["CC"], "/redacted": {}, "/amended": {"uuid": UUID}}))).is_ok());
}

#[test]
fn what_is_no_vcon_is_told_with_its_path() {
    let cases = [
        (json!({"/uuid": null}), "uuid"),
        (json!({"/uuid": "x"}), "uuid"),
        (json!({"/created_at": "yesterday"}), "created_at"),
        (json!({"/critical": "CC"}), "critical"),
        (json!({"/parties": {}}), "parties"),
        (json!({"/parties": [1]}), "parties[0]"),
        (json!({"/parties/0/tel": 32}), "parties[0].tel"),
        (json!({"/parties": vec![json!({}); 65]}), "parties"),
        (json!({"/dialog/0/start": null}), "dialog[0].start"),
        (json!({"/dialog/0/start": "2026-11-22"}), "dialog[0].start"),
        (json!({"/dialog/0/duration": -1}), "dialog[0].duration"),
        (json!({"/dialog/0/duration": "1"}), "dialog[0].duration"),
        (json!({"/dialog/0/parties": [2]}), "dialog[0].parties"),
        (json!({"/dialog/0/parties": [[0, -1]]}), "dialog[0].parties"),
        (json!({"/dialog/0/originator": 2}), "dialog[0].originator"),
        (json!({"/dialog/0/mediatype": "wav"}), "dialog[0].mediatype"),
        (json!({"/dialog/0/encoding": "none"}), "dialog[0].encoding"),
        (json!({"/dialog/0/body": {}}), "dialog[0].encoding"),
        (json!({"/dialog/0/body": null}), "dialog[0].body"),
        (json!({"/dialog/0/url": "https://a.example/"}), "dialog[0].url"),
        (json!({"/dialog/0/body": null, "/dialog/0/url": "https://a.example/"}), "dialog[0].content_hash"),
        (json!({"/dialog/0/content_hash": "sha512-AA"}), "dialog[0].content_hash"),
        (json!({"/dialog/0/content_hash": vec![json!("x1-AA"); 9]}), "dialog[0].content_hash"),
        (json!({"/attachments": [{"body": 1, "encoding": "none"}]}), "attachments[0].body"),
        (json!({"/attachments": [{"body": "", "encoding": "gzip"}]}), "attachments[0].encoding"),
        (json!({"/attachments": [{"body": "", "party": 2}]}), "attachments[0].party"),
        (json!({"/attachments": [{"body": "", "dialog": 1}]}), "attachments[0].dialog"),
        (json!({"/attachments": [{"purpose": "earwitness-metadata", "body": [1]}]}), "attachments[0].body"),
        (json!({"/attachments": vec![json!({"purpose": "earwitness-metadata", "body": {}}); 2]}), "attachments[1]"),
    ];
    for (more, path) in cases {
        assert_eq!(refused(more.clone()), ("invalid-vcon", path.to_owned()), "{more}");
    }
}

#[test]
fn a_url_stands_with_a_hash_that_can_be_checked() {
    let hash = "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg_SpIdNs6c5H0NE8XYXysP-DGNKHfuwvY7kxvUdBeoGlODJ6-SfaPg";
    let more = |hashes: Value| json!({"/dialog/0/body": null, "/dialog/0/url": "u", "/dialog/0/content_hash": hashes});
    assert!(matches!(mapped(more(json!(hash))).audio, Media::At(url) if url == "u"));
    assert_eq!(mapped(more(json!(["blake3-AA", hash]))).hashes.len(), 1);
    assert_eq!(refused(more(json!("blake3-AA"))).1, "dialog[0].content_hash");
}
