//! Growing: the objects into another store, the rows into another catalog, the secrets under other keys.
//!
//! What must hold here: the old place is the archive's until the new one is whole and was read back; from one committed
//! transaction on the new one is, and no process that still has the old one writes anything (see
//! [`crate::catalog::pin`]); what was purged meanwhile is not in the new one; and whatever is broken off is done by
//! running it again. The old place is left as it is, for the operator to destroy.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`store`] | `migrate-store`: every object, a first pass while the archive is served, a last one while it is not |
//! | [`catalog`] | `migrate-catalog`: every row, in one transaction |
//! | [`keys`] | `migrate-keys`: every secret, in one transaction |
//! | `alone` | that nothing is served |

mod alone;
pub mod catalog;
mod error;
pub mod keys;
pub mod store;

pub use error::MigrateError;
