//! Words of questions and sentences, and when two of them mean the same.

use knowledge::text::{Language, fold, is_stop_word, stem, words};

use super::synonyms::rows_of;

/// Least length, in characters, of a word that may match as a part of another.
const PART_MIN_CHARS: usize = 5;

/// Letters that join the halves of a word.
const LINKS: [&str; 6] = ["es", "en", "er", "s", "n", "e"];

/// Likeness of two words that mean the same.
const SYNONYM_LIKENESS: f32 = 0.7;

/// A word that says something about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Lower case, without diacritics.
    pub(crate) folded: String,
    /// Its stem in the text's language, folded.
    pub(crate) stem: String,
    /// What else it may be called: see [`rows_of`].
    rows: &'static [u16],
    /// The two words it is joined from, when the passages know both and not the whole.
    parts: Vec<Self>,
}

impl Term {
    fn new(word: &str, folded: String, language: Option<Language>) -> Self {
        let stem = stem(language, word);
        let rows = rows_of(&folded, &stem);
        Self { folded, stem, rows, parts: Vec::new() }
    }

    /// Takes a joined word apart ("Krangetriebe") where `vocabulary` knows both halves.
    pub(crate) fn split(&mut self, vocabulary: &[Self], language: Option<Language>) {
        let letters = self.folded.chars().count();
        if letters < PART_MIN_CHARS + 2 || has_digit(&self.folded) || !self.rows.is_empty() {
            return;
        }
        if vocabulary.iter().any(|word| likeness(self, word) > 0.9) {
            return;
        }
        let known = |part: &str| {
            let term = Self::new(part, part.to_owned(), language);
            let is_known = vocabulary.iter().any(|word| {
                word.folded == term.folded
                    || word.stem == term.stem
                    || part.len() > 3
                        && (word.folded.starts_with(part) || word.folded.ends_with(part))
            });
            is_known.then_some(term)
        };
        let mut best: Option<(usize, Vec<Self>)> = None;
        for (at, _) in self.folded.char_indices() {
            let (left, right) = self.folded.split_at(at);
            let shorter = left.len().min(right.len());
            if shorter < 3 || best.as_ref().is_some_and(|(length, _)| *length >= shorter) {
                continue;
            }
            let plain = LINKS.iter().filter_map(|link| left.strip_suffix(link));
            let left =
                std::iter::once(left).chain(plain.filter(|left| left.len() >= 3)).find_map(known);
            if let (Some(left), Some(right)) = (left, known(right)) {
                best = Some((shorter, vec![left, right]));
            }
        }
        if let Some((_, parts)) = best {
            self.parts = parts;
        }
    }

    /// How far the word is met by `words`, 0 to 1; a joined word by its halves too.
    pub(crate) fn met_by<'w>(&self, words: &(impl Iterator<Item = &'w Self> + Clone)) -> f32 {
        let whole = words.clone().map(|word| likeness(self, word)).fold(0.0, f32::max);
        if self.parts.is_empty() {
            return whole;
        }
        let mut sum = 0.0;
        for part in &self.parts {
            sum += words.clone().map(|word| likeness(part, word)).fold(0.0, f32::max);
        }
        #[expect(clippy::cast_precision_loss, reason = "two halves")]
        let mean = sum / self.parts.len() as f32;
        whole.max(mean)
    }
}

/// The words of `text` that are no function words, in order, numbers included.
pub(crate) fn terms(text: &str, language: Option<Language>) -> Vec<Term> {
    let mut found = Vec::new();
    for word in words(text) {
        let folded = fold(word.text);
        let is_letter = folded.chars().count() < 2 && !folded.chars().all(char::is_numeric);
        if is_letter || is_function_word(&folded, language) {
            continue;
        }
        found.push(Term::new(word.text, folded, language));
    }
    found
}

/// The stems of all words of `text`, function words included, and whether each says something.
pub(crate) fn sequence(text: &str, language: Option<Language>) -> Vec<(String, bool)> {
    words(text)
        .map(|word| {
            let folded = fold(word.text);
            let tells = folded.chars().count() > 1 && !is_function_word(&folded, language);
            (stem(language, word.text), tells)
        })
        .collect()
}

/// A function word of the language, or of English: documents and people mix it in everywhere.
pub(crate) fn is_function_word(folded: &str, language: Option<Language>) -> bool {
    let of = |language| is_stop_word(language, folded);
    language.is_none_or(|language| language == Language::English) && of(Language::English)
        || language.is_some_and(of)
}

/// How far two words mean the same, 0 to 1: 1 for the same word in any form, less for a part of a
/// compound and for words that only begin alike.
pub(crate) fn likeness(a: &Term, b: &Term) -> f32 {
    if a.folded == b.folded {
        return 1.0;
    }
    if has_digit(&a.folded) || has_digit(&b.folded) {
        return 0.0;
    }
    if a.stem == b.stem {
        return 0.95;
    }
    let (short, long) = if a.stem.len() <= b.stem.len() { (a, b) } else { (b, a) };
    let (short_chars, long_chars) = (short.stem.chars().count(), long.stem.chars().count());
    let at_an_end = || long.folded.starts_with(&short.stem) || long.folded.ends_with(&short.folded);
    if short_chars >= PART_MIN_CHARS && long.folded.contains(&short.stem)
        || short_chars + 1 >= PART_MIN_CHARS && long_chars >= short_chars + 3 && at_an_end()
    {
        return 0.75;
    }
    if a.rows.iter().any(|row| b.rows.contains(row)) {
        return SYNONYM_LIKENESS;
    }
    let pairs = short.stem.chars().zip(long.stem.chars());
    let common = pairs.take_while(|(x, y)| x == y).count();
    if common >= 4 && common * 4 >= long_chars * 3 { 0.6 } else { 0.0 }
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const EN: Option<Language> = Some(Language::English);

    fn term(word: &str, language: Language) -> Term {
        terms(word, Some(language)).into_iter().next().unwrap()
    }

    #[test]
    fn what_means_the_same_is_alike() {
        let (en, de) = (Language::English, Language::German);
        for (a, b) in [
            (term("shut", en), term("closes", en)),
            (term("torque", en), term("tight", en)),
            (term("Drehmoment", de), term("torque", en)),
        ] {
            assert!(likeness(&a, &b) >= SYNONYM_LIKENESS, "{a:?} {b:?}");
        }
    }

    #[test]
    fn function_words_are_no_terms() {
        let found = terms("What is the tightening torque of the flange bolts?", EN);
        let folded: Vec<&str> = found.iter().map(|t| t.folded.as_str()).collect();
        assert_eq!(folded, ["tightening", "torque", "flange", "bolts"]);
    }

    #[test]
    fn forms_and_compounds_are_alike() {
        let de = Language::German;
        assert!(
            likeness(&term("bolt", Language::English), &term("bolts", Language::English)) > 0.9
        );
        assert!(likeness(&term("Drehmoment", de), &term("Verschlussdrehmoment", de)) > 0.7);
        for (a, b) in [("canteen", "cantilever"), ("viscosity", "vibration"), ("pump", "pipe")] {
            let (a, b) = (term(a, Language::English), term(b, Language::English));
            assert!(likeness(&a, &b) < 0.1, "{a:?} {b:?}");
        }
    }

    #[test]
    fn a_joined_word_is_met_by_its_halves() {
        let de = Some(Language::German);
        let passage = terms("Kran HK-3: Getriebe, Ölwechsel alle fünf Jahre", de);
        let mut joined = terms("Krangetriebe", de).remove(0);
        assert!(joined.met_by(&passage.iter()) < 0.8);
        joined.split(&passage, de);
        assert!(joined.met_by(&passage.iter()) > 0.9, "{joined:?}");
        let mut other = terms("Lagergehäuse", de).remove(0);
        other.split(&passage, de);
        assert!(other.met_by(&passage.iter()) < 0.1, "{other:?}");
    }
}
