//! Specialists: agents declared as files, what a tenant changed about them, and choosing one for a task.
//!
//! An agent is a purpose, instructions, tools, a tier and a ceiling. Its rights are those of the person
//! who asks, never more; its ceiling can only narrow them.

mod choose;
mod overrides;
mod role;
mod run;
mod spec;
mod store;

pub use choose::{AgentChoice, choose_agent};
pub use overrides::{
    AgentOverride, AgentView, agent_get, agent_list, agent_override, agent_reset, agents_effective,
};
pub(crate) use role::{Specialist, instructed};
pub use run::{AgentTask, agent_think};
pub use spec::{AgentExample, AgentSpec, SpecError, builtin_agents};
