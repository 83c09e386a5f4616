//! PostgreSQL over TLS: only with a server that one's own authority vouches for.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use uuid::Uuid;

use crate::support::engines::Engine;
use crate::support::world::World;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests through ./test"))
}

#[tokio::test]
async fn the_server_has_to_be_vouched_for() {
    let (server, ca) = (variable("EARWITNESS_TEST_POSTGRES_TLS"), variable("EARWITNESS_TEST_POSTGRES_CA"));
    let other = ca.replace("ca.pem", "other-ca.pem");
    let mut world = World::small_with(Engine::Postgres).await;
    let asked = |mode: &str| format!("{server}?sslmode={mode}");
    for (address, code, told) in [
        // What PostgreSQL says when its pg_hba.conf has no line for a connection in the clear.
        (asked("disable"), 1, "28000"),
        (asked("verify-full"), 4, "UnknownIssuer"),
        (format!("{}&sslrootcert={other}", asked("verify-full")), 4, "UnknownIssuer"),
        (format!("{}&sslrootcert={other}", asked("verify-ca")), 4, "UnknownIssuer"),
        (format!("{}&sslrootcert=/nowhere.pem", asked("verify-full")), 4, "No such file"),
    ] {
        world.catalog = address;
        let refused = world.run(&["token", "create", "--role", "legal", "--name", "me"]);
        let text = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(code), "{}: {text}", world.catalog);
        assert!(text.contains(told), "{}: {text}", world.catalog);
    }
    let (good, own) = (format!("{}&sslrootcert={ca}", asked("verify-full")), format!("t{}", Uuid::new_v4().simple()));
    let mut connection = PgConnection::connect(&good).await.expect("PostgreSQL answers");
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {own}"))).await.expect("a database of one's own");
    connection.close().await.expect("the connection closes");
    world.catalog = good.replace("/postgres?", &format!("/{own}?"));
    world.token("legal");
}
