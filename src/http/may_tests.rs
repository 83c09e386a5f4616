use axum::http::Method;

use super::*;
use crate::access::Role;
use crate::clock::Timestamp;
use crate::http::fake::{Answer, FakeState, call, get};
use crate::http::permission::{HearRecording, ReadCustody};
use crate::http::registry::Routes;

async fn custody(may: May<ReadCustody>) -> String {
    format!("{} {} {}", may.owner, may.address, may.purpose().map_or("-", Purpose::as_str))
}

async fn audio(may: May<HearRecording>) -> String {
    may.purpose().map_or("-", Purpose::as_str).to_owned()
}

fn routes() -> Routes<FakeState> {
    Routes::new().guarded(Method::GET, "/v1/custody", custody).guarded(Method::GET, "/v1/audio", audio)
}

async fn hear(state: &FakeState, purposes: &[&str]) -> Answer {
    let token = state.bearer(Role::Rep);
    let mut headers = vec![("authorization", token.as_str())];
    headers.extend(purposes.iter().map(|purpose| ("earwitness-purpose", *purpose)));
    call(&state.app(routes()), Method::GET, "/v1/audio", &headers).await
}

#[tokio::test]
async fn a_good_token_of_the_right_role_gets_through() {
    let state = FakeState::default();
    let answer = get(&state.app(routes()), "/v1/custody", Some(&state.bearer(Role::Legal))).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "the legal 192.0.2.7 -"));
    assert!(state.refusals.lock().unwrap().is_empty());
}

#[tokio::test]
async fn whatever_is_no_known_token_is_a_401_that_leaves_no_trace() {
    let state = FakeState::default();
    let app = state.app(routes());
    let good = state.bearer(Role::Legal);
    let unknown = format!("Bearer {}", Token::generate().unwrap().expose());
    let cut = &good[..good.len() - 1];
    let basic = good.replace("Bearer", "Basic");
    for bad in ["", "Bearer", "Bearer ", "Bearer x", &unknown, cut, &basic, &good[7..], &format!("{good} {good}")] {
        let answer = get(&app, "/v1/custody", Some(bad)).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (401, Some("unauthorized")), "{bad}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"earwitness\"");
    }
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    assert_eq!(call(&app, Method::GET, "/v1/custody", &twice).await.status, 401);
    assert_eq!(get(&app, "/v1/custody", None).await.status, 401);
    assert!(state.refusals.lock().unwrap().is_empty());
    assert_eq!(get(&app, "/v1/custody", Some(&good.replace("Bearer", "bearer"))).await.status, 200);
}

#[tokio::test]
async fn a_known_caller_who_is_turned_away_is_recorded() {
    let state = FakeState::default();
    let app = state.app(routes());
    let answer = get(&app, "/v1/custody", Some(&state.bearer(Role::Rep))).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (403, Some("forbidden")));
    state.clock.set(Timestamp::from_micros(1_000_000));
    assert_eq!(get(&app, "/v1/custody", Some(&state.bearer(Role::Legal))).await.status, 401);
    let refusals = state.refusals.lock().unwrap();
    let seen: Vec<_> = refusals.iter().map(|r| (r.actor.role, r.permission, r.reason)).collect();
    let expected = [(Role::Rep, "read-custody", "wrong-role"), (Role::Legal, "read-custody", "token-expired")];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn audio_needs_a_purpose() {
    let state = FakeState::default();
    let purpose = hear(&state, &["plainte%20%C3%A9crite"]).await;
    assert_eq!((purpose.status, purpose.text().as_str()), (200, "plainte écrite"));
    for (bad, code) in [
        (&[][..], "purpose-required"),
        (&["  "][..], "purpose-required"),
        (&["a%0Ab"][..], "invalid-purpose"),
        (&["a", "b"][..], "invalid-purpose"),
    ] {
        let answer = hear(&state, bad).await;
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some(code)), "{bad:?}");
    }
}

#[tokio::test]
async fn a_catalog_that_is_down_is_a_503_without_its_cause() {
    let state = FakeState { catalog_is_down: true, ..FakeState::default() };
    let answer = get(&state.app(routes()), "/v1/custody", Some(&state.bearer(Role::Legal))).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (503, Some("unavailable")));
    assert!(!answer.text().contains("db.internal"));
}
