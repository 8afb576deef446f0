//! Which agent a task is for, and why.

use serde::{Deserialize, Serialize};

use super::spec::AgentSpec;

/// Signals that are named in a reason.
const SIGNALS_TOLD: usize = 5;

/// An agent that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentChoice {
    /// The agent.
    pub agent: String,
    /// Why, for people.
    pub reason: String,
    /// It was named, not chosen.
    pub pinned: bool,
}

/// The agent for a task: the one that was named, else the one for which most words of the task speak,
/// else the last of `agents`, which is for everything. `None` when there is no agent, or none of that
/// name.
///
/// By words alone, so that the same task always goes to the same agent.
#[must_use]
pub fn choose_agent<'a>(
    agents: impl IntoIterator<Item = &'a AgentSpec>,
    task: &str,
    named: Option<&str>,
) -> Option<AgentChoice> {
    let mut agents = agents.into_iter();
    if let Some(name) = named {
        let agent = agents.find(|agent| agent.name == name)?;
        let reason = "it was named".to_owned();
        return Some(AgentChoice { agent: agent.name.clone(), reason, pinned: true });
    }
    let task = task.to_lowercase();
    let words: Vec<&str> =
        task.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut best: Option<(&AgentSpec, Vec<&str>)> = None;
    let mut last = None;
    for agent in agents {
        last = Some(agent);
        let heard: Vec<&str> = agent
            .signals
            .iter()
            .map(String::as_str)
            .filter(|signal| speaks(signal, &task, &words))
            .collect();
        let leads = best.as_ref().is_none_or(|(_, most)| heard.len() > most.len());
        if !heard.is_empty() && leads {
            best = Some((agent, heard));
        }
    }
    let (agent, reason) = match best {
        Some((agent, heard)) => {
            let told: Vec<String> =
                heard.iter().take(SIGNALS_TOLD).map(|signal| format!("\"{signal}\"")).collect();
            (agent, format!("the task speaks of {}", told.join(", ")))
        }
        None => (last?, "no other agent is meant for such a task".to_owned()),
    };
    Some(AgentChoice { agent: agent.name.clone(), reason, pinned: false })
}

/// A signal of one word is the beginning of a word; one of several stands in the task as it is.
fn speaks(signal: &str, task: &str, words: &[&str]) -> bool {
    if signal.contains(' ') {
        task.contains(signal)
    } else {
        words.iter().any(|word| word.starts_with(signal))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::super::builtin_agents;
    use super::*;
    use crate::tools::Toolbox;

    #[test]
    fn tasks_go_to_those_they_are_for() {
        let agents = builtin_agents(&Toolbox::builtin().unwrap()).unwrap();
        for (task, agent) in [
            ("What differs between revision 2 and 3 of the pump manual?", "document_analyst"),
            ("Write down the steps to replace the seal of P-101", "procedure_expert"),
            ("What is the average torque in the table, and the maximum?", "data_analyst"),
            ("Is this bore within tolerance? Inspection report says 25.02 mm", "quality_inspector"),
            ("The bearing of K-2 is hot and there is vibration", "maintenance_advisor"),
            ("Das Lager wird heiß, was ist die Ursache?", "maintenance_advisor"),
            ("Who was here yesterday?", "generalist"),
        ] {
            let choice = choose_agent(&agents, task, None).unwrap();
            assert_eq!(choice.agent, agent, "{task}: {}", choice.reason);
            assert!(!choice.pinned);
        }
        let named = choose_agent(&agents, "anything", Some("data_analyst")).unwrap();
        assert!(named.pinned && named.agent == "data_analyst");
        assert_eq!(choose_agent(&agents, "anything", Some("nobody")), None);
    }
}
