//! First questions, made from sentences of the documents that state a value: "The coupling gap of P-7
//! is 3 mm." becomes "What is the coupling gap of P-7?". No model takes part, and the documents answer
//! every one of them, since a sentence that does is what it was made from.

use audit::{Action, Event};
use base::{DocumentId, Label};
use policy::{ClearanceFilter, Permit, documents};
use serde_json::json;

use crate::KnowledgeError;
use crate::documents::{DocumentFilter, as_document, visible_revisions};
use crate::model::{RevisionState, Standing};
use crate::store::{self as rows, Listing};
use crate::text::Language;

/// Most questions that are suggested at once.
pub const QUESTIONS_MAX: usize = 6;
/// Documents that are looked at, newest first.
const DOCUMENTS_MAX: u32 = 24;
/// Chunks of a document that are looked at.
const CHUNKS_MAX: u32 = 40;
/// Questions that one document contributes at most.
const PER_DOCUMENT_MAX: usize = 3;
/// Words of what is asked about, without an article: fewer name nothing, more are hard to read.
const SUBJECT_WORDS: std::ops::RangeInclusive<usize> = 3..=12;
/// Longest question, in characters.
const QUESTION_MAX_CHARS: usize = 110;

const QUESTIONS_SUGGESTED: Action = Action::new("questions.suggested");

/// A question that the documents answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuggestedQuestion {
    /// The question, in the document's language.
    pub text: String,
    /// Its language, as a tag.
    pub language: &'static str,
    /// The document that answers it.
    pub document_id: DocumentId,
    /// The title of that document.
    pub document_title: String,
}

/// Up to [`QUESTIONS_MAX`] questions from valid documents that the person may see, those in `language`
/// first; always the same ones for the same documents. Recorded, since they are made of content.
///
/// # Errors
/// The store's own.
pub async fn questions_suggested(
    permit: Permit<'_, documents::Read>,
    language: Option<String>,
) -> Result<Vec<SuggestedQuestion>, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let found = ctx
        .read(move |tx| {
            let clearance = ClearanceFilter::of(&rights);
            let filter =
                DocumentFilter { state: Some(RevisionState::Ready), ..DocumentFilter::default() };
            let listing = Listing {
                clearance: &clearance,
                filter: &filter,
                after: None,
                limit: DOCUMENTS_MAX,
            };
            let mut found = Vec::new();
            for row in rows::document_list(tx, &listing)? {
                let revisions = visible_revisions(tx, row.id, &rights, now)?;
                let Some(document) = as_document(row, &revisions) else { continue };
                if document.current.standing == Standing::Valid {
                    let chunks = rows::chunk_previews(tx, document.current.id, CHUNKS_MAX)?;
                    found.push((document, chunks));
                }
            }
            Ok::<_, KnowledgeError>(found)
        })
        .await?;
    let wanted = language.as_deref().and_then(Language::from_tag);
    let mut offers = Vec::new();
    for (document, chunks) in &found {
        let texts: Vec<&str> =
            chunks.iter().filter(|chunk| chunk.kind == "prose").map(|c| c.text.as_str()).collect();
        let (grammar, questions) = in_its_language(&texts, document.current.language.as_deref());
        let suggested = questions.into_iter().map(|text| SuggestedQuestion {
            text,
            language: grammar.tag,
            document_id: document.id,
            document_title: document.title.clone(),
        });
        offers.push(Offer {
            foreign: wanted.is_none_or(|wanted| wanted.tag() != grammar.tag),
            label: document.current.label,
            questions: suggested.collect(),
        });
    }
    let (questions, label) = choose(offers);
    let documents: Vec<DocumentId> = questions.iter().map(|one| one.document_id).collect();
    let event =
        Event::new(QUESTIONS_SUGGESTED).detail(json!({ "documents": documents })).label(label);
    ctx.record(event).await?;
    Ok(questions)
}

/// The questions of a document, and the language that they are in. Where nobody knows it, as of a short
/// note, the one counts that finds the most: articles and verbs tell.
fn in_its_language(texts: &[&str], spoken: Option<&str>) -> (&'static Grammar, Vec<String>) {
    let tried: Vec<&'static Grammar> = match spoken {
        Some(tag) => Language::from_tag(tag).and_then(Grammar::of).into_iter().collect(),
        None => vec![&GERMAN, &ENGLISH],
    };
    let asked =
        tried.into_iter().map(|grammar| (grammar, questions_of(texts.iter().copied(), grammar)));
    asked.max_by_key(|(_, questions)| questions.len()).unwrap_or((&ENGLISH, Vec::new()))
}

/// What one document could be asked.
struct Offer {
    /// In another language than wanted.
    foreign: bool,
    label: Label,
    questions: Vec<SuggestedQuestion>,
}

/// One of each document in turn, so that no document has the word alone; with their joined label.
fn choose(mut offers: Vec<Offer>) -> (Vec<SuggestedQuestion>, Label) {
    offers.sort_by_key(|offer| offer.foreign);
    let mut chosen: Vec<SuggestedQuestion> = Vec::new();
    let mut label = Label::TYPED;
    for turn in 0..PER_DOCUMENT_MAX {
        for offer in &offers {
            let Some(question) = offer.questions.get(turn) else { continue };
            if chosen.len() < QUESTIONS_MAX && !chosen.iter().any(|one| one.text == question.text) {
                chosen.push(question.clone());
                label = label.join(offer.label);
            }
        }
    }
    (chosen, label)
}

/// How a language states a value, and how it asks for one.
#[derive(Debug)]
struct Grammar {
    tag: &'static str,
    /// A subject begins with one of these; with anything when there are none.
    articles: &'static [&'static str],
    /// Verb of the statement, and what the question begins with.
    verbs: &'static [(&'static str, &'static str)],
    /// May stand between verb and value.
    fillers: &'static [&'static str],
    /// In the subject, these say that it is a clause and no name.
    clauses: &'static [&'static str],
}

const ENGLISH: Grammar = Grammar {
    tag: "en",
    articles: &["The"],
    verbs: &[("is", "What is"), ("are", "What are")],
    fillers: &["at most", "at least", "about", "between", "from", "set to", "limited to"],
    clauses: &["which", "that", "if", "when", "and", "or", "following", "it", "this"],
};

const GERMAN: Grammar = Grammar {
    tag: "de",
    articles: &["Der", "Die", "Das"],
    verbs: &[
        ("beträgt", "Welchen Wert hat"),
        ("betragen", "Welchen Wert haben"),
        ("ist", "Welchen Wert hat"),
        ("liegt", "Welchen Wert hat"),
    ],
    fillers: &["höchstens", "mindestens", "etwa", "bei", "zwischen", "maximal"],
    clauses: &["und", "oder", "wenn", "falls", "dass", "sie", "es"],
};

const CZECH: Grammar = Grammar {
    tag: "cs",
    articles: &[],
    verbs: &[
        ("činí", "Jakou hodnotu má"),
        ("je", "Jakou hodnotu má"),
        ("jsou", "Jakou hodnotu mají"),
    ],
    fillers: &["nejvýše", "nejméně", "asi", "mezi", "od"],
    clauses: &["který", "která", "které", "a", "nebo", "pokud", "když", "že", "to", "se"],
};

impl Grammar {
    fn of(language: Language) -> Option<&'static Self> {
        [&ENGLISH, &GERMAN, &CZECH].into_iter().find(|grammar| grammar.tag == language.tag())
    }

    /// The question that `sentence` answers, if it states a value.
    fn question(&self, sentence: &str) -> Option<String> {
        let words: Vec<&str> = sentence.split_whitespace().collect();
        let first = words.first()?;
        let has_article = self.articles.is_empty() || self.articles.contains(first);
        if !has_article || !first.starts_with(char::is_uppercase) {
            return None;
        }
        let is_verb = |word: &&str| self.verbs.iter().find(|(verb, _)| verb == word);
        let (at, (_, asks)) =
            words.iter().enumerate().find_map(|(at, word)| Some((at, is_verb(word)?)))?;
        let (subject, rest) = (words.get(..at)?, words.get(at + 1..)?);
        let named = subject.len().saturating_sub(usize::from(!self.articles.is_empty()));
        if !SUBJECT_WORDS.contains(&named) || !self.is_name(subject) || !self.is_value(rest) {
            return None;
        }
        let subject =
            format!("{}{}", lowered(first), subject[1..].iter().fold(String::new(), join));
        let question = format!("{asks} {subject}?");
        (question.chars().count() <= QUESTION_MAX_CHARS).then_some(question)
    }

    /// Whether the words name something, without a clause, a list or brackets.
    fn is_name(&self, subject: &[&str]) -> bool {
        subject.iter().skip(1).all(|word| {
            !self.clauses.contains(word) && !word.contains([',', ';', ':', '(', ')', '"', '„', '“'])
        })
    }

    /// Whether the words begin with a number, perhaps behind "at most" or the like.
    fn is_value(&self, rest: &[&str]) -> bool {
        let text = rest.join(" ");
        let filler = self.fillers.iter().find_map(|filler| text.strip_prefix(filler));
        let value = filler.unwrap_or(&text).trim_start();
        value.starts_with(|c: char| c.is_ascii_digit())
    }
}

fn join(line: String, word: &&str) -> String {
    line + " " + word
}

/// The first word of a sentence as it stands within one: names and identifiers stay as they are.
fn lowered(word: &str) -> String {
    let mut rest = word.chars();
    let Some(first) = rest.next() else { return String::new() };
    let is_name = rest.clone().any(|c| c.is_uppercase() || c.is_ascii_digit());
    if is_name { word.to_owned() } else { first.to_lowercase().chain(rest).collect() }
}

/// The questions that the sentences of `texts` answer, in their order, each once.
fn questions_of<'t>(texts: impl Iterator<Item = &'t str>, grammar: &Grammar) -> Vec<String> {
    let mut questions: Vec<String> = Vec::new();
    for question in texts.flat_map(sentences).filter_map(|sentence| grammar.question(sentence)) {
        if questions.len() == PER_DOCUMENT_MAX {
            break;
        }
        if !questions.contains(&question) {
            questions.push(question);
        }
    }
    questions
}

/// The sentences of a text, roughly: a point ends one before a capital letter, a line break always.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| {
        let mut rest = line.trim();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = rest.match_indices(". ").find_map(|(at, mark)| {
                let behind = rest.get(at + mark.len()..)?;
                behind.starts_with(char::is_uppercase).then_some(at + 1)
            });
            let (sentence, behind) = rest.split_at(end.unwrap_or(rest.len()));
            rest = behind.trim_start();
            Some(sentence)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(grammar: &Grammar, text: &str) -> Vec<String> {
        questions_of(std::iter::once(text), grammar)
    }

    #[test]
    fn a_statement_of_a_value_becomes_the_question_that_it_answers() {
        for (grammar, statement, question) in [
            (
                &ENGLISH,
                "Wear gloves. The coupling gap of pump P-7 is 3 mm.",
                "What is the coupling gap of pump P-7?",
            ),
            (
                &ENGLISH,
                "The opening pressures of valve V-2 are between 4 and 6 bar",
                "What are the opening pressures of valve V-2?",
            ),
            (
                &GERMAN,
                "Das Anzugsmoment der Flanschschrauben beträgt 90 N·m.",
                "Welchen Wert hat das Anzugsmoment der Flanschschrauben?",
            ),
            (
                &CZECH,
                "Utahovací moment šroubů čerpadla P-101 je 90 N·m.",
                "Jakou hodnotu má utahovací moment šroubů čerpadla P-101?",
            ),
        ] {
            assert_eq!(asked(grammar, statement), [question]);
        }
    }

    #[test]
    fn what_states_no_value_or_names_nothing_asks_nothing() {
        for text in [
            "The drive end bearing of P-101 is greased with 20 g.",
            "The pump is 3 m long.",
            "The alarm limits are 4 and 6 bar.",
            "The valve that was opened before it is 3 mm wide.",
            "The gap, the bolt and the seal of P-7 is 3 mm.",
            "A coupling gap of P-7 is 3 mm.",
            "the coupling gap of P-7 is 3 mm.",
            "",
            "The coupling gap of P-7 is.",
        ] {
            assert_eq!(asked(&ENGLISH, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_document_has_its_turn() {
        let question = |text: &str| SuggestedQuestion {
            text: text.into(),
            language: "en",
            document_id: DocumentId::from_bytes([0; 16]),
            document_title: String::new(),
        };
        let offer = |foreign, texts: &[&str]| Offer {
            foreign,
            label: Label::TYPED,
            questions: texts.iter().copied().map(question).collect(),
        };
        let offers = vec![
            offer(true, &["f1", "f2"]),
            offer(false, &["a1", "a2", "a3"]),
            offer(false, &["b1"]),
            offer(false, &["a1", "c2"]),
        ];
        let (chosen, _) = choose(offers);
        let texts: Vec<&str> = chosen.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["a1", "b1", "f1", "a2", "c2", "f2"]);
    }
}
