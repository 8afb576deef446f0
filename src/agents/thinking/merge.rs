//! Which findings say the same: by their words, and by the embedder where it is at hand.

use std::collections::BTreeSet;
use std::time::Duration;

use models::{ModelWorker, Priority, TextKind};

/// Cosine from which two findings say the same. Of the built-in embedder two wordings of one sentence
/// have .75 and more, two sentences about one machine .3 to .6.
const SAME_COSINE: f32 = 0.82;
/// Share of common words (Jaccard) from which they do.
const SAME_WORDS: f32 = 0.6;
/// Time for the embeddings; without them words alone decide.
const EMBED_TIMEOUT: Duration = Duration::from_secs(15);

/// For each text the index of the first one that says the same; its own when it is the first.
pub(super) async fn same_as(texts: &[String], embedder: Option<&ModelWorker>) -> Vec<usize> {
    let words: Vec<BTreeSet<String>> = texts.iter().map(|text| words_of(text)).collect();
    let embeddings = match embedder {
        Some(worker) if texts.len() > 1 => {
            let texts = texts.to_vec();
            let asked = worker.embed(texts, TextKind::Passage, Priority::Agent, EMBED_TIMEOUT);
            // An embedder that is away costs doubles, not the run.
            asked.await.unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let cosine = |i: usize, j: usize| match (embeddings.get(i), embeddings.get(j)) {
        (Some(a), Some(b)) => a.dot(b),
        _ => 0.0_f32,
    };
    let mut first: Vec<usize> = Vec::with_capacity(texts.len());
    for i in 0..texts.len() {
        let same = (0..i).find(|j| {
            first[*j] == *j
                && (overlap(&words[i], &words[*j]) >= SAME_WORDS || cosine(i, *j) >= SAME_COSINE)
        });
        first.push(same.unwrap_or(i));
    }
    first
}

/// Lower case, without signs, and without the ends of longer words, so that forms of a word count as one.
fn words_of(text: &str) -> BTreeSet<String> {
    const STEM_CHARS: usize = 6;
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 2)
        .map(|word| word.chars().take(STEM_CHARS).collect())
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "words of one finding")]
fn overlap(a: &BTreeSet<String>, b: &BTreeSet<String>) -> f32 {
    let common = a.intersection(b).count();
    let all = a.union(b).count();
    if all == 0 { 1.0 } else { common as f32 / all as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_words_of_the_same_are_found_and_other_things_are_not() {
        let texts: Vec<String> = [
            "The relief valve is not isolated before the work.",
            "Relief valve not isolated before work",
            "The gasket material is unknown.",
            "The relief valve's setting is 6 bar.",
        ]
        .into_iter()
        .map(str::to_owned)
        .collect();
        assert_eq!(same_as(&texts, None).await, [0, 0, 2, 3]);
        assert!(same_as(&[], None).await.is_empty());
    }
}
