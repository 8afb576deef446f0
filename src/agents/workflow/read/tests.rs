//! Definitions that are read, and what is told of those that can't be.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::super::builtin_definitions;
use super::*;

const GOOD: &str = r#"
name = "check"
title = "Check"

[step]
kind = "pipeline"
id = "all"

[[step.steps]]
kind = "tool"
id = "find"
tool = "search_documents"
arguments = { query = "${input.question}" }

[[step.steps]]
kind = "prompt"
id = "sum"
instructions = "Sum up."
inputs = { found = "${steps.find}" }
"#;

fn told(text: &str) -> String {
    Definition::from_toml(text).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_told_by_line_and_field() {
    Definition::from_toml(GOOD).unwrap();
    let cases = [
        ("title = \"Check\"", "title : 1", "line 3, definition"),
        (
            "kind = \"tool\"",
            "kind = \"shell\"",
            "line 10, step.steps[0].kind: \"shell\" is none of",
        ),
        ("tool = \"search_documents\"", "tool = 7", "line 12, step.steps[0].tool: invalid type"),
        ("id = \"sum\"", "id = \"find\"", "line 17, step.steps[1].id: \"find\" is there twice"),
        ("instructions = \"Sum up.\"", "", "step.steps[1].instructions: missing field"),
        ("${steps.find}", "${steps.later}", "line 19, step.steps[1].inputs: ${steps.later}"),
        ("${steps.find}", "${steps.sum}", "step.steps[1].inputs: ${steps.sum}"),
        ("name = \"check\"", "name = \"Check it\"", "line 2, name: must be"),
        ("title = \"Check\"", "title = \"x\"\ncolor = 1", "line 4, color: unknown field `color`"),
        (
            "title = \"Check\"",
            "title = \"x\"\ninput = { pattern = \"a\" }",
            "line 4, input: /pattern",
        ),
        ("title = \"Check\"", "title = \"x\"\nlimits = { tokens = 0 }", "limits.tokens: must be"),
    ];
    for (from, to, expected) in cases {
        let text = GOOD.replacen(from, to, 1);
        let told = told(&text);
        assert!(told.contains(expected), "{to}: {told}");
    }
}

#[test]
fn graphs_have_no_circles() {
    let graph = |after: &str| {
        format!(
            "name = \"g\"\ntitle = \"G\"\n[step]\nkind = \"graph\"\nid = \"g\"\n\
             [[step.nodes]]\nafter = [{after}]\nstep = {{ kind = \"value\", id = \"a\", value = 1 }}\n\
             [[step.nodes]]\nafter = [\"a\"]\nstep = {{ kind = \"value\", id = \"b\", value = 2 }}\n"
        )
    };
    Definition::from_toml(&graph("")).unwrap();
    let circle = told(&graph("\"b\""));
    assert!(circle.contains("line 7, step.nodes[0].after[0]: \"b\" is no node"), "{circle}");
}

#[test]
fn the_workflows_of_the_house_are_whole_and_survive_json() {
    for definition in builtin_definitions().unwrap() {
        let json = serde_json::to_value(&definition).unwrap();
        assert_eq!(Definition::from_json(json).unwrap(), definition);
    }
}
