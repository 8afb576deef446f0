//! From a goal to a plan, its approval, and what becomes of it.

use agents::planner::{
    PlanInput, PlanState, PlanView, plan_approve, plan_create, plan_get, plan_list, plan_reject,
};
use agents::workflow::RunState;
use base::Coded as _;
use models::{GenerateInput, ScriptedModel, ScriptedReply};
use policy::authorize;
use serde_json::{Value, json};
use store::TenantCtx;

use crate::world::{Shop, user_text};

fn task(id: &str, kind: &str, with: &str, task: &str, after: &[&str]) -> Value {
    json!({ "id": id, "title": id, "kind": kind, "with": with, "task": task, "arguments": {},
            "after": after })
}

fn plan(tasks: &[Value]) -> ScriptedReply {
    ScriptedReply::Text(json!({ "summary": "In steps.", "tasks": tasks }).to_string())
}

fn is_planning(input: &GenerateInput) -> bool {
    user_text(input).starts_with("Agents:")
}

fn wanted() -> PlanInput {
    PlanInput {
        goal: "Find out how tight the flange of P-101 is.".into(),
        budget_tokens: None,
        deadline_s: 3600,
        replans_max: 1,
        seed: None,
        tasks: None,
    }
}

async fn made(shop: &Shop, ctx: &TenantCtx) -> PlanView {
    plan_create(authorize(ctx).unwrap(), &shop.bench, wanted()).await.unwrap()
}

async fn read(ctx: &TenantCtx, plan: &PlanView) -> PlanView {
    plan_get(authorize(ctx).unwrap(), plan.id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_approved_and_carried_out() {
    let dir = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new("planner", |input| {
        if is_planning(input) {
            // The first is no plan: it goes in a circle. It is told so, and makes another one.
            if !user_text(input).contains("in a circle") {
                let agent = "document_analyst";
                return plan(&[
                    task("a", "agent", agent, "Look.", &["b"]),
                    task("b", "agent", agent, "Look.", &["a"]),
                ]);
            }
            return plan(&[
                task("sum", "agent", "data_analyst", "Convert it to lbf ft.", &["find"]),
                task("find", "agent", "document_analyst", "Find the torque.", &[]),
            ]);
        }
        let text = user_text(input);
        if text.contains("Report to the person") {
            return ScriptedReply::Text(format!("Report: {}", text.contains("90 Nm")));
        }
        ScriptedReply::Text(
            if text.contains("Find the torque") { "90 Nm" } else { "66 lbf ft" }.into(),
        )
    });
    let shop = Shop::at(dir.path(), model).await;
    let ctx = shop.operator().await;
    let plan = made(&shop, &ctx).await;
    assert_eq!((plan.state, plan.version), (PlanState::Proposed, 1));
    let ids: Vec<&str> = plan.plan.tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["find", "sum"]);
    assert!(plan.plan.estimate.tokens > 10_000);
    // Nothing is done yet.
    assert_eq!(shop.model.asked().len(), 2);
    let other = plan_approve(authorize(&ctx).unwrap(), &shop.bench, plan.id, [7; 32]).await;
    assert_eq!(other.unwrap_err().code(), "plan_changed");
    let running = plan_approve(authorize(&ctx).unwrap(), &shop.bench, plan.id, plan.digest).await;
    let running = running.unwrap();
    assert_eq!(running.state, PlanState::Running);
    let done = shop.ended(&ctx, running.run_id.unwrap()).await;
    assert_eq!(done.run.state, RunState::Done, "{done:#?}");
    assert_eq!(done.run.output, Some(json!("Report: true")));
    assert_eq!(read(&ctx, &plan).await.state, PlanState::Done);
    let again = plan_approve(authorize(&ctx).unwrap(), &shop.bench, plan.id, plan.digest).await;
    assert_eq!(again.unwrap_err().code(), "plan_wrong_state");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_fails_is_made_anew_and_waits_for_another_approval() {
    let dir = tempfile::tempdir().unwrap();
    let model = ScriptedModel::new("planner", |input| {
        if is_planning(input) {
            let second = user_text(input).contains("was carried out and failed");
            let mut tool = task("table", "tool", "query_table", "", &[]);
            let document = if second { "STILL-NOT-THERE" } else { "NOT-THERE" };
            tool["arguments"] = json!({ "document": document, "page": 1 });
            return plan(&[tool]);
        }
        ScriptedReply::Text("never".into())
    });
    let shop = Shop::at(dir.path(), model).await;
    let ctx = shop.operator().await;
    let first = made(&shop, &ctx).await;
    let running = plan_approve(authorize(&ctx).unwrap(), &shop.bench, first.id, first.digest).await;
    let failed = shop.ended(&ctx, running.unwrap().run_id.unwrap()).await;
    assert_eq!(failed.run.error_code.as_deref(), Some("document_not_found"), "{failed:#?}");
    let second = read(&ctx, &first).await;
    assert_eq!((second.state, second.version), (PlanState::Proposed, 2));
    assert_ne!(second.digest, first.digest);
    // The old approval is worth nothing for the new plan.
    let old = plan_approve(authorize(&ctx).unwrap(), &shop.bench, first.id, first.digest).await;
    assert_eq!(old.unwrap_err().code(), "plan_changed");
    let running =
        plan_approve(authorize(&ctx).unwrap(), &shop.bench, first.id, second.digest).await.unwrap();
    shop.ended(&ctx, running.run_id.unwrap()).await;
    // Only as often as was allowed.
    assert_eq!(read(&ctx, &first).await.state, PlanState::Failed);
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_are_rejected_and_seen_by_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let model =
        ScriptedModel::new("planner", |_| plan(&[task("ask", "ask", "", "Which flange?", &[])]));
    let shop = Shop::at(dir.path(), model).await;
    let ctx = shop.operator().await;
    let plan = made(&shop, &ctx).await;
    assert_eq!(plan.plan.estimate.questions, 1);
    let other = shop.operator().await;
    let hidden = plan_get(authorize(&other).unwrap(), plan.id).await.unwrap_err();
    assert_eq!(hidden.code(), "plan_not_found");
    assert!(plan_list(authorize(&other).unwrap(), None, 10).await.unwrap().plans.is_empty());
    let rejected = plan_reject(authorize(&ctx).unwrap(), plan.id, Some("no".into())).await.unwrap();
    assert_eq!((rejected.state, rejected.reason.as_deref()), (PlanState::Rejected, Some("no")));
    let late = plan_approve(authorize(&ctx).unwrap(), &shop.bench, plan.id, plan.digest).await;
    assert_eq!(late.unwrap_err().code(), "plan_wrong_state");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wishes_without_measure_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let model =
        ScriptedModel::new("planner", |_| plan(&[task("a", "agent", "generalist", "Do it.", &[])]));
    let shop = Shop::at(dir.path(), model).await;
    let ctx = shop.operator().await;
    for (input, field) in [
        (PlanInput { goal: " ".into(), ..wanted() }, "goal"),
        (PlanInput { deadline_s: 1, ..wanted() }, "deadline_s"),
        (PlanInput { replans_max: 99, ..wanted() }, "replans_max"),
        (PlanInput { budget_tokens: Some(10), ..wanted() }, "budget_tokens"),
    ] {
        let error = plan_create(authorize(&ctx).unwrap(), &shop.bench, input).await.unwrap_err();
        assert_eq!(error.violation().unwrap().field, field);
    }
    shop.close().await;
}
