//! What a model may reach for: a registry of typed tools, and the one gate before them.
//!
//! Never:
//! - a call that does not go through [`ToolGate::call`]: tools are private, and the gate alone runs
//!   them;
//! - a right that the asking person does not have;
//! - anything but reading and asking for approval once text of a document or a connector has been seen
//!   (DESIGN.md section 5.5);
//! - a text above what person, agent and tool may see all three;
//! - an error of a tool that tells whether something exists which the person may not see.

pub mod calculate;
mod compute;
mod dates;
mod documents;
mod gate;
mod model;
mod registry;
mod tables;
mod turns;

pub use gate::{ToolGate, ToolGrant, ToolNote};
pub use model::{
    SideEffect, Tool, ToolAnswer, ToolEnv, ToolFailure, ToolInfo, ToolLimits, ToolOutput,
    ToolRecord, ToolRefusal,
};
pub use registry::{TOOLBOX_MAX_TOOLS, Toolbox, ToolboxError};
pub use turns::{
    TOOL_TURNS_MAX, ToolTurns, Turn, TurnResult, TurnWatch, Unwatched, think_with_tools,
};
