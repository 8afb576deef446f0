//! The program that runs vector files decides as the vectors of our own expect.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

#[path = "../keys/mod.rs"]
mod keys;

use std::collections::BTreeMap;
use std::process::Command;

use keys::{SECRET, TestKey};
use serde_json::{Value, json};

/// Decision and reason by case; the summary under `#`.
fn run(document: &Value, options: &[&str]) -> BTreeMap<String, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("vectors.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_jose-vectors")).args(options).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        let (id, rest) = line.split_once(['\t', ' ']).unwrap();
        lines.entry(id.to_owned()).or_insert_with(String::new).push_str(rest);
    }
    lines
}

/// A group in Wycheproof's shape whose tests are numbered from `first`.
fn group(first: u32, key: &Value, cases: &[(&str, String, bool)]) -> Value {
    let tests: Vec<Value> = (first..)
        .zip(cases)
        .map(|(id, (comment, jws, valid))| {
            let result = if *valid { "valid" } else { "invalid" };
            json!({ "tcId": id, "comment": comment, "jws": jws, "result": result, "flags": [] })
        })
        .collect();
    let member = if key.get("kty").is_some_and(|kty| kty == "oct") { "private" } else { "public" };
    json!({ "type": "JsonWebSignature", "comment": "own", member: key, "tests": tests })
}

fn cases(signer: TestKey) -> Vec<(&'static str, String, bool)> {
    let algorithm = signer.algorithm();
    let header = json!({ "alg": algorithm, "kid": "k" }).to_string();
    let good = signer.token_of(&header, "the payload may be any text");
    let (text, signature) = good.rsplit_once('.').unwrap();
    let with =
        |more: &str| signer.token_of(&format!(r#"{{"alg":"{algorithm}","kid":"k",{more}}}"#), "x");
    vec![
        ("as signed", good.clone(), true),
        ("typ", with(r#""typ":"JWT""#), true),
        ("blanks in the header", signer.token_of(&header.replace(',', " ,\n "), "x"), true),
        ("no payload", signer.token_of(&header, ""), true),
        ("another payload", signer.token_of(&header, "y").replacen(".", ".A", 1), false),
        ("no signature", format!("{text}."), false),
        ("no signature and no dot", text.to_owned(), false),
        ("no header", format!(".{}", &good[good.find('.').unwrap() + 1..]), false),
        ("a fourth part", format!("{good}.x"), false),
        ("padding", format!("{good}="), false),
        ("a blank", format!("{text}. {signature}"), false),
        ("none", signer.token_of(r#"{"alg":"none","kid":"k"}"#, "x"), false),
        ("a critical header", with(r#""crit":["b64"],"b64":false"#), false),
        ("a key in the header", with(r#""jwk":{"kty":"oct"}"#), false),
        ("an address of a key", with(r#""jku":"https://evil.example""#), false),
        ("a certificate", with(r#""x5c":["MII"]"#), false),
        ("a member twice", with(r#""kid":"k""#), false),
        ("another kid", signer.token_of(&header.replace("\"k\"", "\"l\""), "x"), false),
        ("JSON", json!({ "payload": "eA", "signatures": [] }).to_string(), false),
        ("nothing", String::new(), false),
    ]
}

#[test]
fn our_own_vectors_are_decided_as_they_say() {
    let mut groups = Vec::new();
    for (place, signer) in (1..).zip(TestKey::SIGNERS) {
        groups.push(group(place * 100, &signer.jwk("k"), &cases(signer)));
    }
    // Sets of keys, and keys that must not count.
    let valid = TestKey::RsaA.token("k", &json!({}));
    let set = json!({ "keys": [TestKey::RsaB.jwk("l"), TestKey::RsaA.jwk("k")] });
    groups.push(group(500, &set, &[("the second of two", valid.clone(), true)]));
    let twice = json!({ "keys": [TestKey::RsaB.jwk("k"), TestKey::RsaA.jwk("k")] });
    groups.push(group(510, &twice, &[("one name for two", valid.clone(), false)]));
    let mixed = json!({ "keys": [TestKey::RsaA.jwk("k"), TestKey::Hmac.jwk("l")] });
    groups.push(group(520, &mixed, &[("a secret beside it", valid.clone(), false)]));
    let mut sealing = TestKey::RsaA.jwk("k");
    sealing["use"] = "enc".into();
    groups.push(group(530, &sealing, &[("a key for another use", valid.clone(), false)]));
    let mut operations = TestKey::RsaA.jwk("k");
    operations["key_ops"] = json!(["encrypt"]);
    groups.push(group(540, &operations, &[("a key for other operations", valid.clone(), false)]));
    let short = TestKey::RsaShort.token("k", &json!({}));
    groups.push(group(550, &TestKey::RsaShort.jwk("k"), &[("a short key", short, false)]));
    let mut brief = TestKey::Hmac.jwk("k");
    brief["k"] = "AAAA".into();
    let token = TestKey::Hmac.token("k", &json!({}));
    groups.push(group(560, &brief, &[("a short secret", token, false)]));
    // The signer's half stands beside the public one, as in Wycheproof's files.
    let mut whole = TestKey::P256.jwk("k");
    whole["d"] = "AAAA".into();
    let token = TestKey::P256.token("k", &json!({}));
    groups.push(json!({ "private": whole,
        "tests": [{ "tcId": 570, "jws": token, "result": "valid" }] }));

    let cases: usize = groups.iter().map(|g| g["tests"].as_array().unwrap().len()).sum();
    let decided = run(&json!({ "numberOfTests": cases, "testGroups": groups.clone() }), &[]);
    for test in groups.iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        let expected = if test["result"] == "valid" { "accept" } else { "refuse" };
        let line = &decided[&test["tcId"].to_string()];
        assert!(line.starts_with(expected), "{test}: {line}");
        assert_eq!(expected == "accept", line == "accept", "a refusal has a reason: {line}");
    }
    let told = &decided["#"];
    assert!(told.contains(&format!("{cases} cases")) && told.contains("otherwise"), "{told}");
    assert!(told.ends_with("none"), "{told}");
}

#[test]
fn what_is_not_supported_is_refused_and_says_so() {
    let header = json!({ "alg": "HS512", "kid": "k" }).to_string();
    let token = TestKey::Hmac.token_of(&header, "x");
    let mut long = TestKey::Hmac.jwk("k");
    long["alg"] = "HS512".into();
    assert!(SECRET.len() >= 32);
    let unknown = json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" });
    let document = json!({ "testGroups": [
        { "private": long, "tests": [{ "tcId": 1, "jws": token, "result": "valid" }] },
        { "public": unknown, "tests": [{ "tcId": "two", "jws": token }] },
        { "tests": [{ "jws": token }, { "jws": { "payload": "" } }] },
    ]});
    let decided = run(&document, &[]);
    for id in ["1", "two"] {
        assert!(decided[id].starts_with("refuse\tunsupported"), "{decided:?}");
    }
    assert!(decided["3"].starts_with("refuse\tno key"), "{decided:?}");
    assert!(decided["4"].starts_with("refuse\tnot a token"), "{decided:?}");
    assert!(decided["#"].contains("2 of them for an algorithm"), "{decided:?}");
}

#[test]
fn claims_are_checked_on_demand() {
    let claims = |changes: Value| {
        let mut claims = json!({
            "iss": "https://sso.plant.example", "aud": "api",
            "sub": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10",
            "tenant_id": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e11",
            "role": "viewer", "iat": 1_000_000, "exp": 1_000_600,
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        TestKey::RsaA.token("k", &claims)
    };
    let cases = [
        ("good", claims(json!({})), true),
        ("audience", claims(json!({ "aud": "other" })), false),
        ("issuer", claims(json!({ "iss": "other" })), false),
        ("expired", claims(json!({ "exp": 1_000_001, "iat": 999_000 })), false),
        ("text for a number", claims(json!({ "exp": "1000600" })), false),
        ("a role", claims(json!({ "role": "root" })), false),
        ("no claims", TestKey::RsaA.token_of(r#"{"alg":"RS256","kid":"k"}"#, "foo"), false),
    ];
    let document = json!({ "testGroups": [group(1, &TestKey::RsaA.jwk("k"), &cases)] });
    let options = [
        "--claims",
        "--now",
        "1000100",
        "--issuer",
        "https://sso.plant.example",
        "--audience",
        "api",
        "--skew",
        "30",
    ];
    let decided = run(&document, &options);
    for (id, (what, _, valid)) in (1..).zip(&cases) {
        assert_eq!(decided[&id.to_string()] == "accept", *valid, "{what}: {decided:?}");
    }
    // Without the option the signature alone is looked at.
    assert!(run(&document, &[]).values().filter(|line| *line == "accept").count() == cases.len());
}

#[test]
fn a_file_that_is_none_is_told() {
    let run =
        |file: &str| Command::new(env!("CARGO_BIN_EXE_jose-vectors")).arg(file).output().unwrap();
    let output = run("/no/such/file");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/file"));
    let bare = Command::new(env!("CARGO_BIN_EXE_jose-vectors")).output().unwrap();
    assert_eq!(bare.status.code(), Some(2));
}
