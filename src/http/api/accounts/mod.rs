//! `/v1/accounts`: the product's accounts, mirrored, and their life.
//!
//! | file | call |
//! |---|---|
//! | `list` | a page of accounts |
//! | `one` | what the product says of one, and reading it |
//! | `life` | closing, opening again, the end of the relation |
//! | `person` | somebody leaves |
//! | `merge` | two accounts become one |
//! | `shapes` | accounts as clients see them |

pub mod life;
pub mod list;
pub mod merge;
pub mod one;
pub mod person;
mod shapes;

use utoipa::OpenApi;

use crate::account::AccountError;
use crate::http::{Code, Problem};
use crate::receive::metadata::FieldProblem;
use shapes::{AccountPage, AccountShown};

/// The part of the document that describes [`crate::http::routes::accounts`].
#[derive(OpenApi)]
#[openapi(
    paths(list::list, one::put, one::get, life::close, life::reopen, life::end_relation, person::left, merge::merge),
    components(schemas(AccountShown, AccountPage)),
    tags((name = "accounts", description = "The product's accounts, mirrored: who they are, and until when that is kept"))
)]
pub struct AccountsApi;

/// Carries something through, whether or not the client waits for it: a change must not be left half-way.
async fn to_its_end<T, F>(work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, AccountError>> + Send + 'static,
{
    Ok(tokio::spawn(work).await.map_err(|error| Problem::internal(&error))??)
}

/// An error when anything is wrong with the body, or with what the path names.
fn check(problems: Vec<FieldProblem>) -> Result<(), Problem> {
    if problems.is_empty() { Ok(()) } else { Err(Problem::fields(Code::InvalidBody, problems)) }
}
