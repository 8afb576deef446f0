//! What kind of answer a question asks for, and whether a text has one of that kind: a duration
//! for "how long", N·m for "what torque", a colour for "what colour". English, German and Czech.

use knowledge::text::{fold, words};

use super::cues::{CUES, INTERROGATIVES, YES_OR_NO};
use super::hints::{NORMS, PLACES, REASONS, REMEDIES};
use super::lexicon::{COLOURS, NUMBER_WORDS, PEOPLE, TIMES, UNITS};

/// Farthest that the word for a kind ("temperature") stands behind the interrogative, in words.
const NOUN_REACH_WORDS: usize = 6;

/// A kind of answer that can be told by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Torque,
    Duration,
    /// A duration or a length: "how long may it be".
    Extent,
    Temperature,
    Pressure,
    Mass,
    Length,
    Current,
    Voltage,
    Power,
    Speed,
    Vibration,
    Volume,
    Money,
    Percent,
    Hardness,
    Sound,
    Force,
    Area,
    Colour,
    Address,
    Year,
    /// Any number, with or without a unit, also spelt out.
    Number,
    /// A time, a date, or what comes before or after.
    Time,
    /// Somebody, by office or by name.
    Person,
    /// Why something is so.
    Reason,
    /// Where something is.
    Place,
    /// What to do.
    Action,
    /// What is allowed, forbidden or required.
    Norm,
}

impl Kind {
    /// By what an answer of this kind is told.
    pub(crate) const fn form(self) -> Form {
        match self {
            Self::Number | Self::Time | Self::Person => Form::Loose,
            Self::Reason | Self::Place | Self::Action | Self::Norm => Form::Soft,
            _ => Form::Strict,
        }
    }
}

/// By what an answer of a kind is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A unit or a form of its own; a text without one is hardly an answer.
    Strict,
    /// Numbers, times and people, which are also told in words.
    Loose,
    /// Words that often stand in such an answer.
    Soft,
}

/// The kind that a question asks for, when it can be told.
pub(crate) fn kind_of_question(question: &str) -> Option<Kind> {
    if let Some((_, kind)) = cue_of(question) {
        return Some(kind);
    }
    asks_yes_or_no(question).then_some(Kind::Norm)
}

/// Words of the question's cue: they ask for the kind and need not stand in the answer.
pub(crate) fn cue_words(question: &str) -> Vec<&'static str> {
    // A cue of one word is the subject itself ("temperature"): that should stand there.
    let cue = cue_of(question).map(|(cue, _)| cue.split(' ').collect::<Vec<_>>());
    cue.filter(|cue| cue.len() > 1).unwrap_or_default()
}

/// The most telling cue. A single word asks for its kind only near the first interrogative: "which
/// order do I measure the voltage in" asks for no voltage, "what do I do when" for no time.
fn cue_of(question: &str) -> Option<(&'static str, Kind)> {
    let folded = fold_words(question);
    let first = folded.iter().position(|word| INTERROGATIVES.contains(&word.as_str()));
    if first.is_none() && asks_yes_or_no(question) {
        return None;
    }
    let fits = |cue: &str| {
        let cue: Vec<&str> = cue.split(' ').collect();
        folded.windows(cue.len()).enumerate().any(|(at, words)| {
            let near = |first: usize| {
                if INTERROGATIVES.contains(&cue[0]) {
                    at == first
                } else {
                    (first..=first + NOUN_REACH_WORDS).contains(&at)
                }
            };
            words == cue && (cue.len() > 1 || first.is_none_or(near))
        })
    };
    CUES.iter().find(|(cue, _)| fits(cue)).copied()
}

/// Whether a sentence of the question begins with a verb ("Is …", "Darf …") and none asks for
/// anything but yes or no.
fn asks_yes_or_no(question: &str) -> bool {
    let folded = fold_words(question);
    if folded.iter().any(|word| INTERROGATIVES.contains(&word.as_str())) {
        return false;
    }
    let mut sentences = question.split(['.', '!', '?', ',']);
    sentences.any(|sentence| {
        let first = words(sentence).next().map(|word| fold(word.text));
        first.is_some_and(|word| YES_OR_NO.contains(&word.as_str()))
    })
}

/// Whether `text` holds something of the kind.
pub(crate) fn has_kind(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Colour => words(text).any(|word| {
            let folded = fold(word.text);
            COLOURS.iter().any(|colour| {
                folded == *colour
                    || (folded.starts_with(colour) && folded.len() <= colour.len() + 3)
            })
        }),
        Kind::Extent => has_kind(text, Kind::Duration) || has_kind(text, Kind::Length),
        Kind::Address => text.split_whitespace().any(is_dotted_quad),
        Kind::Year => words(text).any(|word| is_year(word.text)),
        Kind::Number => {
            text.contains(|c: char| c.is_ascii_digit())
                || words(text).any(|word| NUMBER_WORDS.contains(&fold(word.text).as_str()))
        }
        Kind::Time => {
            words(text).any(|word| is_year(word.text) || TIMES.contains(&fold(word.text).as_str()))
                || has_clock(text)
                || has_measure(text, Kind::Duration)
        }
        Kind::Person => {
            let is_office = |folded: &str| PEOPLE.iter().any(|people| folded.contains(people));
            words(text).any(|word| is_office(&fold(word.text))) || has_initial(text)
        }
        Kind::Reason => {
            // A column head that says "cause" stands before a cell that is one.
            words(text).any(|word| REASONS.contains(&fold(word.text).as_str()))
        }
        Kind::Place => words(text).any(|word| {
            let folded = fold(word.text);
            PLACES.iter().any(|place| folded.starts_with(place))
        }),
        Kind::Norm => words(text).any(|word| {
            let folded = fold(word.text);
            NORMS.iter().any(|norm| folded == *norm || norm.len() >= 6 && folded.starts_with(norm))
        }),
        Kind::Action => {
            let head = |part: &str| part.split(": ").next().map(fold_words).unwrap_or_default();
            let is_remedy = |word: &String| REMEDIES.contains(&word.as_str());
            text.split("; ").any(|part| part.contains(": ") && head(part).iter().any(is_remedy))
        }
        measured => has_measure(text, measured),
    }
}

fn fold_words(text: &str) -> Vec<String> {
    words(text).map(|word| fold(word.text)).collect()
}

/// "6:30".
fn has_clock(text: &str) -> bool {
    text.split_whitespace().any(|token| {
        let token = token.trim_matches(|c: char| !c.is_ascii_digit());
        token.split_once(':').is_some_and(|(hour, minute)| {
            minute.len() == 2
                && hour.parse::<u8>().is_ok_and(|hour| hour < 25)
                && minute.parse::<u8>().is_ok_and(|minute| minute < 60)
        })
    })
}

/// "H. Brandl".
fn has_initial(text: &str) -> bool {
    let tokens: Vec<&str> = text.split_whitespace().collect();
    tokens.windows(2).any(|pair| {
        let initial = pair[0].trim_start_matches('(');
        let mut letters = initial.chars();
        let is_initial = letters.next().is_some_and(char::is_uppercase) && letters.as_str() == ".";
        is_initial && pair[1].chars().next().is_some_and(char::is_uppercase)
    })
}

/// Whether `text` begins with a unit of any kind.
pub(crate) fn begins_with_unit(text: &str) -> bool {
    UNITS.iter().any(|(kind, _)| *kind != Kind::Number && unit_begins(text, *kind))
}

/// Whether a number with a unit of the kind stands in `text`, or a column head that names the unit
/// above a number ("Torque [N·m]: 90").
fn has_measure(text: &str, kind: Kind) -> bool {
    let mut after_number = false;
    let mut spelt = false;
    for (at, c) in text.char_indices() {
        if c.is_ascii_digit() {
            after_number = true;
            continue;
        }
        if after_number && !matches!(c, '.' | ',' | '\u{a0}' | '\u{202f}' | ' ' | '–' | '-') {
            if unit_begins(&text[at..], kind) {
                return true;
            }
            after_number = false;
        }
        spelt |= c.is_alphabetic();
    }
    spelt && spelt_measure(text, kind) || unit_in_head(text, kind)
}

/// "two years", "fünf Prozent".
fn spelt_measure(text: &str, kind: Kind) -> bool {
    fold_words(text).windows(2).any(|pair| {
        let is_word = pair[1].len() >= 3;
        is_word && NUMBER_WORDS.contains(&pair[0].as_str()) && unit_begins(&pair[1], kind)
    })
}

/// "[N·m]" or "(N·m)" somewhere, and a number elsewhere.
fn unit_in_head(text: &str, kind: Kind) -> bool {
    let bracketed = text.match_indices(['[', '(']).any(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        unit_begins(rest, kind)
    });
    bracketed && text.contains(|c: char| c.is_ascii_digit())
}

/// Whether `text` begins with a unit of the kind that ends there as a word does.
fn unit_begins(text: &str, kind: Kind) -> bool {
    let head: String = text.chars().take(16).flat_map(char::to_lowercase).collect();
    let folded = fold(head.split_whitespace().next().unwrap_or_default());
    UNITS.iter().filter(|(of, _)| *of == kind).flat_map(|(_, units)| units.iter()).any(|unit| {
        let longer_word = |rest: &str| {
            let next = rest.chars().next();
            next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '·' | '°' | '³' | '²'))
        };
        if let Some(rest) = head.strip_prefix(unit)
            && !longer_word(rest)
        {
            return true;
        }
        // Words take endings ("minutes", "Stunden", "hodinách"); short signs don't.
        unit.len() >= 3
            && unit.chars().all(char::is_alphabetic)
            && folded.starts_with(unit)
            && folded.chars().count() <= unit.chars().count() + 3
    })
}

fn is_dotted_quad(token: &str) -> bool {
    let token = token.trim_matches(|c: char| !c.is_ascii_digit());
    let parts: Vec<&str> = token.split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.parse::<u16>().is_ok_and(|year| (1850..2100).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_ask_for_kinds() {
        for (question, kind) in [
            ("What is the tightening torque of the bolts?", Some(Kind::Torque)),
            ("how tight do the flange bolts go?", Some(Kind::Torque)),
            ("Wie lange läuft das Programm?", Some(Kind::Duration)),
            ("Kolik váží paletizátor?", Some(Kind::Mass)),
            ("What colour are the padlocks?", Some(Kind::Colour)),
            ("What is the IP address of the PLC?", Some(Kind::Address)),
            ("Who releases the filler?", Some(Kind::Person)),
            ("When are the rings renewed?", Some(Kind::Time)),
            ("Where is the key?", Some(Kind::Place)),
            ("Why is it shut?", Some(Kind::Reason)),
            ("May I open the door?", Some(Kind::Norm)),
            ("Wie laut ist der Kompressor?", Some(Kind::Sound)),
            ("How long can the motor lead be?", Some(Kind::Extent)),
            ("What should happen when I press start?", None),
            ("In which order do I measure the absence of voltage?", None),
            ("Which part is it?", None),
        ] {
            assert_eq!(kind_of_question(question), kind, "{question}");
        }
    }

    #[test]
    fn measures_are_recognised() {
        for (text, kind) in [
            ("Tighten to 90 N·m.", Kind::Torque),
            ("Torque [N·m]: 90", Kind::Torque),
            ("after 20 minutes", Kind::Duration),
            ("from 9:00 on", Kind::Time),
            ("Renew the rings when it has grown.", Kind::Time),
            ("Das Labor gibt frei.", Kind::Person),
            ("ask J. Novotná", Kind::Person),
            ("archived for two years", Kind::Duration),
            ("24 Monate aufbewahren", Kind::Duration),
            ("for fifteen minutes at most", Kind::Duration),
            ("mehr als fünf Prozent", Kind::Percent),
            ("78 dB(A) beside the pump", Kind::Sound),
            ("100 m long for frame C", Kind::Extent),
            ("because it burns", Kind::Reason),
            ("in cabinet 3", Kind::Place),
            ("nesmí se přerušit", Kind::Norm),
            ("Sign: smoke; Remedy: loosen the gland", Kind::Action),
            ("po dobu 5 minut", Kind::Duration),
            ("heat to 110 °C", Kind::Temperature),
            ("1 250 kg", Kind::Mass),
            ("draws 27.3 A at 45 Hz", Kind::Current),
            ("7.1 mm/s", Kind::Vibration),
            ("14.2 °dH", Kind::Hardness),
            ("112 euros", Kind::Money),
            ("at 10.41.10.31, port 102", Kind::Address),
            ("modrým zámkem", Kind::Colour),
        ] {
            assert!(has_kind(text, kind), "{text}");
        }
    }

    #[test]
    fn other_measures_are_not() {
        for (text, kind) in [
            ("Tighten crosswise, see table 4", Kind::Torque),
            ("at 7.1 mm/s", Kind::Length),
            ("4 bar", Kind::Duration),
            ("the casing is of cast iron", Kind::Colour),
            ("12 °C", Kind::Current),
        ] {
            assert!(!has_kind(text, kind), "{text}");
        }
    }
}
