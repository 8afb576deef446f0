//! One's own conversations.

mod change;
mod list;
mod read;

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/conversations",
            operation: "conversation_list",
            summary: "List one's own conversations: pinned ones first, then last used first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list::conversation_list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/conversations/search",
            operation: "conversation_search",
            summary: "Search one's own conversations by words",
            audit: Audit::Entry("conversation.searched"),
            rate: RateClass::Ask,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list::conversation_search),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/conversations/{conversation_id}",
            operation: "conversation_get",
            summary: "Read a conversation with its messages, oldest first",
            audit: Audit::Entry("conversation.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(read::conversation_get),
        },
        Route {
            method: Method::Patch,
            path: "/api/v1/conversations/{conversation_id}",
            operation: "conversation_change",
            summary: "Rename a conversation, keep it on top of the list or no longer",
            audit: Audit::Entry("conversation.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(change::conversation_change),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/conversations/{conversation_id}",
            operation: "conversation_delete",
            summary: "Delete a conversation; it is kept for the retention time",
            audit: Audit::Entry("conversation.deleted"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(change::conversation_delete),
        },
    ]
}
