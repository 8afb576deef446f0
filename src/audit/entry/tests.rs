#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use base::{Actor, Classification, ExportControl, Origin, SeededEntropy, UserId};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Action, Event, Stamp, VALUE_DEPTH_MAX, VALUE_MAX_BYTES, leaf_hash};

const UPLOAD: Action = Action::new("document.upload");

fn stamp(index: u64) -> Stamp {
    let entropy = SeededEntropy::new(index);
    let time = Timestamp::from_unix_ms(1_795_000_000_123);
    Stamp {
        index,
        time,
        actor: Actor::User(UserId::new(time, &entropy).unwrap()),
        tenant: Some(TenantId::new(time, &entropy).unwrap()),
        request_id: Some(RequestId::new(time, &entropy).unwrap()),
    }
}

fn full() -> Entry {
    Event::new(UPLOAD)
        .object("document", "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10")
        .before(json!({"title": "Pumpe \"P-101\"", "revision": 1}))
        .after(json!({"title": "Čerpadlo\n😀", "revision": 2, "weight": 0.35}))
        .detail(json!([1, "two", true, null]))
        .label(Label {
            classification: Classification::Confidential,
            export_control: ExportControl::Controlled,
            origin: Origin::Document,
        })
        .outcome(Outcome::Failed)
        .into_entry(stamp(7))
}

fn least() -> Entry {
    let stamp = Stamp { actor: Actor::Appliance, tenant: None, request_id: None, ..stamp(0) };
    Event::new(Action::new("appliance.start")).into_entry(stamp)
}

/// These bytes are the format: a change that makes this fail makes every stored log unreadable.
#[test]
fn canonical_bytes_are_those_of_version_1() {
    let bytes = String::from_utf8(full().canonical()).unwrap();
    insta::assert_snapshot!("entry_v1_full", bytes);
    insta::assert_snapshot!("entry_v1_full_leaf", leaf_hash(bytes.as_bytes()));
    insta::assert_snapshot!(
        String::from_utf8(least().canonical()).unwrap(),
        @r#"{"action":"appliance.start","actor":"appliance","index":0,"outcome":"success","time":"2026-11-18T11:06:40.123Z","v":1}"#
    );
}

#[test]
fn an_entry_reads_back() {
    assert_eq!(Entry::parse(&least().canonical()).unwrap(), least());
    let mut expected = full();
    // The one number that is not an integer is kept as text.
    expected.after = Some(json!({"title": "Čerpadlo\n😀", "revision": 2, "weight": "0.35"}));
    assert_eq!(Entry::parse(&full().canonical()).unwrap(), expected);
}

#[test]
fn null_says_nothing() {
    let nothing = Event::new(UPLOAD).before(Value::Null).after(Value::Null).detail(Value::Null);
    let entry = nothing.into_entry(stamp(0));
    assert_eq!((&entry.before, &entry.after, &entry.detail), (&None, &None, &None));
    let explicit = Entry { before: Some(Value::Null), ..entry.clone() };
    assert_eq!(explicit.canonical(), entry.canonical());
}

#[test]
fn a_value_of_any_size_is_recorded_within_the_limit() {
    let huge = json!(vec!["long".repeat(1000); 100]);
    let event = Event::new(UPLOAD).object("document", "i".repeat(1 << 20));
    let entry = event.before(huge.clone()).after(huge.clone()).detail(huge).into_entry(stamp(0));
    let bytes = entry.canonical();
    assert!(bytes.len() < ENTRY_MAX_BYTES);
    let read = Entry::parse(&bytes).unwrap();
    assert_eq!(read.after.unwrap()["omitted"]["reason"], "too_large");

    let largest = json!("\u{1}".repeat((VALUE_MAX_BYTES - 2) / 6));
    let event = Event::new(UPLOAD).object("document", "\u{1}".repeat(1000));
    let event = event.before(largest.clone()).after(largest.clone()).detail(largest);
    let bytes = event.into_entry(stamp(0)).canonical();
    assert!(bytes.len() <= ENTRY_MAX_BYTES, "{}", bytes.len());
    assert!(Entry::parse(&bytes).is_ok());
}

/// `least` in other spellings: each says the same or nearly, none has its hash.
#[test]
fn other_spellings_are_refused() {
    let canonical = String::from_utf8(least().canonical()).unwrap();
    let refused = [
        format!(" {canonical}"),
        format!("{canonical}\n"),
        format!("\u{feff}{canonical}"),
        canonical.replace(',', ", "),
        canonical.replace(r#""index":0"#, r#""index":-0"#),
        canonical.replace(r#""index":0"#, r#""index":0.0"#),
        canonical.replace(r#""index":0"#, r#""index":0e0"#),
        canonical.replace(r#""index":0"#, r#""index":"0""#),
        canonical.replace(r#""index":0"#, r#""index":9007199254740992"#),
        canonical.replace(r#""index":0"#, r#""index":0,"index":0"#),
        canonical.replace(r#""index":0"#, r#""detail":null,"index":0"#),
        canonical.replace(r#""index":0"#, r#""detail":0.5,"index":0"#),
        canonical.replace(r#""index":0"#, r#""detail":{"b":1,"a":2},"index":0"#),
        canonical.replace(r#""index":0"#, r#""detail":{"a":1,"a":2},"index":0"#),
        canonical.replace(r#""index":0"#, r#""index":0,"nonsense":1"#),
        canonical.replace("appliance.start", "appliance.st\\u0061rt"),
        canonical.replace("appliance.start", "Appliance.start"),
        canonical.replace("appliance.start", "appliance"),
        canonical.replace(r#""success""#, r#""Success""#),
        canonical.replace(".123Z", ".123000Z"),
        canonical.replace(".123Z", ".123+00:00"),
        canonical.replace(r#","v":1"#, ""),
        canonical.replace(r#""v":1"#, r#""v":2"#),
        canonical.replace(r#""v":1"#, r#""v":"1""#),
        // The same members in another order.
        format!(r#"{{"v":1,{}}}"#, &canonical[1..].replace(r#","v":1}"#, "")),
    ];
    for text in refused {
        assert_ne!(text, canonical, "the edit must do something");
        assert!(Entry::parse(text.as_bytes()).is_err(), "{text}");
        assert_eq!(canonical_index(text.as_bytes()), None, "{text}");
    }
    assert!(matches!(
        Entry::parse(canonical.replace(r#""v":1"#, r#""v":2"#).as_bytes()),
        Err(EntryError::Version { version: 2 })
    ));
    let full = String::from_utf8(full().canonical()).unwrap();
    for (from, to) in [
        (r#""origin":"document""#, r#""origin":"Document""#),
        (r#""origin":"document""#, r#""origin":"document","x":1"#),
        ("CONFIDENTIAL", "confidential"),
        (r#""tenant":"0"#, r#""tenant":"A"#),
    ] {
        let text = full.replace(from, to);
        assert_ne!(text, full);
        assert!(Entry::parse(text.as_bytes()).is_err(), "{text}");
        assert_eq!(canonical_index(text.as_bytes()), None, "{text}");
    }
    assert!(matches!(
        Entry::parse(&vec![b' '; ENTRY_MAX_BYTES + 1]),
        Err(EntryError::TooLarge { .. })
    ));
    assert_eq!(canonical_index(&vec![b' '; ENTRY_MAX_BYTES + 1]), None);
    let deep = "[".repeat(100_000);
    assert!(Entry::parse(deep.as_bytes()).is_err());
}

/// Values in their canonical spelling; the last one sorts differently by code points.
const GOOD_VALUES: [&str; 11] = [
    "0",
    "-1",
    "9007199254740991",
    "-9007199254740991",
    "true",
    "[]",
    "{}",
    "[[],{},null]",
    r#""\u0000\b\t\n\u000b\f\r\u001f\"\\/""#,
    r#"{"":0,"a":1,"b":{"a":2}}"#,
    "{\"\\n\":1,\"\\r\":2,\"\\u001f\":3,\" \":4,\"€\":5,\"😀\":6,\"\u{fb33}\":7}",
];

/// What is no value, or one in another spelling.
const BAD_VALUES: [&str; 37] = [
    "",
    "null",
    "nul",
    "-",
    "-0",
    "00",
    "01",
    "+1",
    "1.0",
    "0.5",
    "1e3",
    "9007199254740992",
    "99999999999999999999",
    "True",
    "[1,]",
    "[,1]",
    "[1 ]",
    "[1",
    "]",
    r#"{"a"}"#,
    "{a:1}",
    r#"{"a":1,}"#,
    r#"{"b":1,"a":2}"#,
    r#"{"a":1,"a":2}"#,
    "{\"\u{fb33}\":7,\"😀\":6}",
    "{\" \":4,\"\\n\":1}",
    r#"""#,
    r#""a"#,
    "\"\t\"",
    r#""\/""#,
    r#""\u0041""#,
    r#""\u0008""#,
    r#""\u000A""#,
    r#""\u00e9""#,
    r#""\ud83d\ude00""#,
    r#""\u00""#,
    r#""\x""#,
];

#[test]
fn the_scan_and_the_parser_agree_on_values() {
    let canonical = String::from_utf8(least().canonical()).unwrap();
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let long = |len: usize| format!("\"{}\"", "x".repeat(len - 2));
    let at_limit = [deep(VALUE_DEPTH_MAX), long(VALUE_MAX_BYTES)];
    let beyond = [deep(VALUE_DEPTH_MAX + 1), long(VALUE_MAX_BYTES + 1)];
    let good = GOOD_VALUES.into_iter().chain(at_limit.iter().map(String::as_str));
    let bad = BAD_VALUES.into_iter().chain(beyond.iter().map(String::as_str));
    for (value, is_good) in good.map(|v| (v, true)).chain(bad.map(|v| (v, false))) {
        let text = canonical.replace(r#""index""#, &format!(r#""detail":{value},"index""#));
        let shown: String = value.chars().take(60).collect();
        assert_eq!(Entry::parse(text.as_bytes()).is_ok(), is_good, "parser: {shown}");
        assert_eq!(canonical_index(text.as_bytes()).is_some(), is_good, "scan: {shown}");
    }
}

fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[\\PC\\x00-\\x1f\"\\\\]{0,12}").unwrap()
}

fn json_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        proptest::collection::btree_map(text(), any::<i32>(), 0..5).prop_map(|members| {
            Value::Object(members.into_iter().map(|(name, n)| (name, Value::from(n))).collect())
        }),
    ]
}

fn label() -> impl Strategy<Value = Label> {
    (
        proptest::sample::select(&Classification::ALL[..]),
        proptest::sample::select(&[ExportControl::None, ExportControl::Controlled][..]),
        proptest::sample::select(
            &[Origin::User, Origin::Document, Origin::Connector, Origin::Model][..],
        ),
    )
        .prop_map(|(classification, export_control, origin)| Label {
            classification,
            export_control,
            origin,
        })
}

prop_compose! {
    fn entry()(
        index in 0..=SAFE_INTEGER_MAX,
        unix_ms in 0..253_402_300_800_000_i64,
        actor in text(),
        ids in proptest::option::of(any::<([u8; 16], [u8; 16])>()),
        action in "[a-z][a-z0-9_]{0,8}(\\.[a-z][a-z0-9_]{0,8}){1,3}",
        object in proptest::option::of((text(), text())),
        outcome in proptest::sample::select(&Outcome::ALL[..]),
        values in proptest::array::uniform3(proptest::option::of(json_value())),
        label in proptest::option::of(label()),
    ) -> Entry {
        let [before, after, detail] = values;
        Entry {
            index,
            time: Timestamp::from_unix_ms(unix_ms),
            actor,
            tenant: ids.map(|(tenant, _)| TenantId::from_bytes(tenant)),
            request_id: ids.map(|(_, request)| RequestId::from_bytes(request)),
            action,
            object: object.map(|(kind, id)| Object { kind, id }),
            outcome,
            before,
            after,
            detail,
            label,
        }
    }
}

proptest! {
    #[test]
    fn any_entry_reads_back_from_its_canonical_bytes(entry in entry()) {
        let bytes = entry.canonical();
        prop_assert_eq!(canonical_index(&bytes), Some(entry.index));
        prop_assert_eq!(Entry::parse(&bytes).unwrap(), entry);
    }

    #[test]
    fn the_members_stand_in_canonical_order(entry in entry()) {
        // The generic writer, which sorts, must agree with the one that is told the order.
        let bytes = entry.canonical();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let mut sorted = Vec::new();
        write_bounded_value(&mut sorted, &value);
        prop_assert_eq!(bytes, sorted);
    }

    #[test]
    fn a_changed_byte_never_reads_as_the_same_entry(
        entry in entry(), at in any::<prop::sample::Index>(), mask in 1..=255_u8,
    ) {
        let mut bytes = entry.canonical();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        let parsed = Entry::parse(&bytes).ok();
        prop_assert_eq!(canonical_index(&bytes), parsed.as_ref().map(|other| other.index));
        prop_assert_ne!(parsed, Some(entry));
    }

    /// Pieces of JSON put into an entry at any place: the quick scan and the full parser agree.
    #[test]
    fn the_scan_and_the_parser_agree_on_damage(
        entry in entry(),
        edits in proptest::collection::vec(
            (any::<prop::sample::Index>(), 0..4_usize, piece()), 1..3,
        ),
    ) {
        let mut chars: Vec<char> = String::from_utf8(entry.canonical()).unwrap().chars().collect();
        for (at, removed, piece) in edits {
            let at = at.index(chars.len());
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        let text: String = chars.into_iter().collect();
        let parsed = Entry::parse(text.as_bytes()).ok().map(|entry| entry.index);
        prop_assert_eq!(canonical_index(text.as_bytes()), parsed, "{}", text);
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    const PIECES: [&str; 24] = [
        "", " ", ",", ":", "\"", "{", "}", "[", "]", "0", "-", "9", ".", "e", "\\", "\\n",
        "\\u0001", "null", "true", "a", "A", "é", "\u{1}", "\"a\":1,",
    ];
    proptest::sample::select(&PIECES[..])
}

proptest! {
    #[test]
    fn moments_are_known_without_a_calendar(unix_ms in 0_i64..253_402_300_800_000) {
        let text = Timestamp::from_unix_ms(unix_ms).to_string();
        prop_assert!(is_time(&text), "{text}");
    }

    #[test]
    fn what_looks_like_a_moment_is_one(
        date in "(1969|1970|1999|2000|2024|2026|2100|9999)-[01][0-9]-[0-3][0-9]",
        time in "[0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
        tail in "(\\.[0-9]{3}|\\.[0-9]{2}|)(Z|z|\\+00:00)",
    ) {
        let text = format!("{date}T{time}{tail}");
        let read = Timestamp::parse(&text).is_ok_and(|time| time.to_string() == text);
        prop_assert_eq!(is_time(&text), read, "{}", text);
    }
}
