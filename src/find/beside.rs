//! What an upload brought beside its recording, stored as related data.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::related::{Incoming, RelatedName, find, put};
use super::{FindError, Sight, look_up};
use crate::access::Actor;
use crate::archive::Archive;
use crate::receive::vcon::Attachment;
use crate::recording::RecordingId;

/// The longest media type (RFC 6838 section 4.2 allows 127 characters for each half).
const MAX_MEDIA_TYPE: usize = 255;

/// Whether a text is a media type, with parameters or without.
pub fn is_media_type(text: &str) -> bool {
    let (kind, _) = text.split_once(';').unwrap_or((text, ""));
    let token = |half: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        !half.is_empty() && half.bytes().all(plain)
    };
    let well_formed = kind.trim().split_once('/').is_some_and(|(top, sub)| token(top) && token(sub));
    well_formed && text.len() <= MAX_MEDIA_TYPE && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// Stores the attachments of a vCon. What is there under a name already stays: somebody may have replaced it since the
/// same vCon came first, and whoever got no answer sends it again.
pub async fn keep(
    archive: &Arc<Archive>,
    id: RecordingId,
    actor: &Actor,
    attachments: Vec<Attachment>,
) -> Result<(), FindError> {
    if attachments.is_empty() {
        return Ok(());
    }
    let opened = look_up(archive, id, Sight::ToWrite).await?;
    let mut taken = BTreeSet::new();
    for attachment in attachments {
        let Some(name) = name_of(&attachment, &mut taken) else { continue };
        match find(archive, &opened, &name).await {
            Ok(_) => continue,
            Err(FindError::NotFound) => {}
            Err(error) => return Err(error),
        }
        let Attachment { media_type, content, .. } = attachment;
        let media_type = if is_media_type(&media_type) { media_type } else { "application/octet-stream".to_owned() };
        put(archive, &opened, Incoming { name, media_type, content, actor: actor.clone() }).await?;
    }
    Ok(())
}

/// The name that it brought, if that can be one and no other of the same vCon has it; else one made of its place.
fn name_of(attachment: &Attachment, taken: &mut BTreeSet<String>) -> Option<RelatedName> {
    let place: String = attachment.path.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let own = attachment.filename.clone().into_iter();
    let free = own.chain([format!("vcon-{place}")]).filter(|name| !taken.contains(name));
    let name: RelatedName = free.filter_map(|name| name.parse().ok()).next()?;
    taken.insert(name.as_str().to_owned());
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receive::spool::SpooledAudio;

    fn attachment(filename: Option<&str>, path: &str) -> Attachment {
        let content = SpooledAudio { file: tempfile::tempfile().unwrap(), byte_len: 0, sha256: [0; 32] };
        Attachment { filename: filename.map(str::to_owned), path: path.to_owned(), media_type: String::new(), content }
    }

    #[test]
    fn each_gets_a_name_of_its_own() {
        let mut taken = BTreeSet::new();
        let mut named = |filename, path| name_of(&attachment(filename, path), &mut taken).unwrap().as_str().to_owned();
        assert_eq!(named(Some("note.txt"), "attachments[0]"), "note.txt");
        assert_eq!(named(Some("note.txt"), "attachments[1]"), "vcon-attachments1");
        assert_eq!(named(Some("Call with Jan Jansen.pdf"), "attachments[2]"), "vcon-attachments2");
        assert_eq!(named(None, "analysis[0]"), "vcon-analysis0");
    }

    #[test]
    fn media_types_are_told_from_other_texts() {
        for good in ["text/plain", "text/plain; charset=utf-8", "application/vnd.x+json", "audio/x-wav"] {
            assert!(is_media_type(good), "{good}");
        }
        for bad in
            ["", "text", "text/", "/plain", "text/pl ain/", "text/plain\r\nX: y", "t\u{e9}xt/plain", &"a/".repeat(200)]
        {
            assert!(!is_media_type(bad), "{bad}");
        }
    }
}
