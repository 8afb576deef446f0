//! Tokens of other issuers.

use std::path::PathBuf;

use base::Classification::{Confidential, Internal};
use base::Role::{Admin, Operator, Viewer};
use serde_json::{Value, json};

use super::keys::{SECRET, TestKey, jwks};
use super::*;

const URL: &str = "https://sso.plant.example";

/// The plant's own sign-on.
pub(super) struct Foreign {
    key: TestKey,
    tenant_slug: &'static str,
    file: PathBuf,
    dir: tempfile::TempDir,
}

impl Foreign {
    pub(super) fn new(plant: &Plant) -> Self {
        Self::with(plant, TestKey::RsaA)
    }

    /// Some time after whoever is there chose a password: what it signs then is no token of before.
    fn with(plant: &Plant, key: TestKey) -> Self {
        plant.clock.advance_ms(3 * HOUR_MS);
        let dir = tempfile::tempdir().unwrap();
        let foreign = Self { key, tenant_slug: "rauental", file: dir.path().join("keys"), dir };
        match key {
            TestKey::Hmac => foreign.write(std::str::from_utf8(SECRET).unwrap()),
            key => foreign.write(&jwks(&[key.jwk("one")])),
        }
        foreign
    }

    fn write(&self, content: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(&self.file, content).unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&self.file, mode).unwrap();
    }

    fn settings(&self) -> FederationSettings {
        FederationSettings {
            issuer: URL.into(),
            audience: "millwright-api".into(),
            algorithm: self.key.algorithm().parse().unwrap(),
            key_file: self.file.clone(),
            skew_s: 30,
            max_lifetime_s: 3600,
        }
    }

    fn open(&self, plant: &Plant) -> Result<ExternalIssuer, KeyFileError> {
        let name = "plant-sso".parse().unwrap();
        let key = plant.store.federation_key(&plant.operator, name, self.tenant_slug);
        ExternalIssuer::open(self.settings(), key, plant.store.now())
    }

    pub(super) fn verifier(&self, plant: &Plant) -> TokenVerifier {
        plant.verifier().trusting(vec![self.open(plant).unwrap()])
    }

    fn claims(&self, plant: &Plant, user: UserId, changes: &Value) -> Value {
        let now_s = plant.store.now().unix_s();
        let mut claims = json!({
            "iss": URL, "aud": "millwright-api", "sub": user, "tenant_id": plant.tenant,
            "role": "admin", "iat": now_s, "exp": now_s + 3600,
        });
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        claims
    }

    /// What it signs for `user`, with changes (`null` removes).
    pub(super) fn token(&self, plant: &Plant, user: UserId, changes: &Value) -> String {
        self.key.token("one", &self.claims(plant, user, changes))
    }
}

async fn fault_by(plant: &Plant, verifier: &TokenVerifier, token: &str) -> Option<TokenFault> {
    match authenticate_bearer(&plant.store, verifier, token).await {
        Ok(_) => None,
        Err(IdentityError::TokenRefused(fault)) => Some(fault),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_token_of_each_algorithm_acts_for_its_person_with_their_own_role_at_most() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Confidential).await;
    for key in TestKey::SIGNERS {
        let sso = Foreign::with(&plant, key);
        let verifier = sso.verifier(&plant);
        for (role, expected) in [("viewer", Viewer), ("operator", Operator), ("admin", Operator)] {
            let token = sso.token(&plant, anna.id, &json!({ "role": role, "jti": "x-1" }));
            let ctx = plant.bearer_by(&verifier, &token).await.unwrap();
            assert_eq!(ctx.user_id(), Some(anna.id), "{key:?}");
            assert_eq!(ctx.actor(), base::Actor::User(anna.id));
            assert_eq!(ctx.rights().role, expected, "{key:?} {role}");
            assert_eq!(ctx.rights().clearance, Confidential);
            assert_eq!(ctx.issuer().unwrap().as_str(), "plant-sso");
        }
        // The appliance's own go on beside them; another issuer's name is nobody's.
        let ctx = plant.acting_as(anna.id).await;
        let input = TokenInput { lifetime_s: 60, ..TokenInput::default() };
        let own = token_issue(permit(&ctx), &plant.signer(), input).await.unwrap();
        assert_eq!(fault_by(&plant, &verifier, own.reveal()).await, None);
        let alien = sso.token(&plant, anna.id, &json!({ "iss": "https://sso.other.example" }));
        assert_eq!(fault_by(&plant, &verifier, &alien).await, Some(TokenFault::Issuer));
    }
}

#[tokio::test]
async fn claims_that_are_wrong_missing_or_of_another_type_are_refused() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let sso = Foreign::new(&plant);
    let verifier = sso.verifier(&plant);
    let now = plant.store.now().unix_s();
    let claim = TokenFault::Claim;
    for (changes, expected) in [
        (json!({}), None),
        (json!({ "iat": null }), None),
        (json!({ "nbf": now + 30, "iat": now + 30 }), None),
        (json!({ "exp": now - 29, "iat": now - 60 }), None),
        (json!({ "aud": ["other", "millwright-api"], "unknown": { "a": [1] } }), None),
        (json!({ "iss": null }), Some(claim("iss"))),
        (json!({ "aud": null }), Some(TokenFault::Audience)),
        (json!({ "aud": "another-api" }), Some(TokenFault::Audience)),
        (json!({ "sub": null }), Some(claim("sub"))),
        (json!({ "sub": "anna" }), Some(claim("sub"))),
        (json!({ "sub": 7 }), Some(claim("sub"))),
        (json!({ "tenant_id": null }), Some(claim("tenant_id"))),
        (json!({ "tenant_id": "rauental" }), Some(claim("tenant_id"))),
        (json!({ "role": null }), Some(claim("role"))),
        (json!({ "role": "root" }), Some(claim("role"))),
        (json!({ "role": ["admin"] }), Some(claim("role"))),
        (json!({ "exp": null }), Some(claim("exp"))),
        (json!({ "exp": (now + 60).to_string() }), Some(claim("exp"))),
        (json!({ "exp": 1.5e9 }), Some(claim("exp"))),
        (json!({ "exp": -1 }), Some(claim("exp"))),
        (json!({ "exp": u64::MAX }), Some(claim("exp"))),
        (json!({ "exp": 253_402_300_800_i64 }), Some(claim("exp"))),
        (json!({ "iat": "0" }), Some(claim("iat"))),
        (json!({ "iat": now + 3600 }), Some(TokenFault::NotYetValid)),
        (json!({ "iat": now + 20, "exp": now + 20 }), Some(claim("exp"))),
        (json!({ "nbf": true }), Some(claim("nbf"))),
        (json!({ "nbf": now + 31 }), Some(TokenFault::NotYetValid)),
        (json!({ "nbf": now + 20, "exp": now + 10 }), Some(claim("nbf"))),
        (json!({ "jti": "" }), Some(claim("jti"))),
        (json!({ "jti": 1 }), Some(claim("jti"))),
        (json!({ "jti": "x".repeat(257) }), Some(claim("jti"))),
        (json!({ "exp": now - 30, "iat": now - 60 }), Some(TokenFault::Expired)),
        (json!({ "exp": now + 3601 }), Some(TokenFault::Lifetime)),
        (json!({ "iat": null, "exp": now + 3631 }), Some(TokenFault::Lifetime)),
        (json!({ "iat": 0 }), Some(TokenFault::Lifetime)),
    ] {
        let token = sso.token(&plant, anna.id, &changes);
        assert_eq!(fault_by(&plant, &verifier, &token).await, expected, "{changes}");
    }
}

#[tokio::test]
async fn an_issuer_opens_its_own_tenant_alone_and_only_for_people_who_are_there() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let foreign = plant.new_tenant("kestrel").await;
    let eve = plant.add_to(foreign, "eve", Admin, Internal).await;
    let sso = Foreign::new(&plant);
    let verifier = sso.verifier(&plant);
    let token =
        |user: UserId, tenant: TenantId| sso.token(&plant, user, &json!({ "tenant_id": tenant }));
    for (what, token, expected) in [
        ("their own", token(anna.id, plant.tenant), None),
        ("another tenant", token(eve.id, foreign), Some(TokenFault::Tenant)),
        ("one's own id there", token(anna.id, foreign), Some(TokenFault::Tenant)),
        ("no tenant", token(anna.id, TenantId::from_bytes([3; 16])), Some(TokenFault::Tenant)),
        ("nobody", token(eve.id, plant.tenant), Some(TokenFault::NotRecorded)),
    ] {
        assert_eq!(fault_by(&plant, &verifier, &token).await, expected, "{what}");
    }
    // The key of the tenant is what counts in the store too.
    let name = "plant-sso".parse().unwrap();
    let key = plant.store.federation_key(&plant.operator, name, "rauental");
    let claim = store::FederatedClaim {
        tenant_id: foreign,
        user_id: eve.id,
        role: Admin,
        issued_at: plant.store.now(),
    };
    assert!(plant.store.scope_from_federation(&key, claim).await.is_err());
    // An issuer for a tenant that is not there opens nothing.
    let lost = Foreign { tenant_slug: "nowhere", ..Foreign::new(&plant) };
    let lost = lost.verifier(&plant);
    let fault = fault_by(&plant, &lost, &token(anna.id, plant.tenant)).await;
    assert_eq!(fault, Some(TokenFault::Tenant));

    let console = plant.console().await;
    let disabled = UserChange { status: Some(UserStatus::Disabled), ..UserChange::default() };
    user_change(permit(&console), anna.id, disabled).await.unwrap();
    plant.clock.advance_ms(120_000);
    let token = token(anna.id, plant.tenant);
    assert_eq!(fault_by(&plant, &verifier, &token).await, Some(TokenFault::NotRecorded));
}

#[tokio::test]
async fn nothing_but_the_issuers_own_key_and_algorithm_counts() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let sso = Foreign::new(&plant);
    let verifier = sso.verifier(&plant);
    let claims = sso.claims(&plant, anna.id, &json!({}));
    let text = claims.to_string();
    let of = |header: &str| TestKey::RsaA.token_of(header, &text);
    for (what, token, expected) in [
        ("another key", TestKey::RsaB.token("one", &claims), TokenFault::Signature),
        ("another name", TestKey::RsaA.token("two", &claims), TokenFault::Key),
        ("HMAC", TestKey::Hmac.token("one", &claims), TokenFault::Algorithm),
        ("Ed25519", TestKey::Ed25519.token("one", &claims), TokenFault::Algorithm),
        ("RS512", of(r#"{"alg":"RS512"}"#), TokenFault::Algorithm),
        ("none", of(r#"{"alg":"none"}"#), TokenFault::Algorithm),
        ("crit", of(r#"{"alg":"RS256","crit":["exp"]}"#), TokenFault::Header),
        ("jku", of(r#"{"alg":"RS256","jku":"https://evil.example"}"#), TokenFault::Header),
        ("jwk", of(r#"{"alg":"RS256","jwk":{}}"#), TokenFault::Header),
        ("x5u", of(r#"{"alg":"RS256","x5u":"https://evil.example"}"#), TokenFault::Header),
        ("x5c", of(r#"{"alg":"RS256","x5c":[]}"#), TokenFault::Header),
        ("nested", of(r#"{"alg":"RS256","cty":"JWT"}"#), TokenFault::Header),
        ("another type", of(r#"{"alg":"RS256","typ":"at+jwt"}"#), TokenFault::Header),
        ("alg twice", of(r#"{"alg":"RS256","alg":"RS256"}"#), TokenFault::Malformed),
        (
            "sub twice",
            {
                let twice = text.replacen('{', r#"{"role":"admin","#, 1);
                TestKey::RsaA.token_of(r#"{"alg":"RS256"}"#, &twice)
            },
            TokenFault::Malformed,
        ),
        (
            "a token in it",
            {
                let inner = TestKey::RsaA.token("one", &claims);
                TestKey::RsaA.token_of(r#"{"alg":"RS256"}"#, &inner)
            },
            TokenFault::Malformed,
        ),
        (
            "huge",
            {
                let huge = json!({ "x": "y".repeat(TOKEN_MAX_BYTES) });
                TestKey::RsaA.token("one", &huge)
            },
            TokenFault::TooLong,
        ),
    ] {
        assert_eq!(fault_by(&plant, &verifier, &token).await, Some(expected), "{what}");
    }
    // Nor can the other issuer speak in the appliance's own name, or the appliance in its.
    let own_name = sso.claims(&plant, anna.id, &json!({ "iss": "millwright" }));
    let fault = fault_by(&plant, &verifier, &TestKey::RsaA.token("", &own_name)).await;
    assert_eq!(fault, Some(TokenFault::Algorithm));
}

#[tokio::test]
async fn keys_are_read_anew_and_a_damaged_file_ends_the_old_ones() {
    // Just written, and written so long ago that its times are believed.
    for days in [0, 1000] {
        let plant = Plant::new().await;
        plant.clock.advance_ms(days * 24 * HOUR_MS);
        follow_the_file(&plant).await;
    }
}

async fn follow_the_file(plant: &Plant) {
    let anna = plant.add("anna", Operator, Internal).await;
    let sso = Foreign::new(plant);
    let verifier = sso.verifier(plant);
    let claims = sso.claims(plant, anna.id, &json!({}));
    let (old, new) = (TestKey::RsaA.token("one", &claims), TestKey::RsaB.token("two", &claims));
    let check = async |old_fault, new_fault, what: &str| {
        assert_eq!(fault_by(plant, &verifier, &old).await, old_fault, "{what}");
        assert_eq!(fault_by(plant, &verifier, &new).await, new_fault, "{what}");
    };
    check(None, Some(TokenFault::Key), "as opened").await;
    sso.write(&jwks(&[TestKey::RsaA.jwk("one"), TestKey::RsaB.jwk("two")]));
    check(None, None, "both").await;
    sso.write(&jwks(&[TestKey::RsaB.jwk("two")]));
    check(Some(TokenFault::Key), None, "the old one taken out").await;
    for wrong in ["{", "", r#"{"keys":[]}"#, &jwks(&[TestKey::RsaShort.jwk("one")])] {
        sso.write(wrong);
        check(Some(TokenFault::Keys), Some(TokenFault::Keys), wrong).await;
    }
    std::fs::remove_file(&sso.file).unwrap();
    check(Some(TokenFault::Keys), Some(TokenFault::Keys), "gone").await;
    std::fs::create_dir(&sso.file).unwrap();
    check(Some(TokenFault::Keys), Some(TokenFault::Keys), "a directory").await;
    std::fs::remove_dir(&sso.file).unwrap();
    sso.write(&jwks(&[TestKey::RsaA.jwk("one")]));
    check(None, Some(TokenFault::Key), "mended").await;
    // A file that takes another's place, as careful writers do it.
    let beside = sso.dir.path().join("beside");
    std::fs::write(&beside, jwks(&[TestKey::RsaB.jwk("two")])).unwrap();
    std::fs::rename(&beside, &sso.file).unwrap();
    check(Some(TokenFault::Key), None, "replaced").await;
}

#[tokio::test]
async fn a_secret_is_long_and_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let sso = Foreign::with(&plant, TestKey::Hmac);
    let verifier = sso.verifier(&plant);
    let token = sso.token(&plant, anna.id, &json!({}));
    assert_eq!(fault_by(&plant, &verifier, &token).await, None);
    let text = std::str::from_utf8(SECRET).unwrap();
    sso.write(&format!("{text}\n"));
    assert_eq!(fault_by(&plant, &verifier, &token).await, None, "a line end is no part of it");
    for mode in [0o640, 0o604, 0o660] {
        let open = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&sso.file, open).unwrap();
        assert_eq!(fault_by(&plant, &verifier, &token).await, Some(TokenFault::Keys), "{mode:o}");
        let error = sso.open(&plant).err().unwrap().to_string();
        assert!(error.contains("0600"), "{error}");
    }
    sso.write(&text[..31]);
    assert!(sso.open(&plant).err().unwrap().to_string().contains("at least 32"));
    let missing = Foreign { file: sso.dir.path().join("missing"), ..Foreign::new(&plant) };
    assert!(matches!(missing.open(&plant), Err(KeyFileError::Read { .. })));
}

#[tokio::test]
async fn what_is_done_under_another_issuers_token_says_so_in_the_log_and_gives_birth_to_none() {
    let plant = Plant::new().await;
    let anna = plant.add("anna", Operator, Internal).await;
    let sso = Foreign::new(&plant);
    let token = sso.token(&plant, anna.id, &json!({}));
    let ctx = plant.bearer_by(&sso.verifier(&plant), &token).await.unwrap();
    let change = ProfileChange { language: Language::parse("cs").ok(), ..ProfileChange::default() };
    profile_change(permit(&ctx), change).await.unwrap();
    let entry = plant.recorded("profile.changed").await.pop().unwrap();
    assert_eq!(entry.actor, format!("user:{}", anna.id));
    assert_eq!(entry.detail.unwrap()["issuer"], "plant-sso");
    for refresh in [None, Some(RefreshSettings::default())] {
        let input = TokenInput { lifetime_s: 3600, refresh, ..TokenInput::default() };
        let issued = token_issue(permit(&ctx), &plant.signer(), input).await;
        assert_eq!(code(issued), "own_sign_in_required");
    }
    // Nobody else's entries say so.
    let own = plant.acting_as(anna.id).await;
    profile_change(permit(&own), ProfileChange::default()).await.unwrap();
    let entry = plant.recorded("profile.changed").await.pop().unwrap();
    assert!(entry.detail.unwrap().get("issuer").is_none());
}
