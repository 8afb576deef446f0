//! Models and contexts that all tests here need.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agents::memory::{MEMORY_JOB, memory_handler};
use agents::workflow::{
    Definition, RunState, StartRun, WORKFLOW_JOB, WorkflowRun, WorkflowRunDetails, run_watch,
    workflow_get, workflow_handler, workflow_start,
};
use agents::{Brain, Minds, RunBudget, RunSeed, Workbench};
use base::{Classification, Role, WorkflowRunId};
use knowledge::{INGEST_JOB, ingest_handler};
use models::{GenerateInput, LanguageModel, Priority, Prompt, ScriptedModel, Speaker, Tier, Tiers};
use policy::authorize;
use serde_json::Value;
use store::{JobRunner, TenantCtx};
use tokio::task::JoinHandle;

use crate::plant::Plant;

/// Time that a run has in these tests.
pub(crate) const RUN_MS: i64 = 60_000;

/// Tiers that all have this one model.
pub(crate) fn tiers(model: &ScriptedModel) -> Tiers {
    let tiers = Tiers::new();
    for tier in Tier::ALL {
        tiers.set_members(tier, vec![Arc::new(model.clone()) as Arc<dyn LanguageModel>]);
    }
    tiers
}

pub(crate) fn brain<'a>(ctx: &'a TenantCtx, tiers: &'a Tiers, budget: &'a RunBudget) -> Brain<'a> {
    let deadline = ctx.now().plus_ms(RUN_MS);
    Brain { ctx, tiers, budget, priority: Priority::Agent, deadline }
}

/// Everything that was put before the model, but the instructions.
pub(crate) fn user_text(input: &GenerateInput) -> String {
    let Prompt::Chat(messages) = &input.prompt else { return String::new() };
    let said = messages.iter().filter(|message| message.speaker != Speaker::System);
    said.map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The instructions.
pub(crate) fn system_text(input: &GenerateInput) -> String {
    let Prompt::Chat(messages) = &input.prompt else { return String::new() };
    let said = messages.iter().filter(|message| message.speaker == Speaker::System);
    said.map(|message| message.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// A plant with a workbench over a scripted model, and a runner that carries workflows out.
pub(crate) struct Shop {
    pub(crate) plant: Plant,
    pub(crate) bench: Workbench,
    pub(crate) model: ScriptedModel,
    runner: Arc<JobRunner>,
    working: JoinHandle<()>,
}

impl Shop {
    pub(crate) async fn at(dir: &Path, model: ScriptedModel) -> Self {
        let plant = Plant::at(dir).await;
        let minds = Minds::new(tiers(&model));
        let bench = Workbench::new(minds, plant.library.clone()).unwrap();
        let handlers = HashMap::from([
            (WORKFLOW_JOB, workflow_handler(bench.clone())),
            (MEMORY_JOB, memory_handler(bench.clone())),
            (INGEST_JOB, ingest_handler(plant.library.clone())),
        ]);
        let runner = JobRunner::new(plant.store.clone(), handlers);
        let working = tokio::spawn(Arc::clone(&runner).run());
        Self { plant, bench, model, runner, working }
    }

    pub(crate) async fn operator(&self) -> TenantCtx {
        let user = self.plant.person(Role::Operator, Classification::Confidential).await;
        self.plant.acting_as(Some(user)).await
    }

    /// Starts a run of a definition in TOML.
    pub(crate) async fn start(&self, ctx: &TenantCtx, toml: &str, input: Value) -> WorkflowRun {
        let start = StartRun {
            workflow: None,
            definition: Some(Definition::from_toml(toml).unwrap()),
            input,
            seed: Some(RunSeed(1)),
        };
        workflow_start(authorize(ctx).unwrap(), &self.bench, start).await.unwrap()
    }

    /// Waits until nobody works on a run.
    pub(crate) async fn ended(&self, ctx: &TenantCtx, id: WorkflowRunId) -> WorkflowRunDetails {
        let mut watch = run_watch(ctx).unwrap();
        let patience = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let details = workflow_get(authorize(ctx).unwrap(), id).await.unwrap();
            if !matches!(details.run.state, RunState::Queued | RunState::Running) {
                return details;
            }
            let now = tokio::time::Instant::now();
            assert!(now < patience, "the run does not end: {details:#?}");
            let _ = tokio::time::timeout(Duration::from_millis(200), watch.changed()).await;
        }
    }

    /// A run from start to end.
    pub(crate) async fn run(
        &self,
        ctx: &TenantCtx,
        toml: &str,
        input: Value,
    ) -> WorkflowRunDetails {
        let run = self.start(ctx, toml, input).await;
        self.ended(ctx, run.id).await
    }

    pub(crate) async fn close(self) {
        self.runner.stop().await;
        self.working.await.unwrap();
        drop((self.runner, self.bench));
        self.plant.close().await;
    }
}
