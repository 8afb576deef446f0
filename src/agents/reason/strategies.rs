//! How claims are arrived at: at once, by steps, by a vote of several chains, or along the best
//! branches of a tree.

use std::collections::HashMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use knowledge::text::{fold, words};
use models::Tier;

use super::prompts::{
    Claims, Expanded, Form, Given, LIST_MAX_TOKENS, REPLY_MAX_TOKENS, Sentence, Weighed, expand,
    think, weigh,
};
use super::run::{Ask, Run};
use super::settings::Strategy;
use crate::AgentError;
use crate::check::Claim;
use crate::model::StepKind;

/// Chains whose claims are counted.
const SAMPLES: u32 = 3;

/// Chains that are thought at the same time.
const SAMPLES_AT_ONCE: usize = 3;

/// Temperature of chains and branches: they must differ to be worth anything.
const VARIED: f32 = 0.7;

/// Temperature of a single chain.
const STEADY: f32 = 0.2;

/// Depth of a tree.
const DEPTH_MAX: u32 = 2;

/// Branches that are followed at each depth.
const BEAM: usize = 2;

/// Thoughts of one branch that are looked at.
const WIDTH_MAX: usize = 3;

/// Claims that one run may make.
const CLAIMS_MAX: usize = 12;

/// What a strategy came to.
#[derive(Debug, Default)]
pub(super) struct Thoughts {
    pub(super) claims: Vec<Claim>,
    /// What was missing for more, as searches.
    pub(super) unknown: Vec<String>,
    /// Claims that too few chains made.
    pub(super) outvoted: Vec<Claim>,
}

/// Makes claims by the run's strategy; `name` begins the names of its steps.
pub(super) async fn thoughts(
    run: &Run<'_>,
    name: &str,
    tier: Tier,
    given: Given<'_>,
) -> Result<Thoughts, AgentError> {
    let step = Step { run, name, tier };
    match run.strategy {
        Strategy::Direct => {
            Ok(single(step.claims(name.to_owned(), given, Form::AtOnce, STEADY).await?))
        }
        Strategy::ChainOfThought => {
            Ok(single(step.claims(name.to_owned(), given, Form::Stepwise, STEADY).await?))
        }
        Strategy::SelfConsistency => step.by_vote(given).await,
        Strategy::TreeOfThought => step.by_tree(given).await,
    }
}

#[derive(Clone, Copy)]
struct Step<'s> {
    run: &'s Run<'s>,
    name: &'s str,
    tier: Tier,
}

impl Step<'_> {
    async fn claims(
        self,
        name: String,
        given: Given<'_>,
        form: Form,
        temperature: f32,
    ) -> Result<Claims, AgentError> {
        let ask = Ask {
            name,
            kind: StepKind::Think,
            tier: self.tier,
            words: think(given, form),
            temperature,
            max_tokens: REPLY_MAX_TOKENS,
        };
        self.run.ask(ask).await
    }

    /// Several chains; what more than half of them claim counts. A chain that failed counts as one
    /// that claims nothing, as long as one did not.
    async fn by_vote(self, given: Given<'_>) -> Result<Thoughts, AgentError> {
        let before = self.run.step_count();
        let chains = (1..=SAMPLES).map(|n| {
            let name = format!("{}/{n}", self.name);
            async move {
                match self.claims(name, given, Form::Stepwise, VARIED).await {
                    Err(AgentError::ModelOutput { .. }) => Ok(None),
                    other => other.map(Some),
                }
            }
        });
        let chains: Vec<Option<Claims>> =
            stream::iter(chains).buffered(SAMPLES_AT_ONCE).try_collect().await?;
        self.run.order_steps(before);
        let chains: Vec<Claims> = chains.into_iter().flatten().collect();
        if chains.is_empty() {
            let reason = format!("none of {SAMPLES} chains can be read");
            return Err(AgentError::ModelOutput { reason });
        }
        Ok(majority(chains, SAMPLES))
    }

    /// Proposes next thoughts, scores them, follows the best, and makes claims at their end.
    async fn by_tree(self, given: Given<'_>) -> Result<Thoughts, AgentError> {
        let mut branches: Vec<Vec<Sentence>> = vec![Vec::new()];
        for depth in 1..=DEPTH_MAX {
            let mut grown = Vec::new();
            for (branch, n) in branches.iter().zip(1..) {
                let name = format!("{}/{depth}.{n}", self.name);
                for thought in self.next(name, Given { path: branch, ..given }).await? {
                    let mut path = branch.clone();
                    path.push(thought);
                    grown.push(path);
                }
            }
            if grown.is_empty() {
                break;
            }
            let name = format!("{}/{depth}.weigh", self.name);
            branches = self.best(name, given, grown).await?;
        }
        let best = branches.into_iter().next().unwrap_or_default();
        let given = Given { path: &best, ..given };
        let name = format!("{}/claims", self.name);
        Ok(single(self.claims(name, given, Form::Stepwise, STEADY).await?))
    }

    async fn next(self, name: String, given: Given<'_>) -> Result<Vec<Sentence>, AgentError> {
        let ask = Ask {
            name,
            kind: StepKind::Think,
            tier: self.tier,
            words: expand(given),
            temperature: VARIED,
            max_tokens: LIST_MAX_TOKENS * 2,
        };
        let expanded: Expanded = match self.run.ask(ask).await {
            // A branch without thoughts ends.
            Err(AgentError::ModelOutput { .. }) => Expanded::default(),
            other => other?,
        };
        let mut thoughts = expanded.thoughts;
        thoughts.retain(|thought| !thought.text.trim().is_empty());
        thoughts.truncate(WIDTH_MAX);
        Ok(thoughts)
    }

    /// The best branches by the scores of their last thoughts; in their order where scores are equal
    /// or missing.
    async fn best(
        self,
        name: String,
        given: Given<'_>,
        mut branches: Vec<Vec<Sentence>>,
    ) -> Result<Vec<Vec<Sentence>>, AgentError> {
        let last: Vec<Sentence> =
            branches.iter().filter_map(|branch| branch.last().cloned()).collect();
        let ask = Ask {
            name,
            kind: StepKind::Weigh,
            tier: self.tier,
            words: weigh(given, &last),
            temperature: 0.0,
            max_tokens: LIST_MAX_TOKENS,
        };
        let weighed: Weighed = match self.run.ask(ask).await {
            Err(AgentError::ModelOutput { .. }) => Weighed::default(),
            other => other?,
        };
        let mut scored: Vec<(i64, Vec<Sentence>)> = branches
            .drain(..)
            .enumerate()
            .map(|(at, branch)| (weighed.scores.get(at).copied().unwrap_or(0), branch))
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        Ok(scored.into_iter().take(BEAM).map(|(_, branch)| branch).collect())
    }
}

fn single(claims: Claims) -> Thoughts {
    let unknown = claims.unknown;
    let claims = claims.claims.into_iter().filter_map(claim).take(CLAIMS_MAX).collect();
    Thoughts { claims, unknown, outvoted: Vec::new() }
}

fn claim(sentence: Sentence) -> Option<Claim> {
    let text = sentence.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut cited = sentence.facts;
    cited.dedup();
    let calculation = sentence.calculation.filter(|expression| !expression.trim().is_empty());
    text.contains(char::is_alphanumeric).then_some(Claim { text, cited, calculation })
}

/// Claims that more than half of `samples` chains make, in the words and with the facts of the first
/// that did.
fn majority(chains: Vec<Claims>, samples: u32) -> Thoughts {
    let mut order: Vec<(String, Claim)> = Vec::new();
    let mut votes: HashMap<String, u32> = HashMap::new();
    let mut unknown = Vec::new();
    for chain in chains {
        let mut own: Vec<String> = Vec::new();
        for sentence in chain.claims.into_iter().take(CLAIMS_MAX) {
            let Some(claim) = claim(sentence) else { continue };
            let key = normalised(&claim.text);
            if own.contains(&key) {
                continue;
            }
            *votes.entry(key.clone()).or_default() += 1;
            own.push(key.clone());
            if order.iter().all(|(known, _)| *known != key) {
                order.push((key, claim));
            }
        }
        for missing in chain.unknown {
            if !unknown.contains(&missing) {
                unknown.push(missing);
            }
        }
    }
    let mut thoughts = Thoughts { unknown, ..Thoughts::default() };
    for (key, claim) in order {
        let count = votes.get(&key).copied().unwrap_or(0);
        if count * 2 > samples {
            thoughts.claims.push(claim);
        } else {
            thoughts.outvoted.push(claim);
        }
    }
    thoughts
}

/// A claim by its words alone, in any order: what two chains say in the same words.
fn normalised(text: &str) -> String {
    let mut folded: Vec<String> = words(text).map(|word| fold(word.text)).collect();
    let small = ["the", "a", "an", "is", "are", "der", "die", "das", "ist", "sind", "je", "jsou"];
    folded.retain(|word| !small.contains(&word.as_str()));
    folded.sort_unstable();
    folded.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(claims: &[&str]) -> Claims {
        let claims = claims.iter().map(|text| Sentence {
            text: (*text).to_owned(),
            facts: vec![1],
            calculation: None,
        });
        Claims { claims: claims.collect(), unknown: vec!["grease".to_owned()] }
    }

    #[test]
    fn what_most_chains_claim_counts_and_the_rest_is_kept_apart() {
        let chains = vec![
            chain(&["The torque is 90 N·m.", "Use new gaskets."]),
            chain(&["Torque is the 90 N·m", "Use old gaskets."]),
            chain(&["The torque is 80 N·m.", "Use new gaskets.", "Use new gaskets."]),
        ];
        let thoughts = majority(chains, 3);
        let told = |claims: &[Claim]| claims.iter().map(|c| c.text.clone()).collect::<Vec<_>>();
        assert_eq!(told(&thoughts.claims), ["The torque is 90 N·m.", "Use new gaskets."]);
        assert_eq!(told(&thoughts.outvoted), ["Use old gaskets.", "The torque is 80 N·m."]);
        assert_eq!(thoughts.unknown, ["grease"]);
    }

    #[test]
    fn a_failed_chain_counts_against_every_claim() {
        let thoughts = majority(vec![chain(&["The torque is 90 N·m."])], 3);
        assert!(thoughts.claims.is_empty());
        assert_eq!(thoughts.outvoted.len(), 1);
    }
}
