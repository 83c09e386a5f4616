//! A recording as a vCon, written while it is read: audio and attachments go through in pieces.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA512};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use uuid::Uuid;

use super::deadline::{ByteStream, ending};
use super::related::{RelatedItem, uncut_content};
use super::{FindError, Opened, Reader, audio};
use crate::archive::{Archive, ArchiveError};
use crate::clock::Timestamp;
use crate::vault::objects::RecordingPart;
use crate::vcon::base64url::Encoder;
use crate::vcon::content_hash::sha512_token;
use crate::vcon::jws::{Signer, Signing, end};
use crate::vcon::uuid::uuid_of;
use crate::vcon::{Attached, Piece, Purpose, Recorded, of};

/// What goes into the document beside the recording itself.
#[derive(Debug, Default)]
pub struct Beside {
    /// The receipt, word for word.
    pub receipt: Option<Vec<u8>>,
    /// Related data.
    pub related: Vec<RelatedItem>,
}

/// The content of one place in the document, not opened before its turn comes.
enum Content {
    Stream(ByteStream),
    Related(RelatedItem),
    Whole(Vec<u8>),
}

/// The unsigned document, cut at the recording's deadline. Notes no access: that is done before.
pub async fn document(
    archive: &Arc<Archive>,
    opened: &Opened,
    reader: &Reader,
    beside: Beside,
) -> Result<ByteStream, FindError> {
    let bytes = uncut(archive, opened, beside, None).await?;
    Ok(ending(bytes, archive, opened, reader))
}

/// The signed document, cut at the recording's deadline. Notes no access: that is done before.
pub async fn signed_document(
    archive: &Arc<Archive>,
    opened: &Opened,
    reader: &Reader,
    beside: Beside,
    signer: Signer,
) -> Result<ByteStream, FindError> {
    let bytes = uncut(archive, opened, beside, Some(archive.clock.now())).await?;
    let (signing, begin) = Signing::begin();
    let uuid = uuid_of(opened.row.id, &archive.origin);
    let signed = stream::try_unfold(Some(Signed { bytes, signing, signer, uuid }), Signed::next);
    let signed = stream::once(async { Ok(Bytes::from(begin)) }).chain(signed).boxed();
    Ok(ending(signed, archive, opened, reader))
}

/// A document that is being signed.
struct Signed {
    bytes: ByteStream,
    signing: Signing,
    signer: Signer,
    uuid: Uuid,
}

impl Signed {
    async fn next(signed: Option<Self>) -> io::Result<Option<(Bytes, Option<Self>)>> {
        let Some(mut signed) = signed else { return Ok(None) };
        if let Some(chunk) = signed.bytes.try_next().await? {
            let text = signed.signing.push(&chunk);
            return Ok(Some((text.into(), Some(signed))));
        }
        let Self { signing, signer: Signer { chain, sign }, uuid, .. } = signed;
        let (rest, digest) = signing.finish();
        let signature = sign(digest).await?;
        Ok(Some((format!("{rest}{}", end(&signature, &chain, uuid)?).into(), None)))
    }
}

async fn uncut(
    archive: &Arc<Archive>,
    opened: &Opened,
    beside: Beside,
    signed_at: Option<Timestamp>,
) -> Result<ByteStream, FindError> {
    let row = &opened.row;
    let controller = archive.controller().name;
    let recorded = Recorded {
        id: row.id,
        origin: &archive.origin,
        received_at: row.received_at,
        signed_at,
        metadata: &opened.sealed.metadata,
        facts: &opened.sealed.facts,
        archive: &controller,
    };
    let (attached, mut contents) = attachments(row.received_at, beside);
    let pieces = of(&recorded, &attached).map_err(|_| ArchiveError::Document("vCon"))?;
    // What cannot be opened is an error, as long as nothing has left.
    let original = audio::uncut(archive, opened, RecordingPart::Audio, None).await?;
    contents.push_front(Content::Stream(original));
    let (archive, opened, pieces) = (archive.clone(), opened.clone(), pieces.into());
    let writing = Writing { archive, opened, pieces, contents, hash: None, now: None };
    Ok(stream::try_unfold(writing, Writing::next).boxed())
}

/// The attachments, and their contents behind that of the audio.
fn attachments(received_at: Timestamp, beside: Beside) -> (Vec<Attached>, VecDeque<Content>) {
    let receipt = beside.receipt.map(|receipt| {
        let name = "receipt.json".to_owned();
        let media_type = "application/json".to_owned();
        (Attached { purpose: Purpose::Receipt, name, media_type, at: received_at }, Content::Whole(receipt))
    });
    let related = beside.related.into_iter().map(|item| {
        let (name, media_type) = (item.name.clone(), item.media_type.clone());
        (Attached { purpose: Purpose::Related, name, media_type, at: item.stored_at }, Content::Related(item))
    });
    receipt.into_iter().chain(related).unzip()
}

/// A document on its way.
struct Writing {
    archive: Arc<Archive>,
    opened: Opened,
    pieces: VecDeque<Piece>,
    contents: VecDeque<Content>,
    /// Of the audio, until its token is written.
    hash: Option<Context>,
    now: Option<Body>,
}

/// A content that is being written.
struct Body {
    bytes: ByteStream,
    encoder: Encoder,
    is_audio: bool,
}

impl Writing {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            let text = match self.now.take() {
                Some(body) => self.go_on(body).await?,
                None => match self.pieces.pop_front() {
                    None => return Ok(None),
                    Some(piece) => self.begin(piece).await?,
                },
            };
            if !text.is_empty() {
                return Ok(Some((text.into(), self)));
            }
        }
    }

    async fn go_on(&mut self, mut body: Body) -> io::Result<String> {
        let Some(chunk) = body.bytes.try_next().await? else { return Ok(body.encoder.finish()) };
        if let (true, Some(hash)) = (body.is_audio, &mut self.hash) {
            hash.update(&chunk);
        }
        let text = body.encoder.push(&chunk);
        self.now = Some(body);
        Ok(text)
    }

    async fn begin(&mut self, piece: Piece) -> io::Result<String> {
        match piece {
            Piece::Text(text) => return Ok(text),
            Piece::AudioHash => {
                let hash = self.hash.take().unwrap_or_else(|| Context::new(&SHA512));
                return Ok(sha512_token(&hash.finish()));
            }
            Piece::Content(number) => {
                let is_audio = number == 0;
                if is_audio {
                    self.hash = Some(Context::new(&SHA512));
                }
                let bytes = match self.contents.pop_front() {
                    Some(Content::Stream(bytes)) => bytes,
                    Some(Content::Whole(bytes)) => stream::once(async { Ok(Bytes::from(bytes)) }).boxed(),
                    Some(Content::Related(item)) => {
                        uncut_content(&self.archive, &self.opened, &item).await.map_err(io::Error::other)?
                    }
                    None => return Err(io::Error::other("a document has more contents than it was given")),
                };
                self.now = Some(Body { bytes, encoder: Encoder::default(), is_audio });
            }
        }
        Ok(String::new())
    }
}
