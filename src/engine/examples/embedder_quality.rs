//! What quantisation costs: nDCG@10 of plain cosine ranking on labelled sets, by each way to compute.
//!
//! `cargo run -p millwright-engine --example embedder_quality -- DIR [reference]`, where DIR holds
//! `cranfield/` (Cranfield 1400) and `xquad/` (XQuAD). Floats stand for the reference, to which
//! their cosine is above 0.9999, unless `reference` asks for the slow one as well.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use engine::{Embedder, EmbedderOptions, EngineError, PathChoice};
use models::{ComputePath, Embedding};

const CUT: usize = 10;

/// Questions, passages, and for each question the passages that answer it.
struct LabelledSet {
    name: String,
    passages: Vec<String>,
    questions: Vec<String>,
    relevant: Vec<Vec<usize>>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: embedder_quality DIR [reference]")?;
    let folder = Path::new(&folder);
    let mut sets = vec![cranfield(&folder.join("cranfield"))?];
    for language in ["en", "de", "es"] {
        sets.push(xquad(&folder.join(format!("xquad/xquad.{language}.json")), language)?);
    }
    let mut paths = vec![ComputePath::Float32, ComputePath::Int8Avx512Vnni, ComputePath::Int8Avx2];
    if arguments.next().as_deref() == Some("reference") {
        paths.insert(0, ComputePath::Reference);
    }
    println!(
        "{:<12} {:<16} {:>8} {:>8} {:>10} {:>10}",
        "set", "path", "nDCG@10", "loss", "cos min", "cos mean"
    );
    for set in &sets {
        let mut first: Option<(f64, Vec<Embedding>)> = None;
        for path in &paths {
            let options =
                EmbedderOptions { path: PathChoice::Only(*path), ..EmbedderOptions::default() };
            let embedder = match Embedder::load(&options) {
                Ok(embedder) => embedder,
                Err(EngineError::Unsupported { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let texts: Vec<&str> =
                set.passages.iter().chain(&set.questions).map(String::as_str).collect();
            let embeddings = embedder.embed(&texts)?;
            let (passages, questions) = embeddings.split_at(set.passages.len());
            let score = mean_ndcg(passages, questions, &set.relevant);
            let (best, exact) = first.get_or_insert_with(|| (score, embeddings.clone()));
            let cosines: Vec<f64> =
                embeddings.iter().zip(exact.iter()).map(|(a, b)| f64::from(a.dot(b))).collect();
            let smallest = cosines.iter().copied().fold(1.0, f64::min);
            println!(
                "{:<12} {:<16} {score:>8.4} {:>8.4} {smallest:>10.5} {:>10.5}",
                set.name,
                format!("{path:?}"),
                *best - score,
                cosines.iter().sum::<f64>() / count(cosines.len()),
            );
        }
    }
    Ok(())
}

/// Mean over the questions of nDCG@10 with binary gains (Järvelin and Kekäläinen 2002).
fn mean_ndcg(passages: &[Embedding], questions: &[Embedding], relevant: &[Vec<usize>]) -> f64 {
    let mut sum = 0.0;
    for (question, relevant) in questions.iter().zip(relevant) {
        let mut ranking: Vec<(usize, f32)> =
            passages.iter().map(|passage| passage.dot(question)).enumerate().collect();
        ranking.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let discount = |rank: usize| 1.0 / count(rank + 2).log2();
        let gained: f64 = ranking
            .iter()
            .take(CUT)
            .enumerate()
            .filter(|(_, (passage, _))| relevant.contains(passage))
            .map(|(rank, _)| discount(rank))
            .sum();
        let ideal: f64 = (0..relevant.len().min(CUT)).map(discount).sum();
        sum += gained / ideal;
    }
    sum / count(questions.len())
}

#[expect(clippy::cast_precision_loss, reason = "counts of texts")]
fn count(n: usize) -> f64 {
    n as f64
}

/// Cranfield 1400: title and abstract; judged relevant are codes 1 to 4.
fn cranfield(folder: &Path) -> Result<LabelledSet, Box<dyn Error>> {
    let records = |name: &str, fields: &[&str]| -> Result<Vec<String>, Box<dyn Error>> {
        let text = fs::read_to_string(folder.join(name))?;
        Ok(text.split("\n.I ").map(|record| select(record, fields)).collect())
    };
    let passages = records("cran.all.1400", &[".T", ".W"])?;
    let all_questions = records("cran.qry", &[".W"])?;
    let mut judged: HashMap<usize, Vec<usize>> = HashMap::new();
    for line in fs::read_to_string(folder.join("cranqrel"))?.lines() {
        let numbers: Vec<i64> =
            line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        if let [question, passage, 1..=4] = numbers[..] {
            judged
                .entry(usize::try_from(question)? - 1)
                .or_default()
                .push(usize::try_from(passage)? - 1);
        }
    }
    let (mut questions, mut relevant) = (Vec::new(), Vec::new());
    for (index, question) in all_questions.into_iter().enumerate() {
        if let Some(passages) = judged.remove(&index) {
            questions.push(question);
            relevant.push(passages);
        }
    }
    Ok(LabelledSet { name: "cranfield".to_owned(), passages, questions, relevant })
}

/// The lines of the named fields of one record.
fn select(record: &str, fields: &[&str]) -> String {
    let mut wanted = false;
    let mut lines = Vec::new();
    for line in record.lines() {
        if line.len() == 2 && line.starts_with('.') {
            wanted = fields.contains(&line);
        } else if wanted {
            lines.push(line);
        }
    }
    lines.join(" ")
}

/// XQuAD: a question's answer stands in its own paragraph.
fn xquad(path: &Path, language: &str) -> Result<LabelledSet, Box<dyn Error>> {
    let data: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (mut passages, mut questions, mut relevant) = (Vec::new(), Vec::new(), Vec::new());
    for article in list(&data["data"]) {
        for paragraph in list(&article["paragraphs"]) {
            for question in list(&paragraph["qas"]) {
                questions.push(text(&question["question"]));
                relevant.push(vec![passages.len()]);
            }
            passages.push(text(&paragraph["context"]));
        }
    }
    Ok(LabelledSet { name: format!("xquad-{language}"), passages, questions, relevant })
}
