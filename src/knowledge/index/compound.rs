//! Compound nouns (`Flanschschraube`), taken apart by the words that the index knows.
//!
//! No dictionary: a compound is two words that both occur in the tenant's own documents (after
//! Koehn and Knight, 2003, with the product of frequencies in place of their geometric mean). On
//! XQuAD-de this raises nDCG@10 by .005.

use tantivy::schema::Field;
use tantivy::{Searcher, Term};

use super::IndexError;
use crate::text::fold;

/// Shortest half of a compound, in characters.
const PART_MIN_CHARS: usize = 4;

/// A compound is at least this much longer than its first half.
const LONGER_MIN_CHARS: usize = 4;

/// Shortest word that is looked for at the start of compounds, in characters.
const HEAD_MIN_CHARS: usize = 5;

/// A word that begins more compounds than this is no help in telling chunks apart.
const LONGER_SCAN_MAX: usize = 32;

/// Compounds that one word is expanded to.
const LONGER_MAX: usize = 8;

/// What may stand between the halves (German and, by and large, its neighbours).
const LINKS: [&str; 7] = ["", "s", "es", "n", "en", "er", "e"];

/// Words of the index that share a half with a word.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Related {
    /// Both halves, as written in the word, when it is a compound of known words.
    pub(super) parts: Vec<String>,
    /// Folded compounds that begin with the word, most frequent first.
    pub(super) longer: Vec<String>,
}

pub(super) fn related(
    searcher: &Searcher,
    exact: Field,
    word: &str,
) -> Result<Related, IndexError> {
    let lower = word.to_lowercase();
    if !lower.chars().all(char::is_alphabetic) {
        return Ok(Related::default());
    }
    let length = lower.chars().count();
    let parts =
        if length >= 2 * PART_MIN_CHARS { halves(searcher, exact, &lower)? } else { Vec::new() };
    let longer =
        if length >= HEAD_MIN_CHARS { longer(searcher, exact, &fold(&lower))? } else { Vec::new() };
    Ok(Related { parts, longer })
}

fn frequency(searcher: &Searcher, field: Field, folded: &str) -> Result<u64, IndexError> {
    Ok(searcher.doc_freq(&Term::from_field_text(field, folded))?)
}

/// The split whose halves are most frequent.
fn halves(searcher: &Searcher, exact: Field, lower: &str) -> Result<Vec<String>, IndexError> {
    let mut best: (u64, Vec<String>) = (0, Vec::new());
    let starts: Vec<usize> = lower.char_indices().map(|(at, _)| at).collect();
    for &at in starts.iter().take(starts.len() - (PART_MIN_CHARS - 1)).skip(PART_MIN_CHARS) {
        let (head, tail) = lower.split_at(at);
        let tail_frequency = frequency(searcher, exact, &fold(tail))?;
        if tail_frequency == 0 {
            continue;
        }
        for link in LINKS {
            let Some(head) = head.strip_suffix(link) else { continue };
            if head.chars().count() < PART_MIN_CHARS {
                continue;
            }
            let score = tail_frequency.saturating_mul(frequency(searcher, exact, &fold(head))?);
            if score > best.0 {
                best = (score, vec![head.to_owned(), tail.to_owned()]);
            }
        }
    }
    Ok(best.1)
}

fn longer(searcher: &Searcher, exact: Field, folded: &str) -> Result<Vec<String>, IndexError> {
    let min_chars = folded.chars().count() + LONGER_MIN_CHARS;
    // `Pumpe` is `Pumpen…` in compounds, but also `Pump…`: a final vowel of the word may go.
    let prefix = folded.trim_end_matches('e');
    let mut found: Vec<(u64, String)> = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(exact)?;
        let mut terms = index.terms().range().ge(prefix.as_bytes()).into_stream()?;
        while terms.advance() {
            let Ok(term) = std::str::from_utf8(terms.key()) else { continue };
            if !term.starts_with(prefix) {
                break;
            }
            if term.chars().count() < min_chars || !term.chars().all(char::is_alphabetic) {
                continue;
            }
            let frequency = u64::from(terms.value().doc_freq);
            match found.iter_mut().find(|(_, known)| known == term) {
                Some(entry) => entry.0 += frequency,
                None => found.push((frequency, term.to_owned())),
            }
            if found.len() > LONGER_SCAN_MAX {
                return Ok(Vec::new());
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    found.truncate(LONGER_MAX);
    Ok(found.into_iter().map(|(_, term)| term).collect())
}
