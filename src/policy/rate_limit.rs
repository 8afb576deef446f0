//! How often: a token bucket per key (the generic cell rate algorithm of ITU-T I.371, by
//! `governor`), in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::{Code, Coded};
use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{NotUntil, Quota, RateLimiter as Gcra};
use parking_lot::Mutex;

/// Limits of a [`RateLimiter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitSettings {
    /// Requests a minute and key. The bucket holds as many, so that a page that asks for ten things
    /// at once is no offence.
    pub requests_per_minute: NonZeroU32,
    /// Keys that are remembered at most, at about 100 bytes each.
    pub max_keys: usize,
}

impl RateLimitSettings {
    /// More requests a minute than this are counted as this many.
    pub const REQUESTS_PER_MINUTE_MAX: u32 = 1_000_000;
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        Self { requests_per_minute: NonZeroU32::MIN.saturating_add(59), max_keys: 100_000 }
    }
}

/// A clock that never goes back: a wall clock that is set back by an hour would refuse everybody for
/// that hour.
#[derive(Clone, Debug)]
pub struct SteadyClock(Source);

#[derive(Clone, Debug)]
enum Source {
    Machine(Instant),
    Manual(Arc<AtomicU64>),
}

impl SteadyClock {
    /// The machine's monotonic clock.
    #[must_use]
    pub fn of_machine() -> Self {
        Self(Source::Machine(Instant::now()))
    }

    /// A clock that stands still until [`SteadyClock::advance_ms`]; for tests. Copies show the same
    /// time.
    #[must_use]
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(0))))
    }

    /// Moves a manual clock; the machine's does not listen.
    pub fn advance_ms(&self, delta_ms: u64) {
        if let Source::Manual(elapsed_ms) = &self.0 {
            elapsed_ms.fetch_add(delta_ms, Ordering::SeqCst);
        }
    }

    /// Milliseconds since this clock was made.
    #[must_use]
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::Machine(start) => start.elapsed(),
            Source::Manual(elapsed_ms) => Duration::from_millis(elapsed_ms.load(Ordering::SeqCst)),
        }
    }
}

/// The form in which `governor` wants a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Elapsed(u64);

impl std::ops::Add<Nanos> for Elapsed {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        Self(self.0.saturating_add(other.as_u64()))
    }
}

impl Reference for Elapsed {
    fn duration_since(&self, earlier: Self) -> Nanos {
        Nanos::new(self.0.saturating_sub(earlier.0))
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        self.0.checked_sub(duration.as_u64()).map_or(*self, Self)
    }
}

#[derive(Clone, Debug)]
struct RateClock(SteadyClock);

impl Clock for RateClock {
    type Instant = Elapsed;

    fn now(&self) -> Elapsed {
        Elapsed(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX / 2))
    }
}

/// A request that was within its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests that the key may make a minute.
    pub limit: u32,
    /// Requests that it may make at once after this one.
    pub remaining: u32,
}

impl Allowance {
    /// Seconds until the key has its whole limit again if it sends nothing more, rounded up.
    #[must_use]
    pub fn full_after_s(&self) -> u32 {
        let used = u64::from(self.limit.saturating_sub(self.remaining));
        let seconds = (used * 60).div_ceil(u64::from(self.limit.max(1)));
        u32::try_from(seconds).unwrap_or(60)
    }
}

/// A request that was beyond its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} requests a minute: the next one may come in {retry_after_ms} ms")]
pub struct RateRefused {
    /// Requests that the key may make a minute.
    pub limit: u32,
    /// Milliseconds until the next request may come, rounded up.
    pub retry_after_ms: u64,
}

impl Coded for RateRefused {
    fn code(&self) -> Code {
        "rate_limited"
    }

    fn retry_after_s(&self) -> Option<u32> {
        u32::try_from(self.retry_after_ms.div_ceil(1000)).ok()
    }
}

/// Counts requests per key of which each has a limit of its own, in one bounded memory.
pub struct OwnRateLimiter<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K>,
}

impl<K: Hash + Eq + Clone> OwnRateLimiter<K> {
    /// What a bucket holds, and gets in a minute: a request costs its key this many divided by the
    /// key's limit. One falls in every 100 ns, a whole number of `governor`'s nanoseconds.
    const CELLS: NonZeroU32 = NonZeroU32::MIN.saturating_add(600_000_000 - 1);

    /// Highest limit of a key, requests a minute. Up to 24,000 a limit is kept exactly, above that
    /// to within its square divided by the number of cells.
    pub const REQUESTS_PER_MINUTE_MAX: u32 = 100_000;

    /// A limiter in which every key starts with a full bucket.
    #[must_use]
    pub fn new(max_keys: usize, clock: SteadyClock) -> Self {
        Self { limiter: RateLimiter::with_quota(Self::CELLS, max_keys, clock) }
    }

    /// Keys that are remembered now, for a metric.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.limiter.keys()
    }

    /// Counts one request of `key`, which may make `requests_per_minute`.
    ///
    /// # Errors
    /// [`RateRefused`] when the bucket is empty; the request is not counted then.
    pub fn check(
        &self,
        key: &K,
        requests_per_minute: NonZeroU32,
    ) -> Result<Allowance, RateRefused> {
        let limit = requests_per_minute.get().min(Self::REQUESTS_PER_MINUTE_MAX);
        let cost = Self::CELLS.get() / limit;
        let cells = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        match self.limiter.gcra.check_key_n(key, cells) {
            Ok(Ok(state)) => {
                Ok(Allowance { limit, remaining: state.remaining_burst_capacity() / cells })
            }
            Ok(Err(until)) => Err(self.limiter.refused(&until, limit)),
            // More than a bucket holds, which a share of it is not.
            Err(_) => Err(RateRefused { limit, retry_after_ms: 60_000 }),
        }
    }
}

/// Counts requests per key. A key is whatever shares a limit: a person, a tenant, an address.
pub struct RateLimiter<K: Hash + Eq + Clone> {
    gcra: Gcra<K, BoundedState<K>, RateClock, StateInformationMiddleware>,
    clock: RateClock,
    arrivals: Arrivals<K>,
    limit: u32,
}

impl<K: Hash + Eq + Clone> RateLimiter<K> {
    /// A limiter in which every key starts with a full bucket.
    #[must_use]
    pub fn new(settings: RateLimitSettings, clock: SteadyClock) -> Self {
        let most = NonZeroU32::MIN.saturating_add(RateLimitSettings::REQUESTS_PER_MINUTE_MAX - 1);
        let limit = settings.requests_per_minute.min(most);
        Self::with_quota(limit, settings.max_keys, clock)
    }

    fn with_quota(per_minute: NonZeroU32, max_keys: usize, clock: SteadyClock) -> Self {
        let clock = RateClock(clock);
        let arrivals = Arrivals::<K>::default();
        let state = BoundedState { max_keys: max_keys.max(1), arrivals: Arc::clone(&arrivals) };
        let gcra = Gcra::new(Quota::per_minute(per_minute), state, clock.clone());
        Self { gcra, clock, arrivals, limit: per_minute.get() }
    }

    /// Keys that are remembered now, for a metric.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.arrivals.lock().len()
    }

    /// Counts one request of `key`.
    ///
    /// # Errors
    /// [`RateRefused`] when the bucket is empty; the request is not counted then.
    pub fn check(&self, key: &K) -> Result<Allowance, RateRefused> {
        match self.gcra.check_key(key) {
            Ok(state) => {
                Ok(Allowance { limit: self.limit, remaining: state.remaining_burst_capacity() })
            }
            Err(until) => Err(self.refused(&until, self.limit)),
        }
    }

    fn refused(&self, until: &NotUntil<Elapsed>, limit: u32) -> RateRefused {
        let wait_ms = until.wait_time_from(self.clock.now()).as_nanos().div_ceil(1_000_000);
        RateRefused { limit, retry_after_ms: u64::try_from(wait_ms).unwrap_or(u64::MAX).max(1) }
    }
}

/// The moment at which each key's bucket will be full again.
type Arrivals<K> = Arc<Mutex<HashMap<K, Nanos>>>;

/// The arrivals of at most `max_keys` keys.
struct BoundedState<K> {
    max_keys: usize,
    arrivals: Arrivals<K>,
}

impl<K: Hash + Eq + Clone> StateStore for BoundedState<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut arrivals = self.arrivals.lock();
        if let Some(arrival) = arrivals.get_mut(key) {
            let (outcome, next) = decide(Some(*arrival))?;
            *arrival = next;
            return Ok(outcome);
        }
        let (outcome, next) = decide(None)?;
        if arrivals.len() >= self.max_keys {
            forget_the_fullest_half(&mut arrivals);
        }
        arrivals.insert(key.clone(), next);
        Ok(outcome)
    }
}

/// Makes room by forgetting the keys whose buckets are nearest to full: to forget them gives away
/// the least, and whoever floods the limiter with fresh keys forgets those first.
fn forget_the_fullest_half<K: Hash + Eq>(arrivals: &mut HashMap<K, Nanos>) {
    let mut moments: Vec<u64> = arrivals.values().map(|nanos| nanos.as_u64()).collect();
    let middle = moments.len() / 2;
    let (_, median, _) = moments.select_nth_unstable(middle);
    let median = *median;
    // Equal moments could all lie above the median: at most the upper half is kept, whoever it is.
    let mut room = moments.len() - middle - 1;
    arrivals.retain(|_, nanos| {
        let keep = nanos.as_u64() > median && room > 0;
        room -= usize::from(keep);
        keep
    });
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn limiter(max_keys: usize) -> (RateLimiter<u32>, SteadyClock) {
        let clock = SteadyClock::manual();
        let settings = RateLimitSettings { max_keys, ..RateLimitSettings::default() };
        (RateLimiter::new(settings, clock.clone()), clock)
    }

    #[test]
    fn sixty_requests_pass_and_the_next_is_told_when_to_come_back() {
        let (limiter, clock) = limiter(10);
        for i in 0..60 {
            let allowance = limiter.check(&1).unwrap();
            assert_eq!(allowance, Allowance { limit: 60, remaining: 59 - i });
        }
        let refused = limiter.check(&1).unwrap_err();
        assert_eq!(refused, RateRefused { limit: 60, retry_after_ms: 1000 });
        assert_eq!(refused.retry_after_s(), Some(1));
        // Somebody else is not concerned.
        assert_eq!(limiter.check(&2).unwrap().remaining, 59);
        clock.advance_ms(999);
        assert_eq!(limiter.check(&1).unwrap_err().retry_after_ms, 1);
        clock.advance_ms(1);
        assert_eq!(limiter.check(&1).unwrap().remaining, 0);
        clock.advance_ms(60_000);
        assert_eq!(limiter.check(&1).unwrap().remaining, 59);
    }

    #[test]
    fn memory_is_bounded_and_who_has_used_most_is_remembered() {
        let (limiter, _clock) = limiter(100);
        for _ in 0..60 {
            limiter.check(&7).unwrap();
        }
        for key in 1000..20_000 {
            limiter.check(&key).unwrap();
            assert!(limiter.keys() <= 100);
        }
        assert!(limiter.check(&7).is_err(), "a flood of keys must not refill a bucket");
    }

    #[test]
    fn every_key_may_have_a_limit_of_its_own() {
        let clock = SteadyClock::manual();
        let limiter = OwnRateLimiter::new(100, clock.clone());
        for (key, limit) in [(1_u32, 1_u32), (2, 7), (3, 60), (4, 599), (5, 10_007)] {
            let per_minute = NonZeroU32::new(limit).unwrap();
            for i in 0..limit {
                let allowance = limiter.check(&key, per_minute).unwrap();
                assert_eq!(allowance, Allowance { limit, remaining: limit - 1 - i });
            }
            let refused = limiter.check(&key, per_minute).unwrap_err();
            assert_eq!(refused.limit, limit);
            clock.advance_ms(refused.retry_after_ms);
            assert!(limiter.check(&key, per_minute).is_ok(), "{limit}");
        }
        for key in 0..10_000 {
            let _ = limiter.check(&key, NonZeroU32::MIN);
            assert!(limiter.keys() <= 100);
        }
    }

    #[test]
    fn the_time_to_a_full_bucket_is_told() {
        let (limiter, _clock) = limiter(10);
        assert_eq!(limiter.check(&1).unwrap().full_after_s(), 1);
        for _ in 0..58 {
            limiter.check(&1).unwrap();
        }
        assert_eq!(limiter.check(&1).unwrap().full_after_s(), 60);
    }
}
