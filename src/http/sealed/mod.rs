//! The appliance while its master key is sealed: health, unsealing, and a page that says so. Nothing
//! else, because nothing can be read.

mod guesses;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use base::Coded as _;
use parking_lot::Mutex;
use seal::{KeyOrigin, MasterKey};
use serde::{Deserialize, Serialize};
use store::{SealedStore, ShareProgress, StoreError};
use tokio::sync::{Semaphore, mpsc, oneshot};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::about::{asset, sealed_page};
use crate::appliance::ShareSetView;
use crate::call::{AtConsole, PeerAddress, Public, network};
use crate::endpoint::endpoint;
use crate::frame::{cross_site, finish};
use crate::input::{Json, read_whole};
use crate::output::{Ok200, bytes_answer};
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

use guesses::Guesses;

/// Tries that wait for their turn: each takes a fifth of a second and 64 MiB.
const WAITING_MAX: usize = 4;
/// How long a sealed appliance may take to open its databases.
const OPENING: Duration = Duration::from_secs(120);

/// A key that somebody has opened, on its way to whoever opens the databases with it.
pub struct Unsealing {
    /// The key.
    pub master: MasterKey,
    /// What opened it.
    pub origin: KeyOrigin,
    /// Told when the appliance answers, or why it does not.
    pub done: oneshot::Sender<Result<(), String>>,
}

/// What stands before a sealed store.
pub struct SealedGate {
    store: SealedStore,
    guesses: Mutex<Guesses>,
    began: Instant,
    /// One try at a time.
    turn: Semaphore,
    /// A place in the queue for it.
    waiting: Semaphore,
    opened: mpsc::Sender<Unsealing>,
}

impl SealedGate {
    /// The gate before `store`, and where opened keys come out.
    #[must_use]
    pub fn new(store: SealedStore) -> (Arc<Self>, mpsc::Receiver<Unsealing>) {
        let (opened, openings) = mpsc::channel(1);
        let gate = Self {
            store,
            guesses: Mutex::default(),
            began: Instant::now(),
            turn: Semaphore::new(1),
            waiting: Semaphore::new(WAITING_MAX),
            opened,
        };
        (Arc::new(gate), openings)
    }

    /// The store behind it.
    #[must_use]
    pub const fn store(&self) -> &SealedStore {
        &self.store
    }

    fn view(&self) -> UnsealView {
        UnsealView {
            sealed: true,
            passphrase: self.store.has_passphrase(),
            shares: self.store.shares().map(|set| ShareSetView {
                set: set.name(),
                threshold: set.threshold,
                count: set.count,
            }),
            shares_brought: self.store.shares_brought(),
        }
    }

    /// Who may try now; `None` for the console, which never waits.
    fn admit(&self, from: Option<IpAddr>) -> Result<(), Problem> {
        let Some(from) = from else { return Ok(()) };
        match self.guesses.lock().wait(from, self.began.elapsed()) {
            None => Ok(()),
            Some(wait) => {
                let wait_s = u32::try_from(wait.as_secs() + 1).unwrap_or(u32::MAX);
                Err(Problem::new("unseal_delayed").with_retry_after_s(wait_s))
            }
        }
    }

    async fn unseal(
        self: &Arc<Self>,
        from: Option<IpAddr>,
        attempt: Attempt,
    ) -> Result<UnsealView, Problem> {
        let busy = || Problem::new("unseal_delayed").with_retry_after_s(1);
        let _place = self.waiting.try_acquire().map_err(|_| busy())?;
        let _turn = self.turn.acquire().await.map_err(|_| busy())?;
        self.admit(from)?;
        let this = Arc::clone(self);
        let tried = tokio::task::spawn_blocking(move || match attempt {
            Attempt::Passphrase(words) => this
                .store
                .open_with_passphrase(&words)
                .map(|master| (ShareProgress::Open(master), KeyOrigin::Passphrase)),
            Attempt::Share(text) => {
                this.store.bring_share(&text).map(|progress| (progress, KeyOrigin::Shares))
            }
        });
        let tried = tried.await.map_err(|e| Problem::new("internal_error").with_cause(e))?;
        let (progress, origin) = tried.map_err(|error| self.mistaken(from, error))?;
        match progress {
            ShareProgress::Waiting { .. } => Ok(self.view()),
            ShareProgress::Open(master) => {
                self.hand_over(master, origin).await?;
                Ok(UnsealView::open())
            }
        }
    }

    fn mistaken(&self, from: Option<IpAddr>, error: StoreError) -> Problem {
        tracing::warn!(code = error.code(), "somebody failed to unseal");
        if let Some(from) = from {
            self.guesses.lock().mistaken(from, self.began.elapsed());
        }
        Problem::from(error)
    }

    /// Ends when the appliance answers.
    async fn hand_over(&self, master: MasterKey, origin: KeyOrigin) -> Result<(), Problem> {
        let (done, is_done) = oneshot::channel();
        let failed = || Problem::new("store_unavailable");
        self.opened.send(Unsealing { master, origin, done }).await.map_err(|_| failed())?;
        match tokio::time::timeout(OPENING, is_done).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(why))) => Err(failed()
                .with_detail(format!("The key is right, but the store does not open: {why}"))),
            Ok(Err(_)) | Err(_) => Err(failed()),
        }
    }
}

/// What somebody brings. Neither is shown by anything.
enum Attempt {
    Passphrase(Zeroizing<String>),
    Share(Zeroizing<String>),
}

/// A passphrase, or one share.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnsealRequest {
    /// The passphrase.
    #[serde(default)]
    #[schema(max_length = 1024)]
    passphrase: Option<String>,
    /// One share, as it was printed; shares are brought one by one.
    #[serde(default)]
    #[schema(max_length = 256)]
    share: Option<String>,
}

impl UnsealRequest {
    fn attempt(self) -> Result<Attempt, Problem> {
        match (self.passphrase.map(Zeroizing::new), self.share.map(Zeroizing::new)) {
            (Some(words), None) => Ok(Attempt::Passphrase(words)),
            (None, Some(text)) => Ok(Attempt::Share(text)),
            _ => Err(Problem::invalid("passphrase", "send either a passphrase or one share")),
        }
    }
}

/// Whether the appliance is sealed, and what unseals it.
#[derive(Serialize, ToSchema)]
#[schema(as = Seal)]
struct UnsealView {
    /// Nothing can be read yet.
    sealed: bool,
    /// A passphrase unseals it.
    passphrase: bool,
    /// Shares unseal it; absent when there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<ShareSetView>,
    /// Shares brought so far; forgotten ten minutes after the last one.
    shares_brought: usize,
}

impl UnsealView {
    const fn open() -> Self {
        Self { sealed: false, passphrase: false, shares: None, shares_brought: 0 }
    }
}

/// The routes of this room in the table: as an appliance answers them that is open.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: "/api/v1/unseal",
            operation: "unseal_get",
            summary: "Whether the appliance is sealed, and what unseals it",
            audit: Audit::Nothing,
            rate: RateClass::Open,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(unseal_get),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/unseal",
            operation: "unseal",
            summary: "Unseal the appliance with the passphrase, or bring one share",
            audit: Audit::Entry("master_key.unsealed"),
            rate: RateClass::Login,
            idempotency: Idempotency::Refused("a repeat is noticed: the appliance is open then"),
            endpoint: endpoint(unseal),
        },
    ]
}

async fn unseal_get(_call: Public, (): ()) -> Result<Ok200<UnsealView>, Problem> {
    Ok(Ok200(UnsealView::open()))
}

async fn unseal(
    _call: Public,
    Json(request): Json<UnsealRequest>,
) -> Result<Ok200<UnsealView>, Problem> {
    request.attempt()?;
    Err(Problem::new("not_sealed"))
}

/// The router of a sealed appliance.
pub(crate) fn sealed_router(gate: Arc<SealedGate>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/assets/{*asset}", get(page_asset))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/api/v1/unseal", get(sealed_unseal_get).post(sealed_unseal))
        .fallback(|| async { Problem::new("sealed") })
        .method_not_allowed_fallback(|| async { Problem::new("method_not_allowed") })
        .layer(from_fn_with_state(Arc::clone(&gate), sealed_frame))
        .with_state(gate)
}

/// As the frame of the open appliance, without figures.
async fn sealed_frame(
    State(gate): State<Arc<SealedGate>>,
    request: Request,
    next: Next,
) -> Response {
    let id = gate.store.new_request_id().ok();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let at_console = request.extensions().get::<AtConsole>().is_some();
    let checked = if at_console { Ok(()) } else { cross_site::check(&request) };
    let response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    let response = finish(response, id, &route);
    tracing::info!(
        http.route = route,
        http.status = response.status().as_u16(),
        "request answered"
    );
    response
}

async fn page() -> Result<Response, Problem> {
    sealed_page()
}

async fn page_asset(Path(path): Path<String>) -> Result<Response, Problem> {
    asset(&path)
}

async fn live() -> Response {
    let body = serde_json::json!({ "status": "live", "version": env!("CARGO_PKG_VERSION") });
    bytes_answer(StatusCode::OK, "application/json", body.to_string())
}

async fn ready() -> Response {
    let part = serde_json::json!({
        "name": "key",
        "state": "failed",
        "detail": "sealed: the master key waits for its passphrase or for shares",
        "action": "unseal on the start page, or with `millwright unseal` on the machine",
    });
    let body = serde_json::json!({ "state": "failed", "sealed": true, "parts": [part] });
    let mut response =
        bytes_answer(StatusCode::SERVICE_UNAVAILABLE, "application/json", body.to_string());
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("10"));
    response
}

async fn sealed_unseal_get(State(gate): State<Arc<SealedGate>>) -> Result<Response, Problem> {
    answer(&gate.view())
}

async fn sealed_unseal(
    State(gate): State<Arc<SealedGate>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    // None by the console's socket, which only the appliance's own user and root can open.
    let from = parts.extensions.get().map(|PeerAddress(address)| network(*address));
    gate.admit(from)?;
    let is_json = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !is_json.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/json")) {
        return Err(Problem::new("unsupported_media_type")
            .with_detail("Send a body of type application/json."));
    }
    let bytes = read_body(body).await?;
    let read: UnsealRequest = serde_json::from_slice(&bytes).map_err(|_| {
        Problem::new("malformed_request")
            .with_detail("Send {\"passphrase\": …} or {\"share\": …} as JSON.")
    })?;
    answer(&gate.unseal(from, read.attempt()?).await?)
}

/// A body as small as the table says, within a time.
async fn read_body(body: Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let class = RateClass::Login;
    let read = read_whole(body, class.body_max_bytes());
    match tokio::time::timeout(class.timeout(), read).await {
        Ok(bytes) => Ok(Zeroizing::new(bytes?.to_vec())),
        Err(_) => Err(Problem::new("request_timeout")),
    }
}

fn answer(view: &UnsealView) -> Result<Response, Problem> {
    let bytes =
        serde_json::to_vec(view).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(bytes_answer(StatusCode::OK, "application/json", bytes))
}
