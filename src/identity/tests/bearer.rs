//! Tokens that must not count: forged by hand, signed with whatever key an attacker could have.

use base::Classification::Internal;
use base::Role::Operator;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use seal::SigningKey;
use serde_json::{Value, json};

use super::*;

const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;

/// An issued token and the means to make others like it.
struct Forge {
    plant: Plant,
    /// A live, recorded token.
    genuine: String,
    /// Its claims.
    claims: Value,
    /// The appliance's own key: what follows from its signature alone is tested with it.
    key: SigningKey,
}

fn own_key(store: &Store) -> SigningKey {
    SigningKey::from_seed(&store.appliance_key("token signing"))
}

fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn sign_with(key: &SigningKey, header: &str, claims: &str) -> String {
    let text = unsigned(header, claims);
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes())))
}

impl Forge {
    async fn new() -> Self {
        let plant = Plant::new().await;
        let anna = plant.add("anna", Operator, Internal).await;
        let ctx = plant.acting_as(anna.id).await;
        let signer = TokenSigner::of_appliance(&plant.store, &plant.tokens);
        let input = TokenInput { lifetime_s: HOUR_MS / 1000, ..TokenInput::default() };
        let issued = token_issue(permit(&ctx), &signer, input).await.unwrap();
        let genuine = issued.reveal().to_owned();
        let body = URL_SAFE_NO_PAD.decode(genuine.split('.').nth(1).unwrap()).unwrap();
        let claims = serde_json::from_slice(&body).unwrap();
        let key = own_key(&plant.store);
        drop(ctx);
        Self { plant, genuine, claims, key }
    }

    /// The genuine claims with changes (`null` removes), signed by the appliance's own key.
    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    fn signed(&self, changes: Value) -> String {
        let mut claims = self.claims.as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        sign_with(&self.key, HEADER, &Value::Object(claims).to_string())
    }

    async fn fault_by(&self, verifier: &TokenVerifier, token: &str) -> Option<TokenFault> {
        match authenticate_bearer(&self.plant.store, verifier, token).await {
            Ok(_) => None,
            Err(IdentityError::TokenRefused(fault)) => Some(fault),
            Err(other) => panic!("{other}"),
        }
    }

    async fn fault(&self, token: &str) -> Option<TokenFault> {
        let verifier = TokenVerifier::of_appliance(&self.plant.store, &self.plant.tokens);
        self.fault_by(&verifier, token).await
    }
}

#[tokio::test]
async fn claims_that_are_wrong_missing_or_of_another_type_are_refused() {
    let forge = Forge::new().await;
    assert_eq!(forge.fault(&forge.genuine).await, None);
    let now_s = forge.plant.store.now().unix_s();
    let foreign = forge.plant.new_tenant("kestrel").await;
    for (changes, expected) in [
        (json!({ "iss": "somebody" }), TokenFault::Issuer),
        (json!({ "iss": "Millwright" }), TokenFault::Issuer),
        (json!({ "iss": null }), TokenFault::Claim("iss")),
        (json!({ "iss": ["millwright"] }), TokenFault::Claim("iss")),
        (json!({ "aud": "another-api" }), TokenFault::Audience),
        (json!({ "aud": null }), TokenFault::Audience),
        (json!({ "aud": [] }), TokenFault::Audience),
        (json!({ "aud": ["millwright-api", 1] }), TokenFault::Audience),
        (json!({ "sub": null }), TokenFault::Claim("sub")),
        (json!({ "sub": "anna" }), TokenFault::Claim("sub")),
        (json!({ "tenant_id": null }), TokenFault::Claim("tenant_id")),
        (json!({ "tenant_id": "rauental" }), TokenFault::Claim("tenant_id")),
        (json!({ "role": null }), TokenFault::Claim("role")),
        (json!({ "role": "root" }), TokenFault::Claim("role")),
        (json!({ "role": "Admin" }), TokenFault::Claim("role")),
        (json!({ "jti": null }), TokenFault::Claim("jti")),
        (json!({ "exp": null }), TokenFault::Claim("exp")),
        (json!({ "exp": "9999999999" }), TokenFault::Claim("exp")),
        (json!({ "exp": 1e12 }), TokenFault::Claim("exp")),
        (json!({ "exp": -1 }), TokenFault::Claim("exp")),
        (json!({ "iat": null }), TokenFault::Claim("iat")),
        (json!({ "iat": true }), TokenFault::Claim("iat")),
        (json!({ "iat": now_s - 9, "exp": now_s - 9 }), TokenFault::Claim("exp")),
        (json!({ "nbf": "now" }), TokenFault::Claim("nbf")),
        (json!({ "exp": now_s - 30 }), TokenFault::Expired),
        (json!({ "exp": 0 }), TokenFault::Expired),
        (json!({ "iat": now_s + 31 }), TokenFault::NotYetValid),
        (json!({ "nbf": now_s + 31 }), TokenFault::NotYetValid),
        (json!({ "nbf": i64::MAX }), TokenFault::Claim("nbf")),
        (json!({ "exp": 253_402_300_800_i64 }), TokenFault::Claim("exp")),
        (json!({ "exp": 1_800_000_000.5 }), TokenFault::Claim("exp")),
        // Signed by the right key, and yet never issued: the record decides.
        (json!({ "role": "admin" }), TokenFault::NotRecorded),
        (json!({ "exp": now_s + 999_999 }), TokenFault::NotRecorded),
        (json!({ "tenant_id": foreign }), TokenFault::NotRecorded),
        (json!({ "tenant_id": TenantId::from_bytes([3; 16]) }), TokenFault::NotRecorded),
        (json!({ "sub": UserId::from_bytes([3; 16]) }), TokenFault::NotRecorded),
        (json!({ "jti": UserId::from_bytes([3; 16]) }), TokenFault::NotRecorded),
        (json!({ "extra": "unknown claims are ignored" }), TokenFault::NotRecorded),
    ] {
        let token = forge.signed(changes.clone());
        assert_eq!(forge.fault(&token).await, Some(expected), "{changes}");
    }
}

#[tokio::test]
async fn keys_and_algorithms_are_the_issuers_alone() {
    let forge = Forge::new().await;
    let claims = forge.claims.to_string();
    let public = *forge.key.verifying_key().as_bytes();
    let hmac = |header: &str, secret: &[u8]| {
        let text = unsigned(header, &claims);
        let key = EncodingKey::from_secret(secret);
        let tag = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{text}.{tag}")
    };
    let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
    let none = unsigned(r#"{"alg":"none"}"#, &claims);
    let stranger = SigningKey::from_seed(&forge.plant.store.appliance_key("something else"));
    let (head, signature) = forge.genuine.rsplit_once('.').unwrap();
    let zeros = URL_SAFE_NO_PAD.encode([0_u8; 64]);
    for (what, token, expected) in [
        ("alg none, no signature", format!("{none}."), TokenFault::Malformed),
        ("alg none, genuine signature", format!("{none}.{signature}"), TokenFault::Algorithm),
        ("HS256 with the public key", hmac(hs256, &public), TokenFault::Algorithm),
        (
            "HS256 with the public key in hex",
            hmac(hs256, format!("{:?}", forge.key.verifying_key()).as_bytes()),
            TokenFault::Algorithm,
        ),
        ("HS256 that says EdDSA", hmac(HEADER, &public), TokenFault::Signature),
        (
            "another spelling of the algorithm",
            sign_with(&forge.key, r#"{"alg":"eddsa"}"#, &claims),
            TokenFault::Algorithm,
        ),
        (
            "the empty algorithm",
            sign_with(&forge.key, r#"{"alg":""}"#, &claims),
            TokenFault::Algorithm,
        ),
        ("a stranger's key", sign_with(&stranger, HEADER, &claims), TokenFault::Signature),
        ("no signature", format!("{head}."), TokenFault::Malformed),
        ("a signature of zeros", format!("{head}.{zeros}"), TokenFault::Signature),
        ("half a signature", format!("{head}.{}", &zeros[..42]), TokenFault::Signature),
    ] {
        assert_eq!(forge.fault(&token).await, Some(expected), "{what}");
    }
}

#[tokio::test]
async fn headers_that_lead_elsewhere_and_duplicates_are_refused() {
    let forge = Forge::new().await;
    let claims = forge.claims.to_string();
    for header in [
        r#"{"alg":"EdDSA","crit":["exp"]}"#,
        r#"{"alg":"EdDSA","jku":"https://127.0.0.1/jwks"}"#,
        r#"{"alg":"EdDSA","x5u":"https://127.0.0.1/cert"}"#,
        r#"{"alg":"EdDSA","jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt"}"#,
        r#"{"typ":"JWT"}"#,
    ] {
        let token = sign_with(&forge.key, header, &claims);
        assert_eq!(forge.fault(&token).await, Some(TokenFault::Header), "{header}");
    }
    let twice = claims.replacen('{', r#"{"role":"admin","#, 1);
    let nested = claims.replacen('{', r#"{"x":{"y":1,"y":2},"#, 1);
    for claims in [twice, nested] {
        let token = sign_with(&forge.key, HEADER, &claims);
        assert_eq!(forge.fault(&token).await, Some(TokenFault::Malformed), "{claims}");
    }
}

#[tokio::test]
async fn a_token_that_is_altered_anywhere_or_huge_is_refused() {
    let forge = Forge::new().await;
    let verifier = TokenVerifier::of_appliance(&forge.plant.store, &forge.plant.tokens);
    let mut altered = 0;
    for at in 0..forge.genuine.len() {
        let mut bytes = forge.genuine.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(bytes).unwrap();
        let fault = forge.fault_by(&verifier, &token).await;
        assert!(fault.is_some_and(|f| f != TokenFault::NotRecorded), "{at} {fault:?}");
        altered += 1;
    }
    assert!(altered > 300, "{altered}");
    for length in 0..forge.genuine.len() {
        assert!(forge.fault_by(&verifier, &forge.genuine[..length]).await.is_some(), "{length}");
    }
    let huge = forge.signed(json!({ "extra": "x".repeat(TOKEN_MAX_BYTES) }));
    assert_eq!(forge.fault(&huge).await, Some(TokenFault::TooLong));
    for token in ["", ".", "..", "a.b.c", "Bearer x", "\0", "é.é.é"] {
        assert_eq!(forge.fault(token).await, Some(TokenFault::Malformed), "{token:?}");
    }
    assert_eq!(forge.fault(&forge.genuine).await, None);
}

#[tokio::test]
async fn a_bound_issuer_speaks_for_its_tenant_alone_and_an_unknown_one_for_nobody() {
    let forge = Forge::new().await;
    let (tenant, settings) = (forge.plant.tenant, &forge.plant.tokens);
    let foreign = forge.plant.new_tenant("kestrel").await;
    let key = forge.key.verifying_key();
    let bound = |binding| {
        let issuer = Issuer::ed25519(&settings.issuer, &settings.audience, binding, &key);
        TokenVerifier::new(vec![issuer], settings.skew_s)
    };
    let genuine = &forge.genuine;
    assert_eq!(forge.fault_by(&bound(TenantBinding::Only(tenant)), genuine).await, None);
    assert_eq!(
        forge.fault_by(&bound(TenantBinding::Only(foreign)), genuine).await,
        Some(TokenFault::Tenant)
    );
    let nobody = TokenVerifier::new(Vec::new(), settings.skew_s);
    assert_eq!(forge.fault_by(&nobody, genuine).await, Some(TokenFault::Issuer));
    // The clocks of two machines may differ by half a minute, not by more.
    let now_s = forge.plant.store.now().unix_s();
    let ahead = forge.signed(json!({ "iat": now_s + 30 }));
    assert_eq!(forge.fault(&ahead).await, Some(TokenFault::NotRecorded));
}
