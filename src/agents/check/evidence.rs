//! The evidence of one answer: numbered passages, cut into the sentences that can be cited.

use base::Label;
use knowledge::{Passage, PassageBox};

use super::facts::Facts;
use crate::model::Citation;
use crate::quote::{Candidate, candidates};

/// One numbered passage.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Its number in the prompt, from 1.
    pub number: u32,
    /// The passage.
    pub passage: Passage,
    pub(super) facts: Facts,
    pub(super) sentences: Vec<Sentence>,
}

/// A sentence, list item or table row of a passage.
#[derive(Clone, Debug)]
pub(super) struct Sentence {
    pub(super) candidate: Candidate,
    pub(super) facts: Facts,
}

impl Evidence {
    fn new(number: u32, passage: Passage) -> Self {
        let around = format!(
            "{}\n{}\n{}",
            passage.document_title,
            passage.document_key,
            passage.heading_path.join("\n")
        );
        let sentences = candidates(std::slice::from_ref(&passage))
            .into_iter()
            .map(|candidate| {
                let facts = Facts::of(&candidate.quote, &candidate.context);
                Sentence { candidate, facts }
            })
            .collect();
        // Column heads stand beside their cells in the sentences, not in the text.
        let facts = Facts::of(&passage.text, &around);
        Self { number, passage, facts, sentences }
    }

    /// What is shown to the model: where it stands, and its text.
    #[must_use]
    pub fn text(&self) -> String {
        let passage = &self.passage;
        let mut source = passage.document_title.clone();
        for heading in &passage.heading_path {
            source.push_str(" › ");
            source.push_str(heading);
        }
        format!("Source: {source}\n{}", passage.text)
    }

    /// A sentence as it is embedded: with the heading above it.
    pub(super) fn sentence_text(&self, sentence: usize) -> String {
        let quote = &self.sentences[sentence].candidate.quote;
        match self.passage.heading_path.last() {
            Some(heading) => format!("{heading}: {quote}"),
            None => quote.clone(),
        }
    }

    /// The sentence as a citation under `number`.
    pub(crate) fn citation(&self, sentence: usize, number: u32, score: f32) -> Citation {
        let passage = &self.passage;
        let (quote, range) = match self.sentences.get(sentence) {
            Some(found) => (found.candidate.quote.clone(), found.candidate.range.clone()),
            None => (passage.text.clone(), 0..passage.text.len()),
        };
        let boxes: Vec<PassageBox> = passage.boxes_of(range.clone());
        Citation {
            number,
            document_id: passage.document_id,
            document_key: passage.document_key.clone(),
            document_title: passage.document_title.clone(),
            revision_id: passage.revision_id,
            revision_number: passage.revision_number,
            chunk_id: passage.chunk_id,
            page: passage.page_of(range),
            heading_path: passage.heading_path.clone(),
            quote,
            boxes,
            score: score.clamp(0.0, 1.0),
            label: passage.label,
        }
    }
}

/// All evidence of one answer.
#[derive(Clone, Debug, Default)]
pub struct EvidenceSet {
    items: Vec<Evidence>,
}

impl EvidenceSet {
    /// `passages` as evidence, numbered from 1 in their order.
    #[must_use]
    pub fn new(passages: Vec<Passage>) -> Self {
        let mut set = Self::default();
        set.add(passages);
        set
    }

    /// Adds those of `passages` that are not there yet, with the numbers that follow. Returns how
    /// many they were.
    pub fn add(&mut self, passages: Vec<Passage>) -> usize {
        let before = self.items.len();
        for passage in passages {
            if self.items.iter().all(|item| item.passage.chunk_id != passage.chunk_id) {
                let number = u32::try_from(self.items.len() + 1).unwrap_or(u32::MAX);
                self.items.push(Evidence::new(number, passage));
            }
        }
        self.items.len() - before
    }

    /// Keeps the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.items.truncate(count);
    }

    /// All, by number.
    #[must_use]
    pub fn items(&self) -> &[Evidence] {
        &self.items
    }

    /// The evidence with this number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Evidence> {
        self.items.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Join of the labels of all of it.
    #[must_use]
    pub fn label(&self) -> Label {
        self.items.iter().map(|item| item.passage.label).fold(Label::TYPED, Label::join)
    }
}
