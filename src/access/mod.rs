//! Who may do what: roles, tokens, what part of the archive a caller sees, and why they look. No SQL and no HTTP here.

pub mod authenticate;
pub mod caller;
pub mod owner;
pub mod purpose;
pub mod role;
pub mod scope;
pub mod token;

pub use authenticate::{Authenticator, AuthenticatorError, StoredToken};
pub use caller::{Actor, Caller};
pub use purpose::{BadPurpose, Purpose};
pub use role::{Role, RoleSet};
pub use scope::{Scope, View};
pub use token::{BadToken, Token};
