//! The labelled sets and the metrics.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use base::ChunkId;
use serde::Deserialize;

/// A text of the collection.
pub(crate) struct Passage {
    /// Empty where the set has none.
    pub(crate) title: String,
    /// May be empty.
    pub(crate) text: String,
}

/// Passages, questions, and which passages answer which question.
pub(crate) struct LabelledSet {
    /// Rows are the ids.
    pub(crate) passages: Vec<Passage>,
    /// In words.
    pub(crate) questions: Vec<String>,
    /// Rows of relevant passages, by question.
    relevant: Vec<HashSet<usize>>,
}

/// Means over the questions that have a relevant passage.
#[derive(Clone, Copy)]
pub(crate) struct Figures {
    /// Normalised discounted cumulative gain of the first ten, gains 0 and 1.
    pub(crate) ndcg_10: f64,
    /// Mean reciprocal rank of the first relevant one.
    pub(crate) mrr: f64,
    /// Share of the relevant ones among the first hundred.
    pub(crate) recall_100: f64,
}

impl LabelledSet {
    /// Reads the set `name` from below `folder`; `None` when a file is absent.
    pub(crate) fn load(folder: &Path, name: &str) -> Option<Self> {
        match name.split_once('-') {
            Some((_, language)) => Self::xquad(
                &fs::read_to_string(folder.join(format!("xquad/xquad.{language}.json"))).ok()?,
            ),
            None => Self::cranfield(&folder.join(name)),
        }
    }

    fn xquad(json: &str) -> Option<Self> {
        let mut set = Self { passages: Vec::new(), questions: Vec::new(), relevant: Vec::new() };
        for paragraph in articles(json)?.into_iter().flatten() {
            for asked in paragraph.questions {
                set.questions.push(asked.question);
                set.relevant.push(HashSet::from([set.passages.len()]));
            }
            set.passages.push(Passage { title: String::new(), text: paragraph.text });
        }
        Some(set)
    }

    fn cranfield(folder: &Path) -> Option<Self> {
        let passages: Vec<Passage> =
            records(&fs::read_to_string(folder.join("cran.all.1400")).ok()?)
                .into_iter()
                .map(|mut fields| Passage {
                    title: fields.remove(&'T').unwrap_or_default(),
                    text: fields.remove(&'W').unwrap_or_default(),
                })
                .collect();
        let questions: Vec<String> = records(&fs::read_to_string(folder.join("cran.qry")).ok()?)
            .into_iter()
            .map(|mut fields| fields.remove(&'W').unwrap_or_default())
            .collect();
        let mut relevant = vec![HashSet::new(); questions.len()];
        for line in fs::read_to_string(folder.join("cranqrel")).ok()?.lines() {
            // Questions are counted, not called by their number in cran.qry.
            let mut numbers = line.split_whitespace().map(str::parse::<i32>);
            let (question, passage, grade) =
                (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
            let passage = usize::try_from(passage).ok()?.checked_sub(1)?;
            let has_text = passages.get(passage).is_some_and(|p| !p.text.is_empty());
            if (1..=4).contains(&grade) && has_text {
                relevant.get_mut(usize::try_from(question).ok()?.checked_sub(1)?)?.insert(passage);
            }
        }
        Some(Self { passages, questions, relevant })
    }

    /// The figures of ranked lists, one for each question.
    pub(crate) fn figures(&self, ranked: &[Vec<ChunkId>]) -> Figures {
        let (mut ndcg_10, mut mrr, mut recall_100, mut questions) = (0.0, 0.0, 0.0, 0.0);
        for (ranked, relevant) in ranked.iter().zip(&self.relevant) {
            if relevant.is_empty() {
                continue;
            }
            let is_relevant =
                |id: &ChunkId| usize::try_from(id.0).is_ok_and(|row| relevant.contains(&row));
            let gain: f64 = (0..)
                .zip(ranked.iter().take(10))
                .filter(|(_, id)| is_relevant(id))
                .map(|(rank, _)| discount(rank))
                .sum();
            let ideal: f64 = (0..).take(relevant.len().min(10)).map(discount).sum();
            ndcg_10 += gain / ideal;
            let first = (1_u32..).zip(ranked).find(|(_, id)| is_relevant(id));
            mrr += first.map_or(0.0, |(rank, _)| 1.0 / f64::from(rank));
            let found = ranked.iter().take(100).filter(|id| is_relevant(id)).count();
            recall_100 += found as f64 / relevant.len() as f64;
            questions += 1.0;
        }
        Figures {
            ndcg_10: ndcg_10 / questions,
            mrr: mrr / questions,
            recall_100: recall_100 / questions,
        }
    }
}

/// A paragraph of XQuAD.
pub(crate) struct Paragraph {
    pub(crate) text: String,
    pub(crate) questions: Vec<Asked>,
}

/// A question of XQuAD.
pub(crate) struct Asked {
    pub(crate) question: String,
    /// Where the answer begins in the paragraph, in characters, and how long it is.
    pub(crate) answer: (usize, usize),
}

/// The articles of an XQuAD file.
pub(crate) fn articles(json: &str) -> Option<Vec<Vec<Paragraph>>> {
    #[derive(Deserialize)]
    struct File {
        data: Vec<Article>,
    }
    #[derive(Deserialize)]
    struct Article {
        paragraphs: Vec<Context>,
    }
    #[derive(Deserialize)]
    struct Context {
        context: String,
        qas: Vec<Question>,
    }
    #[derive(Deserialize)]
    struct Question {
        question: String,
        answers: Vec<Answer>,
    }
    #[derive(Deserialize)]
    struct Answer {
        text: String,
        answer_start: usize,
    }
    let file: File = serde_json::from_str(json).ok()?;
    let asked = |question: Question| {
        let answer = question.answers.into_iter().next()?;
        let answer = (answer.answer_start, answer.text.chars().count());
        Some(Asked { question: question.question, answer })
    };
    let paragraph = |context: Context| {
        let questions = context.qas.into_iter().map(asked).collect::<Option<_>>()?;
        Some(Paragraph { text: context.context, questions })
    };
    let article = |article: Article| article.paragraphs.into_iter().map(paragraph).collect();
    file.data.into_iter().map(article).collect()
}

/// Discount of the rank counted from 0 (Järvelin and Kekäläinen, 2002).
fn discount(rank: u32) -> f64 {
    1.0 / f64::from(rank + 2).log2()
}

/// Records of the SMART format: `.I` begins one, `.T`, `.A`, `.B` and `.W` begin a field.
fn records(text: &str) -> Vec<HashMap<char, String>> {
    let mut records: Vec<HashMap<char, String>> = Vec::new();
    let mut field = ' ';
    for line in text.lines() {
        let mut chars = line.chars();
        match (chars.next(), chars.next(), chars.next()) {
            (Some('.'), Some('I'), Some(' ')) => {
                records.push(HashMap::new());
                field = ' ';
            }
            (Some('.'), Some(name @ ('T' | 'A' | 'B' | 'W')), None) => field = name,
            _ => {
                if let Some(record) = records.last_mut() {
                    let text = record.entry(field).or_default();
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(line.trim());
                }
            }
        }
    }
    records
}
