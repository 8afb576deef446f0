//! A question taken apart: its words with their weight, what it names, what kind of answer it
//! wants; and a text as it is compared with a question.

use std::collections::HashSet;

use knowledge::Passage;
use knowledge::text::{Language, detect_query, fold, words};

use super::expected::{Kind, cue_words, kind_of_question};
use super::names::{Named, Names, named_and_settled};
use super::talk::is_talk;
use super::terms::{Term, likeness, sequence, terms};

/// Weight of a word of the question's cue ("long" in "how long"): the answer need not repeat it.
const CUE_WEIGHT: f32 = 0.15;

/// Part of its weight that a word of talk ("happens", "the guy") keeps.
const TALK_PART: f32 = 0.3;

/// Longest run of common words that counts.
const PHRASE_MAX_WORDS: usize = 5;

/// Words that deny the word behind them.
const DENIALS: [&str; 8] = ["non", "not", "no", "nicht", "kein", "keine", "ne", "bez"];

/// What is compared with a question: the words and names of a text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    terms: Vec<Term>,
    names: Names,
}

/// The stems of a text's words, and whether each says something.
pub(crate) type Sequence = Vec<(String, bool)>;

impl Evidence {
    pub(crate) fn of(text: &str, language: Option<Language>) -> Self {
        Self { terms: terms(text, language), names: Names::of(text) }
    }

    /// A passage with its headings and its document's title.
    fn of_passage(passage: &Passage, language: Option<Language>) -> Self {
        let headings = passage.heading_path.join(" › ");
        let text = format!("{}\n{headings}\n{}", passage.text, passage.document_title);
        Self::of(&text, language)
    }
}

/// Something that a question says.
#[derive(Clone, Debug)]
enum Said {
    Word(Term),
    /// An index into [`Question::named`].
    Name(usize),
}

/// A question as it is compared with sentences.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) language: Option<Language>,
    /// What it says, each with its weight.
    said: Vec<(Said, f32)>,
    sequence: Sequence,
    named: Vec<Named>,
    pub(crate) kind: Option<Kind>,
    /// Every passage as it is compared, in their order.
    pub(crate) passages: Vec<Evidence>,
    /// The titles of their documents.
    pub(crate) titles: Vec<Evidence>,
}

impl Question {
    /// Takes `text` apart. The weight of a word grows with the passages found that lack it:
    /// ln(1 + n ÷ (½ + passages with it)), the inverse document frequency within the result.
    pub(crate) fn new(text: &str, passages: &[Passage]) -> Self {
        let candidates = [Language::English, Language::German, Language::Czech];
        let language = detect_query(text, &candidates).first();
        let found: Vec<Evidence> =
            passages.iter().map(|passage| Evidence::of_passage(passage, language)).collect();
        let names: Vec<&Names> = found.iter().map(|evidence| &evidence.names).collect();
        let named = named_and_settled(text, &names);
        let mut question = Self {
            language,
            said: Vec::new(),
            sequence: sequence(text, language),
            kind: kind_of_question(text),
            named,
            passages: found,
            titles: passages.iter().map(|p| Evidence::of(&p.document_title, language)).collect(),
        };
        let cue = cue_words(text);
        let vocabulary = question.vocabulary();
        for mut said in question.said_in(text) {
            if let Said::Word(term) = &mut said {
                term.split(&vocabulary, language);
            }
            let with =
                question.passages.iter().filter(|e| question.met(&said, &[*e]) > 0.5).count();
            #[expect(clippy::cast_precision_loss, reason = "a few dozen passages")]
            let mut weight = (1.0 + question.passages.len() as f32 / (0.5 + with as f32)).ln();
            if let Said::Word(term) = &said {
                if cue.contains(&term.folded.as_str()) {
                    weight *= CUE_WEIGHT;
                } else if is_talk(&term.folded) {
                    weight *= TALK_PART;
                }
            }
            question.said.push((said, weight));
        }
        // What is named is what the question is about, in however many passages it stands.
        let most = question.said.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        for (said, weight) in &mut question.said {
            if matches!(said, Said::Name(_)) {
                *weight = most;
            }
        }
        question
    }

    /// Every word of the passages, once.
    fn vocabulary(&self) -> Vec<Term> {
        let mut seen = HashSet::new();
        let words = self.passages.iter().flat_map(|passage| &passage.terms);
        words.filter(|word| seen.insert(word.folded.as_str())).cloned().collect()
    }

    /// The words and names of `text`, each once; the words that a name is typed in are not words.
    fn said_in(&self, text: &str) -> Vec<Said> {
        let folded: Vec<String> = words(text).map(|word| fold(word.text)).collect();
        let mut in_name = Vec::new();
        let mut said: Vec<Said> = Vec::new();
        for at in 0..folded.len() {
            for (index, named) in self.named.iter().enumerate() {
                if let Some(count) = named.words_at(&folded[at..]) {
                    in_name.extend_from_slice(&folded[at..at + count]);
                    said.push(Said::Name(index));
                }
            }
        }
        let mut stems: Vec<String> = Vec::new();
        for term in terms(text, self.language) {
            if !in_name.contains(&term.folded) && !stems.contains(&term.stem) {
                stems.push(term.stem.clone());
                said.push(Said::Word(term));
            }
        }
        said
    }

    /// How well one thing that the question says is met by any of `evidence`, 0 to 1.
    fn met(&self, said: &Said, evidence: &[&Evidence]) -> f32 {
        match said {
            Said::Word(term) => term.met_by(&evidence.iter().flat_map(|e| &e.terms)),
            Said::Name(index) => {
                let named = &self.named[*index];
                f32::from(u8::from(evidence.iter().any(|e| e.names.include(named))))
            }
        }
    }

    /// Which part of what the question says, by weight, is met by `evidence`, 0 to 1.
    pub(crate) fn coverage(&self, evidence: &[&Evidence]) -> f32 {
        let total: f32 = self.said.iter().map(|(_, weight)| weight).sum();
        if total <= f32::EPSILON {
            return 0.0;
        }
        let met = self.said.iter().map(|(said, weight)| weight * self.met(said, evidence));
        met.sum::<f32>() / total
    }

    /// How much the weightiest thing weighs that `evidence` does not meet, as a part of the
    /// weightiest thing of all, 0 to 1: one telling word too few makes another question of it.
    pub(crate) fn missing(&self, evidence: &[&Evidence]) -> f32 {
        let most = self.said.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        if most <= f32::EPSILON {
            return 1.0;
        }
        let lacking = |(said, weight): &(Said, f32)| weight * (1.0 - self.met(said, evidence));
        self.said.iter().map(lacking).fold(0.0, f32::max) / most
    }

    /// How much the things weigh that `evidence` does not meet beside the weightiest of them, as a
    /// part of the weightiest thing of all, at most 1.
    pub(crate) fn missing_further(&self, evidence: &[&Evidence]) -> f32 {
        let most = self.said.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        if most <= f32::EPSILON {
            return 1.0;
        }
        let lacking = |(said, weight): &(Said, f32)| weight * (1.0 - self.met(said, evidence));
        let all: f32 = self.said.iter().map(lacking).sum();
        ((all / most) - self.missing(evidence)).clamp(0.0, 1.0)
    }

    /// Which part of what the question says, by weight, no passage says, 0 to 1.
    pub(crate) fn unknown(&self) -> f32 {
        1.0 - self.coverage(&self.passages.iter().collect::<Vec<_>>())
    }

    /// How well the first thing is met that the question says, 0 to 1: it is mostly what is asked
    /// for ("which *grease* does", "wie viele *Liter* fasst").
    pub(crate) fn asked(&self, evidence: &[&Evidence]) -> f32 {
        let first = self.said.iter().find(|(said, weight)| {
            matches!(said, Said::Word(_)) && *weight >= self.average_weight() * 0.5
        });
        first.map_or(1.0, |(said, _)| self.met(said, evidence))
    }

    /// How well the last thing is met that the question says, 0 to 1.
    pub(crate) fn asked_last(&self, evidence: &[&Evidence]) -> f32 {
        let last = self.said.iter().rev().find(|(said, weight)| {
            matches!(said, Said::Word(_)) && *weight >= self.average_weight() * 0.5
        });
        last.map_or(1.0, |(said, _)| self.met(said, evidence))
    }

    fn average_weight(&self) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "words of a question")]
        let count = self.said.len().max(1) as f32;
        self.said.iter().map(|(_, weight)| weight).sum::<f32>() / count
    }

    /// Which part of what the question names is named by any of `evidence`; 1 when it names nothing.
    pub(crate) fn named_share(&self, evidence: &[&Evidence]) -> f32 {
        if self.named.is_empty() {
            return 1.0;
        }
        let is_named = |named: &&Named| evidence.iter().any(|e| e.names.include(named));
        share(self.named.iter().filter(is_named).count(), self.named.len())
    }

    /// Whether the question names anything.
    pub(crate) const fn names_something(&self) -> bool {
        !self.named.is_empty()
    }

    /// Which part of the words of `evidence` the question does not say itself, 0 to 1: an answer
    /// adds something.
    pub(crate) fn novelty(&self, evidence: &Evidence) -> f32 {
        let is_new = |word: &&Term| {
            self.said.iter().all(|(said, _)| match said {
                Said::Word(term) => likeness(term, word) < 0.5,
                Said::Name(_) => true,
            })
        };
        let count = evidence.terms.iter().filter(is_new).count();
        share(count, evidence.terms.len())
    }

    /// Which part of the words of `evidence` the question says itself, 0 to 1.
    pub(crate) fn said_share(&self, evidence: &Evidence) -> f32 {
        if evidence.terms.is_empty() { 0.0 } else { 1.0 - self.novelty(evidence) }
    }

    /// Whether a text denies a word of the question that the question itself does not deny.
    pub(crate) fn is_denied_by(&self, text: &Sequence) -> bool {
        let denies = |word: &str| DENIALS.contains(&word);
        if self.sequence.iter().any(|(stem, _)| denies(stem)) {
            return false;
        }
        let is_asked =
            |stem: &String| self.sequence.iter().any(|(own, tells)| *tells && own == stem);
        text.windows(2).any(|pair| denies(&pair[0].0) && is_asked(&pair[1].0))
    }

    /// The longest run of words, function words among them, that the question and a text have in
    /// common and that says something: 0 for one word, 1 for [`PHRASE_MAX_WORDS`] and more.
    pub(crate) fn phrase(&self, other: &Sequence) -> f32 {
        let mut longest = 0;
        for at in 0..self.sequence.len() {
            for start in 0..other.len() {
                let pairs = self.sequence[at..].iter().zip(&other[start..]);
                let run: Vec<bool> = pairs
                    .take_while(|((a, _), (b, _))| a == b)
                    .map(|((_, tells), _)| *tells)
                    .collect();
                if run.contains(&true) {
                    longest = longest.max(run.len());
                }
            }
        }
        share(longest.clamp(1, PHRASE_MAX_WORDS) - 1, PHRASE_MAX_WORDS - 1)
    }
}

/// `part` of `whole`, 0 when there is none.
fn share(part: usize, whole: usize) -> f32 {
    if whole == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "words of a sentence")]
    let share = part as f32 / whole as f32;
    share
}
