//! What people type and are shown about their second factor. None of it shows itself in `Debug`, and
//! all of it is overwritten when dropped.

use std::fmt;

use base::{Entropy, EntropyError};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::password::random_symbols;
use crate::totp::{STEP_S, TotpSecret};

/// Recovery codes that are made at once.
pub const RECOVERY_CODES: usize = 10;

/// Who may see what an authenticator shows for the appliance.
const ISSUER: &str = "Millwright";

/// A recovery code: 24 symbols of 5 bits, so 120 bits, in four groups. Enough for a fast hash (OWASP
/// ASVS 5.0, 6.5.2 asks for a slow one up to 112 bits).
const RECOVERY_GROUPS: usize = 4;
const RECOVERY_SYMBOLS_PER_GROUP: usize = 6;

/// What somebody enters into their authenticator; shown this once.
pub struct Enrolment {
    secret: Zeroizing<String>,
    uri: Zeroizing<String>,
}

impl Enrolment {
    pub(crate) fn new(secret: &TotpSecret, account: &str) -> Self {
        let base32 = secret.base32();
        // Key URI format of Google Authenticator, which the others read as well.
        let uri = format!(
            "otpauth://totp/{ISSUER}:{account}?secret={secret}&issuer={ISSUER}&period={STEP_S}",
            account = percent(account),
            secret = base32.as_str(),
        );
        Self { secret: base32, uri: Zeroizing::new(uri) }
    }

    /// The secret in base 32, to be typed.
    #[must_use]
    pub fn reveal_secret(&self) -> &str {
        &self.secret
    }

    /// The secret as an `otpauth:` address, to be scanned.
    #[must_use]
    pub fn reveal_uri(&self) -> &str {
        &self.uri
    }
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Enrolment")
    }
}

/// Everything but unreserved characters (RFC 3986 section 2.3) by its bytes.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Codes for when the authenticator is lost; shown this once.
pub struct RecoveryCodes(Vec<Zeroizing<String>>);

impl RecoveryCodes {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let code = |_| random_symbols(entropy, RECOVERY_GROUPS, RECOVERY_SYMBOLS_PER_GROUP);
        Ok(Self((0..RECOVERY_CODES).map(code).collect::<Result<_, _>>()?))
    }

    /// The codes.
    pub fn reveal(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|code| code.as_str())
    }

    pub(crate) fn hashes(&self) -> Vec<[u8; 32]> {
        self.0.iter().map(|code| recovery_hash(code)).collect()
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCodes")
    }
}

/// Of a recovery code as it was typed: case, blanks and hyphens do not count.
pub(crate) fn recovery_hash(text: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        hasher.update(c.to_ascii_lowercase().encode_utf8(&mut [0; 4]));
    }
    hasher.finalize().into()
}

/// What somebody typed as their second factor: a code of their authenticator, or a recovery code.
/// Overwritten when dropped, never shown.
pub struct FactorCode(Zeroizing<String>);

/// Longest text that is looked at, in bytes.
const CODE_MAX_BYTES: usize = 64;

impl FactorCode {
    /// Takes what was typed. Text that is longer than any code becomes the empty one, which nobody
    /// has.
    #[must_use]
    pub fn typed(text: String) -> Self {
        let text = Zeroizing::new(text);
        if text.len() > CODE_MAX_BYTES { Self(Zeroizing::new(String::new())) } else { Self(text) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FactorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorCode")
    }
}
