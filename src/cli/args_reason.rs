//! What is typed behind `millwright reason`.

use std::path::PathBuf;

use clap::Args;

use super::args::Who;
use super::args_agents::Tool;

/// `millwright reason`
#[derive(Args, Debug)]
pub(crate) struct Reason {
    /// The question, in any language of the documents
    pub(crate) question: String,
    /// The agent that thinks, such as data_analyst: with its tools, instructions and ceiling
    #[arg(long, value_name = "NAME", conflicts_with = "tool")]
    pub(crate) agent: Option<String>,
    /// How claims are arrived at; chosen by the question when absent
    #[arg(long, value_parser = ["direct", "chain-of-thought", "self-consistency", "tree-of-thought"])]
    pub(crate) strategy: Option<String>,
    /// Which models think; chosen by the question when absent
    #[arg(long, value_parser = ["light", "standard", "heavy"])]
    pub(crate) tier: Option<String>,
    /// What all draws follow from: the same seed repeats a run
    #[arg(long)]
    pub(crate) seed: Option<u32>,
    /// 0 (steady) to 2 (wild)
    #[arg(long)]
    pub(crate) temperature: Option<f32>,
    /// Tokens that the run may spend
    #[arg(long, value_name = "TOKENS")]
    pub(crate) budget_tokens: Option<u32>,
    /// Think with a tool instead: a council, a red team, or from first principles
    #[arg(long, value_enum, conflicts_with_all = ["strategy", "temperature"])]
    pub(crate) tool: Option<Tool>,
    /// For a tool: a draft to be examined
    #[arg(long, value_name = "FILE", requires = "tool")]
    pub(crate) draft: Option<PathBuf>,
    /// For a tool: search the documents for passages first
    #[arg(long, requires = "tool")]
    pub(crate) documents: bool,
    /// For a tool: attackers of a red team (1 to 32) or members of a council (3 to 7)
    #[arg(long, value_name = "N", requires = "tool")]
    pub(crate) members: Option<u32>,
    /// For a tool: rounds of rebuttal of a council
    #[arg(long, value_name = "N", requires = "tool",
          value_parser = clap::value_parser!(u32).range(0..=3))]
    pub(crate) rounds: Option<u32>,
    /// For a tool: say what it will cost at most, and do nothing
    #[arg(long, requires = "tool")]
    pub(crate) estimate: bool,
    #[command(flatten)]
    pub(crate) who: Who,
}
