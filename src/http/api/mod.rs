//! The handlers, one file per subject.

pub mod docs;
pub mod health;
pub mod home;
pub mod oversight;
