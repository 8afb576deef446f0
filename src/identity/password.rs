//! Passwords: how they are held, which ones are taken, and the ones we make.

use std::fmt;

use base::{Entropy, EntropyError};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::IdentityError;
use crate::guessable::is_guessed_first;

/// Fewest characters of a password (NIST SP 800-63B-4 asks for 8 with and 15 without a second
/// factor; the plant's own rule may not be weaker than this).
pub const PASSWORD_MIN_CHARS: usize = 12;

/// Most characters of a password.
pub const PASSWORD_MAX_CHARS: usize = 256;

/// What a typed password may take in memory before it is thrown away unread: the longest password
/// in the widest characters.
const TYPED_MAX_BYTES: usize = PASSWORD_MAX_CHARS * 4;

/// A password as somebody typed it, in Unicode's composed form (NFC, as RFC 8265's OpaqueString
/// has it), so that `ü` is the same on every keyboard. Overwritten when dropped, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes what was typed. Text that is longer than any password becomes the empty password,
    /// which nobody has.
    #[must_use]
    pub fn typed(text: String) -> Self {
        let text = Zeroizing::new(text);
        if text.len() > TYPED_MAX_BYTES {
            return Self(Zeroizing::new(String::new()));
        }
        // Composed text is never longer in bytes than three times its source (UAX #15), so the
        // buffer does not move and leaves no copy behind.
        let mut composed = Zeroizing::new(String::with_capacity(text.len() * 3));
        composed.extend(text.nfc());
        Self(composed)
    }

    /// Whether it may be chosen as a new password; `field` is named where it may not. `known` are
    /// words that go with the account, and may not be all that there is to the password.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] with the rule that it breaks.
    pub(crate) fn check_rules<'k>(
        &self,
        field: &str,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), IdentityError> {
        let chars = self.0.chars().count();
        if !(PASSWORD_MIN_CHARS..=PASSWORD_MAX_CHARS).contains(&chars) {
            return Err(IdentityError::invalid(
                field,
                format!("must have {PASSWORD_MIN_CHARS} to {PASSWORD_MAX_CHARS} characters"),
            ));
        }
        if self.0.contains('\0') {
            return Err(IdentityError::invalid(field, "must not contain the NUL character"));
        }
        if is_guessed_first(&self.0, known) {
            return Err(IdentityError::invalid(
                field,
                "is among the first that are guessed: common words, names, dates and runs of keys do \
                 not count; a sentence of your own is good",
            ));
        }
        Ok(())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Symbols of a one-time password: Crockford's base 32, which leaves out what is misread.
const SYMBOLS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const GROUPS: usize = 4;
const SYMBOLS_PER_GROUP: usize = 5;

/// A password that the appliance made for somebody to sign in with once: 20 symbols of 5 bits, so
/// 100 bits, in four groups to be read from a screen or a note. Overwritten when dropped.
pub struct OneTimePassword(Zeroizing<String>);

impl OneTimePassword {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(Self(random_symbols(entropy, GROUPS, SYMBOLS_PER_GROUP)?))
    }

    /// The password, to be shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_password(&self) -> Password {
        Password(self.0.clone())
    }
}

/// Random symbols of 5 bits each, in groups, to be read from a screen or a note.
pub(crate) fn random_symbols(
    entropy: &dyn Entropy,
    groups: usize,
    symbols_per_group: usize,
) -> Result<Zeroizing<String>, EntropyError> {
    let mut random = Zeroizing::new(vec![0_u8; groups * symbols_per_group]);
    entropy.fill(&mut random)?;
    let mut text = Zeroizing::new(String::with_capacity(random.len() + groups));
    for (i, byte) in random.iter().enumerate() {
        if i > 0 && i % symbols_per_group == 0 {
            text.push('-');
        }
        text.push(char::from(SYMBOLS[usize::from(byte % 32)]));
    }
    Ok(text)
}

impl fmt::Debug for OneTimePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimePassword")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::{Coded as _, OsEntropy};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rules_name_the_field() {
        let check = |text: &str| Password::typed(text.into()).check_rules("new_password", []);
        let long = "zwölf Möwen fliegen ".repeat(20);
        for text in
            ["", "elevenchars", "with\0a NUL inside", "Passwort2026!", &long, &"x".repeat(9000)]
        {
            let violation = check(text).unwrap_err().violation().unwrap();
            assert_eq!(violation.field, "new_password", "{}", text.len());
        }
        let longest: String = long.chars().take(256).collect();
        for text in ["twelve chars", "Zwölfeinhalb", &longest] {
            check(text).unwrap();
        }
    }

    #[test]
    fn one_letter_typed_in_two_ways_is_one_password() {
        let composed = Password::typed("Pr\u{fc}fstand 4711".into());
        let decomposed = Password::typed("Pru\u{308}fstand 4711".into());
        assert!(composed == decomposed);
    }

    #[test]
    fn neither_password_shows_itself() {
        let made = OneTimePassword::generate(&OsEntropy).unwrap();
        let shown = format!("{made:?} {:?}", made.to_password());
        assert_eq!(shown, "OneTimePassword Password");
    }

    #[test]
    fn one_time_passwords_are_readable_and_differ() {
        let one = OneTimePassword::generate(&OsEntropy).unwrap();
        let other = OneTimePassword::generate(&OsEntropy).unwrap();
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), 23);
        assert!(one.reveal().split('-').all(|group| group.len() == 5));
        one.to_password().check_rules("password", []).unwrap();
    }

    proptest! {
        #[test]
        fn any_text_can_be_typed(text in "\\PC{0,1200}") {
            let long = text.len() > TYPED_MAX_BYTES;
            let password = Password::typed(text);
            prop_assert!(!long || password.as_bytes().is_empty());
        }
    }
}
