//! Quality of retrieval on the labelled sets, arm by arm: nDCG@10, MRR and Recall@100.
//!
//! `make bench-retrieval` reads the sets from
//! `BENCH_DATA` (default `../shared/data/retrieval` beside the checkout), runs the
//! product's own analysis, index, embedder and fusion over them, and ends with a non-zero code when
//! a figure is below its bar. Absent data: a message, and success.
//!
//! A passage is one chunk. Cranfield: title and abstract; judgements 1 to 4 count as relevant,
//! alike; the two documents without text stay in the collection and count as not relevant. XQuAD:
//! the paragraph that a question was written for is the one relevant of 240.
//!
//! A second table compares sizes of chunks; nothing is promised there.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench talks to its terminal")]
#![allow(clippy::expect_used, reason = "a bench that can't go on may stop")]

mod labelled;
mod windows;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::ExitCode;

use base::{ChunkId, DocumentId, PageNumber, RevisionId};
use engine::{Embedder, EmbedderOptions};
use knowledge::index::{IndexError, IndexedChunk, TextIndex, TextQuery};
use knowledge::text::detect_passage;
use knowledge::vector::{BinaryCode, VectorIndex};
use knowledge::{
    Allowed, ArmScores, Hit, RetrievalInput, dense_weight, embedding_text, fuse, retrieve,
};
use labelled::{Figures, LabelledSet};
use models::Embedding;
use tantivy::directory::RamDirectory;

/// Hits that the metrics look at.
const DEPTH: usize = 100;

/// Least nDCG@10 of the BM25 arm and of the fusion; `None` where nothing is promised.
const BARS: [(&str, Option<f64>, Option<f64>); 4] = [
    ("cranfield", Some(0.384), Some(0.435)),
    ("xquad-en", Some(0.965), Some(0.978)),
    ("xquad-de", Some(0.943), Some(0.948)),
    ("xquad-es", None, Some(0.964)),
];

fn main() -> ExitCode {
    let folder = std::env::var_os("BENCH_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/retrieval")),
        PathBuf::from,
    );
    if !folder.is_dir() {
        println!("skipped: no labelled sets in {}", folder.display());
        return ExitCode::SUCCESS;
    }
    let embedder = Embedder::load(&EmbedderOptions::default()).expect("the embedder loads");
    println!("embedder: {:?}", embedder.path());
    println!("{:<10} {:<12} {:>8} {:>8} {:>8}", "set", "arm", "nDCG@10", "MRR", "R@100");
    let mut is_good = true;
    for (name, bm25_bar, fusion_bar) in BARS {
        let Some(set) = LabelledSet::load(&folder, name) else {
            println!("{name}: skipped, its files are absent");
            continue;
        };
        let [bm25, dense, plain, fused, first] = measure(&set, &embedder);
        for (arm, figures, bar) in [
            ("bm25", bm25, bm25_bar),
            ("dense", dense, None),
            ("no feedback", plain, None),
            ("fusion", fused, fusion_bar),
            ("its ten", first, fusion_bar),
        ] {
            let note = match bar {
                Some(bar) if figures.ndcg_10 < bar => format!("  BELOW {bar}"),
                _ => String::new(),
            };
            is_good &= note.is_empty();
            let Figures { ndcg_10, mrr, recall_100 } = figures;
            println!("{name:<10} {arm:<12} {ndcg_10:>8.4} {mrr:>8.4} {recall_100:>8.4}{note}");
        }
        if fused.ndcg_10 < bm25.ndcg_10.max(dense.ndcg_10) {
            println!("{name}: the fusion is BELOW its best arm");
            is_good = false;
        }
    }
    windows::measure(&folder, &embedder);
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Figures of BM25, dense, fusion without and with feedback, and of what the product gives who asks
/// for ten.
fn measure(set: &LabelledSet, embedder: &Embedder) -> [Figures; 5] {
    let index = TextIndex::open(RamDirectory::create()).expect("an index in memory");
    let mut writer = index.writer().expect("a writer");
    let mut texts = Vec::new();
    for (row, passage) in set.passages.iter().enumerate() {
        writer.add(&chunk(row, &passage.title, &passage.text)).expect("added");
        texts.push(embedding_text(&passage.title, &[], &passage.text));
    }
    writer.commit(1).expect("committed");
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = embedder.embed(&texts).expect("passages embed");
    let questions: Vec<&str> = set.questions.iter().map(String::as_str).collect();
    let question_vectors = embedder.embed(&questions).expect("questions embed");
    let codes = VectorIndex::new();
    codes.insert((0_i64..).map(ChunkId).zip(vectors.iter().map(BinaryCode::of)));

    let snapshot = index.snapshot().expect("a snapshot");
    let mut runs: [Vec<Vec<ChunkId>>; 5] = Default::default();
    for (question, embedding) in questions.iter().zip(&question_vectors) {
        let query = TextQuery::question(question, snapshot.languages());
        let hits = snapshot.search(&query, Allowed::All, DEPTH).expect("searched");
        runs[0].push(hits.iter().map(|hit| hit.chunk_id).collect());
        runs[1].push(dense(&codes, &vectors, embedding));
        let ask = |limit: usize| -> Vec<Hit> {
            let fetch = |ids: &[ChunkId]| Ok::<_, IndexError>(fetched(&vectors, ids));
            let input = RetrievalInput {
                query: &query,
                embedding: Some(embedding),
                allowed: Allowed::All,
                limit,
            };
            retrieve(&snapshot, &codes, fetch, input).expect("retrieved")
        };
        let hits = ask(DEPTH);
        runs[2].push(without_feedback(&hits, dense_weight(query.languages())));
        runs[3].push(hits.iter().map(|hit| hit.chunk_id).collect());
        runs[4].push(ask(10).iter().map(|hit| hit.chunk_id).collect());
    }
    runs.map(|run| set.figures(&run))
}

/// The same hits in the order of the first ranking.
fn without_feedback(hits: &[Hit], weight: f32) -> Vec<ChunkId> {
    let score = |hit: &Hit| {
        let Hit { bm25, dense, identifier_match, .. } = *hit;
        fuse(ArmScores { bm25, dense, identifier_match }, weight)
    };
    let mut ranked: Vec<&Hit> = hits.iter().collect();
    ranked.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.chunk_id.cmp(&b.chunk_id)));
    ranked.iter().map(|hit| hit.chunk_id).collect()
}

/// The dense arm as the product runs it: codes first, then the vectors of record.
fn dense(codes: &VectorIndex, vectors: &[Embedding], question: &Embedding) -> Vec<ChunkId> {
    let candidates = codes.nearest(question, Allowed::All, 2 * DEPTH);
    let cosines: HashMap<ChunkId, f32> = fetched(vectors, &candidates)
        .into_iter()
        .map(|(chunk, vector)| (chunk, question.dot(&vector)))
        .collect();
    let mut ranked = candidates;
    ranked.sort_by(|a, b| cosines[b].total_cmp(&cosines[a]).then(a.cmp(b)));
    ranked.truncate(DEPTH);
    ranked
}

fn fetched(vectors: &[Embedding], ids: &[ChunkId]) -> Vec<(ChunkId, Embedding)> {
    let row = |id: &ChunkId| usize::try_from(id.0).expect("ids are rows");
    ids.iter().map(|id| (*id, vectors[row(id)].clone())).collect()
}

fn chunk<'p>(row: usize, title: &'p str, text: &'p str) -> IndexedChunk<'p> {
    IndexedChunk {
        id: ChunkId(i64::try_from(row).expect("few passages")),
        document_id: DocumentId::from_bytes([0; 16]),
        revision_id: RevisionId::from_bytes([0; 16]),
        document_key: "",
        title,
        heading_path: &[],
        text,
        language: detect_passage(text),
        tags: &[],
        page_first: PageNumber(1),
        page_last: PageNumber(1),
    }
}
