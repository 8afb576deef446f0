//! POST /api/v1/documents/upload

use std::io;
use std::sync::Arc;

use axum::extract::multipart::Field;
use axum::response::Response;
use knowledge::{NewRevision, StoredContent, Uploaded};
use policy::{authorize, documents};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use store::TenantCtx;
use utoipa::ToSchema;

use super::form::{UploadFields, UploadForm, text_of};
use super::pieces::pieces;
use crate::admin::tenant_settings;
use crate::call::Authorized;
use crate::endpoint::{Output, Signature};
use crate::idempotency;
use crate::input::body_problem;
use crate::output::Accepted;
use crate::problem::Problem;

/// When a caller may try again that found too many uploads under way.
const UPLOAD_RETRY_AFTER_S: u32 = 5;

/// What was stored, and the job that makes it searchable.
#[derive(Serialize, ToSchema)]
#[schema(as = Uploaded)]
pub(super) struct UploadedView {
    #[schema(format = "uuid")]
    document_id: String,
    #[schema(format = "uuid")]
    revision_id: String,
    /// 1, 2, 3 … within the document.
    revision_number: u32,
    key: String,
    /// See GET /api/v1/jobs/{job_id}.
    #[schema(format = "uuid")]
    job_id: String,
    /// A revision of another document with the same bytes.
    #[schema(format = "uuid")]
    duplicate_of: Option<String>,
}

impl From<&Uploaded> for UploadedView {
    fn from(uploaded: &Uploaded) -> Self {
        Self {
            document_id: uploaded.document_id.to_string(),
            revision_id: uploaded.revision_id.to_string(),
            revision_number: uploaded.revision_number,
            key: uploaded.key.clone(),
            job_id: uploaded.job_id.to_string(),
            duplicate_of: uploaded.duplicate_of.map(|id| id.to_string()),
        }
    }
}

pub(super) async fn document_upload(
    call: Authorized<documents::Upload>,
    form: UploadForm,
) -> Result<UploadAnswer, Problem> {
    let place = Arc::clone(&call.state.uploads)
        .try_acquire_owned()
        .map_err(|_| Problem::new("too_many_uploads").with_retry_after_s(UPLOAD_RETRY_AFTER_S))?;
    let (fields, file) = receive(&call, form).await?;
    drop(place);
    let (file_name, file) = file.ok_or_else(|| Problem::invalid("file", "is missing"))?;
    let request_hash = request_hash(&fields, &file_name, file.sha256());
    let settings = tenant_settings(&call.ctx()).await?;
    let new = fields.into_revision(file_name, settings.upload_default_classification)?;
    let work = async move {
        let (headers, operation) = (call.headers(), call.operation());
        match idempotency::claim(headers, operation, call.ctx(), request_hash).await? {
            idempotency::Claim::Replay(answer) => Ok(answer),
            claim => claim.settle(create(&call, new, file).await).await,
        }
    };
    idempotency::to_the_end(work).await.map(UploadAnswer)
}

async fn create(
    call: &Authorized<documents::Upload>,
    new: NewRevision,
    mut file: ReceivedFile,
) -> Result<Response, Problem> {
    let permit = call.permit()?;
    let content = file.content.take().ok_or_else(|| Problem::new("internal_error"))?;
    let uploaded = knowledge::revision_create(permit, new, content).await?;
    let location = format!("/api/v1/jobs/{}", uploaded.job_id);
    Accepted { location, body: UploadedView::from(&uploaded) }.into_answer()
}

/// A file on the disk that belongs to no revision yet; removed again when nothing comes of it.
struct ReceivedFile {
    ctx: Arc<TenantCtx>,
    content: Option<StoredContent>,
}

impl ReceivedFile {
    fn sha256(&self) -> &[u8] {
        match &self.content {
            Some(content) => content.sha256(),
            None => &[],
        }
    }
}

impl Drop for ReceivedFile {
    fn drop(&mut self) {
        let Some(content) = self.content.take() else { return };
        if let Err(error) = self.ctx.blobs().remove(content.revision_id()) {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "the file of a refused upload is left for the sweep");
        }
    }
}

/// Reads the form. The file goes to the disk as it arrives, encrypted.
async fn receive(
    call: &Authorized<documents::Upload>,
    mut form: UploadForm,
) -> Result<(UploadFields, Option<(String, ReceivedFile)>), Problem> {
    let mut fields = UploadFields::default();
    let mut file = None;
    let max_bytes = form.max_bytes();
    while let Some(part) = form.next().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if name != "file" {
            let text = text_of(&name, part).await?;
            fields.take(&name, text)?;
            continue;
        }
        if file.is_some() {
            return Err(Problem::invalid("file", "is given twice"));
        }
        let file_name = part.file_name().map(str::to_owned);
        let file_name = file_name
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Problem::invalid("file", "has no file name"))?;
        file = Some((file_name, store_file(call, part, max_bytes).await?));
    }
    Ok((fields, file))
}

async fn store_file(
    call: &Authorized<documents::Upload>,
    mut part: Field<'_>,
    max_bytes: u64,
) -> Result<ReceivedFile, Problem> {
    let (sender, mut reader) = pieces();
    let ctx = call.ctx();
    let storing = tokio::task::spawn_blocking(move || {
        let permit = authorize::<documents::Upload>(&ctx)?;
        let content = Some(knowledge::content_store(&permit, &mut reader)?);
        Ok::<_, Problem>(ReceivedFile { ctx, content })
    });
    let mut broken = None;
    loop {
        match part.chunk().await {
            Ok(Some(piece)) => {
                // The storing side has ended early: its error is the one to tell.
                if sender.send(Ok(piece)).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                broken = Some(body_problem(&error, max_bytes));
                let _ = sender.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
                break;
            }
        }
    }
    drop(sender);
    let stored = storing.await.map_err(|e| Problem::new("internal_error").with_cause(e))?;
    match broken {
        Some(problem) => Err(problem),
        None => stored,
    }
}

fn request_hash(fields: &UploadFields, file_name: &str, sha256: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    for (name, text) in fields.given() {
        add(name.as_bytes());
        add(text.as_bytes());
    }
    add(file_name.as_bytes());
    add(sha256);
    hasher.finalize().into()
}

/// 202, now or from an earlier request with the same key.
pub(super) struct UploadAnswer(Response);

impl Output for UploadAnswer {
    fn describe(signature: &mut Signature) {
        Accepted::<UploadedView>::describe(signature);
    }

    fn into_answer(self) -> Result<Response, Problem> {
        Ok(self.0)
    }
}
