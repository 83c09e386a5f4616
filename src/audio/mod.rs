//! Audio: is it whole, what is it, what does it look like, and how does a browser play it.
//!
//! Depends on bytes only: no clock, no catalog, no network. [`sniff`] recognises a form in its first bytes; [`inspect`]
//! decodes all of a recording and says what it found; [`Supervisor`] does that in a child process with limits, which is how
//! untrusted files are to be checked; [`Waveform`] and [`svg`] picture it; [`WavStream`] makes the copy that browsers play.
//!
//! | file | subject |
//! |---|---|
//! | `sniff`, `open`, `opened`, `container/` | forms: recognising them, their structure, whether all of it is there |
//! | `codec/` | decoders that symphonia lacks |
//! | `decode`, `levels`, `inspect`, `facts` | decoding everything, measuring, judging |
//! | `waveform`, `svg`, `listen` | what people see and hear |
//! | `worker` | the child process |

mod codec;
mod container;
mod decode;
mod facts;
mod inspect;
mod kinds;
mod levels;
mod listen;
mod open;
mod opened;
mod sniff;
mod source;
mod svg;
mod waveform;
pub mod worker;

pub use facts::{ChannelLevels, FLOOR_DBFS, Facts, Finding, FindingCode, Inspection, Severity};
pub use inspect::{Expectations, Limits, Refusal, inspect};
pub use kinds::{Codec, Container};
pub use listen::{WavStream, wav_header, wav_len};
pub use sniff::{SNIFF_BYTES, sniff};
pub use source::Source;
pub use svg::{svg, svg_named};
pub use waveform::{MAX_POINTS, Waveform};
pub use worker::{Supervisor, WorkerError, WorkerLimits};
