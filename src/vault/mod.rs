//! Sealing, keys and objects: how a recording is kept so that it can be read, proved, and erased.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`stream`] | the sealed form of large objects (Tink's AES256-GCM-HKDF streaming format); pure |
//! | [`small`] | the sealed form of small things: rows, wrapped keys; pure |
//! | [`secrets`] | which key is derived from which, and the look-up MACs; pure |
//! | [`keys`] | the key provider: keys by name, outside catalog and store, that can be destroyed |
//! | [`keyring`] | secrets by name: made once, kept wrapped in two places, unwrapped for a bounded time |
//! | [`objects`] | the object store: one contract, the disk backend |
//! | [`sealed`] | sealed objects in a store: read by range, sealed on the way in |

mod error;
mod files;
mod key32;
pub mod keyring;
pub mod keys;
pub mod objects;
pub mod sealed;
pub mod secrets;
pub mod small;
pub mod stream;

pub use error::{SealError, VaultError};
pub use key32::Key32;
