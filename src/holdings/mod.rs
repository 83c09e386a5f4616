//! What is held, on what ground, until when: the record of processing activities (GDPR article 30), in figures of now.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`category`] | what kinds of data there are, on what ground, by which rule: pure |
//! | [`gather`](mod@gather) | how much of each there is, and until when |
//! | [`texts`] | what that means for people, in four languages |
//! | [`page`](mod@page) | the record as a page that can be read and printed |

pub mod category;
pub mod gather;
pub mod page;
pub mod texts;

pub use category::{Category, Ground, Until};
pub use gather::{Holding, gather};
