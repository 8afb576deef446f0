//! Reading a stream as the body of an answer.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use futures_util::stream;

use super::buffer::Next;
use super::{EventId, Stream};
use crate::output::streamed;

/// The answer that sends `stream` from after event number `after`; 0 is from the beginning.
pub(crate) fn answer(stream: &Arc<Stream>, after: u64) -> Response {
    let reader = Reader::new(stream, after);
    let body = stream::unfold(Some(reader), |reader| async move {
        let mut reader = reader?;
        let (text, more) = reader.next().await?;
        let bytes = Ok::<_, Infallible>(Bytes::from(text));
        Some((bytes, more.then_some(reader)))
    });
    let mut response = Response::new(streamed(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Reverse proxies would hold events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// Counts as a reader of its stream as long as it lives.
struct Reader {
    stream: Arc<Stream>,
    after: u64,
}

impl Reader {
    fn new(stream: &Arc<Stream>, after: u64) -> Self {
        stream.buffer.reader_came();
        Self { stream: Arc::clone(stream), after }
    }

    /// The next event as text, and whether another may follow.
    async fn next(&mut self) -> Option<(String, bool)> {
        let mut changed = self.stream.buffer.watch();
        loop {
            changed.mark_unchanged();
            match self.stream.buffer.after(self.after) {
                Next::Event(event) => {
                    self.after = event.number;
                    return Some((self.frame(event.name, &event.data), true));
                }
                Next::End => return None,
                Next::Lost => {
                    let data = r#"{"code":"stream_expired","message":"too far behind: events were dropped"}"#;
                    return Some((self.frame("error", data), false));
                }
                Next::Later => {}
            }
            tokio::select! {
                woken = changed.changed() => woken.ok()?,
                () = tokio::time::sleep(self.stream.timing.heartbeat) => {
                    return Some((self.frame("heartbeat", "{}"), true));
                }
            }
        }
    }

    /// A heartbeat has the id of the event before it, so that it changes nothing for a client that
    /// comes back.
    fn frame(&self, name: &str, data: &str) -> String {
        let id = EventId { stream: self.stream.id, number: self.after };
        format!("event: {name}\nid: {id}\ndata: {data}\n\n")
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stream.buffer.reader_left();
    }
}
