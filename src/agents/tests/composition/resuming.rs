//! A process that is killed in the middle of a run, and the next one that goes on.

use std::path::Path;
use std::process::Command;

use agents::workflow::{RunState, workflow_list};
use models::{ScriptedModel, ScriptedReply};
use policy::authorize;
use serde_json::json;

use crate::world::{Shop, user_text};

/// Where the child of the test works.
const DIR: &str = "COMPOSITION_RESUME_DIR";

const TOML: &str = r#"
name = "three"
title = "Three"
[step]
kind = "pipeline"
id = "all"
steps = [
  { kind = "prompt", id = "first", instructions = "Step 1." },
  { kind = "prompt", id = "second", instructions = "Step 2.", inputs = { first = "${steps.first}" } },
  { kind = "prompt", id = "third", instructions = "Step 3.", inputs = { second = "${steps.second}" } },
]
"#;

/// Writes down what it is asked; kills its process at the second step, the first time.
fn model(dir: &Path, deadly: bool) -> ScriptedModel {
    let log = dir.join("asked.txt");
    ScriptedModel::new("scripted", move |input| {
        let text = user_text(input);
        let step = text.split("Step ").nth(1).unwrap().chars().next().unwrap();
        let before = std::fs::read_to_string(&log).unwrap_or_default();
        std::fs::write(&log, format!("{before}{step}")).unwrap();
        if deadly && step == '2' {
            let id = std::process::id().to_string();
            Command::new("kill").args(["-9", &id]).status().unwrap();
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        ScriptedReply::Text(format!("result {step}"))
    })
}

/// The child's part; does nothing in the parent.
#[tokio::test(flavor = "multi_thread")]
async fn child_that_is_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let dir = Path::new(&dir);
    let shop = Shop::at(&dir.join("data"), model(dir, true)).await;
    let ctx = shop.plant.console().await;
    shop.run(&ctx, TOML, json!({})).await;
    panic!("the process should have been killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_after_a_kill_at_the_first_step_that_has_not_ended() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "resuming::child_that_is_killed", "--nocapture"])
        .env(DIR, dir.path())
        .output()
        .unwrap();
    assert!(!child.status.success(), "the child was to be killed");
    let asked = || std::fs::read_to_string(dir.path().join("asked.txt")).unwrap();
    assert_eq!(asked(), "12", "{}", String::from_utf8_lossy(&child.stderr));
    let shop = Shop::at(&dir.path().join("data"), model(dir.path(), false)).await;
    let ctx = shop.plant.console().await;
    let runs = workflow_list(authorize(&ctx).unwrap(), None, 10).await.unwrap().runs;
    let done = shop.ended(&ctx, runs[0].id).await;
    assert_eq!(done.run.state, RunState::Done, "{done:#?}");
    assert_eq!(done.run.output, Some(json!("result 3")));
    // The first step was not done again; the second, which had not ended, was.
    assert_eq!(asked(), "1223");
    shop.close().await;
}
