#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn canonical(value: &Value) -> String {
    let mut out = Vec::new();
    write_bounded_value(&mut out, value);
    String::from_utf8(out).unwrap()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// RFC 8785 section 3.2.3: the names in the order of their UTF-16 code units, which is neither
/// that of code points nor of UTF-8 bytes.
#[test]
fn members_stand_in_the_order_of_the_rfc() {
    let value = read(
        r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
            "\u00f6":"Latin Small Letter O With Diaeresis"}"#,
    );
    assert_eq!(
        canonical(&value),
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
         \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
         \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
    );
}

/// RFC 8785 section 3.2.2, the string and the literals.
#[test]
fn strings_are_escaped_as_the_rfc_says() {
    let value = read(r#"["\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",null,true,false]"#);
    assert_eq!(canonical(&value), r#"["€$\u000f\nA'B\"\\\\\"/",null,true,false]"#);
    let controls: String = (0..0x20_u8).map(char::from).chain(['\u{7f}', '\u{2028}']).collect();
    assert_eq!(
        canonical(&json!(controls)),
        "\"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\
         \\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\
         \\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f\u{7f}\u{2028}\""
    );
}

#[test]
fn numbers_are_safe_integers_or_strings() {
    let numbers = [
        ("0", "0"),
        ("-0", "0"),
        ("5.0", "5"),
        ("1e3", "1000"),
        ("-17", "-17"),
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991", "-9007199254740991"),
        ("9007199254740992", "\"9007199254740992\""),
        ("-9007199254740992", "\"-9007199254740992\""),
        ("18446744073709551615", "\"18446744073709551615\""),
        ("9007199254740992.0", "\"9007199254740992.0\""),
        ("0.35", "\"0.35\""),
        ("-1.5", "\"-1.5\""),
    ];
    for (given, expected) in numbers {
        assert_eq!(canonical(&read(given)), expected, "{given}");
    }
}

#[test]
fn what_is_too_large_leaves_its_hash() {
    // Two quotes belong to the encoding.
    let fits = json!("x".repeat(VALUE_MAX_BYTES - 2));
    assert_eq!(canonical(&fits).len(), VALUE_MAX_BYTES);
    let too_large = json!("x".repeat(VALUE_MAX_BYTES - 1));
    let sha256 = hex::encode(Sha256::digest(serde_json::to_vec(&too_large).unwrap()));
    let omitted = json!({"omitted": {
        "reason": "too_large", "sha256": sha256, "size_bytes": VALUE_MAX_BYTES + 1
    }});
    let written = canonical(&too_large);
    assert_eq!(read(&written), omitted);
    assert_eq!(canonical(&read(&written)), written, "what stands in its place is canonical too");
}

#[test]
fn what_is_too_deep_says_so() {
    let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let fits = nested(VALUE_DEPTH_MAX);
    assert_eq!(read(&canonical(&fits)), fits);
    let written = canonical(&nested(VALUE_DEPTH_MAX + 1));
    assert_eq!(written, r#"{"omitted":{"reason":"too_deep"}}"#);
    assert_eq!(canonical(&read(&written)), written);
}

/// Any value whose numbers are safe integers.
fn value() -> impl Strategy<Value = Value> {
    const MAX: i64 = SAFE_INTEGER_MAX as i64;
    let text = proptest::string::string_regex("[\\PC\\x00-\\x1f\"\\\\😀ﬀ€]{0,8}").unwrap();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-MAX..=MAX).prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map("[\\PC\\x00-\\x1f]{0,4}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_text_reads_back_as_the_same_value(value in value()) {
        let written = canonical(&value);
        prop_assert_eq!(read(&written), value.clone());
        prop_assert_eq!(canonical(&read(&written)), written);
    }

    #[test]
    fn spelling_and_order_do_not_matter(value in value()) {
        // Pretty-printed in the map's own order: another spelling of the same value.
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(canonical(&read(&pretty)), canonical(&value));
    }

    #[test]
    fn any_number_is_written_so_that_it_stays(bits in any::<u64>()) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let written = canonical(&json!(float));
        prop_assert_eq!(canonical(&read(&written)), written.clone());
        let read_back: f64 = written.trim_matches('"').parse().unwrap();
        prop_assert_eq!(read_back, float);
    }
}
