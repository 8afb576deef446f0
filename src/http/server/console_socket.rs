//! The console's socket: whoever may open it is the operator.
//!
//! The directory has mode 0700, the socket 0600, and the kernel says who the peer is: the
//! appliance's own user or root, and nobody else.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

use super::connection::Connections;
use super::{ACCEPT_PAUSE, ServeError};
use crate::console::socket_path;

pub(super) struct ConsoleSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ConsoleSocket {
    pub(super) fn bind(data_dir: &Path) -> Result<Self, ServeError> {
        let path = socket_path(data_dir);
        let failed = |source| ServeError::ConsoleSocket { path: path.clone(), source };
        if let Some(directory) = path.parent() {
            let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(failed)?;
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
        // The store holds the data directory's lock, so a socket that is there is a dead one.
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => {
                fs::remove_file(&path).map_err(failed)?;
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(Self { listener, path })
    }

    pub(super) async fn serve(self, connections: Connections, shutdown: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if is_operator(&stream) => {
                    connections.spawn_console(stream);
                }
                Ok(_) => tracing::warn!("a foreign user was refused at the console socket"),
                Err(error) => {
                    tracing::warn!(%error, "a console connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        let _ = fs::remove_file(&self.path);
    }
}

/// Asks the kernel (`SO_PEERCRED`), not the peer.
fn is_operator(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}
