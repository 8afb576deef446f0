//! How large a chunk should be: XQuAD's articles, each one document of five paragraphs, cut as
//! ingestion cuts them at several windows, and searched as the product searches. A chunk answers
//! when it holds the answer with what stands around it.
//!
//! Figures by question: MRR of the first chunk that answers; the share of questions whose answer
//! stands in the first 250, 500 and 1,000 tokens that are shown, best chunk first. The latter
//! compare windows fairly: larger chunks are found more easily and cost the reader more.

use std::path::Path;

use base::ChunkId;
use engine::Embedder;
use knowledge::index::{IndexError, TextIndex, TextQuery};
use knowledge::vector::{BinaryCode, VectorIndex};
use knowledge::{Allowed, ChunkOptions, RetrievalInput, chunks_of_pages, embedding_text, retrieve};
use models::Embedding;
use parse::{Block, BlockKind, Line, Page, PageState};
use tantivy::directory::RamDirectory;

use crate::labelled::{Paragraph, articles};
use crate::{chunk, fetched};

/// Window and overlap, in tokens. The embedder reads the first 254 of them.
const WINDOWS: [(u32, u32); 7] =
    [(64, 12), (128, 25), (192, 38), (254, 0), (254, 50), (384, 75), (508, 100)];

/// Readers' patience, in tokens.
const BUDGETS: [u32; 3] = [250, 500, 1_000];

/// Characters on either side of an answer that belong to it.
const AROUND_CHARS: usize = 20;

/// Chunks looked at.
const DEPTH: usize = 20;

const LANGUAGES: [&str; 3] = ["en", "de", "es"];

/// A question.
struct Question<'a> {
    article: usize,
    text: &'a str,
    embedding: Embedding,
    /// The answer with what stands around it.
    wanted: String,
}

/// A cut article's chunk.
struct Cut {
    article: usize,
    text: String,
    /// Without line ends, for comparing.
    flat: String,
    tokens: u32,
}

/// Prints the table.
pub(crate) fn measure(folder: &Path, embedder: &Embedder) {
    println!();
    println!(
        "{:<10} {:>6} {:>7} {:>6} {:>8} {:>8} {:>8} {:>8}",
        "set", "window", "overlap", "chunks", "MRR", "in 250", "in 500", "in 1000"
    );
    for language in LANGUAGES {
        let file = folder.join(format!("xquad/xquad.{language}.json"));
        let Some(articles) = std::fs::read_to_string(file).ok().and_then(|f| articles(&f)) else {
            println!("xquad-{language}: skipped, its file is absent");
            continue;
        };
        let asked = asked(&articles, embedder);
        for (window_tokens, overlap_tokens) in WINDOWS {
            let options = ChunkOptions { window_tokens, overlap_tokens };
            let cuts = cut(&articles, options, embedder);
            let (mrr, [a, b, c]) = figures(&asked, &cuts, embedder);
            println!(
                "xquad-{language:<4} {window_tokens:>6} {overlap_tokens:>7} {:>6} {mrr:>8.4} \
                 {a:>8.4} {b:>8.4} {c:>8.4}",
                cuts.len()
            );
        }
    }
}

fn asked<'a>(articles: &'a [Vec<Paragraph>], embedder: &Embedder) -> Vec<Question<'a>> {
    let mut asked = Vec::new();
    for (article, paragraphs) in articles.iter().enumerate() {
        for paragraph in paragraphs {
            let texts: Vec<&str> =
                paragraph.questions.iter().map(|q| q.question.as_str()).collect();
            let embeddings = embedder.embed(&texts).expect("questions embed");
            let questions = paragraph.questions.iter().zip(embeddings);
            asked.extend(questions.map(|(question, embedding)| Question {
                article,
                text: &question.question,
                embedding,
                wanted: wanted(paragraph, question.answer),
            }));
        }
    }
    asked
}

fn cut(articles: &[Vec<Paragraph>], options: ChunkOptions, embedder: &Embedder) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for (article, paragraphs) in articles.iter().enumerate() {
        let block = |paragraph: &Paragraph| {
            let line = Line { text: paragraph.text.clone(), bbox: None };
            Block::new(BlockKind::Paragraph, vec![line])
        };
        let page = Page {
            number: 1,
            width_pt: 0.0,
            height_pt: 0.0,
            blocks: paragraphs.iter().map(block).collect(),
            state: PageState::Text,
            language: None,
        };
        let drafts =
            chunks_of_pages(&[page], options, |text| embedder.tokens().count(text)).expect("cut");
        cuts.extend(drafts.into_iter().map(|draft| Cut {
            article,
            flat: flat(&draft.text),
            text: draft.text,
            tokens: draft.token_count,
        }));
    }
    cuts
}

/// Words with one space between them.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// MRR, and the share answered within each of [`BUDGETS`].
fn figures(asked: &[Question<'_>], cuts: &[Cut], embedder: &Embedder) -> (f64, [f64; 3]) {
    let index = TextIndex::open(RamDirectory::create()).expect("an index in memory");
    let mut writer = index.writer().expect("a writer");
    let mut texts = Vec::new();
    for (row, cut) in cuts.iter().enumerate() {
        writer.add(&chunk(row, "", &cut.text)).expect("added");
        texts.push(embedding_text("", &[], &cut.text));
    }
    writer.commit(1).expect("committed");
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let vectors = embedder.embed(&texts).expect("chunks embed");
    let codes = VectorIndex::new();
    codes.insert((0_i64..).map(ChunkId).zip(vectors.iter().map(BinaryCode::of)));
    let snapshot = index.snapshot().expect("a snapshot");

    let (mut mrr, mut found) = (0.0, [0.0; 3]);
    for question in asked {
        let query = TextQuery::question(question.text, snapshot.languages());
        let input = RetrievalInput {
            query: &query,
            embedding: Some(&question.embedding),
            allowed: Allowed::All,
            limit: DEPTH,
        };
        let fetch = |ids: &[ChunkId]| Ok::<_, IndexError>(fetched(&vectors, ids));
        let hits = retrieve(&snapshot, &codes, fetch, input).expect("retrieved");
        let mut shown = 0;
        for (rank, hit) in (1_u32..).zip(&hits) {
            let cut = &cuts[usize::try_from(hit.chunk_id.0).expect("ids are rows")];
            shown += cut.tokens;
            if cut.article == question.article && cut.flat.contains(&question.wanted) {
                mrr += 1.0 / f64::from(rank);
                for (share, budget) in found.iter_mut().zip(BUDGETS) {
                    *share += f64::from(u8::from(shown <= budget));
                }
                break;
            }
        }
    }
    let count = asked.len() as f64;
    (mrr / count, found.map(|share| share / count))
}

/// The answer with what stands around it, cut at words.
fn wanted(paragraph: &Paragraph, (start, length): (usize, usize)) -> String {
    let chars: Vec<char> = paragraph.text.chars().collect();
    let end = (start + length).min(chars.len());
    let mut from = start.saturating_sub(AROUND_CHARS);
    let mut to = (end + AROUND_CHARS).min(chars.len());
    while from > 0 && from < start && !chars[from - 1].is_whitespace() {
        from += 1;
    }
    while to < chars.len() && to > end && !chars[to].is_whitespace() {
        to -= 1;
    }
    flat(&chars[from..to].iter().collect::<String>())
}
