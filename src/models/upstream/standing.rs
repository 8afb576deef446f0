//! Whether an upstream answers, so that nobody waits for one that is known to be down.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::error::ModelError;

/// Waiting time after the first failure; doubled with each further one.
const BACKOFF_FIRST: Duration = Duration::from_secs(2);

/// Longest waiting time.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// How an upstream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// Nobody has asked yet.
    Unknown,
    /// The last call went well.
    Answers,
    /// The last call did not.
    Down {
        /// Why, for the administrator.
        reason: String,
    },
}

/// What the last calls came to.
#[derive(Default)]
pub(super) struct Standing(Mutex<Last>);

#[derive(Default)]
struct Last {
    has_answered: bool,
    failures: u32,
    reason: String,
    /// Before that nobody else is let through.
    retry_at: Option<Instant>,
}

impl Standing {
    pub(super) fn state(&self) -> UpstreamState {
        let last = self.0.lock();
        match (last.failures, last.has_answered) {
            (0, false) => UpstreamState::Unknown,
            (0, true) => UpstreamState::Answers,
            _ => UpstreamState::Down { reason: last.reason.clone() },
        }
    }

    /// Lets a call through, unless it is known that nobody answers. After the waiting time one call
    /// goes ahead, and the others wait for what becomes of it.
    pub(super) fn admit(&self, now: Instant) -> Result<(), ModelError> {
        let mut last = self.0.lock();
        match last.retry_at {
            Some(at) if now < at => {
                Err(ModelError::Unavailable { reason: last.reason.clone(), retry_after: at - now })
            }
            Some(_) => {
                last.retry_at = Some(now + backoff(last.failures));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Keeps what a call came to. What lies with the prompt says nothing about the upstream.
    pub(super) fn note(&self, error: Option<&ModelError>, now: Instant) {
        match error {
            None => *self.0.lock() = Last { has_answered: true, ..Last::default() },
            Some(ModelError::Unavailable { reason, .. }) => self.failed(reason.clone(), now),
            Some(ModelError::DeadlinePassed { .. }) => self.silent(now),
            Some(_) => {}
        }
    }

    /// Nothing came back in the time that there was.
    pub(super) fn silent(&self, now: Instant) {
        self.failed("it did not answer in time".to_owned(), now);
    }

    fn failed(&self, reason: String, now: Instant) {
        let mut last = self.0.lock();
        last.failures = last.failures.saturating_add(1);
        last.retry_at = Some(now + backoff(last.failures));
        last.reason = reason;
    }
}

fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(5);
    (BACKOFF_FIRST * 2_u32.pow(doublings)).min(BACKOFF_MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn down() -> ModelError {
        ModelError::Unavailable { reason: "gone".into(), retry_after: Duration::ZERO }
    }

    #[test]
    fn one_call_goes_ahead_after_each_wait_and_the_waits_grow() {
        let standing = Standing::default();
        let mut now = Instant::now();
        assert_eq!(standing.state(), UpstreamState::Unknown);
        standing.admit(now).unwrap();
        let mut waits = Vec::new();
        for _ in 0..8 {
            standing.note(Some(&down()), now);
            assert_eq!(standing.state(), UpstreamState::Down { reason: "gone".into() });
            let Err(ModelError::Unavailable { retry_after, .. }) = standing.admit(now) else {
                panic!("a call is let through")
            };
            waits.push(retry_after.as_secs());
            now += retry_after;
            standing.admit(now).unwrap();
            assert!(standing.admit(now).is_err(), "two go ahead at once");
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        standing.note(None, now);
        assert_eq!(standing.state(), UpstreamState::Answers);
        standing.admit(now).unwrap();
        standing.admit(now).unwrap();
    }

    #[test]
    fn a_prompt_that_is_refused_says_nothing_about_the_server() {
        let (standing, now) = (Standing::default(), Instant::now());
        standing.note(Some(&ModelError::Worker(None)), now);
        standing.note(Some(&ModelError::Busy { retry_after: Duration::ZERO }), now);
        assert_eq!(standing.state(), UpstreamState::Unknown);
        standing.admit(now).unwrap();
    }
}
