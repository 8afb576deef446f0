//! How fast a password may be guessed at: a few mistakes are free, then every wrong one makes the
//! next wait longer, and a day has an end of guesses (OWASP ASVS 5.0, 6.3.1).
//!
//! A credential is what was typed as the name, so somebody unknown is delayed like somebody known.
//! What is counted stands in the tenant's database and outlives a restart. Two clocks must agree
//! that a delay is over: the wall clock, because it goes on while the appliance is off, and the
//! process's own steady one, because a wall clock can be set forward. One that was set back costs
//! one delay, not all the time between.
//!
//! Sessions and tokens that live are not concerned: who is signed in works on, whoever guesses.

use std::collections::HashMap;
use std::sync::Arc;

use base::Timestamp;
use parking_lot::Mutex;
use policy::SteadyClock;
use sha2::{Digest as _, Sha256};
use store::{CredentialKey, GuessRow};
use tokio::sync::OwnedMutexGuard;

use crate::IdentityError;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Credentials whose guesses are remembered in memory, at about 200 bytes each.
const REMEMBERED_MAX: usize = 20_000;

/// How fast passwords may be guessed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessSettings {
    /// Wrong ones in a row that cost nothing: people mistype.
    pub free: u32,
    /// How long the first one beyond makes wait; each further one doubles it.
    pub delay_first_ms: i64,
    /// The longest delay, short of the day's end.
    pub delay_max_ms: i64,
    /// Wrong ones in 24 hours; after that the credential waits until they are over.
    pub per_day: u32,
}

impl Default for GuessSettings {
    fn default() -> Self {
        Self { free: 4, delay_first_ms: 2_000, delay_max_ms: 15 * 60 * 1000, per_day: 100 }
    }
}

impl GuessSettings {
    /// What is known after one more wrong guess.
    pub(crate) fn after_failure(&self, known: Option<GuessRow>, now: Timestamp) -> GuessRow {
        let fresh =
            GuessRow { failures: 0, day_count: 0, day_began: now, last_at: now, delay_ms: 0 };
        let mut row = known.unwrap_or(fresh);
        if now < row.day_began {
            // The clock was set back: the day begins anew, its guesses are not forgiven.
            row.day_began = now;
        } else if now.since_ms(row.day_began) >= DAY_MS {
            (row.day_began, row.day_count) = (now, 0);
        }
        if now.since_ms(row.last_at) >= DAY_MS {
            row.failures = 0;
        }
        row.failures = row.failures.saturating_add(1);
        row.day_count = row.day_count.saturating_add(1);
        row.last_at = now;
        row.delay_ms = match row.failures.checked_sub(self.free.saturating_add(1)) {
            None => 0,
            Some(doublings) => {
                let factor = 1_i64.checked_shl(doublings).filter(|factor| *factor > 0);
                let delay = factor.and_then(|factor| self.delay_first_ms.checked_mul(factor));
                delay.map_or(self.delay_max_ms, |delay| delay.min(self.delay_max_ms))
            }
        };
        if row.day_count >= self.per_day {
            row.delay_ms = row.delay_ms.max(DAY_MS - now.since_ms(row.day_began));
        }
        row
    }

    /// What is known after a right one; the day's count stays, so that whoever guesses gains nothing
    /// when the person signs in.
    pub(crate) fn after_success(known: GuessRow) -> GuessRow {
        GuessRow { failures: 0, delay_ms: 0, ..known }
    }
}

/// How long the next guess has to wait by the wall clock, in milliseconds; 0 for not at all.
fn wait_ms(row: &GuessRow, now: Timestamp) -> i64 {
    (row.delay_ms - now.since_ms(row.last_at)).min(row.delay_ms).max(0)
}

/// Counts the guesses of this process; one per process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GuessGuard {
    settings: GuessSettings,
    clock: SteadyClock,
    remembered: Arc<Mutex<HashMap<CredentialKey, Slot>>>,
}

type Slot = Arc<tokio::sync::Mutex<Remembered>>;

/// What the process knows of a credential.
#[derive(Default)]
struct Remembered {
    /// When the next guess may come, by the steady clock.
    until_ms: u64,
    /// The last row: the only place for guesses at a name in a tenant that does not exist.
    row: Option<GuessRow>,
}

/// The right to make one guess at a credential. Others wait for it: a hundred guesses at once are a
/// hundred guesses one after the other.
pub(crate) struct GuessTurn {
    guard: GuessGuard,
    key: CredentialKey,
    slot: OwnedMutexGuard<Remembered>,
}

impl GuessGuard {
    pub(crate) fn new(settings: GuessSettings, clock: SteadyClock) -> Self {
        Self { settings, clock, remembered: Arc::default() }
    }

    /// The turn to guess at the name `email` in `realm`: a tenant's id, or the words that name none.
    pub(crate) async fn turn(&self, realm: &[u8], email: &str) -> GuessTurn {
        let key = credential_key(realm, email);
        let slot = {
            let mut remembered = self.remembered.lock();
            if remembered.len() >= REMEMBERED_MAX && !remembered.contains_key(&key) {
                forget(&mut remembered, self.clock.elapsed_ms());
            }
            Arc::clone(remembered.entry(key).or_default())
        };
        GuessTurn { guard: self.clone(), key, slot: slot.lock_owned().await }
    }
}

impl GuessTurn {
    /// Names the credential in the database.
    pub(crate) const fn key(&self) -> &CredentialKey {
        &self.key
    }

    /// What is known where there is no database.
    pub(crate) fn remembered(&self) -> Option<GuessRow> {
        self.slot.row
    }

    /// Whether a guess may be made now.
    ///
    /// # Errors
    /// [`IdentityError::GuessDelayed`].
    pub(crate) fn admit(
        &self,
        known: Option<&GuessRow>,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let by_wall = known.map_or(0, |row| wait_ms(row, now));
        let by_process = self.slot.until_ms.saturating_sub(self.guard.clock.elapsed_ms());
        let wait_ms = u64::try_from(by_wall).unwrap_or(0).max(by_process);
        if wait_ms == 0 { Ok(()) } else { Err(IdentityError::GuessDelayed { wait_ms }) }
    }

    /// Counts a wrong guess; the row is to be kept where there is a database.
    pub(crate) fn failed(&mut self, known: Option<GuessRow>, now: Timestamp) -> GuessRow {
        let row = self.guard.settings.after_failure(known, now);
        let delay_ms = u64::try_from(row.delay_ms).unwrap_or(0);
        self.slot.until_ms = self.guard.clock.elapsed_ms().saturating_add(delay_ms);
        self.slot.row = Some(row);
        row
    }

    /// Ends the delays after a right guess; the row to be kept, if there was one.
    pub(crate) fn succeeded(&mut self, known: Option<GuessRow>) -> Option<GuessRow> {
        self.slot.until_ms = 0;
        let row = known.map(GuessSettings::after_success);
        self.slot.row = row;
        row
    }
}

/// Names a credential: see [`GuessGuard::turn`].
pub(crate) fn credential_key(realm: &[u8], email: &str) -> CredentialKey {
    let mut hash = Sha256::new();
    hash.update(u64::try_from(realm.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(realm);
    hash.update(email);
    hash.finalize().into()
}

/// Makes room: credentials that nobody guesses at now and whose delay is over; if there is none, the
/// half whose delay is over first.
fn forget(remembered: &mut HashMap<CredentialKey, Slot>, now_ms: u64) {
    let until = |slot: &Slot| slot.try_lock().map_or(u64::MAX, |known| known.until_ms);
    remembered.retain(|_, slot| until(slot) > now_ms);
    if remembered.len() >= REMEMBERED_MAX {
        let mut moments: Vec<u64> = remembered.values().map(until).collect();
        let middle = moments.len() / 2;
        let (_, median, _) = moments.select_nth_unstable(middle);
        let median = *median;
        remembered.retain(|_, slot| until(slot) > median);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: GuessSettings =
        GuessSettings { free: 4, delay_first_ms: 2_000, delay_max_ms: 900_000, per_day: 100 };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_795_000_000_000 + ms)
    }

    #[test]
    fn a_few_mistakes_are_free_and_then_each_doubles_the_delay() {
        let mut row = None;
        let delays: Vec<i64> = (0..16)
            .map(|_| {
                let next = SETTINGS.after_failure(row, at(0));
                row = Some(next);
                next.delay_ms / 1000
            })
            .collect();
        assert_eq!(delays, [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn a_right_one_ends_the_delays_and_not_the_count_of_the_day() {
        let mut row = SETTINGS.after_failure(None, at(0));
        for _ in 0..98 {
            row = SETTINGS.after_failure(Some(row), at(0));
        }
        row = GuessSettings::after_success(row);
        assert_eq!((row.failures, row.delay_ms, row.day_count), (0, 0, 99));
        let last = SETTINGS.after_failure(Some(row), at(1_000));
        assert_eq!(last.delay_ms, DAY_MS - 1_000);
        let next_day = SETTINGS.after_failure(Some(last), at(DAY_MS));
        assert_eq!((next_day.day_count, next_day.failures), (1, 2));
    }

    #[test]
    fn a_clock_that_is_set_back_costs_one_delay() {
        let mut row = None;
        for _ in 0..6 {
            row = Some(SETTINGS.after_failure(row, at(0)));
        }
        let row = row.unwrap();
        assert_eq!(row.delay_ms, 4_000);
        assert_eq!(wait_ms(&row, at(-1_000_000_000)), 4_000);
        assert_eq!((wait_ms(&row, at(1_000)), wait_ms(&row, at(4_000))), (3_000, 0));
        let earlier = SETTINGS.after_failure(Some(row), at(-1_000_000_000));
        assert_eq!((earlier.day_count, earlier.delay_ms), (7, 8_000));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_delays_are_not_forgotten_first() {
        let clock = SteadyClock::manual();
        let guard = GuessGuard::new(SETTINGS, clock);
        let mut row = None;
        for _ in 0..12 {
            row = Some(guard.turn(b"t", "victim").await.failed(row, at(0)));
        }
        for n in 0..2 * REMEMBERED_MAX {
            drop(guard.turn(b"t", &n.to_string()).await);
        }
        assert!(guard.remembered.lock().len() <= REMEMBERED_MAX);
        assert!(guard.turn(b"t", "victim").await.admit(None, at(0)).is_err());
    }

    proptest! {
        /// Whenever somebody guesses as soon as they may, with pauses and with the person signing in
        /// between, no 24 hours see more than the day's guesses twice, and without the person no
        /// more than once.
        #[test]
        fn a_day_has_an_end_of_guesses(
            pauses in proptest::collection::vec(0_i64..600_000, 400),
            signs_in in proptest::collection::vec(proptest::bool::weighted(0.02), 400),
            person in any::<bool>(),
        ) {
            let (mut now, mut row, mut guesses) = (0, None, Vec::new());
            for (pause, signs_in) in pauses.into_iter().zip(signs_in) {
                now += pause;
                if let Some(known) = row {
                    now += wait_ms(&known, at(now));
                }
                guesses.push(now);
                row = Some(SETTINGS.after_failure(row, at(now)));
                if person && signs_in {
                    row = row.map(GuessSettings::after_success);
                }
            }
            let bound = if person { 200 } else { 100 };
            for (i, first) in guesses.iter().enumerate() {
                let within = guesses[i..].iter().filter(|g| **g < first + DAY_MS).count();
                prop_assert!(within <= bound, "{within} guesses within a day");
            }
        }
    }
}
