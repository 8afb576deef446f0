//! Order numbers, tags of machines, alarm codes: found however they are typed.
//!
//! `6ES7 315-2EH14-0AB0`, `6es7315-2eh14-0ab0` and `6ES7-315-2EH14-0AB0` are one number; so are
//! `P-101`, `P 101` and `p101`, and `F30001` and `f 30001`. A text is cut into segments of letters
//! and digits; neighbouring segments that may belong together form a chain; the joined, folded
//! text of each short run of segments in a chain is a term of the identifier field. A passage thus
//! holds the whole number and its parts, and a question finds it by either.

use super::stop_words;
use super::words::{fold, words};

/// Most segments that are joined into one term. The longest order numbers in use have six.
const RUN_MAX_SEGMENTS: usize = 6;

/// Longest joined term, in bytes.
const TERM_MAX_BYTES: usize = 40;

/// Blanks inside one term of a passage. Numbers are printed with one or two (`6ES7 315-2EH14-0AB0`);
/// more would join the cells of a table.
const PASSAGE_MAX_BLANKS: usize = 2;

/// Blanks inside one term of a question, where people type what they like.
const QUERY_MAX_BLANKS: usize = RUN_MAX_SEGMENTS;

/// Letters before a number that may belong to it (`P 101`, `DIN 912`, `FICA 4711`).
const PREFIX_MAX_LETTERS: usize = 4;

/// Letters after a number that may belong to it (`85 Nm`).
const SUFFIX_MAX_LETTERS: usize = 3;

/// Digits that make a bare number an identifier rather than an amount or a year.
const NUMBER_MIN_DIGITS: usize = 5;

/// What an identifier looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentifierKind {
    /// Letters and digits: `p101`, `6es73152eh140ab0`, `f30001`.
    Tag,
    /// Digits alone, long enough to name something.
    Number,
    /// A number with a short word behind it (`85nm`, `24v`), or a short number: an amount more
    /// likely than a name.
    Quantity,
}

/// A term of the identifier field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// Folded and joined: `6es73152eh140ab0`.
    pub term: String,
    /// What it looks like.
    pub kind: IdentifierKind,
    /// Index of its chain among the chains of the text.
    pub chain: usize,
    /// Its segments within the chain, first and one past the last.
    pub segments: (usize, usize),
}

#[derive(Clone, Copy, PartialEq)]
enum Gap {
    Tight,
    Blank,
    Break,
}

struct Segment {
    folded: String,
    has_letter: bool,
    has_digit: bool,
    /// Two letters and more, all of them capitals.
    is_capital: bool,
    /// What stands before it.
    gap: Gap,
}

/// Every identifier term of a passage, with repetitions.
#[must_use]
pub fn passage_identifiers(text: &str) -> Vec<Identifier> {
    identifiers(text, PASSAGE_MAX_BLANKS)
}

/// Every identifier term that a question may mean: all runs of each chain, so that the caller can
/// take the longest that the index knows.
#[must_use]
pub fn query_identifiers(text: &str) -> Vec<Identifier> {
    identifiers(text, QUERY_MAX_BLANKS)
}

fn identifiers(text: &str, max_blanks: usize) -> Vec<Identifier> {
    let mut found = Vec::new();
    let segments = segments(text);
    let mut chain = 0;
    let mut start = 0;
    while start < segments.len() {
        let mut end = start + 1;
        while end < segments.len() && may_join(&segments[end - 1], &segments[end]) {
            end += 1;
        }
        if segments[start..end].iter().any(|s| s.has_digit) {
            runs(&segments[start..end], chain, max_blanks, &mut found);
            chain += 1;
        }
        start = end;
    }
    found
}

fn runs(segments: &[Segment], chain: usize, max_blanks: usize, found: &mut Vec<Identifier>) {
    for first in 0..segments.len() {
        let mut term = String::new();
        let mut blanks = 0;
        for last in first..segments.len().min(first + RUN_MAX_SEGMENTS) {
            let segment = &segments[last];
            blanks += usize::from(last > first && segment.gap == Gap::Blank);
            if blanks > max_blanks || term.len() + segment.folded.len() > TERM_MAX_BYTES {
                break;
            }
            term.push_str(&segment.folded);
            let is_word = segments[first..=last].iter().all(|s| !s.has_digit);
            let is_digit = term.chars().count() == 1;
            if !is_word && !is_digit {
                let kind = kind_of(&term);
                found.push(Identifier {
                    term: term.clone(),
                    kind,
                    chain,
                    segments: (first, last + 1),
                });
            }
        }
    }
}

fn kind_of(term: &str) -> IdentifierKind {
    let letters = term.chars().filter(|c| !c.is_numeric()).count();
    if letters == 0 {
        let is_long = term.chars().count() >= NUMBER_MIN_DIGITS;
        return if is_long { IdentifierKind::Number } else { IdentifierKind::Quantity };
    }
    let behind = term.chars().rev().take_while(|c| !c.is_numeric()).count();
    if behind == letters && letters <= SUFFIX_MAX_LETTERS {
        IdentifierKind::Quantity
    } else {
        IdentifierKind::Tag
    }
}

fn segments(text: &str) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut end = 0;
    for word in words(text) {
        let mut gap = gap(&text[end..word.start]);
        end = word.start + word.text.len();
        for part in split_prefix(word.text) {
            segments.push(Segment {
                folded: fold(part),
                has_letter: part.contains(|c: char| !c.is_numeric()),
                has_digit: part.contains(char::is_numeric),
                is_capital: part.chars().count() > 1 && part.chars().all(char::is_uppercase),
                gap,
            });
            gap = Gap::Tight;
        }
    }
    segments
}

/// `F30001` is `F` and `30001`, so that the number alone is found too.
fn split_prefix(word: &str) -> impl Iterator<Item = &str> {
    let digits = word.find(char::is_numeric).unwrap_or(0);
    let (prefix, rest) = word.split_at(digits);
    let is_prefixed_number = (1..=PREFIX_MAX_LETTERS).contains(&prefix.chars().count())
        && rest.chars().count() >= 2
        && rest.chars().all(char::is_numeric);
    let parts = if is_prefixed_number { [prefix, rest] } else { ["", word] };
    parts.into_iter().filter(|part| !part.is_empty())
}

fn gap(between: &str) -> Gap {
    let mut chars = between.chars();
    match (chars.next(), chars.next()) {
        (None, _) => Gap::Tight,
        (Some(c), None) if c.is_whitespace() => Gap::Blank,
        (
            Some('-' | '‐' | '‑' | '‒' | '–' | '/' | '.' | ',' | '_' | ':' | '+' | '*' | '#'),
            None,
        ) => Gap::Tight,
        _ => Gap::Break,
    }
}

/// Whether `right` may belong to the same identifier as `left` before it.
fn may_join(left: &Segment, right: &Segment) -> bool {
    let is_mixed = |s: &Segment| s.has_letter && s.has_digit;
    match right.gap {
        Gap::Break => false,
        // `state-of-the-art` is no identifier; `X-ray` neither, nor `and/or`.
        Gap::Tight => {
            left.has_digit
                || right.has_digit
                || is_short(left, PREFIX_MAX_LETTERS) && is_short(right, PREFIX_MAX_LETTERS)
        }
        Gap::Blank => {
            if is_mixed(left) || is_mixed(right) {
                let plain = if is_mixed(left) { right } else { left };
                plain.has_digit || is_short(plain, SUFFIX_MAX_LETTERS)
            } else if right.has_digit {
                !left.has_digit && is_short(left, PREFIX_MAX_LETTERS)
            } else {
                left.has_digit && is_short(right, SUFFIX_MAX_LETTERS)
            }
        }
    }
}

/// Whether letters beside a number may belong to it: few, and no function word. A single letter
/// may (`V 101` is a vessel before it is Czech for "in"), and capitals may (`DIN 912` is a standard
/// before it is Danish for "your").
fn is_short(segment: &Segment, max_letters: usize) -> bool {
    let letters = segment.folded.chars().count();
    let is_name = || segment.is_capital || stop_words::languages_of(&segment.folded).is_empty();
    letters == 1 || (letters <= max_letters && is_name())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn terms(text: &str) -> HashSet<String> {
        passage_identifiers(text).into_iter().map(|i| i.term).collect()
    }

    /// What the question means: the longest run of its longest chain.
    fn meant(text: &str) -> String {
        let found = query_identifiers(text);
        found.into_iter().max_by_key(|i| i.term.len()).map(|i| i.term).unwrap()
    }

    #[test]
    fn an_order_number_is_found_however_it_is_typed() {
        let passage = terms("CPU 6ES7 315-2EH14-0AB0, spare part");
        for typed in [
            "6ES7 315-2EH14-0AB0",
            "6es7315-2eh14-0ab0",
            "6ES73152EH140AB0",
            "6ES7-315-2EH14-0AB0",
            "6es7 315 2eh14 0ab0",
        ] {
            assert_eq!(meant(typed), "6es73152eh140ab0", "{typed}");
            assert!(passage.contains(&meant(typed)), "{typed}");
        }
        assert!(passage.contains("3152eh14"), "parts are found too");
    }

    #[test]
    fn tags_and_alarms_are_found_however_they_are_typed() {
        for (written, typed) in [
            ("P-101", "p101"),
            ("P-101", "P 101"),
            ("P 101", "p-101"),
            ("P101", "P 101"),
            ("F30001", "f 30001"),
            ("F 30001", "F30001"),
            ("alarm F-30001:", "f30001"),
            ("M16x1,5", "m16x1.5"),
            ("DIN 912", "din912"),
            ("FICA 4711", "fica-4711"),
            ("85 Nm", "85Nm"),
        ] {
            assert!(terms(written).contains(&meant(typed)), "{written} by {typed}");
        }
        assert!(terms("F30001").contains("30001"), "the number alone");
    }

    #[test]
    fn kinds_tell_names_from_amounts() {
        for (text, kind) in [
            ("p101", IdentifierKind::Tag),
            ("6es73152eh140ab0", IdentifierKind::Tag),
            ("p101b", IdentifierKind::Tag),
            ("30001", IdentifierKind::Number),
            ("2015", IdentifierKind::Quantity),
            ("85nm", IdentifierKind::Quantity),
            ("19th", IdentifierKind::Quantity),
        ] {
            assert_eq!(kind_of(text), kind, "{text}");
        }
    }

    #[test]
    fn running_text_is_left_alone() {
        assert!(terms("state-of-the-art pumps, and/or valves").is_empty());
        assert_eq!(terms("in 2015 the pump"), HashSet::from(["2015".to_owned()]));
        assert!(!terms("rows 12 14 16").contains("1214"), "bare numbers do not join");
        assert!(terms("pump P-101 is running").contains("p101"));
        assert!(!terms("pump P-101 is running").iter().any(|t| t.contains("is")));
    }

    proptest! {
        #[test]
        fn terms_are_bounded(text in "[A-Za-z0-9 ./-]{0,200}") {
            for identifier in passage_identifiers(&text) {
                prop_assert!(identifier.term.len() <= TERM_MAX_BYTES);
                prop_assert!(identifier.term.chars().any(char::is_numeric));
            }
        }

        /// Whatever separators a tag is written with, the question without them finds it.
        #[test]
        fn separators_do_not_matter(
            letters in "[A-Z]{1,3}", digits in "[0-9]{2,5}", tail in "[A-Z0-9]{0,4}",
            separator in proptest::sample::select(&["", "-", "/", ".", "_"][..]),
        ) {
            prop_assume!(stop_words::languages_of(&letters.to_lowercase()).is_empty());
            let written = format!("see {letters}{separator}{digits}{separator}{tail} below");
            let typed = format!("{letters}{digits}{tail}").to_lowercase();
            prop_assert!(terms(&written).contains(&typed), "{} in {:?}", typed, terms(&written));
        }
    }
}
