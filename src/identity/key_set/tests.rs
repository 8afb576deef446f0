#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::tests::keys::{SECRET, TestKey, jwks};

fn set(key: TestKey, kid: &str) -> KeySet {
    let algorithm = key.algorithm().parse().unwrap();
    KeySet::from_jwks(jwks(&[key.jwk(kid)]).as_bytes(), algorithm).unwrap()
}

fn refused(keys: &[Value], algorithm: JoseAlgorithm) -> KeyFault {
    match KeySet::from_jwks(jwks(keys).as_bytes(), algorithm) {
        Ok(_) => panic!("keys were taken: {keys:?}"),
        Err(fault) => fault,
    }
}

/// The JWK with changes; `null` removes.
fn changed(mut jwk: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        let members = jwk.as_object_mut().unwrap();
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    jwk
}

#[test]
fn each_algorithm_takes_what_its_own_key_signed_and_nothing_else() {
    for signer in TestKey::SIGNERS {
        let token = signer.token_of(&format!(r#"{{"alg":"{}"}}"#, signer.algorithm()), "foo");
        assert_eq!(set(signer, "").open(&token).unwrap(), b"foo", "{signer:?}");
        for other in TestKey::SIGNERS.into_iter().filter(|other| *other != signer) {
            // Neither under its own name nor under the other's.
            assert_eq!(set(other, "").open(&token), Err(TokenFault::Algorithm));
            let header = format!(r#"{{"alg":"{}"}}"#, other.algorithm());
            let lying = signer.token_of(&header, "foo");
            assert_eq!(set(other, "").open(&lying), Err(TokenFault::Signature));
            assert_eq!(set(signer, "").open(&lying), Err(TokenFault::Algorithm));
        }
    }
    let stranger = TestKey::RsaB.token("", &json!({}));
    assert_eq!(set(TestKey::RsaA, "").open(&stranger), Err(TokenFault::Signature));
}

#[test]
fn the_public_key_is_no_secret_of_hmac() {
    let jwk = TestKey::RsaA.jwk("");
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    for secret in [modulus, jwk.to_string().into_bytes(), jwks(&[jwk]).into_bytes()] {
        for algorithm in ["HS256", "RS256"] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{algorithm}"}}"#));
            let text = format!("{header}.{}", URL_SAFE_NO_PAD.encode("{}"));
            let key = jsonwebtoken::EncodingKey::from_secret(&secret);
            let tag = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
            assert!(set(TestKey::RsaA, "").open(&format!("{text}.{tag}")).is_err());
        }
    }
}

#[test]
fn a_key_is_meant_by_its_name() {
    let both = jwks(&[TestKey::RsaA.jwk("a"), TestKey::RsaB.jwk("b")]);
    let both = KeySet::from_jwks(both.as_bytes(), JoseAlgorithm::Rs256).unwrap();
    let claims = json!({});
    both.open(&TestKey::RsaA.token("a", &claims)).unwrap();
    both.open(&TestKey::RsaB.token("b", &claims)).unwrap();
    for (kid, expected) in
        [("b", TokenFault::Signature), ("c", TokenFault::Key), ("", TokenFault::Key)]
    {
        assert_eq!(both.open(&TestKey::RsaA.token(kid, &claims)), Err(expected), "{kid}");
    }
    let named = set(TestKey::RsaA, "a");
    named.open(&TestKey::RsaA.token("", &claims)).unwrap();
    assert_eq!(named.open(&TestKey::RsaA.token("b", &claims)), Err(TokenFault::Key));
    set(TestKey::RsaA, "").open(&TestKey::RsaA.token("any", &claims)).unwrap();
}

#[test]
fn keys_for_other_uses_are_passed_over() {
    let rs256 = JoseAlgorithm::Rs256;
    let jwk = TestKey::RsaA.jwk("a");
    for changes in [
        json!({ "use": "enc" }),
        json!({ "alg": "RS512" }),
        json!({ "alg": "RSA-OAEP" }),
        json!({ "alg": "rs256" }),
        json!({ "key_ops": ["encrypt"] }),
        json!({ "key_ops": [] }),
        json!({ "kty": "EC" }),
    ] {
        let other = changed(jwk.clone(), &changes);
        assert_eq!(refused(std::slice::from_ref(&other), rs256), KeyFault::NoneUsable("RS256"));
        let beside = jwks(&[other, TestKey::RsaB.jwk("b")]);
        let set = KeySet::from_jwks(beside.as_bytes(), rs256).unwrap();
        set.open(&TestKey::RsaB.token("", &json!({}))).unwrap();
        assert!(set.open(&TestKey::RsaA.token("a", &json!({}))).is_err(), "{changes}");
    }
    // What is not said does not forbid, and what is unknown is not looked at.
    let plain = json!({ "alg": null, "use": null, "x5u": "https://evil.example", "x5c": ["MII"] });
    let plain = jwks(&[changed(jwk, &plain)]);
    KeySet::from_jwks(plain.as_bytes(), rs256).unwrap();
    // A single key will do.
    KeySet::from_jwks(TestKey::P256.jwk("").to_string().as_bytes(), JoseAlgorithm::Es256).unwrap();
}

#[test]
fn what_must_not_stand_in_a_set_spoils_it() {
    let rs256 = JoseAlgorithm::Rs256;
    let rsa = TestKey::RsaA.jwk("a");
    let secret = TestKey::Hmac.jwk("s");
    assert_eq!(refused(&[rsa.clone(), secret.clone()], rs256), KeyFault::Secret(2));
    assert_eq!(refused(&[secret, rsa.clone()], JoseAlgorithm::Hs256), KeyFault::Mixed(2));
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let private = changed(rsa.clone(), &json!({ member: "AQAB" }));
        assert_eq!(refused(&[private], rs256), KeyFault::Secret(1), "{member}");
    }
    let twice = changed(TestKey::RsaB.jwk("b"), &json!({ "kid": "a" }));
    assert_eq!(refused(&[rsa.clone(), twice], rs256), KeyFault::SameId);
    assert_eq!(refused(&[rsa.clone(), TestKey::RsaB.jwk("")], rs256), KeyFault::NoId);
    assert_eq!(refused(&[], rs256), KeyFault::NoneUsable("RS256"));
    assert_eq!(refused(&vec![json!({ "kty": "EC" }); KEYS_MAX + 1], rs256), KeyFault::TooMany);
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[{"kty":"RSA","kty":"RSA"}]}"#,
        r#"{"keys":[]} x"#,
    ] {
        let fault = KeySet::from_jwks(text.as_bytes(), rs256).err();
        assert_eq!(fault, Some(KeyFault::NotKeys), "{text}");
    }
    let long = " ".repeat(KEY_FILE_MAX_BYTES + 1);
    assert_eq!(KeySet::from_jwks(long.as_bytes(), rs256).err(), Some(KeyFault::TooLarge));
}

#[test]
fn weak_and_broken_keys_are_refused() {
    let of = |key: TestKey, changes: Value| {
        let algorithm = key.algorithm().parse().unwrap();
        match refused(&[changed(key.jwk("a"), &changes)], algorithm) {
            KeyFault::Key { place: 1, reason } => reason.to_owned(),
            other => other.to_string(),
        }
    };
    assert!(of(TestKey::RsaShort, json!({})).contains("2048"));
    assert!(of(TestKey::RsaA, json!({ "e": "AQ" })).contains("exponent"));
    assert!(of(TestKey::RsaA, json!({ "e": "AAEAAQ" })).contains("leading zeros"));
    let modulus = TestKey::RsaA.jwk("")["n"].as_str().unwrap().to_owned();
    for (changes, says) in [
        (json!({ "n": null }), "base64url"),
        (json!({ "n": 3 }), "base64url"),
        (json!({ "n": format!("{modulus}=") }), "base64url"),
        (json!({ "kid": "" }), "kid"),
        (json!({ "kid": 1 }), "kid"),
        (json!({ "use": 1 }), "use"),
        (json!({ "key_ops": "verify" }), "key_ops"),
        (json!({ "kty": null }), "kty"),
    ] {
        let reason = of(TestKey::RsaA, changes.clone());
        assert!(reason.contains(says), "{changes}: {reason}");
    }
    let x = TestKey::P256.jwk("")["x"].clone();
    assert!(of(TestKey::P256, json!({ "y": x })).contains("no point"));
    assert!(of(TestKey::P256, json!({ "y": "AQAB" })).contains("32 bytes"));
    assert!(of(TestKey::P256, json!({ "crv": "P-384" })).contains("no key"));
    let small_order = URL_SAFE_NO_PAD.encode([0; 32]);
    assert!(of(TestKey::Ed25519, json!({ "x": small_order })).contains("weak"));
    assert!(of(TestKey::Ed25519, json!({ "x": "AQAB" })).contains("32 bytes"));
    assert!(of(TestKey::Ed25519, json!({ "crv": "Ed448" })).contains("no key"));
    for secret in [&SECRET[..0], &SECRET[..31]] {
        assert_eq!(KeySet::secret(secret).err(), Some(KeyFault::ShortSecret));
        let k = URL_SAFE_NO_PAD.encode(secret);
        assert!(of(TestKey::Hmac, json!({ "k": k })).contains("at least 32"));
    }
    KeySet::secret(&SECRET[..32]).unwrap();
}

#[test]
fn a_signature_has_one_length_and_one_spelling() {
    for signer in TestKey::SIGNERS {
        let keys = set(signer, "");
        let token = signer.token("", &json!({ "a": 1 }));
        let (text, signature) = token.rsplit_once('.').unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let longer = [&[0], bytes.as_slice()].concat();
        let trailing = [bytes.as_slice(), &[0]].concat();
        let zeros = vec![0; bytes.len()];
        for wrong in [&longer[..], &trailing, &bytes[1..], &bytes[..bytes.len() - 1], &zeros] {
            let forged = format!("{text}.{}", URL_SAFE_NO_PAD.encode(wrong));
            assert_eq!(keys.open(&forged), Err(TokenFault::Signature), "{signer:?}");
        }
        for ending in ["=", "==", "\n", " ", ".", "\0"] {
            assert_eq!(keys.open(&format!("{token}{ending}")), Err(TokenFault::Malformed));
        }
        assert_eq!(keys.open(&format!("{text}.")), Err(TokenFault::Malformed));
        assert_eq!(keys.open(text), Err(TokenFault::Malformed));
    }
}

fn signer() -> impl Strategy<Value = TestKey> {
    proptest::sample::select(&TestKey::SIGNERS[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_changed_character_is_noticed(signer in signer(), at in any::<prop::sample::Index>(), by in 1_u8..64) {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let token = signer.token("k", &json!({ "sub": "somebody", "exp": 1 }));
        let mut bytes = token.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = match ALPHABET.iter().position(|c| *c == bytes[at]) {
            Some(place) => ALPHABET[(place + usize::from(by)) % 64],
            None => b'A',
        };
        let token = String::from_utf8(bytes).unwrap();
        prop_assert!(set(signer, "k").open(&token).is_err(), "{token}");
    }

    #[test]
    fn a_header_says_nothing_else(signer in signer(), name in "[a-zA-Z0-9]{1,8}", value in prop_oneof![
        Just(json!(true)), Just(json!(["b64"])), Just(json!("https://evil.example")), Just(json!({}))]) {
        prop_assume!(!["alg", "typ", "kid"].contains(&name.as_str()));
        let header = json!({ "alg": signer.algorithm(), name: value });
        let token = signer.token_of(&header.to_string(), "{}");
        prop_assert_eq!(set(signer, "").open(&token), Err(TokenFault::Header));
    }

    #[test]
    fn nothing_stands_twice(signer in signer(), claim in "[a-z]{1,6}", deep in any::<bool>()) {
        let algorithm = signer.algorithm();
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","alg":"{algorithm}"}}"#);
        let token = signer.token_of(&header, "{}");
        prop_assert_eq!(set(signer, "").open(&token), Err(TokenFault::Malformed));
        let mut claims = format!(r#"{{"{claim}":1,"x{claim}":2,"{claim}":1}}"#);
        if deep {
            claims = format!(r#"{{"a":[{{"b":{claims}}}]}}"#);
        }
        let token = signer.token_of(&format!(r#"{{"alg":"{algorithm}"}}"#), &claims);
        let compact = Compact::parse(&token).unwrap();
        prop_assert_eq!(compact.claims(), Err(TokenFault::Malformed));
    }

    #[test]
    fn the_token_does_not_choose(signer in signer(), algorithm in "[A-Za-z0-9]{0,6}") {
        prop_assume!(algorithm != signer.algorithm());
        let token = signer.token_of(&json!({ "alg": algorithm }).to_string(), "{}");
        prop_assert_eq!(set(signer, "").open(&token), Err(TokenFault::Algorithm));
    }

    #[test]
    fn no_text_makes_it_panic(signer in signer(), token in "\\PC*", jwks in "\\PC*") {
        let _ = set(signer, "").open(&token);
        let _ = KeySet::from_jwks(jwks.as_bytes(), signer.algorithm().parse().unwrap());
    }
}
