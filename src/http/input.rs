//! What handlers read: ids in the path, the query, a JSON body.

use axum::RequestPartsExt as _;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::RawPathParams;
use axum::http::{HeaderMap, header};
use base::{
    ApiKeyId, ConversationId, DocumentId, GroupId, JobId, MemoryId, PageNumber, PlanId, RevisionId,
    SessionId, TenantId, TokenFamilyId, TokenId, TraceId, UserId, Violation, WorkflowRunId,
};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Ref, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Required};
use utoipa::{IntoParams, ToSchema};

use crate::call::Call;
use crate::endpoint::{Input, Signature};
use crate::problem::Problem;
use crate::route::{IdKind, IdParameter};

/// Something that stands in braces in a path.
pub(crate) trait PathId: Sized + Send {
    /// What it names, and under which name.
    const PARAMETER: IdParameter;
    /// What a path answers whose text is no such id: the same as for one that is not there, so
    /// that the two can't be told apart.
    const NOT_FOUND: &'static str;

    /// Reads the text of the path.
    fn parse(text: &str) -> Option<Self>;
}

macro_rules! path_ids {
    ($($ty:ty: $name:literal, $kind:ident, $not_found:literal;)+) => {$(
        impl PathId for $ty {
            const PARAMETER: IdParameter = IdParameter { name: $name, kind: IdKind::$kind };
            const NOT_FOUND: &'static str = $not_found;

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        }
    )+};
}

path_ids! {
    TenantId: "tenant_id", Tenant, "tenant_not_found";
    UserId: "user_id", User, "user_not_found";
    SessionId: "session_id", Session, "session_not_found";
    TokenId: "token_id", Token, "token_not_found";
    TokenFamilyId: "family_id", TokenFamily, "token_family_not_found";
    DocumentId: "document_id", Document, "document_not_found";
    RevisionId: "revision_id", Revision, "revision_not_found";
    ConversationId: "conversation_id", Conversation, "conversation_not_found";
    JobId: "job_id", Job, "job_not_found";
    ApiKeyId: "key_id", ApiKey, "key_not_found";
    GroupId: "group_id", Group, "group_not_found";
    TraceId: "trace_id", Trace, "trace_not_found";
    WorkflowRunId: "run_id", WorkflowRun, "workflow_run_not_found";
    PlanId: "plan_id", Plan, "plan_not_found";
    MemoryId: "memory_id", Memory, "memory_not_found";
}

/// An agent's name.
pub(crate) struct AgentName(pub(crate) String);

/// A workflow's name.
pub(crate) struct WorkflowName(pub(crate) String);

macro_rules! path_names {
    ($($ty:ident: $name:literal, $kind:ident, $not_found:literal;)+) => {$(
        impl PathId for $ty {
            const PARAMETER: IdParameter = IdParameter { name: $name, kind: IdKind::$kind };
            const NOT_FOUND: &'static str = $not_found;

            fn parse(text: &str) -> Option<Self> {
                let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                let fits = (1..=60).contains(&text.len()) && text.chars().all(allowed);
                fits.then(|| Self(text.to_owned()))
            }
        }
    )+};
}

path_names! {
    AgentName: "agent", Agent, "agent_not_found";
    WorkflowName: "workflow", Workflow, "workflow_not_found";
}

impl PathId for PageNumber {
    const PARAMETER: IdParameter = IdParameter { name: "page", kind: IdKind::Page };
    const NOT_FOUND: &'static str = "page_not_found";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|n| *n > 0).map(PageNumber)
    }
}

/// An id of the path.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: PathId> Input for Id<T> {
    fn describe(signature: &mut Signature) {
        let schema = match T::PARAMETER.kind {
            IdKind::Entry => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)),
            IdKind::Page => ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)),
            IdKind::ErrorCode
            | IdKind::Asset
            | IdKind::Agent
            | IdKind::Workflow
            | IdKind::Model
            | IdKind::Tier => ObjectBuilder::new().schema_type(Type::String),
            _ => ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))),
        };
        signature.ids.push(T::PARAMETER);
        signature.parameters.push(
            ParameterBuilder::new()
                .name(T::PARAMETER.name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(schema))
                .build(),
        );
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        let not_found = || Problem::new(T::NOT_FOUND);
        let parameters: RawPathParams = call.head.parts.extract().await.map_err(|_| not_found())?;
        let text = parameters.iter().find(|(name, _)| *name == T::PARAMETER.name);
        text.and_then(|(_, text)| T::parse(text)).map(Self).ok_or_else(not_found)
    }
}

/// The query of the URL. Unknown names are refused by the type's `deny_unknown_fields`.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + IntoParams + Send> Input for Query<T> {
    fn describe(signature: &mut Signature) {
        signature.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        let text = call.head.parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(text.as_bytes());
        let deserializer = serde_urlencoded::Deserializer::new(pairs);
        let value = serde_path_to_error::deserialize(deserializer);
        value.map(Self).map_err(|error| located(&error))
    }
}

/// A JSON body. Unknown fields are refused by the type's `deny_unknown_fields`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + ToSchema + Send> Input for Json<T> {
    fn describe(signature: &mut Signature) {
        const MEDIA_TYPE: &str = "application/json";
        let schema = Ref::from_schema_name(T::name());
        signature.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut signature.schemas);
        signature.request_media_type = Some(MEDIA_TYPE);
        signature.request_body = Some(
            RequestBodyBuilder::new()
                .content(MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build())
                .required(Some(Required::True))
                .build(),
        );
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        if !is_json(&call.head.parts.headers) {
            return Err(Problem::new("unsupported_media_type")
                .with_detail("Send a body of type application/json."));
        }
        let bytes = call.body_bytes().await?;
        // Where an object is expected, serde would take the fields' values in a row as well.
        if bytes.trim_ascii_start().starts_with(b"[") {
            return Err(Problem::invalid("body", "must be a JSON object"));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            if error.inner().is_data() { located(&error) } else { malformed(error.inner()) }
        })?;
        deserializer.end().map_err(|error| malformed(&error))?;
        Ok(Self(value))
    }
}

/// A body whole, at most `max_bytes` of it.
pub(crate) async fn read_whole(body: HttpBody, max_bytes: u64) -> Result<Bytes, Problem> {
    let limit = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(body_problem(error.as_ref(), max_bytes)),
    }
}

/// Why a body could not be read to its end.
pub(crate) fn body_problem(
    error: &(dyn std::error::Error + Send + Sync + 'static),
    max_bytes: u64,
) -> Problem {
    if is_caused_by::<LengthLimitError>(error) {
        return Problem::new("body_too_large")
            .with_detail(format!("At most {max_bytes} bytes are accepted here."));
    }
    if is_caused_by::<tower_http::timeout::TimeoutError>(error) {
        return Problem::new("request_timeout");
    }
    Problem::new("malformed_request").with_detail("The body ended before it was complete.")
}

/// Whether `error`, or one behind it, is an `E`.
pub(crate) fn is_caused_by<E: std::error::Error + 'static>(
    error: &(dyn std::error::Error + 'static),
) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<E>())
}

/// RFC 9110 section 8.3.1: the type's name is case-insensitive and may have parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let essence = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new("malformed_request").with_detail(format!("The body is not JSON: {error}."))
}

/// The problem with the field where reading stopped.
fn located<E: std::error::Error>(error: &serde_path_to_error::Error<E>) -> Problem {
    let reason = error.inner().to_string();
    let mut field = error.path().to_string();
    // A missing field has no path of its own; its name stands in the message.
    let named = reason.strip_prefix("unknown field `").or(reason.strip_prefix("missing field `"));
    if let Some(name) = named.and_then(|rest| rest.split('`').next()) {
        if field == "." {
            field = name.to_owned();
        } else if field != name && !field.ends_with(&format!(".{name}")) {
            field = format!("{field}.{name}");
        }
    }
    // serde_json adds the place; it helps in a file, not here.
    let reason = reason.split(" at line ").next().unwrap_or_default().to_owned();
    Problem::new("invalid_input").with_violation(Violation::new(field, reason))
}
