//! Units as they stand behind numbers, and what they are in others of their kind.

/// A unit: what it measures, and how many of its kind's first unit it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) measures: &'static str,
    pub(crate) factor: f64,
}

/// A spelling of a unit. One of two letters and more is read in any case; the signs of units are
/// not, since `mW` and `MW` differ.
type Spelling = (&'static str, &'static str, f64);

/// Signs, in the case in which they are written.
const SIGNS: &[Spelling] = &[
    ("N·m", "torque", 1.0),
    ("N m", "torque", 1.0),
    ("N.m", "torque", 1.0),
    ("Nm", "torque", 1.0),
    ("kN·m", "torque", 1000.0),
    ("kNm", "torque", 1000.0),
    ("N·cm", "torque", 0.01),
    ("Ncm", "torque", 0.01),
    ("kN", "force", 1000.0),
    ("N", "force", 1.0),
    ("N/mm²", "stress", 1.0),
    ("MPa", "pressure", 10.0),
    ("kPa", "pressure", 0.01),
    ("hPa", "pressure", 0.001),
    ("Pa", "pressure", 0.000_01),
    ("mbar", "pressure", 0.001),
    ("bar", "pressure", 1.0),
    ("psi", "pressure_psi", 1.0),
    ("µm", "length", 0.001),
    ("mm", "length", 1.0),
    ("cm", "length", 10.0),
    ("dm", "length", 100.0),
    ("m", "length", 1000.0),
    ("km", "length", 1_000_000.0),
    ("mm²", "area", 1.0),
    ("cm²", "area", 100.0),
    ("m²", "area", 1_000_000.0),
    ("mm/s", "velocity", 0.001),
    ("m/s", "velocity", 1.0),
    ("m/min", "velocity_min", 1.0),
    ("km/h", "velocity_km", 1.0),
    ("ml", "volume", 0.001),
    ("mL", "volume", 0.001),
    ("cl", "volume", 0.01),
    ("dl", "volume", 0.1),
    ("hl", "volume", 100.0),
    ("l", "volume", 1.0),
    ("L", "volume", 1.0),
    ("cm³", "volume", 0.001),
    ("m³", "volume", 1000.0),
    ("m3", "volume", 1000.0),
    ("m³/h", "flow", 1000.0),
    ("m3/h", "flow", 1000.0),
    ("l/h", "flow", 1.0),
    ("l/min", "flow", 60.0),
    ("L/min", "flow", 60.0),
    ("l/s", "flow", 3600.0),
    ("mg", "mass", 0.001),
    ("g", "mass", 1.0),
    ("kg", "mass", 1000.0),
    ("t", "mass", 1_000_000.0),
    ("mg/l", "concentration", 1.0),
    ("g/l", "concentration", 1000.0),
    ("ppm", "ppm", 1.0),
    ("ms", "time", 0.001),
    ("s", "time", 1.0),
    ("min", "time", 60.0),
    ("h", "time", 3600.0),
    ("d", "time", 86_400.0),
    ("°C", "celsius", 1.0),
    ("°F", "fahrenheit", 1.0),
    ("K", "kelvin", 1.0),
    ("mW", "power", 0.001),
    ("W", "power", 1.0),
    ("kW", "power", 1000.0),
    ("MW", "power", 1_000_000.0),
    ("kVA", "apparent_power", 1000.0),
    ("VA", "apparent_power", 1.0),
    ("Wh", "energy", 1.0),
    ("kWh", "energy", 1000.0),
    ("MWh", "energy", 1_000_000.0),
    ("J", "joule", 1.0),
    ("kJ", "joule", 1000.0),
    ("mV", "voltage", 0.001),
    ("V", "voltage", 1.0),
    ("kV", "voltage", 1000.0),
    ("mA", "current", 0.001),
    ("A", "current", 1.0),
    ("kA", "current", 1000.0),
    ("Ah", "charge", 1.0),
    ("mΩ", "resistance", 0.001),
    ("Ω", "resistance", 1.0),
    ("kΩ", "resistance", 1000.0),
    ("MΩ", "resistance", 1_000_000.0),
    ("Hz", "frequency", 1.0),
    ("kHz", "frequency", 1000.0),
    ("MHz", "frequency", 1_000_000.0),
    ("1/min", "speed", 1.0),
    ("U/min", "speed", 1.0),
    ("ot/min", "speed", 1.0),
    ("r/min", "speed", 1.0),
    ("min-1", "speed", 1.0),
    ("min⁻¹", "speed", 1.0),
    ("rpm", "speed", 1.0),
    ("dB(A)", "sound", 1.0),
    ("dB", "sound", 1.0),
    ("HRC", "hardness_rockwell", 1.0),
    ("HB", "hardness_brinell", 1.0),
    ("%", "share", 1.0),
    ("‰", "share", 0.1),
    ("°", "angle", 1.0),
    ("€", "euro", 1.0),
    ("EUR", "euro", 1.0),
    ("Kč", "crown", 1.0),
    ("CZK", "crown", 1.0),
    ("USD", "dollar", 1.0),
    ("$", "dollar", 1.0),
];

/// Words, in lower case.
const WORDS: &[Spelling] = &[
    ("second", "time", 1.0),
    ("seconds", "time", 1.0),
    ("sec", "time", 1.0),
    ("sekunde", "time", 1.0),
    ("sekunden", "time", 1.0),
    ("sekunda", "time", 1.0),
    ("sekundy", "time", 1.0),
    ("sekund", "time", 1.0),
    ("minute", "time", 60.0),
    ("minutes", "time", 60.0),
    ("mins", "time", 60.0),
    ("minuten", "time", 60.0),
    ("minuta", "time", 60.0),
    ("minuty", "time", 60.0),
    ("minut", "time", 60.0),
    ("hour", "time", 3600.0),
    ("hours", "time", 3600.0),
    ("hrs", "time", 3600.0),
    ("stunde", "time", 3600.0),
    ("stunden", "time", 3600.0),
    ("std", "time", 3600.0),
    ("hodina", "time", 3600.0),
    ("hodinu", "time", 3600.0),
    ("hodiny", "time", 3600.0),
    ("hodin", "time", 3600.0),
    ("hod", "time", 3600.0),
    ("day", "time", 86_400.0),
    ("days", "time", 86_400.0),
    ("tag", "time", 86_400.0),
    ("tage", "time", 86_400.0),
    ("tagen", "time", 86_400.0),
    ("den", "time", 86_400.0),
    ("dny", "time", 86_400.0),
    ("dnů", "time", 86_400.0),
    ("dní", "time", 86_400.0),
    ("week", "time", 604_800.0),
    ("weeks", "time", 604_800.0),
    ("woche", "time", 604_800.0),
    ("wochen", "time", 604_800.0),
    ("týden", "time", 604_800.0),
    ("týdny", "time", 604_800.0),
    ("týdnů", "time", 604_800.0),
    ("month", "month", 1.0),
    ("months", "month", 1.0),
    ("monat", "month", 1.0),
    ("monate", "month", 1.0),
    ("monaten", "month", 1.0),
    ("měsíc", "month", 1.0),
    ("měsíce", "month", 1.0),
    ("měsíců", "month", 1.0),
    ("year", "month", 12.0),
    ("years", "month", 12.0),
    ("jahr", "month", 12.0),
    ("jahre", "month", 12.0),
    ("jahren", "month", 12.0),
    ("rok", "month", 12.0),
    ("roky", "month", 12.0),
    ("let", "month", 12.0),
    ("litre", "volume", 1.0),
    ("litres", "volume", 1.0),
    ("liter", "volume", 1.0),
    ("liters", "volume", 1.0),
    ("litr", "volume", 1.0),
    ("litry", "volume", 1.0),
    ("litrů", "volume", 1.0),
    ("gram", "mass", 1.0),
    ("grams", "mass", 1.0),
    ("gramm", "mass", 1.0),
    ("gramů", "mass", 1.0),
    ("kilogram", "mass", 1000.0),
    ("kilograms", "mass", 1000.0),
    ("kilogramm", "mass", 1000.0),
    ("tonne", "mass", 1_000_000.0),
    ("tonnes", "mass", 1_000_000.0),
    ("tonnen", "mass", 1_000_000.0),
    ("tun", "mass", 1_000_000.0),
    ("metre", "length", 1000.0),
    ("metres", "length", 1000.0),
    ("meter", "length", 1000.0),
    ("meters", "length", 1000.0),
    ("metr", "length", 1000.0),
    ("metry", "length", 1000.0),
    ("metrů", "length", 1000.0),
    ("millimetre", "length", 1.0),
    ("millimetres", "length", 1.0),
    ("millimeter", "length", 1.0),
    ("newton metres", "torque", 1.0),
    ("newton-metres", "torque", 1.0),
    ("newtonmeter", "torque", 1.0),
    ("newtonmetrů", "torque", 1.0),
    ("degrees celsius", "celsius", 1.0),
    ("grad celsius", "celsius", 1.0),
    ("stupňů celsia", "celsius", 1.0),
    ("degrees", "angle", 1.0),
    ("volt", "voltage", 1.0),
    ("volts", "voltage", 1.0),
    ("voltů", "voltage", 1.0),
    ("ampere", "current", 1.0),
    ("amperes", "current", 1.0),
    ("amps", "current", 1.0),
    ("ampérů", "current", 1.0),
    ("watt", "power", 1.0),
    ("watts", "power", 1.0),
    ("kilowatt", "power", 1000.0),
    ("kilowatts", "power", 1000.0),
    ("percent", "share", 1.0),
    ("per cent", "share", 1.0),
    ("prozent", "share", 1.0),
    ("procent", "share", 1.0),
    ("procenta", "share", 1.0),
    ("bars", "pressure", 1.0),
    ("barů", "pressure", 1.0),
    ("bary", "pressure", 1.0),
    ("revolutions per minute", "speed", 1.0),
    ("euro", "euro", 1.0),
    ("euros", "euro", 1.0),
    ("korun", "crown", 1.0),
];

/// The unit that `text` begins with, and how many bytes of it that is. `text` has been made
/// [`plain`].
pub(crate) fn unit_at(text: &str) -> Option<(Unit, usize)> {
    let sign = longest(text, SIGNS);
    let lower: String = text.chars().take(WORD_MAX_CHARS).flat_map(char::to_lowercase).collect();
    let word = longest(&lower, WORDS);
    // "min" begins "minutes": the longer one is meant.
    match (sign, word) {
        (Some(sign), Some(word)) => Some(if sign.1 >= word.1 { sign } else { word }),
        (sign, word) => sign.or(word),
    }
}

/// Longest spelling, with some room.
const WORD_MAX_CHARS: usize = 32;

fn longest(text: &str, spellings: &[Spelling]) -> Option<(Unit, usize)> {
    spellings
        .iter()
        .filter(|(spelling, ..)| {
            text.strip_prefix(spelling).is_some_and(|rest| ends_here(spelling, rest))
        })
        .max_by_key(|(spelling, ..)| spelling.len())
        .map(|&(spelling, measures, factor)| (Unit { measures, factor }, spelling.len()))
}

/// Whether a unit ends where `rest` begins: not inside a word, and not before `²` or `/h`.
fn ends_here(spelling: &str, rest: &str) -> bool {
    let mut chars = rest.chars();
    let is_sign = !spelling.ends_with(char::is_alphanumeric);
    match (chars.next(), chars.next()) {
        (None, _) => true,
        (Some('/' | '·' | '-'), Some(next)) => is_sign || !next.is_alphanumeric(),
        (Some('²' | '³' | '⁻'), _) => false,
        (Some(c), _) => is_sign && spelling != "°" || !c.is_alphanumeric(),
    }
}

/// `text` with one spelling for what is written in several: blanks, products, minus and micro.
pub(crate) fn plain(text: &str) -> String {
    let same = |c: char| match c {
        '\u{a0}' | '\u{202f}' | '\u{2009}' | '\u{2007}' => ' ',
        '⋅' | '∙' | '•' | '∗' => '·',
        '−' => '-',
        'μ' => 'µ',
        'Ω' => 'Ω',
        'º' | '˚' => '°',
        other => other,
    };
    text.chars().map(same).collect::<String>().replace("° C", "°C").replace("℃", "°C")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn spellings_of_one_unit_are_one() {
        for text in ["Nm", "N·m", "N m", "N.m", "N⋅m,", "N·m."] {
            let (unit, _) = unit_at(&plain(text)).unwrap();
            assert_eq!((unit.measures, unit.factor), ("torque", 1.0), "{text}");
        }
        for (text, measures) in [
            ("min later", "time"),
            ("min⁻¹", "speed"),
            ("1/min", "speed"),
            ("m³/h", "flow"),
            ("m deep", "length"),
            ("Stunden", "time"),
            ("hodin", "time"),
            ("°C", "celsius"),
            ("%", "share"),
            ("mm²", "area"),
        ] {
            assert_eq!(unit_at(&plain(text)).unwrap().0.measures, measures, "{text}");
        }
    }

    #[test]
    fn words_that_begin_like_a_unit_are_none() {
        for text in ["mountains", "steps", "bolts", "gaskets", "Aufgaben", "°N", "m/x", "lorem"] {
            assert_eq!(unit_at(text), None, "{text}");
        }
    }
}
