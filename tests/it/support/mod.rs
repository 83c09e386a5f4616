//! What the integration tests share.

pub mod archive;
pub mod engines;
pub mod sounds;
pub mod world;
