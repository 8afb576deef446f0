//! One run of the child: its start, its two pumps and its end.

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::WorkerCommand;
use crate::protocol::frame::{self, FrameError, HEADER_BYTES};
use crate::protocol::{FromWorker, Hello, PROTOCOL_VERSION, ToWorker};

/// How long a child whose socket is closed may take to end before it is killed.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// Frames from the child that may wait to be handled.
const INBOX_FRAMES: usize = 64;

/// A frame, and the descriptor that travels beside its first byte.
struct Outgoing {
    frame: Vec<u8>,
    file: Option<Arc<OwnedFd>>,
}

/// A child that has said hello.
pub(super) struct Process {
    child: Child,
    pub(super) pid: u32,
    pub(super) hello: Hello,
    to_child: mpsc::UnboundedSender<Outgoing>,
    from_child: mpsc::Receiver<Result<FromWorker, FrameError>>,
    pumps: [AbortHandle; 2],
}

impl Process {
    /// Starts the child and waits for its first word.
    ///
    /// The error says what went wrong, for people. Dropping the future kills the child.
    pub(super) async fn start(
        command: WorkerCommand,
        start_timeout: Duration,
    ) -> Result<Self, String> {
        let (ours, theirs) =
            StdUnixStream::pair().map_err(|error| format!("no socket pair: {error}"))?;
        let mut child = spawn(&command, theirs)?;
        let pid = child.id().unwrap_or_default();
        let stream = ours
            .set_nonblocking(true)
            .and_then(|()| UnixStream::from_std(ours))
            .map_err(|error| format!("the socket cannot be used: {error}"))?;
        let (mut read_half, write_half) = stream.into_split();
        let first = tokio::time::timeout(start_timeout, read_frame(&mut read_half)).await;
        let hello = match first {
            Ok(Ok(Some(FromWorker::Hello(hello)))) => hello,
            Ok(Ok(Some(_))) => return Err("it did not begin with a hello".to_owned()),
            Ok(Ok(None)) => return Err(format!("it {} at start", end(&mut child).await)),
            Ok(Err(error @ FrameError::Version { .. })) => return Err(error.to_string()),
            Ok(Err(error)) => {
                return Err(format!("its first frame: {error}; it {}", end(&mut child).await));
            }
            Err(_) => return Err(format!("no hello within {start_timeout:?}")),
        };
        if hello.protocol_version != PROTOCOL_VERSION {
            return Err(FrameError::Version { found: hello.protocol_version }.to_string());
        }
        // Unbounded, because the supervisor's window bounds the calls that are in it.
        let (to_child, outgoing) = mpsc::unbounded_channel();
        let (incoming, from_child) = mpsc::channel(INBOX_FRAMES);
        let pumps = [
            tokio::spawn(pump_out(write_half, outgoing)).abort_handle(),
            tokio::spawn(pump_in(read_half, incoming)).abort_handle(),
        ];
        Ok(Self { child, pid, hello, to_child, from_child, pumps })
    }

    /// Hands a message to the pump. A dead child shows at [`Self::receive`].
    pub(super) fn send(
        &self,
        message: &ToWorker,
        file: Option<Arc<OwnedFd>>,
    ) -> Result<(), FrameError> {
        let _ = self.to_child.send(Outgoing { frame: frame::encode(message)?, file });
        Ok(())
    }

    /// The child's next message; `None` when it has closed its end. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Option<Result<FromWorker, FrameError>> {
        self.from_child.recv().await
    }

    /// Closes the socket and waits for the end; says how the child ended (`exited with status 1`).
    pub(super) async fn close(mut self) -> String {
        self.stop_pumps();
        end(&mut self.child).await
    }

    /// Kills the child at once and waits until it is gone.
    pub(super) async fn kill(mut self) {
        self.stop_pumps();
        if let Err(error) = self.child.kill().await {
            tracing::warn!(worker.pid = self.pid, %error, "model worker could not be killed");
        }
    }

    fn stop_pumps(&self) {
        for pump in &self.pumps {
            pump.abort();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop_pumps();
    }
}

fn spawn(command: &WorkerCommand, socket: StdUnixStream) -> Result<Child, String> {
    let mut process = Command::new(&command.exe);
    process
        .args(&command.args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    if let Some(filter) = std::env::var_os("RUST_LOG") {
        process.env("RUST_LOG", filter);
    }
    process.spawn().map_err(|error| format!("{} cannot be started: {error}", command.exe.display()))
}

/// Waits for a child whose socket is closed, kills it if it stays, and says how it ended.
async fn end(child: &mut Child) -> String {
    match tokio::time::timeout(EXIT_GRACE, child.wait()).await {
        Ok(Ok(status)) => describe(status),
        Ok(Err(error)) => format!("ended in an unknown way ({error})"),
        Err(_) => match child.kill().await {
            Ok(()) => format!("closed its socket and did not end within {EXIT_GRACE:?}"),
            Err(error) => format!("closed its socket and could not be killed ({error})"),
        },
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

async fn pump_out(mut socket: OwnedWriteHalf, mut outgoing: mpsc::UnboundedReceiver<Outgoing>) {
    while let Some(Outgoing { frame, file }) = outgoing.recv().await {
        let sent = match file {
            None => 0,
            Some(file) => match send_with_file(socket.as_ref(), &frame, &file).await {
                Ok(sent) => sent,
                Err(_) => return,
            },
        };
        if socket.write_all(&frame[sent..]).await.is_err() {
            return;
        }
    }
}

/// Sends the beginning of `frame` with `file` beside it; gives how many bytes went.
async fn send_with_file(
    socket: &UnixStream,
    frame: &[u8],
    file: &OwnedFd,
) -> std::io::Result<usize> {
    loop {
        socket.writable().await?;
        let files = [file.as_fd()];
        let sent = socket.try_io(Interest::WRITABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut beside = SendAncillaryBuffer::new(&mut space);
            if !beside.push(SendAncillaryMessage::ScmRights(&files)) {
                return Err(std::io::ErrorKind::OutOfMemory.into());
            }
            let parts = [IoSlice::new(frame)];
            Ok(sendmsg(socket, &parts, &mut beside, SendFlags::NOSIGNAL)?)
        });
        match sent {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            other => return other,
        }
    }
}

async fn pump_in(
    mut socket: OwnedReadHalf,
    incoming: mpsc::Sender<Result<FromWorker, FrameError>>,
) {
    loop {
        let message = match read_frame(&mut socket).await {
            Ok(None) => return,
            Ok(Some(message)) => Ok(message),
            Err(error) => Err(error),
        };
        let last = message.is_err();
        if incoming.send(message).await.is_err() || last {
            return;
        }
    }
}

/// Reads one message; `None` when the stream ends between frames.
async fn read_frame(socket: &mut OwnedReadHalf) -> Result<Option<FromWorker>, FrameError> {
    let mut header = [0; HEADER_BYTES];
    if socket.read(&mut header[..1]).await? == 0 {
        return Ok(None);
    }
    socket.read_exact(&mut header[1..]).await?;
    let mut payload = vec![0; frame::payload_bytes(header)?];
    socket.read_exact(&mut payload).await?;
    frame::decode(&payload).map(Some)
}
