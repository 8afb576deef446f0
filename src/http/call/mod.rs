//! The call contexts: what a handler gets as its first parameter, and with it who may call it.
//!
//! [`Public`] knows nobody. [`SignedIn`] and [`Authorized`] have a tenant's context whose principal
//! has the permission; [`Appliance`] has the appliance's scope. There is no other way to a context,
//! so a handler can't forget to ask.

mod authenticate;
mod limits;

use std::future::Future;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use audit::{Event, Outcome};
use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base::{RequestId, SessionId, Timestamp, TokenFamilyId};
use policy::{
    Action, ApplianceAction, AppliancePermit, Denied, Permission, Permit, authorize,
    authorize_appliance,
};
use store::{ApplianceScope, SecondFactor, StoreError, TenantCtx};

use crate::console::ConsoleKey;
use crate::input::read_whole;
use crate::problem::Problem;
use crate::route::{Access, Idempotency, RateClass};
use crate::state::AppState;

pub(crate) use authenticate::COOKIE_NAME;
use authenticate::{Caller, authenticate};
use limits::limit_address;
pub(crate) use limits::{RATE_LIMIT, RATE_LIMIT_POLICY, Rates, network};

const ACCESS_DENIED: audit::Action = audit::Action::new("access.denied");

/// The network address of the other end; an extension of requests that came by TCP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddress(pub(crate) IpAddr);

/// The other end is the operator; an extension of requests that came by the console. Only this
/// crate can make one.
#[derive(Clone)]
pub(crate) struct ConsolePeer(pub(crate) ConsoleKey);

/// The other end is at the machine itself; an extension of requests that came by the console's socket
/// while the appliance is sealed and there is no operator's key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtConsole;

/// One request on its way to its handler.
pub(crate) struct Call {
    pub(crate) head: Head,
    pub(crate) body: CallBody,
}

/// What is known of a request before its body is read.
pub(crate) struct Head {
    pub(crate) state: Arc<AppState>,
    pub(crate) parts: Parts,
    pub(crate) request_id: RequestId,
    pub(crate) operation: &'static str,
    pub(crate) rate: RateClass,
    pub(crate) idempotency: Idempotency,
    /// The limits that it was counted against.
    pub(crate) rates: Rates,
}

/// The body, until somebody takes it.
pub(crate) enum CallBody {
    Unread(Body),
    Read(Bytes),
    Taken,
}

impl Call {
    /// The whole body, up to the limit of the route's class; may be asked for again.
    pub(crate) async fn body_bytes(&mut self) -> Result<Bytes, Problem> {
        let max_bytes = self.head.rate.body_max_bytes();
        let bytes = match std::mem::replace(&mut self.body, CallBody::Taken) {
            CallBody::Unread(body) => {
                self.head.refuse_declared_length(max_bytes)?;
                read_whole(body, max_bytes).await?
            }
            CallBody::Read(bytes) => bytes,
            CallBody::Taken => Bytes::new(),
        };
        self.body = CallBody::Read(bytes.clone());
        Ok(bytes)
    }

    /// The body as a stream; the caller holds to the limit.
    pub(crate) fn take_body(&mut self) -> Result<Body, Problem> {
        self.head.refuse_declared_length(self.head.rate.body_max_bytes())?;
        Ok(match std::mem::replace(&mut self.body, CallBody::Taken) {
            CallBody::Unread(body) => body,
            CallBody::Read(bytes) => Body::from(bytes),
            CallBody::Taken => Body::empty(),
        })
    }
}

impl Head {
    /// A body that says it is too large is refused before it is sent.
    fn refuse_declared_length(&self, max_bytes: u64) -> Result<(), Problem> {
        let declared = self.parts.headers.get(header::CONTENT_LENGTH);
        let declared = declared.and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
        if declared.is_some_and(|length| length > max_bytes) {
            return Err(Problem::new("body_too_large")
                .with_detail(format!("At most {max_bytes} bytes are accepted here.")));
        }
        Ok(())
    }
}

/// The first parameter of a handler.
pub(crate) trait CallContext: Sized + Send {
    /// Who may call.
    const ACCESS: Access;

    /// Finds out who calls and whether they may. What it refuses with, it says itself.
    fn enter(head: &Head) -> impl Future<Output = Result<Self, Problem>> + Send;

    /// The tenant's context, when there is one.
    fn tenant(&self) -> Option<Arc<TenantCtx>>;
}

/// Anybody.
pub(crate) struct Public {
    pub(crate) state: Arc<AppState>,
    pub(crate) request_id: RequestId,
}

impl CallContext for Public {
    const ACCESS: Access = Access::Public;

    async fn enter(head: &Head) -> Result<Self, Problem> {
        limit_address(head)?;
        Ok(Self { state: Arc::clone(&head.state), request_id: head.request_id })
    }

    fn tenant(&self) -> Option<Arc<TenantCtx>> {
        None
    }
}

/// Somebody who has the permission of `A`, in their own tenant.
pub(crate) struct Authorized<A> {
    pub(crate) state: Arc<AppState>,
    ctx: Arc<TenantCtx>,
    /// When the second factor was last shown in this session, or before this token was issued.
    pub(crate) factor_shown_at: Option<Timestamp>,
    /// The browser session; `None` for tokens and the console.
    pub(crate) session: Option<SessionId>,
    /// The family of the token that was shown, if it came of one.
    pub(crate) family: Option<TokenFamilyId>,
    headers: HeaderMap,
    operation: &'static str,
    action: PhantomData<fn() -> A>,
}

impl<A: Action> Authorized<A> {
    /// The permit for the domain function that does it.
    pub(crate) fn permit(&self) -> Result<Permit<'_, A>, Denied> {
        authorize(&self.ctx)
    }

    /// The context, for work that outlives the handler; it asks for its own permit.
    pub(crate) fn ctx(&self) -> Arc<TenantCtx> {
        Arc::clone(&self.ctx)
    }

    /// The request's header.
    pub(crate) const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The name of the operation.
    pub(crate) const fn operation(&self) -> &'static str {
        self.operation
    }
}

impl<A: Action> CallContext for Authorized<A> {
    const ACCESS: Access = Access::Tenant(A::PERMISSION);

    async fn enter(head: &Head) -> Result<Self, Problem> {
        let caller = authenticate(head).await?;
        settled(head, &caller, A::PERMISSION)?;
        let factor_shown_at = caller.factor_shown_at();
        let family = caller.family;
        let (ctx, session) = admitted::<A>(head, caller).await?;
        Ok(Self {
            state: Arc::clone(&head.state),
            ctx,
            factor_shown_at,
            session,
            family,
            headers: head.parts.headers.clone(),
            operation: head.operation,
            action: PhantomData,
        })
    }

    fn tenant(&self) -> Option<Arc<TenantCtx>> {
        Some(self.ctx())
    }
}

/// As [`Authorized`], and open to somebody who still has a one-time password, or must yet enrol a
/// second factor. One that is enrolled must have been shown.
pub(crate) struct SignedIn<A> {
    pub(crate) state: Arc<AppState>,
    ctx: Arc<TenantCtx>,
    /// The browser session; `None` for tokens and the console.
    pub(crate) session: Option<SessionId>,
    action: PhantomData<fn() -> A>,
}

impl<A: Action> SignedIn<A> {
    /// The permit for the domain function that does it.
    pub(crate) fn permit(&self) -> Result<Permit<'_, A>, Denied> {
        authorize(&self.ctx)
    }

    /// The context.
    pub(crate) fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }
}

impl<A: Action> CallContext for SignedIn<A> {
    const ACCESS: Access = Access::SignedIn(A::PERMISSION);

    async fn enter(head: &Head) -> Result<Self, Problem> {
        let caller = authenticate(head).await?;
        if caller.second_factor == SecondFactor::Pending {
            return Err(Problem::new("second_factor_required"));
        }
        let (ctx, session) = admitted::<A>(head, caller).await?;
        Ok(Self { state: Arc::clone(&head.state), ctx, session, action: PhantomData })
    }

    fn tenant(&self) -> Option<Arc<TenantCtx>> {
        Some(Arc::clone(&self.ctx))
    }
}

/// Somebody whose password was right, whether or not they have shown their second factor: to show it,
/// or to leave.
pub(crate) struct Entering<A> {
    pub(crate) state: Arc<AppState>,
    ctx: Arc<TenantCtx>,
    /// The browser session; `None` for tokens and the console.
    pub(crate) session: Option<SessionId>,
    action: PhantomData<fn() -> A>,
}

impl<A: Action> Entering<A> {
    /// The context.
    pub(crate) fn ctx(&self) -> &TenantCtx {
        &self.ctx
    }
}

impl<A: Action> CallContext for Entering<A> {
    const ACCESS: Access = Access::Entering(A::PERMISSION);

    async fn enter(head: &Head) -> Result<Self, Problem> {
        let caller = authenticate(head).await?;
        let (ctx, session) = admitted::<A>(head, caller).await?;
        Ok(Self { state: Arc::clone(&head.state), ctx, session, action: PhantomData })
    }

    fn tenant(&self) -> Option<Arc<TenantCtx>> {
        Some(Arc::clone(&self.ctx))
    }
}

/// Somebody who administers the appliance.
pub(crate) struct Appliance<A> {
    pub(crate) state: Arc<AppState>,
    pub(crate) request_id: RequestId,
    scope: ApplianceScope,
    action: PhantomData<fn() -> A>,
}

impl<A: ApplianceAction> Appliance<A> {
    /// The permit for what is done.
    pub(crate) fn permit(&self) -> Result<AppliancePermit<'_, A>, Denied> {
        authorize_appliance(&self.scope)
    }

    /// As [`Appliance::permit`], for what is only done on the machine itself.
    pub(crate) fn permit_at_console(&self) -> Result<AppliancePermit<'_, A>, Problem> {
        if self.scope.home().is_some() {
            return Err(Problem::new("console_required"));
        }
        Ok(self.permit()?)
    }
}

impl<A: ApplianceAction> CallContext for Appliance<A> {
    const ACCESS: Access = Access::Appliance(A::PERMISSION);

    async fn enter(head: &Head) -> Result<Self, Problem> {
        let store = &head.state.store;
        let scope = match head.parts.extensions.get::<ConsolePeer>() {
            Some(ConsolePeer(key)) => store.appliance_scope(key.operator()),
            None => {
                let caller = authenticate(head).await?;
                settled(head, &caller, A::PERMISSION)?;
                match store.appliance_scope_from(&caller.scope).await {
                    Ok(scope) => scope,
                    Err(StoreError::Unauthenticated) => {
                        let (ctx, _) = entered(head, caller).await?;
                        let denied = Denied { permission: A::PERMISSION };
                        return Err(refused(head, &ctx, denied).await);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        Ok(Self {
            state: Arc::clone(&head.state),
            request_id: head.request_id,
            scope,
            action: PhantomData,
        })
    }

    fn tenant(&self) -> Option<Arc<TenantCtx>> {
        None
    }
}

impl Caller {
    fn factor_shown_at(&self) -> Option<Timestamp> {
        match self.second_factor {
            SecondFactor::Shown(at) => Some(at),
            _ => None,
        }
    }
}

/// Whether nothing stands between the caller and acting: a one-time password, a second factor that
/// is missing or was not shown, or not lately enough for this permission.
fn settled(head: &Head, caller: &Caller, permission: Permission) -> Result<(), Problem> {
    match caller.second_factor {
        // Whoever has a second factor shows it lately for this, and a key can't.
        SecondFactor::ShownForKey if permission.needs_step_up() => {
            return Err(Problem::new("second_factor_not_for_keys"));
        }
        SecondFactor::Pending => return Err(Problem::new("second_factor_required")),
        SecondFactor::Shown(at) if permission.needs_step_up() => {
            let age_ms = head.state.store.now().since_ms(at);
            // A time to come is a clock that was set back: it says nothing about "lately".
            if !(0..=head.state.settings.step_up_window_ms).contains(&age_ms) {
                return Err(Problem::new("step_up_required"));
            }
        }
        _ => {}
    }
    if caller.session.as_ref().is_some_and(|s| s.must_change_password) {
        return Err(Problem::new("password_change_required"));
    }
    if caller.second_factor == SecondFactor::Missing {
        return Err(Problem::new("second_factor_enrolment_required"));
    }
    Ok(())
}

/// Enters the caller's tenant and asks for the permission.
async fn admitted<A: Action>(
    head: &Head,
    caller: Caller,
) -> Result<(Arc<TenantCtx>, Option<SessionId>), Problem> {
    let (ctx, session) = entered(head, caller).await?;
    match authorize::<A>(&ctx) {
        Ok(_) => Ok((Arc::new(ctx), session)),
        Err(denied) => Err(refused(head, &ctx, denied).await),
    }
}

async fn entered(head: &Head, caller: Caller) -> Result<(TenantCtx, Option<SessionId>), Problem> {
    let ctx = head.state.store.enter(caller.scope, head.request_id).await?;
    tracing::Span::current().record("tenant.id", tracing::field::display(ctx.tenant_id()));
    if let Some(key) = &caller.key {
        identity::key_touch(&ctx, key, &head.state.settings.keys).await?;
    }
    let Some(session) = caller.session else { return Ok((ctx, None)) };
    identity::session_touch(&ctx, &session, &head.state.settings.sessions).await?;
    Ok((ctx, Some(session.id)))
}

/// Records what was refused. A record that can't be written does not make it allowed.
async fn refused(head: &Head, ctx: &TenantCtx, denied: Denied) -> Problem {
    let detail = serde_json::json!({
        "operation": head.operation,
        "permission": denied.permission.as_str(),
    });
    let event = Event::new(ACCESS_DENIED).outcome(Outcome::Denied).detail(detail);
    match ctx.record(event).await {
        Ok(()) | Err(StoreError::ReadOnly(_)) => denied.into(),
        Err(error) => error.into(),
    }
}
