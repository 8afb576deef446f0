//! The numbers of a claim: each stands in the evidence, or follows from numbers that do.

use super::evidence::Evidence;
use super::facts::Facts;
use super::numbers::Quantity;
use super::{Claim, Strike, StrikeReason};
use crate::tools::calculate::calculate;

/// Relative difference between a number that is told and what its calculation comes to: it may be
/// rounded.
const ROUNDING: f64 = 0.005;

/// Numbers that a calculation may hold without evidence.
const CONSTANTS: &[f64] = &[
    1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 24.0, 60.0, 100.0, 1000.0,
    3600.0,
];

/// Every number stands in the evidence, and beside the thing that the claim names.
pub(super) fn counted(said: &Claim, claim: &Facts, cited: &[&Evidence]) -> Result<(), Strike> {
    // What stands in a calculation was looked at there.
    let known = match &said.calculation {
        Some(expression) => computed(expression, cited)?,
        None => Vec::new(),
    };
    for quantity in &claim.quantities {
        if !cited.iter().any(|item| is_in_passage(quantity, item)) {
            if known.iter().any(|known| quantity.is_about(known, ROUNDING)) {
                continue;
            }
            return Err(Strike::with(StrikeReason::NumberNotInEvidence, &quantity.text));
        }
        if claim.named.is_empty() {
            continue;
        }
        let mut holders = cited
            .iter()
            .flat_map(|item| &item.sentences)
            .filter(|sentence| stands_in(quantity, &sentence.facts))
            .peekable();
        // A sentence that names nothing speaks of what its passage is about.
        let is_of_another = holders.peek().is_some()
            && holders.all(|sentence| {
                !sentence.facts.named.is_empty()
                    && !claim.named.iter().any(|named| sentence.facts.names.include(named))
            });
        if is_of_another {
            return Err(Strike::with(StrikeReason::NumberOfAnother, &quantity.text));
        }
    }
    Ok(())
}

/// The numbers of an expression, all of which stand in the evidence, and what it comes to.
fn computed(expression: &str, cited: &[&Evidence]) -> Result<Vec<Quantity>, Strike> {
    let differs = |detail: String| Strike::with(StrikeReason::CalculationDiffers, detail);
    let facts = Facts::of(expression, "");
    for quantity in &facts.quantities {
        let is_known = cited.iter().any(|item| is_in_passage(quantity, item));
        if !is_known && !is_constant(quantity) {
            return Err(Strike::with(StrikeReason::NumberNotInEvidence, &quantity.text));
        }
    }
    let result = calculate(expression).map_err(|error| differs(error.to_string()))?;
    let result_facts = Facts::of(&result.text, "");
    let [quantity] = result_facts.quantities.as_slice() else {
        return Err(differs(result.text));
    };
    // The evaluator writes its numbers without groups: there is one way to read them.
    let mut known = facts.quantities;
    known.push(Quantity { readings: vec![result.value], ..quantity.clone() });
    Ok(known)
}

/// A number that needs no evidence: how many there are, halves, percent, and what units are made of.
fn is_constant(quantity: &Quantity) -> bool {
    quantity.unit.is_none() && quantity.readings.iter().any(|value| CONSTANTS.contains(value))
}

fn is_in_passage(quantity: &Quantity, item: &Evidence) -> bool {
    stands_in(quantity, &item.facts)
        || item.sentences.iter().any(|sentence| stands_in(quantity, &sentence.facts))
        || unit_stands_in_head(quantity, item)
}

pub(super) fn stands_in(quantity: &Quantity, facts: &Facts) -> bool {
    facts.quantities.iter().any(|known| quantity.is_met_by(known))
}

/// "Torque [N·m]" above "90": the number is there without its unit, and the unit without a number.
fn unit_stands_in_head(quantity: &Quantity, item: &Evidence) -> bool {
    let Some(unit) = quantity.unit else { return false };
    let bare = |facts: &Facts| {
        facts.quantities.iter().any(|known| known.unit.is_none() && quantity.same_number(known))
    };
    bare(&item.facts) && names_unit(&item.passage.text, unit.measures)
}

/// Whether a unit of the kind stands in brackets or behind "in" somewhere in `text`.
fn names_unit(text: &str, measures: &str) -> bool {
    let text = super::units::plain(text);
    let begins = ["[", "(", " in ", "/ ", "\t"];
    begins.iter().any(|begin| {
        text.match_indices(begin).any(|(at, _)| {
            super::units::unit_at(&text[at + begin.len()..])
                .is_some_and(|(unit, _)| unit.measures == measures)
        })
    })
}
