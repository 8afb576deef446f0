//! Models that are made for embedding and reranking: the built-in embedder's own weights as a file for llama.cpp,
//! and a small reranker beside a plain calculation of what it must say.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use engine::gguf::{Array, GgufWriter, TensorKind, Value, ValueKind};
use models::{ModelError, ModelPurpose, TextKind};
use safetensors::SafeTensors;

use crate::plant::{PATIENTLY, Plant, raw};

/// Ids of the tokens that frame texts.
const UNKNOWN: u32 = 0;
const CLASS: u32 = 1;
const SEPARATOR: u32 = 2;

/// As llama.cpp's `pooling_type` has them.
const MEAN: u32 = 1;
const RANK: u32 = 4;

/// A BERT as llama.cpp wants it.
struct Bert {
    name: &'static str,
    width: u32,
    layers: u32,
    heads: u32,
    positions: u32,
    pooling: u32,
    epsilon: f32,
    /// Words as a WordPiece vocabulary has them; `##` before those that go on with one.
    vocabulary: Vec<String>,
    /// Ids of `[UNK]`, `[CLS]` and `[SEP]`.
    special: [u32; 3],
    /// By name: dimensions, the innermost first, and numbers.
    tensors: BTreeMap<String, (Vec<u64>, Vec<f32>)>,
}

impl Bert {
    fn write(&self, path: &Path) {
        let mut plan = GgufWriter::new();
        let mut add = |key: &str, value: Value| plan.metadata(key, value).unwrap();
        add("general.architecture", Value::String("bert".to_owned()));
        add("general.name", Value::String(self.name.to_owned()));
        for (key, value) in [
            ("context_length", self.positions),
            ("embedding_length", self.width),
            ("block_count", self.layers),
            ("feed_forward_length", 4 * self.width),
            ("attention.head_count", self.heads),
            ("pooling_type", self.pooling),
        ] {
            add(&format!("bert.{key}"), Value::U32(value));
        }
        add("bert.attention.layer_norm_epsilon", Value::F32(self.epsilon));
        add("bert.attention.causal", Value::Bool(false));
        // As the converters of llama.cpp write it: a word begins with a mark instead of going on with one.
        let (texts, kinds): (Vec<_>, Vec<_>) = self
            .vocabulary
            .iter()
            .map(|word| match word.strip_prefix("##") {
                Some(rest) => (Value::String(rest.to_owned()), Value::I32(1)),
                None if word.starts_with('[') && word.ends_with(']') && word.len() > 2 => {
                    (Value::String(word.clone()), Value::I32(3))
                }
                None => (Value::String(format!("\u{2581}{word}")), Value::I32(1)),
            })
            .unzip();
        add("tokenizer.ggml.model", Value::String("bert".to_owned()));
        add("tokenizer.ggml.pre", Value::String("jina-v2-en".to_owned()));
        add("tokenizer.ggml.token_type_count", Value::U32(2));
        let [unknown, class, separator] = self.special;
        add("tokenizer.ggml.unknown_token_id", Value::U32(unknown));
        add("tokenizer.ggml.bos_token_id", Value::U32(class));
        add("tokenizer.ggml.seperator_token_id", Value::U32(separator));
        plan.metadata("tokenizer.ggml.tokens", Array::of(ValueKind::String, texts)).unwrap();
        plan.metadata("tokenizer.ggml.token_type", Array::of(ValueKind::I32, kinds)).unwrap();
        for (name, (dimensions, _)) in &self.tensors {
            plan.tensor(name, dimensions.clone(), TensorKind::F32).unwrap();
        }
        let out = BufWriter::new(File::create(path).unwrap());
        let written = plan.write(out, |info, out| {
            let (_, numbers) = &self.tensors[&info.name];
            numbers.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
        });
        written.unwrap();
    }

    /// The built-in embedder, as its own file has it.
    fn mini_lm() -> Self {
        let file = std::fs::read(env!("MILLWRIGHT_MINILM_MODEL")).unwrap();
        let tensors = SafeTensors::deserialize(&file).unwrap();
        let tokenizer = std::fs::read(env!("MILLWRIGHT_MINILM_TOKENIZER")).unwrap();
        let tokenizer: serde_json::Value = serde_json::from_slice(&tokenizer).unwrap();
        let words = tokenizer["model"]["vocab"].as_object().unwrap();
        let mut vocabulary = vec![String::new(); words.len()];
        for (word, id) in words {
            vocabulary[usize::try_from(id.as_u64().unwrap()).unwrap()] = word.clone();
        }
        let mut bert = Self {
            name: "all-MiniLM-L6-v2",
            width: 384,
            layers: 6,
            heads: 12,
            positions: 512,
            pooling: MEAN,
            epsilon: 1e-12,
            vocabulary,
            special: [100, 101, 102],
            tensors: BTreeMap::new(),
        };
        let mut take = |name: String, source: &str| {
            let tensor = tensors.tensor(source).unwrap();
            let dimensions = tensor.shape().iter().rev().map(|n| *n as u64).collect();
            let numbers = tensor.data().as_chunks::<4>().0.iter();
            let numbers = numbers.map(|word| f32::from_le_bytes(*word)).collect();
            bert.tensors.insert(name, (dimensions, numbers));
        };
        for (name, source) in [
            ("token_embd.weight", "embeddings.word_embeddings.weight"),
            ("position_embd.weight", "embeddings.position_embeddings.weight"),
            ("token_types.weight", "embeddings.token_type_embeddings.weight"),
            ("token_embd_norm.weight", "embeddings.LayerNorm.weight"),
            ("token_embd_norm.bias", "embeddings.LayerNorm.bias"),
        ] {
            take(name.to_owned(), source);
        }
        for layer in 0..6 {
            for (name, source) in [
                ("attn_q", "attention.self.query"),
                ("attn_k", "attention.self.key"),
                ("attn_v", "attention.self.value"),
                ("attn_output", "attention.output.dense"),
                ("attn_output_norm", "attention.output.LayerNorm"),
                ("ffn_up", "intermediate.dense"),
                ("ffn_down", "output.dense"),
                ("layer_output_norm", "output.LayerNorm"),
            ] {
                for part in ["weight", "bias"] {
                    let source = format!("encoder.layer.{layer}.{source}.{part}");
                    take(format!("blk.{layer}.{name}.{part}"), &source);
                }
            }
        }
        bert
    }

    /// A small reranker of random weights.
    fn reranker() -> Self {
        let (width, inner, layers, positions) = (32_u64, 128_u64, 2_u32, 64_u32);
        let words = ["which", "pump", "has", "the", "torque", "25", "nm", "wear", "gloves", "##s"];
        let special = ["[UNK]", "[CLS]", "[SEP]"];
        let vocabulary: Vec<String> =
            special.iter().chain(&words).map(|word| (*word).to_owned()).collect();
        let mut random = 11_u64;
        let mut even = || {
            // The generator of Knuth's MMIX; its high bits are good enough for noise.
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
        };
        let mut tensors = BTreeMap::new();
        let mut add = |name: String, dimensions: Vec<u64>, middle: f32, spread: f32| {
            let count: u64 = dimensions.iter().product();
            let numbers = (0..count).map(|_| middle + spread * even()).collect();
            tensors.insert(name, (dimensions, numbers));
        };
        let tokens = vocabulary.len() as u64;
        add("token_embd.weight".into(), vec![width, tokens], 0.0, 1.0);
        add("position_embd.weight".into(), vec![width, positions.into()], 0.0, 0.3);
        add("token_types.weight".into(), vec![width, 2], 0.0, 0.3);
        add("token_embd_norm.weight".into(), vec![width], 1.0, 0.1);
        add("token_embd_norm.bias".into(), vec![width], 0.0, 0.1);
        for layer in 0..layers {
            for (name, from, to) in [
                ("attn_q", width, width),
                ("attn_k", width, width),
                ("attn_v", width, width),
                ("attn_output", width, width),
                ("ffn_up", width, inner),
                ("ffn_down", inner, width),
            ] {
                let spread = 2.0 / (from as f32).sqrt();
                add(format!("blk.{layer}.{name}.weight"), vec![from, to], 0.0, spread);
                add(format!("blk.{layer}.{name}.bias"), vec![to], 0.0, 0.1);
            }
            for name in ["attn_output_norm", "layer_output_norm"] {
                add(format!("blk.{layer}.{name}.weight"), vec![width], 1.0, 0.1);
                add(format!("blk.{layer}.{name}.bias"), vec![width], 0.0, 0.1);
            }
        }
        add("cls.weight".into(), vec![width, width], 0.0, 0.3);
        add("cls.bias".into(), vec![width], 0.0, 0.1);
        add("cls.output.weight".into(), vec![width, 1], 0.0, 1.0);
        add("cls.output.bias".into(), vec![1], 0.0, 1.0);
        Self {
            name: "Small judge",
            width: 32,
            layers,
            heads: 4,
            positions,
            pooling: RANK,
            epsilon: 1e-12,
            vocabulary,
            special: [UNKNOWN, CLASS, SEPARATOR],
            tensors,
        }
    }

    fn numbers(&self, name: &str) -> &[f32] {
        &self.tensors[name].1
    }

    /// `x` times a matrix, plus its bias.
    fn linear(&self, name: &str, x: &[f32]) -> Vec<f32> {
        let weights = self.numbers(&format!("{name}.weight"));
        let bias = self.numbers(&format!("{name}.bias"));
        let row = |out: usize| &weights[out * x.len()..(out + 1) * x.len()];
        (0..bias.len())
            .map(|out| bias[out] + row(out).iter().zip(x).map(|(a, b)| a * b).sum::<f32>())
            .collect()
    }

    fn norm(&self, name: &str, x: &[f32]) -> Vec<f32> {
        let (weight, bias) =
            (self.numbers(&format!("{name}.weight")), self.numbers(&format!("{name}.bias")));
        let mean = x.iter().sum::<f32>() / x.len() as f32;
        let variance = x.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / x.len() as f32;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        (0..x.len()).map(|i| (x[i] - mean) * scale * weight[i] + bias[i]).collect()
    }

    /// What the tokens of a text mean, by plain loops (Devlin et al. 2019).
    fn forward(&self, tokens: &[u32]) -> Vec<Vec<f32>> {
        let width = self.width as usize;
        let row = |name: &str, at: usize| self.numbers(name)[at * width..(at + 1) * width].to_vec();
        let mut states: Vec<Vec<f32>> = tokens
            .iter()
            .enumerate()
            .map(|(position, token)| {
                let word = row("token_embd.weight", *token as usize);
                let place = row("position_embd.weight", position);
                let kind = row("token_types.weight", 0);
                let sum: Vec<f32> = (0..width).map(|i| word[i] + place[i] + kind[i]).collect();
                self.norm("token_embd_norm", &sum)
            })
            .collect();
        for layer in 0..self.layers {
            let name = |part: &str| format!("blk.{layer}.{part}");
            let all = |part: &str| -> Vec<Vec<f32>> {
                states.iter().map(|state| self.linear(&name(part), state)).collect()
            };
            let (queries, keys, values) = (all("attn_q"), all("attn_k"), all("attn_v"));
            let mixed: Vec<Vec<f32>> =
                queries.iter().map(|q| self.attend(q, &keys, &values)).collect();
            states = (0..states.len())
                .map(|at| {
                    let out = self.linear(&name("attn_output"), &mixed[at]);
                    let sum: Vec<f32> = (0..width).map(|i| out[i] + states[at][i]).collect();
                    let state = self.norm(&name("attn_output_norm"), &sum);
                    let up = self.linear(&name("ffn_up"), &state);
                    let up: Vec<f32> = up.into_iter().map(gelu).collect();
                    let down = self.linear(&name("ffn_down"), &up);
                    let sum: Vec<f32> = (0..width).map(|i| down[i] + state[i]).collect();
                    self.norm(&name("layer_output_norm"), &sum)
                })
                .collect();
        }
        states
    }

    fn attend(&self, query: &[f32], keys: &[Vec<f32>], values: &[Vec<f32>]) -> Vec<f32> {
        let head_width = (self.width / self.heads) as usize;
        let mut mixed = Vec::with_capacity(query.len());
        for head in 0..self.heads as usize {
            let part = head * head_width..(head + 1) * head_width;
            let scores: Vec<f32> = keys
                .iter()
                .map(|key| {
                    let dot =
                        query[part.clone()].iter().zip(&key[part.clone()]).map(|(a, b)| a * b);
                    dot.sum::<f32>() / (head_width as f32).sqrt()
                })
                .collect();
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f32 = weights.iter().sum();
            mixed.extend(part.map(|i| {
                let sum: f32 = weights.iter().zip(values).map(|(weight, v)| weight * v[i]).sum();
                sum / total
            }));
        }
        mixed
    }

    /// What a reranker says of a question and a text.
    fn relevance(&self, query: &[u32], text: &[u32]) -> f32 {
        let tokens: Vec<u32> = [&[CLASS], query, &[SEPARATOR], text, &[SEPARATOR]].concat();
        let states = self.forward(&tokens);
        let pooled: Vec<f32> = self.linear("cls", &states[0]).into_iter().map(f32::tanh).collect();
        self.linear("cls.output", &pooled)[0]
    }

    /// Ids of words that stand in the vocabulary.
    fn ids(&self, text: &str) -> Vec<u32> {
        let id = |word: &str| self.vocabulary.iter().position(|known| known == word).unwrap();
        text.split(' ').map(|word| u32::try_from(id(word)).unwrap()).collect()
    }
}

/// Hendrycks and Gimpel 2016, by the tangent.
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044_715 * x * x * x)).tanh())
}

#[tokio::test]
async fn the_built_in_embedders_weights_give_its_vectors_by_llama_cpp_too() {
    let plant = Plant::with(|path| Bert::mini_lm().write(path)).await;
    let file = File::open(&plant.path).unwrap();
    let facts = plant.worker.inspect_model(file.into(), PATIENTLY.timeout).await.unwrap();
    assert_eq!((facts.purpose, facts.embedding_width), (ModelPurpose::Embed, 384));
    let texts: Vec<String> = [
        "Which pump moves cooling water to the crane?",
        "Tighten the bolts of P-101 with 25 Nm.",
        "Die Kreiselpumpe fördert Kühlwasser.",
        "6ES7 315-2EH14-0AB0",
        "x",
    ]
    .map(str::to_owned)
    .to_vec();
    let by_model = plant
        .worker
        .model_embed(plant.model, texts.clone(), TextKind::Passage, PATIENTLY)
        .await
        .unwrap()
        .unwrap();
    let built_in = plant
        .worker
        .embed(texts.clone(), TextKind::Passage, PATIENTLY.priority, PATIENTLY.timeout)
        .await
        .unwrap();
    for ((text, a), b) in texts.iter().zip(&by_model).zip(&built_in) {
        // The built-in embedder counts with integers of 8 bits.
        assert!(a.dot(b) > 0.98, "{text}: {}", a.dot(b));
    }
    assert!(by_model[0].dot(&by_model[4]) < 0.5);
    // Texts beside it change nothing; a text longer than the window is cut.
    let alone = vec![texts[1].clone(), "pump ".repeat(5000)];
    let alone = plant.worker.model_embed(plant.model, alone, TextKind::Passage, PATIENTLY);
    assert_eq!(alone.await.unwrap().unwrap()[0], by_model[1]);
}

#[tokio::test]
async fn a_reranker_says_what_plain_loops_say() {
    let bert = Bert::reranker();
    let plant = Plant::with(|path| bert.write(path)).await;
    let (query, texts) =
        ("which pump has torque 25 nm", ["the pump has torque 25 nm", "wear gloves", "pump"]);
    let said = plant
        .worker
        .rerank(plant.model, query.to_owned(), texts.map(str::to_owned).to_vec(), PATIENTLY)
        .await
        .unwrap()
        .unwrap();
    let wanted = texts.map(|text| bert.relevance(&bert.ids(query), &bert.ids(text)));
    for (said, wanted) in said.iter().zip(wanted) {
        assert!((said - wanted).abs() < 2e-2, "{said} for {wanted}");
    }
    assert!((wanted[0] - wanted[1]).abs() > 0.1, "they must differ by more: {wanted:?}");
    // The end of a text that has no room is not looked at.
    let long = vec!["pump ".repeat(4000), "pump ".repeat(5000)];
    let long = plant.worker.rerank(plant.model, query.to_owned(), long, PATIENTLY);
    let long = long.await.unwrap().unwrap();
    assert_eq!(long[0], long[1]);
}

#[tokio::test]
async fn a_model_refuses_what_it_is_not_made_for() {
    let refused = |error: ModelError| match error {
        ModelError::ModelRefused { reason } => reason,
        other => panic!("{other:?}"),
    };
    let judge = Plant::with(|path| Bert::reranker().write(path)).await;
    let texts = || vec!["pump".to_owned()];
    let asked = judge.worker.model_embed(judge.model, texts(), TextKind::Query, PATIENTLY).await;
    assert_eq!(refused(asked.unwrap_err()), "it is made for reranking");
    let asked = judge.worker.generate(judge.model, &raw("pump", 4), PATIENTLY, None).await;
    assert_eq!(refused(asked.unwrap_err()), "it is made for reranking");
    let writer = Plant::new().await;
    let asked = writer.worker.rerank(writer.model, "pump".to_owned(), texts(), PATIENTLY).await;
    assert_eq!(refused(asked.unwrap_err()), "it is made for writing");
    // Vectors that are too short say so when the file is looked at.
    let short = Plant::refused(|path| {
        Bert { pooling: MEAN, tensors: without_head(), ..Bert::reranker() }.write(path);
    });
    let reason = short.await;
    assert_eq!(reason, "its vectors have 32 numbers, and 384 are kept of each");
}

/// The small reranker's tensors without those that make it one.
fn without_head() -> BTreeMap<String, (Vec<u64>, Vec<f32>)> {
    let mut tensors = Bert::reranker().tensors;
    tensors.retain(|name, _| !name.starts_with("cls"));
    tensors
}
