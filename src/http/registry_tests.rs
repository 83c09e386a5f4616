use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::*;
use crate::http::fake::{FakeState, call, get};
use crate::http::permission::{Decide, FindRecordings, Ingest, ReadRecording};
use crate::http::routes;

async fn ingest(_: May<Ingest>, _body: axum::body::Bytes) -> &'static str {
    "taken"
}
async fn find(_: May<FindRecordings>) {}
async fn one(_: May<ReadRecording>, State(_): State<FakeState>, Path(_id): Path<String>, _: HeaderMap) {}
async fn decide(_: May<Decide>, Path(_id): Path<String>, _body: String) {}

fn all() -> Routes<FakeState> {
    routes::operator()
        .guarded(Method::POST, "/v1/recordings", ingest)
        .guarded(Method::GET, "/v1/recordings", find)
        .guarded(Method::GET, "/v1/recordings/{id}", one)
        .guarded(Method::POST, "/v1/recordings/{id}/quarantine", decide)
}

#[test]
fn the_table_reads_roles_from_the_handlers() {
    let routes = all();
    let row = |method, path| routes.table().iter().find(|r| r.method == method && r.path == path).unwrap().access;
    let ingest = Access::Guarded { permission: "ingest", roles: RoleSet::of(&[Role::Ingest]) };
    assert_eq!(row(Method::POST, "/v1/recordings"), ingest);
    assert!(row(Method::GET, "/v1/recordings/{id}").admits(Role::Rep));
    assert!(!row(Method::GET, "/v1/recordings/{id}").admits(Role::Auditor));
    assert_eq!(row(Method::GET, "/healthz"), Access::Open);
}

/// The role × route test: what the table says is what the router does, for every role and for nobody.
#[tokio::test]
async fn each_role_reaches_what_the_table_says_and_nothing_else() {
    let state = FakeState::default();
    let app = state.app(all());
    let mut tried = 0;
    for route in all().table() {
        let path = route.path.replace("{id}", "x").replace("{file}", "index.html");
        let nobody = call(&app, route.method.clone(), &path, &[]).await.status;
        assert_eq!(nobody == 401, route.access != Access::Open, "nobody {} {path}: {nobody}", route.method);
        for role in Role::ALL {
            let token = state.bearer(role);
            let headers = [("authorization", token.as_str()), ("earwitness-purpose", "test")];
            let status = call(&app, route.method.clone(), &path, &headers).await.status;
            let reached = status < 400;
            assert_eq!(reached, route.access.admits(role), "{role} {} {path}: {status}", route.method);
            assert!(reached || status == 403, "{role} {} {path}: {status}", route.method);
            tried += 1;
        }
    }
    assert_eq!(tried, all().table().len() * Role::ALL.len());
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_problems() {
    let app = FakeState::default().app(all());
    let nothing = get(&app, "/v1/nothing", None).await;
    assert_eq!((nothing.status, nothing.json()["code"].as_str()), (404, Some("not-found")));
    let method = call(&app, Method::DELETE, "/v1/recordings", &[]).await;
    assert_eq!((method.status, method.json()["code"].as_str()), (405, Some("method-not-allowed")));
    let allow = method.headers["allow"].to_str().unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}
