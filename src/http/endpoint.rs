//! Handlers as the route table sees them: a function of a call context and an input, whose
//! signature says who may call it, what it reads and what it answers.
//!
//! A handler is `async fn(C, I) -> Result<O, Problem>`. What `C`, `I` and `O` say about themselves
//! becomes the route's access, its parameters and schemas, so documents and tests can't differ
//! from the code.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use axum::http::Method;
use axum::response::Response;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::response::Response as ResponseDoc;
use utoipa::openapi::schema::Schema;

use crate::call::{Call, CallContext};
use crate::idempotency;
use crate::problem::Problem;
use crate::route::{Access, IdParameter, Idempotency, RateClass};

/// What a handler's signature says.
pub(crate) struct Signature {
    pub(crate) access: Access,
    pub(crate) ids: Vec<IdParameter>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) request_media_type: Option<&'static str>,
    pub(crate) request_body: Option<RequestBody>,
    pub(crate) success_status: u16,
    pub(crate) success: ResponseDoc,
    /// Schemas that the above refer to, by name.
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

/// Something that a handler reads from the request.
pub(crate) trait Input: Sized + Send {
    /// Adds what it reads to the signature.
    fn describe(signature: &mut Signature);

    /// Reads it; may take the body.
    fn read(call: &mut Call) -> impl Future<Output = Result<Self, Problem>> + Send;
}

/// What a handler answers with.
pub(crate) trait Output: Sized + Send {
    /// Sets status and schema of the signature's answer.
    fn describe(signature: &mut Signature);

    /// The answer.
    fn into_answer(self) -> Result<Response, Problem>;
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Problem>> + Send>>;

/// A handler without its types. Dynamic at this seam, so that the router is compiled once and not
/// once per handler.
pub(crate) trait AnyEndpoint: Send + Sync {
    fn signature(&self) -> Signature;
    fn answer(&self, call: Call) -> Answer;
}

struct Typed<H, C, I> {
    handler: H,
    types: PhantomData<fn(C, I)>,
}

/// Makes a handler fit for a route declaration.
pub(crate) fn endpoint<H, Fut, C, I, O>(handler: H) -> Box<dyn AnyEndpoint>
where
    H: Fn(C, I) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<O, Problem>> + Send + 'static,
    C: CallContext + 'static,
    I: Input + 'static,
    O: Output + 'static,
{
    Box::new(Typed { handler, types: PhantomData })
}

impl<H, Fut, C, I, O> AnyEndpoint for Typed<H, C, I>
where
    H: Fn(C, I) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<O, Problem>> + Send + 'static,
    C: CallContext + 'static,
    I: Input + 'static,
    O: Output + 'static,
{
    fn signature(&self) -> Signature {
        let mut signature = Signature {
            access: C::ACCESS,
            ids: Vec::new(),
            parameters: Vec::new(),
            request_media_type: None,
            request_body: None,
            success_status: 200,
            success: ResponseDoc::new("Done"),
            schemas: Vec::new(),
        };
        I::describe(&mut signature);
        O::describe(&mut signature);
        signature
    }

    fn answer(&self, mut call: Call) -> Answer {
        let handler = self.handler.clone();
        Box::pin(async move {
            // Who asks is settled before a byte of the body is looked at.
            let context = C::enter(&call.head).await?;
            let keyed = match call.head.idempotency {
                Idempotency::Keyed if idempotency::has_key(&call.head) => context.tenant(),
                _ => None,
            };
            // What was asked of a model is charged, whoever reads the answer.
            let to_the_end = keyed.is_some()
                || call.head.parts.method == Method::DELETE
                || call.head.rate == RateClass::Ask;
            let work = async move {
                let claim = match keyed {
                    Some(ctx) => idempotency::claim_body(&mut call, ctx).await?,
                    None => idempotency::Claim::None,
                };
                if let idempotency::Claim::Replay(answer) = claim {
                    return Ok(answer);
                }
                let result = match I::read(&mut call).await {
                    Ok(input) => handler(context, input).await.and_then(Output::into_answer),
                    Err(problem) => Err(problem),
                };
                claim.settle(result).await
            };
            if to_the_end { idempotency::to_the_end(work).await } else { work.await }
        })
    }
}

impl Input for () {
    fn describe(_signature: &mut Signature) {}

    async fn read(_call: &mut Call) -> Result<Self, Problem> {
        Ok(())
    }
}

impl<A: Input, B: Input> Input for (A, B) {
    fn describe(signature: &mut Signature) {
        A::describe(signature);
        B::describe(signature);
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        Ok((A::read(call).await?, B::read(call).await?))
    }
}

impl<A: Input, B: Input, C: Input> Input for (A, B, C) {
    fn describe(signature: &mut Signature) {
        A::describe(signature);
        B::describe(signature);
        C::describe(signature);
    }

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        Ok((A::read(call).await?, B::read(call).await?, C::read(call).await?))
    }
}
