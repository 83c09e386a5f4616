//! Finding, reading and hearing what is archived: who sees what, until when, and noted before the first byte leaves.
//!
//! | file | what it answers for |
//! |---|---|
//! | `question` | what can be asked for, and the rules for it |
//! | `filter` | the question in terms of the catalog: keyed hashes under every live month, the caller's scope |
//! | `scope` | what a caller sees, as the accounts are now |
//! | `search` | a page of recordings |
//! | `look_up` | one recording: found, not theirs, or gone |
//! | `access` | the ledger's entry about an access |
//! | `audio`, `deadline`, `fence` | the original, the listening copy, the waveform; cut at the deadline, with the last hold, or at an erasure |
//! | `related` | transcripts, notes and the like |
//! | `beside` | what a vCon brought beside its recording |
//! | `vcon` | all of that as one document, written while it is read |

pub mod access;
pub mod audio;
pub mod beside;
mod deadline;
mod error;
mod fence;
mod filter;
pub mod look_up;
pub mod question;
pub mod related;
mod scope;
pub mod search;
pub mod vcon;

pub use deadline::{ByteStream, ending};
pub use error::FindError;
pub use look_up::{Opened, Sight, look_up};
pub use question::Question;
pub use search::{FoundPage, PageAsked, find_all, search};

use crate::access::{Actor, Caller, Purpose, View};

/// Somebody who reads: what they see, and how they stand in the ledger.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Who.
    pub actor: Actor,
    /// What they see.
    pub view: View,
    /// Why, as they say.
    pub purpose: Option<String>,
}

impl Reader {
    /// A caller with the purpose that they stated, if any.
    pub fn new(caller: &Caller, purpose: Option<&Purpose>) -> Self {
        Self { actor: caller.actor(), view: caller.view(), purpose: purpose.map(|p| p.as_str().to_owned()) }
    }
}
