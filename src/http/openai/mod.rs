//! The API of OpenAI as far as this appliance can follow it, so that programs written for that one
//! work here: `/v1/models`, `/v1/chat/completions`, `/v1/embeddings`.
//!
//! Behind it are the appliance's own keys, permissions, limits, budgets and log. What is asked for and
//! can't be given is refused by name instead of being passed over, but for fields that say nothing
//! about the answer. Nothing here reads documents, except the model `millwright`, which answers from
//! them as `/api/v1/chat` does and says in the field `millwright` where it has it from.

mod completion;
mod documents;
mod embeddings;
mod error;
mod list;
mod options;
mod prompt;
mod request;
mod response;
mod spending;
mod stream;

pub(crate) use error::{ErrorBody, failure, render, speaks_it};

use crate::endpoint::endpoint;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

const NO_KEYS: Idempotency =
    Idempotency::Refused("the API that it follows has no idempotency keys");

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/v1/models",
            operation: "openai_models",
            summary: "List what may be named as `model` (OpenAI's API)",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list::models),
        },
        Route {
            method: Method::Post,
            path: "/v1/chat/completions",
            operation: "openai_chat_completion",
            summary: "Have a language model go on with a conversation (OpenAI's API)",
            audit: Audit::Entry("completion.given"),
            rate: RateClass::Ask,
            idempotency: NO_KEYS,
            endpoint: endpoint(completion::complete),
        },
        Route {
            method: Method::Post,
            path: "/v1/embeddings",
            operation: "openai_embeddings",
            summary: "Embed texts with the built-in embedder (OpenAI's API)",
            audit: Audit::Entry("embedding.computed"),
            rate: RateClass::Ask,
            idempotency: NO_KEYS,
            endpoint: endpoint(embeddings::embed),
        },
    ]
}
