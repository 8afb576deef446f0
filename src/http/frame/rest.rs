//! What of a request's body nobody has read when the answer stands.
//!
//! HTTP/1.1 has no way to say "stop sending": a server that answers and closes while the other end
//! still sends makes the network throw the answer away, and a caller who should have read 401 sees a
//! broken connection (RFC 9112 section 9.6). So the rest is taken and thrown away first, within bounds.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Version, header};
use hyper::body::{Frame, SizeHint};

/// Most bytes that are taken for nothing. Whoever sends more is cut off.
const REST_MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long they are waited for.
const REST_MAX: Duration = Duration::from_secs(5);

/// The body of a request, to be read to its end by [`Rest::discard`] after whoever was to read it.
pub(super) struct Rest(Option<Shared>);

impl Rest {
    /// Lends the body of `request` to whoever answers it.
    pub(super) fn lend(request: Request) -> (Request, Self) {
        let (parts, body) = request.into_parts();
        // HTTP/2 ends a single stream. Who waits for "100 Continue" has not sent anything, and would
        // be asked to by reading.
        let is_left_alone = parts.version > Version::HTTP_11
            || body.is_end_stream()
            || parts.headers.contains_key(header::EXPECT);
        if is_left_alone {
            return (Request::from_parts(parts, body), Self(None));
        }
        let shared = Shared(Arc::new(Mutex::new(body)));
        let lent = Body::new(Shared(Arc::clone(&shared.0)));
        (Request::from_parts(parts, lent), Self(Some(shared)))
    }

    /// Takes what is left of the body, as far as the limits go.
    pub(super) async fn discard(self) {
        let Some(mut body) = self.0 else { return };
        let is_too_long = |body: &Shared| body.size_hint().lower() > REST_MAX_BYTES as u64;
        if body.is_end_stream() || is_too_long(&body) {
            return;
        }
        let read = async {
            let mut taken = 0;
            while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                taken += frame.data_ref().map_or(0, Bytes::len);
                if taken > REST_MAX_BYTES {
                    return;
                }
            }
        };
        // Whether all of it came makes no difference: the answer goes out.
        let _ = tokio::time::timeout(REST_MAX, read).await;
    }
}

/// One body in two hands, of which one is put away before the other is used.
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn body(&self) -> MutexGuard<'_, Body> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut *self.body()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body().size_hint()
    }
}
