//! Language of a text as a BCP 47 tag, by trigram statistics (whatlang).

use whatlang::{Lang, detect};

/// Below this many letters trigram statistics guess: a heading says little.
const MIN_LETTERS: usize = 40;

/// More text than this changes no verdict, in bytes.
const SAMPLE_MAX_BYTES: usize = 16 * 1024;

/// Below this confidence (whatlang's own measure, 0 to 1) a long text is left without a language.
const MIN_CONFIDENCE: f64 = 0.2;

/// The BCP 47 tag of the language of `text`, or `None` when there is too little of it or the
/// evidence is weak.
#[must_use]
pub(crate) fn detect_language(text: &str) -> Option<String> {
    let sample = sample(text);
    if sample.chars().filter(|c| c.is_alphabetic()).count() < MIN_LETTERS {
        return None;
    }
    let info = detect(sample)?;
    (info.is_reliable() || info.confidence() >= MIN_CONFIDENCE).then(|| tag(info.lang()))
}

fn sample(text: &str) -> &str {
    if text.len() <= SAMPLE_MAX_BYTES {
        return text;
    }
    let end = (0..=SAMPLE_MAX_BYTES).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    &text[..end]
}

/// ISO 639-3 as whatlang speaks it to the shortest BCP 47 tag (RFC 5646 section 2.2.1 wants the
/// two-letter code where one exists).
fn tag(lang: Lang) -> String {
    let short = match lang {
        Lang::Eng => "en",
        Lang::Deu => "de",
        Lang::Ces => "cs",
        Lang::Slk => "sk",
        Lang::Pol => "pl",
        Lang::Fra => "fr",
        Lang::Spa => "es",
        Lang::Ita => "it",
        Lang::Por => "pt",
        Lang::Nld => "nl",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Nob => "nb",
        Lang::Fin => "fi",
        Lang::Hun => "hu",
        Lang::Ron => "ro",
        Lang::Bul => "bg",
        Lang::Rus => "ru",
        Lang::Ukr => "uk",
        Lang::Bel => "be",
        Lang::Srp => "sr",
        Lang::Hrv => "hr",
        Lang::Slv => "sl",
        Lang::Mkd => "mk",
        Lang::Ell => "el",
        Lang::Tur => "tr",
        Lang::Est => "et",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Cat => "ca",
        Lang::Lat => "la",
        Lang::Ara => "ar",
        Lang::Heb => "he",
        Lang::Pes => "fa",
        Lang::Urd => "ur",
        Lang::Hin => "hi",
        Lang::Ben => "bn",
        Lang::Cmn => "zh",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Vie => "vi",
        Lang::Tha => "th",
        Lang::Ind => "id",
        Lang::Epo => "eo",
        Lang::Afr => "af",
        other => other.code(),
    };
    short.to_owned()
}

/// Adds up the languages of pages; the document's is the one with most text.
#[derive(Debug, Default)]
pub(crate) struct LanguageTally(Vec<(String, usize)>);

impl LanguageTally {
    /// Counts a page of `chars` characters.
    pub(crate) fn add(&mut self, language: Option<&str>, chars: usize) {
        let Some(language) = language else { return };
        match self.0.iter_mut().find(|(l, _)| l == language) {
            Some((_, total)) => *total += chars,
            None => self.0.push((language.to_owned(), chars)),
        }
    }

    /// The language with most characters.
    pub(crate) fn winner(self) -> Option<String> {
        self.0.into_iter().max_by_key(|&(_, chars)| chars).map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_plant_languages_apart() {
        let cases = [
            (
                "Tighten the flange bolts crosswise and check the torque after one hour of operation.",
                "en",
            ),
            (
                "Die Flanschschrauben über Kreuz anziehen und das Drehmoment nach einer Stunde prüfen.",
                "de",
            ),
            (
                "Šrouby příruby utáhněte křížem a po hodině provozu zkontrolujte utahovací moment.",
                "cs",
            ),
        ];
        for (text, want) in cases {
            assert_eq!(detect_language(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn is_silent_on_too_little_text() {
        assert_eq!(detect_language("P-101"), None);
        assert_eq!(detect_language(""), None);
        assert_eq!(detect_language("12 34 56 78 90 12 34 56 78 90 12 34 56 78 90"), None);
    }

    #[test]
    fn a_sample_ends_between_characters() {
        let text = "ěš".repeat(SAMPLE_MAX_BYTES);
        assert!(sample(&text).len() <= SAMPLE_MAX_BYTES);
    }

    #[test]
    fn the_document_speaks_what_most_of_it_speaks() {
        let mut tally = LanguageTally::default();
        tally.add(Some("en"), 10);
        tally.add(None, 1000);
        tally.add(Some("de"), 25);
        tally.add(Some("en"), 10);
        assert_eq!(tally.winner().as_deref(), Some("de"));
    }
}
