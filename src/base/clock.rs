//! Time as a parameter: rooms take a [`Clock`], tests take a [`ManualClock`].

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A moment, as milliseconds since the Unix epoch (UTC). Written as RFC 3339 on every wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The text is not an RFC 3339 date-time or lies outside the years that can be written.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 date-time such as 2026-01-31T08:00:00Z")]
pub struct TimestampError;

impl Timestamp {
    /// Last moment that RFC 3339 can write (end of the year 9999), in milliseconds.
    const MAX_MS: i64 = 253_402_300_799_999;

    /// From milliseconds since the Unix epoch; values out of RFC 3339's years are clamped.
    #[must_use]
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        if unix_ms < 0 {
            Self(0)
        } else if unix_ms > Self::MAX_MS {
            Self(Self::MAX_MS)
        } else {
            Self(unix_ms)
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as JWT's `exp` and `iat` want them (RFC 7519).
    #[must_use]
    pub const fn unix_s(self) -> i64 {
        self.0 / 1000
    }

    /// This moment moved by `delta_ms`, saturating.
    #[must_use]
    pub const fn plus_ms(self, delta_ms: i64) -> Self {
        Self::from_unix_ms(self.0.saturating_add(delta_ms))
    }

    /// Milliseconds from `earlier` to this moment; negative when `earlier` is later.
    #[must_use]
    pub const fn since_ms(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Reads an RFC 3339 date-time, or a plain date which means its first moment in UTC.
    ///
    /// # Errors
    /// [`TimestampError`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let parsed: Result<jiff::Timestamp, _> =
            if text.len() == 10 { format!("{text}T00:00:00Z").parse() } else { text.parse() };
        let unix_ms = parsed.map_err(|_| TimestampError)?.as_millisecond();
        if (0..=Self::MAX_MS).contains(&unix_ms) { Ok(Self(unix_ms)) } else { Err(TimestampError) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(ts) => write!(f, "{ts:.3}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// Where a room gets the time from.
pub trait Clock: Send + Sync {
    /// The present moment (UTC wall clock).
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let unix_ms = since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        Timestamp::from_unix_ms(unix_ms)
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub const fn at(start: Timestamp) -> Self {
        Self(AtomicI64::new(start.unix_ms()))
    }

    /// Moves the clock by `delta_ms`, backwards when negative.
    pub fn advance_ms(&self, delta_ms: i64) {
        self.0.fetch_add(delta_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn writes_and_reads_rfc_3339_with_milliseconds() {
        let ts = Timestamp::from_unix_ms(1_795_000_000_123);
        assert_eq!(ts.to_string(), "2026-11-18T11:06:40.123Z");
        assert_eq!(Timestamp::parse(&ts.to_string()).unwrap(), ts);
    }

    #[test]
    fn a_plain_date_is_its_first_moment() {
        assert_eq!(Timestamp::parse("1970-01-02").unwrap().unix_ms(), 86_400_000);
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in ["", "yesterday", "2026-13-01", "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z"]
        {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
