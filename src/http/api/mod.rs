//! The handlers, one file per subject.

pub mod cases;
pub mod docs;
mod fault;
pub mod health;
pub mod home;
pub mod oversight;
pub mod recordings;
