//! vCon (IETF draft-ietf-vcon-vcon-core, syntax 0.4.0): a conversation as one JSON document. No I/O.
//!
//! | part | answers for |
//! |---|---|
//! | [`write`](mod@write) | a recording as a vCon, in pieces: texts, and places for contents too large for memory |
//! | [`parties`] | who took part, and where they stand in the document |
//! | [`uuid`] | the document's name: version 8, made of the recording's and the archive's |
//! | [`content_hash`] | `sha512-…` tokens |
//! | [`signers`] | whose signatures count |
//! | [`base64url`] | base64url without padding, in pieces, both ways |

pub mod base64url;
pub mod content_hash;
pub mod parties;
pub mod signers;
pub mod uuid;
pub mod write;

pub use write::{Attached, Piece, Purpose, Recorded, file_name, of};

/// The version of the syntax.
pub const SYNTAX: &str = "0.4.0";
/// The media type that the draft registers.
pub const MEDIA_TYPE: &str = "application/vcon";
/// The media type of its earlier versions, which says that the document is JSON.
pub const MEDIA_TYPE_JSON: &str = "application/vcon+json";
/// What the attachment is for that holds the metadata: the fields of an upload, word for word.
pub const METADATA_PURPOSE: &str = "earwitness-metadata";
