//! Dates in running text, in English, German and Czech.

use std::ops::Range;

use knowledge::text::{Word, fold, words};

/// A date, as far as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    year: Option<u16>,
    month: u8,
    day: Option<u8>,
}

impl Date {
    /// Whether `other` says everything that this one says.
    pub(crate) fn is_met_by(self, other: Self) -> bool {
        let met = |own: Option<u16>, others: Option<u16>| own.is_none() || own == others;
        self.month == other.month
            && met(self.year, other.year)
            && met(self.day.map(u16::from), other.day.map(u16::from))
    }
}

/// A date and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dated {
    /// What it may mean: `3/5/2024` is a day of March or of May.
    pub(crate) readings: Vec<Date>,
    pub(crate) place: Range<usize>,
}

/// Beginnings of the names of months, folded; the longest that fits counts.
const MONTHS: &[(&str, u8)] = &[
    ("januar", 1),
    ("january", 1),
    ("janner", 1),
    ("ledna", 1),
    ("leden", 1),
    ("lednu", 1),
    ("februar", 2),
    ("february", 2),
    ("unora", 2),
    ("unor", 2),
    ("unoru", 2),
    ("march", 3),
    ("marz", 3),
    ("brezna", 3),
    ("brezen", 3),
    ("breznu", 3),
    ("april", 4),
    ("dubna", 4),
    ("duben", 4),
    ("dubnu", 4),
    ("may", 5),
    ("mai", 5),
    ("kvetna", 5),
    ("kveten", 5),
    ("kvetnu", 5),
    ("june", 6),
    ("juni", 6),
    ("cervna", 6),
    ("cerven", 6),
    ("cervnu", 6),
    ("july", 7),
    ("juli", 7),
    ("cervence", 7),
    ("cervenec", 7),
    ("cervenci", 7),
    ("august", 8),
    ("srpna", 8),
    ("srpen", 8),
    ("srpnu", 8),
    ("september", 9),
    ("zari", 9),
    ("october", 10),
    ("oktober", 10),
    ("rijna", 10),
    ("rijen", 10),
    ("rijnu", 10),
    ("november", 11),
    ("listopadu", 11),
    ("listopad", 11),
    ("december", 12),
    ("dezember", 12),
    ("prosince", 12),
    ("prosinec", 12),
    ("prosinci", 12),
];

/// The dates of `text`, in order.
pub(crate) fn dates(text: &str) -> Vec<Dated> {
    let words: Vec<Word<'_>> = words(text).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match date_at(text, &words[at..]) {
            Some((readings, count)) => {
                let last = words[at + count - 1];
                let place = words[at].start..last.start + last.text.len();
                found.push(Dated { readings, place });
                at += count;
            }
            None => at += 1,
        }
    }
    found
}

/// The date that these words begin with, and how many of them it takes.
fn date_at(text: &str, words: &[Word<'_>]) -> Option<(Vec<Date>, usize)> {
    numeric(text, words).or_else(|| spelt(words))
}

/// `2024-05-03`, `3.5.2024`, `3. 5. 2024`, `3/5/2024`.
fn numeric(text: &str, words: &[Word<'_>]) -> Option<(Vec<Date>, usize)> {
    let [a, b, c, ..] = words else { return None };
    let between = |left: &Word<'_>, right: &Word<'_>| {
        text[left.start + left.text.len()..right.start].trim_end().to_owned()
    };
    let marks = (between(a, b), between(b, c));
    let readings = match (marks.0.as_str(), marks.1.as_str()) {
        ("-", "-") => vec![date(year(a.text), number(b.text), number(c.text))],
        (".", ".") => vec![date(year(c.text), number(b.text), number(a.text))],
        ("/", "/") => vec![
            date(year(c.text), number(b.text), number(a.text)),
            date(year(c.text), number(a.text), number(b.text)),
        ],
        _ => return None,
    };
    let readings: Vec<Date> = readings.into_iter().flatten().collect();
    (!readings.is_empty()).then_some((readings, 3))
}

/// `3 May 2024`, `3. Mai`, `May 3rd, 2024`, `May 2024`, `5. května 2024`.
fn spelt(words: &[Word<'_>]) -> Option<(Vec<Date>, usize)> {
    let text = |at: usize| words.get(at).map(|word| word.text);
    let year_at = |at: usize| text(at).and_then(year);
    let day_at = |at: usize| text(at).and_then(day);
    let (date, count) = if let Some(month) = text(0).and_then(month) {
        match (day_at(1), year_at(1), year_at(2)) {
            (Some(day), _, Some(year)) => ((Some(year), month, Some(day)), 3),
            (Some(day), ..) => ((None, month, Some(day)), 2),
            (None, Some(year), _) => ((Some(year), month, None), 2),
            // The word alone may be another word ("may").
            _ => return None,
        }
    } else {
        let (day, month) = (day_at(0)?, text(1).and_then(month)?);
        match year_at(2) {
            Some(year) => ((Some(year), month, Some(day)), 3),
            None => ((None, month, Some(day)), 2),
        }
    };
    let (year, month, day) = date;
    Some((vec![Date { year, month, day }], count))
}

fn date(year: Option<u16>, month: Option<u8>, day: Option<u8>) -> Option<Date> {
    let (year, month, day) = (year?, month?, day?);
    let is_one = (1..=12).contains(&month) && (1..=31).contains(&day);
    is_one.then_some(Date { year: Some(year), month, day: Some(day) })
}

fn month(word: &str) -> Option<u8> {
    let folded = fold(word);
    MONTHS.iter().find(|(name, _)| *name == folded).map(|(_, month)| *month)
}

fn number(word: &str) -> Option<u8> {
    if word.len() <= 2 { word.parse().ok() } else { None }
}

/// A day of a month, with or without its English ending.
fn day(word: &str) -> Option<u8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = &word[digits.len()..];
    let fits = ["", "st", "nd", "rd", "th"].contains(&ending);
    number(digits).filter(|day| fits && (1..=31).contains(day))
}

fn year(word: &str) -> Option<u16> {
    let year: u16 = if word.len() == 4 { word.parse().ok()? } else { return None };
    (1800..=2200).contains(&year).then_some(year)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn met(said: &str, written: &str) -> bool {
        let (said, written) = (dates(said), dates(written));
        assert!(said.len() == 1 && written.len() == 1, "{said:?} {written:?}");
        said[0].readings.iter().any(|a| written[0].readings.iter().any(|b| a.is_met_by(*b)))
    }

    #[test]
    fn one_day_however_it_is_written() {
        for (said, written) in [
            ("on 3 May 2024", "2024-05-03"),
            ("May 3rd, 2024", "3. 5. 2024"),
            ("am 3. Mai 2024", "03.05.2024"),
            ("5. května 2024", "5 May 2024"),
            ("in May 2024", "3 May 2024"),
            ("on 3 May", "3.5.2024"),
            ("5/3/2024", "3 May 2024"),
        ] {
            assert!(met(said, written), "{said} by {written}");
        }
    }

    #[test]
    fn another_day_is_not_it() {
        for (said, written) in [
            ("3 May 2024", "4 May 2024"),
            ("3 May 2024", "3 June 2024"),
            ("3 May 2024", "3 May 2023"),
            ("3 May 2024", "May 2024"),
        ] {
            assert!(!met(said, written), "{said} by {written}");
        }
    }

    #[test]
    fn what_is_no_date_is_left_alone() {
        for text in ["it may be 5 bar", "version 1.2.3", "pages 12-13-14", "6ES7 315", "10:30"] {
            assert_eq!(dates(text), [], "{text}");
        }
    }
}
