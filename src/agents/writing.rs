//! An answer that grows by sentences which passed their check.

use serde::{Deserialize, Serialize};

use crate::check::{Claim, EvidenceSet, Place, Strike};
use crate::model::Citation;

/// Struck sentences that a receipt keeps.
const STRUCK_MAX: usize = 64;

/// A sentence that was not shown, and why. Content: its label is that of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Struck {
    /// Its words.
    pub text: String,
    /// The evidence that it named.
    pub cited: Vec<u32>,
    /// Why.
    #[serde(flatten)]
    pub strike: Strike,
}

/// The text so far, with its citations.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    pub(crate) text: String,
    pub(crate) citations: Vec<Citation>,
    pub(crate) struck: Vec<Struck>,
    /// Evidence and sentence behind each citation, in order.
    places: Vec<(u32, usize)>,
}

/// What a sentence adds.
pub(crate) struct Added {
    pub(crate) citations: Vec<Citation>,
    pub(crate) text: String,
}

impl Writing {
    /// Adds a sentence, with the marks of its citations behind it. Citations are numbered in the
    /// order in which they are first needed.
    pub(crate) fn accept(
        &mut self,
        gap: &str,
        claim: &Claim,
        places: &[Place],
        evidence: &EvidenceSet,
    ) -> Added {
        let mut new = Vec::new();
        let mut marks = String::new();
        for place in places {
            let key = (place.evidence, place.sentence);
            let known = self.places.iter().position(|other| *other == key);
            let index = known.unwrap_or_else(|| {
                self.places.push(key);
                self.places.len() - 1
            });
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            if known.is_none()
                && let Some(item) = evidence.get(place.evidence)
            {
                let citation = item.citation(place.sentence, number, place.similarity);
                self.citations.push(citation.clone());
                new.push(citation);
            }
            marks.push_str(&format!(" [{number}]"));
        }
        let gap = if self.text.is_empty() { "" } else { gap };
        let text = format!("{gap}{}{marks}", claim.text);
        self.text.push_str(&text);
        Added { citations: new, text }
    }

    /// Keeps a sentence that is not shown.
    pub(crate) fn strike(&mut self, claim: &Claim, strike: Strike) {
        if self.struck.len() < STRUCK_MAX {
            self.struck.push(Struck {
                text: claim.text.clone(),
                cited: claim.cited.clone(),
                strike,
            });
        }
    }

    /// Whether nothing passed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}
