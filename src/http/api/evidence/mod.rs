//! Evidence: packages, and the register of what went to whom.
//!
//! | file | call |
//! |---|---|
//! | `package` | a package, streamed as it is made |
//! | `register` | the register of disclosures, as JSON and as a table |

pub mod package;
pub mod register;

use utoipa::OpenApi;

/// The part of the document that describes the evidence of [`crate::http::routes::legal`].
#[derive(OpenApi)]
#[openapi(
    paths(package::make, register::list),
    tags((name = "evidence", description = "Packages that an outsider can check, and the register of what went to whom"))
)]
pub struct EvidenceApi;
