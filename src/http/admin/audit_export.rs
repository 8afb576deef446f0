//! GET /api/v1/admin/audit/export: a stretch of the log that can be verified without the log.

use std::ops::Range;
use std::sync::Arc;

use ::audit::{Action, Cover, EXPORT_FORMAT, Entry, Event, ExportEnd, ExportHead, PrunedBefore};
use ::store::{
    SignedHead, StoreError, TenantCtx, audit_bytes, audit_leaves, audit_pruned, audit_range,
};
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use base::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy::audit;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::proofs::{LEAVES_AT_ONCE, signed_head};
use crate::call::Authorized;
use crate::input::Query;
use crate::output::{Media, Raw, streamed};
use crate::problem::Problem;

const EXPORTED: Action = Action::new("audit.exported");

/// Entries that are read and sent together.
const ENTRIES_AT_ONCE: u64 = 500;

/// What is to be exported, and how.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportQuery {
    /// At or after this moment (RFC 3339, or a date); from the beginning when absent.
    #[serde(default)]
    from: Option<String>,
    /// Before this moment (RFC 3339, or a date); to the end when absent.
    #[serde(default)]
    until: Option<String>,
    /// `jsonl`, the default, or `csv`. Both hold the same and prove the same.
    #[serde(default)]
    format: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Jsonl,
    Csv,
}

/// The lines of an export.
pub(super) struct ExportFile;

impl Media for ExportFile {
    const TYPE: &'static str = "*/*";
    const DESCRIPTION: &'static str = "The export; its format is described in ARCHITECTURE.md";
}

pub(super) async fn audit_export(
    call: Authorized<audit::Export>,
    Query(query): Query<ExportQuery>,
) -> Result<Raw<ExportFile>, Problem> {
    let moment = |field: &str, text: Option<&str>| {
        let read = text.map(Timestamp::parse).transpose();
        read.map_err(|error| Problem::invalid(field, format!("is {error}")))
    };
    let from = moment("from", query.from.as_deref())?;
    let until = moment("until", query.until.as_deref())?;
    let form = match query.format.as_deref() {
        None | Some("jsonl") => Form::Jsonl,
        Some("csv") => Form::Csv,
        Some(_) => return Err(Problem::invalid("format", "must be jsonl or csv")),
    };
    let ctx = call.ctx();
    let head = signed_head(call.ctx()).await?;
    let size = head.checkpoint.size;
    let (range, pruned) = ctx
        .read(move |tx| {
            let range = audit_range(tx, from, until, size)?;
            let pruned = audit_pruned(tx)?.filter(|pruned| pruned.end > range.start);
            Ok::<_, StoreError>(match pruned {
                // It begins behind what has no content any more, and says so.
                Some(p) => {
                    (p.end..range.end.max(p.end), Some(PrunedBefore { end: p.end, by: p.by }))
                }
                None => (range, None),
            })
        })
        .await?;
    let event = Event::new(EXPORTED).detail(json!({
        "first": range.start,
        "entries": range.end - range.start,
        "checkpoint_size": size,
    }));
    ctx.record(event).await?;
    let (kind, name) = match form {
        Form::Jsonl => ("application/jsonl", "audit.jsonl"),
        Form::Csv => ("text/csv; charset=utf-8", "audit.csv"),
    };
    let mut response = Response::new(body(Export { ctx, head, range, pruned, form }));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let internal = |e: header::InvalidHeaderValue| Problem::new("internal_error").with_cause(e);
    headers.insert(header::CONTENT_DISPOSITION, disposition.map_err(internal)?);
    Ok(Raw::of(response))
}

struct Export {
    ctx: Arc<TenantCtx>,
    head: SignedHead,
    range: Range<u64>,
    pruned: Option<PrunedBefore>,
    form: Form,
}

/// What is sent next.
enum Part {
    Head,
    Entries(u64),
    End,
}

/// Reads a piece when the one before it was taken. An export that breaks off lacks its end, which
/// its verifier says.
fn body(export: Export) -> Body {
    let pieces = futures_util::stream::unfold(Some((export, Part::Head)), |state| async {
        let (export, part) = state?;
        match export.piece(part).await {
            Ok((text, next)) => Some((Ok(Bytes::from(text)), next.map(|part| (export, part)))),
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                tracing::error!(error = cause, "an export of the audit log broke off");
                Some((Err(std::io::Error::other(error)), None))
            }
        }
    });
    streamed(pieces)
}

impl Export {
    async fn piece(&self, part: Part) -> Result<(String, Option<Part>), StoreError> {
        let Range { start, end } = self.range;
        match part {
            Part::Head => {
                let next = if start < end { Part::Entries(start) } else { Part::End };
                Ok((self.head().await?, Some(next)))
            }
            Part::Entries(first) => {
                let last = end.min(first + ENTRIES_AT_ONCE);
                let text = self.entries(first..last).await?;
                Ok((text, Some(if last < end { Part::Entries(last) } else { Part::End })))
            }
            Part::End => Ok((self.end().await?, None)),
        }
    }

    async fn head(&self) -> Result<String, StoreError> {
        let head = ExportHead {
            format: EXPORT_FORMAT.to_owned(),
            origin: self.head.checkpoint.origin.clone(),
            public_key: STANDARD.encode(self.head.public_key),
            checkpoint: self.head.note.clone(),
            first: self.range.start,
            before: self.cover(0..self.range.start).await?.subtrees().to_vec(),
            pruned: self.pruned,
        };
        let mut text = self.marked(&json!(head).to_string());
        if self.form == Form::Csv {
            text.push_str("index,time,actor,action,object,outcome,entry\r\n");
        }
        Ok(text)
    }

    async fn entries(&self, range: Range<u64>) -> Result<String, StoreError> {
        let entries = self.ctx.read(move |tx| audit_bytes(tx, range)).await?;
        let corrupt = || StoreError::Corrupt("audit_entries.bytes");
        let mut text = String::new();
        for bytes in entries {
            let canonical = String::from_utf8(bytes).map_err(|_| corrupt())?;
            match self.form {
                Form::Jsonl => {
                    text.push_str(&canonical);
                    text.push('\n');
                }
                Form::Csv => {
                    let entry = Entry::parse(canonical.as_bytes()).map_err(|_| corrupt())?;
                    text.push_str(&csv_row(&entry, &canonical));
                }
            }
        }
        Ok(text)
    }

    async fn end(&self) -> Result<String, StoreError> {
        let behind = self.cover(self.range.end..self.head.checkpoint.size).await?;
        let count = self.range.end - self.range.start;
        let end = ExportEnd { end: count, after: behind.subtrees().to_vec() };
        Ok(self.marked(&json!(end).to_string()))
    }

    fn marked(&self, line: &str) -> String {
        match self.form {
            Form::Jsonl => format!("{line}\n"),
            Form::Csv => format!("# {line}\r\n"),
        }
    }

    /// The subtrees over the leaves of `range`.
    async fn cover(&self, range: Range<u64>) -> Result<Cover, StoreError> {
        let mut cover = Cover::from(range.start);
        while cover.next() < range.end {
            let piece = cover.next()..range.end.min(cover.next() + LEAVES_AT_ONCE);
            for leaf in self.ctx.read(move |tx| audit_leaves(tx, piece)).await? {
                cover.push_leaf(leaf);
            }
        }
        Ok(cover)
    }
}

/// RFC 4180. Nothing but the last column can hold what needs quotes, and a spreadsheet that takes a
/// text for a formula gets none to begin with: what people type stands in no column of its own.
fn csv_row(entry: &Entry, canonical: &str) -> String {
    let object = entry.object.as_ref().map(|o| format!("{}:{}", o.kind, o.id)).unwrap_or_default();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    format!(
        "{},{},{},{},{},{},{}\r\n",
        entry.index,
        entry.time,
        quoted(&entry.actor),
        quoted(&entry.action),
        quoted(&object),
        entry.outcome.as_str(),
        quoted(canonical)
    )
}
