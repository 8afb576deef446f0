//! What worker and server say to each other. The request travels in the worker's environment, the
//! document on fd 0 as it is, the answer on fd 1 as frames: length (u32, little endian), then one
//! [`WorkerMessage`] in postcard.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::cage::{CageLimits, LandlockState};
use crate::detect::FormatHint;
use crate::error::ParseFailure;
use crate::limits::FRAME_MAX_BYTES;
use crate::model::{Page, ParsedSummary};

/// Environment variable that carries the [`WorkerRequest`] as JSON; the only one the worker has.
pub(crate) const REQUEST_VARIABLE: &str = "MILLWRIGHT_PARSE_REQUEST";

/// Exit code of a worker whose cage could not be closed; nothing was read then.
pub(crate) const EXIT_CAGE_FAILED: u8 = 70;

/// Exit code of a worker that was not asked properly.
pub(crate) const EXIT_BAD_REQUEST: u8 = 64;

/// Exit code of a worker whose reader went away.
pub(crate) const EXIT_PIPE_CLOSED: u8 = 74;

/// What the worker must know before it reads the document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkerRequest {
    pub(crate) limits: CageLimits,
    pub(crate) hint: FormatHint,
}

/// One frame from the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WorkerMessage {
    /// The cage is closed; the first frame, always.
    Caged {
        /// Whether the kernel's landlock is part of it.
        landlock: LandlockState,
    },
    /// A page, in order.
    Page(Page),
    /// The document has been read; the last frame.
    Done(ParsedSummary),
    /// The document was refused; the last frame.
    Failed(ParseFailure),
}

/// A frame that is not the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame is longer than the limit")]
    TooLong,
    #[error("a frame cannot be read")]
    Unreadable,
}

/// Writes one frame and flushes it.
pub(crate) fn write_frame(out: &mut impl Write, message: &WorkerMessage) -> io::Result<()> {
    let body = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).ok().filter(|&n| n <= FRAME_MAX_BYTES);
    let length = length.ok_or_else(|| io::Error::other(FrameError::TooLong))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&body)?;
    out.flush()
}

/// Length of the frame that begins with `prefix`.
pub(crate) fn frame_length(prefix: [u8; 4]) -> Result<usize, FrameError> {
    match u32::from_le_bytes(prefix) {
        length if length > FRAME_MAX_BYTES => Err(FrameError::TooLong),
        length => Ok(length as usize),
    }
}

/// Reads the body of a frame; all of it must be used.
pub(crate) fn read_frame(body: &[u8]) -> Result<WorkerMessage, FrameError> {
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;
    use crate::error::FailureCode;

    #[test]
    fn a_frame_survives_the_pipe() {
        let message =
            WorkerMessage::Failed(ParseFailure::new(FailureCode::Encrypted, "needs a password"));
        let mut pipe = Vec::new();
        write_frame(&mut pipe, &message).unwrap();
        let (prefix, body) = pipe.split_at(4);
        assert_eq!(frame_length(prefix.try_into().unwrap()).unwrap(), body.len());
        assert_eq!(read_frame(body).unwrap(), message);
        let longer = [body, b"x"].concat();
        assert_eq!(read_frame(&longer), Err(FrameError::Unreadable));
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_anything_is_allocated() {
        let prefix = (FRAME_MAX_BYTES + 1).to_le_bytes();
        assert_eq!(frame_length(prefix), Err(FrameError::TooLong));
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..512)) {
            let _ = read_frame(&body);
        }
    }
}
