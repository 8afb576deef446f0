//! Agents that take part in answers and runs: who is chosen, what they add, and what they may not read.

use agents::specialist::{AgentOverride, agent_override};
use agents::{
    AgentError, AskInput, ReasonInput, ReasonSettings, StepKind, Trace, TraceOutcome, question,
    reason, replay, trace_get, trace_list,
};
use base::{Classification, Coded as _};
use knowledge::{DocumentChange, KnowledgeError, NewRevision, document_change};
use models::{GenerateInput, OutputShape, ScriptedModel, ScriptedReply, Tier, ToolCall};
use policy::authorize;
use serde_json::{Value, json};

use crate::generating::{ask_as, minds, number_of, prompt_text};
use crate::plant::Plant;
use crate::{bench, idle, plant};

const TORQUE: &str = "What is the tightening torque of the P-101 flange bolts?";

/// Says what follows a prompt: calls one tool, then says that nothing is unknown, then claims.
fn with_tool(tool: &'static str, arguments: Value, claim: &'static str) -> ScriptedModel {
    ScriptedModel::new("with tools", move |input| reply(input, (tool, &arguments), claim))
}

fn reply(input: &GenerateInput, (tool, arguments): (&str, &Value), claim: &str) -> ScriptedReply {
    match &input.output {
        OutputShape::Tools { .. } if !prompt_text(&input.prompt).contains("<tool_result id") => {
            ScriptedReply::Tool(ToolCall { name: tool.into(), arguments: arguments.to_string() })
        }
        OutputShape::Tools { .. } => ScriptedReply::Text("NOTHING".into()),
        OutputShape::Text => ScriptedReply::Text("Nothing that was asked for.".into()),
        OutputShape::Json { .. } => ScriptedReply::Text(claims(input, claim).to_string()),
    }
}

fn claims(input: &GenerateInput, claim: &str) -> Value {
    let fact = number_of(&input.prompt, "90 N·m");
    json!({ "steps": [], "unknown": [], "searches": [], "claims": [{ "text": claim, "facts": [fact] }] })
}

fn by_agent(agent: &str) -> ReasonInput {
    let settings = ReasonSettings {
        agent: Some(agent.to_owned()),
        seed: Some(7),
        ..ReasonSettings::default()
    };
    ReasonInput { question: TORQUE.to_owned(), settings }
}

fn step<'t>(trace: &'t Trace, name: &str) -> &'t agents::TraceStep {
    let found = trace.steps.iter().find(|step| step.name == name);
    found.unwrap_or_else(|| panic!("no step {name} among {:?}", names(trace)))
}

fn names(trace: &Trace) -> Vec<&str> {
    trace.steps.iter().map(|step| step.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_agent_observes_with_its_tools_and_its_claims_are_verified() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let search = json!({ "query": "P-101 flange bolts torque" });
    let claim = "The flange bolts of P-101 are tightened to a torque of 90 N·m.";
    let model = with_tool("search_documents", search, claim);
    let minds = minds(&[(Tier::Standard, &model)]);
    let answer = ask_as(&plant, &ctx, &minds, TORQUE, Some("maintenance_advisor")).await;
    assert_eq!((answer.receipt.mode.as_str(), answer.refusal), ("reason", None));
    assert!(answer.text.contains("90 N·m. [1]"), "{}", answer.text);
    let generated = answer.receipt.generated.as_ref().unwrap();
    let choice = generated.agent.as_ref().unwrap();
    assert_eq!((choice.agent.as_str(), choice.pinned), ("maintenance_advisor", true));
    // Its own tier, which the file gives.
    assert_eq!((generated.router.tier, generated.router.pinned), (Tier::Standard, true));
    let trace = trace_get(authorize(&ctx).unwrap(), generated.trace.unwrap()).await.unwrap();
    assert_eq!(trace.settings.agent.as_deref(), Some("maintenance_advisor"));
    let expected = ["observe.1", "observe.1/tools.1", "observe.1/tools.2", "observe.1/found"];
    assert_eq!(names(&trace)[..4], expected);
    let called = step(&trace, "observe.1/tools.1");
    assert_eq!((called.kind, called.prompt_hash.is_some()), (StepKind::Observe, true));
    let output: Value = serde_json::from_str(&called.output).unwrap();
    assert_eq!(output["calls"][0]["tool"], "search_documents");
    assert_eq!(output["calls"][0]["outcome"], "ok");
    assert!(output["calls"][0]["result"].as_str().unwrap().contains("90 N·m"));
    // What every step cost is what the run cost.
    let total: u32 = trace.steps.iter().map(|step| step.tokens.prompt_tokens).sum();
    assert_eq!(trace.tokens.prompt_tokens, total);
    // The instructions of the agent stand behind the rules, in every prompt.
    for input in model.asked() {
        let text = prompt_text(&input.prompt);
        assert!(text.contains("You work as: Maintenance advisor."), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_tool_worked_out_can_be_computed_from_and_a_run_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let convert = json!({ "expression": "90 N*m / 3" });
    let claim = "The flange bolts of P-101 are tightened to a torque of 90 N·m.";
    let model = with_tool("calculate", convert, claim);
    let minds = minds(&[(Tier::Standard, &model)]);
    let bench = bench(&plant, &minds);
    let permit = || authorize(&ctx).unwrap();
    let trace = reason(permit(), &bench, by_agent("data_analyst"), None).await.unwrap();
    assert_eq!(trace.outcome, TraceOutcome::Answered, "{trace:?}");
    let thought =
        model.asked().into_iter().find(|input| matches!(input.output, OutputShape::Json { .. }));
    let prompt = prompt_text(&thought.unwrap().prompt);
    assert!(prompt.contains("calculate: ") && prompt.contains("30"), "{prompt}");
    let again = replay(permit(), &bench, trace.id, None).await.unwrap();
    assert!(again.comparison.first_difference.is_none(), "{:?}", again.comparison);
    assert_eq!(again.trace.settings.agent.as_deref(), Some("data_analyst"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_is_raised_while_a_run_goes_on_holds_for_all_that_it_read() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let text = "# Pump log\n\nPump P-9 was opened on Monday.\n";
    let log = plant.add(NewRevision::named("pump-log.md"), text).await;
    let ctx = plant.console().await;
    let admin = plant.console().await;
    let page = json!({ "document": "pump-log", "page": 1 });
    let claim = "The flange bolts of P-101 are tightened to a torque of 90 N·m.";
    let runtime = tokio::runtime::Handle::current();
    let model = ScriptedModel::new("raises", move |input| {
        if matches!(input.output, OutputShape::Json { .. }) {
            let change = DocumentChange {
                reason: "more secret than was thought".into(),
                classification: Some(Classification::Restricted),
                ..DocumentChange::default()
            };
            let raising = async {
                document_change(authorize(&admin).unwrap(), log.document_id, change).await.unwrap();
            };
            tokio::task::block_in_place(|| runtime.block_on(raising));
        }
        reply(input, ("read_page", &page), claim)
    });
    let bench = bench(&plant, &minds(&[(Tier::Standard, &model)]));
    let permit = authorize(&ctx).unwrap();
    let run = reason(permit, &bench, by_agent("maintenance_advisor"), None).await;
    assert!(matches!(run, Err(AgentError::Knowledge(KnowledgeError::Overtaken))), "{run:?}");
    let kept = trace_list(authorize(&ctx).unwrap(), None, 10).await.unwrap();
    assert!(kept.traces.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_too_small_for_tools_does_not_end_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let model = ScriptedModel::new("small", |input| match &input.output {
        OutputShape::Tools { .. } => ScriptedReply::TooLong,
        _ => {
            let claim = "The flange bolts of P-101 are tightened to a torque of 90 N·m.";
            ScriptedReply::Text(claims(input, claim).to_string())
        }
    });
    let bench = bench(&plant, &minds(&[(Tier::Standard, &model)]));
    let permit = authorize(&ctx).unwrap();
    let trace = reason(permit, &bench, by_agent("maintenance_advisor"), None).await.unwrap();
    assert_eq!(trace.outcome, TraceOutcome::Answered);
    let expected = ["observe.1", "observe.1/tools", "observe.1/unknown"];
    assert_eq!(names(&trace)[..3], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_name_the_agent_is_chosen_by_the_question_and_the_reason_kept() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let model = ScriptedModel::new("writes", |input| {
        let number = number_of(&input.prompt, "2,000 hours");
        let text =
            format!("The drive end bearing of P-101 is regreased every 2,000 hours [{number}].");
        ScriptedReply::Text(text)
    });
    let minds = minds(&[(Tier::Light, &model)]);
    let asked = "How often is the drive end bearing of P-101 regreased?";
    let answer = ask_as(&plant, &ctx, &minds, asked, None).await;
    assert_eq!(answer.receipt.mode, "generated");
    let choice = answer.receipt.generated.unwrap().agent.unwrap();
    assert_eq!((choice.agent.as_str(), choice.pinned), ("maintenance_advisor", false));
    assert!(choice.reason.contains("bearing"), "{}", choice.reason);
    // Who asks for a way of answering gets no agent with it.
    let answer = ask_as(&plant, &ctx, &minds, asked, Some("generated")).await;
    assert_eq!(answer.receipt.generated.unwrap().agent, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_given_nothing_above_its_ceiling() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let secret = NewRevision {
        classification: Classification::Confidential,
        ..NewRevision::named("secret.md")
    };
    let text = "# Secret torques\n\nThe flange bolts of P-101 hold a torque of 133 N·m at most.\n";
    plant.add(secret, text).await;
    lower(&plant, Classification::Internal).await;
    let search = json!({ "query": "P-101 flange bolts torque at most 133" });
    let claim = "The flange bolts of P-101 are tightened to a torque of 90 N·m.";
    let model = with_tool("search_documents", search, claim);
    let minds = minds(&[(Tier::Standard, &model)]);
    let answer = ask_as(&plant, &ctx, &minds, TORQUE, Some("maintenance_advisor")).await;
    assert_eq!(answer.receipt.mode, "reason");
    assert_eq!(answer.label.classification, Classification::Internal);
    assert!(!model.asked().is_empty());
    for input in model.asked() {
        assert!(!prompt_text(&input.prompt).contains("133"), "the ceiling leaks");
    }
    // Below everything there is, no model is asked, and the documents answer for themselves.
    lower(&plant, Classification::Public).await;
    let before = model.asked().len();
    let answer = ask_as(&plant, &ctx, &minds, TORQUE, Some("maintenance_advisor")).await;
    assert_eq!(answer.receipt.mode, "quote");
    assert_eq!(answer.receipt.fallback.as_deref(), Some("agent_ceiling"));
    assert_eq!(model.asked().len(), before);
}

async fn lower(plant: &Plant, ceiling: Classification) {
    let ctx = plant.console().await;
    let change = AgentOverride { ceiling: Some(ceiling), ..AgentOverride::default() };
    let (permit, bench) = (authorize(&ctx).unwrap(), idle(plant));
    agent_override(permit, &bench, "maintenance_advisor", change).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_agent_is_refused_with_those_that_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let plant = plant(dir.path()).await;
    let ctx = plant.console().await;
    let input =
        AskInput { message: TORQUE.into(), agent: Some("plumber".into()), ..AskInput::default() };
    let bench = idle(&plant);
    let error = question(&authorize(&ctx).unwrap(), &bench, input).await.unwrap_err();
    let violation = error.violation().unwrap();
    assert_eq!(violation.field, "agent");
    assert!(violation.reason.contains("data_analyst"), "{}", violation.reason);
    let refused = reason(authorize(&ctx).unwrap(), &bench, by_agent("plumber"), None).await;
    let violation = refused.unwrap_err().violation().unwrap();
    assert_eq!(violation.field, "settings.agent");
    let refused = reason(authorize(&ctx).unwrap(), &bench, by_agent("data_analyst"), None).await;
    assert!(matches!(refused, Err(AgentError::NoModel)));
}
