//! What questions and texts name: tags, order numbers, codes, numbered things.

use std::collections::HashSet;

use knowledge::text::{
    IdentifierKind, Language, fold, is_stop_word, passage_identifiers, query_identifiers, words,
};

/// Words between the first and the last of a row of things.
const RANGE_WORDS: [&str; 7] = ["to", "through", "bis", "až", "–", "-", "…"];

/// Most things that a range may stand for.
const RANGE_MAX: u32 = 100;

/// Most words that an identifier is typed in.
const NAME_MAX_WORDS: usize = 6;

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

/// What a question names, read as the passages know it: "U102 r9921" is one thing or two.
pub(crate) fn named_and_settled(question: &str, found: &[&Names]) -> Vec<Named> {
    let settled = |text: &str| {
        let mut named = named_in_question(text);
        for named in &mut named {
            named.settle(found);
        }
        named
    };
    let is_known = |named: &Named| found.iter().any(|names| names.include(named));
    let joined = settled(question);
    if joined.iter().all(is_known) {
        return joined;
    }
    let tokens = question.split_whitespace().map(|token| token.trim_matches(['?', ',', ';', ':']));
    let apart: Vec<Named> = tokens.flat_map(settled).collect();
    if apart.len() > joined.len() && apart.iter().all(is_known) { apart } else { joined }
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
    terms: HashSet<String>,
    folded: String,
}

impl Names {
    pub(crate) fn of(text: &str) -> Self {
        let mut folded = String::from(" ");
        for word in words(text) {
            folded.push_str(&fold(word.text));
            folded.push(' ');
        }
        push_numbered_heads(text, &mut folded);
        let terms = passage_identifiers(text).into_iter().map(|identifier| identifier.term);
        let mut terms: HashSet<String> = terms.collect();
        terms.extend(ranged(text));
        Self { terms, folded }
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

/// In "Programme: 3; …" the row is that of programme 3, whatever else the column head says.
fn push_numbered_heads(text: &str, folded: &mut String) {
    for part in text.split("; ") {
        let Some((head, cell)) = part.split_once(": ") else { continue };
        if !cell.is_empty() && cell.len() <= 3 && cell.bytes().all(|b| b.is_ascii_digit()) {
            for word in words(head) {
                folded.push_str(&fold(word.text));
                folded.push(' ');
                folded.push_str(cell);
                folded.push(' ');
            }
        }
    }
}

/// The things between the two that a text names: S-02 and S-03 of "S-01 to S-04".
fn ranged(text: &str) -> Vec<String> {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    let mut found = Vec::new();
    for three in tokens.windows(3) {
        let &[first, between, last] = three else { continue };
        if !RANGE_WORDS.contains(&between) {
            continue;
        }
        let (Some((name, from, width)), Some((other, to, _))) = (numbered(first), numbered(last))
        else {
            continue;
        };
        if name == other && from < to && to - from <= RANGE_MAX {
            found.extend((from + 1..to).map(|number| format!("{name}{number:0width$}")));
        }
    }
    found
}

/// Letters and number of "S-01", and how many digits it has.
fn numbered(token: &str) -> Option<(String, u32, usize)> {
    let token = token.trim_matches(|c: char| !c.is_alphanumeric());
    let folded: String = fold(token).chars().filter(|c| c.is_alphanumeric()).collect();
    let (name, digits) = folded.split_at(folded.find(|c: char| c.is_ascii_digit())?);
    let is_number = digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    (!name.is_empty() && is_number).then_some((name.to_owned(), digits.parse().ok()?, digits.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_named(question: &str, passage: &str) -> bool {
        let named = named_in_question(question);
        assert!(!named.is_empty(), "{question}");
        let names = Names::of(passage);
        named.iter().all(|named| names.include(named))
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
    fn two_things_in_a_row_are_two_things() {
        let passage = Names::of("The checksum r9921 is 7C41 for U-102.");
        let named = named_and_settled("u102 r9921", &[&passage]);
        assert_eq!(named.len(), 2);
        assert!(named.iter().all(|named| passage.include(named)));
    }

    #[test]
    fn a_range_names_what_lies_in_it() {
        assert!(is_named("charging time S-02", "Truck: S-01 to S-04; Charging time: 8 h"));
        assert!(!is_named("charging time S-05", "Truck: S-01 to S-04; Charging time: 8 h"));
        assert!(is_named(
            "Dauer von Programm 3",
            "Programm Anlass: 3; nach Arbeiten; Dauer: 130 min"
        ));
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
