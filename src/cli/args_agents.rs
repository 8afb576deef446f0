//! What can be typed about thinking tools, workflows and plans.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::args::Who;

/// Which thinking tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tool {
    /// Members with roles judge, contradict each other and vote
    Council,
    /// Attackers with different eyes look for what is wrong
    #[value(alias = "redteam", alias = "red_team")]
    RedTeam,
    /// Taken apart to what holds, and built anew
    FirstPrinciples,
}

impl Tool {
    /// The word of the API.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Council => "council",
            Self::RedTeam => "red_team",
            Self::FirstPrinciples => "first_principles",
        }
    }
}

/// `millwright workflow`
#[derive(Subcommand, Debug)]
pub(crate) enum Workflow {
    /// List the workflows that can be run by name
    List {
        #[command(flatten)]
        who: Who,
    },
    /// Run a workflow and wait for its end, or for a gate at which a person is asked
    Run {
        /// A name of the list, or a file (.toml, .json) with a definition
        workflow: String,
        /// A value that it is given, such as task="Replace the seal"; repeat for more
        #[arg(long = "set", value_name = "NAME=VALUE")]
        set: Vec<String>,
        /// The whole input as a JSON file
        #[arg(long, value_name = "FILE", conflicts_with = "set")]
        input: Option<PathBuf>,
        /// What all draws follow from
        #[arg(long)]
        seed: Option<u32>,
        /// Do not wait; needs a running server
        #[arg(long)]
        detach: bool,
        #[command(flatten)]
        who: Who,
    },
    /// List runs, newest first
    Runs {
        #[command(flatten)]
        who: Who,
    },
    /// Show a workflow by name, or a run by id with its steps and what it waits for
    Show {
        /// Name or id
        what: String,
        #[command(flatten)]
        who: Who,
    },
    /// Decide at a gate at which a run waits
    Decide {
        /// Id of the run
        run: String,
        /// approved or rejected
        decision: String,
        /// Which gate; needed when several wait
        #[arg(long)]
        step: Option<String>,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Ask a run to end
    Cancel {
        /// Id of the run
        run: String,
        #[command(flatten)]
        who: Who,
    },
}

/// `millwright plan`
#[derive(Subcommand, Debug)]
pub(crate) enum Plan {
    /// Have a plan made for a goal; nothing of it is done before it is approved
    Create {
        /// The goal
        goal: String,
        /// Tokens that it may take at most
        #[arg(long, value_name = "TOKENS")]
        budget: Option<u32>,
        /// How often it may be made anew when it fails; each needs its own approval
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=5))]
        replans: Option<u32>,
        /// Sub-tasks as a JSON file, instead of asking a model for them
        #[arg(long, value_name = "FILE")]
        tasks: Option<PathBuf>,
        #[command(flatten)]
        who: Who,
    },
    /// List plans, newest first
    List {
        #[command(flatten)]
        who: Who,
    },
    /// Show a plan with its sub-tasks and its digest
    Show {
        /// Id of the plan
        id: String,
        #[command(flatten)]
        who: Who,
    },
    /// Approve exactly the plan that was shown, and wait for its end
    Approve {
        /// Id of the plan
        id: String,
        /// Its digest, as it was shown
        #[arg(long)]
        digest: String,
        #[command(flatten)]
        who: Who,
    },
    /// Reject a plan
    Reject {
        /// Id of the plan
        id: String,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        #[command(flatten)]
        who: Who,
    },
}
