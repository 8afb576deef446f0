//! Words and identifiers of questions and sentences, and when two of them mean the same.

use knowledge::text::{
    IdentifierKind, Language, fold, is_stop_word, passage_identifiers, query_identifiers, stem,
    words,
};

use super::synonyms::rows_of;

/// Least length, in characters, of a word that may match as a part of another.
const PART_MIN_CHARS: usize = 5;

/// Likeness of two words that mean the same.
const SYNONYM_LIKENESS: f32 = 0.7;

/// Most words that an identifier is typed in.
const NAME_MAX_WORDS: usize = 6;

/// A word that says something about a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Lower case, without diacritics.
    pub(crate) folded: String,
    /// Its stem in the text's language, folded.
    pub(crate) stem: String,
    /// What else it may be called: see [`rows_of`].
    rows: &'static [u16],
}

impl Term {
    fn new(word: &str, folded: String, language: Option<Language>) -> Self {
        let stem = stem(language, word);
        let rows = rows_of(&folded, &stem);
        Self { folded, stem, rows }
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
    if short_chars >= PART_MIN_CHARS && long.folded.contains(&short.stem) {
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

/// What a question names: of each chain of letters and digits, the readings that may be meant, from
/// the longest to the shortest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Folded and joined. All have the same digits: `lt110plc` and `lt110`, but never `nv430` for
    /// `nv4304t090`.
    pub(crate) readings: Vec<String>,
}

impl Named {
    /// The reading that one of `found` knows; else the longest, and the thing is nowhere named.
    pub(crate) fn settle(&mut self, found: &[&Names]) {
        let known = self.readings.iter().position(|reading| {
            let one = Self { readings: vec![reading.clone()] };
            found.iter().any(|names| names.include(&one))
        });
        let reading = self.readings.swap_remove(known.unwrap_or(0));
        self.readings = vec![reading];
    }

    /// Whether a run of folded words is this thing, and how many of them.
    pub(crate) fn words_at(&self, words: &[String]) -> Option<usize> {
        let reading = self.readings.first()?;
        (1..=words.len().min(NAME_MAX_WORDS))
            .find(|&n| words[..n].concat() == *reading || words[..n].join(" ") == *reading)
    }
}

/// What a question names, amounts ("45 Hz", "1 litre") left out.
pub(crate) fn named_in_question(question: &str) -> Vec<Named> {
    let mut chains: Vec<Vec<(usize, String)>> = Vec::new();
    for identifier in query_identifiers(question) {
        if identifier.kind == IdentifierKind::Quantity || begins_with_counting(&identifier.term) {
            continue;
        }
        if chains.len() <= identifier.chain {
            chains.resize(identifier.chain + 1, Vec::new());
        }
        let segments = identifier.segments.1 - identifier.segments.0;
        chains[identifier.chain].push((segments, identifier.term));
    }
    let digits = |term: &str| term.chars().filter(char::is_ascii_digit).count();
    let mut named = Vec::new();
    for mut chain in chains {
        chain.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.len().cmp(&a.1.len())));
        let mut readings: Vec<String> = chain.into_iter().map(|(_, term)| term).collect();
        if let Some(longest) = readings.first().cloned() {
            let has_letter = |term: &str| term.contains(|c: char| !c.is_numeric());
            readings.retain(|term| {
                digits(term) == digits(&longest) && (has_letter(term) || !has_letter(&longest))
            });
            named.push(Named { readings });
        }
    }
    named.extend(counted_things(question));
    named
}

/// "many 1 litre bottles": a number of something, not the tag MANY-1.
fn begins_with_counting(term: &str) -> bool {
    ["many", "much", "viel", "kolik"].iter().any(|word| {
        term.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// Words that count things out with a number behind them ("programme 3", "head 8", "channel 7"):
/// the number is a name then, not an amount.
fn counted_things(text: &str) -> Vec<Named> {
    let words: Vec<_> = words(text).collect();
    let mut found = Vec::new();
    for pair in words.windows(2) {
        let (word, number) = (&pair[0], &pair[1]);
        let between = &text[word.start + word.text.len()..number.start];
        let is_number = number.text.len() <= 3 && number.text.bytes().all(|b| b.is_ascii_digit());
        let behind = text[number.start + number.text.len()..].trim_start();
        let folded = fold(word.text);
        // A short word and a number are an identifier already; a unit behind makes an amount.
        let counts = folded.chars().count() > 4
            && folded.chars().all(char::is_alphabetic)
            && !Language::ALL.iter().any(|language| is_stop_word(*language, &folded));
        if is_number && between == " " && counts && !super::expected::begins_with_unit(behind) {
            found.push(Named { readings: vec![format!("{folded} {}", number.text)] });
        }
    }
    found
}

/// The identifiers of a passage or of a part of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    terms: std::collections::HashSet<String>,
    folded: String,
}

impl Names {
    pub(crate) fn of(text: &str) -> Self {
        let mut folded = String::from(" ");
        for word in words(text) {
            folded.push_str(&fold(word.text));
            folded.push(' ');
        }
        let terms = passage_identifiers(text).into_iter().map(|identifier| identifier.term);
        Self { terms: terms.collect(), folded }
    }

    /// Whether the thing is named here.
    pub(crate) fn include(&self, named: &Named) -> bool {
        named.readings.first().is_some_and(|longest| {
            if longest.contains(' ') {
                return self.folded.contains(&format!("{longest} "));
            }
            self.terms.contains(longest) || self.part_matches(longest)
        })
    }

    /// A long reading may be the beginning of a longer one here ("NV430-4T-011" of
    /// "NV430-4T-011-E5"), or carry a word of the question at its end ("fks 112 ls").
    fn part_matches(&self, longest: &str) -> bool {
        longest.len() >= 6 && self.terms.iter().any(|term| term.starts_with(longest))
    }
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
    fn a_word_beside_a_name_is_not_a_part_of_it() {
        let mut named = named_in_question("LT110 plc address");
        named[0].settle(&[&Names::of("PIW 256\tLT-110\tlevel raw water tank")]);
        assert_eq!(named[0].readings, ["lt110"]);
        let words = ["lt110".to_owned(), "plc".to_owned()];
        assert_eq!(named[0].words_at(&words), Some(1));
        let mut near = named_in_question("NV430-4T-090-E5 weight");
        near[0].settle(&[&Names::of("NV430-4T-011-E5")]);
        assert_eq!(near[0].readings, ["nv4304t090e5"]);
        assert_eq!(named_in_question("How many 1 litre bottles are there?"), []);
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

    fn is_named(question: &str, passage: &str) -> bool {
        let named = named_in_question(question);
        assert!(!named.is_empty(), "{question}");
        let names = Names::of(passage);
        named.iter().all(|named| names.include(named))
    }

    #[test]
    fn a_named_thing_is_found_however_it_is_typed() {
        assert!(is_named("p101 torque", "Flange bolts of P-101"));
        assert!(is_named("nv430-4t-011-e5 weight", "NV430-4T-011-E5 | 25.0 A"));
        assert!(is_named("How long is programme 3?", "Programme 3 takes 130 min"));
    }

    #[test]
    fn another_thing_of_the_kind_is_not_it() {
        assert!(!is_named("P-104 torque", "Flange bolts of P-101 and P-102"));
        assert!(!is_named("Remedy for F30099?", "F30009 F3009"));
        assert!(!is_named("How long is programme 6?", "Programme 3 takes 6 min"));
        assert!(!is_named("nv430-4t-090-e5", "NV430-4T-011-E5"));
    }

    #[test]
    fn amounts_name_nothing() {
        for text in ["at 45 Hz", "1 litre bottles", "after 20 minutes"] {
            assert_eq!(named_in_question(text), [], "{text}");
        }
    }
}
