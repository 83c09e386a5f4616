//! Oversight: quarantine, custody, retention, purge runs, and the ledger for witnesses.
//!
//! | file | call |
//! |---|---|
//! | `quarantine`, `decide` | what waits for a decision, and the decision |
//! | `custody` | what happened to a recording, with proofs |
//! | `report`, `upcoming`, `certificate`, `processing`, `statistics` | retention |
//! | `purge_runs` | a dry run, a real one, releasing the brakes |
//! | `checkpoint`, `timestamp`, `tile`, `key` | the ledger, open to all |
//! | `failed`, `page` | what stands in the way as a problem; how long a page is |
//!
//! Looking a recording up and noting the access is the same as for every other read: `recordings::common`.

pub mod certificate;
pub mod checkpoint;
pub mod custody;
pub mod decide;
pub mod key;
pub(super) mod page;
pub mod processing;
pub mod purge_runs;
pub mod quarantine;
pub mod report;
pub mod statistics;
pub mod tile;
pub mod timestamp;
pub mod upcoming;

use utoipa::OpenApi;

use crate::find::FindError;
use crate::http::Problem;

/// The part of the document that describes [`crate::http::routes::oversight`].
#[derive(OpenApi)]
#[openapi(
    paths(
        quarantine::list,
        decide::decide,
        custody::custody,
        report::report,
        processing::processing,
        statistics::statistics,
        upcoming::upcoming,
        certificate::certificate,
        purge_runs::run,
        checkpoint::checkpoint,
        timestamp::checkpoint_at,
        timestamp::timestamp,
        tile::tile,
        key::key,
    ),
    tags(
        (name = "quarantine", description = "Recordings that failed a check and wait for a decision"),
        (name = "custody", description = "What happened to a recording, provably"),
        (name = "retention", description = "What is kept until when, what is due, and what is gone"),
        (name = "ledger", description = "The ledger's tree (C2SP tlog-tiles), open to witnesses"),
    )
)]
pub struct OversightApi;

/// What stands in the way as a problem, whichever part of the archive it comes from.
fn failed(error: impl Into<FindError>) -> Problem {
    error.into().into()
}
