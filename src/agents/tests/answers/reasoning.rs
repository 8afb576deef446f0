//! Runs: what each state does, what the strategies are, and what a trace is good for.

use agents::{
    ANSWER_EVENTS_MAX, AgentError, AnswerEvent, AskInput, Aspect, Minds, ReasonInput,
    ReasonSettings, RunSeed, StepKind, Strategy, StrikeReason, Trace, TraceKind, TraceOutcome,
    answer, question, reason, replay, trace_delete, trace_get, trace_list, traces_compare,
    traces_of_tenant,
};
use base::{Classification, Coded as _, Origin, Role};
use knowledge::{DocumentChange, NewRevision, document_change};
use models::{GenerateInput, OutputShape, ScriptedModel, ScriptedReply, Tier};
use policy::authorize;
use serde_json::{Value, json};
use store::TenantCtx;
use tokio::sync::mpsc;

use crate::generating::{minds, number_of, prompt_text};
use crate::plant::Plant;
use crate::{bench, idle, plant};

const TORQUE: &str = "What is the tightening torque of the P-101 flange bolts?";

/// What a schema asks for.
fn asks(input: &GenerateInput) -> &'static str {
    let OutputShape::Json { schema } = &input.output else { return "text" };
    let schema: Value = serde_json::from_str(schema).unwrap();
    let has = |name: &str| schema["properties"].get(name).is_some();
    match () {
        () if has("searches") => "observe",
        () if has("thoughts") => "expand",
        () if has("scores") => "weigh",
        () if has("steps") => "steps",
        () => "claims",
    }
}

/// A model that claims these texts, on the fact with `90 N·m` in it.
fn claims(texts: &'static [&'static str]) -> ScriptedModel {
    ScriptedModel::new("claims", move |input| {
        let reply = match asks(input) {
            "observe" => json!({ "unknown": [], "searches": [] }),
            "expand" => {
                let fact = number_of(&input.prompt, "90 N·m");
                json!({ "thoughts": [{ "text": "Look at the torque.", "facts": [fact] },
                                     { "text": "Look at the gaskets.", "facts": [fact] }] })
            }
            "weigh" => json!({ "scores": [3, 9, 1, 2] }),
            _ => {
                let fact = number_of(&input.prompt, "90 N·m");
                let claims: Vec<Value> =
                    texts.iter().map(|text| json!({ "text": text, "facts": [fact] })).collect();
                json!({ "steps": ["I look."], "claims": claims, "unknown": [] })
            }
        };
        ScriptedReply::Text(reply.to_string())
    })
}

fn input(strategy: Strategy) -> ReasonInput {
    let settings =
        ReasonSettings { strategy: Some(strategy), seed: Some(7), ..ReasonSettings::default() };
    ReasonInput { question: TORQUE.to_owned(), settings }
}

async fn run(plant: &Plant, ctx: &TenantCtx, minds: &Minds, input: ReasonInput) -> Trace {
    reason(authorize(ctx).unwrap(), &bench(plant, minds), input, None).await.unwrap()
}

fn names(trace: &Trace) -> Vec<&str> {
    trace.steps.iter().map(|step| step.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_observes_thinks_and_verifies_and_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let model = claims(&[
        "Tighten the flange bolts of P-101 to a torque of 90 N·m.",
        "Use new gaskets every time.",
        "The flange bolts of P-101 are tightened to 400 N·m.",
    ]);
    let minds = minds(&[(Tier::Standard, &model)]);
    let trace = run(&plant, &ctx, &minds, input(Strategy::ChainOfThought)).await;
    assert_eq!(trace.outcome, TraceOutcome::Answered);
    assert_eq!(names(&trace), ["observe.1", "observe.1/unknown", "think.1", "verify.1"]);
    let kinds: Vec<StepKind> = trace.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::Observe, StepKind::Observe, StepKind::Think, StepKind::Verify]);
    assert!(trace.answer.contains("90 N·m. [1]") && !trace.answer.contains("400"));
    let think = &trace.steps[2];
    assert_eq!(think.seed, Some(RunSeed(7).of("think.1", 0)));
    assert_eq!(think.prompt_hash.as_ref().map(String::len), Some(64));
    assert_eq!(
        (think.tier, think.model.as_ref().map(String::len)),
        (Some(Tier::Standard), Some(64))
    );
    assert!(think.tokens.prompt_tokens > 0 && think.tokens.completion_tokens > 0);
    let verdicts = &trace.steps[3].verdicts;
    assert_eq!(verdicts.iter().map(|v| v.supported).collect::<Vec<_>>(), [true, true, false]);
    let strike = verdicts[2].strike.as_ref().unwrap();
    assert_eq!(strike.reason, StrikeReason::NumberNotInEvidence);
    let observed: Value = serde_json::from_str(&trace.steps[0].output).unwrap();
    assert_eq!(observed["facts"][0]["classification"], "INTERNAL");
    assert_eq!(trace.label.origin, Origin::Model);
    assert_eq!(trace.label.classification, Classification::Internal);
    let total: u32 = trace.steps.iter().map(|step| step.tokens.prompt_tokens).sum();
    assert_eq!(trace.tokens.prompt_tokens, total);
    let kept = trace_get(authorize(&ctx).unwrap(), trace.id).await.unwrap();
    assert_eq!(kept, trace);
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_take_the_steps_that_are_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let model = claims(&["Use new gaskets every time."]);
    let minds = minds(&[(Tier::Standard, &model)]);
    let asked = |name: &str| model.asked().iter().filter(|input| asks(input) == name).count();
    let direct = run(&plant, &ctx, &minds, input(Strategy::Direct)).await;
    assert_eq!((direct.steps.len(), asked("claims"), asked("steps")), (4, 1, 0));
    let voted = run(&plant, &ctx, &minds, input(Strategy::SelfConsistency)).await;
    assert_eq!(names(&voted)[2..], ["think.1/1", "think.1/2", "think.1/3", "verify.1"]);
    assert_eq!(asked("steps"), 3);
    assert_eq!(voted.answer, "Use new gaskets every time. [1]");
    let grown = run(&plant, &ctx, &minds, input(Strategy::TreeOfThought)).await;
    assert_eq!(
        names(&grown)[2..],
        [
            "think.1/1.1",
            "think.1/1.weigh",
            "think.1/2.1",
            "think.1/2.2",
            "think.1/2.weigh",
            "think.1/claims",
            "verify.1"
        ]
    );
    // The better thought was followed.
    let last = model.asked().last().map(|input| prompt_text(&input.prompt)).unwrap();
    assert!(last.contains("Look at the gaskets."), "{last}");
    assert_eq!(grown.outcome, TraceOutcome::Answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_keeps_what_most_chains_say() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let model = ScriptedModel::new("chains", |input| {
        let reply = match asks(input) {
            "observe" => json!({ "unknown": [], "searches": [] }),
            _ => {
                let fact = number_of(&input.prompt, "90 N·m");
                let odd = input.sampling.seed == RunSeed(7).of("think.1/2", 0);
                let text =
                    if odd { "Use new gaskets for P-101." } else { "Use new gaskets every time." };
                json!({ "steps": [], "claims": [{ "text": text, "facts": [fact] }], "unknown": [] })
            }
        };
        ScriptedReply::Text(reply.to_string())
    });
    let minds = minds(&[(Tier::Standard, &model)]);
    let trace = run(&plant, &ctx, &minds, input(Strategy::SelfConsistency)).await;
    assert_eq!(trace.answer, "Use new gaskets every time. [1]");
    let temperatures: Vec<f32> = model.asked().iter().map(|i| i.sampling.temperature).collect();
    assert!(temperatures[1..].iter().all(|t| *t > 0.5), "{temperatures:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_is_searched_for() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let oil = "# Oil of the gearbox G-7\n\nThe gearbox G-7 takes 12 l of Ferrolub 220.\n";
    plant.add(NewRevision::named("gearbox.md"), oil).await;
    let model = ScriptedModel::new("curious", |input| {
        let reply = match asks(input) {
            "observe" if !prompt_text(&input.prompt).contains("Ferrolub") => json!({
                "unknown": ["the oil of G-7"], "searches": ["oil of the gearbox G-7"]
            }),
            "observe" => json!({ "unknown": [], "searches": [] }),
            _ => {
                let fact = number_of(&input.prompt, "Ferrolub");
                json!({ "claims": [{ "text": "The gearbox G-7 takes 12 l of Ferrolub 220.",
                                     "facts": [fact] }], "unknown": [] })
            }
        };
        ScriptedReply::Text(reply.to_string())
    });
    let minds = minds(&[(Tier::Standard, &model)]);
    let asked = ReasonInput {
        question: "What colour are our own personal padlocks?".to_owned(),
        ..input(Strategy::Direct)
    };
    let trace = run(&plant, &ctx, &minds, asked).await;
    assert_eq!(trace.outcome, TraceOutcome::Answered, "{trace:#?}");
    let observed: Value = serde_json::from_str(&trace.steps[0].output).unwrap();
    assert!(observed["facts"].as_array().is_some_and(|facts| !facts.is_empty()));
    assert!(trace.answer.contains("Ferrolub 220"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_verification_escalates_and_is_then_refused() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let wrong = claims(&["The torque of P-101 is 400 N·m."]);
    let right = claims(&["Use new gaskets every time."]);
    let pinned = |strategy| ReasonInput {
        settings: ReasonSettings { tier: Some(Tier::Light), ..input(strategy).settings },
        ..input(strategy)
    };
    let both = minds(&[(Tier::Light, &wrong), (Tier::Heavy, &right)]);
    let trace = run(&plant, &ctx, &both, pinned(Strategy::Direct)).await;
    assert_eq!(trace.outcome, TraceOutcome::Answered);
    assert_eq!(names(&trace)[2..], ["think.1", "verify.1", "think.2", "verify.2"]);
    assert_eq!(trace.steps[4].tier, Some(Tier::Heavy));
    assert!(trace.steps[3].output.contains("\"escalate\""));
    let alone = minds(&[(Tier::Light, &wrong)]);
    let trace = run(&plant, &ctx, &alone, pinned(Strategy::Direct)).await;
    assert_eq!((trace.outcome, trace.answer.as_str()), (TraceOutcome::Refused, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_may_be_computed_from_numbers_that_stand_in_the_facts() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let claim = |text: &str, calculation: &str| json!({ "text": text, "facts": [1], "calculation": calculation });
    let told = json!({ "claims": [
        claim("Two P-101 bearings take 40 g of Lubrin LX2 grease.", "2 * 20 g"),
        claim("Two P-101 bearings take 50 g of Lubrin LX2 grease.", "2 * 20 g"),
        claim("Two P-101 bearings take 60 g of Lubrin LX2 grease.", "2 * 30 g"),
        claim("Two P-101 bearings take 0.04 kg of Lubrin LX2 grease.", "2 * 20 g"),
        claim("Two P-101 bearings take 40 g of Lubrin LX2 grease.", "20 g +"),
    ], "unknown": [] });
    let model = ScriptedModel::new("sums", move |input| {
        let reply = match asks(input) {
            "observe" => json!({ "unknown": [], "searches": [] }).to_string(),
            _ => {
                let fact = number_of(&input.prompt, "20 g");
                told.to_string().replace("\"facts\":[1]", &format!("\"facts\":[{fact}]"))
            }
        };
        ScriptedReply::Text(reply)
    });
    let minds = minds(&[(Tier::Standard, &model)]);
    let asked = ReasonInput {
        question: "How much grease do two drive end bearings of P-101 take?".to_owned(),
        ..input(Strategy::Direct)
    };
    let trace = run(&plant, &ctx, &minds, asked).await;
    let verdicts = &trace.steps.iter().find(|s| s.kind == StepKind::Verify).unwrap().verdicts;
    let reasons: Vec<Option<StrikeReason>> =
        verdicts.iter().map(|v| v.strike.as_ref().map(|strike| strike.reason)).collect();
    assert_eq!(
        reasons,
        [
            None,
            Some(StrikeReason::NumberNotInEvidence),
            Some(StrikeReason::NumberNotInEvidence),
            None,
            Some(StrikeReason::CalculationDiffers),
        ],
        "{verdicts:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_hard_and_unreadable_replies_end_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let good = claims(&["Use new gaskets every time."]);
    let poor = ReasonInput {
        settings: ReasonSettings {
            budget_tokens: Some(700),
            ..input(Strategy::SelfConsistency).settings
        },
        ..input(Strategy::SelfConsistency)
    };
    let trace = run(&plant, &ctx, &minds(&[(Tier::Light, &good)]), poor).await;
    assert_eq!(trace.outcome, TraceOutcome::Failed("run_budget_exhausted".into()));
    let spent = trace.tokens.prompt_tokens + trace.tokens.completion_tokens;
    assert!(spent <= 700, "{spent}");
    let babble = ScriptedModel::new("babble", |_| ScriptedReply::Text("no json".into()));
    let trace = run(&plant, &ctx, &minds(&[(Tier::Light, &babble)]), input(Strategy::Direct)).await;
    assert_eq!(trace.outcome, TraceOutcome::Failed("model_output_unreadable".into()));
    // Both tries are in the trace, with seeds of their own.
    let seeds: Vec<_> =
        trace.steps.iter().filter(|s| s.name == "think.1").map(|s| s.seed).collect();
    assert!(seeds.len() == 2 && seeds[0] != seeds[1], "{seeds:?}");
    let (none, asked) = (Minds::none(), input(Strategy::Direct));
    let refused = reason(authorize(&ctx).unwrap(), &bench(&plant, &none), asked, None).await;
    assert!(matches!(refused, Err(AgentError::NoModel)));
    let bad = ReasonInput { question: " ".into(), ..input(Strategy::Direct) };
    let minds = minds(&[(Tier::Light, &good)]);
    let refused = reason(authorize(&ctx).unwrap(), &bench(&plant, &minds), bad, None).await;
    assert_eq!(refused.unwrap_err().violation().map(|v| v.field), Some("question".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_same_run_until_something_differs() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    for strategy in Strategy::ALL {
        let model = claims(&["Use new gaskets every time."]);
        let minds = minds(&[(Tier::Standard, &model)]);
        let first = run(&plant, &ctx, &minds, input(strategy)).await;
        let made = bench(&plant, &minds);
        let again = replay(authorize(&ctx).unwrap(), &made, first.id, None);
        let again = again.await.unwrap();
        assert!(again.comparison.identical, "{strategy:?}: {:?}", again.comparison);
        assert_eq!(again.trace.kind, TraceKind::Replay);
        assert_eq!(again.trace.replay_of, Some(first.id));
        assert_eq!(again.trace.answer, first.answer);
    }
    // Another script under the same name is the same model that says something else.
    let model = claims(&["Use new gaskets every time."]);
    let first =
        run(&plant, &ctx, &minds(&[(Tier::Standard, &model)]), input(Strategy::Direct)).await;
    let changed = claims(&["Tighten the flange bolts of P-101 to a torque of 90 N·m."]);
    let changed = minds(&[(Tier::Standard, &changed)]);
    let made = bench(&plant, &changed);
    let again = replay(authorize(&ctx).unwrap(), &made, first.id, None);
    let again = again.await.unwrap();
    let difference = again.comparison.first_difference.unwrap();
    assert_eq!((difference.step.as_str(), difference.aspect), ("think.1", Aspect::Output));
    let (left, right, compared) =
        traces_compare(authorize(&ctx).unwrap(), first.id, again.trace.id).await.unwrap();
    assert_eq!((left.id, right.id), (first.id, again.trace.id));
    assert_eq!(compared.first_difference, Some(difference));
    // Another document changes what is observed.
    plant
        .add(NewRevision::named("more.md"), "# More\n\nMore about the flange bolts of P-101.\n")
        .await;
    let same = minds(&[(Tier::Standard, &model)]);
    let made = bench(&plant, &same);
    let again = replay(authorize(&ctx).unwrap(), &made, first.id, None);
    let difference = again.await.unwrap().comparison.first_difference.unwrap();
    assert_eq!(difference.step, "observe.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_their_owners_and_administrators_see_that_there_was_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let model = claims(&["Use new gaskets every time."]);
    let minds = minds(&[(Tier::Light, &model)]);
    let viewer = plant.person(Role::Viewer, Classification::Internal).await;
    let admin = plant.person(Role::Admin, Classification::Restricted).await;
    let own = plant.acting_as(Some(viewer)).await;
    let other = plant.acting_as(Some(admin)).await;
    let text = "# More\n\nThe tightening torque of the P-101 flange bolts is checked yearly.\n";
    let more = plant.add(NewRevision::named("more.md"), text).await;
    let trace = run(&plant, &own, &minds, input(Strategy::Direct)).await;
    plant.clock.advance_ms(1000);
    let newer = run(&plant, &own, &minds, input(Strategy::Direct)).await;
    let first = trace_list(authorize(&own).unwrap(), None, 1).await.unwrap();
    assert_eq!(first.traces[0].id, newer.id);
    let rest = trace_list(authorize(&own).unwrap(), first.next, 10).await.unwrap();
    assert_eq!(rest.traces.iter().map(|t| t.id).collect::<Vec<_>>(), [trace.id]);
    assert!(trace_list(authorize(&other).unwrap(), None, 10).await.unwrap().traces.is_empty());
    for error in [
        trace_get(authorize(&other).unwrap(), trace.id).await.err(),
        trace_delete(authorize(&other).unwrap(), trace.id).await.err(),
        replay(authorize(&other).unwrap(), &bench(&plant, &minds), trace.id, None).await.err(),
        traces_compare(authorize(&other).unwrap(), trace.id, trace.id).await.err(),
    ] {
        assert!(matches!(error, Some(AgentError::TraceNotFound)), "{error:?}");
    }
    let all = traces_of_tenant(authorize(&other).unwrap(), None, 10).await.unwrap();
    assert_eq!(all.traces.iter().map(|t| t.owner).collect::<Vec<_>>(), [Some(viewer); 2]);
    // Above one's present rights it is not there either: a document that becomes more secret takes
    // what was read of it along.
    assert!(newer.revisions.contains(&more.revision_id));
    let change = DocumentChange {
        reason: "counted wrongly".into(),
        classification: Some(Classification::Restricted),
        ..DocumentChange::default()
    };
    document_change(authorize(&other).unwrap(), more.document_id, change).await.unwrap();
    let hidden = trace_get(authorize(&own).unwrap(), newer.id).await;
    assert!(matches!(hidden, Err(AgentError::TraceNotFound)));
    let gone = trace_get(authorize(&own).unwrap(), trace.id).await;
    assert!(matches!(gone, Err(AgentError::TraceNotFound)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reasoned_answer_stands_in_the_conversation_with_its_trace() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let model = claims(&["Use new gaskets every time.", "The torque is 400 N·m."]);
    let minds = minds(&[(Tier::Heavy, &model)]);
    let (sender, mut receiver) = mpsc::channel(ANSWER_EVENTS_MAX);
    let asked =
        AskInput { message: TORQUE.into(), agent: Some("reason".into()), ..AskInput::default() };
    let asked = question(&authorize(&ctx).unwrap(), &idle(&plant), asked).await.unwrap();
    let made = bench(&plant, &minds);
    let asking = answer(authorize(&ctx).unwrap(), &made, asked, Some(sender));
    let listening = async {
        let mut events = Vec::new();
        while let Some(event) = receiver.recv().await {
            events.push(event);
        }
        events
    };
    let (answer, events) = tokio::join!(asking, listening);
    let answer = answer.unwrap();
    assert_eq!(answer.receipt.mode, "reason");
    assert_eq!(answer.text, "Use new gaskets every time. [1]");
    let tokens: String = events
        .iter()
        .filter_map(|event| match event {
            AnswerEvent::Token(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(tokens, answer.text);
    let started = events.iter().filter(|e| matches!(e, AnswerEvent::StepStarted { .. })).count();
    let finished = events.iter().filter(|e| matches!(e, AnswerEvent::StepFinished { .. })).count();
    assert_eq!((started, finished), (4, 4));
    let generated = answer.receipt.generated.as_ref().unwrap();
    assert_eq!(generated.struck.len(), 1);
    let trace = trace_get(authorize(&ctx).unwrap(), generated.trace.unwrap()).await.unwrap();
    assert_eq!((trace.kind, trace.message_id), (TraceKind::Answer, Some(answer.message_id)));
    // A run whose claims all fail leaves the answer to quotes, and its trace all the same.
    let wrong = claims(&["The torque is 400 N·m."]);
    let wrong = minds_of(&wrong);
    let asked =
        AskInput { message: TORQUE.into(), agent: Some("reason".into()), ..AskInput::default() };
    let asked = question(&authorize(&ctx).unwrap(), &idle(&plant), asked).await.unwrap();
    let quoted = agents::answer(authorize(&ctx).unwrap(), &bench(&plant, &wrong), asked, None)
        .await
        .unwrap();
    assert_eq!(quoted.receipt.mode, "quote");
    assert_eq!(quoted.receipt.fallback.as_deref(), Some("all_struck"));
    assert!(quoted.text.contains("90 N·m"));
    let trace = quoted.receipt.generated.unwrap().trace.unwrap();
    let trace = trace_get(authorize(&ctx).unwrap(), trace).await.unwrap();
    assert_eq!(trace.outcome, TraceOutcome::Refused);
}

fn minds_of(model: &ScriptedModel) -> Minds {
    minds(&[(Tier::Heavy, model)])
}
