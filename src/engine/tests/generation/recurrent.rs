//! A model that can't go back in what it has read: states are kept where prompts part.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use engine::gguf::{Array, GgufWriter, TensorKind, Value, ValueKind};
use engine::tiny::{END_OF_MESSAGE, END_OF_TEXT, listed};
use models::PrefixScope;

use crate::plant::{Plant, raw};

const WIDTH: u64 = 64;
const INNER: u64 = 2 * WIDTH;
const STATE: u64 = 16;
const STEP_RANK: u64 = 4;
const KERNEL: u64 = 4;
const TOKENS: u32 = 320;
const LAYERS: u32 = 2;

/// A tensor: its name, its dimensions, and where its numbers lie: the middle, and how far from it.
type Tensor = (String, Vec<u64>, (f32, f32));

fn tensors() -> Vec<Tensor> {
    let matrix = |name: &str, from: u64, to: u64| {
        (name.to_owned(), vec![from, to], (0.0, 2.0 / (from as f32).sqrt()))
    };
    let mut list = vec![
        ("token_embd.weight".to_owned(), vec![WIDTH, TOKENS.into()], (0.0, 1.0)),
        ("output_norm.weight".to_owned(), vec![WIDTH], (1.0, 0.2)),
    ];
    for layer in 0..LAYERS {
        let of = |part: &str| format!("blk.{layer}.{part}");
        list.push((of("attn_norm.weight"), vec![WIDTH], (1.0, 0.2)));
        list.push(matrix(&of("ssm_in.weight"), WIDTH, 2 * INNER));
        list.push((of("ssm_conv1d.weight"), vec![KERNEL, INNER], (0.0, 0.8)));
        list.push((of("ssm_conv1d.bias"), vec![INNER], (0.0, 0.1)));
        list.push(matrix(&of("ssm_x.weight"), INNER, STEP_RANK + 2 * STATE));
        list.push(matrix(&of("ssm_dt.weight"), STEP_RANK, INNER));
        // Small steps: what was read long ago still counts.
        list.push((of("ssm_dt.bias"), vec![INNER], (-4.0, 0.5)));
        list.push((of("ssm_a"), vec![STATE, INNER], (-1.0, 0.9)));
        list.push((of("ssm_d"), vec![INNER], (1.0, 0.2)));
        list.push(matrix(&of("ssm_out.weight"), INNER, WIDTH));
    }
    list
}

/// Writes a model of the architecture `mamba`, of random weights.
fn write(path: &Path) {
    let mut plan = GgufWriter::new();
    let mut add = |key: &str, value: Value| plan.metadata(key, value).unwrap();
    add("general.architecture", Value::String("mamba".to_owned()));
    for (key, value) in [
        ("vocab_size", TOKENS),
        ("context_length", 8192),
        ("embedding_length", WIDTH as u32),
        ("block_count", LAYERS),
        ("feed_forward_length", 0),
        ("attention.head_count", 0),
        ("ssm.conv_kernel", KERNEL as u32),
        ("ssm.inner_size", INNER as u32),
        ("ssm.state_size", STATE as u32),
        ("ssm.time_step_rank", STEP_RANK as u32),
    ] {
        add(&format!("mamba.{key}"), Value::U32(value));
    }
    add("mamba.attention.layer_norm_rms_epsilon", Value::F32(1e-5));
    let (texts, types): (Vec<_>, Vec<_>) =
        (0..TOKENS).map(listed).map(|(text, kind)| (Value::String(text), Value::I32(kind))).unzip();
    add("tokenizer.ggml.model", Value::String("gpt2".to_owned()));
    add("tokenizer.ggml.pre", Value::String("qwen2".to_owned()));
    plan.metadata("tokenizer.ggml.tokens", Array::of(ValueKind::String, texts)).unwrap();
    plan.metadata("tokenizer.ggml.token_type", Array::of(ValueKind::I32, types)).unwrap();
    plan.metadata("tokenizer.ggml.merges", Array::of(ValueKind::String, Vec::new())).unwrap();
    plan.metadata("tokenizer.ggml.bos_token_id", END_OF_TEXT).unwrap();
    plan.metadata("tokenizer.ggml.eos_token_id", END_OF_MESSAGE).unwrap();
    plan.metadata("tokenizer.ggml.add_bos_token", false).unwrap();
    let tensors = tensors();
    for (name, dimensions, _) in &tensors {
        plan.tensor(name, dimensions.clone(), TensorKind::F32).unwrap();
    }
    let mut random = 7_u64;
    let mut even = || {
        // The generator of Knuth's MMIX; its high bits are good enough for noise.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    let mut next = tensors.iter();
    let out = BufWriter::new(File::create(path).unwrap());
    let written = plan.write(out, |info, out| {
        let (name, dimensions, (middle, spread)) = next.next().unwrap();
        assert_eq!(name, &info.name);
        let count: u64 = dimensions.iter().product();
        (0..count).try_for_each(|_| -> io::Result<()> {
            out.write_all(&(middle + spread * even()).to_le_bytes())
        })
    });
    written.unwrap();
}

async fn plant() -> Plant {
    Plant::with(write).await
}

#[tokio::test]
async fn a_prompt_goes_on_from_the_state_where_it_parts_from_earlier_ones() {
    let instructions = "Answer from the evidence alone, and name it. ".repeat(20);
    let question = |text: &str| raw(&format!("{instructions}{text}"), 24);
    let (first, second, third) =
        (question("Which torque?"), question("Which pump is it?"), question("Which year was it?"));
    let plant = plant().await;
    let told = plant.generate(&first).await.unwrap();
    assert_eq!(told.usage.cached_tokens, 0);
    assert_eq!(told.usage.completion_tokens, 24, "{told:?}");
    // Where they part is known with the second, so that the third has it.
    assert_eq!(plant.generate(&second).await.unwrap().usage.cached_tokens, 0);
    let warm = plant.generate(&third).await.unwrap();
    let shared = instructions.len();
    let cached = warm.usage.cached_tokens as usize;
    assert!((shared..=shared + "Which ".len()).contains(&cached), "{cached} of {shared}");
    // The same question again needs its last token alone.
    let again = plant.generate(&third).await.unwrap();
    assert_eq!(again.usage.cached_tokens + 1, again.usage.prompt_tokens);
    assert_eq!(again.text, warm.text);
    // From the state comes what would have been computed.
    let fresh = self::plant().await;
    assert_eq!(fresh.generate(&third).await.unwrap().text, warm.text);
    // And another tenant has nothing of it.
    let mut other = third;
    other.scope = PrefixScope([9; 16]);
    assert_eq!(plant.generate(&other).await.unwrap().usage.cached_tokens, 0);
}

#[tokio::test]
async fn many_at_once_share_states_and_write_what_each_would_alone() {
    let instructions = "Answer from the evidence alone, and name it. ".repeat(8);
    let inputs: Vec<_> =
        (0..12).map(|i| raw(&format!("{instructions}Question number {i}?"), 8)).collect();
    let plant = plant().await;
    let mut alone = Vec::new();
    for input in &inputs {
        alone.push(plant.generate(input).await.unwrap().text);
    }
    let together =
        futures_util::future::join_all(inputs.iter().map(|input| plant.generate(input))).await;
    for (text, alone) in together.into_iter().zip(alone) {
        assert_eq!(text.unwrap().text, alone);
    }
}
