//! The role × route table, from the register itself: who is let in where, tried on every route.

use std::path::Path;

use earwitness::access::{Role, Token};
use earwitness::http::{Access, Route, routes};
use reqwest::{Client, Method};
use uuid::Uuid;

use crate::support::archive::Running;
use crate::support::stack::{Bucket, Place, Stack};

/// Somebody who calls: how the table names them, their role, their `Authorization`.
struct Visitor {
    name: String,
    role: Option<Role>,
    header: Option<String>,
}

async fn visitors(running: &Running) -> Vec<Visitor> {
    let mut all = Vec::new();
    for role in Role::ALL {
        let accounts: &[&str] = if matches!(role, Role::Rep | Role::Portal) { &["A-1"] } else { &[] };
        let someone = running.token(role, accounts, None).await;
        let header = Some(format!("Bearer {}", someone.token.expose()));
        all.push(Visitor { name: role.to_string(), role: Some(role), header });
    }
    let unknown = Token::generate().unwrap();
    for (name, header) in [
        ("no token", None),
        ("unknown token", Some(format!("Bearer {}", unknown.expose()))),
        ("garbage", Some("Bearer ew_garbage".to_owned())),
    ] {
        all.push(Visitor { name: name.into(), role: None, header });
    }
    all
}

/// The path with a random id wherever it varies.
fn filled(path: &str) -> String {
    let piece = |piece: &str| if piece.starts_with('{') { Uuid::new_v4().to_string() } else { piece.to_owned() };
    // `{id}.svg` and the like: what stands behind the brace stays.
    path.split('/')
        .map(|part| part.split_once('}').map_or(part.to_owned(), |(before, after)| piece(before) + after))
        .collect::<Vec<_>>()
        .join("/")
}

async fn status(running: &Running, route: &Route, visitor: &Visitor) -> u16 {
    let url = format!("http://{}{}", running.address, filled(route.path));
    let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut request = client.request(route.method.clone(), url).header("earwitness-purpose", "a test");
    if let Some(header) = &visitor.header {
        request = request.header("authorization", header);
    }
    request.send().await.unwrap().status().as_u16()
}

/// What the visitor must meet: 401, 403, or neither.
fn refusal(access: Access, visitor: &Visitor) -> Option<u16> {
    match (access, visitor.role) {
        (Access::Open, _) => None,
        (Access::Guarded { .. }, None) => Some(401),
        (Access::Guarded { .. }, Some(role)) => (!access.admits(role)).then_some(403),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_reaches_what_it_should_and_nothing_else() {
    let place = Place::new(Stack::Embedded, Bucket::Versioned).await;
    let running = Running::start(&place).await;
    let visitors = visitors(&running).await;
    let routes = routes::all_routes(true);
    let mut table = routes.table().to_vec();
    table.sort_by_key(|route| (route.path, route.method.to_string()));
    let names: Vec<&str> = visitors.iter().map(|visitor| visitor.name.as_str()).collect();
    let mut lines = vec![
        "Who reaches which route; written by the tests. ✓ let in, else the status.\n".to_owned(),
        format!("| route | permission | {} |", names.join(" | ")),
        format!("|---|---|{}", "---|".repeat(names.len())),
    ];
    let mut wrong = Vec::new();
    for route in &table {
        let mut cells = Vec::new();
        for visitor in &visitors {
            let (expected, status) = (refusal(route.access, visitor), status(&running, route, visitor).await);
            let met = Some(status).filter(|status| matches!(status, 401 | 403));
            if met != expected || status >= 500 && route.path != "/readyz" {
                wrong.push(format!("{} {} as {}: {status}, not {expected:?}", route.method, route.path, visitor.name));
            }
            cells.push(met.map_or("✓".to_owned(), |status| status.to_string()));
        }
        let permission = match route.access {
            Access::Open => "(open)",
            Access::Guarded { permission, .. } => permission,
        };
        lines.push(format!("| `{} {}` | {permission} | {} |", route.method, route.path, cells.join(" | ")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    keep(&(lines.join("\n") + "\n"));
}

/// `tests/output` has the table as it is, `role-route.md` beside this file the one that was reviewed.
fn keep(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output/role-route.md");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, table).unwrap();
    assert!(
        table == include_str!("role-route.md"),
        "who may do what has changed: review tests/output/role-route.md, then copy it to tests/it/oversight\n{table}"
    );
}

#[test]
fn every_guarded_route_answers_a_method_that_the_table_tries() {
    let routes = routes::all_routes(true);
    assert!(routes.table().iter().filter(|route| route.access != Access::Open).count() >= 7);
    for route in routes.table() {
        assert!([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&route.method));
        assert_eq!(
            route.access == Access::Open,
            !route.path.starts_with("/v1/") || route.path.starts_with("/v1/ledger/")
        );
    }
}
