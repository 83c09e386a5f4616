//! `/v1/recordings`: one file per endpoint.

pub mod audio;
pub(in crate::http) mod common;
pub mod get;
pub mod list;
pub mod listen;
pub mod post;
pub(super) mod query;
pub mod receipt;
pub mod related;
pub mod search;
mod shapes;
pub mod vcon;
pub mod waveform;

use utoipa::OpenApi;

use crate::audio::Waveform;
use crate::find::related::RelatedItem;
use crate::ledger::receipt::Receipt;
use shapes::{FoundRecordings, Recording};

/// The part of the document that describes [`crate::http::routes::recordings`].
#[derive(OpenApi)]
#[openapi(
    paths(
        post::post, receipt::get, list::list, search::search, get::get, audio::get, listen::get, waveform::json,
        waveform::svg, vcon::get, related::put, related::get
    ),
    components(schemas(Recording, FoundRecordings, Receipt, Waveform, RelatedItem)),
    tags((name = "recordings", description = "Handing recordings over, finding, reading and playing them. From the \
        instant of a recording's deadline on, every call about it answers 410 `expired`; until then answers about it \
        carry the deadline in the header `Sunset` (RFC 8594)."))
)]
pub struct RecordingsApi;
