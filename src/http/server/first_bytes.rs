//! A stream whose first bytes must come in time. The server finds out which HTTP a client speaks by
//! reading up to the length of HTTP/2's preface, and only then do that version's own limits count:
//! without this, who connects and says nothing keeps a place for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Bytes of HTTP/2's preface (RFC 9113, 3.4). No HTTP/1.1 request is shorter: it names its host.
const PREFACE_BYTES: usize = 24;

pub(super) struct FirstBytes<S> {
    inner: S,
    /// Bytes that are still to come in time.
    missing: usize,
    limit: Pin<Box<Sleep>>,
}

impl<S> FirstBytes<S> {
    /// `inner`, from which a whole preface is to be read within `limit` from now on.
    pub(super) fn new(inner: S, limit: Duration) -> Self {
        Self { inner, missing: PREFACE_BYTES, limit: Box::pin(sleep(limit)) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FirstBytes<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.missing = self.missing.saturating_sub(buf.filled().len() - before);
        if polled.is_pending() && self.missing > 0 && self.limit.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FirstBytes<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn silence_and_a_torn_preface_end_in_time() {
        for said in ["", "PRI * HTTP/2.0"] {
            let (mut client, server) = duplex(64);
            client.write_all(said.as_bytes()).await.unwrap();
            let mut server = FirstBytes::new(server, LIMIT);
            let mut read = Vec::new();
            let error = server.read_to_end(&mut read).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert_eq!(read.len(), said.len());
        }
    }

    #[tokio::test]
    async fn who_has_spoken_may_pause() {
        let (mut client, server) = duplex(64);
        let mut server = FirstBytes::new(server, LIMIT);
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut read = [0; 26];
        server.read_exact(&mut read).await.unwrap();
        let pause = async {
            sleep(4 * LIMIT).await;
            client.write_all(b"x").await.unwrap();
        };
        let mut later = [0; 1];
        let (read, ()) = tokio::join!(server.read_exact(&mut later), pause);
        assert_eq!(read.unwrap(), 1);
    }
}
