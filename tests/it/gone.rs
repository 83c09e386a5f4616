//! After its deadline a recording is unreachable at once, and soon nowhere: not a byte of its number, person, call id,
//! transcript or sound is left in anything that the installation keeps.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection, Row};

use crate::support::engines::Engine;
use crate::support::world::{Server, World, call, five_years_less, tone};

const TRANSCRIPT: &str = "de makelaar belooft een bezichtiging op vrijdagmiddag";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    nothing_is_left(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    nothing_is_left(Engine::Postgres).await;
}

async fn use_it(server: &Server, id: &str, legal: &str, rep: &str) {
    let put = server.client.put(format!("{}/v1/recordings/{id}/related/transcript", server.base));
    let put = put.bearer_auth(legal).header("Content-Type", "text/plain").body(TRANSCRIPT);
    assert!(put.send().await.expect("an answer").status().is_success());
    for path in ["", "/audio", "/listen", "/waveform", "/waveform.svg", "/custody", "/related/transcript"] {
        let answer = server.get(legal, &format!("/v1/recordings/{id}{path}")).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.bytes().await.expect("a body");
    }
    let search = server.client.post(format!("{}/v1/recordings/search", server.base)).bearer_auth(rep);
    let found: Value =
        search.json(&json!({"number": "+32470001122"})).send().await.expect("an answer").json().await.expect("json");
    assert_eq!(found["recordings"].as_array().map(Vec::len), Some(1), "{found}");
}

/// Everything that PostgreSQL has in this database, as text.
async fn database_text(url: &str) -> String {
    let mut connection = sqlx::postgres::PgConnection::connect(url).await.expect("PostgreSQL answers");
    let tables = sqlx::query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    let mut text = String::new();
    for table in tables.fetch_all(&mut connection).await.expect("tables") {
        let name: String = table.get("tablename");
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT CAST(t AS TEXT) AS line FROM {name} t")));
        for row in rows.fetch_all(&mut connection).await.expect("rows") {
            text.push_str(&row.get::<String, _>("line"));
            text.push('\n');
        }
    }
    text
}

async fn nothing_is_left(engine: Engine) {
    let world = World::new(engine).await;
    let (ingest, legal) = (world.token("ingest"), world.token("legal"));
    let rep = world.run_json(&["token", "create", "--role", "rep", "--name", "rep", "--account", "acc-1", "--json"]);
    let rep = rep["token"].as_str().expect("a token").to_owned();
    let server = world.serve(None).await;
    let audio = tone(5);
    // Long enough for all of the reads before the deadline on a busy machine.
    let left_s = 20;
    let posted =
        server.post(&ingest, &call("call-4711-secret", five_years_less(left_s)), &audio).await.expect("an answer");
    assert_eq!(posted.status(), StatusCode::CREATED);
    let receipt: Value = posted.json().await.expect("a receipt");
    let id = receipt["id"].as_str().expect("an id").to_owned();
    let expires_at: chrono::DateTime<chrono::Utc> =
        receipt["expires_at"].as_str().expect("a deadline").parse().expect("a time");
    use_it(&server, &id, &legal, &rep).await;

    #[expect(clippy::disallowed_methods, reason = "a test of the real process lives in the machine's time")]
    let left = (expires_at - chrono::Utc::now()).to_std().unwrap_or(Duration::ZERO);
    tokio::time::sleep(left).await;
    for path in ["", "/audio", "/listen", "/waveform", "/related/transcript"] {
        let answer = server.get(&legal, &format!("/v1/recordings/{id}{path}")).await;
        assert_eq!(answer.status(), StatusCode::GONE, "{path} at its deadline");
    }
    let certificate = format!("/v1/retention/certificates/{id}");
    let certificate = server.until(&legal, &certificate, StatusCode::OK).await.bytes().await.expect("a certificate");
    let file = world.folder.path().join("certificate.json");
    std::fs::write(&file, &certificate).expect("a file");
    let verified = world.run(&["verify", &file.display().to_string()]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    let pieces: Vec<&[u8]> = audio[44..].chunks(4_000).map(|chunk| &chunk[..64]).collect();
    let words = [
        "+32470001122",
        "32470001122",
        "Jantje Zonderland",
        "pers-77",
        "call-4711-secret",
        "agent-ann",
        "lead-9",
        "list-5",
        TRANSCRIPT,
    ];
    let mut needles: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    needles.extend(pieces);
    let found = |place: &str, bytes: &[u8]| {
        for needle in &needles {
            let hit = bytes.windows(needle.len()).any(|window| window == *needle);
            assert!(!hit, "{place} still has {:?}", String::from_utf8_lossy(needle));
        }
    };
    let files = world.files();
    assert!(files.iter().any(|(path, _)| path.ends_with("serve.log")), "the log is looked through as well");
    for (path, bytes) in &files {
        found(&path.display().to_string(), bytes);
    }
    if engine == Engine::Postgres {
        let text = database_text(&world.catalog).await;
        assert!(text.contains(&id), "the certificate's row is there");
        found("PostgreSQL", text.as_bytes());
        for needle in &needles {
            assert!(!text.contains(&hex::encode(needle)), "PostgreSQL still has it in a byte column");
        }
    }
    assert!(!String::from_utf8_lossy(&certificate).contains("acc-1"), "no personal data in the certificate");
    server.stop().await;
}
