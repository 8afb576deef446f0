//! Workflows: steps put together, carried out durably.
//!
//! A definition is a tree of nodes (TOML, JSON or Rust): [`Node::Pipeline`], [`Node::FanOut`],
//! [`Node::Graph`], [`Node::Gate`], [`Node::TddLoop`], and leaves that think, reach for tools or compute.
//! A run is a row with the definition as it was then, and a row per node that has ended. The durable job
//! that carries a run out reads those rows first, so that a run that was killed goes on at the first node
//! that has not ended, and a person's decision at a gate is just another row.
//!
//! Never:
//! - a node carried out again whose result is stored;
//! - a result stored without its audit entry, its label and its cost, in one commit;
//! - more rights than those of the person who started the run, at the moment of each step;
//! - a decision at a gate that was not shown exactly what it lets through.

mod check;
mod definition;
mod engine;
mod events;
mod job;
mod judge;
mod leaf;
mod leaves;
mod model;
mod nodes;
mod read;
mod runs;
mod store;
mod store_steps;
mod value;

pub use definition::{
    AgentStep, Check, Definition, DefinitionError, FanOut, Gate, Graph, GraphNode, Join, Limits,
    Node, Pipeline, PromptStep, TddLoop, ThinkingStep, ThinkingTool, ToolStep, ValueStep,
    builtin_definitions,
};
pub use events::{RunEvent, RunEventsPage, run_events, run_watch};
pub use job::{WORKFLOW_JOB, workflow_handler};
pub use model::{
    GateDecision, RunCursor, RunPage, RunState, StartRun, StepState, StepView, WaitingGate,
    WorkflowRun, WorkflowRunDetails,
};
pub(crate) use runs::{NewRun, run_insert};
pub use runs::{workflow_cancel, workflow_decide, workflow_get, workflow_list, workflow_start};
pub use value::{Predicate, Test};
