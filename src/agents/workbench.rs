//! What agents, workflows and plans work with, besides a tenant's context. Built once by the composition.

use std::sync::Arc;

use knowledge::Library;
use models::{BudgetLedger, Tiers};

use crate::Minds;
use crate::specialist::{AgentSpec, SpecError, builtin_agents};
use crate::thinking::{PerspectiveError, Perspectives};
use crate::tools::{Toolbox, ToolboxError};
use crate::workflow::{Definition, DefinitionError, builtin_definitions};

/// Models, budgets, documents, tools, and the files that come with the house. Cheap to clone.
#[derive(Clone)]
pub struct Workbench {
    inner: Arc<Inner>,
}

struct Inner {
    minds: Minds,
    library: Library,
    toolbox: Toolbox,
    perspectives: Perspectives,
    agents: Vec<AgentSpec>,
    definitions: Vec<Definition>,
}

/// Why a workbench can't be made: a file or a tool of the house is declared wrongly. Tests see to it
/// that it can.
#[derive(Debug, thiserror::Error)]
pub enum WorkbenchError {
    /// A tool.
    #[error("a tool is declared wrongly")]
    Tools(#[from] ToolboxError),
    /// The perspectives of thinking tools.
    #[error(transparent)]
    Perspectives(#[from] PerspectiveError),
    /// An agent.
    #[error(transparent)]
    Agent(#[from] SpecError),
    /// A workflow.
    #[error(transparent)]
    Workflow(#[from] DefinitionError),
}

impl Workbench {
    /// A workbench with the tools of the house.
    ///
    /// # Errors
    /// [`WorkbenchError`].
    pub fn new(minds: Minds, library: Library) -> Result<Self, WorkbenchError> {
        Self::with_tools(minds, library, Toolbox::builtin()?)
    }

    /// A workbench with these tools.
    ///
    /// # Errors
    /// [`WorkbenchError`].
    pub fn with_tools(
        minds: Minds,
        library: Library,
        toolbox: Toolbox,
    ) -> Result<Self, WorkbenchError> {
        let inner = Inner {
            agents: builtin_agents(&toolbox)?,
            definitions: builtin_definitions()?,
            perspectives: Perspectives::builtin()?,
            minds,
            library,
            toolbox,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Models and budgets.
    #[must_use]
    pub fn minds(&self) -> &Minds {
        &self.inner.minds
    }

    /// The models.
    #[must_use]
    pub fn tiers(&self) -> &Tiers {
        self.inner.minds.tiers()
    }

    /// Where tokens are set aside.
    #[must_use]
    pub fn ledger(&self) -> &BudgetLedger {
        self.inner.minds.ledger()
    }

    /// Documents and search.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.inner.library
    }

    /// The tools.
    #[must_use]
    pub fn toolbox(&self) -> &Toolbox {
        &self.inner.toolbox
    }

    /// Perspectives and roles of thinking tools.
    #[must_use]
    pub fn perspectives(&self) -> &Perspectives {
        &self.inner.perspectives
    }

    /// The agents that come with the house, without what tenants changed.
    #[must_use]
    pub fn agents(&self) -> &[AgentSpec] {
        &self.inner.agents
    }

    /// The agent of this name.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&AgentSpec> {
        self.agents().iter().find(|agent| agent.name == name)
    }

    /// The names of all agents, for people.
    pub(crate) fn agent_names(&self) -> String {
        self.agents().iter().map(|agent| agent.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The workflows that come with the house.
    #[must_use]
    pub fn definitions(&self) -> &[Definition] {
        &self.inner.definitions
    }
}
