//! POST /api/v1/models

use ::models::{Incoming, Received};
use axum::body::Body;
use axum::http::header;
use http_body_util::{BodyExt as _, Limited};
use policy::models;
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::IntoParams;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{ContentBuilder, Required};

use super::change::begin_trial;
use super::view::LanguageModelView;
use crate::call::{Appliance, Call};
use crate::endpoint::{Input, Signature};
use crate::idempotency;
use crate::input::{Query, body_problem};
use crate::output::Created;
use crate::problem::Problem;

const MEDIA_TYPE: &str = "application/octet-stream";

/// Pieces that may wait between the network and the disk.
const PIECES_WAITING: usize = 8;

/// What the model is to be called.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportQuery {
    /// 1 to 80 letters, digits, `.`, `_`, `-` or `:`; what the file calls itself when absent.
    #[serde(default)]
    #[param(max_length = 80)]
    name: Option<String>,
    /// Size of the file, where the body is sent without a length.
    #[serde(default)]
    size_bytes: Option<u64>,
}

/// The bytes of a file, as they arrive.
pub(super) struct ModelFile {
    body: Body,
    declared_bytes: Option<u64>,
    max_bytes: u64,
}

impl Input for ModelFile {
    fn describe(signature: &mut Signature) {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
        signature.request_media_type = Some(MEDIA_TYPE);
        signature.request_body = Some(
            RequestBodyBuilder::new()
                .content(MEDIA_TYPE, ContentBuilder::new().schema(Some(schema)).build())
                .required(Some(Required::True))
                .build(),
        );
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        let headers = &call.head.parts.headers;
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case(MEDIA_TYPE)) {
            return Err(Problem::new("unsupported_media_type")
                .with_detail("Send the file itself as a body of type application/octet-stream."));
        }
        let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
        let declared_bytes = declared.and_then(|text| text.parse().ok());
        let max_bytes = call.head.rate.body_max_bytes();
        Ok(Self { body: call.take_body()?, declared_bytes, max_bytes })
    }
}

pub(super) async fn model_import(
    call: Appliance<models::Manage>,
    (Query(query), file): (Query<ImportQuery>, ModelFile),
) -> Result<Created<LanguageModelView>, Problem> {
    call.permit()?;
    let registry = call.state.models.clone();
    let (incoming, place) = registry.receive(file.declared_bytes.or(query.size_bytes)).await?;
    let received = receive(incoming, file).await?;
    // Goes on when the caller goes away: file, row and trial belong together.
    let admitted = idempotency::to_the_end(async move {
        let name = query.name.as_deref();
        let scope = call.permit()?.scope();
        let view = registry.admit(scope, call.request_id, received, name).await?;
        drop(place);
        let location = format!("/api/v1/models/{}", view.hash);
        Ok(Created { location, body: begin_trial(call, view) })
    });
    admitted.await
}

/// Takes the file to the disk as it arrives.
async fn receive(mut incoming: Incoming, file: ModelFile) -> Result<Received, Problem> {
    let (sender, mut pieces) = mpsc::channel::<axum::body::Bytes>(PIECES_WAITING);
    let write = move || {
        while let Some(piece) = pieces.blocking_recv() {
            incoming.write(&piece)?;
        }
        Ok::<_, ::models::RegistryError>(incoming)
    };
    let writing = tokio::task::spawn_blocking(move || write().map_err(Problem::from));
    let limit = usize::try_from(file.max_bytes).unwrap_or(usize::MAX);
    let mut body = Limited::new(file.body, limit);
    let mut broken = None;
    while let Some(frame) = body.frame().await {
        // Trailers are nothing of the file.
        match frame.map(|frame| frame.into_data().ok()) {
            Ok(Some(piece)) => {
                // The writing side has ended early: its error is the one to tell.
                if sender.send(piece).await.is_err() {
                    break;
                }
            }
            Ok(None) => {}
            Err(error) => {
                broken = Some(body_problem(error.as_ref(), file.max_bytes));
                break;
            }
        }
    }
    drop(sender);
    let written = writing.await.map_err(|e| Problem::new("internal_error").with_cause(e))?;
    match broken {
        // Dropping what was written removes it.
        Some(problem) => Err(problem),
        None => {
            let incoming = written?;
            let finished = tokio::task::spawn_blocking(move || incoming.finish()).await;
            Ok(finished.map_err(|e| Problem::new("internal_error").with_cause(e))??)
        }
    }
}
