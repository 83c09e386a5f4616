//! Taking a recording in: what the product says about it, and its bytes on their way to being sealed.

pub mod bulk;
mod fields;
pub mod manifest;
pub mod metadata;
pub mod spool;
pub mod vcon;

mod claim;
mod commit;
mod error;
mod pipeline;
pub mod settle;
mod store;

pub use error::ReceiveError;
pub use pipeline::{Outcome, Received, Submission, receive, receive_found};
