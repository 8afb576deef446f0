//! The multipart form of an upload (RFC 7578).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, ready};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Request};
use axum::http::{HeaderValue, header};
use base::{Classification, ExportControl, Timestamp};
use futures_util::stream::{self, Stream};
use http_body_util::{BodyExt as _, Limited};
use knowledge::NewRevision;
use serde_json::{Map, Value};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Required};

use crate::call::Call;
use crate::endpoint::{Input, Signature};
use crate::input::{body_problem, is_caused_by};
use crate::problem::Problem;

const MEDIA_TYPE: &str = "multipart/form-data";

/// Largest text field, in bytes.
const FIELD_MAX_BYTES: usize = 64 * 1024;

/// Most parts of a form.
const PARTS_MAX: usize = 32;

/// Most bytes that are taken from the network while the head of one part is looked for. Reading is
/// by whole frames, so a head itself may be far smaller.
const PART_HEAD_MAX_BYTES: usize = 1024 * 1024;

/// A form that is being read.
pub(super) struct UploadForm {
    parts: Multipart,
    seen: usize,
    max_bytes: u64,
    /// What may still be taken before the next part must have begun.
    head_left: Arc<AtomicUsize>,
}

impl Input for UploadForm {
    fn describe(signature: &mut Signature) {
        signature.request_media_type = Some(MEDIA_TYPE);
        let content = ContentBuilder::new().schema(Some(schema())).build();
        signature.request_body = Some(
            RequestBodyBuilder::new()
                .content(MEDIA_TYPE, content)
                .required(Some(Required::True))
                .build(),
        );
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        let max_bytes = call.head.rate.body_max_bytes();
        let body = call.take_body()?;
        Self::open(body, call.head.parts.headers.get(header::CONTENT_TYPE), max_bytes).await
    }
}

impl UploadForm {
    /// The form that `body` of this media type is; nothing of it has been read yet.
    async fn open(body: Body, kind: Option<&HeaderValue>, max_bytes: u64) -> Result<Self, Problem> {
        let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let head_left = Arc::new(AtomicUsize::new(PART_HEAD_MAX_BYTES));
        let body = Limited::new(body, limit);
        let body = Body::from_stream(paced(body, Arc::clone(&head_left)));
        let mut request = Request::new(body);
        if let Some(kind) = kind {
            request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
        }
        // The limit above counts; the library's own is for forms that are read whole.
        DefaultBodyLimit::disable().apply(&mut request);
        let parts = Multipart::from_request(request, &()).await.map_err(|_| {
            Problem::new("unsupported_media_type")
                .with_detail("Send a body of type multipart/form-data with a boundary.")
        })?;
        Ok(Self { parts, seen: 0, max_bytes, head_left })
    }

    /// The next part.
    pub(super) async fn next(&mut self) -> Result<Option<Field<'_>>, Problem> {
        self.seen += 1;
        if self.seen > PARTS_MAX + 1 {
            return Err(Problem::new("malformed_request")
                .with_detail(format!("A form has at most {PARTS_MAX} parts.")));
        }
        let max_bytes = self.max_bytes;
        self.head_left.store(PART_HEAD_MAX_BYTES, Ordering::Relaxed);
        let next = self.parts.next_field().await;
        // What is in a part is counted by whoever reads it.
        self.head_left.store(usize::MAX, Ordering::Relaxed);
        next.map_err(|error| {
            if is_caused_by::<EndlessHead>(&error) {
                let detail = "The head of a part of the form has no end.";
                return Problem::new("malformed_request").with_detail(detail);
            }
            body_problem(&error, max_bytes)
        })
    }

    /// The limit of the whole form.
    pub(super) const fn max_bytes(&self) -> u64 {
        self.max_bytes
    }
}

/// More was sent than any head of a part has.
#[derive(Debug, thiserror::Error)]
#[error("the head of a part does not end")]
struct EndlessHead;

/// The frames of a body, at most one each time it is asked: the form reader takes all that is
/// there into its memory before it looks at it. Ends with an error when `head_left` is used up.
fn paced(
    body: Limited<Body>,
    head_left: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, BoxError>> {
    let mut frames = Box::pin(body.into_data_stream());
    let mut rests = false;
    stream::poll_fn(move |cx| {
        if std::mem::replace(&mut rests, false) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let frame = ready!(frames.as_mut().poll_next(cx));
        rests = true;
        let Some(Ok(bytes)) = frame else { return Poll::Ready(frame) };
        let left = head_left.load(Ordering::Relaxed);
        let Some(rest) = left.checked_sub(bytes.len()) else {
            return Poll::Ready(Some(Err(EndlessHead.into())));
        };
        if left != usize::MAX {
            head_left.store(rest, Ordering::Relaxed);
        }
        Poll::Ready(Some(Ok(bytes)))
    })
}

/// The text of a field.
pub(super) async fn text_of(name: &str, mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(piece) =
        field.chunk().await.map_err(|error| body_problem(&error, FIELD_MAX_BYTES as u64))?
    {
        if bytes.len() + piece.len() > FIELD_MAX_BYTES {
            let reason = format!("must have at most {FIELD_MAX_BYTES} bytes");
            return Err(Problem::invalid(name, reason));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Problem::invalid(name, "must be UTF-8"))
}

/// The text fields of an upload, as they came.
#[derive(Default)]
pub(super) struct UploadFields {
    given: Vec<(String, String)>,
}

const FIELDS: [&str; 10] = [
    "classification",
    "effective_from",
    "effective_to",
    "export_control",
    "key",
    "language",
    "metadata",
    "tags",
    "title",
    "file",
];

impl UploadFields {
    /// Takes a field; `tags` may come more than once.
    pub(super) fn take(&mut self, name: &str, text: String) -> Result<(), Problem> {
        if !FIELDS.contains(&name) {
            let known = FIELDS.join(", ");
            return Err(Problem::invalid(
                name,
                format!("is no field of an upload; fields: {known}"),
            ));
        }
        if name != "tags" && self.given.iter().any(|(given, _)| given == name) {
            return Err(Problem::invalid(name, "is given twice"));
        }
        self.given.push((name.to_owned(), text));
        Ok(())
    }

    /// The fields, for the hash of the request.
    pub(super) fn given(&self) -> &[(String, String)] {
        &self.given
    }

    /// What the fields say; an empty one counts as left out.
    pub(super) fn into_revision(
        self,
        file_name: String,
        default: Classification,
    ) -> Result<NewRevision, Problem> {
        let text = |name: &str| {
            let found = self.given.iter().find(|(given, _)| given == name);
            found.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
        };
        let moment = |name: &str| {
            let read = text(name).map(Timestamp::parse).transpose();
            read.map_err(|error| Problem::invalid(name, format!("is {error}")))
        };
        let tags = self.given.iter().filter(|(name, _)| name == "tags");
        let tags = tags.flat_map(|(_, text)| text.split(',')).map(str::trim);
        Ok(NewRevision {
            key: text("key").map(str::to_owned),
            title: text("title").map(str::to_owned),
            file_name,
            classification: match text("classification") {
                None => default,
                Some(word) => word.parse().map_err(|e: base::LabelError| {
                    Problem::invalid("classification", e.to_string())
                })?,
            },
            export_control: match text("export_control") {
                None => ExportControl::None,
                Some(word) => word.parse().map_err(|e: base::LabelError| {
                    Problem::invalid("export_control", e.to_string())
                })?,
            },
            language: text("language").map(str::to_owned),
            tags: tags.filter(|tag| !tag.is_empty()).map(str::to_owned).collect(),
            metadata: text("metadata").map_or_else(|| Ok(Map::new()), metadata)?,
            effective_from: moment("effective_from")?,
            effective_to: moment("effective_to")?,
        })
    }
}

fn metadata(text: &str) -> Result<Map<String, Value>, Problem> {
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Problem::invalid("metadata", "must be a JSON object")),
        Err(error) => Err(Problem::invalid("metadata", format!("must be a JSON object: {error}"))),
    }
}

fn schema() -> Object {
    let text = |description: &str| {
        ObjectBuilder::new().schema_type(Type::String).description(Some(description.to_owned()))
    };
    let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
    ObjectBuilder::new()
        .property("file", text("PDF, DOCX, Markdown or text; told by content").format(Some(binary)))
        .property("classification", text("PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED"))
        .property("metadata", text("A JSON object as text"))
        .property(
            "key",
            text("What the plant calls the document; a known key makes a new revision"),
        )
        .property("title", text("Title; taken from the document when left out"))
        .property("effective_from", text("From when on it counts (RFC 3339)"))
        .property("effective_to", text("Until when it counts (RFC 3339)"))
        .property("export_control", text("`none` or `controlled`"))
        .property("tags", text("Separated by commas"))
        .property("language", text("Language tag (BCP 47); detected when left out"))
        .required("file")
        .build()
}

/// Reads a form as an upload does, without keeping its file, for `crate::fuzzing`.
#[cfg(any(test, fuzzing))]
pub(crate) async fn read_form(
    body: Body,
    kind: Option<&HeaderValue>,
    max_bytes: u64,
) -> Result<NewRevision, Problem> {
    let mut form = UploadForm::open(body, kind, max_bytes).await?;
    let mut fields = UploadFields::default();
    let mut file_name = None;
    while let Some(mut part) = form.next().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            file_name = part.file_name().map(str::to_owned);
            while part.chunk().await.map_err(|error| body_problem(&error, max_bytes))?.is_some() {}
        } else {
            let text = text_of(&name, part).await?;
            fields.take(&name, text)?;
        }
    }
    let file_name = file_name.ok_or_else(|| Problem::invalid("file", "is missing"))?;
    fields.into_revision(file_name, Classification::Internal)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn revision(fields: &[(&str, &str)]) -> Result<NewRevision, Problem> {
        let mut taken = UploadFields::default();
        for (name, text) in fields {
            taken.take(name, (*text).to_owned())?;
        }
        taken.into_revision("manual.pdf".into(), Classification::Internal)
    }

    #[test]
    fn fields_become_a_revision() {
        let fields = [
            ("classification", "confidential"),
            ("tags", "pump, torque,,"),
            ("tags", "p-101"),
            ("metadata", r#"{"line":4}"#),
            ("effective_from", "2026-03-01"),
            ("key", " "),
        ];
        let new = revision(&fields).unwrap();
        assert_eq!(new.classification, Classification::Confidential);
        assert_eq!(new.tags, ["pump", "torque", "p-101"]);
        assert_eq!(new.metadata["line"], 4);
        assert_eq!(new.effective_from.unwrap().to_string(), "2026-03-01T00:00:00.000Z");
        assert_eq!(new.key, None);
        assert_eq!(revision(&[]).unwrap().classification, Classification::Internal);
    }

    #[test]
    fn wrong_fields_are_named() {
        let cases = [
            (vec![("classification", "SECRET")], "classification"),
            (vec![("metadata", "[1]")], "metadata"),
            (vec![("metadata", "{x")], "metadata"),
            (vec![("effective_to", "soon")], "effective_to"),
            (vec![("export_control", "maybe")], "export_control"),
            (vec![("clasification", "PUBLIC")], "clasification"),
            (vec![("key", "A"), ("key", "B")], "key"),
        ];
        for (fields, named) in cases {
            let problem = revision(&fields).unwrap_err();
            assert_eq!(problem.violations()[0].field, named);
        }
    }
}
