//! Numbers in running text, with their units, as English, German and Czech write them.

use std::ops::Range;

use super::units::{Unit, unit_at};

/// Relative difference up to which two numbers are the same: they were computed from the same
/// digits.
const TOLERANCE: f64 = 1e-9;

/// Number words that are no articles. Folding is not needed: both spellings stand here.
const WORDS: &[(&str, f64)] = &[
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("zwei", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("fünf", 5.0),
    ("sechs", 6.0),
    ("sieben", 7.0),
    ("acht", 8.0),
    ("neun", 9.0),
    ("zehn", 10.0),
    ("elf", 11.0),
    ("zwölf", 12.0),
    ("dva", 2.0),
    ("dvě", 2.0),
    ("dvou", 2.0),
    ("tři", 3.0),
    ("tří", 3.0),
    ("třech", 3.0),
    ("čtyři", 4.0),
    ("čtyř", 4.0),
    ("čtyřech", 4.0),
    ("pět", 5.0),
    ("pěti", 5.0),
    ("šest", 6.0),
    ("šesti", 6.0),
    ("sedm", 7.0),
    ("sedmi", 7.0),
    ("osm", 8.0),
    ("osmi", 8.0),
    ("devět", 9.0),
    ("devíti", 9.0),
    ("deset", 10.0),
    ("deseti", 10.0),
    ("jedenáct", 11.0),
    ("dvanáct", 12.0),
];

/// A number with its unit, if it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Quantity {
    /// What it may mean: `2,000` is two thousand in English and two in German.
    pub(crate) readings: Vec<f64>,
    pub(crate) unit: Option<Unit>,
    /// As it stands in the text.
    pub(crate) text: String,
}

impl Quantity {
    /// Whether `other` says the same. A number without a unit is met by the same number with any;
    /// one with a unit by a number of the same kind, converted.
    pub(crate) fn is_met_by(&self, other: &Self) -> bool {
        match (self.unit, other.unit) {
            (None, _) => self.same_number(other),
            (Some(_), None) => false,
            (Some(own), Some(others)) => {
                own.measures == others.measures
                    && self.any_pair(other, |a, b| same(a * own.factor, b * others.factor))
            }
        }
    }

    /// Whether both are the same amount but for a relative difference.
    pub(crate) fn is_about(&self, other: &Self, difference: f64) -> bool {
        let about = |a: f64, b: f64| (a - b).abs() <= difference * a.abs().max(b.abs());
        match (self.unit, other.unit) {
            (Some(own), Some(others)) => {
                own.measures == others.measures
                    && self.any_pair(other, |a, b| about(a * own.factor, b * others.factor))
            }
            (None, None) => self.any_pair(other, about),
            _ => false,
        }
    }

    /// Whether the digits say the same, whatever the units.
    pub(crate) fn same_number(&self, other: &Self) -> bool {
        self.any_pair(other, same)
    }

    fn any_pair(&self, other: &Self, is_same: impl Fn(f64, f64) -> bool) -> bool {
        self.readings.iter().any(|&a| other.readings.iter().any(|&b| is_same(a, b)))
    }
}

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(f64::MIN_POSITIVE)
}

/// The numbers of `text`, in order, but those that begin inside of `taken` (dates). `text` has been
/// made [`super::units::plain`].
pub(crate) fn quantities(text: &str, taken: &[Range<usize>]) -> Vec<Quantity> {
    let mut scan = Scan { text, at: 0, found: Vec::new(), open: 0 };
    while let Some(c) = scan.rest().chars().next() {
        if taken.iter().any(|range| range.contains(&scan.at)) || !c.is_alphanumeric() {
            scan.at += c.len_utf8();
        } else if c.is_ascii_digit() {
            scan.number();
        } else {
            scan.word();
        }
    }
    scan.found
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    found: Vec<Quantity>,
    /// From here on the numbers found belong to one range and wait for its unit.
    open: usize,
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// A word: a spelt number, or the beginning of a name with digits in it (`P-101`, `M16x1,5`).
    fn word(&mut self) {
        let rest = self.rest();
        let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let word = &rest[..letters];
        self.at += letters;
        let lower = word.to_lowercase();
        if let Some((_, value)) = WORDS.iter().find(|(spelt, _)| *spelt == lower) {
            self.push(vec![*value], word);
            return;
        }
        self.skip_name();
    }

    /// Goes on while what follows is joined to what stood before it.
    fn skip_name(&mut self) {
        loop {
            let rest = self.rest();
            let mut chars = rest.chars();
            match (chars.next(), chars.next()) {
                (Some(c), _) if c.is_alphanumeric() => self.at += c.len_utf8(),
                (Some(c @ ('-' | '_' | '/' | '.' | ',' | ':')), Some(next))
                    if next.is_ascii_digit() =>
                {
                    self.at += c.len_utf8();
                }
                _ => return,
            }
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let length = number_length(self.rest());
        let digits = &self.text[start..start + length];
        self.at += length;
        // Letters right behind it that are no unit: a name (`6ES7`).
        let rest = self.rest();
        if rest.starts_with(char::is_alphabetic) && unit_at(rest).is_none() {
            self.skip_name();
            return;
        }
        let mut readings = readings_of(digits);
        if is_negative(&self.text[..start]) {
            readings.iter_mut().for_each(|value| *value = -*value);
        }
        self.push(readings, digits);
    }

    /// Adds a number, with the unit behind it. The numbers of a range ("5 to 10 bar") share theirs.
    fn push(&mut self, readings: Vec<f64>, written: &str) {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start_matches(' ').len();
        let found = if blank <= 2 { unit_at(&rest[blank..]) } else { None };
        let mut text = written.to_owned();
        let unit = found.map(|(unit, length)| {
            text.push_str(&rest[..blank + length]);
            self.at += blank + length;
            unit
        });
        self.found.push(Quantity { readings, unit, text });
        if unit.is_some() {
            for earlier in &mut self.found[self.open..] {
                earlier.unit = earlier.unit.or(unit);
            }
            self.open = self.found.len();
        } else if !joins_a_range(self.rest()) {
            self.open = self.found.len();
        }
    }
}

/// Whether another number of the same range follows.
fn joins_a_range(rest: &str) -> bool {
    let trimmed = rest.trim_start();
    let joints = ["-", "–", "—", "…", "...", "to ", "bis ", "až ", "and ", "und ", "a ", "/"];
    joints.iter().any(|joint| {
        trimmed
            .strip_prefix(joint)
            .is_some_and(|behind| behind.trim_start().starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// A minus right before the number, with nothing or a blank before it, is its sign.
fn is_negative(before: &str) -> bool {
    let mut chars = before.chars().rev();
    matches!(chars.next(), Some('-' | '–'))
        && chars.next().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | ':'))
}

/// Bytes of the number that `text` begins with: digits, groups of three, a decimal part.
fn number_length(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = &text[from..];
        rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let mut end = digits(0);
    if end <= 3 {
        while let Some(mark) = text[end..].chars().next() {
            let next = end + mark.len_utf8();
            if !matches!(mark, ' ' | '.' | ',' | '\'' | '’') || digits(next) != 3 {
                break;
            }
            end = next + 3;
        }
    }
    if text[end..].starts_with(['.', ',']) && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    end
}

/// What a number may mean, by its marks.
fn readings_of(written: &str) -> Vec<f64> {
    let plain: String = written.chars().filter(|c| !matches!(c, ' ' | '\'' | '’')).collect();
    let marks: Vec<(usize, char)> =
        plain.char_indices().filter(|(_, c)| matches!(c, '.' | ',')).collect();
    let value = |decimal: Option<usize>| {
        let digits = plain.char_indices().filter_map(|(at, c)| match c {
            '.' | ',' => (decimal == Some(at)).then_some('.'),
            digit => Some(digit),
        });
        digits.collect::<String>().parse::<f64>().ok()
    };
    let grouped = value(None);
    let readings = match marks.as_slice() {
        [] => vec![grouped],
        [(at, _)] => {
            let behind = plain.len() - at - 1;
            let groups = behind == 3 && (1..=3).contains(at) && !plain.starts_with('0');
            if groups { vec![grouped, value(Some(*at))] } else { vec![value(Some(*at))] }
        }
        // The same mark more than once separates groups; of two marks the last is the decimal one.
        [.., (before, first), (at, last)] if first != last && before < at => {
            vec![value(Some(*at))]
        }
        _ => vec![grouped],
    };
    readings.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::super::units::plain;
    use super::*;

    fn one(text: &str) -> Quantity {
        let found = quantities(&plain(text), &[]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn one_amount_however_it_is_written() {
        for (said, written) in [
            ("25 Nm", "25 N·m"),
            ("0.5 l", "0,5 l"),
            ("2000 hours", "2,000 hours"),
            ("2000 Stunden", "2.000 Stunden"),
            ("2000 h", "2 000 hodin"),
            ("1234.5 mm", "1.234,5 mm"),
            ("1,234.5 mm", "1 234,5 mm"),
            ("90 min", "1.5 h"),
            ("0.09 kN·m", "90 Nm"),
            ("-20 °C", "−20 °C"),
            ("2940 rpm", "2,940 1/min"),
            ("5 %", "5%"),
            ("3", "three"),
            ("tři", "drei"),
        ] {
            assert!(one(said).is_met_by(&one(written)), "{said} by {written}");
        }
    }

    #[test]
    fn another_amount_is_not_it() {
        for (said, written) in [
            ("25 Nm", "26 Nm"),
            ("25 bar", "25 Nm"),
            ("25 Nm", "25"),
            ("20 °C", "-20 °C"),
            ("25 mW", "25 MW"),
            ("2.5 l", "25 l"),
            ("20 °C", "20 °F"),
        ] {
            assert!(!one(said).is_met_by(&one(written)), "{said} by {written}");
        }
    }

    #[test]
    fn the_numbers_of_a_range_share_its_unit() {
        for text in ["5–10 bar", "5 to 10 bar", "5 bis 10 bar", "5 až 10 bar", "5-10 bar"] {
            let found = quantities(&plain(text), &[]);
            assert_eq!(found.len(), 2, "{text}");
            assert!(found[0].is_met_by(&one("5 bar")) && found[1].is_met_by(&one("10 bar")));
            assert!(found.iter().all(|q| q.readings.iter().all(|v| *v > 0.0)), "{text}");
        }
    }

    #[test]
    fn digits_of_names_are_no_numbers() {
        for text in ["P-101", "M16x1,5", "F30001 occurs", "XV-111.2", "VDI/VDE 2862a", "S7-300"] {
            let found = quantities(text, &[]);
            let known: Vec<&str> = found.iter().map(|q| q.text.as_str()).collect();
            assert!(known.is_empty(), "{text}: {known:?}");
        }
    }
}
