//! Shapes, files, the computation and the proof.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::HashSet;
use std::io::Cursor;

use super::forward::Layer;
use super::numbers::{Q8_BLOCK, from_f16};
use super::*;
use crate::gguf::{GgufHeader, TensorInfo, TensorKind};

const KINDS: [WeightKind; 3] = [WeightKind::F32, WeightKind::F16, WeightKind::Q8_0];

/// What [`TinyModel::for_proof`] generates, however its weights are stored. llama.cpp (of
/// llama-cpp-sys-2 0.1.161) does, with flash attention and without, token by token and in one batch.
const EXPECTED: [u32; PROOF_TOKENS] = [
    70, 73, 300, 274, 47, 171, 213, 152, 233, 92, 34, 151, 241, 295, 56, 275, 31, 241, 278, 116,
    99, 95, 147, 201,
];

fn file_of(model: &TinyModel) -> (Vec<u8>, GgufHeader) {
    let mut file = Vec::new();
    let size_bytes = model.write(&mut file).unwrap();
    assert_eq!(size_bytes, file.len() as u64);
    let header = GgufHeader::read(Cursor::new(&file), size_bytes).unwrap();
    (file, header)
}

fn model(shape: TinyShape, weights: WeightKind) -> TinyModel {
    TinyModel::new(shape, TinyOptions { weights, ..TinyOptions::default() }).unwrap()
}

/// The numbers of a tensor, read from the file's bytes.
fn decoded(file: &[u8], header: &GgufHeader, tensor: &TensorInfo) -> Vec<f32> {
    let begin = (header.data_offset_bytes + tensor.offset_bytes) as usize;
    let data = &file[begin..begin + tensor.size_bytes as usize];
    match tensor.kind {
        TensorKind::F32 => {
            data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        TensorKind::F16 => {
            data.as_chunks().0.iter().map(|bytes| from_f16(u16::from_le_bytes(*bytes))).collect()
        }
        TensorKind::Q8_0 => {
            let block = |block: &[u8; Q8_BLOCK + 2]| {
                let step = from_f16(u16::from_le_bytes([block[0], block[1]]));
                block[2..].iter().map(|byte| f32::from(byte.cast_signed()) * step).collect()
            };
            data.as_chunks().0.iter().flat_map(|bytes| -> Vec<f32> { block(bytes) }).collect()
        }
        other => panic!("{other} is never written"),
    }
}

#[test]
fn a_file_says_what_the_model_is() {
    for weights in KINDS {
        let model = TinyModel::for_proof(weights);
        let (_, header) = file_of(&model);
        let (summary, shape) = (header.summary().unwrap(), model.shape());
        assert_eq!(summary.architecture, "llama");
        assert_eq!(summary.name.as_deref(), Some("Millwright tiny"));
        assert_eq!(summary.licence.as_deref(), Some("apache-2.0"));
        assert_eq!(summary.parameters, shape.parameters());
        assert_eq!(summary.dominant_kind, weights.tensor_kind());
        assert_eq!(summary.quantisation, weights.tensor_kind().name());
        assert_eq!(summary.context_tokens, 2048);
        assert_eq!((summary.layers, summary.heads, summary.kv_heads), (2, 4, 2));
        assert_eq!((summary.key_width, summary.value_width), (16, 16));
        assert_eq!(summary.vocabulary_tokens, 320);
        assert_eq!(summary.chat_template.as_deref(), Some(CHATML));
        // Two layers, two heads, a key and a value of 16 numbers each, of two bytes.
        assert_eq!(summary.kv_bytes_per_token(), 256);
    }
}

#[test]
fn the_template_can_be_left_out() {
    let options = TinyOptions { chat_template: None, ..TinyOptions::default() };
    let model = TinyModel::new(TinyShape::smallest(), options).unwrap();
    assert_eq!(file_of(&model).1.summary().unwrap().chat_template, None);
}

#[test]
fn the_file_holds_the_weights_that_are_computed_with() {
    let tied = TinyShape { output: Output::Tied, ..TinyShape::smallest() };
    for shape in [TinyShape::smallest(), tied] {
        for weights in KINDS {
            let model = model(shape, weights);
            let (file, header) = file_of(&model);
            let tensors = model.tensors();
            assert_eq!(header.tensors.len(), tensors.len());
            for (info, tensor) in header.tensors.iter().zip(&tensors) {
                assert_eq!(info.name, tensor.name);
                assert_eq!(decoded(&file, &header, info), model.stored(tensor), "{}", info.name);
            }
            assert_eq!(header.tensor("output.weight").is_none(), shape.output == Output::Tied);
        }
    }
}

#[test]
fn everything_follows_from_the_seed() {
    let with = |seed| {
        let options = TinyOptions { seed, ..TinyOptions::default() };
        file_of(&TinyModel::new(TinyShape::smallest(), options).unwrap()).0
    };
    assert_eq!(with(5), with(5));
    assert_ne!(with(5), with(6));
    // No two tensors and no two rows are alike.
    let model = TinyModel::for_proof(WeightKind::F32);
    let mut rows = HashSet::new();
    for tensor in model.tensors() {
        for row in model.stored(&tensor).chunks_exact(tensor.row_width as usize) {
            assert!(rows.insert(row.iter().map(|value| value.to_bits()).collect::<Vec<_>>()));
        }
    }
}

#[test]
fn larger_shapes_have_the_size_of_real_models() {
    assert_eq!(TinyShape::m135().parameters(), 134_515_008);
    assert_eq!(TinyShape::b05().parameters(), 494_005_120);
    for shape in [TinyShape::m135(), TinyShape::b05()] {
        let model = model(shape, WeightKind::Q8_0);
        let listed: u64 = model
            .tensors()
            .iter()
            .map(|tensor| u64::from(tensor.rows) * u64::from(tensor.row_width))
            .sum();
        assert_eq!(listed, shape.parameters());
    }
    // One of them written, to nowhere: 34 bytes for each 32 weights, and a header.
    let size_bytes = model(TinyShape::m135(), WeightKind::Q8_0).write(std::io::sink()).unwrap();
    assert!((142_900_000..146_000_000).contains(&size_bytes), "{size_bytes}");
}

#[test]
fn shapes_that_do_not_fit_together_are_refused() {
    let sound = TinyShape::smallest();
    for (field, shape) in [
        ("layers", TinyShape { layers: 0, ..sound }),
        ("width", TinyShape { width: 65, ..sound }),
        ("heads", TinyShape { heads: 0, ..sound }),
        ("heads", TinyShape { heads: 3, ..sound }),
        ("heads", TinyShape { heads: 64, ..sound }),
        ("kv_heads", TinyShape { kv_heads: 3, ..sound }),
        ("kv_heads", TinyShape { kv_heads: 8, ..sound }),
        ("ffn_width", TinyShape { ffn_width: 100, ..sound }),
        ("vocabulary_tokens", TinyShape { vocabulary_tokens: 258, ..sound }),
        ("context_tokens", TinyShape { context_tokens: 0, ..sound }),
    ] {
        let error = TinyModel::new(shape, TinyOptions::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("with {field} ")), "{error}");
    }
}

#[test]
fn what_cannot_be_computed_is_an_error() {
    let large = model(TinyShape::b05(), WeightKind::Q8_0);
    assert!(matches!(Forward::load(&large, Rounding::None), Err(TinyError::TooLarge { .. })));
    let short = TinyShape { context_tokens: 2, ..TinyShape::smallest() };
    let mut forward = Forward::load(&model(short, WeightKind::F32), Rounding::None).unwrap();
    assert!(matches!(forward.greedy(&[], 1), Err(TinyError::NoPrompt)));
    assert!(matches!(forward.step(320), Err(TinyError::Token { token: 320, .. })));
    assert!(matches!(forward.greedy(&[5], 4), Err(TinyError::ContextFull { context_tokens: 2 })));
    forward.reset();
    assert_eq!(forward.greedy(&[5], 2).unwrap().len(), 2);
}

#[test]
fn positions_and_logits_follow_from_the_tokens_so_far() {
    let model = TinyModel::for_proof(WeightKind::F32);
    let mut forward = Forward::load(&model, Rounding::None).unwrap();
    let first = forward.step(70).unwrap();
    let again = forward.step(70).unwrap();
    assert_ne!(first, again, "the same token at another position, after another");
    forward.reset();
    assert_eq!(forward.step(70).unwrap(), first);
    // Control tokens are far from the likeliest.
    assert!(first[..3].iter().all(|logit| logit.abs() < 3.0), "{:?}", &first[..3]);
}

#[test]
fn logits_are_spread_as_in_real_models() {
    let tied = TinyShape { output: Output::Tied, ..TinyShape::smallest() };
    for shape in [TinyShape::smallest(), tied] {
        let mut forward = Forward::load(&model(shape, WeightKind::F32), Rounding::None).unwrap();
        let logits = forward.step(70).unwrap();
        let spread = (logits.iter().map(|logit| logit * logit).sum::<f32>() / 320.0).sqrt();
        assert!((3.0..5.0).contains(&spread), "{spread}");
    }
}

#[test]
fn the_proof_is_what_it_was() {
    for weights in KINDS {
        let proof = Proof::of(&TinyModel::for_proof(weights)).unwrap();
        assert_eq!(proof.prompt, tokenise("Which pump feeds line 3?"));
        assert_eq!(proof.tokens(), EXPECTED, "{weights:?}");
        proof.check(&EXPECTED).unwrap();
        let distinct: HashSet<u32> = EXPECTED.into_iter().collect();
        assert!(distinct.len() >= 16, "repetitions prove little");
        assert!(EXPECTED.iter().all(|token| *token >= BYTE_TOKENS_BEGIN), "none ends the text");
    }
}

#[test]
fn what_differs_from_the_proof_is_told() {
    let proof = Proof::of(&TinyModel::for_proof(WeightKind::F32)).unwrap();
    let mut generated = EXPECTED;
    generated[7] = 9;
    let error = proof.check(&generated).unwrap_err();
    assert!(matches!(error, TinyError::Proof { index: 7, found: Some(9), wanted: 152 }), "{error}");
    let error = proof.check(&EXPECTED[..5]).unwrap_err();
    assert!(matches!(error, TinyError::Proof { index: 5, found: None, .. }), "{error}");
}

#[test]
fn margins_are_far_above_what_rounding_does() {
    // Measured, smallest margin and root mean square of what rounding does: 0.774 and 0.0024, 0.770
    // and 0.0037, 0.719 and 0.088. llama.cpp with flash attention is off by 0.0044, 0.0053 and 0.086.
    for (weights, margin, times) in
        [(WeightKind::F32, 0.7, 100.0), (WeightKind::F16, 0.7, 100.0), (WeightKind::Q8_0, 0.7, 5.0)]
    {
        let model = TinyModel::for_proof(weights);
        let proof = Proof::of(&model).unwrap();
        assert!(proof.least_margin() > margin, "{weights:?}: {}", proof.least_margin());
        let mut exact = Forward::load(&model, Rounding::None).unwrap();
        let mut rounded = Forward::load(&model, Rounding::AsGgml).unwrap();
        let (mut squares, mut count) = (0.0, 0.0);
        for token in proof.prompt.iter().chain(&EXPECTED) {
            for (a, b) in exact.step(*token).unwrap().iter().zip(rounded.step(*token).unwrap()) {
                squares += (a - b) * (a - b);
                count += 1.0;
            }
        }
        let deviation = (squares / count).sqrt();
        assert!(deviation > 0.0, "rounding changes something");
        assert!(proof.least_margin() > times * deviation, "{weights:?}: {deviation}");
        rounded.reset();
        let choices = rounded.greedy(&proof.prompt, PROOF_TOKENS).unwrap();
        assert_eq!(choices.iter().map(|choice| choice.token).collect::<Vec<_>>(), EXPECTED);
    }
}

/// What a kernel gets wrong, played by changed weights.
type Fault<'f> = (&'static str, &'f dyn Fn(&mut Layer));

#[test]
fn a_kernel_that_computes_something_else_does_not_pass() {
    let width = TinyShape::smallest().width as usize;
    let head = TinyShape::smallest().head_width() as usize;
    // Rotating halves instead of neighbours is rotating neighbours of rows in another order.
    let halves = move |matrix: &mut Vec<f32>| {
        let old = matrix.clone();
        for (index, row) in matrix.chunks_exact_mut(width).enumerate() {
            let (begin, place) = (index / head * head, index % head);
            let from = begin + place % 2 * (head / 2) + place / 2;
            row.copy_from_slice(&old[from * width..(from + 1) * width]);
        }
    };
    let swap_heads = move |matrix: &mut Vec<f32>| matrix.rotate_left(head * width);
    let faults: [Fault<'_>; 6] = [
        ("rotary positions of the other kind", &|layer| {
            halves(&mut layer.query);
            halves(&mut layer.key);
        }),
        ("keys and values of the other head", &|layer| {
            swap_heads(&mut layer.key);
            swap_heads(&mut layer.value);
        }),
        ("scores that are all the same", &|layer| layer.query.fill(0.0)),
        ("scores twice as large", &|layer| layer.query.iter_mut().for_each(|w| *w *= 2.0)),
        ("the gate and what it gates exchanged", &|layer| {
            std::mem::swap(&mut layer.gate, &mut layer.up);
        }),
        ("one row of one matrix", &|layer| layer.up[..width].fill(0.0)),
    ];
    for (fault, apply) in faults {
        let model = TinyModel::for_proof(WeightKind::F32);
        let proof = Proof::of(&model).unwrap();
        let mut forward = Forward::load(&model, Rounding::None).unwrap();
        forward.layers_mut().iter_mut().for_each(apply);
        let choices = forward.greedy(&proof.prompt, PROOF_TOKENS).unwrap();
        let generated: Vec<u32> = choices.iter().map(|choice| choice.token).collect();
        assert!(proof.check(&generated).is_err(), "{fault}");
    }
}
