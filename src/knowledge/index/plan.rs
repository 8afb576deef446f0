//! From an analysed query to weighted terms of one state of the index.

use std::collections::HashSet;

use tantivy::query::{BooleanQuery, BoostQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::schema::Fields;
use super::{IndexError, TextQuery, compound};
use crate::text::{IdentifierKind, fold, stem};

/// A word in the very form that was typed, beside its stem. Tried from 0.1 to 1 on Cranfield and
/// XQuAD: 0.2 to 0.3 is best or next to best on each of them.
const EXACT_BOOST: f32 = 0.25;

/// A word in title, key or heading. Tried from 0.1 to 1 on Cranfield's titles: flat from 0.3 on.
const CONTEXT_BOOST: f32 = 0.3;

/// The halves of a compound that was asked for (XQuAD-de, from 0.2 to 0.6: flat).
const COMPOUND_PART_BOOST: f32 = 0.4;

/// A compound that begins with the word that was asked for (XQuAD-de, from 0.1 to 0.4: flat).
const COMPOUND_HEAD_BOOST: f32 = 0.2;

/// An identifier, beside its parts' own weight as words.
const IDENTIFIER_BOOST: f32 = 1.0;

/// BM25's `k1 + 1`: what the score of a term grows to when it fills a text.
const SATURATION: f32 = 2.2;

/// Weighted terms, and what they could score at most.
pub(super) struct Plan {
    pub(super) query: Box<dyn Query>,
    /// Score of a text that is nothing but the query's words: the unit of the normalised score.
    pub(super) ceiling: f32,
    /// Names (no amounts) that the index knows, rarest first.
    pub(super) names: Vec<Name>,
}

/// An identifier of the query that the index knows.
pub(super) struct Name {
    pub(super) term: Term,
    pub(super) document_frequency: u64,
}

pub(super) fn plan(
    searcher: &Searcher,
    fields: &Fields,
    query: &TextQuery,
) -> Result<Plan, IndexError> {
    let mut planner =
        Planner { searcher, chunks: searcher.num_docs(), terms: Vec::new(), seen: HashSet::new() };
    let ceiling = planner.words(fields, query)?;
    let names = planner.identifiers(fields, query)?;
    let clauses = planner.terms.into_iter().map(|(term, boost)| {
        let term: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
        (Occur::Should, Box::new(BoostQuery::new(term, boost)) as Box<dyn Query>)
    });
    let query = Box::new(BooleanQuery::new(clauses.collect()));
    Ok(Plan { query, ceiling, names })
}

struct Planner<'s> {
    searcher: &'s Searcher,
    chunks: u64,
    terms: Vec<(Term, f32)>,
    seen: HashSet<Term>,
}

impl Planner<'_> {
    /// Adds `text` in `field` when the index knows it; returns in how many chunks it is.
    fn add(&mut self, field: Field, text: &str, boost: f32) -> Result<u64, IndexError> {
        let term = Term::from_field_text(field, text);
        let frequency = self.searcher.doc_freq(&term)?;
        if frequency > 0 && self.seen.insert(term.clone()) {
            self.terms.push((term, boost));
        }
        Ok(frequency)
    }

    fn words(&mut self, fields: &Fields, query: &TextQuery) -> Result<f32, IndexError> {
        let guess = query.languages();
        let mut ceiling = 0.0;
        for word in &query.words {
            let mut stems: Vec<String> =
                guess.languages.iter().map(|l| stem(Some(*l), word)).collect();
            if stems.is_empty() {
                stems.push(stem(None, word));
            }
            stems.sort_unstable();
            stems.dedup();
            let mut body_frequency = 0;
            for stem in &stems {
                body_frequency = body_frequency.max(self.add(fields.body, stem, 1.0)?);
                self.add(fields.context, stem, CONTEXT_BOOST)?;
            }
            let folded = fold(word);
            let exact_frequency = self.add(fields.exact, &folded, EXACT_BOOST)?;
            ceiling += SATURATION
                * (self.idf(body_frequency.max(exact_frequency))
                    + EXACT_BOOST * self.idf(exact_frequency));
        }
        for language in guess.languages.iter().copied().filter(|l| l.joins_nouns()) {
            for word in &query.words {
                let found = compound::related(self.searcher, fields.exact, word)?;
                for part in found.parts {
                    self.add(fields.body, &stem(Some(language), &part), COMPOUND_PART_BOOST)?;
                }
                for longer in found.longer {
                    self.add(fields.exact, &longer, COMPOUND_HEAD_BOOST)?;
                }
            }
        }
        Ok(ceiling)
    }

    /// Of each chain the longest runs that the index knows, none of which overlap.
    fn identifiers(&mut self, fields: &Fields, query: &TextQuery) -> Result<Vec<Name>, IndexError> {
        let mut runs: Vec<_> = query.identifiers.iter().collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.term.len()));
        let mut taken: Vec<(usize, (usize, usize))> = Vec::new();
        let mut names = Vec::new();
        for run in runs {
            let (first, end) = run.segments;
            let is_free = taken.iter().all(|&(chain, (taken_first, taken_end))| {
                chain != run.chain || end <= taken_first || first >= taken_end
            });
            if !is_free {
                continue;
            }
            let document_frequency = self.add(fields.identifier, &run.term, IDENTIFIER_BOOST)?;
            if document_frequency == 0 {
                continue;
            }
            taken.push((run.chain, run.segments));
            if run.kind != IdentifierKind::Quantity {
                let term = Term::from_field_text(fields.identifier, &run.term);
                names.push(Name { term, document_frequency });
            }
        }
        names.sort_by_key(|name| name.document_frequency);
        Ok(names)
    }

    /// Inverse document frequency as in Lucene's BM25: `ln(1 + (N − n + ½) / (n + ½))`.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of chunks are far below 2^24 or rounded"
    )]
    fn idf(&self, frequency: u64) -> f32 {
        let n = frequency as f32;
        let rest = self.chunks.saturating_sub(frequency) as f32;
        (1.0 + (rest + 0.5) / (n + 0.5)).ln()
    }
}
