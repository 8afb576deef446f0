//! What holds for all files.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The file as the reader sees it, whatever comes of it.
fn look(file: &[u8]) -> Option<GgufHeader> {
    let keep = Keep::strings_of(&["strings", "tokenizer.ggml.tokens"]);
    let header = GgufHeader::read_keeping(Cursor::new(file), file.len() as u64, keep).ok()?;
    let _ = header.summary();
    Some(header)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<i8>().prop_map(Value::I8),
        any::<u16>().prop_map(Value::U16),
        any::<i16>().prop_map(Value::I16),
        any::<u32>().prop_map(Value::U32),
        any::<i32>().prop_map(Value::I32),
        any::<u64>().prop_map(Value::U64),
        any::<i64>().prop_map(Value::I64),
        (-1e9_f32..1e9).prop_map(Value::F32),
        (-1e9_f64..1e9).prop_map(Value::F64),
        any::<bool>().prop_map(Value::Bool),
        ".{0,20}".prop_map(Value::String),
    ]
}

fn array() -> impl Strategy<Value = Value> {
    let numbers = vec(any::<i32>(), 0..40)
        .prop_map(|all| Array::of(ValueKind::I32, all.into_iter().map(Value::I32).collect()));
    let truths = vec(any::<bool>(), 0..40)
        .prop_map(|all| Array::of(ValueKind::Bool, all.into_iter().map(Value::Bool).collect()));
    prop_oneof![numbers, truths].prop_map(Value::Array)
}

/// A plan with any metadata and tensors, and strings under a key that is kept.
fn plan() -> impl Strategy<Value = GgufWriter> {
    let entries = vec(("[a-z.]{1,12}", prop_oneof![scalar(), array()]), 0..12);
    let strings = vec(".{0,8}", 0..12);
    let kind = proptest::sample::select(TensorKind::all().collect::<Vec<_>>());
    let tensors = vec(("[a-z.]{1,12}", 1_u64..4, vec(1_u64..4, 0..3), kind), 0..6);
    let alignment = proptest::sample::select(vec![8_u32, 32, 64, 4096]);
    (entries, strings, tensors, alignment).prop_map(|(entries, strings, tensors, alignment)| {
        let mut plan = GgufWriter::new();
        let _ = plan.metadata("general.alignment", alignment);
        let strings = strings.into_iter().map(Value::String).collect();
        let _ = plan.metadata("strings", Array::of(ValueKind::String, strings));
        for (key, value) in entries {
            // Keys that are there already are refused.
            let _ = plan.metadata(&key, value);
        }
        for (name, blocks, rest, kind) in tensors {
            let mut dimensions = vec![blocks * kind.block_elements()];
            dimensions.extend(rest);
            let _ = plan.tensor(&name, dimensions, kind);
        }
        plan
    })
}

fn written(plan: &GgufWriter) -> Vec<u8> {
    let mut file = Vec::new();
    let result = plan.write(&mut file, |tensor, out| {
        (0..tensor.size_bytes).try_for_each(|_| out.write_all(&[1]))
    });
    assert!(result.is_ok(), "{result:?}");
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..400)) {
        look(&bytes);
    }

    #[test]
    fn any_bytes_after_a_sound_beginning_are_read_or_refused(
        tensors in 0_u64..4,
        entries in 0_u64..4,
        // Small numbers more often than others, so that lengths and kinds are often possible.
        bytes in vec(prop_oneof![3 => Just(0_u8), 2 => 0_u8..14, 1 => any::<u8>()], 0..400),
    ) {
        let mut file = b"GGUF\x03\0\0\0".to_vec();
        file.extend(tensors.to_le_bytes());
        file.extend(entries.to_le_bytes());
        file.extend(bytes);
        look(&file);
    }

    #[test]
    fn changed_files_are_read_or_refused(
        plan in plan(),
        changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let mut file = written(&plan);
        for (index, byte) in changes {
            let index = index.index(file.len());
            file[index] = byte;
        }
        if let Some(cut) = cut {
            file.truncate(cut.index(file.len()));
        }
        look(&file);
    }

    #[test]
    fn what_is_written_is_read(plan in plan()) {
        let file = written(&plan);
        let Some(header) = look(&file) else { panic!("{:?}", GgufHeader::read(Cursor::new(&file), file.len() as u64)) };
        prop_assert_eq!(&header.tensors, plan.tensors());
        // Written once more from what was read, it is the same file.
        let mut again = GgufWriter::new();
        for (key, value) in &header.metadata {
            prop_assert!(again.metadata(key, value.clone()).is_ok());
        }
        for tensor in &header.tensors {
            prop_assert!(again.tensor(&tensor.name, tensor.dimensions.clone(), tensor.kind).is_ok());
        }
        prop_assert_eq!(written(&again), file);
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused(plan in plan(), cut in any::<proptest::sample::Index>()) {
        let file = written(&plan);
        let Some(header) = look(&file) else { panic!("it was written") };
        let last = header.tensors.last();
        let Some(last) = last else { return Ok(()) };
        let end = header.data_offset_bytes + last.offset_bytes + last.size_bytes;
        let cut = cut.index(usize::try_from(end).unwrap_or(usize::MAX));
        prop_assert!(look(&file[..cut]).is_none());
    }
}
