//! Workflows from start to end: every kind of node, failures, gates, cancelling, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use agents::AgentError;
use agents::workflow::{
    Definition, GateDecision, RunState, StartRun, StepState, run_events, workflow_cancel,
    workflow_decide, workflow_get, workflow_list, workflow_start,
};
use base::{Classification, Coded as _, Role};
use models::{ScriptedModel, ScriptedReply};
use policy::authorize;
use serde_json::{Value, json};

use crate::world::{Shop, user_text};

/// Says what it is told to in the instructions: `Say X.`; fails at `Fail.`, waits at `Wait.`.
fn parrot() -> ScriptedModel {
    ScriptedModel::new("parrot", |input| {
        let text = user_text(input);
        if text.contains("Fail.") {
            return ScriptedReply::Text("{ no json".into());
        }
        if text.contains("Wait.") {
            return ScriptedReply::Hangs;
        }
        let said = text.split("Say ").nth(1).and_then(|rest| rest.split('.').next());
        ScriptedReply::Text(said.unwrap_or("nothing").to_owned())
    })
}

fn workflow(step: &str) -> String {
    format!("name = \"test\"\ntitle = \"Test\"\n[step]\n{step}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_hands_values_on() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let toml = workflow(
        r#"
kind = "pipeline"
id = "all"
[[step.steps]]
kind = "tool"
id = "torque"
tool = "calculate"
arguments = { expression = "${input.force} * 0,3 m to Nm" }
[[step.steps]]
kind = "prompt"
id = "said"
instructions = "Say tight."
inputs = { torque = "${steps.torque.text}" }
[[step.steps]]
kind = "value"
id = "result"
value = { torque = "${steps.torque.value}", words = "it is ${steps.said}" }
"#,
    );
    let details = shop.run(&ctx, &toml, json!({ "force": "300 N" })).await;
    assert_eq!(details.run.state, RunState::Done, "{details:#?}");
    assert_eq!(details.run.output, Some(json!({ "torque": 90.0, "words": "it is tight" })));
    let keys: Vec<&str> = details.steps.iter().map(|step| step.key.as_str()).collect();
    assert_eq!(keys, ["torque", "said", "result", "all"]);
    assert!(details.run.tokens > 0);
    let asked = shop.model.asked();
    assert!(user_text(&asked[0]).contains("<fact id=\"1\">\ntorque:\n90 Nm\n</fact>"));
    // What was used stands in the accounts of tenant and person.
    let used: u32 = ctx
        .read(|tx| {
            tx.query_row(
                "SELECT sum(prompt_tokens + completion_tokens) FROM token_usage",
                [],
                |row| row.get(0),
            )
        })
        .await
        .unwrap();
    assert_eq!(u64::from(used), details.run.tokens);
    // And what happened can be read as events, in order.
    let page = run_events(&authorize(&ctx).unwrap(), details.run.id, 0).await.unwrap();
    assert!(page.over);
    let names: Vec<&str> = page.events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!((names[0], names[names.len() - 1]), ("run.started", "run.ended"));
    let rest = run_events(&authorize(&ctx).unwrap(), details.run.id, 3).await.unwrap();
    assert_eq!(rest.events[..], page.events[3..]);
    shop.close().await;
}

const FAN: &str = r#"
kind = "fan_out"
id = "fan"
JOIN
[[step.branches]]
kind = "prompt"
id = "a"
instructions = "Say one."
[[step.branches]]
kind = "prompt"
id = "b"
instructions = "Fail."
output = { type = "object" }
[[step.branches]]
kind = "prompt"
id = "c"
instructions = "Say three."
"#;

#[tokio::test(flavor = "multi_thread")]
async fn joins_decide_what_a_failed_branch_means() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let with = |join: &str| workflow(&FAN.replace("JOIN", join));
    let all = shop.run(&ctx, &with("join = \"all\""), json!({})).await;
    assert_eq!(all.run.state, RunState::Failed);
    assert_eq!(all.run.error_code.as_deref(), Some("workflow_join_failed"));
    assert!(all.run.error_detail.unwrap().contains("b: "), "the branch is named");
    // What succeeded is kept.
    assert!(all.steps.iter().any(|step| step.key == "fan.a" && step.state == StepState::Done));
    let quorum = shop.run(&ctx, &with("join = \"quorum\"\nquorum = 2"), json!({})).await;
    assert_eq!(quorum.run.state, RunState::Done, "{quorum:#?}");
    assert_eq!(quorum.run.output.unwrap()["values"], json!(["one", "three"]));
    let any = shop.run(&ctx, &with("join = \"any\""), json!({})).await;
    assert_eq!(any.run.output.unwrap()["succeeded"], json!(1));
    let settled = shop.run(&ctx, &with("join = \"settled\""), json!({})).await;
    let output = settled.run.output.unwrap();
    assert_eq!((&output["succeeded"], &output["results"][1]["ok"]), (&json!(2), &json!(false)));
    assert_eq!(output["results"][1]["error"], "model_output_unreadable");
    let three = shop.run(&ctx, &with("join = \"quorum\"\nquorum = 3"), json!({})).await;
    assert_eq!(three.run.state, RunState::Failed);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_of_a_list_has_a_branch_and_no_more_run_at_once_than_may() {
    let dir = tempfile::tempdir().unwrap();
    let (now, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (counting, highest) = (Arc::clone(&now), Arc::clone(&most));
    let model = ScriptedModel::new("counting", move |input| {
        let at_once = counting.fetch_add(1, Ordering::SeqCst) + 1;
        highest.fetch_max(at_once, Ordering::SeqCst);
        counting.fetch_sub(1, Ordering::SeqCst);
        let text = user_text(input);
        let item = text.split("item:\n").nth(1).unwrap().split('\n').next().unwrap();
        ScriptedReply::Text(format!("seen {item}"))
    });
    let shop = Shop::at(dir.path(), model).await;
    let ctx = shop.operator().await;
    let toml = workflow(
        r#"
kind = "fan_out"
id = "fan"
over = "${input.items}"
parallel = 2
[step.each]
kind = "pipeline"
id = "one"
steps = [
  { kind = "prompt", id = "look", instructions = "Look.", inputs = { item = "${each.item}" } },
  { kind = "value", id = "made", value = "${each.index}: ${steps.look}" },
]
"#,
    );
    let details = shop.run(&ctx, &toml, json!({ "items": ["x", "y", "z"] })).await;
    assert_eq!(details.run.state, RunState::Done, "{details:#?}");
    assert_eq!(
        details.run.output.unwrap()["values"],
        json!(["0: seen x", "1: seen y", "2: seen z"])
    );
    assert!(details.steps.iter().any(|step| step.key == "fan[2].look"));
    assert!(most.load(Ordering::SeqCst) <= 2);
    let wrong = shop.run(&ctx, &toml, json!({ "items": "x" })).await;
    assert_eq!(wrong.run.error_code.as_deref(), Some("workflow_value_wrong"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_come_first_and_attempts_go_on_until_they_pass() {
    let dir = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new("author", |input| {
        let text = user_text(input);
        if text.contains("Write checks.") {
            return ScriptedReply::Text(json!({ "checks": ["Names the torque"] }).to_string());
        }
        if text.contains("Judge what was made") {
            let passed = text.contains("90 Nm");
            let told = json!({ "judgements": [
                { "check": 1, "passed": passed, "reason": if passed { "" } else { "no torque" } },
            ] });
            return ScriptedReply::Text(told.to_string());
        }
        // The second attempt sees why the first one failed.
        let learned = text.contains("no torque");
        ScriptedReply::Text(if learned { "Tighten to 90 Nm." } else { "Tighten well." }.into())
    });
    let shop = Shop::at(dir.path(), model).await;
    let ctx = shop.operator().await;
    let with = |attempts: u32| {
        workflow(&format!(
            r#"
kind = "tdd_loop"
id = "loop"
attempts_max = {attempts}
checks = [{{ name = "says_something", holds = {{ value = "${{loop.output}}", is = "not_empty" }} }}]
[step.write_checks]
kind = "prompt"
id = "checks"
instructions = "Write checks."
output = {{ type = "object" }}
[step.attempt]
kind = "prompt"
id = "attempt"
instructions = "Write it."
inputs = {{ last = "${{loop.last}}", failures = "${{loop.failures}}" }}
"#
        ))
    };
    let details = shop.run(&ctx, &with(3), json!({})).await;
    assert_eq!(details.run.state, RunState::Done, "{details:#?}");
    let output = details.run.output.unwrap();
    assert_eq!((&output["attempts"], &output["output"]), (&json!(2), &json!("Tighten to 90 Nm.")));
    let keys: Vec<&str> = details.steps.iter().map(|step| step.key.as_str()).collect();
    let order =
        ["loop.checks", "loop#1.attempt", "loop#1.judge", "loop#2.attempt", "loop#2.judge", "loop"];
    assert_eq!(keys, order);
    let once = shop.run(&ctx, &with(1), json!({})).await;
    assert_eq!(once.run.error_code.as_deref(), Some("workflow_checks_failed"));
    assert!(once.run.error_detail.unwrap().contains("written_1"));
    shop.close().await;
}

const GATED: &str = r#"
kind = "pipeline"
id = "all"
[[step.steps]]
kind = "prompt"
id = "draft"
instructions = "Say fine."
[[step.steps]]
kind = "gate"
id = "release"
ask = "May it go out?"
show = "${steps.draft}"
[[step.steps]]
kind = "value"
id = "result"
value = "released: ${steps.release}"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_waits_for_a_person_who_decides_on_what_was_shown() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let waiting = shop.run(&ctx, &workflow(GATED), json!({})).await;
    assert_eq!(waiting.run.state, RunState::Waiting, "{waiting:#?}");
    let gate = &waiting.waiting[0];
    assert_eq!((gate.question.as_str(), &gate.shown), ("May it go out?", &json!("fine")));
    let decide = |digest: [u8; 32], approved: bool| GateDecision {
        key: gate.key.clone(),
        digest,
        approved,
        reason: Some("seen".into()),
    };
    // Somebody else decides: whoever may, and may see it.
    let other = shop.operator().await;
    let id = waiting.run.id;
    let wrong = workflow_decide(authorize(&other).unwrap(), id, decide([0; 32], true)).await;
    assert_eq!(wrong.unwrap_err().code(), "workflow_gate_not_waiting");
    let queued = workflow_decide(authorize(&other).unwrap(), id, decide(gate.digest, true)).await;
    assert_eq!(queued.unwrap().state, RunState::Queued);
    let done = shop.ended(&ctx, id).await;
    assert_eq!(done.run.output, Some(json!("released: fine")), "{done:#?}");
    // Nothing was done twice.
    assert_eq!(shop.model.asked().len(), 1);
    let again = workflow_decide(authorize(&other).unwrap(), id, decide(gate.digest, false)).await;
    assert_eq!(again.unwrap_err().code(), "workflow_run_not_found", "it waits for nobody now");
    // A no ends it.
    let second = shop.run(&ctx, &workflow(GATED), json!({})).await;
    let no = decide(second.waiting[0].digest, false);
    workflow_decide(authorize(&ctx).unwrap(), second.run.id, no).await.unwrap();
    let rejected = shop.ended(&ctx, second.run.id).await;
    assert_eq!(rejected.run.error_code.as_deref(), Some("workflow_gate_rejected"));
    assert_eq!(rejected.run.error_detail.as_deref(), Some("seen"));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_cancelled_while_they_wait_and_while_they_work() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let waiting = shop.run(&ctx, &workflow(GATED), json!({})).await;
    let cancelled = workflow_cancel(authorize(&ctx).unwrap(), waiting.run.id).await.unwrap();
    assert_eq!(cancelled.state, RunState::Cancelled);
    let over = workflow_cancel(authorize(&ctx).unwrap(), waiting.run.id).await.unwrap_err();
    assert_eq!(over.code(), "workflow_run_wrong_state");
    let toml = workflow("kind = \"prompt\"\nid = \"slow\"\ninstructions = \"Wait.\"\n");
    let run = shop.start(&ctx, &toml, json!({})).await;
    while shop.model.asked().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    workflow_cancel(authorize(&ctx).unwrap(), run.id).await.unwrap();
    let ended = shop.ended(&ctx, run.id).await;
    assert_eq!(ended.run.state, RunState::Cancelled, "{ended:#?}");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_and_what_was_done_until_then_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let step = "kind = \"fan_out\"\nid = \"fan\"\nover = \"${input}\"\nparallel = 1\n\
                each = { kind = \"prompt\", id = \"p\", instructions = \"Say x.\", max_tokens = 50 }\n";
    let toml = format!("name = \"t\"\ntitle = \"T\"\nlimits = {{ tokens = 700 }}\n[step]\n{step}");
    let details = shop.run(&ctx, &toml, json!(vec![1; 20])).await;
    assert_eq!(details.run.state, RunState::Failed);
    assert!(details.run.error_detail.unwrap().contains("run_budget_exhausted"));
    assert!(details.steps.iter().any(|step| step.state == StepState::Done));
    assert!(details.run.tokens <= 700);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_seen_by_those_who_may() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let toml = workflow("kind = \"value\"\nid = \"v\"\nvalue = 1\n");
    let details = shop.run(&ctx, &toml, json!({})).await;
    let other = shop.operator().await;
    let hidden = workflow_get(authorize(&other).unwrap(), details.run.id).await.unwrap_err();
    assert_eq!(hidden.code(), "workflow_run_not_found");
    let list = workflow_list(authorize(&other).unwrap(), None, 10).await.unwrap();
    assert!(list.runs.is_empty());
    let admin = shop.plant.person(Role::Admin, Classification::Internal).await;
    let admin = shop.plant.acting_as(Some(admin)).await;
    assert_eq!(workflow_list(authorize(&admin).unwrap(), None, 10).await.unwrap().runs.len(), 1);
    // Not even to start one is for everybody.
    let viewer = shop.plant.person(Role::Viewer, Classification::Internal).await;
    let viewer = shop.plant.acting_as(Some(viewer)).await;
    assert!(authorize::<policy::workflows::Run>(&viewer).is_err());
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_run_is_refused_before_it_begins() {
    let dir = tempfile::tempdir().unwrap();
    let shop = Shop::at(dir.path(), parrot()).await;
    let ctx = shop.operator().await;
    let start = |definition: Option<&str>, workflow: Option<&str>, input: Value| StartRun {
        workflow: workflow.map(str::to_owned),
        definition: definition.map(|toml| Definition::from_toml(toml).unwrap()),
        input,
        seed: None,
    };
    let refused = async |start: StartRun| -> AgentError {
        workflow_start(authorize(&ctx).unwrap(), &shop.bench, start).await.unwrap_err()
    };
    assert_eq!(refused(start(None, Some("none"), json!({}))).await.code(), "workflow_not_found");
    assert_eq!(refused(start(None, None, json!({}))).await.code(), "invalid_input");
    let tool = workflow("kind = \"tool\"\nid = \"t\"\ntool = \"shell\"\n");
    let error = refused(start(Some(&tool), None, json!({}))).await;
    assert_eq!(error.code(), "workflow_invalid");
    assert!(error.to_string().contains("there is no tool \"shell\""));
    let input = refused(start(None, Some("document_check"), json!({ "draught": 1 }))).await;
    assert_eq!(input.violation().unwrap().field, "input.draft");
    shop.close().await;
}
