//! Two runs beside each other.

use super::{Aspect, Trace, TraceStep};

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The step's number, from 1.
    pub sequence: u32,
    /// Its name, in the first run where both have one.
    pub step: String,
    /// In what.
    pub aspect: Aspect,
}

/// The steps with one number of both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct StepPair {
    /// Of the first run.
    pub left: Option<TraceStep>,
    /// Of the second run.
    pub right: Option<TraceStep>,
    /// In what they differ first; `None` when they are the same.
    pub differs_in: Option<Aspect>,
}

/// Two runs, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Whether every step is the same in prompt, seed, model and output.
    pub identical: bool,
    /// Where they part first.
    pub first_difference: Option<Difference>,
    /// Steps by number.
    pub steps: Vec<StepPair>,
}

/// Compares two runs step by step. Times and what was cached are no difference.
#[must_use]
pub fn compare(left: &Trace, right: &Trace) -> Comparison {
    let count = left.steps.len().max(right.steps.len());
    let steps: Vec<StepPair> = (0..count)
        .map(|at| {
            let (left, right) = (left.steps.get(at).cloned(), right.steps.get(at).cloned());
            let differs_in = match (&left, &right) {
                (Some(a), Some(b)) => difference(a, b),
                _ => Some(Aspect::Missing),
            };
            StepPair { left, right, differs_in }
        })
        .collect();
    let first = steps.iter().zip(1..).find_map(|(pair, sequence)| {
        let aspect = pair.differs_in?;
        let named = pair.left.as_ref().or(pair.right.as_ref());
        let step = named.map(|step| step.name.clone()).unwrap_or_default();
        Some(Difference { sequence, step, aspect })
    });
    Comparison { identical: first.is_none(), first_difference: first, steps }
}

fn difference(a: &TraceStep, b: &TraceStep) -> Option<Aspect> {
    let parts = [
        (a.name == b.name, Aspect::Missing),
        (a.prompt_hash == b.prompt_hash, Aspect::Prompt),
        (a.seed == b.seed, Aspect::Seed),
        (a.model == b.model, Aspect::Model),
        (a.output == b.output && a.verdicts == b.verdicts, Aspect::Output),
    ];
    parts.into_iter().find(|(same, _)| !same).map(|(_, aspect)| aspect)
}
