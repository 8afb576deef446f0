//! What the handlers work with. Built once by the composition.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use agents::{Minds, Workbench};
use base::{ApiKeyId, TenantId, UserId};
use identity::{
    ExternalIssuer, KeySettings, Passwords, RefreshSettings, SessionSettings, TokenSettings,
    TokenSigner, TokenVerifier,
};
use knowledge::Library;
use models::{BudgetLedger, ModelRegistry, Tiers, Upstream, WorkerCageReport};
use parse::CageReport;
use policy::{OwnRateLimiter, RateLimitSettings, RateLimiter, SteadyClock};
use store::Store;
use tokio::sync::Semaphore;

use crate::events::Streams;
use crate::frame::CorsOrigins;
use crate::health::ClockWatch;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::tls::TlsIdentity;

/// Whose requests share a limit.
pub(crate) type PersonKey = (TenantId, Option<UserId>);

/// Files that are received at once.
const UPLOADS_MAX: usize = 32;

/// What an administrator may set about the HTTP side.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Requests a minute and person (API contract: 60).
    pub requests_per_minute: NonZeroU32,
    /// Requests a minute and tenant. The default is that of two hundred people who all use up theirs:
    /// it keeps one tenant from taking the appliance from the others, and is met by no plant at work.
    pub tenant_requests_per_minute: NonZeroU32,
    /// Requests a minute and network address, counted before anybody is asked who they are. The
    /// default is as high: a plant's tablets often stand behind one address.
    pub address_requests_per_minute: NonZeroU32,
    /// Callers that each rate limiter remembers at most, at about 100 bytes each.
    pub limited_callers_max: usize,
    /// Attempts to sign in a minute and network address.
    pub logins_per_minute: NonZeroU32,
    /// Foreign origins whose pages may call the API; none by default.
    pub cors_origins: CorsOrigins,
    /// Sessions of browsers.
    pub sessions: SessionSettings,
    /// Families of tokens that are refreshed.
    pub refresh: RefreshSettings,
    /// The appliance's own tokens.
    pub tokens: TokenSettings,
    /// Life of a token that is issued at login, in milliseconds.
    pub login_token_lifetime_ms: i64,
    /// API keys.
    pub keys: KeySettings,
    /// How long a second factor that was shown is good for what matters most, in milliseconds.
    pub step_up_window_ms: i64,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            requests_per_minute: NonZeroU32::MIN.saturating_add(59),
            tenant_requests_per_minute: NonZeroU32::MIN.saturating_add(11_999),
            address_requests_per_minute: NonZeroU32::MIN.saturating_add(11_999),
            limited_callers_max: RateLimitSettings::default().max_keys,
            logins_per_minute: NonZeroU32::MIN.saturating_add(29),
            cors_origins: CorsOrigins::default(),
            sessions: SessionSettings::default(),
            refresh: RefreshSettings::default(),
            tokens: TokenSettings::default(),
            login_token_lifetime_ms: 8 * 60 * 60 * 1000,
            keys: KeySettings::default(),
            step_up_window_ms: 10 * 60 * 1000,
        }
    }
}

/// What the state is made of.
pub struct AppParts {
    /// Everything that is kept.
    pub store: Store,
    /// Where passwords are hashed and checked.
    pub passwords: Passwords,
    /// Documents, search and the workers behind them.
    pub library: Library,
    /// Language models by what they can do; without any, answers are quotes.
    pub tiers: Tiers,
    /// Where language models are brought in, tried and given their tiers.
    pub models: ModelRegistry,
    /// Models on other machines.
    pub upstreams: Vec<Upstream>,
    /// What the parse cage's self-test found at start, or why it could not be run.
    pub cage: Result<CageReport, String>,
    /// The same of the model worker's cage.
    pub model_cage: Result<WorkerCageReport, String>,
    /// The recorder behind `/metrics`.
    pub metrics: Metrics,
    /// The server's certificate; `None` without TLS.
    pub tls: Option<Arc<TlsIdentity>>,
    /// Other issuers whose tokens are taken.
    pub issuers: Vec<ExternalIssuer>,
    /// Settings.
    pub settings: HttpSettings,
}

/// What the handlers work with.
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) passwords: Passwords,
    pub(crate) verifier: TokenVerifier,
    pub(crate) signer: TokenSigner,
    pub(crate) library: Library,
    tiers: Tiers,
    budget: BudgetLedger,
    /// What agents and workflows work with; the reason where it could not be made.
    workbench: Result<Workbench, String>,
    pub(crate) models: ModelRegistry,
    pub(crate) upstreams: Vec<Upstream>,
    pub(crate) cage: Result<CageReport, String>,
    pub(crate) model_cage: Result<WorkerCageReport, String>,
    pub(crate) metrics: Metrics,
    pub(crate) tls: Option<Arc<TlsIdentity>>,
    pub(crate) settings: HttpSettings,
    pub(crate) streams: Streams,
    /// Places for uploads: each holds a thread that may block for as long as it lasts.
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) person_limiter: RateLimiter<PersonKey>,
    pub(crate) key_limiter: OwnRateLimiter<ApiKeyId>,
    pub(crate) tenant_limiter: RateLimiter<TenantId>,
    pub(crate) address_limiter: RateLimiter<IpAddr>,
    pub(crate) login_limiter: RateLimiter<IpAddr>,
    pub(crate) clock_watch: ClockWatch,
}

impl AppState {
    /// The state of one process.
    #[must_use]
    pub fn new(parts: AppParts) -> Arc<Self> {
        let AppParts {
            store,
            passwords,
            library,
            tiers,
            models,
            upstreams,
            cage,
            model_cage,
            metrics,
            tls,
            issuers,
            settings,
        } = parts;
        let max_keys = settings.limited_callers_max;
        let limits = |requests_per_minute| RateLimitSettings { requests_per_minute, max_keys };
        let clock = SteadyClock::of_machine();
        let (by_tenant, by_address) =
            (settings.tenant_requests_per_minute, settings.address_requests_per_minute);
        let workbench = Workbench::new(Minds::new(tiers.clone()), library.clone())
            .map_err(|error| error.to_string());
        Arc::new(Self {
            verifier: TokenVerifier::of_appliance(&store, &settings.tokens).trusting(issuers),
            signer: TokenSigner::of_appliance(&store, &settings.tokens),
            person_limiter: RateLimiter::new(limits(settings.requests_per_minute), clock.clone()),
            key_limiter: OwnRateLimiter::new(max_keys, clock.clone()),
            tenant_limiter: RateLimiter::new(limits(by_tenant), clock.clone()),
            address_limiter: RateLimiter::new(limits(by_address), clock.clone()),
            login_limiter: RateLimiter::new(limits(settings.logins_per_minute), clock),
            clock_watch: ClockWatch::start(store.now()),
            streams: Streams::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            store,
            passwords,
            library,
            budget: BudgetLedger::new(tiers.clone()),
            workbench,
            tiers,
            models,
            upstreams,
            cage,
            model_cage,
            metrics,
            tls,
            settings,
        })
    }

    /// Language models by what they can do.
    #[must_use]
    pub const fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// What agents and workflows work with.
    ///
    /// # Errors
    /// When a file of the house is declared wrongly, which a test sees to.
    pub(crate) fn workbench(&self) -> Result<&Workbench, Problem> {
        self.workbench.as_ref().map_err(|reason| {
            tracing::error!(reason, "agents and workflows can't be used");
            Problem::new("internal_error")
        })
    }

    /// Where tokens are reserved before anything is generated.
    #[must_use]
    pub const fn budget(&self) -> &BudgetLedger {
        &self.budget
    }
}
