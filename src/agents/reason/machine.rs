//! OBSERVE → THINK → VERIFY, each state a type of its own: nothing is thought that was not observed,
//! and nothing accepted that was not verified.

use models::{ModelError, Tier};
use serde_json::json;

use super::prompts::{Given, LIST_MAX_TOKENS, Observed, observe};
use super::run::{Ask, Run};
use super::strategies::{Thoughts, thoughts};
use crate::AgentError;
use crate::check::{Claim, EvidenceSet, Finding, Place, Strike, StrikeReason};
use crate::model::{StepKind, Verdict};

/// How often more is observed, the first time included.
const ROUNDS_MAX: u32 = 3;

/// How often a larger tier takes over.
const ESCALATIONS_MAX: u32 = 1;

/// Searches that one observation may add.
const SEARCHES_MAX: usize = 3;

/// Longest search that a model may ask for, in characters.
const SEARCH_MAX_CHARS: usize = 200;

/// What is carried from state to state.
struct Progress {
    facts: EvidenceSet,
    /// What tools gave back that is no fact.
    notes: Vec<String>,
    unknown: Vec<String>,
    /// Searches that were made.
    searched: Vec<String>,
    round: u32,
    tier: Tier,
    escalations: u32,
}

/// Collects facts.
pub(super) struct Observing {
    progress: Progress,
    /// What was found already, for the first round.
    passages: Vec<knowledge::Passage>,
    /// What is to be searched for.
    searches: Vec<String>,
}

/// Makes claims from facts.
pub(super) struct Thinking(Progress);

/// Checks claims.
pub(super) struct Verifying {
    progress: Progress,
    thoughts: Thoughts,
}

/// What follows a verification.
pub(super) enum Next {
    /// The claims stand.
    Accepted(Verified),
    /// More must be observed.
    Observe(Observing),
    /// A larger model takes over.
    Escalate(Thinking),
    /// Nothing stands, and nothing more can be done.
    Refused(Verified),
}

/// Where a run has come to.
pub(super) struct Verified {
    pub(super) facts: EvidenceSet,
    pub(super) tier: Tier,
    /// Rounds of observation.
    pub(super) rounds: u32,
    pub(super) supported: Vec<(Claim, Vec<Place>)>,
    pub(super) struck: Vec<(Claim, Strike)>,
}

impl Observing {
    /// Begins with what was found for the question.
    pub(super) fn begin(passages: Vec<knowledge::Passage>, tier: Tier) -> Self {
        let progress = Progress {
            facts: EvidenceSet::default(),
            notes: Vec::new(),
            unknown: Vec::new(),
            searched: Vec::new(),
            round: 0,
            tier,
            escalations: 0,
        };
        Self { progress, passages, searches: Vec::new() }
    }

    /// Collects facts with their labels, and writes down what is unknown.
    pub(super) async fn observe(mut self, run: &Run<'_>) -> Result<Thinking, AgentError> {
        self.progress.round += 1;
        let round = self.progress.round;
        let begun = run.brain.ctx.now();
        let mut passages = std::mem::take(&mut self.passages);
        for query in std::mem::take(&mut self.searches) {
            passages.extend(run.search(&query).await?);
            self.progress.searched.push(query);
        }
        let tier = self.progress.tier;
        run.add_facts(&mut self.progress.facts, passages, tier).await?;
        let name = format!("observe.{round}");
        let told = told(&self.progress);
        run.note(&name, StepKind::Observe, told, begun).await;
        if round == 1 && run.has_tools() {
            let begun = run.now();
            let Progress { facts, notes, .. } = &mut self.progress;
            match run.observe_with_tools(&name, tier, facts, notes).await {
                Ok(unknown) => {
                    self.progress.unknown = unknown;
                    let told = self::told(&self.progress);
                    run.note(&format!("{name}/found"), StepKind::Observe, told, begun).await;
                    return Ok(Thinking(self.progress));
                }
                // A window too small for the tools is large enough for what follows.
                Err(AgentError::Model(ModelError::PromptTooLong { .. })) => {
                    let told = json!({ "tools": "prompt_too_long" }).to_string();
                    run.note(&format!("{name}/tools"), StepKind::Observe, told, begun).await;
                }
                Err(error) => return Err(error),
            }
        }
        if self.progress.facts.is_empty() {
            return Ok(Thinking(self.progress));
        }
        let missing = self.progress.ask_unknown(run).await?;
        let wanted = self.progress.new_searches(missing.searches);
        self.progress.unknown = missing.unknown;
        if !wanted.is_empty() && round < ROUNDS_MAX {
            let begun = run.brain.ctx.now();
            let mut found = Vec::new();
            for query in &wanted {
                found.extend(run.search(query).await?);
            }
            self.progress.searched.extend(wanted);
            run.add_facts(&mut self.progress.facts, found, tier).await?;
            let told = self::told(&self.progress);
            run.note(&format!("{name}/found"), StepKind::Observe, told, begun).await;
        }
        Ok(Thinking(self.progress))
    }
}

/// The facts as the trace tells them: where they stand, and how secret they are.
fn told(progress: &Progress) -> String {
    let facts: Vec<_> = progress
        .facts
        .items()
        .iter()
        .map(|item| {
            let label = &item.passage.label;
            json!({
                "fact": item.number,
                "chunk": item.passage.chunk_id,
                "revision": item.passage.revision_id,
                "classification": label.classification,
                "export_control": label.export_control,
                "origin": label.origin,
            })
        })
        .collect();
    json!({ "facts": facts, "searches": progress.searched }).to_string()
}

impl Progress {
    fn given<'g>(&'g self, run: &Run<'g>) -> Given<'g> {
        Given { question: run.question, facts: &self.facts, notes: &self.notes, path: &[] }
    }

    async fn ask_unknown(&self, run: &Run<'_>) -> Result<Observed, AgentError> {
        let given = self.given(run);
        let ask = Ask {
            name: format!("observe.{}/unknown", self.round),
            kind: StepKind::Observe,
            tier: self.tier,
            words: observe(given),
            temperature: 0.0,
            max_tokens: LIST_MAX_TOKENS,
        };
        match run.ask(ask).await {
            // What is unknown stays unknown; the facts are there all the same.
            Err(AgentError::ModelOutput { .. }) => Ok(Observed::default()),
            other => other,
        }
    }

    /// Those of `searches` that were not made yet.
    fn new_searches(&self, searches: Vec<String>) -> Vec<String> {
        let mut wanted: Vec<String> = Vec::new();
        for search in searches {
            let words = search.split_whitespace().collect::<Vec<_>>().join(" ");
            let search: String = words.chars().take(SEARCH_MAX_CHARS).collect();
            let is_new = !self.searched.contains(&search) && !wanted.contains(&search);
            if search.chars().any(char::is_alphanumeric) && is_new && wanted.len() < SEARCHES_MAX {
                wanted.push(search);
            }
        }
        wanted
    }
}

impl Thinking {
    /// Makes claims that name facts, by the run's strategy.
    pub(super) async fn think(self, run: &Run<'_>) -> Result<Verifying, AgentError> {
        let Self(progress) = self;
        let thoughts = if progress.facts.is_empty() {
            Thoughts::default()
        } else {
            let name = format!("think.{}", progress.round + progress.escalations);
            thoughts(run, &name, progress.tier, progress.given(run)).await?
        };
        Ok(Verifying { progress, thoughts })
    }
}

impl Verifying {
    /// Checks every claim, and decides how it goes on.
    pub(super) async fn verify(self, run: &Run<'_>) -> Result<Next, AgentError> {
        let Self { mut progress, thoughts } = self;
        let begun = run.brain.ctx.now();
        let findings = run.check.check(&thoughts.claims, &progress.facts).await;
        let verdicts: Vec<Verdict> = thoughts
            .claims
            .iter()
            .zip(&findings)
            .map(|(claim, finding)| Verdict::of(claim, finding))
            .collect();
        let (supported, mut struck) = sorted(thoughts.claims, findings);
        let outvoted = Strike::new(StrikeReason::NoMajority);
        struck.extend(thoughts.outvoted.into_iter().map(|claim| (claim, outvoted.clone())));
        let enough = !supported.is_empty() && supported.len() >= struck.len();
        let searches = progress.new_searches(thoughts.unknown.clone());
        let larger = run.brain.tiers.best_available(progress.tier.above().unwrap_or(progress.tier));
        let larger = larger.filter(|tier| *tier > progress.tier);
        let decision = if enough {
            "accept"
        } else if !searches.is_empty() && progress.round < ROUNDS_MAX {
            "observe"
        } else if larger.is_some() && progress.escalations < ESCALATIONS_MAX {
            "escalate"
        } else if supported.is_empty() {
            "refuse"
        } else {
            "accept"
        };
        let name = format!("verify.{}", progress.round + progress.escalations);
        progress.unknown.extend(thoughts.unknown);
        let told = json!({
            "decision": decision,
            "supported": supported.len(),
            "struck": struck.len(),
            "unknown": progress.unknown,
        });
        run.note_verdicts(&name, StepKind::Verify, told.to_string(), verdicts, begun).await;
        Ok(match (decision, larger) {
            ("observe", _) => Next::Observe(Observing { progress, passages: Vec::new(), searches }),
            ("escalate", Some(tier)) => {
                progress.tier = tier;
                progress.escalations += 1;
                Next::Escalate(Thinking(progress))
            }
            (decision, _) => {
                let verified = progress.verified(supported, struck);
                if decision == "accept" {
                    Next::Accepted(verified)
                } else {
                    Next::Refused(verified)
                }
            }
        })
    }
}

impl Progress {
    fn verified(
        self,
        supported: Vec<(Claim, Vec<Place>)>,
        struck: Vec<(Claim, Strike)>,
    ) -> Verified {
        let Self { facts, tier, round, .. } = self;
        Verified { facts, tier, rounds: round, supported, struck }
    }
}

type Sorted = (Vec<(Claim, Vec<Place>)>, Vec<(Claim, Strike)>);

fn sorted(claims: Vec<Claim>, findings: Vec<Finding>) -> Sorted {
    let mut sorted: Sorted = Default::default();
    for (claim, finding) in claims.into_iter().zip(findings) {
        match finding {
            Ok(places) => sorted.0.push((claim, places)),
            Err(strike) => sorted.1.push((claim, strike)),
        }
    }
    sorted
}
