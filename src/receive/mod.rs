//! Taking a recording in: what the product says about it, and its bytes on their way to being sealed.

mod fields;
pub mod metadata;
pub mod spool;
