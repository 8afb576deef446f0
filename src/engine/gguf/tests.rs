//! Files made by hand, one for each thing that is refused.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::Cursor;

use super::*;

/// The bytes of a file, put together without the writer.
#[derive(Default)]
struct Raw(Vec<u8>);

impl Raw {
    fn header(tensors: u64, entries: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(3).u64(tensors).u64(entries)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u32(self, number: u32) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    fn u64(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    fn text(self, text: &str) -> Self {
        self.u64(text.len() as u64).bytes(text.as_bytes())
    }

    fn tensor(self, name: &str, shape: &[u64], kind: u32, offset: u64) -> Self {
        let raw = self.text(name).u32(shape.len() as u32);
        shape.iter().fold(raw, |raw, dimension| raw.u64(*dimension)).u32(kind).u64(offset)
    }

    fn data(mut self, size: usize) -> Self {
        let padded = self.0.len().next_multiple_of(32);
        self.0.resize(padded + size, 0);
        self
    }

    fn read(&self) -> Result<GgufHeader, GgufError> {
        GgufHeader::read(Cursor::new(&self.0), self.0.len() as u64)
    }

    /// The message it is refused with.
    #[track_caller]
    fn refusal(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

/// A file of one entry: its key, and what stands behind it.
fn entry(key: &str) -> Raw {
    Raw::header(0, 1).text(key)
}

/// A sound plan of a model, small.
fn plan() -> GgufWriter {
    let mut plan = GgufWriter::new();
    plan.metadata("general.architecture", "llama").unwrap();
    plan.metadata("general.name", "A plant's model").unwrap();
    plan.metadata("general.license", "apache-2.0").unwrap();
    plan.metadata("general.file_type", 7_u32).unwrap();
    plan.metadata("llama.context_length", 2048_u32).unwrap();
    plan.metadata("llama.embedding_length", 64_u32).unwrap();
    plan.metadata("llama.block_count", 2_u32).unwrap();
    plan.metadata("llama.attention.head_count", 4_u32).unwrap();
    plan.metadata("llama.attention.head_count_kv", 2_u32).unwrap();
    plan.metadata("tokenizer.ggml.model", "gpt2").unwrap();
    let tokens = ["a", "b", "c"].map(Value::from).to_vec();
    plan.metadata("tokenizer.ggml.tokens", Array::of(ValueKind::String, tokens)).unwrap();
    plan.metadata("tokenizer.chat_template", "{{ messages }}").unwrap();
    plan.tensor("token_embd.weight", vec![64, 3], TensorKind::Q8_0).unwrap();
    plan.tensor("output_norm.weight", vec![5], TensorKind::F32).unwrap();
    plan
}

fn written(plan: &GgufWriter) -> Vec<u8> {
    let mut file = Vec::new();
    let fill = |tensor: &TensorInfo, out: &mut dyn std::io::Write| {
        out.write_all(&vec![7; tensor.size_bytes as usize])
    };
    let size = plan.write(&mut file, fill).unwrap();
    assert_eq!(size, file.len() as u64);
    file
}

fn read(file: &[u8]) -> Result<GgufHeader, GgufError> {
    GgufHeader::read(Cursor::new(file), file.len() as u64)
}

/// The summary of the plan with other values for some keys, `None` for a key left out.
fn summary_with(changes: &[(&str, Option<Value>)]) -> Result<GgufSummary, GgufError> {
    let mut header = read(&written(&plan())).unwrap();
    for (key, value) in changes {
        header.metadata.retain(|(other, _)| other != key);
        header.metadata.extend(value.clone().map(|value| ((*key).to_owned(), value)));
    }
    header.summary()
}

#[test]
fn a_written_file_is_summed_up() {
    let file = written(&plan());
    let header = read(&file).unwrap();
    assert_eq!(header.version, 3);
    assert_eq!(header.alignment, 32);
    assert!(header.data_offset_bytes.is_multiple_of(32));
    // Two rows of two blocks of 34 bytes, then padded to 32.
    let [embedding, norm] = header.tensors.as_slice() else { panic!("two tensors") };
    assert_eq!((embedding.offset_bytes, embedding.size_bytes), (0, 204));
    assert_eq!((norm.offset_bytes, norm.size_bytes), (224, 20));
    let begin = header.data_offset_bytes as usize;
    assert_eq!(file[begin..begin + 204], [7; 204]);
    assert_eq!(file[begin + 204..begin + 224], [0; 20]);
    let summary = header.summary().unwrap();
    assert_eq!(summary.architecture, "llama");
    assert_eq!(summary.name.as_deref(), Some("A plant's model"));
    assert_eq!(summary.licence.as_deref(), Some("apache-2.0"));
    assert_eq!(summary.parameters, 64 * 3 + 5);
    assert_eq!((summary.quantisation.as_str(), summary.dominant_kind), ("Q8_0", TensorKind::Q8_0));
    assert_eq!((summary.layers, summary.heads, summary.kv_heads), (2, 4, 2));
    assert_eq!((summary.context_tokens, summary.embedding_width), (2048, 64));
    assert_eq!(summary.vocabulary_tokens, 3);
    assert_eq!(summary.chat_template.as_deref(), Some("{{ messages }}"));
    assert_eq!(summary.weights_bytes, 224);
    assert_eq!(summary.tokenizer_model, "gpt2");
    // Two layers, two heads each, 16 numbers of key and of value, two bytes a number.
    assert_eq!(summary.kv_bytes_per_token(), 2 * 2 * (16 + 16) * 2);
}

#[test]
fn version_2_is_read_and_others_are_told() {
    let mut file = written(&plan());
    file[4] = 2;
    assert_eq!(read(&file).unwrap().version, 2);
    file[4] = 4;
    assert!(read(&file).unwrap_err().to_string().contains("version 4"));
    file[4] = 1;
    assert!(read(&file).unwrap_err().to_string().contains("version 1"));
    file[4..8].copy_from_slice(&3_u32.to_be_bytes());
    assert!(matches!(read(&file).unwrap_err(), GgufError::BigEndian));
}

#[test]
fn another_kind_of_file_is_told_by_its_first_bytes() {
    let refusal = Raw::default().bytes(b"PK\x03\x04 and more").refusal();
    assert!(refusal.contains("[50, 4b, 03, 04]"), "{refusal}");
    assert!(Raw::default().refusal().contains("needs 4 bytes"));
}

#[test]
fn absurd_counts_are_refused_before_anything_is_read() {
    let refusal = Raw::header(u64::MAX, 0).refusal();
    assert!(refusal.contains("the number of tensors (byte 8)"), "{refusal}");
    assert!(refusal.contains("at most 65536"), "{refusal}");
    assert!(Raw::header(0, 65_537).refusal().contains("the number of metadata (byte 16)"));
    // A count within the limit, but nothing behind it.
    assert!(Raw::header(65_536, 0).refusal().contains("the name of tensor 0"));
}

#[test]
fn keys_are_bounded_utf8_and_there_once() {
    assert!(Raw::header(0, 1).u64(1025).refusal().contains("1025 bytes long, at most 1024"));
    assert!(Raw::header(0, 1).u64(0).refusal().contains("is empty"));
    assert!(Raw::header(0, 1).u64(2).bytes(&[0xc3, 0x28]).refusal().contains("is not UTF-8"));
    let twice = Raw::header(0, 2).text("a").u32(0).bytes(&[1]).text("a").u32(0).bytes(&[1]);
    assert!(twice.refusal().contains("the key of metadata 1 (byte 38) is \"a\""));
}

#[test]
fn values_are_bounded_and_of_known_kinds() {
    assert!(entry("a").u32(13).refusal().contains("has the kind 13"));
    assert!(entry("a").u32(8).u64(1 << 40).refusal().contains("at most 16777216"));
    assert!(entry("a").u32(8).u64(9).bytes(b"short").refusal().contains("needs 9 bytes"));
    assert!(entry("a").u32(8).u64(1).bytes(&[0xff]).refusal().contains("not UTF-8"));
    assert!(entry("a").u32(7).bytes(&[2]).refusal().contains("a truth value is 0 or 1"));
    assert!(entry("a").u32(10).u32(1).refusal().contains("needs 8 bytes"));
}

#[test]
fn arrays_are_measured_against_the_rest_of_the_file() {
    let huge = entry("a").u32(9).u32(10).u64(u64::MAX / 4).refusal();
    assert!(huge.contains("the file has only 0 left"), "{huge}");
    assert!(entry("a").u32(9).u32(9).u64(1).refusal().contains("array of arrays"));
    assert!(entry("a").u32(9).u32(8).u64(1 << 40).refusal().contains("at most 4194304"));
    assert!(entry("a").u32(9).u32(8).u64(2).text("x").refusal().contains("needs 16 bytes"));
    let tokens = entry("tokenizer.ggml.tokens").u32(9).u32(8).u64(1 << 21).refusal();
    assert!(tokens.contains("at most 1048576"), "{tokens}");
    let twice = entry("tokenizer.ggml.tokens").u32(9).u32(8).u64(2).text("x").text("x");
    assert!(twice.refusal().contains("is \"x\", which was there before"));
}

#[test]
fn long_numbers_are_skipped_and_strings_kept_when_asked_for() {
    let raw = entry("long").u32(9).u32(4).u64(5000).bytes(&[0; 20_000]);
    let header = raw.read().unwrap();
    let Some(Value::Array(array)) = header.get("long") else { panic!("an array") };
    assert_eq!((array.length, array.elements.is_none()), (5000, true));
    let file = written(&plan());
    let size = file.len() as u64;
    let keep = Keep::strings_of(&["tokenizer.ggml.tokens"]);
    let header = GgufHeader::read_keeping(Cursor::new(&file), size, keep).unwrap();
    let Some(Value::Array(array)) = header.get("tokenizer.ggml.tokens") else { panic!("an array") };
    let texts: Vec<_> = array.elements.iter().flatten().filter_map(Value::text).collect();
    assert_eq!(texts, ["a", "b", "c"]);
    assert!(read(&file).unwrap().get("tokenizer.ggml.tokens").is_some_and(|value| matches!(
        value,
        Value::Array(Array { length: 3, elements: None, .. })
    )));
}

#[test]
fn metadata_has_a_limit_of_memory() {
    let text = "x".repeat(limits::MAX_STRING_BYTES as usize);
    let raw = (0..5)
        .fold(Raw::header(0, 5), |raw, index| raw.text(&format!("key {index}")).u32(8).text(&text));
    let refusal = raw.refusal();
    assert!(refusal.contains("more than 67108864 bytes with the value of key 3"), "{refusal}");
}

#[test]
fn alignment_is_a_sane_power_of_two() {
    for wrong in [0, 3, 4, 48, 1 << 17] {
        let refusal = entry("general.alignment").u32(4).u32(wrong).refusal();
        assert!(refusal.contains(&format!("the alignment is {wrong};")), "{refusal}");
    }
    let kind = entry("general.alignment").u32(10).u64(32).refusal();
    assert!(kind.contains("of the kind u64, u32 is wanted"), "{kind}");
    let raw = Raw::header(1, 1).text("general.alignment").u32(4).u32(128);
    let mut file = raw.tensor("t", &[1], 0, 0).0;
    file.resize(132, 0);
    assert_eq!(read(&file).unwrap().data_offset_bytes, 128);
}

#[test]
fn shapes_that_cannot_be_are_refused() {
    let one = |shape: &[u64], kind| Raw::header(1, 0).tensor("t", shape, kind, 0).refusal();
    assert!(one(&[], 0).contains("0 dimensions"));
    assert!(one(&[1; 5], 0).contains("5 dimensions"));
    assert!(one(&[4, 0], 0).contains("without elements"));
    assert!(one(&[1 << 32, 1 << 32], 0).contains("too large"));
    assert!(one(&[1 << 62], 27).contains("too large"));
    assert!(one(&[u64::MAX], 24).contains("too large"));
    assert!(one(&[33], 8).contains("rows of 33 elements; Q8_0 wants a multiple of 32"));
    assert!(one(&[256], 4).contains("no longer part of the format"));
    assert!(one(&[256], 43).contains("not known"));
}

#[test]
fn names_of_tensors_are_bounded_and_there_once() {
    let long = "x".repeat(64);
    assert!(Raw::header(1, 0).tensor(&long, &[1], 0, 0).refusal().contains("64 bytes long"));
    assert!(Raw::header(1, 0).tensor("", &[1], 0, 0).refusal().contains("is empty"));
    let twice = Raw::header(2, 0).tensor("t", &[8], 0, 0).tensor("t", &[8], 0, 32).data(64);
    assert!(twice.refusal().contains("is \"t\", which was there before"));
}

#[test]
fn tensors_lie_one_after_the_other() {
    let two = |offset| {
        let raw = Raw::header(2, 0).tensor("a", &[9], 0, 0);
        raw.tensor("b", &[8], 0, offset).data(96)
    };
    assert_eq!(two(64).read().unwrap().tensors[1].offset_bytes, 64);
    assert!(two(65).refusal().contains("not at a multiple of 32"));
    assert!(two(32).refusal().contains("in \"a\", which ends at 64"));
    assert!(two(0).refusal().contains("in \"a\", which ends at 64"));
    assert!(two(96).refusal().contains("the one before it ends at 64"));
    assert!(two(1 << 63).refusal().contains("the one before it ends at 64"));
}

#[test]
fn a_file_that_is_cut_off_says_how_much_is_missing() {
    let file = written(&plan());
    let whole = file.len() - 12; // What the last tensor is padded by may be missing.
    assert!(read(&file[..whole]).is_ok());
    let error = read(&file[..whole - 25]).unwrap_err();
    let GgufError::Truncated { tensor, missing_bytes, .. } = &error else { panic!("{error}") };
    assert_eq!((tensor.as_str(), *missing_bytes), ("output_norm.weight", 25));
    let error = read(&file[..whole - 200]).unwrap_err().to_string();
    assert!(error.contains("200 bytes are missing"), "{error}");
    assert!(error.contains("token_embd.weight"), "{error}");
}

#[test]
fn a_file_shorter_than_it_was_said_to_be_is_an_error() {
    let file = written(&plan());
    let error = GgufHeader::read(Cursor::new(&file[..100]), file.len() as u64).unwrap_err();
    assert!(matches!(error, GgufError::Ended { .. }), "{error}");
}

#[test]
fn entries_that_every_model_has_are_wanted() {
    for key in [
        "general.architecture",
        "llama.context_length",
        "llama.embedding_length",
        "llama.block_count",
        "llama.attention.head_count",
        "tokenizer.ggml.model",
        "tokenizer.ggml.tokens",
    ] {
        let error = summary_with(&[(key, None)]).unwrap_err().to_string();
        assert!(error.contains(&format!("no {key:?}")), "{error}");
    }
    let without = summary_with(&[
        ("general.name", None),
        ("general.license", None),
        ("tokenizer.chat_template", None),
        ("general.file_type", None),
    ]);
    let summary = without.unwrap();
    assert_eq!((summary.name, summary.licence, summary.chat_template), (None, None, None));
    assert_eq!(summary.quantisation, "Q8_0");
}

#[test]
fn entries_that_cannot_be_are_refused() {
    let refusal = |key, value| summary_with(&[(key, Some(value))]).unwrap_err().to_string();
    assert!(refusal("llama.block_count", Value::U32(513)).contains("1 to 512 is allowed"));
    assert!(refusal("llama.block_count", Value::I32(-1)).contains("is negative"));
    assert!(refusal("llama.block_count", Value::F32(2.0)).contains("a whole number is wanted"));
    assert!(refusal("llama.embedding_length", Value::U64(1 << 40)).contains("is allowed"));
    assert!(refusal("general.architecture", "../x".into()).contains("is allowed"));
    assert!(refusal("general.name", Value::U8(1)).contains("a string is wanted"));
    assert!(refusal("split.count", Value::U16(3)).contains("one of 3 parts"));
    let long = "x".repeat(limits::MAX_TEMPLATE_BYTES + 1);
    assert!(refusal("tokenizer.chat_template", Value::String(long)).contains("262145 bytes long"));
    let mut header = read(&written(&plan())).unwrap();
    header.tensors.clear();
    assert!(matches!(header.summary(), Err(GgufError::NoTensors)));
}

#[test]
fn heads_may_differ_from_layer_to_layer() {
    const KEY: &str = "llama.attention.head_count_kv";
    let per_layer = |heads: &[u32]| {
        let elements = heads.iter().copied().map(Value::U32).collect();
        [(KEY, Some(Value::Array(Array::of(ValueKind::U32, elements))))]
    };
    let summary = summary_with(&per_layer(&[4, 0])).unwrap();
    assert_eq!((summary.kv_heads, summary.kv_heads_all_layers), (4, 4));
    assert_eq!(summary.kv_bytes_per_token(), 4 * 32 * 2);
    let error = summary_with(&per_layer(&[1, 2, 3])).unwrap_err().to_string();
    assert!(error.contains("an array of 3"), "{error}");
    // Without the key each head has its own keys; a width of keys may be said apart.
    let key_width = ("llama.attention.key_length", Some(Value::U32(32)));
    let summary = summary_with(&[(KEY, None), key_width]).unwrap();
    assert_eq!((summary.kv_heads, summary.key_width, summary.value_width), (4, 32, 16));
    // A model without attention keeps no keys.
    let none = [("llama.attention.head_count", Some(Value::U32(0))), (KEY, None)];
    assert_eq!(summary_with(&none).unwrap().kv_bytes_per_token(), 0);
}

#[test]
fn long_names_are_cut_at_a_letter() {
    let name = format!("{}ü", "x".repeat(limits::MAX_LABEL_BYTES - 1));
    let summary = summary_with(&[("general.name", Some(Value::String(name)))]).unwrap();
    assert_eq!(summary.name.map(|name| name.len()), Some(limits::MAX_LABEL_BYTES - 1));
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let mut plan = plan();
    assert!(plan.metadata("", 1_u32).is_err());
    assert!(plan.metadata("general.name", "again").is_err());
    assert!(plan.metadata("general.alignment", 64_u32).is_err(), "after the first tensor");
    let mixed = Array::of(ValueKind::U32, vec![Value::U32(1), Value::U8(1)]);
    assert!(plan.metadata("mixed", mixed).is_err());
    let nested = Array::of(ValueKind::Array, vec![Value::Array(Array::of(ValueKind::U8, vec![]))]);
    assert!(plan.metadata("nested", nested).is_err());
    let gone = Array { kind: ValueKind::U8, length: 1, elements: None };
    assert!(plan.metadata("gone", gone).is_err());
    assert!(plan.tensor("output_norm.weight", vec![1], TensorKind::F32).is_err());
    assert!(plan.tensor(&"x".repeat(64), vec![1], TensorKind::F32).is_err());
    assert!(plan.tensor("row", vec![33], TensorKind::Q8_0).is_err());
    assert!(GgufWriter::new().metadata("general.alignment", 3_u32).is_err());
    // None of it left a trace.
    assert_eq!(read(&written(&plan)).unwrap(), read(&written(&self::plan())).unwrap());
    let short = plan.write(Vec::new(), |_, out| out.write_all(&[0; 3])).unwrap_err().to_string();
    assert!(short.contains("3 bytes came for 204"), "{short}");
}
