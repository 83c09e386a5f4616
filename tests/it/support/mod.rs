//! What the integration tests share.

pub mod engines;
pub mod world;
