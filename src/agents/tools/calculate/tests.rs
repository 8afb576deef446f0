//! Expressions with known results, and others with known errors.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::{calculate, convert};

#[test]
fn results() {
    let cases = [
        ("1 + 2 * 3", "7"),
        ("-2^2", "-4"),
        ("2^-2", "0.25"),
        ("2^3^2", "512"),
        ("0,1 + 0,2", "0.3"),
        ("1'000 + 1_000", "2000"),
        ("max(1,5)", "5"),
        ("max(1,5; 2)", "2"),
        ("max((1,5) , 1)", "1.5"),
        ("sqrt(16 m^2)", "4 m"),
        ("cbrt(27 l) to dm", "3 dm"),
        ("3 m + 20 cm", "3.2 m"),
        ("90 N·m / 0,3 m", "300 N"),
        ("90 Nm to lbft", "66.380593435 lbft"),
        ("2 pi * 1450 rpm * 50 Nm to kW", "7.59218224618 kW"),
        ("10 bar to psi", "145.03773773 psi"),
        ("6 bar * 20 cm2 to kN", "1.2 kN"),
        ("230 V * 16 A", "3680 W"),
        ("230 V / 10 A", "23 Ω"),
        ("5 m³/h to l/min", "83.3333333333 l/min"),
        ("20 °C + 5 K", "25 °C"),
        ("20 °C - 5 K", "15 °C"),
        ("-20 °C to °F", "-4 °F"),
        ("300 K to °C", "26.85 °C"),
        ("80 °C - 20 °C", "60 Δ°C"),
        ("(80 °C - 20 °C) to K", "60 K"),
        ("(80 °C - 20 °C) * 4,2 kJ/kg/K * 2 kg to kJ", "504 kJ"),
        ("5 Δ°C to Δ°F", "9 Δ°F"),
        ("15 % * 240 kg", "36 kg"),
        ("sin(30°)", "0.5"),
        ("atan2(1 m; 1 m) to °", "45 °"),
        ("round(2.345; 2)", "2.35"),
        ("log(8; 2)", "3"),
        ("ln(e)", "1"),
        ("7850 kg/m^3 * 2 m * 0,1 m * 0,01 m", "15.7 kg"),
        ("1 in to mm", "25.4 mm"),
        ("5 min to s", "300 s"),
        ("min(5 min; 200 s)", "3.33333333333 min"),
        ("100 kg * g0", "980.665 N"),
        ("1 m / 2 s", "0.5 m/s"),
        ("12 hp to kW", "8.94839845899 kW"),
        ("1e3 mm -> m", "1 m"),
    ];
    for (expression, expected) in cases {
        let result = calculate(expression).map(|c| c.text);
        assert_eq!(result.as_deref(), Ok(expected), "{expression}");
    }
}

#[test]
fn errors_name_the_place() {
    let cases = [
        ("", 1, "empty"),
        ("1 +", 4, "the expression ends"),
        ("1 + * 2", 5, "a number was expected"),
        ("(1 + 2", 1, "never closed"),
        ("1 + 2)", 6, "no parenthesis is open"),
        ("3 m + 2 kg", 5, "don't go together"),
        ("3 m + 2", 5, "don't go together"),
        ("2 ^ (1 m)", 3, "an exponent must be a number without a unit"),
        ("1/0", 2, "division by zero"),
        ("sqrt(-1)", 1, "no real number"),
        ("20 °C + 20 °C", 7, "can't be added"),
        ("20 °C * 2", 7, "convert it to K first"),
        ("5 foo", 3, "is no unit"),
        ("1.000,5", 1, "is no number"),
        ("5 5", 3, "two numbers in a row"),
        ("sqrt 4", 1, "needs its arguments"),
        ("sqrt(2,25)", 1, "takes one argument, not 2"),
        ("asin(2)", 1, "between -1 and 1"),
        ("3 m to kg", 9, "don't go together"),
        ("2 $ 3", 3, "means nothing"),
        ("10^400", 3, "too large"),
        ("1,2", 0, ""),
        ("1;2", 2, "separates the arguments"),
    ];
    for (expression, position, words) in cases {
        match calculate(expression) {
            Ok(result) => assert_eq!((position, result.value), (0, 1.2), "{expression}"),
            Err(error) => {
                assert!(error.reason.contains(words), "{expression}: {error}");
                assert_eq!(error.position, position, "{expression}: {error}");
            }
        }
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
    assert!(calculate(&deep).unwrap_err().reason.contains("nested"));
    let signs = format!("{}1", "-".repeat(400));
    assert!(calculate(&signs).unwrap_err().reason.contains("nested"));
    let powers = vec!["1"; 200].join("^");
    assert!(calculate(&powers).unwrap_err().reason.contains("nested"));
    let long = vec!["1"; 600].join("+");
    assert!(calculate(&long).unwrap_err().reason.contains("more than"));
    let parts = vec!["1"; 300].join("+");
    assert!(calculate(&parts).unwrap_err().reason.contains("parts"));
}

#[test]
fn conversions() {
    let converted = |value, from, to| convert(value, from, to).map(|c| c.text);
    assert_eq!(converted(100.0, "°C", "°F").as_deref(), Ok("212 °F"));
    assert_eq!(converted(36.0, "km/h", "m/s").as_deref(), Ok("10 m/s"));
    assert_eq!(converted(1.0, "l", "cm3").as_deref(), Ok("1000 cm3"));
    assert_eq!(converted(2.5, "bar", "kPa").as_deref(), Ok("250 kPa"));
    assert!(converted(1.0, "m", "s").unwrap_err().reason.contains("don't go together"));
    assert!(converted(1.0, "", "s").is_err());
    assert!(converted(1.0, "3", "s").unwrap_err().reason.contains("unit"));
}

proptest! {
    #[test]
    fn never_panics(text in "[0-9a-zµ°%.,;+*/^() -]{0,60}") {
        let _ = calculate(&text);
    }

    #[test]
    fn there_and_back(value in -1e6_f64..1e6, pair in 0..4_usize) {
        let (from, to) = [("mm", "in"), ("°C", "°F"), ("bar", "psi"), ("kWh", "MJ")][pair];
        let there = convert(value, from, to).unwrap();
        let back = convert(there.value, to, from).unwrap();
        prop_assert!((back.value - value).abs() <= 1e-8 * value.abs().max(1.0));
    }
}
