//! Functions and constants.

use std::f64::consts::{E, PI, TAU};

use super::dimension::Dimension;
use super::quantity::{Quantity, Reason, checked};
use super::units::Scale;

/// Most arguments of one call.
pub(super) const ARGUMENTS_MAX: usize = 64;

/// Constants, whose names are no units. CODATA 2018, exact.
pub(super) fn constant(name: &str) -> Option<Quantity> {
    let of = |value, dimension| Quantity { value, dimension, scale: Scale::Plain };
    Some(match name {
        "pi" | "π" => Quantity::number(PI),
        "tau" => Quantity::number(TAU),
        "e" => Quantity::number(E),
        // Standard gravity.
        "g0" | "g_n" => of(9.806_65, Dimension([1, 0, -2, 0, 0, 0, 0])),
        "c0" => of(299_792_458.0, Dimension([1, 0, -1, 0, 0, 0, 0])),
        // The molar gas constant.
        "R" => of(8.314_462_618_153_24, Dimension([2, 1, -2, 0, -1, -1, 0])),
        _ => return None,
    })
}

/// Whether there is a function of this name.
pub(super) fn is_function(name: &str) -> bool {
    ARITY.iter().any(|(known, _, _)| *known == name)
}

/// Names with the least and the largest number of arguments.
const ARITY: [(&str, usize, usize); 29] = [
    ("sqrt", 1, 1),
    ("cbrt", 1, 1),
    ("abs", 1, 1),
    ("sign", 1, 1),
    ("min", 1, ARGUMENTS_MAX),
    ("max", 1, ARGUMENTS_MAX),
    ("sum", 1, ARGUMENTS_MAX),
    ("mean", 1, ARGUMENTS_MAX),
    ("avg", 1, ARGUMENTS_MAX),
    ("hypot", 2, ARGUMENTS_MAX),
    ("round", 1, 2),
    ("floor", 1, 1),
    ("ceil", 1, 1),
    ("trunc", 1, 1),
    ("mod", 2, 2),
    ("sin", 1, 1),
    ("cos", 1, 1),
    ("tan", 1, 1),
    ("asin", 1, 1),
    ("acos", 1, 1),
    ("atan", 1, 1),
    ("atan2", 2, 2),
    ("sinh", 1, 1),
    ("cosh", 1, 1),
    ("tanh", 1, 1),
    ("exp", 1, 1),
    ("ln", 1, 1),
    ("log", 1, 2),
    ("log2", 1, 1),
];

/// Calls the function `name`.
pub(super) fn call(name: &str, arguments: &[Quantity]) -> Result<Quantity, Reason> {
    let count = arguments.len();
    let (_, least, most) = ARITY
        .iter()
        .find(|(known, _, _)| *known == name)
        .ok_or_else(|| format!("there is no function {name:?}"))?;
    if !(*least..=*most).contains(&count) {
        let wanted = match (least, most) {
            (1, 1) => "one argument".to_owned(),
            (l, m) if l == m => format!("{l} arguments"),
            (l, m) => format!("{l} to {m} arguments"),
        };
        return Err(format!(
            "{name} takes {wanted}, not {count}; arguments are separated by `;`, or by commas \
             when decimals are written with a point"
        ));
    }
    let first = arguments[0];
    match name {
        "sqrt" => first.power(Quantity::number(0.5)),
        "cbrt" => cbrt(first),
        "abs" => Ok(Quantity { value: first.value.abs(), ..first }),
        "sign" => Ok(Quantity::number(if first.value == 0.0 { 0.0 } else { first.value.signum() })),
        "min" | "max" | "sum" | "mean" | "avg" | "hypot" => over_all(name, arguments),
        "mod" => {
            first.same_dimension(arguments[1].dimension)?;
            if arguments[1].value == 0.0 {
                return Err("division by zero".to_owned());
            }
            checked(Quantity { value: first.value.rem_euclid(arguments[1].value), ..first })
        }
        "atan2" => {
            first.same_dimension(arguments[1].dimension)?;
            Ok(Quantity::number(first.value.atan2(arguments[1].value)))
        }
        _ => of_numbers(name, arguments),
    }
}

fn cbrt(x: Quantity) -> Result<Quantity, Reason> {
    let dimension = x
        .dimension
        .power(1.0 / 3.0)
        .ok_or_else(|| format!("the cube root of {} is no unit", x.dimension.name()))?;
    checked(Quantity { value: x.value.cbrt(), dimension, scale: Scale::Plain })
}

fn over_all(name: &str, arguments: &[Quantity]) -> Result<Quantity, Reason> {
    let first = arguments[0];
    for other in &arguments[1..] {
        first.same_dimension(other.dimension)?;
        if first.scale != other.scale {
            return Err(format!("{name} can't mix temperatures and differences of them"));
        }
    }
    if first.scale == Scale::Point && matches!(name, "sum" | "hypot") {
        return Err("temperatures can't be added".to_owned());
    }
    let values = arguments.iter().map(|q| q.value);
    #[expect(clippy::cast_precision_loss, reason = "at most ARGUMENTS_MAX")]
    let count = arguments.len() as f64;
    let value = match name {
        "min" => values.fold(f64::INFINITY, f64::min),
        "max" => values.fold(f64::NEG_INFINITY, f64::max),
        "sum" => values.sum(),
        "hypot" => values.fold(0.0, f64::hypot),
        _ => values.sum::<f64>() / count,
    };
    checked(Quantity { value, ..first })
}

fn of_numbers(name: &str, arguments: &[Quantity]) -> Result<Quantity, Reason> {
    let what = format!("the argument of {name}");
    let x = arguments[0].plain(&what)?;
    let inside = |holds: bool, range: &str| {
        if holds { Ok(()) } else { Err(format!("{what} must be {range}, not {x}")) }
    };
    let value = match name {
        "round" => match arguments.get(1) {
            None => x.round(),
            Some(digits) => rounded(x, digits.plain("the number of digits")?)?,
        },
        "floor" => x.floor(),
        "ceil" => x.ceil(),
        "trunc" => x.trunc(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "asin" | "acos" => {
            inside((-1.0..=1.0).contains(&x), "between -1 and 1")?;
            if name == "asin" { x.asin() } else { x.acos() }
        }
        "atan" => x.atan(),
        "sinh" => x.sinh(),
        "cosh" => x.cosh(),
        "tanh" => x.tanh(),
        "exp" => x.exp(),
        _ => {
            inside(x > 0.0, "greater than 0")?;
            match (name, arguments.get(1)) {
                ("ln", _) => x.ln(),
                ("log2", _) => x.log2(),
                (_, None) => x.log10(),
                (_, Some(base)) => {
                    let base = base.plain("the base of log")?;
                    if base <= 0.0 || base == 1.0 {
                        return Err("the base of log must be greater than 0 and not 1".to_owned());
                    }
                    x.ln() / base.ln()
                }
            }
        }
    };
    checked(Quantity::number(value))
}

fn rounded(x: f64, digits: f64) -> Result<f64, Reason> {
    if digits.fract() != 0.0 || !(-15.0..=15.0).contains(&digits) {
        return Err("the number of digits must be a whole number between -15 and 15".to_owned());
    }
    let scale = 10_f64.powf(digits);
    Ok((x * scale).round() / scale)
}
