//! `migrate-catalog`: SQLite to PostgreSQL, and back.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;

use earwitness::catalog::{ColumnKind, NOT_COPIED, TABLES};
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::Row;
use sqlx::any::{AnyPoolOptions, install_default_drivers};

use super::Filled;
use crate::support::engines::{CatalogPlace, Engine};
use crate::support::world::{World, empty_catalog};

/// In the order in which one migration comes to them.
pub(crate) const CATALOG_POINTS: &[&str] =
    &["migrate.table_copied", "migrate.catalog_copied", "migrate.catalog_marked", "migrate.catalog_in_force"];

fn other(engine: Engine) -> Engine {
    match engine {
        Engine::Sqlite => Engine::Postgres,
        Engine::Postgres => Engine::Sqlite,
    }
}

fn refused(world: &World, arguments: &[&str], code: i32) -> String {
    let output = world.run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    errors
}

async fn everything_is_there_afterwards(engine: Engine) {
    let mut filled = Filled::new(engine).await;
    let address = empty_catalog(&filled.world.folder, other(engine)).await;
    let done = filled.world.run_json(&["migrate-catalog", "--to", &address, "--json"]);
    let rows = |name: &str| {
        let tables = done["tables"].as_array().expect("tables");
        tables.iter().find(|table| table["name"] == name).expect("a table")["rows"].as_u64().expect("a count")
    };
    assert_eq!((rows("recordings"), rows("holds"), rows("certificates"), rows("tokens")), (3, 1, 1, 2), "{done}");
    let told = refused(&filled.world, &["serve", "--listen", "127.0.0.1:0"], 2);
    assert!(told.contains("set `catalog`"), "{told}");
    refused(&filled.world, &["token", "list"], 2);
    refused(&filled.world, &["migrate-catalog", "--to", &address], 2);
    filled.world.catalog = address;
    filled.check().await;
    filled.check_the_end().await;
}

async fn it_goes_on_after_dying(engine: Engine) {
    for point in CATALOG_POINTS {
        let mut filled = Filled::new(engine).await;
        let address = empty_catalog(&filled.world.folder, other(engine)).await;
        let arguments = ["migrate-catalog", "--to", &address, "--json"];
        let died = filled.world.run_with(&arguments, &[("EARWITNESS_FAILPOINT", point)]);
        assert_eq!(died.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&died.stderr));
        let is_in_force =
            |url: &str| filled.world.run_with(&["token", "list"], &[("EARWITNESS_CATALOG", url)]).status.success();
        let source = is_in_force(&filled.world.catalog);
        // Nothing at all is in a target that was not committed: asking would make a catalog of it.
        let target = *point != "migrate.table_copied" && is_in_force(&address);
        let expected = match *point {
            "migrate.catalog_in_force" => (false, true),
            "migrate.catalog_marked" => (false, false),
            _ => (true, false),
        };
        assert_eq!((source, target), expected, "{point}: at most one is in force");
        if !target {
            filled.world.run_json(&arguments);
        }
        filled.world.catalog = address;
        filled.check().await;
    }
}

async fn what_is_served_or_not_empty_is_refused(engine: Engine) {
    let filled = Filled::new(engine).await;
    let address = empty_catalog(&filled.world.folder, other(engine)).await;
    let server = filled.world.serve(None).await;
    server.until(&filled.legal, "/v1/ledger/checkpoint", StatusCode::OK).await;
    refused(&filled.world, &["migrate-catalog", "--to", &address], 4);
    server.stop().await;
    let other = Filled::new(other(engine)).await;
    refused(&filled.world, &["migrate-catalog", "--to", &other.world.catalog], 3);
    refused(&filled.world, &["migrate-catalog", "--to", &filled.world.catalog], 2);
    filled.check().await;
    other.check().await;
}

/// A server that was not stopped, as on a node that nobody thought of, keeps nothing where it would be lost.
async fn a_server_that_was_forgotten_takes_in_nothing(engine: Engine) {
    let filled = Filled::new(engine).await;
    let server = filled.world.serve(None).await;
    let catalog = earwitness::catalog::Catalog::open(&filled.world.catalog).await.expect("it opens");
    let mut tx = catalog.begin_alone().await.expect("alone");
    tx.move_pin(earwitness::catalog::pin::MIGRATED_TO, "elsewhere").await.expect("moved");
    tx.commit().await.expect("committed");
    catalog.close().await;
    let metadata = crate::support::world::call("too-late", 10);
    let answer = server.post(&filled.ingest, &metadata, &crate::support::world::tone(5)).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let heard = server.get(&filled.legal, &format!("/v1/recordings/{}/audio", filled.kept.id)).await;
    assert_eq!(heard.status(), StatusCode::SERVICE_UNAVAILABLE, "no access that the new catalog does not know of");
    let ready = server.client.get(format!("{}/readyz", server.base)).send().await.expect("an answer");
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
}

crate::on_both_engines!(
    everything_is_there_afterwards,
    it_goes_on_after_dying,
    what_is_served_or_not_empty_is_refused,
    a_server_that_was_forgotten_takes_in_nothing,
    the_list_of_tables_is_the_schema,
);

/// The real schema: table, then column by column with its type.
async fn schema(engine: Engine, url: &str) -> BTreeMap<String, Vec<(String, String)>> {
    install_default_drivers();
    let statement = match engine {
        Engine::Sqlite => {
            "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c \
            WHERE t.type = 'table' ORDER BY t.name, c.cid"
        }
        Engine::Postgres => {
            "SELECT CAST(c.table_name AS TEXT), CAST(c.column_name AS TEXT), CAST(c.data_type AS TEXT) \
            FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name) \
            WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' \
            ORDER BY c.table_name, c.ordinal_position"
        }
    };
    let pool = AnyPoolOptions::new().max_connections(1).connect(url).await.expect("it connects");
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in sqlx::query(statement).fetch_all(&pool).await.expect("the schema") {
        let column = (row.get::<String, _>(1), row.get::<String, _>(2).to_lowercase());
        tables.entry(row.get(0)).or_default().push(column);
    }
    tables.remove("_sqlx_migrations");
    tables
}

async fn the_list_of_tables_is_the_schema(engine: Engine) {
    let place = CatalogPlace::new(engine).await;
    place.open().await.close().await;
    let mut real = schema(engine, &place.url).await;
    for name in NOT_COPIED {
        assert!(real.remove(*name).is_some(), "{name} is no table");
    }
    let bytes = if engine == Engine::Sqlite { "blob" } else { "bytea" };
    let listed = TABLES.iter().map(|table| {
        let columns = table.columns.iter().map(|(name, kind)| {
            let kind = match kind {
                ColumnKind::Number => "bigint",
                ColumnKind::Text => "text",
                ColumnKind::Bytes => bytes,
            };
            ((*name).to_owned(), kind.to_owned())
        });
        (table.name.to_owned(), columns.collect())
    });
    assert_eq!(real, listed.collect::<BTreeMap<String, Vec<(String, String)>>>());
}

#[test]
fn an_engine_that_is_not_known_is_no_address() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_earwitness"))
        .args(["migrate-catalog", "--to", "mysql://x/y", "--json"])
        .env("EARWITNESS_DATA", folder.path())
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).ok(), None);
}
