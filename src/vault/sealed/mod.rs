//! Sealed objects in a store: sealed on the way in, opened by range on the way out.

mod object;
mod reader;
mod seal;
#[cfg(test)]
mod tests;

pub use object::{SealedObject, open_range};
pub use reader::SealedReader;
pub use seal::{seal_bytes, seal_reader};
