//! People, as the rest of the house sees them.

use std::fmt;
use std::str::FromStr;

use base::{Classification, Rights, Role, Timestamp, UserId};

use crate::IdentityError;

/// Longest e-mail address, in bytes (RFC 5321 section 4.5.3.1.3: a path of 256 with its brackets).
const EMAIL_MAX_BYTES: usize = 254;
/// Longest part before the `@`, in bytes (RFC 5321 section 4.5.3.1.1).
const EMAIL_LOCAL_MAX_BYTES: usize = 64;
const DISPLAY_NAME_MAX_CHARS: usize = 120;
/// Longest language tag that every implementation must take (RFC 5646 section 4.4.1).
const LANGUAGE_MAX_BYTES: usize = 35;

macro_rules! personal_text {
    ($($name:ident),+) => {$(
        impl $name {
            /// The text. Personal data: not for logs.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// From the text that a row keeps.
            pub(crate) const fn from_row(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+};
}

/// An e-mail address in lower case: what a person signs in with. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// What a person is called. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(String);

personal_text!(Email, DisplayName);

impl Email {
    /// Checks and normalises an address. Lenient on purpose: a plant's own mail may have addresses
    /// without a dot in the domain, and nothing is ever sent to find out.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for the field `email`.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let refuse = |reason: &str| Err(IdentityError::invalid("email", reason));
        let text = Self::normalise(text);
        if text.is_empty() || text.len() > EMAIL_MAX_BYTES {
            return refuse("must have 3 to 254 bytes");
        }
        let Some((local, domain)) = text.split_once('@') else {
            return refuse("must be an address such as name@plant.example");
        };
        let odd = |c: char| c.is_control() || c.is_whitespace() || "@<>()[]\\,;:\"".contains(c);
        if local.chars().any(odd) || domain.chars().any(odd) {
            return refuse("must have one @ and no spaces, quotes, brackets or control characters");
        }
        if local.is_empty() || local.len() > EMAIL_LOCAL_MAX_BYTES {
            return refuse("must have 1 to 64 bytes before the @");
        }
        let dotted =
            |part: &str| part.starts_with('.') || part.ends_with('.') || part.contains("..");
        if domain.is_empty() || dotted(domain) || dotted(local) {
            return refuse("must have a name on both sides of the @, without stray dots");
        }
        Ok(Self(text))
    }

    /// The form in which an address is kept and looked for.
    pub(crate) fn normalise(text: &str) -> String {
        text.trim().to_lowercase()
    }
}

impl DisplayName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for the field `display_name`.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let text = text.trim();
        let chars = text.chars().count();
        if chars == 0 || chars > DISPLAY_NAME_MAX_CHARS || text.chars().any(char::is_control) {
            return Err(IdentityError::invalid(
                "display_name",
                "must have 1 to 120 characters, none of them a control character",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The language that a person wants to be addressed in, as a BCP 47 tag such as `de` or `en-GB`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language(String);

impl Language {
    /// Checks the shape of a tag (RFC 5646: language, then subtags); whether the language exists is
    /// left to who shows it.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for the field `language`.
    pub fn parse(text: &str) -> Result<Self, IdentityError> {
        let mut parts = text.split('-');
        let primary = parts.next().unwrap_or_default();
        let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphabetic());
        let subtag = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let shaped = (2..=3).contains(&primary.len()) && letters(primary) && parts.all(subtag);
        if !shaped || text.len() > LANGUAGE_MAX_BYTES {
            let reason = "must be a language tag such as de or en-GB (BCP 47)";
            return Err(IdentityError::invalid("language", reason));
        }
        Ok(Self(text.to_owned()))
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) const fn from_row(text: String) -> Self {
        Self(text)
    }
}

/// Whether an account is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// The person can sign in.
    Active,
    /// The person can't sign in; sessions and tokens of theirs count no more.
    Disabled,
}

impl UserStatus {
    /// Both values.
    pub const ALL: [Self; 2] = [Self::Active, Self::Disabled];

    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

impl FromStr for UserStatus {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| IdentityError::invalid("status", "must be active or disabled"))
    }
}

/// A person of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id; also `sub` of their tokens.
    pub id: UserId,
    /// What they sign in with.
    pub email: Email,
    /// What they are called.
    pub display_name: DisplayName,
    /// What they may do.
    pub role: Role,
    /// The most secret classification that they may see.
    pub clearance: Classification,
    /// Whether they may see export-controlled text.
    pub export_eligible: bool,
    /// The language they are addressed in.
    pub language: Language,
    /// Whether the account is in use.
    pub status: UserStatus,
    /// Whether they still have a one-time password.
    pub must_change_password: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// When anything above last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// What the person may see and do when they sign in.
    #[must_use]
    pub const fn rights(&self) -> Rights {
        Rights { role: self.role, clearance: self.clearance, export_eligible: self.export_eligible }
    }

    pub(crate) fn is_active_admin(&self) -> bool {
        self.role == Role::Admin && self.status == UserStatus::Active
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::Coded as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_taken_in_lower_case() {
        for (typed, kept) in [
            ("  Anna.Schmidt@Werk-Rauental.example ", "anna.schmidt@werk-rauental.example"),
            ("leitstand@plant", "leitstand@plant"),
            ("o'neil+shift@a.b", "o'neil+shift@a.b"),
            ("JÜRGEN@werk.example", "jürgen@werk.example"),
        ] {
            assert_eq!(Email::parse(typed).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn other_addresses_are_refused_by_field() {
        let long = format!("{}@plant", "a".repeat(65));
        let longer = format!("a@{}", "b".repeat(254));
        for typed in [
            "", " ", "@", "a@", "@b", "a", "a@b@c", "a b@c", "a@b c", "a\n@b", "a@b\0", "<a@b>",
            "a@.b", "a@b.", "a@b..c", ".a@b", "a,b@c", "\"a\"@b", &long, &longer,
        ] {
            let violation = Email::parse(typed).unwrap_err().violation().unwrap();
            assert_eq!(violation.field, "email", "{typed:?}");
        }
    }

    #[test]
    fn languages_are_tags() {
        for tag in ["en", "de", "cs", "en-GB", "zh-Hant-TW", "sgn-BE-FR", "de-1996"] {
            assert_eq!(Language::parse(tag).unwrap().as_str(), tag);
        }
        for tag in ["", "e", "english", "de_AT", "de-", "-de", "d1", "en--GB", "de-123456789"] {
            assert!(Language::parse(tag).is_err(), "{tag}");
        }
    }

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(DisplayName::parse("  Anna Schmidt ").unwrap().as_str(), "Anna Schmidt");
        for name in ["", "  ", "a\nb", &"x".repeat(121)] {
            assert!(DisplayName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn debug_shows_nothing_personal() {
        let email = Email::parse("anna@plant.example").unwrap();
        let name = DisplayName::parse("Anna").unwrap();
        assert_eq!(format!("{email:?} {name:?}"), "Email DisplayName");
    }

    proptest! {
        #[test]
        fn what_is_taken_once_is_taken_again_unchanged(text in "\\PC{0,40}@\\PC{0,40}") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email);
            }
        }

        #[test]
        fn no_text_makes_a_parser_panic(text in any::<String>()) {
            let _ = (Email::parse(&text), DisplayName::parse(&text), Language::parse(&text));
        }
    }
}
