//! `/v1/cases`: cases, what they hold, and how that ends.
//!
//! | file | call |
//! |---|---|
//! | `list` | opening a case, listing them |
//! | `one` | one case, and changing it |
//! | `note`, `close` | a note on it, its end |
//! | `holds` | holding recordings for it, and what it holds |
//! | `release` | asking for a release, and deciding on one |
//! | `shapes` | cases as clients see them |

pub mod close;
pub mod holds;
pub mod list;
pub mod note;
pub mod one;
pub mod release;
mod shapes;

use utoipa::OpenApi;

use crate::hold::HoldError;
use crate::http::{Code, Problem};
use crate::receive::metadata::FieldProblem;
use shapes::{CasePage, CaseShown, NoteShown};

/// The part of the document that describes [`crate::http::routes::legal`].
#[derive(OpenApi)]
#[openapi(
    paths(
        list::open, list::list, one::get, one::change, note::add, holds::place, holds::list, release::ask,
        release::decide, close::close
    ),
    components(schemas(CaseShown, CasePage, NoteShown)),
    tags((name = "cases", description = "Disputes: in whose name recordings are held beyond their deadline, and how that ends"))
)]
pub struct CasesApi;

/// Carries something through, whether or not the client waits for it: a change must not be left half-way.
async fn to_its_end<T, F>(work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, HoldError>> + Send + 'static,
{
    Ok(tokio::spawn(work).await.map_err(|error| Problem::internal(&error))??)
}

/// An error when anything is wrong with the body.
fn check(problems: Vec<FieldProblem>) -> Result<(), Problem> {
    if problems.is_empty() { Ok(()) } else { Err(Problem::fields(Code::InvalidBody, problems)) }
}
