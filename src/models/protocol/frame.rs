//! Frames: how one message lies on the stream.
//!
//! | bytes | meaning |
//! |---|---|
//! | 0..2 | `MW` |
//! | 2 | [`PROTOCOL_VERSION`] |
//! | 3 | 0, reserved |
//! | 4..8 | length of the payload, little endian, at most [`PAYLOAD_MAX_BYTES`] |
//! | 8.. | the message, in postcard (<https://postcard.jamesmunns.com/wire-format>) |

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::PROTOCOL_VERSION;

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 8;

/// Longest payload; the largest thing there is are the spans of a call full of one-byte tokens.
pub const PAYLOAD_MAX_BYTES: usize = 32 * 1024 * 1024;

const MAGIC: [u8; 2] = *b"MW";

/// A frame that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream failed or ended inside a frame.
    #[error("the stream failed")]
    Io(#[from] io::Error),
    /// Not the beginning of a frame.
    #[error("not a frame of the model worker")]
    Magic,
    /// The other end speaks another version.
    #[error("the other end speaks protocol version {found}, this one {PROTOCOL_VERSION}")]
    Version {
        /// Version in the frame.
        found: u8,
    },
    /// Longer than [`PAYLOAD_MAX_BYTES`].
    #[error("a payload of {size_bytes} bytes, at most {PAYLOAD_MAX_BYTES}")]
    TooLong {
        /// Length in the header, or of the message to be written.
        size_bytes: usize,
    },
    /// The payload is not the message expected, or bytes follow it.
    #[error("the payload is not a message of this protocol")]
    Payload(#[source] Option<postcard::Error>),
}

/// A message as a whole frame.
///
/// # Errors
/// [`FrameError::TooLong`] when the message is longer than a frame may be.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, FrameError> {
    let mut frame = Vec::with_capacity(256);
    frame.extend_from_slice(&MAGIC);
    frame.extend_from_slice(&[PROTOCOL_VERSION, 0, 0, 0, 0, 0]);
    let mut frame =
        postcard::to_extend(message, frame).map_err(|error| FrameError::Payload(Some(error)))?;
    let size_bytes = frame.len() - HEADER_BYTES;
    match u32::try_from(size_bytes) {
        Ok(length) if size_bytes <= PAYLOAD_MAX_BYTES => {
            frame[4..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
            Ok(frame)
        }
        _ => Err(FrameError::TooLong { size_bytes }),
    }
}

/// Length of the payload that follows `header`.
///
/// # Errors
/// [`FrameError`] when this is no header of ours or the payload is too long.
pub fn payload_bytes(header: [u8; HEADER_BYTES]) -> Result<usize, FrameError> {
    let [m0, m1, version, _, l0, l1, l2, l3] = header;
    if [m0, m1] != MAGIC {
        return Err(FrameError::Magic);
    }
    if version != PROTOCOL_VERSION {
        return Err(FrameError::Version { found: version });
    }
    let size_bytes = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if size_bytes > PAYLOAD_MAX_BYTES {
        return Err(FrameError::TooLong { size_bytes });
    }
    Ok(size_bytes)
}

/// The message in a payload.
///
/// # Errors
/// [`FrameError::Payload`] when it is another message, cut short, or followed by more.
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, FrameError> {
    match postcard::take_from_bytes(payload) {
        Ok((message, [])) => Ok(message),
        Ok(_) => Err(FrameError::Payload(None)),
        Err(error) => Err(FrameError::Payload(Some(error))),
    }
}

/// Reads one message; `None` when the stream ends between frames. Blocks.
///
/// # Errors
/// [`FrameError`] when the stream fails, ends inside a frame or carries something else.
pub fn read<T: DeserializeOwned>(stream: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut header = [0; HEADER_BYTES];
    let mut filled = 0;
    while filled < HEADER_BYTES {
        match stream.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    let mut payload = vec![0; payload_bytes(header)?];
    stream.read_exact(&mut payload)?;
    decode(&payload).map(Some)
}

/// Writes one message. Blocks.
///
/// # Errors
/// [`FrameError`] when the message is too long or the stream fails.
pub fn write<T: Serialize>(stream: &mut impl Write, message: &T) -> Result<(), FrameError> {
    stream.write_all(&encode(message)?)?;
    Ok(())
}
