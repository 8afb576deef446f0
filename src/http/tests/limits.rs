//! How often people, keys, tenants and addresses may ask, and what answers tell of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::num::NonZeroU32;

use serde_json::json;

use super::support::World;
use crate::HttpSettings;

fn per_minute(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

#[tokio::test]
async fn answers_of_limited_routes_tell_how_it_stands() {
    let world = World::new();
    world.tenant().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let answer = viewer.get("/api/v1/documents").await.expect(200);
    let policies = "\"address\";q=12000;w=60, \"user\";q=60;w=60, \"tenant\";q=12000;w=60";
    assert_eq!(answer.header("ratelimit-policy"), policies);
    let standing = answer.header("ratelimit").to_owned();
    assert!(standing.contains("\"user\";r=5"), "{standing}");
    assert_eq!(standing.matches(";t=").count(), 3, "{standing}");
    // A failure tells it too, also when nobody is signed in.
    let absent = viewer.get("/api/v1/documents/x").await.expect(404);
    assert!(absent.header("ratelimit").contains("\"user\";r="));
    let stranger = world.client().get("/api/v1/documents").await.expect(401);
    assert_eq!(stranger.header("ratelimit-policy"), "\"address\";q=12000;w=60");
    let login = json!({ "email": "a@b", "password": "x" });
    let login = world.client().post("/api/v1/auth/login", login).await.expect(401);
    let policies = "\"address\";q=12000;w=60, \"sign-in\";q=30;w=60";
    assert_eq!(login.header("ratelimit-policy"), policies);
    // Who watches the appliance is not counted.
    let probe = world.client().get("/health/live").await.expect(200);
    assert_eq!((probe.header("ratelimit"), probe.header("ratelimit-policy")), ("", ""));
}

#[tokio::test]
async fn a_key_has_a_limit_of_its_own_and_leaves_its_person_theirs() {
    let world = World::new();
    world.tenant().await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let asked = json!({ "name": "x", "scopes": ["documents.read"], "requests_per_minute": 3 });
    let made = viewer.post("/api/v1/keys", asked).await.expect(201).json();
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    let key = world.client().with("authorization", &bearer);
    for left in [2, 1, 0] {
        let answer = key.get("/api/v1/documents").await.expect(200);
        let expected = format!("\"key\";r={left};t=");
        assert!(answer.header("ratelimit").contains(&expected), "{}", answer.header("ratelimit"));
        assert!(answer.header("ratelimit-policy").contains("\"key\";q=3;w=60"));
        assert!(!answer.header("ratelimit-policy").contains("\"user\""));
    }
    let refused = key.get("/api/v1/documents").await.expect(429);
    assert!((1..=20).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    assert!(refused.header("ratelimit").contains("\"key\";r=0;t=60"));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("The limit by key is reached: more than 3"), "{detail}");
    viewer.get("/api/v1/documents").await.expect(200);
    let asked = json!({ "name": "x", "scopes": ["chat.send"], "requests_per_minute": 6001 });
    let refused = viewer.post("/api/v1/keys", asked).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "requests_per_minute");
}

#[tokio::test]
async fn a_tenant_shares_a_limit_and_so_does_an_address() {
    let settings =
        HttpSettings { tenant_requests_per_minute: per_minute(4), ..HttpSettings::default() };
    let world = World::with(settings);
    world.tenant().await;
    let first = world.signed_in("v@alpha.example", "viewer").await;
    let second = world.signed_in("w@alpha.example", "viewer").await;
    let mut refused = 0;
    for _ in 0..5 {
        let answer = first.get("/api/v1/documents").await;
        if answer.status == 429 {
            assert!(answer.json()["detail"].as_str().unwrap().contains("by tenant"));
            refused += 1;
        }
    }
    assert!(refused > 0);
    second.get("/api/v1/documents").await.expect(429);

    let settings =
        HttpSettings { address_requests_per_minute: per_minute(2), ..HttpSettings::default() };
    let world = World::with(settings);
    let tablet = |address: &str| world.client().at_address(address.parse().unwrap());
    for _ in 0..2 {
        tablet("192.0.2.7").get("/api/v1/documents").await.expect(401);
    }
    let refused = tablet("192.0.2.7").get("/api/v1/documents").await.expect(429);
    assert!(refused.json()["detail"].as_str().unwrap().contains("by address"));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    tablet("192.0.2.8").get("/api/v1/documents").await.expect(401);
    // One machine of IPv6 has many addresses and one limit.
    for host in ["2001:db8::1", "2001:db8::2"] {
        tablet(host).get("/api/v1/documents").await.expect(401);
    }
    tablet("2001:db8::3").get("/api/v1/documents").await.expect(429);
    tablet("2001:db8:0:1::3").get("/api/v1/documents").await.expect(401);
    tablet("192.0.2.7").get("/health/live").await.expect(200);
}

#[tokio::test]
async fn a_flood_of_addresses_does_not_fill_the_memory() {
    const ADDRESSES: u32 = 5_000;
    let world = World::with(HttpSettings { limited_callers_max: 1_000, ..HttpSettings::default() });
    let flooder = world.client();
    for i in 0..ADDRESSES {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + i);
        flooder.clone().at_address(address.into()).get("/api/v1/documents").await.expect(401);
        assert!(world.state.address_limiter.keys() <= 1_000);
    }
    crate::health::set_figures(&world.state);
    let metrics = world.client().get("/metrics").await.expect(200).text();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("millwright_rate_limit_keys{limiter=\"address\"}"))
        .unwrap();
    let remembered: f64 = line.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((1.0..=1_000.0).contains(&remembered), "{line}");
}
