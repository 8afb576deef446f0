//! Hashing and checking passwords: argon2id, on few threads, with a bounded queue.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use base::Entropy;
use policy::SteadyClock;
use tokio::sync::Semaphore;

use crate::guesses::GuessGuard;
use crate::{GuessSettings, IdentityError, Password};

/// Memory of one hash in KiB (OWASP Password Storage Cheat Sheet: argon2id with m=19456, t=2, p=1).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// What the password of somebody who does not exist is checked against: the parameters are those of
/// every real hash, so the work is the same; salt and hash are random bytes that no password gives.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$pQ0xT2pHVUZkY1dKbmJYZQ\
                      $mYwX9r0H1sJb0v7oYq3p5u8dK2nF6tLxQeZiVhGcW4A";

/// Limits of [`Passwords`].
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// Passwords that are hashed at the same time, at 19 MiB each.
    pub in_parallel: usize,
    /// Callers that may wait for their turn before others are told to come back.
    pub queue_length: usize,
    /// How fast one password may be guessed at.
    pub guesses: GuessSettings,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self { in_parallel: 2, queue_length: 64, guesses: GuessSettings::default() }
    }
}

/// A password's hash as a PHC string. Not shown: it can be guessed against.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(String);

impl PasswordHash {
    /// From the text that a row keeps.
    #[must_use]
    pub(crate) const fn from_row(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it costs less to guess against than one that is made today.
    pub(crate) fn is_outdated(&self) -> bool {
        let Ok(hash) = Phc::new(&self.0) else { return false };
        let weaker = |params: &Params| {
            params.m_cost() < MEMORY_KIB || params.t_cost() < PASSES || params.p_cost() < LANES
        };
        hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || Params::try_from(&hash).is_ok_and(|params| weaker(&params))
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// Whether a typed password was the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    Wrong,
}

/// The place where passwords are hashed and checked: a bounded number at a time, off the async
/// threads. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Passwords {
    inner: Arc<Inner>,
}

struct Inner {
    running: Arc<Semaphore>,
    /// Those that run and those that wait.
    admitted: Arc<Semaphore>,
    admitted_max: usize,
    verifications: AtomicU64,
    guard: GuessGuard,
}

impl Passwords {
    /// A place with these limits.
    #[must_use]
    pub fn new(settings: PasswordSettings) -> Self {
        Self::with_clock(settings, SteadyClock::of_machine())
    }

    /// The same with a clock of one's own for the delays; for tests.
    #[must_use]
    pub fn with_clock(settings: PasswordSettings, clock: SteadyClock) -> Self {
        let in_parallel = settings.in_parallel.clamp(1, Semaphore::MAX_PERMITS / 2);
        let queue_length = settings.queue_length.min(Semaphore::MAX_PERMITS / 2);
        let inner = Inner {
            running: Arc::new(Semaphore::new(in_parallel)),
            admitted: Arc::new(Semaphore::new(in_parallel + queue_length)),
            admitted_max: in_parallel + queue_length,
            verifications: AtomicU64::new(0),
            guard: GuessGuard::new(settings.guesses, clock),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What counts wrong guesses.
    pub(crate) fn guard(&self) -> &GuessGuard {
        &self.inner.guard
    }

    /// Passwords that were checked since the start, for a metric.
    #[must_use]
    pub fn verifications(&self) -> u64 {
        self.inner.verifications.load(Ordering::Relaxed)
    }

    /// Passwords that are hashed or wait for it now, for a metric.
    #[must_use]
    pub fn in_progress(&self) -> usize {
        self.inner.admitted_max - self.inner.admitted.available_permits()
    }

    /// Hashes a new password under a fresh salt. Costs some 20 ms of one core.
    pub(crate) async fn hash(
        &self,
        password: Password,
        entropy: &dyn Entropy,
    ) -> Result<PasswordHash, IdentityError> {
        let mut salt = [0_u8; SALT_BYTES];
        entropy.fill(&mut salt)?;
        self.run(move || {
            let hash = hasher()?.hash_password_with_salt(password.as_bytes(), &salt);
            Ok(PasswordHash(hash.map_err(|_| IdentityError::Hashing)?.to_string()))
        })
        .await
    }

    /// Checks a password against a hash; against nobody's when there is none, so that it takes as
    /// long. Costs some 20 ms of one core.
    pub(crate) async fn verify(
        &self,
        password: Password,
        against: Option<PasswordHash>,
    ) -> Result<Verdict, IdentityError> {
        let inner = Arc::clone(&self.inner);
        self.run(move || {
            inner.verifications.fetch_add(1, Ordering::Relaxed);
            let known = against.is_some();
            let text = against.map_or_else(|| NOBODY.to_owned(), |hash| hash.0);
            let hash = Phc::new(&text).map_err(|_| IdentityError::Hashing)?;
            match hasher()?.verify_password(password.as_bytes(), &hash) {
                Ok(()) if known => Ok(Verdict::Right),
                Ok(()) | Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
                Err(_) => Err(IdentityError::Hashing),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let admitted = Arc::clone(&self.inner.admitted).try_acquire_owned();
        let admitted = admitted.map_err(|_| IdentityError::Busy)?;
        let running = Arc::clone(&self.inner.running).acquire_owned().await;
        let running = running.map_err(|_| IdentityError::Busy)?;
        // The permits go along: a caller who hangs up does not make room before the work is done.
        let done = tokio::task::spawn_blocking(move || {
            let _permits = (running, admitted);
            work()
        });
        done.await.map_err(|_| IdentityError::Hashing)?
    }
}

fn hasher() -> Result<Argon2<'static>, IdentityError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None);
    let params = params.map_err(|_| IdentityError::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::OsEntropy;

    use super::*;

    fn password(text: &str) -> Password {
        Password::typed(text.into())
    }

    #[tokio::test]
    async fn hashes_carry_the_parameters_and_a_salt_of_their_own() {
        let passwords = Passwords::new(PasswordSettings::default());
        let one = passwords.hash(password("correct horse"), &OsEntropy).await.unwrap();
        let other = passwords.hash(password("correct horse"), &OsEntropy).await.unwrap();
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, other);
        let right = passwords.verify(password("correct horse"), Some(one.clone())).await.unwrap();
        assert_eq!(right, Verdict::Right);
        let wrong = passwords.verify(password("correct house"), Some(one)).await.unwrap();
        assert_eq!(wrong, Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_weaker_parameters_is_outdated() {
        let passwords = Passwords::new(PasswordSettings::default());
        let fresh = passwords.hash(password("correct horse"), &OsEntropy).await.unwrap();
        assert!(!fresh.is_outdated());
        for (from, to) in [("m=19456", "m=9216"), ("t=2", "t=1"), ("argon2id", "argon2i")] {
            let weaker = PasswordHash::from_row(fresh.as_str().replacen(from, to, 1));
            assert!(weaker.is_outdated(), "{to}");
        }
        let stronger = PasswordHash::from_row(fresh.as_str().replacen("m=19456", "m=65536", 1));
        assert!(!stronger.is_outdated());
    }

    #[tokio::test]
    async fn nobody_costs_the_work_of_somebody_and_is_never_right() {
        let nobody = Params::try_from(&Phc::new(NOBODY).unwrap()).unwrap();
        assert_eq!(
            (nobody.m_cost(), nobody.t_cost(), nobody.p_cost()),
            (MEMORY_KIB, PASSES, LANES)
        );
        let passwords = Passwords::new(PasswordSettings::default());
        assert_eq!(passwords.verify(password(""), None).await.unwrap(), Verdict::Wrong);
        assert_eq!(passwords.verifications(), 1);
    }

    #[tokio::test]
    async fn a_full_queue_says_so() {
        let passwords = Passwords::new(PasswordSettings {
            in_parallel: 1,
            queue_length: 1,
            ..Default::default()
        });
        let attempts = (0..6).map(|_| {
            let passwords = passwords.clone();
            tokio::spawn(async move { passwords.verify(password("x"), None).await })
        });
        let mut busy = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(verdict) => assert_eq!(verdict, Verdict::Wrong),
                Err(IdentityError::Busy) => busy += 1,
                Err(other) => panic!("{other}"),
            }
        }
        // One runs and one waits; the first may be done before the last asks.
        assert!(busy >= 1, "{busy}");
        assert_eq!(passwords.verify(password("x"), None).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_that_is_none_is_an_error_and_no_verdict() {
        let passwords = Passwords::new(PasswordSettings::default());
        let broken = PasswordHash::from_row("$argon2id$".into());
        assert!(passwords.verify(password("x"), Some(broken)).await.is_err());
    }
}
