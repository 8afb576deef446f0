#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use proptest::collection::vec;
use proptest::prelude::*;

use super::frame::{self, FrameError, HEADER_BYTES};
use super::*;

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(any::<String>(), 0..8)
}

fn body() -> impl Strategy<Value = CallBody> {
    prop_oneof![
        Just(CallBody::Ping),
        (texts(), prop_oneof![Just(TextKind::Query), Just(TextKind::Passage)])
            .prop_map(|(texts, kind)| CallBody::Embed { texts, kind }),
        texts().prop_map(|texts| CallBody::CountTokens { texts }),
        texts().prop_map(|texts| CallBody::TokenSpans { texts }),
        Just(CallBody::InspectModel),
        any::<[u8; 32]>()
            .prop_map(|hash| CallBody::UnloadModel { model: ModelHash::from_bytes(hash) }),
        (any::<[u8; 32]>(), any::<String>(), any::<u32>()).prop_map(|(hash, text, seed)| {
            let input = Box::new(generate_input(text, seed));
            CallBody::Generate { model: ModelHash::from_bytes(hash), input, streams: seed > 9 }
        }),
    ]
}

fn generate_input(text: String, seed: u32) -> GenerateInput {
    GenerateInput {
        prompt: Prompt::Chat(vec![ChatMessage::new(Speaker::User, text)]),
        output: OutputShape::Json { schema: "{}".to_owned() },
        sampling: Sampling::warm(0.7, seed),
        max_tokens: 16,
        stop: vec!["end".to_owned()],
        scope: PrefixScope([1; 16]),
        share: FairShare([2; 16]),
    }
}

fn to_worker() -> impl Strategy<Value = ToWorker> {
    prop_oneof![
        (any::<u64>(), 0..3_usize, any::<u64>(), body()).prop_map(|(id, p, deadline_ms, body)| {
            ToWorker::Call(Call { id: CallId(id), priority: Priority::ALL[p], deadline_ms, body })
        }),
        any::<u64>().prop_map(|id| ToWorker::Cancel { id: CallId(id) }),
    ]
}

fn worker_error() -> impl Strategy<Value = WorkerError> {
    prop_oneof![
        (any::<String>(), any::<String>())
            .prop_map(|(field, reason)| WorkerError::Invalid { field, reason }),
        Just(WorkerError::DeadlinePassed),
        Just(WorkerError::Cancelled),
        Just(WorkerError::Busy),
        any::<String>().prop_map(|reason| WorkerError::Failed { reason }),
    ]
}

fn answer() -> impl Strategy<Value = AnswerBody> {
    let embedding = vec(-1.0..1.0_f32, 384)
        .prop_filter_map("zero", |v| Embedding::normalise(v.try_into().unwrap()).ok());
    let span = (any::<u32>(), any::<u32>()).prop_map(|(start, end)| TokenSpan { start, end });
    prop_oneof![
        Just(AnswerBody::Pong),
        vec(embedding, 0..3).prop_map(AnswerBody::Embeddings),
        vec(any::<u32>(), 0..9).prop_map(AnswerBody::TokenCounts),
        vec(vec(span, 0..9), 0..4).prop_map(AnswerBody::TokenSpans),
    ]
}

fn from_worker() -> impl Strategy<Value = FromWorker> {
    let part = prop_oneof![answer().prop_map(Ok), worker_error().prop_map(Err)];
    prop_oneof![
        (any::<u64>(), part).prop_map(|(id, result)| FromWorker::Response {
            id: CallId(id),
            part: ResponsePart::Final(result)
        }),
        (any::<String>(), proptest::option::of(any::<String>()), any::<u32>()).prop_map(
            |(build, fallback, threads)| FromWorker::Hello(Hello {
                protocol_version: PROTOCOL_VERSION,
                build,
                embedder: "e".to_owned(),
                path: ComputePath::Int8Avx2,
                fallback,
                threads,
                window_tokens: 256,
                cage: vec!["no-new-privs".to_owned()],
                generator: "none".to_owned(),
                gpu_bytes: 0,
            })
        ),
    ]
}

proptest! {
    #[test]
    fn calls_round_trip(messages in vec(to_worker(), 1..4)) {
        let mut stream = Vec::new();
        for message in &messages {
            frame::write(&mut stream, message).unwrap();
        }
        let mut reader = stream.as_slice();
        for message in &messages {
            let back = frame::read::<ToWorker>(&mut reader).unwrap();
            prop_assert_eq!(back.as_ref(), Some(message));
        }
        prop_assert!(frame::read::<ToWorker>(&mut reader).unwrap().is_none());
    }

    #[test]
    fn answers_round_trip(message in from_worker()) {
        let bytes = frame::encode(&message).unwrap();
        let back = frame::read::<FromWorker>(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(back, Some(message));
    }

    #[test]
    fn a_cut_frame_is_an_error(message in to_worker(), cut in any::<prop::sample::Index>()) {
        let bytes = frame::encode(&message).unwrap();
        let cut = 1 + cut.index(bytes.len() - 1);
        prop_assert!(frame::read::<ToWorker>(&mut &bytes[..cut]).is_err());
    }

    #[test]
    fn bytes_after_the_message_are_an_error(message in from_worker(), extra in 1..40_u8) {
        let mut bytes = frame::encode(&message).unwrap();
        bytes.extend(std::iter::repeat_n(0, usize::from(extra)));
        let length = u32::try_from(bytes.len() - HEADER_BYTES).unwrap();
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        prop_assert!(matches!(
            frame::read::<FromWorker>(&mut bytes.as_slice()),
            Err(FrameError::Payload(_))
        ));
    }

    #[test]
    fn garbage_never_panics_and_never_reads_past_its_length(bytes in vec(any::<u8>(), 0..600)) {
        let _ = frame::read::<ToWorker>(&mut bytes.as_slice());
        let _ = frame::decode::<ToWorker>(&bytes);
        let _ = frame::decode::<FromWorker>(&bytes);
        if bytes.len() >= 2 && bytes[..2] != *b"MW" {
            prop_assert!(frame::read::<ToWorker>(&mut bytes.as_slice()).is_err());
        }
    }

    #[test]
    fn a_flipped_bit_never_panics(message in from_worker(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = frame::encode(&message).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let _ = frame::read::<FromWorker>(&mut bytes.as_slice());
    }
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_allocation() {
    let mut bytes = frame::encode(&ToWorker::Cancel { id: CallId(1) }).unwrap();
    bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = frame::read::<ToWorker>(&mut bytes.as_slice()).unwrap_err();
    assert!(matches!(error, FrameError::TooLong { .. }), "{error:?}");
}

#[test]
fn another_version_is_named() {
    let mut bytes = frame::encode(&ToWorker::Cancel { id: CallId(1) }).unwrap();
    bytes[2] = PROTOCOL_VERSION + 1;
    let error = frame::read::<ToWorker>(&mut bytes.as_slice()).unwrap_err();
    assert!(matches!(error, FrameError::Version { found } if found == PROTOCOL_VERSION + 1));
}

#[test]
fn a_message_longer_than_a_frame_is_refused() {
    let body = CallBody::CountTokens { texts: vec!["x".repeat(frame::PAYLOAD_MAX_BYTES + 1)] };
    let call = Call { id: CallId(1), priority: Priority::Agent, deadline_ms: 1, body };
    assert!(matches!(frame::encode(&ToWorker::Call(call)), Err(FrameError::TooLong { .. })));
}

#[test]
fn limits_name_the_field() {
    let many = CallBody::CountTokens { texts: vec![String::new(); CALL_MAX_TEXTS + 1] };
    assert_eq!(many.check_limits().unwrap_err().field, "texts");
    let long = CallBody::CountTokens { texts: vec![String::new(), "x".repeat(TEXT_MAX_BYTES + 1)] };
    assert_eq!(long.check_limits().unwrap_err().field, "texts[1]");
    let heavy = CallBody::TokenSpans { texts: vec!["x".repeat(TEXT_MAX_BYTES); 5] };
    assert_eq!(heavy.check_limits().unwrap_err().field, "texts");
    assert!(CallBody::Ping.check_limits().is_ok());
}

// The largest answer fits a frame. A token is at least one byte of text, and a span takes two
// varints, of at most three bytes each in a text of at most a megabyte.
const _: () = assert!(CALL_MAX_TEXT_BYTES * 6 + CALL_MAX_TEXTS * 4 <= frame::PAYLOAD_MAX_BYTES);
const _: () =
    assert!(CALL_MAX_TEXTS * (Embedding::SIZE_BYTES + 2) + 16 <= frame::PAYLOAD_MAX_BYTES);

#[test]
fn what_is_out_of_bounds_in_a_prompt_is_named() {
    let sound = generate_input("text".to_owned(), 1);
    assert_eq!(sound.check_limits(), Ok(()));
    type Spoil = fn(&mut GenerateInput);
    let cases: [(&str, Spoil); 7] = [
        ("messages", |input| input.prompt = Prompt::Chat(Vec::new())),
        ("messages", |input| input.prompt = Prompt::Raw("x".repeat(PROMPT_MAX_BYTES + 1))),
        ("schema", |input| {
            input.output = OutputShape::Json { schema: " ".repeat(SCHEMA_MAX_BYTES + 1) };
        }),
        ("temperature", |input| input.sampling.temperature = f32::NAN),
        ("top_p", |input| input.sampling.top_p = 1.5),
        ("max_tokens", |input| input.max_tokens = 0),
        ("stop", |input| input.stop = vec![String::new()]),
    ];
    for (field, spoil) in cases {
        let mut input = sound.clone();
        spoil(&mut input);
        assert_eq!(input.check_limits().unwrap_err().field, field);
    }
    let mut input = sound;
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        parameters: "{}".to_owned(),
    };
    let choice = ToolChoice::Named("read_page".to_owned());
    input.output = OutputShape::Tools { tools: vec![tool("search")], choice: choice.clone() };
    assert_eq!(input.check_limits().unwrap_err().field, "tool_choice");
    input.output = OutputShape::Tools { tools: vec![tool("read page")], choice };
    assert_eq!(input.check_limits().unwrap_err().field, "tools[0].name");
}

#[test]
fn a_model_hash_is_read_as_it_is_written() {
    let hash = ModelHash::from_bytes(std::array::from_fn(|i| i as u8 * 7));
    assert_eq!(hash.to_string().parse(), Ok(hash));
    assert_eq!("12".parse::<ModelHash>(), Err(ModelHashError));
    assert_eq!("x".repeat(64).parse::<ModelHash>(), Err(ModelHashError));
}
