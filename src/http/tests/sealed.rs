//! A sealed appliance, and what of keys only the machine itself may do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use base::{OsEntropy, SystemClock};
use http_body_util::BodyExt as _;
use seal::KeyOrigin;
use serde_json::{Value, json};
use store::{Start, Store, StoreOptions, StoreSettings};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::support::{Reply, World};
use crate::call::{AtConsole, PeerAddress};
use crate::sealed::{SealedGate, Unsealing, sealed_router};
use crate::{Access, Method, routes};

const WORDS: &str = "correct horse battery";
const KEYS: &str = "/api/v1/appliance/keys";

/// An appliance that was put under a passphrase and shares, and closed.
struct Sealed {
    _dir: tempfile::TempDir,
    router: Router,
    shares: Vec<String>,
    openings: Option<mpsc::Receiver<Unsealing>>,
    gate: Arc<SealedGate>,
}

impl Sealed {
    async fn new() -> Self {
        let world = World::new();
        let set = json!({ "passphrase": WORDS });
        world.operator(Method::Put, &format!("{KEYS}/passphrase"), set).await.expect(204);
        let asked = json!({ "threshold": 2, "count": 3 });
        let made = world.operator(Method::Post, &format!("{KEYS}/shares"), asked).await.expect(200);
        let made = made.json();
        let texts = made["shares"].as_array().unwrap().iter();
        let shares = texts.map(|text| text.as_str().unwrap().to_owned()).collect();
        world.state.store.close().await;
        let World { dir, state, router, console, key } = world;
        drop((state, router, console, key));
        let options = StoreOptions {
            data_dir: dir.path().join("data"),
            key_credential: None,
            key_file: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let Start::Sealed(store) = Store::start(options).unwrap() else { panic!("not sealed") };
        let (gate, openings) = SealedGate::new(*store);
        let router = sealed_router(Arc::clone(&gate));
        Self { _dir: dir, router, shares, openings: Some(openings), gate }
    }

    async fn send(&self, mut request: Request<Body>, host: u8) -> Reply {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, host));
        if host == 0 {
            request.extensions_mut().insert(AtConsole);
        } else {
            request.extensions_mut().insert(PeerAddress(address));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn get(&self, target: &str) -> Reply {
        self.send(Request::get(target).body(Body::empty()).unwrap(), 1).await
    }

    /// Tries to unseal from a machine of the network, or from the console when that is 0.
    async fn unseal(&self, body: Value, host: u8) -> Reply {
        let request = Request::post("/api/v1/unseal").header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap(), host).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_it_says_so_and_nothing_else() {
    let sealed = Sealed::new().await;
    let page = sealed.get("/").await.expect(200);
    assert!(page.text().contains("/assets/sealed.js"));
    assert!(page.header("content-security-policy").contains("default-src 'self'"));
    assert!(!page.header("content-security-policy").contains("unsafe"));
    for asset in ["sealed.js", "sealed-strings.js", "sealed.css", "mark.svg"] {
        sealed.get(&format!("/assets/{asset}")).await.expect(200);
    }
    assert_eq!(sealed.get("/health/live").await.expect(200).json()["status"], "live");
    let ready = sealed.get("/health/ready").await.expect(503).json();
    assert_eq!((&ready["sealed"], &ready["state"]), (&json!(true), &json!("failed")));
    assert!(ready["parts"][0]["detail"].as_str().unwrap().starts_with("sealed"));
    assert!(ready["parts"][0]["action"].as_str().unwrap().contains("millwright unseal"));
    let view = sealed.get("/api/v1/unseal").await.expect(200).json();
    assert_eq!((&view["sealed"], &view["passphrase"]), (&json!(true), &json!(true)));
    assert_eq!((&view["shares"]["threshold"], &view["shares_brought"]), (&json!(2), &json!(0)));
    // Every other route of the open appliance.
    let mut refused = 0;
    for route in routes() {
        let open = ["/", "/health/live", "/health/ready", "/api/v1/unseal", "/assets/{*asset}"];
        if open.contains(&route.path) {
            continue;
        }
        let path = route.path.replace(['{', '}'], "");
        let request = Request::builder().method(route.method.as_str()).uri(path);
        let reply = sealed.send(request.body(Body::empty()).unwrap(), 1).await.expect(503);
        assert_eq!(reply.json()["code"], "sealed", "{}", route.path);
        assert!(!reply.header("x-request-id").is_empty());
        refused += 1;
    }
    assert!(refused > 60, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_slowed_down_and_the_machine_itself_is_not() {
    let sealed = Sealed::new().await;
    let wrong = json!({ "passphrase": "correct horse batterz" });
    let refused = sealed.unseal(wrong.clone(), 1).await.expect(403);
    assert_eq!(refused.json()["code"], "passphrase_refused");
    assert!(!refused.text().contains("horse"));
    let delayed = sealed.unseal(wrong.clone(), 1).await.expect(429);
    assert_eq!(delayed.json()["code"], "unseal_delayed");
    assert!(delayed.header("retry-after").parse::<u32>().unwrap() >= 1);
    // The right one waits as well; other networks and the console do not.
    sealed.unseal(json!({ "passphrase": WORDS }), 1).await.expect(429);
    sealed.unseal(wrong.clone(), 2).await.expect(403);
    for _ in 0..3 {
        sealed.unseal(wrong.clone(), 0).await.expect(403);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_try_to_unseal_says_why() {
    let sealed = Sealed::new().await;
    for (body, status, code) in [
        (json!({}), 400, "invalid_input"),
        (json!({ "passphrase": WORDS, "share": "x" }), 400, "invalid_input"),
        (json!({ "password": WORDS }), 400, "malformed_request"),
        (json!([1]), 400, "malformed_request"),
        (json!({ "share": "MW-SHARE-000" }), 400, "invalid_input"),
    ] {
        let reply = sealed.unseal(body.clone(), 0).await;
        assert_eq!(reply.json()["code"], code, "{body}");
        assert!((400..500).contains(&reply.status), "{status}: {}", reply.text());
    }
    let long = json!({ "passphrase": "x".repeat(20_000) });
    sealed.unseal(long, 0).await.expect(413);
    let plain = Request::post("/api/v1/unseal").body(Body::from(WORDS)).unwrap();
    sealed.send(plain, 1).await.expect(415);
    let foreign = Request::post("/api/v1/unseal")
        .header("content-type", "application/json")
        .header("host", "mill")
        .header("origin", "https://elsewhere.example")
        .body(Body::from(json!({ "passphrase": WORDS }).to_string()))
        .unwrap();
    let refused = sealed.send(foreign, 1).await.expect(403);
    assert_eq!(refused.json()["code"], "cross_site_request");
    let put = Request::put("/api/v1/unseal").body(Body::empty()).unwrap();
    sealed.send(put, 1).await.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passphrase_or_enough_shares_open_it() {
    let mut sealed = Sealed::new().await;
    let mut openings = sealed.openings.take().unwrap();
    let gate = Arc::clone(&sealed.gate);
    // The composition's part: opens the store with what comes out. The first time it fails.
    let composition = tokio::spawn(async move {
        let mut opened = Vec::new();
        for round in 0..3 {
            let Unsealing { master, origin, done } = openings.recv().await.unwrap();
            if round == 0 {
                done.send(Err("the disk is gone".into())).unwrap();
                continue;
            }
            let opening = Arc::clone(&gate);
            let store = tokio::task::spawn_blocking(move || opening.store().open(master, origin));
            let (store, _key) = store.await.unwrap().unwrap();
            assert_eq!(store.key_origin(), origin);
            store.close().await;
            opened.push(origin);
            done.send(Ok(())).unwrap();
        }
        opened
    });
    let failed = sealed.unseal(json!({ "passphrase": WORDS }), 0).await.expect(503);
    assert!(failed.text().contains("store_unavailable"));
    let open = sealed.unseal(json!({ "passphrase": WORDS }), 0).await.expect(200).json();
    assert_eq!(open["sealed"], false);

    let [first, second, _] = <[String; 3]>::try_from(sealed.shares.clone()).unwrap();
    let one = sealed.unseal(json!({ "share": second }), 0).await.expect(200).json();
    assert_eq!((&one["sealed"], &one["shares_brought"]), (&json!(true), &json!(1)));
    let again = sealed.unseal(json!({ "share": second }), 0).await.expect(422);
    assert_eq!(again.json()["code"], "share_refused");
    assert!(again.text().contains("counted already"));
    let open = sealed.unseal(json!({ "share": first.to_lowercase() }), 0).await.expect(200).json();
    assert_eq!(open["sealed"], false);
    assert_eq!(composition.await.unwrap(), [KeyOrigin::Passphrase, KeyOrigin::Shares]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_changed_on_the_machine_itself_alone() {
    let world = World::new();
    world.tenant().await;
    let client = world.signed_in("a@alpha.example", "admin").await;
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    let id = me["id"].as_str().or(me["user"]["id"].as_str()).unwrap().parse().unwrap();
    let store = &world.state.store;
    let tenant = store.only_tenant().unwrap();
    let scope = store.appliance_scope(world.key.operator());
    let request = store.new_request_id().unwrap();
    store.appliance_admin_grant(&scope, request, tenant, id).await.unwrap();
    // They administer tenants, but not keys.
    client.get("/api/v1/appliance/tenants").await.expect(200);
    let mut refused = 0;
    for route in routes() {
        if route.access != Access::Appliance(policy::Permission::MasterKeysManage) {
            continue;
        }
        let path = route.path.replace("{tenant_id}", &tenant.to_string());
        let body = match route.operation {
            "passphrase_set" => json!({ "passphrase": WORDS }),
            "shares_make" => json!({ "threshold": 2, "count": 3 }),
            _ => json!({}),
        };
        let reply = client.send_json(route.method.as_str(), &path, body).await.expect(403);
        assert_eq!(reply.json()["code"], "console_required", "{path}");
        refused += 1;
    }
    assert_eq!(refused, 8);
    assert!(!world.dir.path().join("data/master.sealed").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_changes_keys_and_is_told_what_is_wrong() {
    let world = World::new();
    world.tenant().await;
    let tenant = world.state.store.only_tenant().unwrap();
    let before = world.operator(Method::Get, KEYS, Value::Null).await.expect(200).json();
    assert_eq!(before["protection"], "key_file");
    let rotate = format!("{KEYS}/rotate");
    let relative = json!({ "new_credential_file": "here/key" });
    let refused = world.operator(Method::Post, &rotate, relative).await;
    assert_eq!(refused.json()["errors"][0]["field"], "new_credential_file");
    let changed = world.operator(Method::Post, &rotate, json!({})).await.expect(200).json();
    assert_eq!((&changed["from"], &changed["tenants"]), (&before["id"], &json!(1)));

    let weak = json!({ "passphrase": "short" });
    let path = format!("{KEYS}/passphrase");
    let refused = world.operator(Method::Put, &path, weak).await;
    assert_eq!(refused.json()["errors"][0]["field"], "passphrase");
    let none = world.operator(Method::Delete, &path, Value::Null).await.expect(409);
    assert_eq!(none.json()["code"], "key_change_refused");
    let few = json!({ "threshold": 4, "count": 3 });
    let refused = world.operator(Method::Post, &format!("{KEYS}/shares"), few).await;
    assert_eq!(refused.json()["errors"][0]["field"], "threshold");
    let open = json!({ "passphrase": WORDS });
    let open = world.operator(Method::Post, "/api/v1/unseal", open).await.expect(409);
    assert_eq!(open.json()["code"], "not_sealed");

    let rotation = format!("/api/v1/appliance/tenants/{tenant}/key/rotation");
    world.operator(Method::Get, &rotation, Value::Null).await.expect(409);
    world.operator(Method::Delete, &rotation, Value::Null).await.expect(409);
    world.operator(Method::Post, &rotation, Value::Null).await.expect(202);
    let started = std::time::Instant::now();
    loop {
        let view = world.operator(Method::Get, &rotation, Value::Null).await.expect(200).json();
        if view["state"] == "done" {
            break;
        }
        assert!(view["state"] != "failed" && started.elapsed().as_secs() < 60, "{view}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let unknown = rotation.replace(&tenant.to_string(), "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10");
    world.operator(Method::Post, &unknown, Value::Null).await.expect(404);
    world.person("a@alpha.example", "admin").await;
}
