#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::language::BoxFuture;
use crate::protocol::{
    ChatMessage, FairShare, OutputShape, PrefixScope, Priority, Prompt, Sampling, Speaker,
};
use crate::scripted::{ScriptedModel, ScriptedReply};

fn input() -> GenerateInput {
    GenerateInput {
        prompt: Prompt::Chat(vec![ChatMessage::new(Speaker::User, "What does K-1 weigh?")]),
        output: OutputShape::Text,
        sampling: Sampling::GREEDY,
        max_tokens: 32,
        stop: Vec::new(),
        scope: PrefixScope([1; 16]),
        share: FairShare([2; 16]),
    }
}

fn options(timeout_ms: u64) -> CallOptions {
    let timeout = Duration::from_millis(timeout_ms);
    CallOptions { priority: Priority::Interactive, timeout }
}

fn says(name: &str, text: &'static str) -> ScriptedModel {
    ScriptedModel::new(name, move |_| ScriptedReply::Text(text.to_owned()))
}

fn dies(name: &str, after: &'static str) -> ScriptedModel {
    ScriptedModel::new(name, move |_| ScriptedReply::Dies { after: after.to_owned() })
}

fn tiers(members: Vec<(Tier, Vec<ScriptedModel>)>) -> Tiers {
    let tiers = Tiers::new();
    for (tier, models) in members {
        let models = models.into_iter().map(|model| Arc::new(model) as _).collect();
        tiers.set_members(tier, models);
    }
    tiers
}

async fn drain(mut pieces: mpsc::Receiver<String>) -> String {
    let mut text = String::new();
    while let Some(piece) = pieces.recv().await {
        text.push_str(&piece);
    }
    text
}

#[tokio::test]
async fn without_any_model_it_says_that_there_is_none() {
    let tiers = Tiers::new();
    assert!(tiers.is_empty());
    assert_eq!(tiers.best_available(Tier::Heavy), None);
    assert_eq!(tiers.context_tokens(Tier::Light), None);
    let error = tiers.generate(Tier::Light, &input(), options(100), None).await.unwrap_err();
    assert!(matches!(error, ModelError::Unavailable { .. }));
}

#[tokio::test]
async fn the_nearest_tier_answers_and_larger_ones_come_first() {
    let both = tiers(vec![
        (Tier::Light, vec![says("small", "yes")]),
        (Tier::Heavy, vec![says("large", "no")]),
    ]);
    assert_eq!(both.best_available(Tier::Standard), Some(Tier::Heavy));
    let routed = both.generate(Tier::Standard, &input(), options(1000), None).await.unwrap();
    assert_eq!((routed.tier, routed.model.name.as_str()), (Tier::Heavy, "large"));
    assert!(routed.tried.is_empty());
    assert_eq!(both.context_tokens(Tier::Standard), Some(8192));
}

#[tokio::test]
async fn a_member_that_fails_is_replaced_and_told() {
    let tiers = tiers(vec![
        (Tier::Light, vec![dies("first", ""), says("second", "the crane weighs 4 t")]),
        (Tier::Standard, vec![says("third", "unasked")]),
    ]);
    let (sink, pieces) = mpsc::channel(8);
    let reading = tokio::spawn(drain(pieces));
    let routed = tiers.generate(Tier::Light, &input(), options(5000), Some(sink)).await.unwrap();
    assert_eq!(routed.generation.text, "the crane weighs 4 t");
    assert_eq!(routed.tried.len(), 1);
    assert_eq!(routed.tried[0].error, "model_failed");
    assert_eq!(reading.await.unwrap(), "the crane weighs 4 t");
}

#[tokio::test]
async fn once_a_piece_was_shown_nobody_else_is_asked() {
    let second = says("second", "another text");
    let tiers = tiers(vec![
        (Tier::Light, vec![dies("first", "the crane ")]),
        (Tier::Standard, vec![second.clone()]),
    ]);
    let (sink, pieces) = mpsc::channel(8);
    let reading = tokio::spawn(drain(pieces));
    let error = tiers.generate(Tier::Light, &input(), options(5000), Some(sink)).await.unwrap_err();
    assert!(matches!(error, ModelError::WorkerDied { .. }));
    assert_eq!(reading.await.unwrap(), "the crane ");
    assert!(second.asked().is_empty());
    // Without a reader nothing was shown, and the next one is asked.
    let routed = tiers.generate(Tier::Light, &input(), options(5000), None).await.unwrap();
    assert_eq!(routed.generation.text, "another text");
}

/// Never answers, and counts how often somebody gave up on it.
struct Silent(Arc<AtomicUsize>);

impl LanguageModel for Silent {
    fn describe(&self) -> ModelDescription {
        says("silent", "").describe()
    }

    fn generate<'a>(
        &'a self,
        _: &'a GenerateInput,
        _: CallOptions,
        _: Option<TextSink>,
    ) -> BoxFuture<'a, Result<Generation, ModelError>> {
        Box::pin(std::future::pending())
    }

    fn gave_no_sign(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count_tokens<'a>(
        &'a self,
        _: Vec<String>,
        _: CallOptions,
    ) -> BoxFuture<'a, Result<Vec<u32>, ModelError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_member_is_told_that_it_gave_no_sign_and_not_that_its_caller_left() {
    let given_up = Arc::new(AtomicUsize::new(0));
    let tiers = Tiers::new();
    tiers.set_upstreams(Tier::Light, vec![Arc::new(Silent(Arc::clone(&given_up)))]);
    for sink in [None, Some(mpsc::channel(8).0)] {
        tiers.generate(Tier::Light, &input(), options(50), sink).await.unwrap_err();
    }
    assert_eq!(given_up.load(Ordering::Relaxed), 2);
    let wanted = input();
    let left = tiers.generate(Tier::Light, &wanted, options(60_000), None);
    assert!(tokio::time::timeout(Duration::from_millis(50), left).await.is_err());
    assert_eq!(given_up.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_member_that_hangs_leaves_time_for_the_next() {
    let tiers = tiers(vec![
        (Tier::Light, vec![ScriptedModel::new("hangs", |_| ScriptedReply::Hangs)]),
        (Tier::Heavy, vec![says("large", "done")]),
    ]);
    for sink in [None, Some(mpsc::channel(8).0)] {
        let routed = tiers.generate(Tier::Light, &input(), options(400), sink).await.unwrap();
        assert_eq!(routed.tried[0].error, "model_deadline_passed");
        assert_eq!(routed.generation.text, "done");
    }
}

#[tokio::test]
async fn bad_input_is_nobody_elses_business() {
    struct Picky(ScriptedModel);
    impl LanguageModel for Picky {
        fn describe(&self) -> ModelDescription {
            self.0.describe()
        }
        fn generate<'a>(
            &'a self,
            _: &'a GenerateInput,
            _: CallOptions,
            _: Option<TextSink>,
        ) -> BoxFuture<'a, Result<Generation, ModelError>> {
            let violation = base::Violation::new("stop", "too long");
            Box::pin(async { Err(ModelError::Invalid(violation)) })
        }
        fn count_tokens<'a>(
            &'a self,
            texts: Vec<String>,
            options: CallOptions,
        ) -> BoxFuture<'a, Result<Vec<u32>, ModelError>> {
            self.0.count_tokens(texts, options)
        }
    }
    let second = says("second", "unasked");
    let tiers = Tiers::new();
    tiers.set_members(
        Tier::Light,
        vec![Arc::new(Picky(says("first", ""))), Arc::new(second.clone())],
    );
    let error = tiers.generate(Tier::Light, &input(), options(1000), None).await.unwrap_err();
    assert!(matches!(error, ModelError::Invalid(_)));
    assert!(second.asked().is_empty());
    let counts = tiers.count_tokens(Tier::Light, vec!["a b c".into()], options(1000)).await;
    assert_eq!(counts.unwrap(), [3]);
}

#[tokio::test]
async fn the_least_busy_member_is_asked_first() {
    let first = ScriptedModel::new("first", |_| ScriptedReply::Hangs);
    let second = says("second", "done");
    let tiers = tiers(vec![(Tier::Light, vec![first.clone(), second.clone()])]);
    let waiting = tokio::spawn({
        let tiers = tiers.clone();
        async move { tiers.generate(Tier::Light, &input(), options(400), None).await }
    });
    while first.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    let routed = tiers.generate(Tier::Light, &input(), options(1000), None).await.unwrap();
    assert!(routed.tried.is_empty() && routed.model.name == "second");
    assert_eq!(waiting.await.unwrap().unwrap().model.name, "second");
}

#[tokio::test]
async fn members_can_be_exchanged() {
    let tiers = tiers(vec![(Tier::Light, vec![says("old", "old")])]);
    let copy = tiers.clone();
    tiers.set_members(Tier::Light, vec![Arc::new(says("new", "new"))]);
    let routed = copy.generate(Tier::Light, &input(), options(1000), None).await.unwrap();
    assert_eq!(routed.generation.text, "new");
    assert_eq!(copy.members(Tier::Light)[0].name, "new");
    tiers.set_members(Tier::Light, Vec::new());
    assert!(copy.is_empty());
}
