//! Runs files of test vectors against the product's own reading of signed tokens, and prints what it
//! decided. Not shipped.
//!
//! The files have the shape of Project Wycheproof's `json_web_signature_test.json` and
//! `json_web_key_test.json`: `testGroups`, each with a key or a set of keys as JWK (under `public`,
//! else `private`, `key`, `jwk`, `jwks` …) and `tests` with `tcId`, `jws` and perhaps `result`. How a
//! file is shaped is read generously; what is decided is [`identity::KeySet::open`], as for every
//! token that an issuer signs: one algorithm, which the keys say and the token does not, the rules for
//! headers, and the signature. With `--claims` the claims are checked too, as for another issuer's
//! token; `iss`, `aud` and the time are then what the options say, or the group's `issuer`, `audience`
//! and `now`.
//!
//! One line a case on standard output: `tcId`, a tab, `accept` or `refuse`, and after another tab why.
//! Lines that begin with `#` sum up. Exit status 0 when every file could be read, whatever it holds.

use std::io::{self, Write};
use std::process::ExitCode;

use base::{Clock as _, SystemClock, Timestamp};
use identity::{ClaimRules, JoseAlgorithm, KeySet};
use serde_json::{Map, Value};

/// Where a group, or a test of its own, may keep its keys; public ones first.
const KEY_MEMBERS: [&str; 12] = [
    "public",
    "publicKeyJwk",
    "publicKey",
    "jwk",
    "jwks",
    "key",
    "keys",
    "private",
    "privateKeyJwk",
    "privateKey",
    "secret",
    "keyset",
];

/// Where a test may keep its token.
const TOKEN_MEMBERS: [&str; 5] = ["jws", "jwt", "token", "compact", "input"];

/// What only the signer of an asymmetric signature knows; vectors have it beside the public half.
const PRIVATE_MEMBERS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

const USAGE: &str =
    "usage: jose-vectors [--claims] [--issuer TEXT] [--audience TEXT] [--now UNIX_S]
                    [--skew S] [--max-lifetime S] FILE...
";

#[derive(Default)]
struct Options {
    files: Vec<String>,
    claims: bool,
    issuer: Option<String>,
    audience: Option<String>,
    now_s: Option<i64>,
    skew_s: i64,
    max_lifetime_s: Option<i64>,
}

#[derive(Default)]
struct Counts {
    accepted: usize,
    refused: usize,
    unsupported: usize,
    judged: usize,
    differing: Vec<String>,
}

fn main() -> ExitCode {
    let Some(options) = options(std::env::args().skip(1)) else {
        let _ = io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    let mut counts = Counts::default();
    for file in &options.files {
        let bytes = std::fs::read(file).map_err(|e| e.to_string());
        let document = bytes.and_then(|b| serde_json::from_slice(&b).map_err(|e| e.to_string()));
        let done = match document {
            Ok(document) => run(&document, &options, &mut counts).map_err(|e| e.to_string()),
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            let _ = writeln!(io::stderr(), "{file}: {error}");
            return ExitCode::from(2);
        }
    }
    match summary(&counts) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn options(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { skew_s: 30, ..Options::default() };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--claims" => options.claims = true,
            "--issuer" => options.issuer = Some(words.next()?),
            "--audience" => options.audience = Some(words.next()?),
            "--now" => options.now_s = Some(words.next()?.parse().ok()?),
            "--skew" => options.skew_s = words.next()?.parse().ok()?,
            "--max-lifetime" => options.max_lifetime_s = Some(words.next()?.parse().ok()?),
            _ if word.starts_with("--") => return None,
            _ => options.files.push(word),
        }
    }
    (!options.files.is_empty()).then_some(options)
}

fn run(document: &Value, options: &Options, counts: &mut Counts) -> io::Result<()> {
    let mut out = io::stdout().lock();
    // A file may also be one group, or a list of groups.
    let groups = match document.get("testGroups").unwrap_or(document) {
        Value::Array(groups) => groups.as_slice(),
        group => std::slice::from_ref(group),
    };
    let mut number = 0;
    for group in groups {
        for test in group.get("tests").and_then(Value::as_array).into_iter().flatten() {
            number += 1;
            let id = match test.get("tcId") {
                Some(Value::String(id)) => id.clone(),
                Some(Value::Number(id)) => id.to_string(),
                _ => number.to_string(),
            };
            let decided = decide(group, test, options);
            match &decided {
                Ok(()) => writeln!(out, "{id}\taccept")?,
                Err(reason) => writeln!(out, "{id}\trefuse\t{reason}")?,
            }
            count(counts, &id, test, &decided);
        }
    }
    Ok(())
}

fn count(counts: &mut Counts, id: &str, test: &Value, decided: &Result<(), String>) {
    match decided {
        Ok(()) => counts.accepted += 1,
        Err(_) => counts.refused += 1,
    }
    let unsupported = matches!(decided, Err(reason) if reason.starts_with(UNSUPPORTED));
    counts.unsupported += usize::from(unsupported);
    let expected = match test.get("result").and_then(Value::as_str) {
        Some("valid" | "accept") => true,
        Some("invalid" | "refuse" | "reject") => false,
        _ => return,
    };
    counts.judged += 1;
    if expected != decided.is_ok() && !unsupported {
        counts.differing.push(id.to_owned());
    }
}

const UNSUPPORTED: &str = "unsupported";

fn decide(group: &Value, test: &Value, options: &Options) -> Result<(), String> {
    let token = TOKEN_MEMBERS.iter().find_map(|name| test.get(*name));
    let Some(Value::String(token)) = token else {
        return Err("not a token in compact form".to_owned());
    };
    let own = KEY_MEMBERS.iter().find_map(|name| test.get(*name));
    let of_group = || KEY_MEMBERS.iter().find_map(|name| group.get(*name));
    let keys = key_set(own.or_else(of_group).ok_or("no key")?)?;
    let payload = keys.open(token).map_err(|fault| fault.to_string())?;
    if !options.claims {
        return Ok(());
    }
    let text = |option: &Option<String>, name: &str| {
        let told = [test, group].into_iter().find_map(|value| value.get(name)?.as_str());
        option.clone().or_else(|| told.map(str::to_owned))
    };
    let (issuer, audience) = (text(&options.issuer, "issuer"), text(&options.audience, "audience"));
    let told = [test, group].into_iter().find_map(|value| value.get("now")?.as_i64());
    let now = match options.now_s.or(told) {
        Some(seconds) => Timestamp::from_unix_ms(seconds.saturating_mul(1000)),
        None => SystemClock.now(),
    };
    let rules = ClaimRules {
        issuer: issuer.as_deref(),
        audience: audience.as_deref(),
        now,
        skew_s: options.skew_s,
        max_lifetime_s: options.max_lifetime_s.unwrap_or(3_600),
    };
    rules.check(&payload).map_err(|fault| fault.to_string())
}

/// The keys of a group, for the algorithm that they themselves are for.
fn key_set(value: &Value) -> Result<KeySet, String> {
    let mut list: Vec<Value> = match value {
        Value::Object(members) => match members.get("keys") {
            Some(Value::Array(keys)) => keys.clone(),
            _ => vec![value.clone()],
        },
        Value::Array(keys) => keys.clone(),
        _ => return Err("the key is not a JWK".to_owned()),
    };
    for jwk in list.iter_mut().filter_map(Value::as_object_mut) {
        if jwk.get("kty").and_then(Value::as_str) != Some("oct") {
            PRIVATE_MEMBERS.iter().for_each(|name| drop(jwk.remove(*name)));
        }
    }
    let first = list.first().and_then(Value::as_object).ok_or("no key")?;
    let algorithm = algorithm_of(first)?;
    let document = Value::Object(Map::from_iter([("keys".to_owned(), Value::Array(list))]));
    let keys = KeySet::from_jwks(document.to_string().as_bytes(), algorithm);
    keys.map_err(|fault| format!("keys: {fault}"))
}

/// What a key says that it is for; where it says nothing, what its type is used for here.
fn algorithm_of(jwk: &Map<String, Value>) -> Result<JoseAlgorithm, String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    match (text("alg"), text("kty"), text("crv")) {
        (Some(named), ..) => named.parse().map_err(|error| format!("{UNSUPPORTED}: {error}")),
        (None, Some("RSA"), _) => Ok(JoseAlgorithm::Rs256),
        (None, Some("EC"), Some("P-256")) => Ok(JoseAlgorithm::Es256),
        (None, Some("OKP"), Some("Ed25519")) => Ok(JoseAlgorithm::EdDsa),
        (None, Some("oct"), _) => Ok(JoseAlgorithm::Hs256),
        (None, kind, curve) => Err(format!("{UNSUPPORTED}: a key of {kind:?}, {curve:?}")),
    }
}

fn summary(counts: &Counts) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "# {} cases: {} accepted, {} refused ({} of them for an algorithm that is not supported)",
        counts.accepted + counts.refused,
        counts.accepted,
        counts.refused,
        counts.unsupported
    )?;
    let differing =
        if counts.differing.is_empty() { "none".to_owned() } else { counts.differing.join(" ") };
    writeln!(
        out,
        "# {} cases say what they expect; decided otherwise, apart from those algorithms: {differing}",
        counts.judged
    )
}
