//! The worker's end of the socket: bytes, and the descriptors that travel beside them.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

/// Descriptors that may have arrived and not been taken; a client never has more calls under way.
const MAX_FILES: usize = 64;

/// Descriptors that one read can bring.
const FILES_PER_READ: usize = 4;

/// Reads frames as [`super::frame::read`] wants them and keeps the descriptors that came along, in
/// order. Each belongs to the call whose frame it arrived with.
#[derive(Debug)]
pub struct FileSocket {
    socket: UnixStream,
    files: VecDeque<OwnedFd>,
}

impl FileSocket {
    /// Reads from this socket.
    #[must_use]
    pub const fn new(socket: UnixStream) -> Self {
        Self { socket, files: VecDeque::new() }
    }

    /// The descriptor of the call that was read last, when [`super::CallBody::brings_file`].
    pub fn take_file(&mut self) -> Option<OwnedFd> {
        self.files.pop_front()
    }
}

impl Read for FileSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_PER_READ))];
        let mut beside = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(buffer)];
        let message = loop {
            match recvmsg(&self.socket, &mut parts, &mut beside, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                other => break other?,
            }
        };
        for message in beside.drain() {
            if let RecvAncillaryMessage::ScmRights(files) = message {
                self.files.extend(files);
            }
        }
        if self.files.len() > MAX_FILES {
            return Err(io::Error::other("more descriptors than calls"));
        }
        Ok(message.bytes)
    }
}
