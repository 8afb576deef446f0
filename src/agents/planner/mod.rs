//! Plans: a goal becomes sub-tasks that wait for each other, shown to a person before anything is done.
//!
//! The model proposes within a schema; this code checks that there are no circles, that agents and tools
//! are there, and what it will cost at most. An approval names the digest of exactly the plan that was
//! shown. It is carried out as a workflow; when that fails, the plan is made anew, some times at most, and
//! waits for approval again.

mod compile;
mod make;
mod model;
mod plans;
mod store;

pub use compile::{Plan, PlanEstimate, PlanTask, TaskKind};
pub use model::{PlanCursor, PlanInput, PlanPage, PlanState, PlanView};
pub use plans::{PLAN_REPLANS_MAX, plan_approve, plan_create, plan_get, plan_list, plan_reject};
pub(crate) use plans::{replan, run_ended};
