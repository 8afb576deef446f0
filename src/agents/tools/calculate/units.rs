//! The units that are known. Factors: BIPM SI Brochure (9th edition); NIST SP 811, appendix B.8, for
//! those of the inch-pound system and for horsepower; exact by definition unless said otherwise.

use super::dimension::Dimension;

/// A unit as it was named.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// As it was written.
    pub(super) symbol: String,
    /// One of it in SI units.
    pub(super) factor: f64,
    /// Added after the factor: only for points on a scale of temperature.
    pub(super) offset: f64,
    /// What it measures.
    pub(super) dimension: Dimension,
    /// Whether a number with it is a point on a scale, a difference, or neither.
    pub(super) scale: Scale,
}

/// What a number with a unit of temperature means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// No unit of temperature, or kelvin, which is both.
    Plain,
    /// A temperature that is read off: 20 °C.
    Point,
    /// How much warmer: 5 Δ°C.
    Difference,
}

struct Row {
    /// All its names; the first one is shown.
    names: &'static [&'static str],
    factor: f64,
    /// Of m, kg, s, A, K, mol, cd.
    dimension: [i8; 7],
    /// Whether SI prefixes go with its first name.
    prefixes: bool,
}

const fn row(
    names: &'static [&'static str],
    factor: f64,
    dimension: [i8; 7],
    prefixes: bool,
) -> Row {
    Row { names, factor, dimension, prefixes }
}

const M: [i8; 7] = [1, 0, 0, 0, 0, 0, 0];
const M2: [i8; 7] = [2, 0, 0, 0, 0, 0, 0];
const M3: [i8; 7] = [3, 0, 0, 0, 0, 0, 0];
const KG: [i8; 7] = [0, 1, 0, 0, 0, 0, 0];
const S: [i8; 7] = [0, 0, 1, 0, 0, 0, 0];
const A: [i8; 7] = [0, 0, 0, 1, 0, 0, 0];
const K: [i8; 7] = [0, 0, 0, 0, 1, 0, 0];
const NONE: [i8; 7] = [0; 7];
const PER_S: [i8; 7] = [0, 0, -1, 0, 0, 0, 0];
const SPEED: [i8; 7] = [1, 0, -1, 0, 0, 0, 0];
const FLOW: [i8; 7] = [3, 0, -1, 0, 0, 0, 0];
const FORCE: [i8; 7] = [1, 1, -2, 0, 0, 0, 0];
const PRESSURE: [i8; 7] = [-1, 1, -2, 0, 0, 0, 0];
const ENERGY: [i8; 7] = [2, 1, -2, 0, 0, 0, 0];
const POWER: [i8; 7] = [2, 1, -3, 0, 0, 0, 0];
const VOLTAGE: [i8; 7] = [2, 1, -3, -1, 0, 0, 0];
const RESISTANCE: [i8; 7] = [2, 1, -3, -2, 0, 0, 0];

/// Pound-force in newtons: the pound times standard gravity.
const LBF: f64 = 0.453_592_37 * 9.806_65;
const INCH: f64 = 0.0254;

/// By quantity.
const UNITS: &[Row] = &[
    row(&["m", "meter", "meters", "metre", "metres"], 1.0, M, true),
    row(&["in", "inch", "inches", "zoll"], INCH, M, false),
    row(&["ft", "foot", "feet"], 0.3048, M, false),
    row(&["yd", "yard", "yards"], 0.9144, M, false),
    row(&["mi", "mile", "miles"], 1609.344, M, false),
    row(&["mil", "thou"], 2.54e-5, M, false),
    row(&["ha", "hectare", "hectares"], 1e4, M2, false),
    row(&["l", "liter", "liters", "litre", "litres"], 1e-3, M3, true),
    row(&["L"], 1e-3, M3, true),
    row(&["gal", "gallon", "gallons"], 3.785_411_784e-3, M3, false),
    row(&["g", "gram", "grams"], 1e-3, KG, true),
    row(&["t", "tonne", "tonnes"], 1e3, KG, true),
    row(&["lb", "lbs", "pound", "pounds"], 0.453_592_37, KG, false),
    row(&["oz", "ounce", "ounces"], 0.028_349_523_125, KG, false),
    row(&["s", "sec", "second", "seconds"], 1.0, S, true),
    row(&["min", "minute", "minutes"], 60.0, S, false),
    row(&["h", "hr", "hour", "hours", "Std"], 3600.0, S, false),
    row(&["d", "day", "days"], 86_400.0, S, false),
    row(&["week", "weeks", "wk"], 604_800.0, S, false),
    row(&["A", "ampere", "amperes", "amp", "amps"], 1.0, A, true),
    row(&["K", "kelvin"], 1.0, K, true),
    row(&["mol", "mole", "moles"], 1.0, [0, 0, 0, 0, 0, 1, 0], true),
    row(&["cd", "candela"], 1.0, [0, 0, 0, 0, 0, 0, 1], true),
    row(&["N", "newton", "newtons"], 1.0, FORCE, true),
    row(&["kgf", "kp"], 9.806_65, FORCE, false),
    row(&["lbf"], LBF, FORCE, false),
    row(&["Pa", "pascal", "pascals"], 1.0, PRESSURE, true),
    row(&["bar", "bars"], 1e5, PRESSURE, true),
    row(&["psi"], LBF / (INCH * INCH), PRESSURE, false),
    row(&["ksi"], 1e3 * LBF / (INCH * INCH), PRESSURE, false),
    row(&["atm"], 101_325.0, PRESSURE, false),
    row(&["mmHg", "Torr", "torr"], 101_325.0 / 760.0, PRESSURE, false),
    row(&["Nm"], 1.0, ENERGY, true),
    row(&["Ncm"], 1e-2, ENERGY, false),
    row(&["J", "joule", "joules"], 1.0, ENERGY, true),
    row(&["lbft", "ftlb", "ftlbf"], LBF * 0.3048, ENERGY, false),
    row(&["inlb", "lbin", "inlbf"], LBF * INCH, ENERGY, false),
    row(&["Wh"], 3600.0, ENERGY, true),
    row(&["cal"], 4.184, ENERGY, true),
    row(&["BTU", "Btu"], 1_055.055_852_62, ENERGY, false),
    row(&["W", "watt", "watts"], 1.0, POWER, true),
    row(&["VA"], 1.0, POWER, true),
    row(&["var"], 1.0, POWER, true),
    // Mechanical, 550 ft·lbf/s; and the metric one, 75 kgf·m/s.
    row(&["hp"], 550.0 * 0.3048 * LBF, POWER, false),
    row(&["PS"], 75.0 * 9.806_65, POWER, false),
    row(&["V", "volt", "volts"], 1.0, VOLTAGE, true),
    row(&["\u{3a9}", "\u{2126}", "ohms", "Ohm"], 1.0, RESISTANCE, true),
    row(&["ohm"], 1.0, RESISTANCE, true),
    row(&["S", "siemens"], 1.0, [-2, -1, 3, 2, 0, 0, 0], true),
    row(&["C", "coulomb", "coulombs"], 1.0, [0, 0, 1, 1, 0, 0, 0], true),
    row(&["Ah"], 3600.0, [0, 0, 1, 1, 0, 0, 0], true),
    row(&["F", "farad", "farads"], 1.0, [-2, -1, 4, 2, 0, 0, 0], true),
    row(&["H", "henry"], 1.0, [2, 1, -2, -2, 0, 0, 0], true),
    row(&["T", "tesla"], 1.0, [0, 1, -2, -1, 0, 0, 0], true),
    row(&["Hz", "hertz"], 1.0, PER_S, true),
    row(&["rpm"], 1.0 / 60.0, PER_S, false),
    row(&["mph"], 1609.344 / 3600.0, SPEED, false),
    row(&["kmh", "kph"], 1.0 / 3.6, SPEED, false),
    row(&["gpm"], 3.785_411_784e-3 / 60.0, FLOW, false),
    row(&["cfm"], 0.3048 * 0.3048 * 0.3048 / 60.0, FLOW, false),
    row(&["rad", "radian", "radians"], 1.0, NONE, true),
    row(&["°", "deg", "degree", "degrees"], std::f64::consts::PI / 180.0, NONE, false),
    row(&["%", "percent"], 1e-2, NONE, false),
    row(&["‰"], 1e-3, NONE, false),
    row(&["ppm"], 1e-6, NONE, false),
];

/// SI prefixes; `µ` in both of its code points.
const PREFIXES: [(&str, f64); 15] = [
    ("T", 1e12),
    ("G", 1e9),
    ("M", 1e6),
    ("k", 1e3),
    ("h", 1e2),
    ("da", 1e1),
    ("d", 1e-1),
    ("c", 1e-2),
    ("m", 1e-3),
    ("µ", 1e-6),
    ("μ", 1e-6),
    ("u", 1e-6),
    ("n", 1e-9),
    ("p", 1e-12),
    ("kilo", 1e3),
];

/// Words with a prefix that are common enough to be written out.
const WORDS: [(&str, &str); 8] = [
    ("millimeter", "mm"),
    ("millimetre", "mm"),
    ("centimeter", "cm"),
    ("centimetre", "cm"),
    ("millibar", "mbar"),
    ("milliampere", "mA"),
    ("millisecond", "ms"),
    ("microns", "µm"),
];

/// The unit of a name, if it is one. Upper and lower case differ, as in the SI.
pub(super) fn unit(name: &str) -> Option<Unit> {
    temperature(name).or_else(|| listed(name)).or_else(|| prefixed(name)).or_else(|| {
        let short = WORDS.iter().find(|(word, _)| *word == name.trim_end_matches('s'))?;
        unit(short.1).map(|unit| Unit { symbol: name.to_owned(), ..unit })
    })
}

/// What results are given in, where the expression names nothing that fits.
pub(super) fn preferred(dimension: Dimension) -> Option<Unit> {
    const NAMES: [&str; 14] =
        ["N", "Pa", "W", "V", "\u{3a9}", "C", "F", "H", "T", "S", "m", "kg", "s", "A"];
    let energy = Dimension(ENERGY);
    if dimension == energy {
        return unit("Nm").map(|unit| Unit { symbol: "N·m".to_owned(), ..unit });
    }
    NAMES.iter().filter_map(|name| unit(name)).find(|unit| unit.dimension == dimension)
}

fn plain(symbol: &str, row: &Row, prefix: f64) -> Unit {
    Unit {
        symbol: symbol.to_owned(),
        factor: row.factor * prefix,
        offset: 0.0,
        dimension: Dimension(row.dimension),
        scale: Scale::Plain,
    }
}

fn listed(name: &str) -> Option<Unit> {
    let row = UNITS.iter().find(|row| row.names.contains(&name))?;
    Some(plain(name, row, 1.0))
}

fn prefixed(name: &str) -> Option<Unit> {
    PREFIXES.iter().find_map(|(prefix, factor)| {
        let rest = name.strip_prefix(prefix)?;
        let fits = |row: &&Row| {
            row.prefixes && (row.names[0] == rest || *prefix == "kilo" && row.names.contains(&rest))
        };
        let row = UNITS.iter().find(fits)?;
        Some(plain(name, row, *factor))
    })
}

fn temperature(name: &str) -> Option<Unit> {
    let (factor, offset, scale) = match name {
        "°C" | "℃" | "degC" | "celsius" | "Celsius" => (1.0, 273.15, Scale::Point),
        "°F" | "℉" | "degF" | "fahrenheit" | "Fahrenheit" => {
            (5.0 / 9.0, 273.15 - 32.0 * 5.0 / 9.0, Scale::Point)
        }
        "Δ°C" | "ΔdegC" | "delta_degC" | "ΔK" | "delta_K" => (1.0, 0.0, Scale::Difference),
        "Δ°F" | "ΔdegF" | "delta_degF" => (5.0 / 9.0, 0.0, Scale::Difference),
        _ => return None,
    };
    let symbol = name.to_owned();
    Some(Unit { symbol, factor, offset, dimension: Dimension::TEMPERATURE, scale })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_name_means_two_units() {
        let mut seen = BTreeSet::new();
        for name in UNITS.iter().flat_map(|row| row.names) {
            assert!(seen.insert(*name), "{name} is there twice");
        }
    }

    #[test]
    fn prefixes_never_hide_what_is_listed() {
        assert_eq!(unit("min").unwrap().factor, 60.0);
        assert_eq!(unit("mm").unwrap().factor, 1e-3);
        assert_eq!(unit("kg").unwrap().factor, 1.0);
        assert_eq!(unit("Pa").unwrap().dimension, Dimension(PRESSURE));
        assert!(unit("kin").is_none() && unit("xyz").is_none() && unit("").is_none());
    }
}
