//! Telling the service manager how the process does (sd_notify(3)): ready, alive, stopping. Where
//! none started it, nothing is told to nobody.

use std::time::Duration;

use sd_notify::NotifyState;

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
