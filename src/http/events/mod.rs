//! Event streams (WHATWG HTML section 9.2): bounded buffers that a client can take up again.
//!
//! A stream's events are numbered. A client that lost its connection sends the last id it saw and
//! gets what followed, as long as the buffer is kept: a minute after the last event. A stream that
//! nobody reads for a few seconds is abandoned, and the work behind it ends.

mod buffer;
mod reader;
mod work;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Actor, RequestId, TenantId, UserId};
use tokio::time::Instant;

use buffer::Buffer;
pub(crate) use reader::answer;
pub(crate) use work::{Streaming, follow, open, push_problem, resume};

/// Streams that are kept at once.
const STREAMS_MAX: usize = 1024;

/// The times of streams; other ones in tests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// How long a finished stream can be taken up again.
    keep_finished: Duration,
    /// How long a stream without a reader goes on: a reconnecting client takes a moment.
    abandon_after: Duration,
    /// How often a silent stream says that it lives.
    heartbeat: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            keep_finished: Duration::from_secs(60),
            abandon_after: Duration::from_secs(5),
            heartbeat: Duration::from_secs(15),
        }
    }
}

/// Whose stream it is: nobody else can take it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) tenant: TenantId,
    pub(crate) actor: Actor,
    pub(crate) user: Option<UserId>,
}

/// The id of an event: the request that began the stream, and a number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) stream: RequestId,
    pub(crate) number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stream, self.number)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (stream, number) = text.split_once(':').ok_or(())?;
        Ok(Self {
            stream: stream.parse().map_err(|_| ())?,
            number: number.parse().map_err(|_| ())?,
        })
    }
}

/// All streams of the process.
#[derive(Default)]
pub(crate) struct Streams {
    kept: Mutex<HashMap<RequestId, Arc<Stream>>>,
    timing: Timing,
}

/// One stream.
pub(crate) struct Stream {
    id: RequestId,
    owner: Owner,
    buffer: Buffer,
    timing: Timing,
}

/// Too many streams are open.
#[derive(Debug)]
pub(crate) struct TooManyStreams;

impl Streams {
    /// Opens the stream of a request.
    pub(crate) fn open(&self, id: RequestId, owner: Owner) -> Result<Arc<Stream>, TooManyStreams> {
        let mut kept = self.lock();
        let now = Instant::now();
        kept.retain(|_, stream| !stream.buffer.is_over(now, self.timing.keep_finished));
        if kept.len() >= STREAMS_MAX {
            return Err(TooManyStreams);
        }
        let stream = Arc::new(Stream { id, owner, buffer: Buffer::new(), timing: self.timing });
        kept.insert(id, Arc::clone(&stream));
        Ok(stream)
    }

    /// The stream of an event, if it is kept and belongs to `owner`.
    pub(crate) fn find(&self, id: RequestId, owner: Owner) -> Option<Arc<Stream>> {
        let found = self.lock().get(&id).cloned()?;
        let now = Instant::now();
        (found.owner == owner && !found.buffer.is_over(now, self.timing.keep_finished))
            .then_some(found)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Arc<Stream>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream {
    /// Adds an event. `data` must be one line.
    pub(crate) fn push(&self, name: &'static str, data: String) {
        self.buffer.push(name, data);
    }

    /// Says that no event will follow.
    pub(crate) fn finish(&self) {
        self.buffer.finish();
    }

    /// Returns when nobody has read the stream for a while.
    pub(crate) async fn abandoned(&self) {
        self.buffer.abandoned(self.timing.abandon_after).await;
    }
}

#[cfg(test)]
mod tests;
