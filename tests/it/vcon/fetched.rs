//! Audio that a vCon refers to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest::{SHA512, digest};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::routing::get;
use earwitness::access::Role;
use earwitness::vcon::content_hash::sha512_token;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use super::taking_in::{send, vcon};
use crate::on_both_stacks;
use crate::support::archive::{Running, call};
use crate::support::sounds::wav;
use crate::support::stack::Place;

on_both_stacks!(
    in Versioned:
    audio_is_fetched_from_the_hosts_that_are_named,
    a_host_in_a_network_that_is_not_named_is_not_asked,
);

/// A host with media on loopback, and how often it was asked.
struct Host {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    _server: AbortOnDropHandle<()>,
}

async fn host(audio: Vec<u8>) -> Host {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let counted = move |answer: (StatusCode, Vec<u8>)| {
        count.fetch_add(1, Ordering::Relaxed);
        answer
    };
    let (a, b) = (counted.clone(), counted.clone());
    let router = Router::new()
        .route("/call.wav", get(move || async move { a((StatusCode::OK, audio)) }))
        .route("/large", get(move || async move { b((StatusCode::OK, vec![0; 3 << 20])) }))
        .route("/missing", get(move || async move { counted((StatusCode::NOT_FOUND, Vec::new())) }))
        .route("/elsewhere", get(|| async { (StatusCode::FOUND, [(LOCATION, "/call.wav")]) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Host { address, asked, _server: AbortOnDropHandle::new(server) }
}

fn by_url(call_id: &str, url: &str, audio: &[u8]) -> Value {
    let mut document = vcon(&call(call_id), audio);
    let dialog = document["dialog"][0].as_object_mut().unwrap();
    dialog.remove("body");
    dialog.remove("encoding");
    dialog.insert("url".to_owned(), json!(url));
    document
}

async fn audio_is_fetched_from_the_hosts_that_are_named(place: &Place) {
    let audio = wav(60_000, 1);
    let (media, other) = (host(audio.clone()).await, host(audio.clone()).await);
    let (named, base) = (format!("http://{}", media.address), format!("http://{}", media.address));
    let settings = [
        ("EARWITNESS_VCON_MEDIA_HOSTS", named.as_str()),
        ("EARWITNESS_VCON_MEDIA_NETWORKS", "127.0.0.0/8"),
        ("EARWITNESS_MAX_UPLOAD_BYTES", "2MiB"),
    ];
    let archive = Running::start_with(place, &settings).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let legal = archive.token(Role::Legal, &[], None).await;
    let post = async |document: &Value| send(&archive, &crm, "application/vcon", document.to_string()).await;
    let taken = post(&by_url("c-1", &format!("{base}/call.wav"), &audio)).await;
    assert_eq!(taken.status, 201, "{:?}", taken.told());
    assert!(archive.read(&legal, taken.id(), "/audio").await.body == audio);
    let parts = archive.post(&crm, &call("c-1"), &audio).await;
    assert!(parts.status == 200 && parts.body == taken.body);

    let mut other_hash = by_url("c-2", &format!("{base}/call.wav"), &audio);
    other_hash["dialog"][0]["content_hash"] = json!(sha512_token(&digest(&SHA512, b"other")));
    let poor = post(&other_hash).await;
    assert_eq!((poor.status, &poor.json()["findings"]), (202, &json!(["digest-mismatch"])));

    let elsewhere = format!("http://{}/call.wav", other.address);
    let by_name = format!("http://localhost:{}/call.wav", media.address.port());
    let with_user = format!("http://a@{}/call.wav", media.address);
    for (url, status, code) in [
        (elsewhere.as_str(), 422, "media-host-not-allowed"),
        (by_name.as_str(), 422, "media-host-not-allowed"),
        (with_user.as_str(), 422, "media-host-not-allowed"),
        ("https://169.254.169.254/latest/meta-data", 422, "media-host-not-allowed"),
        ("file:///etc/passwd", 422, "media-host-not-allowed"),
        (&format!("{base}/missing"), 422, "media-unavailable"),
        (&format!("{base}/elsewhere"), 422, "media-unavailable"),
        (&format!("{base}/large"), 413, "too-large"),
    ] {
        let answer = post(&by_url("c-3", url, &audio)).await;
        assert_eq!(answer.told(), (status, code.to_owned()), "{url}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("127.0.0.1"), "the address is not repeated");
    }
    assert_eq!(other.asked.load(Ordering::Relaxed), 0, "nobody else was asked");
}

async fn a_host_in_a_network_that_is_not_named_is_not_asked(place: &Place) {
    let audio = wav(8_000, 1);
    let media = host(audio.clone()).await;
    let named = format!("http://{}", media.address);
    let archive = Running::start_with(place, &[("EARWITNESS_VCON_MEDIA_HOSTS", &named)]).await;
    let crm = archive.token(Role::Ingest, &[], None).await;
    let document = by_url("c-1", &format!("{named}/call.wav"), &audio);
    let refused = send(&archive, &crm, "application/vcon", document.to_string()).await;
    assert_eq!(refused.told(), (422, "media-host-not-allowed".to_owned()));
    assert_eq!(media.asked.load(Ordering::Relaxed), 0);
}
