//! What the integration tests share.

pub mod archive;
pub mod backup;
pub mod engines;
pub mod meddling;
pub mod objects;
pub mod opened;
pub mod outsider;
pub mod sounds;
pub mod stack;
pub mod tsa;
pub mod wiretap;
pub mod witness;
pub mod world;
