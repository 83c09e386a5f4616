//! Transcripts, notes and the like: stored once, replaced whole, sealed, and read by those who may.

use earwitness::access::Role;
use earwitness::recording::RecordingId;
use earwitness::vault::objects::Prefix;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::on_both_stacks;
use crate::support::archive::{Answer, Running, Someone, call};
use crate::support::objects::contents;
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Locked:
    related_data_are_stored_once_and_replaced_whole,
    writers_of_one_name_at_once_leave_one_object,
    what_cannot_be_related_data_is_refused,
);

async fn put(archive: &Running, who: &Someone, id: RecordingId, name: &str, kind: &str, body: &str) -> Answer {
    let request = archive.request(who, Method::PUT, &format!("/v1/recordings/{id}/related/{name}"));
    archive.send(request.header("content-type", kind).body(body.to_owned())).await
}

async fn related_data_are_stored_once_and_replaced_whole(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    let without = archive.objects(Some(id)).await;

    let text = "Goedemiddag, met Jan De Smet";
    let first = put(&archive, &crm, id, "transcript", "text/plain; charset=utf-8", text).await;
    assert_eq!((first.status, &first.json()["byte_len"]), (201, &json!(text.len())));
    let objects = archive.objects(Some(id)).await;
    assert_eq!(objects.len(), without.len() + 1);
    let again = put(&archive, &crm, id, "transcript", "text/plain; charset=utf-8", text).await;
    assert_eq!((again.status, again.json()), (200, first.json()));
    assert_eq!(archive.objects(Some(id)).await, objects, "the same content is no new object");

    let read = archive.read(&rep, id, "/related/transcript").await;
    assert_eq!((read.status, read.body), (200, text.as_bytes().to_vec()));
    assert_eq!(read.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(read.headers["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(archive.read(&rep, id, "").await.json()["related"], json!([first.json()]));
    assert_eq!(archive.read(&rep, id, "/related/notes").await.told(), (404, "not-found".to_owned()));

    let better = put(&archive, &crm, id, "transcript", "text/plain", "Goedenavond").await;
    assert_eq!(better.status, 200);
    let replaced = archive.objects(Some(id)).await;
    assert_eq!((replaced.len(), replaced == objects), (objects.len(), false), "the old object is gone");
    assert_eq!(archive.read(&rep, id, "/related/transcript").await.body, b"Goedenavond");
    assert_eq!(put(&archive, &crm, id, "empty", "text/plain", "").await.status, 201);
    assert_eq!(archive.read(&rep, id, "/related/empty").await.body, b"");

    let stored: Vec<_> = archive.custody(id).await.into_iter().filter(|(kind, _)| kind == "related.stored").collect();
    // Entries of one instant have no order.
    let mut names: Vec<&str> = stored.iter().filter_map(|(_, payload)| payload["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["empty", "transcript", "transcript"]);
    assert!(archive.archive.catalog.stale_sidecars(10).await.unwrap().is_empty(), "the sidecar was written anew");
    let store = archive.archive.store.as_ref();
    for (_, bytes) in contents(store, &Prefix::recordings()).await {
        assert!(!bytes.windows(8).any(|part| part == b"Goedenav"), "nothing lies there in the clear");
    }
}

async fn writers_of_one_name_at_once_leave_one_object(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    let before = archive.objects(Some(id)).await.len();
    let texts: Vec<String> = (0..10).map(|n| format!("version {n}")).collect();
    let answers = join_all(texts.iter().map(|text| put(&archive, &crm, id, "note", "text/plain", text))).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
    assert_eq!(archive.objects(Some(id)).await.len(), before + 1);
    let last = archive.read(&legal, id, "/related/note").await;
    assert!(texts.iter().any(|text| text.as_bytes() == last.body));
}

async fn what_cannot_be_related_data_is_refused(place: &Place) {
    let archive = Running::start(place).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let rep = archive.token(Role::Rep, &["A-1"], None).await;
    let portal = archive.token(Role::Portal, &["A-1"], None).await;
    let id = archive.post(&crm, &call("c-1"), &wav(8_000, 1)).await.id();
    let before = archive.objects(None).await;
    for name in ["Transcript", ".hidden", "a%2Fb", "jan%20de%20smet", &"a".repeat(65)] {
        assert_eq!(put(&archive, &crm, id, name, "text/plain", "x").await.told(), (404, "not-found".to_owned()));
    }
    for kind in ["", "text", "text/", "te xt/plain"] {
        assert_eq!(put(&archive, &crm, id, "note", kind, "x").await.told(), (415, "unsupported-media-type".to_owned()));
    }
    let large = "x".repeat((16 << 20) + 1);
    assert_eq!(put(&archive, &crm, id, "note", "text/plain", &large).await.told(), (413, "too-large".to_owned()));
    let nobody = RecordingId(uuid::Uuid::new_v4());
    assert_eq!(put(&archive, &crm, nobody, "note", "text/plain", "x").await.status, 404);
    assert_eq!(put(&archive, &rep, id, "note", "text/plain", "x").await.status, 403);
    assert_eq!(archive.read(&portal, id, "/related/note").await.status, 403);
    assert_eq!(archive.read(&crm, id, "/related/note").await.status, 403);
    assert_eq!(archive.objects(None).await, before);
}
