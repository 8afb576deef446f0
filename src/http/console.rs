//! The console: the operator at the machine itself, by the socket of a running server or, when no
//! server runs, by calling the same router in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use base::{TenantId, UserId};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use store::{OperatorKey, Store, StoreError, TenantScope};
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use crate::call::ConsolePeer;
use crate::route::Method;

/// Names the tenant of a console request, by slug.
pub const TENANT_HEADER: HeaderName = HeaderName::from_static("millwright-tenant");
/// Names the person of a console request, by e-mail address: their rights count, not the
/// operator's.
pub const ACT_AS_HEADER: HeaderName = HeaderName::from_static("millwright-act-as");

/// Largest answer that is read whole, in bytes.
const ANSWER_MAX_BYTES: usize = 64 * 1024 * 1024;

/// The operator key in the hands of the console: the socket's server or the in-process client.
/// Nothing else takes it.
#[derive(Clone)]
pub struct ConsoleKey(Arc<OperatorKey>);

impl ConsoleKey {
    /// Hands the operator key to the console.
    #[must_use]
    pub fn new(key: OperatorKey) -> Self {
        Self(Arc::new(key))
    }

    /// The scope of the operator, or of a person whose rights the operator takes on.
    ///
    /// # Errors
    /// [`StoreError`] when there is no such tenant or person.
    pub async fn scope(
        &self,
        store: &Store,
        tenant: TenantId,
        acting_as: Option<UserId>,
    ) -> Result<TenantScope, StoreError> {
        store.scope_from_operator(&self.0, tenant, acting_as).await
    }

    pub(crate) fn operator(&self) -> &OperatorKey {
        &self.0
    }
}

/// Where the console's socket of a data directory is.
#[must_use]
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("console.sock")
}

/// A client of the API with the operator's rights.
#[derive(Clone)]
pub struct Console {
    way: Way,
}

#[derive(Clone)]
enum Way {
    Socket(PathBuf),
    InProcess { router: Router, key: ConsoleKey },
}

/// One request of the console.
#[derive(Debug)]
pub struct ConsoleRequest {
    method: Method,
    /// Path and query.
    target: String,
    tenant: Option<String>,
    act_as: Option<String>,
    content_type: Option<String>,
    body: Body,
}

impl ConsoleRequest {
    /// A request without a body. `target` is path and query, already percent-encoded.
    #[must_use]
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            tenant: None,
            act_as: None,
            content_type: None,
            body: Body::empty(),
        }
    }

    /// In the tenant with this slug; the only tenant when none is named.
    #[must_use]
    pub fn tenant(mut self, slug: Option<String>) -> Self {
        self.tenant = slug;
        self
    }

    /// With the rights of the person with this e-mail address.
    #[must_use]
    pub fn act_as(mut self, email: Option<String>) -> Self {
        self.act_as = email;
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", Body::from(body.to_string()))
    }

    /// With a body that is whole in memory.
    #[must_use]
    pub fn bytes(self, content_type: impl Into<String>, body: Vec<u8>) -> Self {
        self.body(content_type, Body::from(body))
    }

    /// With a body of any type, which may be a stream.
    #[must_use]
    pub fn body(mut self, content_type: impl Into<String>, body: Body) -> Self {
        self.content_type = Some(content_type.into());
        self.body = body;
        self
    }

    fn into_http(self) -> Result<Request<Body>, ConsoleError> {
        let mut request = Request::builder()
            .method(self.method.as_str())
            .uri(self.target)
            .header(header::HOST, "console");
        let fields = [
            (TENANT_HEADER, self.tenant),
            (ACT_AS_HEADER, self.act_as),
            (header::CONTENT_TYPE, self.content_type),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                let value = HeaderValue::from_str(&value);
                request = request.header(name, value.map_err(|_| ConsoleError::Request)?);
            }
        }
        request.body(self.body).map_err(|_| ConsoleError::Request)
    }
}

/// An answer to the console.
#[derive(Debug)]
pub struct ConsoleResponse {
    /// The status.
    pub status: StatusCode,
    /// `Location`, where something was made or queued.
    pub location: Option<String>,
    body: Body,
}

impl ConsoleResponse {
    /// The body, whole.
    ///
    /// # Errors
    /// [`ConsoleError::Answer`] when it is cut off or larger than 64 MiB.
    pub async fn bytes(self) -> Result<Bytes, ConsoleError> {
        let body = http_body_util::Limited::new(self.body, ANSWER_MAX_BYTES);
        body.collect().await.map(|all| all.to_bytes()).map_err(|_| ConsoleError::Answer)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// [`ConsoleError::Answer`] when it is not what was expected.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ConsoleError> {
        serde_json::from_slice(&self.bytes().await?).map_err(|_| ConsoleError::Answer)
    }

    /// The next piece of a body that is a stream; `None` at its end.
    ///
    /// # Errors
    /// [`ConsoleError::Answer`] when it is cut off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ConsoleError> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|_| ConsoleError::Answer)?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// The console could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    /// No server answers at the socket.
    #[error("no server answers at {}", path.display())]
    NotRunning {
        /// The socket.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A part of the request can't stand in an HTTP request.
    #[error("the request holds a character that can't be sent")]
    Request,
    /// The connection broke.
    #[error("the connection to the server broke")]
    Connection(#[source] hyper::Error),
    /// The answer is cut off or not what was expected.
    #[error("the answer is not what was expected")]
    Answer,
}

impl Console {
    /// The console of the server that runs on a data directory.
    ///
    /// # Errors
    /// [`ConsoleError::NotRunning`] when none does.
    pub async fn connect(data_dir: &Path) -> Result<Self, ConsoleError> {
        let path = socket_path(data_dir);
        drop(open(&path).await?);
        Ok(Self { way: Way::Socket(path) })
    }

    /// A console that calls `router` in this process.
    #[must_use]
    pub const fn in_process(router: Router, key: ConsoleKey) -> Self {
        Self { way: Way::InProcess { router, key } }
    }

    /// Whether a server answers, and not this process.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        matches!(self.way, Way::Socket(_))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`ConsoleError`]; a problem document is an answer, not an error.
    pub async fn send(&self, request: ConsoleRequest) -> Result<ConsoleResponse, ConsoleError> {
        let mut request = request.into_http()?;
        let response = match &self.way {
            Way::InProcess { router, key } => {
                request.extensions_mut().insert(ConsolePeer(key.clone()));
                match router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                }
            }
            Way::Socket(path) => send_by_socket(path, request).await?,
        };
        let (parts, body) = response.into_parts();
        let location = parts.headers.get(header::LOCATION).and_then(|v| v.to_str().ok());
        Ok(ConsoleResponse { status: parts.status, location: location.map(str::to_owned), body })
    }
}

async fn open(path: &Path) -> Result<UnixStream, ConsoleError> {
    let failed = |source| ConsoleError::NotRunning { path: path.to_owned(), source };
    UnixStream::connect(path).await.map_err(failed)
}

/// One connection per request: the console asks seldom, and the socket costs nothing.
async fn send_by_socket(
    path: &Path,
    request: Request<Body>,
) -> Result<axum::response::Response, ConsoleError> {
    let io = TokioIo::new(open(path).await?);
    let handshake = hyper::client::conn::http1::handshake(io).await;
    let (mut sender, connection) = handshake.map_err(ConsoleError::Connection)?;
    // Ends with the answer's body, or when the answer is dropped.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a console connection ended early");
        }
    });
    let response = sender.send_request(request).await.map_err(ConsoleError::Connection)?;
    Ok(response.map(Body::new))
}
