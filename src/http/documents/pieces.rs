//! Between the network, which is waited for, and files, which block.

use std::io::{self, Read};

use axum::body::Bytes;
use tokio::sync::mpsc;

/// Pieces that may wait between the two sides.
const PIECES_WAITING: usize = 8;

/// The async end: takes pieces as they arrive.
pub(super) type PieceSender = mpsc::Sender<io::Result<Bytes>>;

/// The blocking end: a reader of what arrives.
pub(super) struct PieceReader {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    present: Bytes,
}

/// Both ends.
pub(super) fn pieces() -> (PieceSender, PieceReader) {
    let (sender, receiver) = mpsc::channel(PIECES_WAITING);
    (sender, PieceReader { receiver, present: Bytes::new() })
}

impl Read for PieceReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.present.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.present = piece?,
                None => return Ok(0),
            }
        }
        let count = out.len().min(self.present.len());
        out[..count].copy_from_slice(&self.present.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn pieces_come_out_in_order_and_a_break_is_an_error() {
        let (sender, mut reader) = pieces();
        for piece in ["ab", "", "cde"] {
            sender.try_send(Ok(Bytes::from_static(piece.as_bytes()))).unwrap();
        }
        sender.try_send(Err(io::Error::other("cut off"))).unwrap();
        let mut start = [0; 5];
        reader.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"abcde");
        assert!(reader.read(&mut start).is_err());
        drop(sender);
        assert_eq!(reader.read(&mut start).unwrap(), 0);
    }
}
