//! GET …/revisions/{revision_id}/original

use std::io::Read as _;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use base::{DocumentId, RevisionId};
use knowledge::Original;
use policy::documents;
use seal::EncryptedCursor;

use crate::call::Authorized;
use crate::input::Id;
use crate::output::{Media, Raw, streamed};
use crate::problem::Problem;

/// Bytes that are decrypted and sent at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// A file of any of the formats that are read.
pub(super) struct OriginalFile;

impl Media for OriginalFile {
    const TYPE: &'static str = "*/*";
    const DESCRIPTION: &'static str = "The file, with the media type found by its content";
}

pub(super) async fn original_get(
    call: Authorized<documents::Read>,
    (Id(document), Id(revision)): (Id<DocumentId>, Id<RevisionId>),
) -> Result<Raw<OriginalFile>, Problem> {
    let original = knowledge::original_open(call.permit()?, document, revision).await?;
    let internal = |e: header::InvalidHeaderValue| Problem::new("internal_error").with_cause(e);
    let media_type = original.media_type;
    let size_bytes = original.reader.len();
    let disposition = attachment(&original.revision.file_name);
    let tag = format!("\"{}\"", hex::encode(&original.revision.sha256[..16]));
    let mut response = Response::new(body_of(original));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(size_bytes));
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_str(&disposition).map_err(internal)?,
    );
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).map_err(internal)?);
    Ok(Raw::of(response))
}

/// Decrypts piece by piece, each on a thread that may block and only when it is wanted: a reader
/// that stands still holds none.
fn body_of(original: Original) -> Body {
    let cursor = EncryptedCursor::new(original.reader);
    let pieces = futures_util::stream::unfold(Some(cursor), |cursor| async {
        let mut cursor = cursor?;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE_BYTES];
            let count = cursor.read(&mut piece)?;
            piece.truncate(count);
            Ok((piece, cursor))
        });
        match read.await.unwrap_or_else(|panic| Err(std::io::Error::other(panic))) {
            Ok((piece, _)) if piece.is_empty() => None,
            Ok((piece, cursor)) => Some((Ok(Bytes::from(piece)), Some(cursor))),
            Err(error) => {
                tracing::error!(%error, "an original file could not be read to its end");
                Some((Err(error), None))
            }
        }
    });
    streamed(pieces)
}

/// RFC 6266 with RFC 8187: never shown in the page, whatever is in the file.
fn attachment(file_name: &str) -> String {
    let plain: String = file_name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_cannot_leave_their_quotes() {
        assert_eq!(
            attachment("Prüf\"; x=\r\n.pdf"),
            "attachment; filename=\"Pr_f__ x___.pdf\"; \
             filename*=UTF-8''Pr%C3%BCf%22%3B%20x%3D%0D%0A.pdf"
        );
    }
}
