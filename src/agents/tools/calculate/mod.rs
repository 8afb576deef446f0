//! An evaluator of expressions with units: `+ - * / ^`, parentheses, functions, constants, and units
//! whose dimensions must fit. Pure, and bounded in length, parts and depth.

mod dimension;
mod functions;
mod lex;
mod parse;
mod quantity;
#[cfg(test)]
mod tests;
mod units;

use serde::Serialize;

use units::{Scale, Unit};

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {reason}")]
pub struct CalcError {
    /// The character, from 1.
    pub position: usize,
    /// In words.
    pub reason: String,
}

impl CalcError {
    fn at(position: usize, reason: impl Into<String>) -> Self {
        Self { position, reason: reason.into() }
    }
}

/// A number and its unit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calculated {
    /// The number, in `unit`.
    pub value: f64,
    /// The unit; empty for a plain number.
    pub unit: String,
    /// Both, for people: twelve digits at most.
    pub text: String,
}

/// Computes an expression. The result is in the unit behind `to`, else in the first unit of the
/// expression that fits, else in an SI unit.
///
/// # Errors
/// [`CalcError`] with the place.
pub fn calculate(expression: &str) -> Result<Calculated, CalcError> {
    let tokens = lex::tokens(expression)?;
    let evaluated = parse::evaluate(&tokens, expression.chars().count())?;
    let quantity = evaluated.quantity;
    let unit = match &evaluated.wanted {
        Some(unit) => Some(unit.clone()),
        None if quantity.dimension.is_none() => None,
        None => {
            let fits = |unit: &&Unit| unit.dimension == quantity.dimension;
            let named = evaluated.units.iter().find(fits).cloned();
            named.or_else(|| units::preferred(quantity.dimension))
        }
    };
    let (value, symbol) = match unit {
        Some(unit) => {
            let end = expression.chars().count();
            let value = quantity.in_unit(&unit).map_err(|reason| CalcError::at(end, reason))?;
            (value, shown_symbol(&unit, quantity.scale))
        }
        None => (quantity.value, quantity.dimension.name()),
    };
    Ok(shown(value, symbol))
}

/// Converts `value` from one unit to another.
///
/// # Errors
/// [`CalcError`], its place in the unit that is wrong.
pub fn convert(value: f64, from: &str, to: &str) -> Result<Calculated, CalcError> {
    let from = parse::unit_of(&lex::tokens(from)?, from)?;
    let to = parse::unit_of(&lex::tokens(to)?, to)?;
    let quantity = quantity::Quantity::of(value, &from);
    let value = quantity.in_unit(&to).map_err(|reason| CalcError::at(1, reason))?;
    Ok(shown(value, shown_symbol(&to, quantity.scale)))
}

/// A difference on a scale of degrees says that it is one.
fn shown_symbol(unit: &Unit, scale: Scale) -> String {
    if scale == Scale::Difference && unit.scale == Scale::Point {
        return format!("Δ{}", unit.symbol);
    }
    unit.symbol.clone()
}

/// Digits that are shown: enough for any drawing, few enough to hide what binary fractions do.
const DIGITS: usize = 12;

fn shown(value: f64, unit: String) -> Calculated {
    let value = to_digits(value);
    let number = if value != 0.0 && !(1e-6..1e15).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        value.to_string()
    };
    let text = if unit.is_empty() { number } else { format!("{number} {unit}") };
    Calculated { value, unit, text }
}

fn to_digits(value: f64) -> f64 {
    // By way of text, which rounds decimally.
    let rounded = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
    // No -0.
    rounded + 0.0
}
