//! Time-based one-time passwords (RFC 6238), with the parameters that every authenticator app
//! takes: SHA-1, six digits, steps of 30 seconds.

use base::{Entropy, EntropyError, Timestamp};
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Length of a step, in seconds (RFC 6238 section 4.1).
pub(crate) const STEP_S: i64 = 30;

/// By how many steps the two clocks may differ (RFC 6238 section 5.2).
const DRIFT_STEPS: u16 = 1;

const DIGITS: u8 = 6;

/// Length of a secret, in bytes (RFC 4226 section 4, R6).
const SECRET_BYTES: usize = 20;

/// A secret that the appliance shares with somebody's authenticator. Overwritten when dropped.
pub(crate) struct TotpSecret(Zeroizing<[u8; SECRET_BYTES]>);

impl TotpSecret {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
        entropy.fill(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    pub(crate) fn from_row(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// The secret as people type it into an authenticator (RFC 4648 section 6, without padding).
    pub(crate) fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(Secret::new_stack(*self.0).to_base32())
    }

    /// The step that `code` is of, when it counts now and comes after `after`, the step of the last
    /// code that was taken.
    pub(crate) fn matching_step(&self, code: &str, now: Timestamp, after: i64) -> Option<i64> {
        let time = u64::try_from(now.unix_s()).ok()?;
        let step = i64::try_from(self.totp()?.check(code, time)?).ok()?;
        (step > after).then_some(step)
    }

    fn totp(&self) -> Option<Totp> {
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(STEP_S.unsigned_abs())
            .with_skew(DRIFT_STEPS)
            .with_secret(Secret::new_stack(*self.0))
            .build()
            .ok()
    }
}

/// What an authenticator with this secret shows at a moment; for tests that play one.
#[cfg(test)]
pub(crate) fn authenticator(base32: &str, now: Timestamp) -> String {
    let secret = Secret::try_from_base32(base32).ok();
    let bytes = secret.and_then(|secret| secret.as_bytes().try_into().ok());
    let totp = bytes.and_then(|bytes| TotpSecret(Zeroizing::new(bytes)).totp());
    totp.map(|totp| totp.generate(now.unix_s().unsigned_abs()).to_string()).unwrap_or_default()
}

/// The step of a moment.
pub(crate) fn step_of(now: Timestamp) -> i64 {
    now.unix_s().div_euclid(STEP_S)
}

/// Whether this can be a code at all: six digits, however grouped.
pub(crate) fn digits_of(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    (digits.len() == usize::from(DIGITS) && digits.bytes().all(|b| b.is_ascii_digit()))
        .then_some(digits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::OsEntropy;
    use proptest::prelude::*;

    use super::*;

    /// RFC 6238 appendix B, the last six of its eight digits.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn secret() -> TotpSecret {
        TotpSecret::from_row(b"12345678901234567890").unwrap()
    }

    fn at(unix_s: i64) -> Timestamp {
        Timestamp::from_unix_ms(unix_s * 1000)
    }

    #[test]
    fn the_standards_vectors_are_met() {
        for (time, code) in VECTORS {
            assert_eq!(secret().matching_step(code, at(time), 0), Some(time / STEP_S), "{time}");
        }
    }

    #[test]
    fn a_step_of_drift_counts_and_a_second_does_not() {
        let (time, code) = VECTORS[1];
        let step = time / STEP_S;
        for (drift, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let now = at((step + drift) * STEP_S + 7);
            assert_eq!(secret().matching_step(code, now, 0).is_some(), counts, "{drift}");
        }
    }

    #[test]
    fn no_code_counts_twice_nor_an_older_one_after_it() {
        let (time, code) = VECTORS[1];
        let step = time / STEP_S;
        assert_eq!(secret().matching_step(code, at(time), step - 1), Some(step));
        assert_eq!(secret().matching_step(code, at(time), step), None);
        assert_eq!(secret().matching_step(code, at(time), step + 1), None);
    }

    #[test]
    fn the_secret_is_written_as_authenticators_read_it() {
        assert_eq!(*secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_ne!(
            *TotpSecret::generate(&OsEntropy).unwrap().base32(),
            *TotpSecret::generate(&OsEntropy).unwrap().base32()
        );
        assert!(TotpSecret::from_row(b"short").is_none());
    }

    #[test]
    fn codes_are_six_digits_however_grouped() {
        for text in ["287082", "287 082", " 287-082\n"] {
            assert_eq!(digits_of(text).as_deref(), Some("287082"));
        }
        for text in ["", "28708", "2870822", "28708x", "２８７０８２"] {
            assert_eq!(digits_of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_code_is_taken_around_its_step_and_nowhere_else(
            time in 3600_i64..4_000_000_000,
            off in -3_i64..=3,
        ) {
            let code = authenticator(&secret().base32(), at(time));
            let taken = secret().matching_step(&code, at(time + off * STEP_S), -1);
            // Another step may have the same six digits, once in a million.
            if off.abs() <= 1 {
                prop_assert!(taken.is_some());
            } else {
                prop_assert_ne!(taken, Some(time / STEP_S));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), time in any::<i64>()) {
            let _ = digits_of(&text);
            let _ = secret().matching_step(&text, Timestamp::from_unix_ms(time), 0);
        }
    }
}
