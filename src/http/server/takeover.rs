//! What answers: a sealed appliance at first, perhaps, and the whole of it from the unsealing on.

use std::sync::{Arc, OnceLock};

use axum::Router;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::console::ConsoleKey;
use crate::router::router;
use crate::state::AppState;

/// Lets the whole appliance answer in the place of a sealed one, on the same sockets. Cheap to clone.
#[derive(Clone)]
pub struct Takeover {
    router: Arc<RwLock<Router>>,
    console: Arc<OnceLock<ConsoleKey>>,
    state: watch::Sender<Option<Arc<AppState>>>,
}

impl Takeover {
    pub(super) fn of_sealed(router: Router) -> Self {
        Self {
            router: Arc::new(RwLock::new(router)),
            console: Arc::default(),
            state: watch::Sender::new(None),
        }
    }

    pub(super) fn of_open(state: Arc<AppState>, console: Option<ConsoleKey>) -> Self {
        let this = Self::of_sealed(router(Arc::clone(&state)));
        if let Some(key) = console {
            let _ = this.console.set(key);
        }
        this.state.send_replace(Some(state));
        this
    }

    /// From here on every request is answered by `state`, and the console's socket is the operator's.
    pub fn install(&self, state: Arc<AppState>, console: ConsoleKey) {
        // The key first: a request of the console must not meet the whole appliance without it.
        let _ = self.console.set(console);
        *self.router.write() = router(Arc::clone(&state));
        self.state.send_replace(Some(state));
    }

    pub(super) fn router(&self) -> Router {
        self.router.read().clone()
    }

    pub(super) fn console_key(&self) -> Option<ConsoleKey> {
        self.console.get().cloned()
    }

    /// Waits for the whole appliance.
    pub(super) async fn opened(&self) -> Option<Arc<AppState>> {
        let mut state = self.state.subscribe();
        let opened = state.wait_for(Option::is_some).await.ok()?;
        opened.clone()
    }
}
