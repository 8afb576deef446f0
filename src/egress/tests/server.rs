//! A server on this machine that remembers what reached it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// Bytes of the large answers.
pub(super) const LARGE_BYTES: usize = 100_000;

type AnyBody = http_body_util::combinators::BoxBody<Bytes, Infallible>;

/// A request as it arrived.
pub(super) struct Arrived {
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<Arrived>>,
    names: Mutex<Vec<Option<String>>>,
    /// Lets the slow answer go on.
    on: Notify,
}

/// The server; it ends with the test's runtime.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
}

impl Server {
    /// Plain HTTP on this address; port 0 is a free one.
    pub(super) async fn plain(address: &str) -> Self {
        Self::start(address, None).await
    }

    pub(super) async fn start(address: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let remembered = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                remembered.connections.fetch_add(1, Ordering::Relaxed);
                let (seen, tls) = (Arc::clone(&remembered), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, seen).await,
                        Some(acceptor) => {
                            let Ok(stream) = acceptor.accept(stream).await else { return };
                            let name = stream.get_ref().1.server_name().map(str::to_owned);
                            seen.names.lock().push(name);
                            serve(stream, seen).await;
                        }
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::Relaxed)
    }

    pub(super) fn requests(&self) -> Vec<Arrived> {
        std::mem::take(&mut self.seen.requests.lock())
    }

    /// Lets the slow answer go on.
    pub(super) fn go_on(&self) {
        self.seen.on.notify_one();
    }

    /// The names that clients asked for in their handshakes (SNI).
    pub(super) fn names(&self) -> Vec<Option<String>> {
        self.seen.names.lock().clone()
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, seen: Arc<Seen>) {
    let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<AnyBody>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let target = parts.uri.to_string();
    seen.requests.lock().push(Arrived { target, headers: parts.headers, body });
    let whole = |bytes: Vec<u8>| Full::new(Bytes::from(bytes)).boxed();
    Ok(match path.as_str() {
        "/redirect" => Response::builder()
            .status(302)
            .header("location", "/elsewhere")
            .body(whole(Vec::new()))
            .unwrap(),
        "/large" => Response::new(whole(vec![b'x'; LARGE_BYTES])),
        "/large/chunked" => {
            let pieces = vec![Bytes::from_static(&[b'x'; 1_000]); LARGE_BYTES / 1_000];
            let frames = pieces.into_iter().map(|piece| Ok(Frame::data(piece)));
            Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed())
        }
        "/slow" => {
            let frames = futures_util::stream::unfold(0, move |said| {
                let seen = Arc::clone(&seen);
                async move {
                    let word = match said {
                        0 => "one ",
                        1 => {
                            seen.on.notified().await;
                            "two"
                        }
                        _ => return None,
                    };
                    Some((Ok(Frame::data(Bytes::from_static(word.as_bytes()))), said + 1))
                }
            });
            Response::new(StreamBody::new(frames).boxed())
        }
        "/never" => std::future::pending().await,
        "/teapot" => Response::builder().status(418).body(whole(b"short".to_vec())).unwrap(),
        _ => Response::new(whole(b"answer".to_vec())),
    })
}
