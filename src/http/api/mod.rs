//! The handlers, one file per subject.

pub mod accounts;
pub mod cases;
pub mod docs;
pub mod evidence;
mod fault;
pub mod health;
pub mod home;
pub mod oversight;
pub mod recordings;
