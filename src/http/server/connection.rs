//! One connection: handshake, then HTTP/1.1 or HTTP/2, each step with its time limit.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::first_bytes::FirstBytes;
use super::takeover::Takeover;
use crate::call::{AtConsole, ConsolePeer, PeerAddress};

/// A client that has not finished its handshake by then is cut off.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The same for the header of a request.
const HEADER: Duration = Duration::from_secs(15);
/// Pings keep half-dead HTTP/2 connections from holding their place.
const PING: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);
/// Requests at once on one HTTP/2 connection.
const STREAMS_PER_CONNECTION: u32 = 64;
/// Largest header, in bytes.
const HEADER_MAX_BYTES: u32 = 32 * 1024;
/// Largest number of header fields.
const HEADERS_MAX: usize = 100;

/// What every connection needs.
#[derive(Clone)]
pub(super) struct Connections {
    /// What answers now.
    pub(super) answering: Takeover,
    pub(super) places: Arc<Semaphore>,
    /// Connections that have not ended.
    pub(super) open: TaskTracker,
    pub(super) shutdown: CancellationToken,
}

/// Who is at the other end; becomes an extension of each request.
#[derive(Clone, Copy)]
enum Peer {
    Address(IpAddr),
    Console,
}

impl Connections {
    pub(super) fn spawn_tcp(
        &self,
        stream: TcpStream,
        address: IpAddr,
        acceptor: Option<TlsAcceptor>,
        place: OwnedSemaphorePermit,
    ) {
        let this = self.clone();
        self.open.spawn(async move {
            let _place = place;
            // Small answers are not to wait for more.
            let _ = stream.set_nodelay(true);
            let peer = Peer::Address(address);
            match acceptor {
                None => this.serve(stream, peer).await,
                Some(acceptor) => {
                    let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                    match handshake.await {
                        Ok(Ok(stream)) => this.serve(stream, peer).await,
                        // Scanners and browsers that don't trust the authority yet: no event.
                        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
                        Err(_) => tracing::debug!("a handshake took too long"),
                    }
                }
            }
        });
    }

    pub(super) fn spawn_console(&self, stream: tokio::net::UnixStream) {
        let this = self.clone();
        self.open.spawn(async move { this.serve(stream, Peer::Console).await });
    }

    async fn serve<S>(self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let answering = self.answering;
        // Looked up for each request: a connection that was opened while the appliance was sealed is
        // answered by the whole of it afterwards.
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let (mut request, router) = (request.map(Body::new), answering.router());
            let extensions = request.extensions_mut();
            match (peer, answering.console_key()) {
                (Peer::Address(address), _) => {
                    extensions.insert(PeerAddress(address));
                }
                (Peer::Console, Some(key)) => {
                    extensions.insert(ConsolePeer(key));
                }
                (Peer::Console, None) => {
                    extensions.insert(AtConsole);
                }
            }
            router.oneshot(request)
        });
        let builder = builder();
        let stream = TokioIo::new(FirstBytes::new(stream, HEADER));
        let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.cancelled() => {
                // No further request is taken; those that are open may end.
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_headers(HEADERS_MAX)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING_ANSWER)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .max_header_list_size(HEADER_MAX_BYTES);
    builder
}
