//! The check of today: what can be compared word for word, and nearness.

use std::collections::HashMap;
use std::time::Duration;

use knowledge::Passage;
use knowledge::text::{Language, detect_passage, detect_query};
use models::{BoxFuture, Embedding, ModelWorker, Priority, TextKind};
use parking_lot::Mutex;

use super::amounts::{counted, stands_in};
use super::evidence::Evidence;
use super::facts::Facts;
use super::{Claim, EvidenceSet, Finding, Place, SentenceCheck, Strike, StrikeReason};

/// Name and version of this check.
pub const LITERAL_CHECK: &str = "literal-1";

/// Cosine that a sentence of the evidence must reach, by the built-in embedder. Of thirty pairs of
/// claims and sentences, supported ones had .41 to .82 in English, unsupported ones .04 to .33, and
/// .64 where only the predicate was another one: nearness alone tells what is beside the matter.
const COSINE_MIN: f32 = 0.4;

/// The same in a language that the embedder was not trained on: supported .51 to .82, others .21 to
/// .51.
const FOREIGN_COSINE_MIN: f32 = 0.5;

/// The same between two languages: supported .29 to .48 where names or numbers stand in the sentence
/// and .07 without, others below .05.
const ACROSS_COSINE_MIN: f32 = 0.25;

/// Share of a claim's words that stands in a sentence, from which on that is near enough without
/// the embedder.
const OVERLAP_MIN: f32 = 0.6;

/// A sentence this much less near than the nearest still counts as meant.
const MEANT_MARGIN: f32 = 0.12;

/// Evidence sentences that are embedded at most per passage; a passage has fewer by far.
const SENTENCES_MAX: usize = 64;

/// Time for one batch of embeddings; without them the words alone decide.
const EMBED_TIMEOUT: Duration = Duration::from_secs(20);

/// See the module. One per answer: it remembers the embeddings of the evidence.
pub struct LiteralCheck {
    models: ModelWorker,
    priority: Priority,
    /// By number of the evidence.
    embedded: Mutex<HashMap<u32, Vec<Embedding>>>,
}

/// What is known about how near a claim is to the sentences of one evidence.
struct Nearness {
    /// By sentence.
    similarity: Vec<f32>,
    best: f32,
    sentence: usize,
    is_near: bool,
}

impl LiteralCheck {
    /// A check that embeds with `models`.
    #[must_use]
    pub fn new(models: ModelWorker, priority: Priority) -> Self {
        Self { models, priority, embedded: Mutex::default() }
    }

    async fn check_all(&self, claims: &[Claim], evidence: &EvidenceSet) -> Vec<Finding> {
        let well_formed: Vec<Result<Vec<&Evidence>, Strike>> =
            claims.iter().map(|claim| cited(claim, evidence)).collect();
        self.embed_evidence(well_formed.iter().flatten().flatten().copied()).await;
        let texts = claims.iter().map(|claim| claim.text.clone()).collect();
        let embeddings = self.embed(texts).await;
        let mut findings = Vec::with_capacity(claims.len());
        for (at, (claim, cited)) in claims.iter().zip(well_formed).enumerate() {
            let embedding = embeddings.as_ref().and_then(|all| all.get(at));
            findings.push(cited.and_then(|cited| self.check_one(claim, &cited, embedding)));
        }
        findings
    }

    fn check_one(
        &self,
        claim: &Claim,
        cited: &[&Evidence],
        embedding: Option<&Embedding>,
    ) -> Finding {
        let facts = Facts::of(&claim.text, "");
        named(&facts, cited)?;
        dated(&facts, claim, cited)?;
        counted(claim, &facts, cited)?;
        let near: Vec<Nearness> =
            cited.iter().map(|item| self.nearness(claim, &facts, item, embedding)).collect();
        let best = near.iter().max_by(|a, b| a.best.total_cmp(&b.best));
        let best = best.ok_or(Strike::new(StrikeReason::NoEvidence))?;
        if !near.iter().any(|near| near.is_near) {
            let detail = format!("{:.2}", best.best);
            return Err(Strike::with(StrikeReason::NotSimilar, detail));
        }
        stance(&facts, cited, &near)?;
        let mut places: Vec<Place> = cited
            .iter()
            .zip(&near)
            .map(|(item, near)| Place {
                evidence: item.number,
                sentence: near.sentence,
                similarity: near.best,
            })
            .collect();
        places.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
        Ok(places)
    }

    fn nearness(
        &self,
        claim: &Claim,
        facts: &Facts,
        item: &Evidence,
        embedding: Option<&Embedding>,
    ) -> Nearness {
        let embedded = self.embedded.lock().get(&item.number).cloned().unwrap_or_default();
        let cosine_min = cosine_min(&claim.text, &item.passage);
        let (mut similarity, mut best, mut sentence) = (Vec::new(), -1.0_f32, 0);
        let mut is_near = false;
        for (at, known) in item.sentences.iter().enumerate() {
            let overlap = known.facts.overlap(facts);
            let cosine = embedding.zip(embedded.get(at)).map_or(0.0, |(claim, own)| claim.dot(own));
            is_near |= cosine >= cosine_min || overlap >= OVERLAP_MIN;
            // Of two sentences that are equally near, the one with the claim's numbers is meant.
            let agrees = facts.quantities.iter().all(|q| stands_in(q, &known.facts));
            let near = cosine.max(overlap) + if agrees { 0.0 } else { -MEANT_MARGIN };
            similarity.push(near);
            if near > best {
                (best, sentence) = (near, at);
            }
        }
        Nearness { similarity, best, sentence, is_near }
    }

    /// Embeds the sentences of evidence that were not embedded before.
    async fn embed_evidence<'e>(&self, items: impl Iterator<Item = &'e Evidence>) {
        let mut missing: Vec<&Evidence> = Vec::new();
        {
            let known = self.embedded.lock();
            for item in items {
                let is_new = !known.contains_key(&item.number)
                    && missing.iter().all(|other| other.number != item.number);
                if is_new {
                    missing.push(item);
                }
            }
        }
        let counts: Vec<usize> =
            missing.iter().map(|item| item.sentences.len().min(SENTENCES_MAX)).collect();
        let texts = missing
            .iter()
            .zip(&counts)
            .flat_map(|(item, &count)| (0..count).map(|at| item.sentence_text(at)))
            .collect();
        let Some(embeddings) = self.embed(texts).await else { return };
        let mut rest = embeddings.into_iter();
        let mut known = self.embedded.lock();
        for (item, count) in missing.iter().zip(counts) {
            known.insert(item.number, rest.by_ref().take(count).collect());
        }
    }

    async fn embed(&self, texts: Vec<String>) -> Option<Vec<Embedding>> {
        if texts.is_empty() {
            return Some(Vec::new());
        }
        let embedded =
            self.models.embed(texts, TextKind::Passage, self.priority, EMBED_TIMEOUT).await;
        embedded
            .inspect_err(|error| {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "sentences are checked without their embeddings"
                );
            })
            .ok()
    }
}

impl SentenceCheck for LiteralCheck {
    fn name(&self) -> &'static str {
        LITERAL_CHECK
    }

    fn check<'a>(
        &'a self,
        claims: &'a [Claim],
        evidence: &'a EvidenceSet,
    ) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(self.check_all(claims, evidence))
    }
}

/// The evidence that a claim names.
fn cited<'e>(claim: &Claim, evidence: &'e EvidenceSet) -> Result<Vec<&'e Evidence>, Strike> {
    if claim.cited.is_empty() {
        return Err(Strike::new(StrikeReason::NoEvidence));
    }
    let found = claim.cited.iter().map(|number| {
        let unknown = || Strike::with(StrikeReason::UnknownEvidence, number.to_string());
        evidence.get(*number).ok_or_else(unknown)
    });
    found.collect()
}

fn named(claim: &Facts, cited: &[&Evidence]) -> Result<(), Strike> {
    let missing = claim.named.iter().find(|named| {
        // Any reading that is known will do: the longest may have a word of the sentence in it.
        !cited.iter().any(|item| {
            named.readings.iter().any(|reading| {
                item.facts
                    .names
                    .include(&crate::quote::names::Named { readings: vec![reading.clone()] })
            })
        })
    });
    match missing {
        Some(named) => {
            let name = named.readings.first().cloned().unwrap_or_default();
            Err(Strike::with(StrikeReason::NameNotInEvidence, name))
        }
        None => Ok(()),
    }
}

fn dated(facts: &Facts, claim: &Claim, cited: &[&Evidence]) -> Result<(), Strike> {
    let missing = facts.dates.iter().find(|date| {
        let mut known = cited.iter().flat_map(|item| &item.facts.dates);
        !known.any(|other| {
            date.readings.iter().any(|a| other.readings.iter().any(|b| a.is_met_by(*b)))
        })
    });
    match missing {
        Some(date) => {
            let words = claim.text.get(date.place.clone()).unwrap_or_default();
            Err(Strike::with(StrikeReason::DateNotInEvidence, words))
        }
        None => Ok(()),
    }
}

/// What a claim must reach beside sentences of this passage.
fn cosine_min(claim: &str, passage: &Passage) -> f32 {
    let guess = detect_query(claim, &Language::ALL);
    let own = guess.first().filter(|_| guess.is_certain);
    let declared = passage.language.as_deref().and_then(Language::from_tag);
    let theirs = declared.or_else(|| detect_passage(&passage.text));
    match (own, theirs) {
        (Some(own), Some(theirs)) if own != theirs => ACROSS_COSINE_MIN,
        (Some(one), _) | (None, Some(one)) if !one.is_spoken_by_embedder() => FOREIGN_COSINE_MIN,
        _ => COSINE_MIN,
    }
}

/// What the claim denies, requires and bounds must agree with what the meant sentences do.
fn stance(claim: &Facts, cited: &[&Evidence], near: &[Nearness]) -> Result<(), Strike> {
    let best = near.iter().map(|near| near.best).fold(-1.0, f32::max);
    let meant: Vec<&Facts> = cited
        .iter()
        .zip(near)
        .flat_map(|(item, near)| item.sentences.iter().zip(&near.similarity))
        .filter(|(_, similarity)| **similarity >= best - MEANT_MARGIN)
        .map(|(sentence, _)| &sentence.facts)
        .collect();
    let own = claim.stance;
    let any = |agrees: &dyn Fn(&Facts) -> bool| meant.iter().any(|facts| agrees(facts));
    if !any(&|facts| facts.stance.negated == own.negated) {
        return Err(Strike::new(StrikeReason::NegationDiffers));
    }
    if !any(&|facts| facts.stance.bound_agrees(own)) {
        return Err(Strike::new(StrikeReason::BoundDiffers));
    }
    if !any(&|facts| own.modal_agrees(facts.stance) && facts.stance.negated == own.negated) {
        return Err(Strike::new(StrikeReason::ModalDiffers));
    }
    Ok(())
}
