//! The reader of signed notes, for those who look for bytes that make it panic or believe what
//! nobody signed (`fuzz/`).

use base::SeededEntropy;
use seal::{DataKey, SigningKey};

use crate::{Checkpoint, leaf_hash};

const ORIGIN: &str = "millwright/log/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10";

fn key() -> Option<SigningKey> {
    Some(SigningKey::from_seed(&DataKey::generate(&SeededEntropy::new(1)).ok()?))
}

fn genuine() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 4096, root: leaf_hash(b"root") }
}

/// The one note that counts.
#[must_use]
pub fn signed_note() -> String {
    key().and_then(|key| genuine().sign(&key).ok()).unwrap_or_default()
}

/// Reads `data` as a signed note; believes nothing but what was signed.
pub fn note(data: &[u8]) {
    let (Ok(text), Some(key)) = (std::str::from_utf8(data), key()) else { return };
    if let Ok(read) = Checkpoint::verify(text, ORIGIN, &key.verifying_key()) {
        assert_eq!(read, genuine(), "nobody signed this");
    }
}

#[cfg(test)]
#[path = "../../fuzz/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::{mutate, note, signed_note};

    #[test]
    fn fuzz_note() {
        let genuine = signed_note();
        let others = "other/log\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} other/log Az3grlgt\n";
        assert!(genuine.len() > 200, "a note that is signed");
        let seeds = [genuine.as_bytes(), others.as_bytes()];
        mutate::run("note", &seeds, mutate::rounds(10_000), note);
    }
}
