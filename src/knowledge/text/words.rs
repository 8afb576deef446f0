//! Words of a text, their folded form and their stem.

use std::collections::HashMap;
use std::sync::LazyLock;

use frostem::Stemmer;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Language;

/// Longest word that becomes a term, in characters; the rest of a longer one is cut off.
const WORD_MAX_CHARS: usize = 64;

const SOFT_HYPHEN: char = '\u{ad}';

/// A run of letters and digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'t> {
    /// As it stands in the text; may contain soft hyphens.
    pub text: &'t str,
    /// Byte offset of its start.
    pub start: usize,
}

/// The words of `text`, in order: longest runs of letters, digits and combining marks.
pub fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    let mut offset = 0;
    std::iter::from_fn(move || {
        let begin = rest.find(is_word_char)?;
        let length = rest[begin..].find(|c| !is_word_char(c)).unwrap_or(rest.len() - begin);
        let word = Word { text: &rest[begin..begin + length], start: offset + begin };
        offset += begin + length;
        rest = &rest[begin + length..];
        Some(word)
    })
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == SOFT_HYPHEN || is_combining_mark(c)
}

/// Lower case, composed (NFKC), without soft hyphens, at most [`WORD_MAX_CHARS`] long.
pub(super) fn lower(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().take(WORD_MAX_CHARS).map(|c| c.to_ascii_lowercase()).collect();
    }
    word.nfkc()
        .filter(|&c| c != SOFT_HYPHEN)
        .flat_map(char::to_lowercase)
        .nfkc()
        .take(WORD_MAX_CHARS)
        .collect()
}

/// What a person types who has no such keys: lower case, without diacritics, ligatures and
/// letters with strokes spelt plainly (`Überdruckstraße` → `uberdruckstrasse`).
#[must_use]
pub fn fold(word: &str) -> String {
    strip_marks(&lower(word))
}

fn strip_marks(lower: &str) -> String {
    if lower.is_ascii() {
        return lower.to_owned();
    }
    let mut folded = String::with_capacity(lower.len());
    for c in lower.nfkd().filter(|&c| !is_combining_mark(c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}

/// The term of `word` in the stemmed field: its Snowball stem in `language`, folded. Without a
/// language the folded word itself.
///
/// Words with a digit are never stemmed: the `s` of `S7-300s` is a letter, the one of `0ab0s` may
/// be part of an order number.
#[must_use]
pub fn stem(language: Option<Language>, word: &str) -> String {
    static STEMMERS: LazyLock<HashMap<Language, Stemmer>> = LazyLock::new(|| {
        Language::ALL.into_iter().map(|l| (l, Stemmer::new(l.algorithm()))).collect()
    });
    let lower = lower(word);
    let stemmer = language.and_then(|l| STEMMERS.get(&l));
    match stemmer {
        Some(stemmer) if !lower.contains(|c: char| c.is_numeric()) => {
            let stem = stemmer.stem(&lower);
            // A stem of nothing would match everything that stems to nothing.
            if stem.is_empty() { strip_marks(&lower) } else { strip_marks(&stem) }
        }
        _ => strip_marks(&lower),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        let found: Vec<_> = words("Die Öl-Pumpe P-101 (6,5 bar).").map(|w| w.text).collect();
        assert_eq!(found, ["Die", "Öl", "Pumpe", "P", "101", "6", "5", "bar"]);
        let composed: Vec<_> = words("pu\u{30a}vod").map(|w| w.text).collect();
        assert_eq!(composed, ["pu\u{30a}vod"], "a combining mark stays in its word");
    }

    #[test]
    fn folding_spells_plainly() {
        assert_eq!(fold("Überdruckstraße"), "uberdruckstrasse");
        assert_eq!(fold("Příruba"), "priruba");
        assert_eq!(fold("Pr\u{30c}i\u{301}ruba"), "priruba");
        assert_eq!(fold("smørenippel"), "smorenippel");
        assert_eq!(fold("Dreh\u{ad}moment"), "drehmoment");
        assert_eq!(fold("ﬂange"), "flange", "ligatures of PDF files");
    }

    #[test]
    fn stems_join_inflections_of_a_language() {
        let en = Some(Language::English);
        assert_eq!(stem(en, "Tightening"), stem(en, "tightened"));
        let de = Some(Language::German);
        assert_eq!(stem(de, "Flanschschrauben"), stem(de, "Flanschschraube"));
        assert_eq!(stem(de, "Prüfungen"), stem(de, "Prüfung"));
        let cs = Some(Language::Czech);
        assert_eq!(stem(cs, "šrouby"), stem(cs, "šroubů"));
        assert_eq!(stem(cs, "příruby"), stem(cs, "přírubu"));
        assert_eq!(stem(None, "Tightening"), "tightening");
    }

    #[test]
    fn words_with_digits_keep_their_letters() {
        assert_eq!(stem(Some(Language::English), "0AB0s"), "0ab0s");
    }

    proptest! {
        #[test]
        fn every_word_stands_where_it_says(text in "\\PC{0,80}") {
            for word in words(&text) {
                prop_assert_eq!(&text[word.start..word.start + word.text.len()], word.text);
                prop_assert!(!word.text.is_empty());
            }
        }

        #[test]
        fn folding_twice_changes_nothing(word in "\\w{1,20}") {
            let once = fold(&word);
            prop_assert_eq!(fold(&once), once.clone());
        }
    }
}
