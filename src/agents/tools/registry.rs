//! The tools that there are.

use std::sync::Arc;

use serde_json::{Value, json};

use super::compute::{Calculate, ConvertUnits};
use super::dates::DateArithmetic;
use super::documents::{ListRevisions, ReadPage, SearchDocuments};
use super::model::{Tool, ToolFailure, ToolInfo};
use super::tables::QueryTable;
use crate::schema::{Schema, SchemaError};

/// Most tools of one box; models lose their way among more.
pub const TOOLBOX_MAX_TOOLS: usize = 32;

/// Tools by name. Cheap to clone.
#[derive(Clone)]
pub struct Toolbox {
    tools: Arc<Vec<Arc<dyn Tool>>>,
}

/// Why a toolbox can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ToolboxError {
    /// The schema of a tool's arguments can't be read.
    #[error("the schema of {tool}")]
    Schema {
        /// The tool.
        tool: &'static str,
        /// What is wrong with it.
        #[source]
        source: SchemaError,
    },
    /// Two tools have one name.
    #[error("two tools are called {0}")]
    Twice(&'static str),
    /// There are too many.
    #[error("a toolbox has at most {TOOLBOX_MAX_TOOLS} tools")]
    TooMany,
}

impl Toolbox {
    /// The tools that come with the house.
    ///
    /// # Errors
    /// [`ToolboxError`] when one of them is declared wrongly.
    pub fn builtin() -> Result<Self, ToolboxError> {
        Self::of(vec![
            Arc::new(SearchDocuments::new()?),
            Arc::new(ReadPage::new()?),
            Arc::new(ListRevisions::new()?),
            Arc::new(QueryTable::new()?),
            Arc::new(Calculate::new()?),
            Arc::new(ConvertUnits::new()?),
            Arc::new(DateArithmetic::new()?),
        ])
    }

    /// These tools.
    ///
    /// # Errors
    /// [`ToolboxError::Twice`], [`ToolboxError::TooMany`].
    pub fn of(tools: Vec<Arc<dyn Tool>>) -> Result<Self, ToolboxError> {
        if tools.len() > TOOLBOX_MAX_TOOLS {
            return Err(ToolboxError::TooMany);
        }
        for (i, tool) in tools.iter().enumerate() {
            let name = tool.info().name;
            if tools[..i].iter().any(|other| other.info().name == name) {
                return Err(ToolboxError::Twice(name));
            }
        }
        Ok(Self { tools: Arc::new(tools) })
    }

    /// The same with another tool.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn with(&self, tool: Arc<dyn Tool>) -> Result<Self, ToolboxError> {
        let mut tools: Vec<Arc<dyn Tool>> = self.tools.iter().cloned().collect();
        tools.push(tool);
        Self::of(tools)
    }

    /// What there is to say about each tool.
    pub fn infos(&self) -> impl Iterator<Item = &ToolInfo> {
        self.tools.iter().map(|tool| tool.info())
    }

    /// Whether there is a tool of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.iter().find(|tool| tool.info().name == name)
    }
}

/// The schema of a tool's arguments: an object of these fields and no others.
pub(super) fn parameters(
    tool: &'static str,
    properties: &Value,
    required: &[&str],
) -> Result<Schema, ToolboxError> {
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    Schema::of(&schema).map_err(|source| ToolboxError::Schema { tool, source })
}

/// The arguments as the tool's own type. They fit the schema, so this fails for what a schema can't say.
pub(super) fn arguments<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ToolFailure> {
    serde_json::from_value(value)
        .map_err(|error| ToolFailure::new("tool_arguments_invalid", error.to_string()))
}
