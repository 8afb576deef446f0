//! Where sentences begin and end, in English, German and Czech running text with the numbers,
//! units, abbreviations and list marks of technical documents.

use std::ops::Range;

/// Longest sentence, in bytes; text without a single full stop is cut at line ends beyond it.
const SENTENCE_MAX_BYTES: usize = 1200;

/// Words that a full stop belongs to. Lower case, without the stop. German and Czech ones beside
/// the English, since documents mix them.
const ABBREVIATIONS: &[&str] = &[
    "abb", "abs", "abt", "allg", "approx", "art", "atd", "aug", "bd", "bl", "bzgl", "bzw", "ca",
    "cca", "cf", "ch", "cit", "co", "corp", "dec", "dez", "dgl", "dipl", "dr", "eg", "einschl",
    "evtl", "feb", "ff", "fig", "figs", "gem", "ggf", "gmbh", "hl", "hr", "ie", "inc", "incl",
    "ing", "inkl", "jan", "jun", "kap", "lfd", "ltd", "max", "mind", "min", "mio", "mr", "mrs",
    "ms", "např", "no", "nom", "nos", "nov", "nr", "obr", "oct", "okt", "op", "pol", "popř", "pos",
    "pozn", "pp", "príp", "příp", "prof", "ref", "resp", "rev", "sec", "sep", "sept", "sog", "st",
    "str", "tab", "tel", "tj", "tl", "tzn", "tzv", "usw", "var", "vgl", "viz", "vol", "vs", "zb",
    "zzgl", "č", "čl", "ú",
];

/// Abbreviations that are units when a number stands before them.
const UNITS: &[&str] = &["min", "sec"];

/// Months as they follow an ordinal ("3. Mai", "5. května").
const MONTHS: &[&str] = &[
    "januar",
    "jänner",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "ledna",
    "února",
    "března",
    "dubna",
    "května",
    "června",
    "července",
    "srpna",
    "září",
    "října",
    "listopadu",
    "prosince",
];

/// The sentences of `text`, as byte ranges without surrounding blanks, in order. A list item, a
/// heading and a table row end where their line or paragraph ends, with or without a full stop.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for paragraph in paragraphs(text) {
        split_paragraph(text, paragraph, &mut found);
    }
    found
}

/// Ranges between blank lines and before list marks.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let blank = line.trim().is_empty();
        if blank || is_list_item(line) {
            push_trimmed(text, start..at, &mut ranges);
            start = at;
        }
        at += line.len();
    }
    push_trimmed(text, start..text.len(), &mut ranges);
    ranges
}

/// Whether a line begins with a bullet or a number that counts items ("3.", "b)", "(2)").
fn is_list_item(line: &str) -> bool {
    let line = line.trim_start();
    let mut chars = line.chars();
    let Some(first) = chars.next() else { return false };
    let bullets = ['•', '–', '-', '*', '◦', '▪', '·', '●', '○', '□', '☐', '✓', '→'];
    if bullets.contains(&first) {
        return chars.next().is_some_and(char::is_whitespace);
    }
    let mark: &str = line.split_whitespace().next().unwrap_or_default();
    if mark.len() == line.trim_end().len() || mark.len() > 5 {
        return false;
    }
    let inner = mark.trim_start_matches('(').trim_end_matches(['.', ')']);
    let ended = mark.ends_with(['.', ')']);
    let counts = inner.len() <= 3
        && !inner.is_empty()
        && (inner.bytes().all(|b| b.is_ascii_digit())
            || (inner.len() == 1 && inner.bytes().all(|b| b.is_ascii_lowercase())));
    ended && counts
}

fn split_paragraph(text: &str, paragraph: Range<usize>, found: &mut Vec<Range<usize>>) {
    let body = &text[paragraph.clone()];
    let mut start = 0;
    for (at, c) in body.char_indices() {
        let end = at + c.len_utf8();
        let too_long = c == '\n' && at - start > SENTENCE_MAX_BYTES;
        if too_long || (matches!(c, '.' | '!' | '?' | '…') && ends_here(body, start, at, end)) {
            let end = end + closing_marks(&body[end..]);
            push_trimmed(text, paragraph.start + start..paragraph.start + end, found);
            start = end;
        }
    }
    push_trimmed(text, paragraph.start + start..paragraph.end, found);
}

/// Quotes and brackets that close together with a sentence.
fn closing_marks(rest: &str) -> usize {
    let close = ['"', '”', '“', '’', ')', ']', '»', '«'];
    rest.chars().take_while(|c| close.contains(c)).map(char::len_utf8).sum()
}

/// Whether the mark at `at..end` ends the sentence that began at `start`.
fn ends_here(body: &str, start: usize, at: usize, end: usize) -> bool {
    if start > at {
        return false;
    }
    let rest = &body[end..];
    let after_marks = &rest[closing_marks(rest)..];
    let blank_follows = after_marks.is_empty() || after_marks.starts_with(char::is_whitespace);
    if !blank_follows {
        return false;
    }
    let next = after_marks.trim_start();
    let Some(next_char) = next.chars().next() else { return true };
    if !body[at..end].starts_with('.') {
        return true;
    }
    if next_char.is_lowercase() {
        return false;
    }
    let before = &body[start..at];
    let word = last_word(before);
    if word.is_empty() {
        return true;
    }
    if word.chars().all(|c| c.is_ascii_digit()) {
        return !is_ordinal(before, word, next);
    }
    let number_before = before[..before.len() - word.len()].trim_end();
    let after_number = number_before.ends_with(|c: char| c.is_ascii_digit());
    if word.chars().count() == 1 {
        // An initial, or a part of "z. B."; but "20 g. Then" has come to its end.
        return after_number;
    }
    let plain = word.to_lowercase().replace('.', "");
    // "max. 6 bar" goes on, "after 5 min. Then" does not.
    after_number && UNITS.contains(&plain.as_str()) || !ABBREVIATIONS.contains(&plain.as_str())
}

/// Whether a number before a full stop counts something ("3. Mai", a list mark) instead of ending
/// the sentence.
fn is_ordinal(before: &str, number: &str, next: &str) -> bool {
    if before.trim_start().len() == number.len() {
        return true;
    }
    let next_word = next.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    number.len() <= 2 && MONTHS.contains(&next_word.to_lowercase().as_str())
}

/// The word that ends `text`, with full stops and signs of units in it.
fn last_word(text: &str) -> &str {
    let begin = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_alphanumeric() || matches!(c, '.' | '·' | '/' | '°'))
        .last()
        .map_or(text.len(), |(at, _)| at);
    &text[begin..]
}

fn push_trimmed(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let part = &text[range.clone()];
    let lead = part.len() - part.trim_start().len();
    let trimmed = part.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let start = range.start + lead;
        found.push(start..start + trimmed.len());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn decimals_units_and_identifiers_do_not_end_sentences() {
        assert_eq!(
            split(
                "Tighten to 90.5 N·m. Use 6ES7 315-2EH14-0AB0, rev. 3 or newer. Wait 5 min. Then go."
            ),
            [
                "Tighten to 90.5 N·m.",
                "Use 6ES7 315-2EH14-0AB0, rev. 3 or newer.",
                "Wait 5 min.",
                "Then go."
            ]
        );
    }

    #[test]
    fn german_abbreviations_and_dates() {
        assert_eq!(
            split("Druck max. 6 bar, z. B. am 3. Mai. Siehe Abb. 4 bzw. Nr. 7. Danach spülen!"),
            ["Druck max. 6 bar, z. B. am 3. Mai.", "Siehe Abb. 4 bzw. Nr. 7.", "Danach spülen!"]
        );
    }

    #[test]
    fn czech_abbreviations_and_dates() {
        assert_eq!(
            split("Např. 5. května, viz obr. 2. Tlak je 6 bar. Stiskněte „Start“. Konec."),
            ["Např. 5. května, viz obr. 2.", "Tlak je 6 bar.", "Stiskněte „Start“.", "Konec."]
        );
    }

    #[test]
    fn list_items_stand_alone() {
        assert_eq!(
            split(
                "Before work:\n1. Close XV-111\n2. Open HV-115 and wait\nuntil it is empty.\n• Tag it"
            ),
            [
                "Before work:",
                "1. Close XV-111",
                "2. Open HV-115 and wait\nuntil it is empty.",
                "• Tag it"
            ]
        );
    }

    #[test]
    fn a_blank_line_ends_a_heading() {
        assert_eq!(split("5.3 Torques\n\nSee table 7"), ["5.3 Torques", "See table 7"]);
    }

    proptest! {
        #[test]
        fn ranges_are_in_order_and_lose_no_letter(text in "\\PC{0,200}") {
            let found = sentences(&text);
            let mut at = 0;
            for range in &found {
                prop_assert!(range.start >= at && range.end > range.start);
                at = range.end;
            }
            let kept: String = found.iter().map(|r| &text[r.clone()]).collect();
            let letters = |s: &str| s.chars().filter(|c| c.is_alphanumeric()).count();
            prop_assert_eq!(letters(&kept), letters(&text));
        }
    }
}
