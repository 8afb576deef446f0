//! What models are called.

use store::ModelRow;

use super::RegistryError;
use crate::protocol::{ModelFacts, ModelHash};

/// Longest name, in characters.
const NAME_MAX_CHARS: usize = 80;

/// Names that begin so are the appliance's own.
const RESERVED_NAMES: &str = "millwright";

/// Digits of the hash that tell models of one name apart.
const DIGITS: usize = 8;

/// The name, if it may be one: it stands in addresses, on command lines and in the API's `model`.
pub(super) fn checked_name(name: &str) -> Result<String, RegistryError> {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
    if name.is_empty() || name.len() > NAME_MAX_CHARS || !name.chars().all(letters) {
        let wanted = format!("must be 1 to {NAME_MAX_CHARS} letters, digits, '.', '_', '-' or ':'");
        return Err(RegistryError::invalid("name", wanted));
    }
    if name.to_ascii_lowercase().starts_with(RESERVED_NAMES) {
        return Err(RegistryError::invalid("name", "names of this beginning are the appliance's"));
    }
    if name.parse::<ModelHash>().is_ok() {
        return Err(RegistryError::invalid("name", "looks like a hash"));
    }
    Ok(name.to_owned())
}

/// A name from what the file calls itself, with digits of its hash where that is no name or taken.
pub(super) fn free_name(facts: &ModelFacts, hash: ModelHash, rows: &[ModelRow]) -> String {
    let own = facts.name.as_deref().unwrap_or(&facts.architecture);
    let letters = |c: char| if c.is_ascii_alphanumeric() || "._".contains(c) { c } else { '-' };
    let words: String = own.chars().map(letters).collect();
    let words = words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let base: String = words.chars().take(NAME_MAX_CHARS - DIGITS - 1).collect();
    let taken = rows.iter().any(|row| row.name.eq_ignore_ascii_case(&base));
    match checked_name(&base) {
        Ok(name) if !taken => name,
        _ => {
            let digits = hash.to_string();
            let base = if checked_name(&base).is_ok() { base } else { "model".to_owned() };
            format!("{base}-{}", &digits[..DIGITS])
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::Timestamp;

    use super::*;

    fn facts(name: Option<&str>) -> ModelFacts {
        ModelFacts {
            architecture: "qwen2".into(),
            name: name.map(str::to_owned),
            licence: None,
            parameters: 1,
            quantisation: "Q4_K".into(),
            context_tokens: 1,
            vocabulary_tokens: 1,
            layers: 1,
            embedding_width: 1,
            weights_bytes: 1,
            kv_bytes_per_token: 1,
            has_chat_template: true,
            purpose: crate::protocol::ModelPurpose::Generate,
        }
    }

    #[test]
    fn names_stand_in_addresses_and_are_nobody_elses() {
        for good in ["small", "qwen2.5-0.5b", "a:b_c"] {
            assert_eq!(checked_name(good).unwrap(), good);
        }
        let hash = "0".repeat(64);
        for bad in ["", "a b", "a/b", "\u{fc}", "Millwright-light", &hash, &"x".repeat(81)] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_file_names_itself_unless_that_is_taken() {
        let hash = ModelHash::from_bytes([0xab; 32]);
        let free = |name, rows: &[ModelRow]| free_name(&facts(name), hash, rows);
        assert_eq!(free(Some("Qwen2.5 0.5B (Instruct)"), &[]), "Qwen2.5-0.5B-Instruct");
        assert_eq!(free(None, &[]), "qwen2");
        assert_eq!(free(Some("???"), &[]), "model-abababab");
        assert_eq!(free(Some("Millwright"), &[]), "model-abababab");
        let row = ModelRow {
            hash: [1; 32],
            name: "QWEN2".into(),
            size_bytes: 1,
            facts: "{}".into(),
            imported_at: Timestamp::default(),
            imported_by: "console".into(),
            measured: None,
        };
        assert_eq!(free(None, &[row]), "qwen2-abababab");
        assert!(free(Some(&"n".repeat(300)), &[]).len() <= NAME_MAX_CHARS);
    }
}
