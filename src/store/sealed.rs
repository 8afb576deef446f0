//! A data directory whose master key nobody has opened yet: locked for this process, and nothing of it
//! can be read.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use audit::{Action, Event};
use base::{Clock, Timestamp};
use parking_lot::Mutex;
use seal::{KeyOrigin, MasterKey, SealedMaster, Share, SharePile, ShareSet};

use crate::{Health, OperatorKey, Store, StoreError, StoreOptions};

const UNSEALED: Action = Action::new("master_key.unsealed");

/// Shares that were brought are forgotten when no further one comes for so long.
const SHARES_KEPT_MS: i64 = 10 * 60 * 1000;

/// A store that waits for its passphrase or its shares. Holds the lock of the data directory.
pub struct SealedStore {
    options: StoreOptions,
    dir: PathBuf,
    lock: Arc<File>,
    sealed: SealedMaster,
    pile: Mutex<Pile>,
}

#[derive(Default)]
struct Pile {
    shares: SharePile,
    last_at: Timestamp,
}

/// What a share that was brought has led to.
pub enum ShareProgress {
    /// More are needed.
    Waiting {
        /// Shares brought so far.
        brought: usize,
        /// Shares needed.
        needed: usize,
    },
    /// The key is open.
    Open(MasterKey),
}

impl SealedStore {
    pub(crate) fn new(
        options: StoreOptions,
        dir: PathBuf,
        lock: Arc<File>,
        sealed: SealedMaster,
    ) -> Self {
        Self { options, dir, lock, sealed, pile: Mutex::default() }
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.dir
    }

    /// The clock, for those who keep it.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.options.clock)
    }

    /// A new id for a request.
    ///
    /// # Errors
    /// [`StoreError::Entropy`].
    pub fn new_request_id(&self) -> Result<base::RequestId, StoreError> {
        Ok(base::RequestId::new(self.options.clock.now(), self.options.entropy.as_ref())?)
    }

    /// Whether a passphrase opens the key.
    #[must_use]
    pub fn has_passphrase(&self) -> bool {
        self.sealed.passphrase().is_some()
    }

    /// The shares that open the key.
    #[must_use]
    pub fn shares(&self) -> Option<ShareSet> {
        self.sealed.shares()
    }

    /// Shares brought so far and not forgotten.
    #[must_use]
    pub fn shares_brought(&self) -> usize {
        let mut pile = self.pile.lock();
        pile.forget_old(self.options.clock.now());
        pile.shares.len()
    }

    /// Opens the key with the passphrase. Blocks for about a fifth of a second.
    ///
    /// # Errors
    /// [`StoreError::KeyInput`].
    pub fn open_with_passphrase(&self, passphrase: &str) -> Result<MasterKey, StoreError> {
        Ok(self.sealed.open_with_passphrase(passphrase)?)
    }

    /// Counts a share; opens the key when there are enough. Shares are forgotten ten minutes after the
    /// last one, and all of them when they do not give the key.
    ///
    /// # Errors
    /// [`StoreError::KeyInput`]: for a text that is no share, a share of another set, one that was counted
    /// already, and shares of which one is false.
    pub fn bring_share(&self, text: &str) -> Result<ShareProgress, StoreError> {
        let share = Share::parse(text)?;
        self.sealed.check_share(&share)?;
        let needed = usize::from(share.threshold());
        let now = self.options.clock.now();
        let mut pile = self.pile.lock();
        pile.forget_old(now);
        let brought = pile.shares.add(share)?;
        pile.last_at = now;
        if brought < needed {
            return Ok(ShareProgress::Waiting { brought, needed });
        }
        let opened = self.sealed.open_with_shares(&pile.shares);
        pile.shares.clear();
        Ok(ShareProgress::Open(opened?))
    }

    /// Opens the store with the key. Blocks on the disk. When it fails, this stays as it was.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(
        &self,
        master: MasterKey,
        origin: KeyOrigin,
    ) -> Result<(Store, OperatorKey), StoreError> {
        let options = StoreOptions {
            data_dir: self.dir.clone(),
            key_credential: self.options.key_credential.clone(),
            key_file: self.options.key_file.clone(),
            clock: Arc::clone(&self.options.clock),
            entropy: Arc::clone(&self.options.entropy),
            settings: self.options.settings.clone(),
        };
        let (store, key) =
            Store::open_with(options, self.dir.clone(), Arc::clone(&self.lock), master, origin)?;
        if *store.health() == Health::Sound {
            let by = if origin == KeyOrigin::Shares { "shares" } else { "passphrase" };
            let event = Event::new(UNSEALED).detail(serde_json::json!({ "by": by }));
            let stamp = store.system_stamp(None)?;
            store.inner.control.write_blocking(stamp, |tx| tx.commit(event, ()))?;
        }
        Ok((store, key))
    }
}

impl Pile {
    fn forget_old(&mut self, now: Timestamp) {
        // A clock that was set back ends the wait too.
        if !(0..SHARES_KEPT_MS).contains(&now.since_ms(self.last_at)) {
            self.shares.clear();
        }
    }
}
