//! Timestamps (RFC 3161): what an authority outside says that existed at a time that it says.
//!
//! | question | file |
//! |---|---|
//! | what is sent and answered | [`wire`] |
//! | whether a token says what it should | [`token`] |
//! | how an authority is asked | [`authority`] |

pub mod authority;
mod error;
pub mod token;
pub mod wire;

#[cfg(test)]
mod tests;

pub use authority::Authority;
pub use error::TimestampError;
pub use token::Token;
