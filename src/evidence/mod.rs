//! Evidence: what leaves the archive for a dispute, so that an outsider can check it without us.
//!
//! | file | what it answers for |
//! |---|---|
//! | [`recipient`] | to whom something is disclosed, and of which kind they are |
//! | [`report`] | the page of a package that anyone can read and print |

pub mod recipient;
pub mod report;
