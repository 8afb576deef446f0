//! What can be compared word for word in a text.

use std::ops::Range;

use knowledge::text::{Language, fold, is_stop_word, stem, words};

use super::dates::{Dated, dates};
use super::modal::Stance;
use super::numbers::{Quantity, quantities};
use super::units::plain;
use crate::quote::names::{Named, Names, named_in_question};

/// The facts of one text.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) quantities: Vec<Quantity>,
    pub(crate) dates: Vec<Dated>,
    /// For being asked whether something is named here.
    pub(crate) names: Names,
    /// What is named here.
    pub(crate) named: Vec<Named>,
    pub(crate) stance: Stance,
    /// Stems of its words that carry meaning, in order, once each.
    pub(crate) stems: Vec<String>,
}

impl Facts {
    /// The facts of `text`; `around` (headings, titles) only names.
    pub(crate) fn of(text: &str, around: &str) -> Self {
        let text = plain(text);
        let dates = dates(&text);
        let taken: Vec<Range<usize>> = dates.iter().map(|date| date.place.clone()).collect();
        let quantities = quantities(&text, &taken);
        Self {
            quantities,
            names: Names::of(&format!("{text}\n{around}")),
            named: named_in_question(&text),
            stance: Stance::of(&text),
            stems: stems(&text),
            dates,
        }
    }

    /// Share of the words of `claim` that stand here too, 0 to 1.
    pub(crate) fn overlap(&self, claim: &Self) -> f32 {
        if claim.stems.is_empty() {
            return 0.0;
        }
        let shared = claim.stems.iter().filter(|stem| self.stems.contains(stem)).count();
        #[expect(clippy::cast_precision_loss, reason = "words of one sentence")]
        let share = shared as f32 / claim.stems.len() as f32;
        share
    }
}

fn stems(text: &str) -> Vec<String> {
    let mut stems: Vec<String> = Vec::new();
    let language = knowledge::text::detect_passage(text);
    for word in words(text) {
        let folded = fold(word.text);
        if Language::ALL.iter().any(|language| is_stop_word(*language, &folded)) {
            continue;
        }
        let stem = stem(language, word.text);
        if !stems.contains(&stem) {
            stems.push(stem);
        }
    }
    stems
}
