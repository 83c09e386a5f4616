//! After its deadline a recording is unreachable at once, and soon nowhere: its objects and its rows are gone, and not a
//! byte of its number, person, call id, transcript or sound, nor of its sealed objects and keys, is left in anything
//! that the installation keeps.

use std::time::Duration;

use earwitness::catalog::{Catalog, PurgeStage};
use earwitness::recording::RecordingId;
use earwitness::vault::objects::Prefix;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Row};

use crate::support::objects::contents;
use crate::support::stack::Stack;
use crate::support::world::{Server, World, call, five_years_less, tone};

const TRANSCRIPT: &str = "de makelaar belooft een bezichtiging op vrijdagmiddag";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_embedded() {
    nothing_is_left(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_production() {
    nothing_is_left(Stack::Production).await;
}

/// The database, among the places that are looked through.
const POSTGRES: &str = "PostgreSQL";
/// As the binary is started by [`World`].
const SWEEP_INTERVAL: Duration = Duration::from_millis(200);
/// From the first deletion to the last look, on a busy machine.
const PURGE_TAKES: Duration = Duration::from_secs(5);

/// Tables with rows about a recording, and their column with its id.
const TABLES: &[(&str, &str)] = &[
    ("recordings", "id"),
    ("recording_keys", "recording_id"),
    ("lookups", "recording_id"),
    ("calls", "recording_id"),
    ("related", "recording_id"),
    ("ledger_openings", "recording_id"),
    ("access_windows", "recording_id"),
];

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

/// How many rows about this recording each table has.
pub(crate) async fn rows_about(world: &World, id: &str) -> Vec<(&'static str, i64)> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&world.catalog).await.expect("the catalog answers");
    let mut counts = Vec::new();
    for (table, column) in TABLES {
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE {column} = $1"));
        let count = sqlx::query_scalar(count).bind(id).fetch_one(&mut connection).await.expect("a count");
        counts.push((*table, count));
    }
    connection.close().await.expect("the connection closes");
    counts
}

/// The recording's wrapped keys, as the catalog has them.
async fn wrapped_keys(world: &World, id: &str) -> Vec<Vec<u8>> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&world.catalog).await.expect("the catalog answers");
    let keys = sqlx::query_scalar("SELECT wrapped FROM recording_keys WHERE recording_id = $1").bind(id);
    let keys = keys.fetch_all(&mut connection).await.expect("keys");
    connection.close().await.expect("the connection closes");
    keys
}

/// Everything that the installation keeps, by place: its files, and what PostgreSQL has.
pub(crate) async fn everything(world: &World) -> Vec<(String, Vec<u8>)> {
    let files = world.files().into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let mut places: Vec<_> = files.collect();
    if world.stack == Stack::Production {
        places.push((POSTGRES.to_owned(), database_text(&world.catalog).await.into_bytes()));
        for found in world.outsider().await.everything().await {
            places.push((format!("the name of {found}"), found.to_string().into_bytes()));
            places.push((found.to_string(), found.bytes));
        }
    }
    places
}

/// The first place that has these bytes: as they are or, where that is PostgreSQL's text, in hexadecimal digits.
pub(crate) fn place_with<'a>(places: &'a [(String, Vec<u8>)], needle: &[u8]) -> Option<&'a str> {
    let digits = hex::encode(needle);
    let has = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    let mut hits = places
        .iter()
        .filter(|(place, bytes)| has(bytes, needle) || (place == POSTGRES && has(bytes, digits.as_bytes())));
    hits.next().map(|(place, _)| place.as_str())
}

/// The catalog of a server that was stopped knows of the purge only.
async fn only_the_purge_is_known(world: &World, id: &str) {
    let parsed: RecordingId = id.parse().expect("an id");
    let catalog = Catalog::open(&world.catalog).await.expect("the catalog opens");
    assert!(catalog.recording(parsed).await.expect("an answer").is_none());
    assert!(catalog.custody(parsed, 10, 0).await.expect("an answer").is_empty());
    let purge = catalog.purge_of(parsed).await.expect("an answer").expect("a purge");
    assert_eq!(purge.stage, PurgeStage::Certified);
    catalog.close().await;
}

async fn nothing_is_left(stack: Stack) {
    let world = World::new(stack).await;
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
    let objects = world.objects_of(&id).await;
    assert!(objects.len() >= 4, "sidecar, sound, waveform and transcript: {objects:?}");
    if world.stack == Stack::Production {
        let audio = objects.iter().find(|path| path.ends_with("/audio")).expect("the sound");
        assert_eq!(
            world.outsider().await.try_to_delete(audio).await,
            1,
            "the store itself refuses before the deadline"
        );
    }
    let kept = contents(world.store().await, &Prefix::recordings()).await;
    assert_eq!(kept.len(), objects.len());
    let kept = kept.into_iter().map(|(_, bytes)| bytes).collect::<Vec<_>>();
    let mut sealed: Vec<&[u8]> = kept.iter().map(|bytes| &bytes[bytes.len() - 48..]).collect();
    let keys = wrapped_keys(&world, &id).await;
    assert!(!keys.is_empty());
    sealed.extend(keys.iter().map(Vec::as_slice));
    let before = everything(&world).await;
    for needle in &sealed {
        assert!(place_with(&before, needle).is_some(), "what is looked for later is there now");
    }
    for (table, rows) in rows_about(&world, &id).await {
        assert!(rows > 0, "{table} has nothing that could be deleted");
    }

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
    needles.extend(&sealed);
    let after = everything(&world).await;
    assert!(after.iter().any(|(place, _)| place.ends_with("serve.log")), "the log is looked through as well");
    for known in [&id, "acc-1"] {
        assert!(place_with(&after, known.as_bytes()).is_some(), "the search finds what is there: {known}");
    }
    for needle in &needles {
        let left = place_with(&after, needle);
        assert_eq!(left, None, "it still has {:?}", String::from_utf8_lossy(needle));
    }
    assert_eq!(world.objects_of(&id).await, Vec::<String>::new());
    match world.stack {
        Stack::Embedded => {
            for path in objects.iter().map(|path| world.data().join("objects").join(path)) {
                assert!(!path.parent().expect("a folder").exists(), "the folder of {} is left", path.display());
            }
        }
        Stack::Production => {
            let names: Vec<String> =
                world.outsider().await.everything().await.iter().map(ToString::to_string).collect();
            assert!(!names.iter().any(|name| name.contains("/rec/")), "no version, no marker, no upload: {names:?}");
        }
    }
    for (table, rows) in rows_about(&world, &id).await {
        assert_eq!(rows, 0, "{table} still has rows");
    }

    assert!(!String::from_utf8_lossy(&certificate).contains("acc-1"), "no personal data in the certificate");
    let facts: Value = serde_json::from_slice(&certificate).expect("json");
    let at =
        |name: &str| facts[name].as_str().expect("a time").parse::<chrono::DateTime<chrono::Utc>>().expect("a time");
    assert_eq!(at("expires_at"), expires_at);
    let took = (at("looked_again_at") - expires_at).to_std().expect("not before the deadline");
    assert!(took < SWEEP_INTERVAL + PURGE_TAKES, "the last byte went {took:?} after the deadline");
    server.stop().await;
    only_the_purge_is_known(&world, &id).await;
}
