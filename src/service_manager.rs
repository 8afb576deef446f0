//! Telling the service manager how the process does (sd_notify(3)): ready, alive, stopping; and
//! taking the socket that it listens on for us (sd_listen_fds(3)). Where none started the process,
//! nothing is told to nobody.

use std::net::TcpListener;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use sd_notify::NotifyState;

/// The listening socket that the service manager has handed over, if it has.
///
/// # Errors
/// Says what else was handed over.
pub(crate) fn listener() -> Result<Option<TcpListener>, String> {
    let mut descriptors =
        sd_notify::listen_fds().map_err(|error| format!("LISTEN_FDS can't be used: {error}"))?;
    let Some(first) = descriptors.next() else { return Ok(None) };
    if descriptors.next().is_some() {
        return Err("the socket unit hands over more than one socket: one ListenStream= is \
                    served"
            .to_owned());
    }
    // SAFETY: `listen_fds` has just set a flag of this descriptor, so it is open, and nobody in this
    // process closes what the service manager keeps open for it.
    #[expect(unsafe_code, reason = "the protocol hands over a number")]
    let handed_over = unsafe { BorrowedFd::borrow_raw(first) };
    let is_listening = rustix::net::sockopt::socket_acceptconn(handed_over);
    let is_ip = rustix::net::getsockname(handed_over)
        .is_ok_and(|name| std::net::SocketAddr::try_from(name).is_ok());
    if !matches!(is_listening, Ok(true)) || !is_ip {
        return Err("the socket unit must hand over a listening TCP socket: set ListenStream= to \
                    an address and a port"
            .to_owned());
    }
    // A copy, so that closing it takes nothing from the service manager's own.
    let owned = handed_over
        .try_clone_to_owned()
        .map_err(|error| format!("the socket that was handed over can't be used: {error}"))?;
    Ok(Some(TcpListener::from(owned)))
}

/// Connections are taken from now on.
pub(crate) fn tell_ready(url: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("answers on {url}"))]);
}

/// Connections are taken, and somebody has to unseal.
pub(crate) fn tell_sealed(url: &str) {
    let status = format!("sealed: unseal on {url}, or with `millwright unseal`");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The end has begun.
pub(crate) fn tell_stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping: jobs pause")]);
}

/// Says that the process lives, twice within the time that the service manager gives it, as long as
/// both the threads that wait and those that block take work. Ends at once where nobody asks.
pub(crate) async fn keep_alive() {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    loop {
        let turned = tokio::task::spawn_blocking(|| ()).await;
        if turned.is_ok() {
            tell(&[NotifyState::Watchdog]);
        }
        tokio::time::sleep((within / 2).max(Duration::from_millis(1))).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager can't be told");
    }
}
