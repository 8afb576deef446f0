//! Listening: TLS 1.3 on TCP, plain HTTP only on a loopback address and only when asked for, and
//! the console socket.

mod connection;
mod console_socket;
mod first_bytes;
mod takeover;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::console::ConsoleKey;
use crate::health;
use crate::sealed::{SealedGate, sealed_router};
use crate::state::AppState;
use crate::tls::{TlsError, TlsIdentity};

use connection::Connections;
use console_socket::ConsoleSocket;
pub use takeover::Takeover;

/// How long open requests may go on after the appliance was asked to stop.
const DRAIN: Duration = Duration::from_secs(20);
/// Pause after an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often the certificate is looked at.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// How the TCP side speaks.
#[derive(Clone)]
pub enum Transport {
    /// TLS 1.3 with this certificate.
    Tls(Arc<TlsIdentity>),
    /// Plain HTTP; refused unless the address is a loopback address.
    PlainOnLoopback,
}

/// Where and how the server listens.
pub struct ServeOptions {
    /// The TCP address; port 0 takes any free one.
    pub listen: SocketAddr,
    /// TLS or plain HTTP.
    pub transport: Transport,
    /// The key of the console socket at `<data-dir>/run/console.sock`; no socket without one, except
    /// while the appliance is sealed.
    pub console: Option<ConsoleKey>,
    /// TCP connections at once.
    pub connections_max: usize,
    /// A socket that listens already, handed over by the service manager; then `listen` is not
    /// opened.
    pub listener: Option<std::net::TcpListener>,
}

impl ServeOptions {
    /// TLS on `listen`, with room for a plant's browsers.
    #[must_use]
    pub const fn new(listen: SocketAddr, transport: Transport) -> Self {
        Self { listen, transport, console: None, connections_max: 1024, listener: None }
    }
}

/// The server can't listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Plain HTTP was asked for on an address that others can reach.
    #[error("plain HTTP is served on loopback addresses only, not on {0}: use TLS")]
    PlainOutsideLoopback(SocketAddr),
    /// The console socket can't be made.
    #[error("the console socket {} can't be made", path.display())]
    ConsoleSocket {
        /// The socket.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The certificate can't be used.
    #[error("the certificate can't be used")]
    Tls(#[from] TlsError),
}

/// A server that listens; [`Server::run`] lets it answer.
pub struct Server {
    answering: Takeover,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<(TlsAcceptor, Arc<TlsIdentity>)>,
    console: Option<ConsoleSocket>,
    connections_max: usize,
}

impl Server {
    /// Opens the sockets.
    ///
    /// # Errors
    /// [`ServeError`] when one of them can't be opened, or plain HTTP would leave the machine.
    pub async fn bind(state: Arc<AppState>, options: ServeOptions) -> Result<Self, ServeError> {
        let data_dir = options.console.is_some().then(|| state.store.data_dir().to_owned());
        let answering = Takeover::of_open(state, options.console.clone());
        Self::open_sockets(answering, data_dir.as_deref(), options).await
    }

    /// As [`Server::bind`], for an appliance that is sealed. The console's socket is there to unseal
    /// it; [`Server::takeover`] lets the whole appliance answer later.
    ///
    /// # Errors
    /// As [`Server::bind`].
    pub async fn bind_sealed(
        gate: &Arc<SealedGate>,
        options: ServeOptions,
    ) -> Result<Self, ServeError> {
        let answering = Takeover::of_sealed(sealed_router(Arc::clone(gate)));
        Self::open_sockets(answering, Some(gate.store().data_dir()), options).await
    }

    async fn open_sockets(
        answering: Takeover,
        console_in: Option<&Path>,
        options: ServeOptions,
    ) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address: options.listen, source };
        // A socket that was handed over says itself where it listens.
        let handed_over = options.listener.as_ref().map(std::net::TcpListener::local_addr);
        let wanted = handed_over.transpose().map_err(failed)?.unwrap_or(options.listen);
        let tls = match &options.transport {
            Transport::Tls(identity) => {
                let config = identity.server_config()?;
                Some((TlsAcceptor::from(Arc::new(config)), Arc::clone(identity)))
            }
            Transport::PlainOnLoopback if wanted.ip().is_loopback() => None,
            Transport::PlainOnLoopback => return Err(ServeError::PlainOutsideLoopback(wanted)),
        };
        let listener = match options.listener {
            None => TcpListener::bind(wanted).await,
            Some(listener) => {
                listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener))
            }
        };
        let listener = listener.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let console = console_in.map(ConsoleSocket::bind).transpose()?;
        let connections_max = options.connections_max.max(1);
        Ok(Self { answering, listener, address, tls, console, connections_max })
    }

    /// What lets the whole appliance answer in the place of a sealed one.
    #[must_use]
    pub fn takeover(&self) -> Takeover {
        self.answering.clone()
    }

    /// The address that the server listens on.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is cancelled, then lets open requests end for a while.
    pub async fn run(self, shutdown: CancellationToken) {
        let connections = Connections {
            answering: self.answering.clone(),
            places: Arc::new(Semaphore::new(self.connections_max)),
            open: TaskTracker::new(),
            shutdown: shutdown.clone(),
        };
        let (answering, ending) = (self.answering, shutdown.clone());
        tokio::spawn(async move {
            if let Some(state) = answering.opened().await {
                health::watch(state, ending).await;
            }
        });
        if let Some((_, identity)) = &self.tls {
            tokio::spawn(renew_daily(Arc::clone(identity), shutdown.clone()));
        }
        let console = self
            .console
            .map(|console| tokio::spawn(console.serve(connections.clone(), shutdown.clone())));
        let acceptor = self.tls.map(|(acceptor, _)| acceptor);
        loop {
            // A place first: a full server leaves newcomers in the kernel's queue.
            let place = tokio::select! {
                () = shutdown.cancelled() => break,
                place = Arc::clone(&connections.places).acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    connections.spawn_tcp(stream, peer.ip(), acceptor.clone(), place);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        if let Some(console) = console {
            let _ = console.await;
        }
        connections.open.close();
        if tokio::time::timeout(DRAIN, connections.open.wait()).await.is_err() {
            tracing::warn!("open requests were cut off after the time allowed for stopping");
        }
    }
}

/// Opens the sockets and answers until `shutdown` is cancelled.
///
/// # Errors
/// As [`Server::bind`].
pub async fn serve(
    state: Arc<AppState>,
    options: ServeOptions,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let server = Server::bind(state, options).await?;
    tracing::info!(server.address = %server.address(), "listening");
    server.run(shutdown).await;
    Ok(())
}

async fn renew_daily(identity: Arc<TlsIdentity>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(RENEWAL_INTERVAL) => {}
        }
        let renewing = Arc::clone(&identity);
        let renewed = tokio::task::spawn_blocking(move || renewing.renew_if_due()).await;
        if let Ok(Err(error)) = renewed {
            let days_left = identity.days_left();
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, days_left, "the server certificate could not be renewed");
        }
    }
}
