//! A question taken apart: its words with their weight, what it names, what kind of answer it
//! wants.

use knowledge::Passage;
use knowledge::text::{Language, detect_query};

use super::expected::{Kind, cue_words, kind_of_question};
use super::terms::{Named, Names, Term, likeness, named_in_question, terms};

/// Weight of a word of the question's cue ("long" in "how long"): the answer need not repeat it.
const CUE_WEIGHT: f32 = 0.15;

/// A question as it is compared with sentences.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) language: Option<Language>,
    /// Words that say something, each with its weight.
    pub(crate) terms: Vec<(Term, f32)>,
    pub(crate) named: Vec<Named>,
    pub(crate) kind: Option<Kind>,
}

impl Question {
    /// Takes `text` apart. The weight of a word grows with the passages found that lack it:
    /// ln(1 + n ÷ (½ + passages with it)), the inverse document frequency within the result.
    pub(crate) fn new(text: &str, passages: &[Passage]) -> Self {
        let candidates = [Language::English, Language::German, Language::Czech];
        let language = detect_query(text, &candidates).first();
        let found: Vec<Vec<Term>> =
            passages.iter().map(|passage| passage_terms(passage, language)).collect();
        let cue = cue_words(text);
        let mut weighted: Vec<(Term, f32)> = Vec::new();
        for term in terms(text, language) {
            if weighted.iter().any(|(other, _)| other.stem == term.stem) {
                continue;
            }
            let with = found.iter().filter(|words| best_likeness(&term, words) > 0.5).count();
            #[expect(clippy::cast_precision_loss, reason = "a few dozen passages")]
            let weight = (1.0 + found.len() as f32 / (0.5 + with as f32)).ln();
            let is_cue = cue.contains(&term.folded.as_str());
            weighted.push((term, if is_cue { weight * CUE_WEIGHT } else { weight }));
        }
        Self {
            language,
            terms: weighted,
            named: named_in_question(text),
            kind: kind_of_question(text),
        }
    }

    /// Which part of the question's words, by weight, stands among `words`, 0 to 1.
    pub(crate) fn coverage(&self, words: &[Term]) -> f32 {
        let total: f32 = self.terms.iter().map(|(_, weight)| weight).sum();
        if total <= f32::EPSILON {
            return 0.0;
        }
        let found = self.terms.iter().map(|(term, weight)| weight * best_likeness(term, words));
        found.sum::<f32>() / total
    }

    /// Which part of what the question names is named in `names`; 1 when it names nothing.
    pub(crate) fn named_share(&self, names: &Names) -> f32 {
        if self.named.is_empty() {
            return 1.0;
        }
        let found = self.named.iter().filter(|named| names.include(named)).count();
        #[expect(clippy::cast_precision_loss, reason = "a handful of names")]
        let share = found as f32 / self.named.len() as f32;
        share
    }

    /// Which part of `words` the question does not say itself, 0 to 1: an answer adds something.
    pub(crate) fn novelty(&self, words: &[Term]) -> f32 {
        if words.is_empty() {
            return 0.0;
        }
        let new = words
            .iter()
            .filter(|word| self.terms.iter().all(|(term, _)| likeness(term, word) < 0.5));
        #[expect(clippy::cast_precision_loss, reason = "words of a sentence")]
        let share = new.count() as f32 / words.len() as f32;
        share
    }
}

/// The words of a passage with its headings and its document's title.
pub(crate) fn passage_terms(passage: &Passage, language: Option<Language>) -> Vec<Term> {
    let mut words = terms(&passage.text, language);
    for heading in &passage.heading_path {
        words.extend(terms(heading, language));
    }
    words.extend(terms(&passage.document_title, language));
    words
}

fn best_likeness(term: &Term, words: &[Term]) -> f32 {
    words.iter().map(|word| likeness(term, word)).fold(0.0, f32::max)
}
