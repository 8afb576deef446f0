//! What handlers answer with.

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::{Stream, StreamExt as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Ref, Type};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, ResponseBuilder};

use crate::endpoint::{Output, Signature};
use crate::problem::Problem;

const JSON: &str = "application/json";

/// A body that is made piece by piece. Once it has ended it stays so: what compresses answers asks
/// again, which not every stream bears.
pub(crate) fn streamed<S, E>(pieces: S) -> Body
where
    S: Stream<Item = Result<Bytes, E>> + Send + 'static,
    E: Into<BoxError> + 'static,
{
    Body::from_stream(pieces.fuse())
}

/// 200 with a JSON body.
pub(crate) struct Ok200<T>(pub(crate) T);

/// 201 with a JSON body and the place of what was made.
pub(crate) struct Created<T> {
    pub(crate) location: String,
    pub(crate) body: T,
}

/// 202 with a JSON body and the place where progress can be followed.
pub(crate) struct Accepted<T> {
    pub(crate) location: String,
    pub(crate) body: T,
}

/// 200 with a JSON body and its entity tag (RFC 9110 section 8.8.3); the framework answers 304 to
/// a request that already has it.
pub(crate) struct Tagged<T>(pub(crate) T);

/// 204.
pub(crate) struct NoContent;

/// 200 with a JSON body, or with an event stream that ends in the same.
pub(crate) enum WholeOrStream<T> {
    /// When the work was done.
    Whole(Box<T>),
    /// While it is done.
    Stream(Response),
}

fn describe_json<T: ToSchema>(signature: &mut Signature, status: u16, description: &str) {
    signature.schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(&mut signature.schemas);
    let schema = Ref::from_schema_name(T::name());
    signature.success_status = status;
    signature.success = ResponseBuilder::new()
        .description(description)
        .content(JSON, ContentBuilder::new().schema(Some(schema)).build())
        .build();
}

fn describe_header(signature: &mut Signature, name: &str, description: &str) {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    let header = HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build();
    signature.success.headers.insert(name.to_owned(), header.into());
}

fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Response, Problem> {
    let bytes =
        serde_json::to_vec(body).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(bytes_answer(status, JSON, bytes))
}

/// An answer of `media_type`.
pub(crate) fn bytes_answer(
    status: StatusCode,
    media_type: &'static str,
    bytes: impl Into<Body>,
) -> Response {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn with_header(mut response: Response, name: HeaderName, value: &str) -> Result<Response, Problem> {
    let value =
        HeaderValue::from_str(value).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    response.headers_mut().insert(name, value);
    Ok(response)
}

impl<T: Serialize + ToSchema + Send> Output for Ok200<T> {
    fn describe(signature: &mut Signature) {
        describe_json::<T>(signature, 200, "Done");
    }

    fn into_answer(self) -> Result<Response, Problem> {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize + ToSchema + Send> Output for Created<T> {
    fn describe(signature: &mut Signature) {
        describe_json::<T>(signature, 201, "Made");
        describe_header(signature, "Location", "Path of what was made");
    }

    fn into_answer(self) -> Result<Response, Problem> {
        with_header(json(StatusCode::CREATED, &self.body)?, header::LOCATION, &self.location)
    }
}

impl<T: Serialize + ToSchema + Send> Output for Accepted<T> {
    fn describe(signature: &mut Signature) {
        describe_json::<T>(signature, 202, "Queued");
        describe_header(signature, "Location", "Path of the job that does it");
    }

    fn into_answer(self) -> Result<Response, Problem> {
        with_header(json(StatusCode::ACCEPTED, &self.body)?, header::LOCATION, &self.location)
    }
}

impl<T: Serialize + ToSchema + Send> Output for Tagged<T> {
    fn describe(signature: &mut Signature) {
        describe_json::<T>(signature, 200, "Done");
        describe_header(signature, "ETag", "Tag of this state; send it as If-None-Match");
    }

    fn into_answer(self) -> Result<Response, Problem> {
        let bytes = serde_json::to_vec(&self.0)
            .map_err(|e| Problem::new("internal_error").with_cause(e))?;
        // Half of the digest: enough that two states never share a tag.
        let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&bytes)[..16]));
        with_header(bytes_answer(StatusCode::OK, JSON, bytes), header::ETAG, &tag)
    }
}

impl<T: Serialize + ToSchema + Send> Output for WholeOrStream<T> {
    fn describe(signature: &mut Signature) {
        Ok200::<T>::describe(signature);
        let events = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Server-sent events (WHATWG HTML section 9.2)"));
        let content = ContentBuilder::new().schema(Some(events)).build();
        signature.success.content.insert("text/event-stream".to_owned(), content.into());
    }

    fn into_answer(self) -> Result<Response, Problem> {
        match self {
            Self::Whole(view) => Ok200(*view).into_answer(),
            Self::Stream(response) => Ok(response),
        }
    }
}

impl Output for NoContent {
    fn describe(signature: &mut Signature) {
        signature.success_status = 204;
        signature.success = ResponseBuilder::new().description("Done").build();
    }

    fn into_answer(self) -> Result<Response, Problem> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }
}

/// An answer that a handler has made itself, of one media type known beforehand.
pub(crate) struct Raw<M> {
    pub(crate) response: Response,
    pub(crate) media: std::marker::PhantomData<fn(M)>,
}

/// The media type and meaning of a [`Raw`] answer.
pub(crate) trait Media: 'static {
    /// The media type.
    const TYPE: &'static str;
    /// What the answer is.
    const DESCRIPTION: &'static str;
}

impl<M: Media> Raw<M> {
    /// An answer as it is.
    pub(crate) const fn of(response: Response) -> Self {
        Self { response, media: std::marker::PhantomData }
    }

    /// 200 with `bytes`.
    pub(crate) fn bytes(bytes: impl Into<Body>) -> Self {
        Self::of(bytes_answer(StatusCode::OK, M::TYPE, bytes))
    }
}

impl<M: Media> Output for Raw<M> {
    fn describe(signature: &mut Signature) {
        let schema = ObjectBuilder::new().schema_type(Type::String);
        signature.success = ResponseBuilder::new()
            .description(M::DESCRIPTION)
            .content(M::TYPE, ContentBuilder::new().schema(Some(schema)).build())
            .build();
    }

    fn into_answer(self) -> Result<Response, Problem> {
        Ok(self.response)
    }
}
