//! `report.html`: the page of an evidence package that anyone can read and print. Pure: data in, text out.
//!
//! The page stands alone: no script, no request, one style that its policy names by digest. What others wrote is shown
//! as text (`plain`), whatever it is.
//!
//! | file | subject |
//! |---|---|
//! | `data` | what a report is made of |
//! | `page` | the page in its parts: what stands around the recordings, and each of them |
//! | `custody`, `format`, `plain` | how it is shown |
//! | `texts/` | every text in each language |

mod custody;
mod data;
mod format;
mod page;
mod plain;
#[cfg(test)]
mod tests;
mod texts;

pub use custody::Custody;
pub use data::{CustodyEntry, Repeat, ReportData, ReportedCheckpoint, ReportedRecording, Seal, Verified};
pub use page::{Frame, frame, render, section};
