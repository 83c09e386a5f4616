//! Timestamps by an authority outside (RFC 3161): that something existed at a time, in the word of somebody who is not us.
//!
//! Knows bytes, a clock and HTTP; nothing of the archive.
//!
//! | question | file |
//! |---|---|
//! | how is an authority asked, and is its answer one to this question | [`Authority`] in `authority` |
//! | does a token hold, offline | [`check`] |
//! | by which certificate, and who vouches for it | [`Roots`] in `signer` |
//! | how do request, answer and token look | `asn1` |

mod asn1;
mod authority;
mod check;
mod error;
mod signer;

pub use authority::{Authority, Token};
pub use check::{MAX_BYTES, Stamped, check};
pub use error::TimestampError;
pub use signer::Roots;
