//! Statements are constants, so that one test can prepare every one of them on every engine.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, Executor, SqlSafeStr};

use super::{Catalog, Result};

/// Declares SQL constants and a list of them all.
macro_rules! statements {
    ($($(#[$meta:meta])* $name:ident = $text:expr;)+) => {
        $($(#[$meta])* const $name: &str = $text;)+
        pub(super) const ALL: &[&str] = &[$($name),+];
    };
}
pub(super) use statements;

/// A statement with its values.
pub(super) type Bound = Query<'static, Any, AnyArguments>;

/// `$1, $2, …`, so many: for lists whose length is known when the question is put.
pub(super) fn marks(count: usize) -> String {
    (1..=count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// Prepares every statement of the catalog on the engine at hand and says how many there were. For tests.
pub async fn prepare_all(catalog: &Catalog) -> Result<usize> {
    let fixed = [
        super::access::ALL,
        super::account_purge::ALL,
        super::accounts::ALL,
        super::brakes::ALL,
        super::calls::ALL,
        super::case_purge::ALL,
        super::cases::ALL,
        super::disclosures::ALL,
        super::erasures::ALL,
        super::guards::ALL,
        super::holdings::ALL,
        super::holds::ALL,
        super::leases::ALL,
        super::lookups::ALL,
        super::persons::ALL,
        super::pins::ALL,
        super::policies::ALL,
        super::pulse::ALL,
        super::purges::ALL,
        super::recordings::ALL,
        super::related::ALL,
        super::releases::ALL,
        super::remains::ALL,
        super::rules::ALL,
        super::secrets::ALL,
        super::statistics::ALL,
        super::tokens::ALL,
        super::totals::ALL,
    ];
    let mut count = 0;
    let mut connection = catalog.pool.acquire().await?;
    for statement in fixed.iter().chain(super::ledger::ALL).copied().flatten() {
        connection.prepare((*statement).into_sql_str()).await?;
        count += 1;
    }
    let lists = [1, 3].map(|count| [super::erasures::of_calls(count), super::accounts::families(count)]);
    let composed = super::search::every_statement().into_iter().chain(super::copy::every_statement());
    for statement in composed.chain(lists.into_iter().flatten()) {
        connection.prepare(sqlx::AssertSqlSafe(statement).into_sql_str()).await?;
        count += 1;
    }
    Ok(count)
}
