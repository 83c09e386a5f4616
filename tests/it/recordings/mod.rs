//! Recordings over HTTP, on both catalogs.

mod deadline;
mod finding;
mod handing_over;
pub(crate) mod overtaken;
mod reading;
mod related;
