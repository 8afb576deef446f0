//! Documents and their revisions.

mod change;
mod disclosures;
mod form;
mod list;
mod maintain;
mod original;
mod page;
mod pieces;
mod questions;
mod read;
mod revisions;
mod upload;
mod view;

#[cfg(any(test, fuzzing))]
pub(crate) use form::read_form;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = document_routes();
    routes.extend(revision_routes());
    routes
}

fn document_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/documents/upload",
            operation: "document_upload",
            summary: "Upload a document, or a new revision of the one with this key",
            audit: Audit::Entry("revision.uploaded"),
            rate: RateClass::Upload,
            idempotency: Idempotency::KeyedByHandler,
            endpoint: endpoint(upload::document_upload),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents",
            operation: "document_list",
            summary: "List the documents that you may see, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list::document_list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/questions",
            operation: "questions_suggested",
            summary: "Up to six first questions, made from sentences of documents that you may see",
            audit: Audit::Entry("questions.suggested"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(questions::questions_suggested),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}",
            operation: "document_get",
            summary: "A document with its revisions and its first chunks",
            audit: Audit::Entry("document.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(read::document_get),
        },
        Route {
            method: Method::Patch,
            path: "/api/v1/documents/{document_id}",
            operation: "document_change",
            summary: "Change title, label, tags or metadata of a document, and say why",
            audit: Audit::Entry("document.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(change::document_change),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/documents/{document_id}",
            operation: "document_delete",
            summary: "Delete a document with all its revisions",
            audit: Audit::Entry("document.deleted"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(maintain::document_delete),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}/disclosures",
            operation: "document_disclosures",
            summary: "Who was shown what of a document, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(disclosures::document_disclosures),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/documents/{document_id}/reindex",
            operation: "document_reindex",
            summary: "Read, cut and embed the current revision anew",
            audit: Audit::Entry("document.reindex_queued"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(maintain::document_reindex),
        },
    ]
}

fn revision_routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}/revisions",
            operation: "revision_list",
            summary: "The revisions of a document, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(revisions::revision_list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}/revisions/{revision_id}",
            operation: "revision_get",
            summary: "One revision",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(revisions::revision_get),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}/revisions/{revision_id}/pages/{page}",
            operation: "page_get",
            summary: "The text of a page, with the place of every line",
            audit: Audit::Entry("page.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(page::page_get),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}/revisions/{revision_id}/original",
            operation: "original_get",
            summary: "The file as it was uploaded",
            audit: Audit::Entry("original.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(original::original_get),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/documents/{document_id}/revisions/{revision_id}/citations",
            operation: "revision_citations",
            summary: "Answers that cited this revision, valid or not",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(revisions::revision_citations),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/documents/{document_id}/revisions/{revision_id}/withdraw",
            operation: "revision_withdraw",
            summary: "Withdraw a revision: nothing is answered from it any more, nor from an older one",
            audit: Audit::Entry("revision.withdrawn"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(revisions::revision_withdraw),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/documents/{document_id}/revisions/{revision_id}/supersede",
            operation: "revision_supersede",
            summary: "Mark a revision as replaced by a newer one",
            audit: Audit::Entry("revision.superseded"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(revisions::revision_supersede),
        },
    ]
}
