//! How an API key is written: `mwk_<tenant and prefix>_<secret and checksum>`.
//!
//! All of it is of letters and digits, so that a double click takes it whole, and begins as nothing
//! else does, so that scanners for secrets find it (`mwk_[a-z2-7]{42}_[a-z2-7]{58}`). The first part
//! names tenant and key, so that neither is searched for by trying; the second is 32 random bytes and
//! four of a checksum over everything, which tells a key that was not copied whole from one that
//! has ended, before any database is asked.

use std::fmt;

use base::{Entropy, EntropyError, TenantId};
use sha2::{Digest as _, Sha256};
use store::KEY_PREFIX_BYTES;
use zeroize::Zeroizing;

/// What every API key begins with.
pub const KEY_MARK: &str = "mwk_";

const TENANT_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;
/// Characters of base32 without padding.
const TENANT_CHARS: usize = 26;
const PREFIX_CHARS: usize = 16;
const SECRET_CHARS: usize = 58;

/// The alphabet of RFC 4648 section 6, in lower case.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What is read from, or written as, an API key. Overwritten when dropped; `Debug` does not show it.
pub(crate) struct KeyText {
    pub(crate) tenant: TenantId,
    pub(crate) prefix: [u8; KEY_PREFIX_BYTES],
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl KeyText {
    /// A new key of `tenant`.
    pub(crate) fn generate(tenant: TenantId, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut prefix = [0; KEY_PREFIX_BYTES];
        entropy.fill(&mut prefix)?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        entropy.fill(secret.as_mut())?;
        Ok(Self { tenant, prefix, secret })
    }

    /// The key, to be shown once.
    pub(crate) fn text(&self) -> Zeroizing<String> {
        let mut last = Zeroizing::new([0_u8; SECRET_BYTES + CHECKSUM_BYTES]);
        last[..SECRET_BYTES].copy_from_slice(self.secret.as_ref());
        last[SECRET_BYTES..].copy_from_slice(&self.checksum());
        let chars = KEY_MARK.len() + TENANT_CHARS + PREFIX_CHARS + 1 + SECRET_CHARS;
        // Room for all of it at once: a string that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(chars));
        text.push_str(KEY_MARK);
        encode(self.tenant.as_bytes(), &mut text);
        encode(&self.prefix, &mut text);
        text.push('_');
        encode(last.as_ref(), &mut text);
        text
    }

    /// Reads a key; `None` when it is not one that was written here, or not whole.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, last) = text.strip_prefix(KEY_MARK)?.split_once('_')?;
        let (tenant, prefix) = name.split_at_checked(TENANT_CHARS)?;
        if prefix.len() != PREFIX_CHARS || last.len() != SECRET_CHARS {
            return None;
        }
        let mut tenant_bytes = [0; TENANT_BYTES];
        let mut prefix_bytes = [0; KEY_PREFIX_BYTES];
        let mut last_bytes = Zeroizing::new([0_u8; SECRET_BYTES + CHECKSUM_BYTES]);
        decode(tenant, &mut tenant_bytes)?;
        decode(prefix, &mut prefix_bytes)?;
        decode(last, last_bytes.as_mut())?;
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        secret.copy_from_slice(&last_bytes[..SECRET_BYTES]);
        let key = Self { tenant: TenantId::from_bytes(tenant_bytes), prefix: prefix_bytes, secret };
        (key.checksum() == last_bytes[SECRET_BYTES..]).then_some(key)
    }

    /// What is kept of the secret. It is random, so nothing slower is needed to protect it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.as_ref()).into()
    }

    fn checksum(&self) -> [u8; CHECKSUM_BYTES] {
        let digest = Sha256::new()
            .chain_update(KEY_MARK)
            .chain_update(self.tenant.as_bytes())
            .chain_update(self.prefix)
            .chain_update(self.secret.as_ref())
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({})", prefix_text(&self.prefix))
    }
}

/// The prefix as it stands in the key.
pub(crate) fn prefix_text(prefix: &[u8; KEY_PREFIX_BYTES]) -> String {
    let mut text = String::with_capacity(PREFIX_CHARS);
    encode(prefix, &mut text);
    text
}

fn encode(bytes: &[u8], into: &mut String) {
    let (mut bits, mut count) = (0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            into.push(char::from(ALPHABET[(bits >> count) as usize & 31]));
        }
    }
    if count > 0 {
        into.push(char::from(ALPHABET[(bits << (5 - count)) as usize & 31]));
    }
}

/// Fills `into` from exactly as many characters as it takes; one value has one spelling.
fn decode(text: &str, into: &mut [u8]) -> Option<()> {
    let (mut bits, mut count, mut filled) = (0_u32, 0, 0);
    for char in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == char)?;
        bits = (bits << 5) | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            *into.get_mut(filled)? = u8::try_from((bits >> count) & 255).ok()?;
            filled += 1;
        }
    }
    let rest_is_zero = bits & ((1 << count) - 1) == 0;
    (filled == into.len() && count < 5 && rest_is_zero).then_some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::{OsEntropy, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn key() -> KeyText {
        let tenant = TenantId::new(Timestamp::from_unix_ms(1), &OsEntropy).unwrap();
        KeyText::generate(tenant, &OsEntropy).unwrap()
    }

    #[test]
    fn a_key_leads_back_to_its_tenant_prefix_and_hash() {
        let key = key();
        let text = key.text();
        assert_eq!(text.len(), 105);
        let is_of = |part: &str| part.bytes().all(|b| ALPHABET.contains(&b));
        let (name, last) = text.strip_prefix("mwk_").unwrap().split_once('_').unwrap();
        assert!(name.len() == 42 && is_of(name) && last.len() == 58 && is_of(last), "{name}");
        assert!(name.ends_with(&prefix_text(&key.prefix)));
        let read = KeyText::parse(&text).unwrap();
        assert_eq!((read.tenant, read.prefix, read.hash()), (key.tenant, key.prefix, key.hash()));
        assert!(!format!("{key:?}").contains(last));
    }

    /// RFC 4648 section 10.
    #[test]
    fn the_encoding_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ] {
            let mut encoded = String::new();
            encode(bytes.as_bytes(), &mut encoded);
            assert_eq!(encoded, text);
            let mut decoded = vec![0; bytes.len()];
            decode(text, &mut decoded).unwrap();
            assert_eq!(decoded, bytes.as_bytes());
        }
        assert!(decode("mz", &mut [0]).is_none(), "the last bits must be zero");
        assert!(decode("mya", &mut [0]).is_none() && decode("m", &mut []).is_none());
    }

    #[test]
    fn whatever_is_changed_in_a_key_is_noticed_before_any_database_is_asked() {
        let text = key().text();
        for i in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[i] = if changed[i] == b'a' { b'b' } else { b'a' };
            assert!(KeyText::parse(std::str::from_utf8(&changed).unwrap()).is_none(), "{i}");
            assert!(KeyText::parse(&text[..i]).is_none());
        }
        assert!(KeyText::parse(&text.to_uppercase()).is_none());
        assert!(KeyText::parse(&format!("{}a", &*text)).is_none());
        assert!(KeyText::parse(&format!(" {}", &*text)).is_none());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), tail in "[a-z2-7_]{0,110}") {
            let _ = KeyText::parse(&text);
            let _ = KeyText::parse(&format!("mwk_{tail}"));
            let _ = KeyText::parse(&format!("mwk_{text}"));
        }
    }
}
