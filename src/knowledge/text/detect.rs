//! Which language a text is in: trigram statistics for passages, function words and letters for
//! the few words of a question.

use std::collections::HashSet;

use whatlang::Detector;

use super::words::{fold, lower, words};
use super::{Language, stop_words};

/// More text than this changes no verdict, in bytes.
const SAMPLE_MAX_BYTES: usize = 4 * 1024;

/// Trigrams below this confidence (whatlang's own measure, 0 to 1) say nothing.
const MIN_CONFIDENCE: f64 = 0.2;

/// Trigrams of fewer letters than this are chance.
const TRIGRAM_MIN_LETTERS: usize = 40;

/// Most languages that one question is analysed in.
const GUESS_MAX_LANGUAGES: usize = 3;

/// A language with this many times the evidence of the next one is certain.
const CERTAIN_RATIO: f64 = 2.0;

/// Evidence that makes a language certain: about one function word that no other language has.
const CERTAIN_EVIDENCE: f64 = 1.0;

/// What a question's words say about its language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanguageGuess {
    /// Likeliest first, at most three; empty when nothing is known.
    pub languages: Vec<Language>,
    /// Whether the first is as good as sure; then it is the only one.
    pub is_certain: bool,
}

impl LanguageGuess {
    /// A guess that needs none: the language was declared.
    #[must_use]
    pub fn certain(language: Language) -> Self {
        Self { languages: vec![language], is_certain: true }
    }

    /// The likeliest language.
    #[must_use]
    pub fn first(&self) -> Option<Language> {
        self.languages.first().copied()
    }
}

/// The language of a passage, when it can be told.
#[must_use]
pub fn detect_passage(text: &str) -> Option<Language> {
    let sample = &text[..text.floor_char_boundary(SAMPLE_MAX_BYTES)];
    let guess = detect_query(sample, &Language::ALL);
    guess.is_certain.then(|| guess.first()).flatten()
}

/// The language of a question, judged among `candidates` (the languages of the tenant's
/// documents, the most frequent first). Where the words don't tell, the first candidates are
/// returned.
#[must_use]
pub fn detect_query(text: &str, candidates: &[Language]) -> LanguageGuess {
    let mut evidence: Vec<(Language, f64)> = Language::ALL.into_iter().map(|l| (l, 0.0)).collect();
    let mut add = |language: Language, amount: f64| {
        if let Some(entry) = evidence.iter_mut().find(|(l, _)| *l == language) {
            entry.1 += amount;
        }
    };
    let distinct: HashSet<&str> = words(text).map(|w| w.text).collect();
    for word in &distinct {
        let languages = stop_words::languages_of(&fold(word));
        for &language in languages {
            #[expect(
                clippy::cast_precision_loss,
                reason = "at most as many as there are languages"
            )]
            add(language, 1.0 / languages.len() as f64);
        }
    }
    let letters: String = distinct.iter().map(|w| lower(w)).collect();
    for (own, languages) in LETTERS {
        if letters.contains(|c| own.contains(c)) {
            for &language in *languages {
                #[expect(clippy::cast_precision_loss, reason = "a handful")]
                add(language, 1.0 / languages.len() as f64);
            }
        }
    }
    if let Some((language, confidence)) = trigrams(text) {
        add(language, confidence);
    }
    judge(evidence, candidates)
}

/// Letters that few languages use.
const LETTERS: &[(&str, &[Language])] = &[
    ("ß", &[Language::German]),
    ("äöü", &[Language::German]),
    ("řěů", &[Language::Czech]),
    ("ščžýáíé", &[Language::Czech]),
    ("ñ¿¡", &[Language::Spanish]),
    ("łąęśźż", &[Language::Polish]),
    ("œêèëç", &[Language::French]),
    ("ãõ", &[Language::Portuguese]),
    ("å", &[Language::Swedish, Language::Danish, Language::Norwegian]),
    ("øæ", &[Language::Danish, Language::Norwegian]),
    ("őű", &[Language::Hungarian]),
    ("ășț", &[Language::Romanian]),
    ("ğşı", &[Language::Turkish]),
];

fn trigrams(text: &str) -> Option<(Language, f64)> {
    if text.chars().filter(|c| c.is_alphabetic()).count() < TRIGRAM_MIN_LETTERS {
        return None;
    }
    let detector = Detector::with_allowlist(Language::ALL.map(Language::whatlang).to_vec());
    let info = detector.detect(text)?;
    let language = Language::ALL.into_iter().find(|l| l.whatlang() == info.lang())?;
    // Few words give a confident wrong answer now and then; many don't.
    (info.confidence() >= MIN_CONFIDENCE).then(|| (language, info.confidence()))
}

fn judge(mut evidence: Vec<(Language, f64)>, candidates: &[Language]) -> LanguageGuess {
    for (language, amount) in &mut evidence {
        // A language in which the tenant has documents is the likelier one.
        if candidates.contains(language) {
            *amount *= 1.25;
        }
    }
    evidence.retain(|(_, amount)| *amount > 0.0);
    evidence.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let second = evidence.get(1).map_or(0.0, |(_, amount)| *amount);
    match evidence.first() {
        Some(&(language, amount))
            if amount >= CERTAIN_EVIDENCE && amount >= CERTAIN_RATIO * second =>
        {
            LanguageGuess::certain(language)
        }
        _ => {
            let mut languages: Vec<Language> = Vec::new();
            let supported = evidence.iter().map(|(l, _)| *l).filter(|l| candidates.contains(l));
            for language in supported.chain(candidates.iter().copied()) {
                if languages.len() < GUESS_MAX_LANGUAGES && !languages.contains(&language) {
                    languages.push(language);
                }
            }
            LanguageGuess { languages, is_certain: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANT: [Language; 3] = [Language::English, Language::German, Language::Czech];

    #[test]
    fn questions_of_the_plant_are_told_apart() {
        let cases = [
            ("What is the tightening torque of the P-101 flange bolts?", Language::English),
            ("Wie hoch ist das Drehmoment der Flanschschrauben?", Language::German),
            ("Jaký je utahovací moment šroubů příruby?", Language::Czech),
            ("jaky je utahovaci moment sroubu priruby", Language::Czech),
            ("Wer darf die Anlage freischalten?", Language::German),
            ("How often must the bearing be greased?", Language::English),
        ];
        for (text, language) in cases {
            let guess = detect_query(text, &PLANT);
            assert_eq!(guess.first(), Some(language), "{text}");
            assert!(guess.is_certain, "{text}");
        }
    }

    #[test]
    fn a_question_that_does_not_tell_is_tried_in_the_tenants_languages() {
        for text in ["P-101", "6ES7 315-2EH14-0AB0", ""] {
            let guess = detect_query(text, &PLANT);
            assert!(!guess.is_certain, "{text}");
            assert_eq!(guess.languages.len(), 3, "{text}");
        }
        assert_eq!(detect_query("", &[]), LanguageGuess::default());
    }

    #[test]
    fn passages_are_told_or_left_open() {
        let german = "Die Flanschschrauben über Kreuz anziehen und nach einer Stunde prüfen.";
        assert_eq!(detect_passage(german), Some(Language::German));
        assert_eq!(detect_passage("M16 85 Nm\nM20 160 Nm"), None);
    }
}
