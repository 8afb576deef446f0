//! A question or a search line, analysed: words, identifiers, languages and clauses.

use std::collections::HashSet;

use base::Violation;

use crate::text::{
    Identifier, Language, LanguageGuess, detect_query, fold, is_stop_word, query_identifiers, words,
};

/// Most distinct words of a query that are searched for; the rest is ignored.
pub const QUERY_MAX_WORDS: usize = 64;

/// Most clauses of a search line.
const CLAUSES_MAX: usize = 32;

/// An analysed query. Made by [`TextQuery::question`] from what a person asks and by
/// [`TextQuery::search`] from a search line with operators.
#[derive(Clone, Debug)]
pub struct TextQuery {
    /// Distinct words to score by, as typed, function words left out.
    pub(super) words: Vec<String>,
    pub(super) identifiers: Vec<Identifier>,
    pub(super) clauses: Vec<Clause>,
    languages: LanguageGuess,
    plain: String,
}

/// A condition that a hit must fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Where to look.
    pub field: ClauseField,
    /// What to look for, as typed.
    pub value: String,
    /// Whether it must or must not be there.
    pub polarity: Polarity,
}

/// Where a clause looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClauseField {
    /// Words in this order in the text.
    Text,
    /// `title:` words in this order in the document's title or key.
    Title,
    /// `tag:` one of the revision's tags.
    Tag,
    /// `lang:` BCP 47 language of the chunk.
    Language,
    /// `id:` an identifier, however typed.
    Identifier,
    /// `page:` a page number.
    Page,
}

/// Whether a clause includes or excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// Hits must match.
    Must,
    /// Hits must not match (`-tag:old`).
    MustNot,
}

impl TextQuery {
    /// A question in plain words: nothing in it is an operator. `languages` are those of the
    /// tenant's chunks ([`super::TextSnapshot::languages`]).
    #[must_use]
    pub fn question(text: &str, languages: &[Language]) -> Self {
        Self::analysed(text.to_owned(), Vec::new(), languages)
    }

    /// A search line: words, `"exact phrases"`, `title:`, `tag:`, `lang:`, `id:` and `page:` with a
    /// word or a quoted phrase, each with `-` before it to exclude. Any other colon is a character
    /// like any other (`12:30`).
    ///
    /// # Errors
    /// A [`Violation`] of field `query` when a quote is not closed, an operator has no value, its
    /// value is impossible, or there are more than 32 operators.
    pub fn search(text: &str, languages: &[Language]) -> Result<Self, Violation> {
        let mut plain = String::new();
        let mut clauses = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (item, after) = next_item(rest)?;
            rest = after.trim_start();
            match item {
                Item::Word(word) => push_word(&mut plain, word),
                Item::Clause(clause) => {
                    check(&clause)?;
                    if clause.polarity == Polarity::Must
                        && matches!(
                            clause.field,
                            ClauseField::Text | ClauseField::Title | ClauseField::Identifier
                        )
                    {
                        push_word(&mut plain, &clause.value);
                    }
                    clauses.push(clause);
                }
            }
            if clauses.len() > CLAUSES_MAX {
                let reason = format!("must have at most {CLAUSES_MAX} operators");
                return Err(Violation::new("query", reason));
            }
        }
        Ok(Self::analysed(plain, clauses, languages))
    }

    fn analysed(plain: String, clauses: Vec<Clause>, languages: &[Language]) -> Self {
        let guess = detect_query(&plain, languages);
        let mut seen = HashSet::new();
        let distinct: Vec<(&str, String)> = words(&plain)
            .map(|word| (word.text, fold(word.text)))
            .filter(|(_, folded)| !folded.is_empty() && seen.insert(folded.clone()))
            .collect();
        let is_stop = |folded: &str| guess.languages.iter().any(|l| is_stop_word(*l, folded));
        let mut kept: Vec<String> = distinct
            .iter()
            .filter(|(_, folded)| !is_stop(folded))
            .map(|(word, _)| (*word).to_owned())
            .collect();
        if kept.is_empty() {
            kept = distinct.iter().map(|(word, _)| (*word).to_owned()).collect();
        }
        kept.truncate(QUERY_MAX_WORDS);
        let mut identifiers = query_identifiers(&plain);
        identifiers.truncate(QUERY_MAX_WORDS);
        Self { words: kept, identifiers, clauses, languages: guess, plain }
    }

    /// What the words say about their language.
    #[must_use]
    pub const fn languages(&self) -> &LanguageGuess {
        &self.languages
    }

    /// The text without operators: what the embedder is given.
    #[must_use]
    pub fn plain_text(&self) -> &str {
        &self.plain
    }

    /// The conditions of a search line.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}

enum Item<'t> {
    Word(&'t str),
    Clause(Clause),
}

const OPERATORS: [(&str, ClauseField); 6] = [
    ("title:", ClauseField::Title),
    ("tag:", ClauseField::Tag),
    ("lang:", ClauseField::Language),
    ("language:", ClauseField::Language),
    ("id:", ClauseField::Identifier),
    ("page:", ClauseField::Page),
];

fn next_item(text: &str) -> Result<(Item<'_>, &str), Violation> {
    let (polarity, body) = match text.strip_prefix('-') {
        Some(body) => (Polarity::MustNot, body),
        None => (Polarity::Must, text),
    };
    let operator = OPERATORS.iter().find_map(|(name, field)| {
        let head = body.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (*name, *field, &body[name.len()..]))
    });
    let clause =
        |field, value: &str| Item::Clause(Clause { field, value: value.to_owned(), polarity });
    match operator {
        Some((name, field, value)) => {
            let (value, after) = match quoted(value)? {
                Some(parts) => parts,
                None => bare(value),
            };
            if value.trim().is_empty() {
                let reason =
                    format!("{name} needs a value, such as {name}pump or {name}\"feed pump\"");
                return Err(Violation::new("query", reason));
            }
            Ok((clause(field, value), after))
        }
        None => match quoted(body)? {
            Some((phrase, after)) if words(phrase).next().is_some() => {
                Ok((clause(ClauseField::Text, phrase), after))
            }
            Some((_, after)) => Ok((Item::Word(""), after)),
            None => {
                let (word, after) = bare(text);
                Ok((Item::Word(word), after))
            }
        },
    }
}

fn bare(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// The inside of the quotes that `text` starts with, and what comes after them.
fn quoted(text: &str) -> Result<Option<(&str, &str)>, Violation> {
    let closing = match text.chars().next() {
        Some('"') => '"',
        Some('„' | '“') => '“',
        Some('»') => '«',
        _ => return Ok(None),
    };
    let mut chars = text.chars();
    chars.next();
    let inside = chars.as_str();
    // Keyboards close a German quote with whatever they have.
    let end = inside.find(|c| c == closing || (closing == '“' && (c == '”' || c == '"')));
    match end {
        Some(end) => {
            let after = &inside[end..];
            let length = after.chars().next().map_or(0, char::len_utf8);
            Ok(Some((&inside[..end], &after[length..])))
        }
        None => Err(Violation::new("query", "has a quote that is not closed")),
    }
}

fn check(clause: &Clause) -> Result<(), Violation> {
    let wrong = |reason: &str| Err(Violation::new("query", reason));
    match clause.field {
        ClauseField::Page if clause.value.trim().parse::<u64>().is_err() => {
            wrong("page: needs a page number, such as page:12")
        }
        ClauseField::Title if words(&clause.value).next().is_none() => wrong("title: needs a word"),
        ClauseField::Identifier if words(&clause.value).next().is_none() => {
            wrong("id: needs an identifier, such as id:P-101")
        }
        _ => Ok(()),
    }
}

fn push_word(plain: &mut String, word: &str) {
    if !plain.is_empty() && !word.is_empty() {
        plain.push(' ');
    }
    plain.push_str(word);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    const PLANT: [Language; 3] = [Language::English, Language::German, Language::Czech];

    #[test]
    fn a_question_has_no_operators() {
        let query = TextQuery::question("What does \"title:\" mean for -tag:x?", &PLANT);
        assert!(query.clauses().is_empty());
        assert!(!query.words.iter().any(|w| w.eq_ignore_ascii_case("what")));
    }

    #[test]
    fn a_question_of_function_words_keeps_them() {
        let query = TextQuery::question("Who is it?", &PLANT);
        assert_eq!(query.words, ["Who", "is", "it"]);
    }

    #[test]
    fn operators_become_clauses_and_leave_plain_text() {
        let line = "torque \"flange bolts\" title:pump -tag:old lang:de id:\"P 101\" page:3 12:30";
        let query = TextQuery::search(line, &PLANT).unwrap();
        let fields: Vec<_> = query.clauses().iter().map(|c| (c.field, c.polarity)).collect();
        assert_eq!(
            fields,
            [
                (ClauseField::Text, Polarity::Must),
                (ClauseField::Title, Polarity::Must),
                (ClauseField::Tag, Polarity::MustNot),
                (ClauseField::Language, Polarity::Must),
                (ClauseField::Identifier, Polarity::Must),
                (ClauseField::Page, Polarity::Must),
            ]
        );
        assert_eq!(query.plain_text(), "torque flange bolts pump P 101 12:30");
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for (line, word) in [
            ("\"open", "quote"),
            ("title:", "value"),
            ("tag:\"\"", "value"),
            ("page:first", "page number"),
            ("id:--", "identifier"),
        ] {
            let violation = TextQuery::search(line, &PLANT).unwrap_err();
            assert_eq!(violation.field, "query");
            assert!(violation.reason.contains(word), "{line}: {}", violation.reason);
        }
        let many = "tag:a ".repeat(CLAUSES_MAX + 1);
        assert!(TextQuery::search(&many, &PLANT).is_err());
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line in "[-a-z0-9:\"„“» ]{0,60}") {
            if let Ok(query) = TextQuery::search(&line, &PLANT) {
                prop_assert!(query.words.len() <= QUERY_MAX_WORDS);
            }
        }
    }
}
