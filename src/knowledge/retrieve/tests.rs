//! Both arms, feedback and filters over a small index.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::chunk_set::ChunkSet;
use crate::fixtures::{between, chunk, embedding, ids, indexed};
use crate::index::IndexedChunk;
use crate::text::Language;
use crate::vector::BinaryCode;

/// Weight of the cosine for a question in English.
const WEIGHT_ENGLISH: f32 = 0.5;

/// Texts with their embeddings, searched.
struct Shelf {
    text: TextSnapshot,
    codes: VectorIndex,
    vectors: HashMap<ChunkId, Embedding>,
}

impl Shelf {
    fn new(language: Language, chunks: &[(i64, &str, Option<Embedding>)]) -> Self {
        let texts = chunks
            .iter()
            .map(|(id, text, _)| IndexedChunk { language: Some(language), ..chunk(*id, text) });
        let codes = VectorIndex::new();
        let vectors: HashMap<ChunkId, Embedding> =
            chunks.iter().filter_map(|(id, _, v)| Some((ChunkId(*id), v.clone()?))).collect();
        codes.insert(vectors.iter().map(|(id, vector)| (*id, BinaryCode::of(vector))));
        Self { text: indexed(texts), codes, vectors }
    }

    fn ask(&self, words: &str, embedding: Option<&Embedding>, allowed: Allowed<'_>) -> Vec<Hit> {
        let query = TextQuery::question(words, self.text.languages());
        self.run(&query, embedding, allowed)
    }

    fn run(
        &self,
        query: &TextQuery,
        embedding: Option<&Embedding>,
        allowed: Allowed<'_>,
    ) -> Vec<Hit> {
        let fetch = |ids: &[ChunkId]| {
            assert!(ids.iter().all(|id| allowed.contains(*id)), "fetched what is not allowed");
            let found = ids.iter().filter_map(|id| Some((*id, self.vectors.get(id)?.clone())));
            Ok::<_, IndexError>(found.collect())
        };
        let input = RetrievalInput { query, embedding, allowed, limit: 10 };
        retrieve(&self.text, &self.codes, fetch, input).unwrap()
    }
}

fn chunks_of(hits: &[Hit]) -> Vec<ChunkId> {
    hits.iter().map(|hit| hit.chunk_id).collect()
}

/// A chunk of words, one of meaning, one of both, one of neither, one without an embedding.
fn mixed(question: &Embedding) -> Shelf {
    let (near, far) = (between(question, &embedding(2), 0.3), embedding(3));
    Shelf::new(
        Language::English,
        &[
            (1, "The torque of the flange bolts is 90 Nm.", Some(far.clone())),
            (2, "Fasteners are secured crosswise.", Some(near.clone())),
            (3, "Tighten the flange bolts to the torque in the table.", Some(near)),
            (4, "The conveyor belt is cleaned weekly.", Some(far)),
            (5, "The torque of the gearbox.", None),
        ],
    )
}

#[test]
fn both_arms_bring_up_candidates_and_both_count() {
    let question = embedding(1);
    let shelf = mixed(&question);
    let hits = shelf.ask("torque of the flange bolts", Some(&question), Allowed::All);
    let order = chunks_of(&hits);
    assert_eq!(order[0], ChunkId(3), "{hits:?}");
    assert!(order.contains(&ChunkId(1)) && order.contains(&ChunkId(2)), "{hits:?}");
    assert!(order.contains(&ChunkId(5)), "a chunk without an embedding is found by its words");
    let by_meaning = hits.iter().find(|hit| hit.chunk_id == ChunkId(2)).unwrap();
    assert!(by_meaning.bm25 == 0.0 && by_meaning.dense > 0.8, "{by_meaning:?}");
    assert!(hits.iter().all(|hit| (0.0..=1.0).contains(&hit.score)), "{hits:?}");
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score), "{hits:?}");
}

#[test]
fn words_answer_alone_where_there_is_no_embedding() {
    let shelf = mixed(&embedding(1));
    let hits = shelf.ask("torque of the flange bolts", None, Allowed::All);
    let mut found = chunks_of(&hits);
    found.sort_unstable();
    assert_eq!(found, ids([1, 3, 5]));
    assert!(hits.iter().all(|hit| hit.dense == 0.0 && (hit.score - hit.bm25).abs() < 1e-6));
}

#[test]
fn what_is_not_allowed_is_neither_scored_nor_fetched() {
    let question = embedding(1);
    let shelf = mixed(&question);
    let allowed: ChunkSet = [ChunkId(1), ChunkId(4)].into_iter().collect();
    let only = Allowed::Only(&allowed);
    let hits = shelf.ask("torque of the flange bolts", Some(&question), only);
    assert_eq!(chunks_of(&hits)[0], ChunkId(1));
    assert!(hits.iter().all(|hit| allowed.contains(hit.chunk_id)), "{hits:?}");
    let nothing = ChunkSet::new();
    assert!(shelf.ask("torque", Some(&question), Allowed::Only(&nothing)).is_empty());
    // Conditions of a search line narrow what is allowed further, for the vectors as well.
    let query = TextQuery::search("flange \"conveyor belt\"", shelf.text.languages()).unwrap();
    assert_eq!(chunks_of(&shelf.run(&query, Some(&question), only)), ids([4]));
}

#[test]
fn conditions_alone_give_what_fulfils_them() {
    let shelf = mixed(&embedding(1));
    let query = TextQuery::search("lang:en", shelf.text.languages()).unwrap();
    assert_eq!(chunks_of(&shelf.run(&query, None, Allowed::All)), ids([1, 2, 3, 4, 5]));
}

/// Three chunks that hold the question's word lie around one point; of two that don't hold it,
/// equally far from the question, chunk 4 lies in the direction of that point and chunk 5 not.
fn neighbourhood(language: Language, word: &str, question: &Embedding) -> Shelf {
    let (hub, elsewhere) = (embedding(11), embedding(12));
    let about = |seed| Some(between(&hub, &embedding(seed), 0.2));
    let (here, there) = (between(question, &hub, 0.8), between(question, &elsewhere, 0.8));
    Shelf::new(
        language,
        &[
            (1, word, about(21)),
            (2, word, about(22)),
            (3, word, about(23)),
            (4, "something else", Some(here)),
            (5, "something else", Some(there)),
        ],
    )
}

#[test]
fn feedback_prefers_the_neighbours_of_the_best() {
    let question = embedding(10);
    let shelf = neighbourhood(Language::English, "torque of the bolts", &question);
    let hits = shelf.ask("what is the torque of the bolts", Some(&question), Allowed::All);
    // What the moved question adds to or takes from the score of the question itself.
    let gain = |id: i64| {
        let hit = hits.iter().find(|hit| hit.chunk_id == ChunkId(id)).unwrap();
        hit.score - WEIGHT_ENGLISH * hit.dense
    };
    assert!(gain(4) > gain(5) + 0.05, "{hits:?}");
    // What is told of a chunk is its cosine to the question that was asked.
    for hit in &hits {
        assert!((hit.dense - question.dot(&shelf.vectors[&hit.chunk_id])).abs() < 1e-6);
    }
}

#[test]
fn a_language_that_the_embedder_does_not_speak_gets_no_feedback() {
    let question = embedding(10);
    let shelf = neighbourhood(Language::German, "Drehmoment der Schrauben", &question);
    let words = "Welches Drehmoment haben die Schrauben der Pumpe?";
    let hits = shelf.ask(words, Some(&question), Allowed::All);
    let query = TextQuery::question(words, shelf.text.languages());
    let weight = dense_weight(query.languages());
    assert!(weight < WEIGHT_ENGLISH);
    for hit in hits {
        let plain = ArmScores { bm25: hit.bm25, dense: hit.dense, identifier_match: false };
        assert!((hit.score - fuse(plain, weight)).abs() < 1e-6, "{hit:?}");
    }
}

#[test]
fn an_error_of_fetching_is_returned() {
    #[derive(Debug)]
    struct Gone;
    impl From<IndexError> for Gone {
        fn from(_: IndexError) -> Self {
            Self
        }
    }
    let question = embedding(1);
    let shelf = mixed(&question);
    let query = TextQuery::question("torque", shelf.text.languages());
    let input = RetrievalInput {
        query: &query,
        embedding: Some(&question),
        allowed: Allowed::All,
        limit: 3,
    };
    assert!(retrieve(&shelf.text, &shelf.codes, |_| Err(Gone), input).is_err());
}
