//! One request and one bounded answer on a connection that is used for nothing else.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::EgressError;
use crate::record::Progress;

/// Most header fields of an answer.
const HEADERS_MAX: usize = 100;

/// Largest header of an answer, in bytes.
const HEADER_MAX_BYTES: usize = 64 * 1024;

/// Fields that belong to the connection, which is the door's (RFC 9110 section 7.6.1), and the
/// length, which follows from the body.
const NOT_THE_CALLERS: [HeaderName; 10] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// The request as it goes over the wire: the path alone in its first line, the place in `Host`.
pub(crate) fn prepare(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, EgressError> {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority().ok_or(EgressError::Url("it has no host"))?;
    let host = HeaderValue::from_str(authority.as_str())
        .map_err(|_| EgressError::Url("its host can't be written in a header"))?;
    set_own_headers(&mut parts.headers, host);
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = target.parse::<Uri>().map_err(|_| EgressError::Url("its path can't be sent"))?;
    parts.version = hyper::Version::HTTP_11;
    // Whatever a caller's library attached is for that library.
    parts.extensions.clear();
    Ok(Request::from_parts(parts, Full::new(body)))
}

fn set_own_headers(headers: &mut HeaderMap, host: HeaderValue) {
    for name in &NOT_THE_CALLERS {
        headers.remove(name);
    }
    headers.insert(header::HOST, host);
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// An answer whose body is still to come.
pub(crate) struct Answer {
    parts: Parts,
    body: Incoming,
    /// Moves the bytes; what goes wrong there is told by the body. Ends with the answer.
    _connection: AbortOnDropHandle<hyper::Result<()>>,
}

/// Sends the request and waits for the head of the answer.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    progress: &mut Progress,
) -> Result<Answer, EgressError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_MAX_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(EgressError::Exchange)?;
    let connection = AbortOnDropHandle::new(tokio::spawn(connection));
    progress.request_bytes =
        request.body().size_hint().exact().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let response = sender.send_request(request).await.map_err(EgressError::Exchange)?;
    let status = response.status();
    progress.status = Some(status.as_u16());
    if status.is_redirection() {
        return Err(EgressError::Redirected { status: status.as_u16() });
    }
    let (parts, body) = response.into_parts();
    Ok(Answer { parts, body, _connection: connection })
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        self.parts.status.is_success()
    }

    /// Reads the body to its end, or to the limit.
    pub(crate) async fn whole(
        mut self,
        max_bytes: usize,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, EgressError> {
        let mut read = Vec::new();
        while let Some(data) = self.next(max_bytes, progress).await? {
            read.extend_from_slice(&data);
        }
        Ok(Response::from_parts(self.parts, read.into()))
    }

    /// Hands the body over as it comes, to its end or to the limit; what comes back has none.
    pub(crate) async fn in_pieces(
        mut self,
        pieces: &mpsc::Sender<Bytes>,
        max_bytes: usize,
        progress: &mut Progress,
    ) -> Result<Response<Bytes>, EgressError> {
        while let Some(data) = self.next(max_bytes, progress).await? {
            if pieces.send(data).await.is_err() {
                return Err(EgressError::Abandoned);
            }
        }
        Ok(Response::from_parts(self.parts, Bytes::new()))
    }

    async fn next(
        &mut self,
        max_bytes: usize,
        progress: &mut Progress,
    ) -> Result<Option<Bytes>, EgressError> {
        let too_large = || EgressError::ResponseTooLarge { max_bytes };
        // The length that the answer declares, when it does.
        let declared = self.body.size_hint().lower();
        if (progress.response_bytes as u64).saturating_add(declared) > max_bytes as u64 {
            return Err(too_large());
        }
        while let Some(frame) = self.body.frame().await {
            let Ok(data) = frame.map_err(EgressError::Exchange)?.into_data() else { continue };
            progress.response_bytes += data.len();
            return if progress.response_bytes > max_bytes {
                Err(too_large())
            } else {
                Ok(Some(data))
            };
        }
        Ok(None)
    }
}
