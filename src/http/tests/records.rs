//! What the audit log keeps, for how long, and what it tells about people.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;

use base::{ManualClock, Timestamp};
use serde_json::{Value, json};

use super::support::World;
use crate::{HttpSettings, Method};

const RETENTION: &str = "/api/v1/admin/audit/retention";
const HOLD: &str = "/api/v1/admin/audit/legal-hold";
const DAY_MS: i64 = 86_400_000;

fn sound_export(text: &str) -> audit::VerifiedExport {
    let mut lines = text.lines();
    let mut verifier = audit::ExportVerifier::begin(lines.next().unwrap()).unwrap();
    lines.for_each(|line| verifier.line(line).unwrap());
    verifier.finish().unwrap()
}

#[tokio::test]
async fn what_was_pruned_is_said_and_proved_wherever_the_log_is_read() {
    let clock = Arc::new(ManualClock::at(Timestamp::from_unix_ms(1_795_000_000_123)));
    let world = World::at(HttpSettings::default(), clock.clone());
    world.tenant().await;
    let get = async |target: &str| world.operator(Method::Get, target, Value::Null).await;
    let kept = get(RETENTION).await.expect(200).json();
    assert_eq!(kept["audit_retention_days"], 2557);
    assert!(kept["pruned_below"].is_null() && kept["legal_hold"].is_null(), "{kept}");
    let settings = "/api/v1/admin/settings";
    for days in [0, 89, 36_526] {
        let patch = json!({ "audit_retention_days": days });
        let refused = world.operator(Method::Patch, settings, patch).await.expect(422).json();
        assert_eq!(refused["errors"][0]["field"], "audit_retention_days");
    }
    let patch = json!({ "audit_retention_days": 90 });
    world.operator(Method::Patch, settings, patch).await.expect(200);
    let tenant = world.state.store.tenant_id_by_slug("alpha").unwrap();
    for n in 0..10 {
        clock.advance_ms(20 * DAY_MS);
        world.person(&format!("p{n}@alpha.example"), "viewer").await;
    }
    let pruned = world.state.store.audit_prune(tenant).await.unwrap();
    assert!(pruned > 5, "{pruned}");
    let kept = get(RETENTION).await.expect(200).json();
    assert_eq!(kept["pruned_below"].as_u64(), Some(pruned));
    let record = kept["pruned_by"].as_u64().unwrap();

    let listed = get("/api/v1/admin/audit?limit=200").await.expect(200).json();
    assert_eq!(listed["pruned_below"].as_u64(), Some(pruned));
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.last().unwrap()["index"].as_u64(), Some(pruned));
    assert!(items.iter().any(|entry| entry["action"] == "audit.pruned"));

    // An entry without content is proved by its hash.
    let head = get("/api/v1/admin/audit/checkpoint").await.expect(200).json();
    let proof = get("/api/v1/admin/audit/entries/0/proof").await.expect(200).json();
    assert!(proof["entry"].is_null());
    let hash = |value: &Value| value.as_str().unwrap().parse::<audit::Hash>().unwrap();
    let inclusion = audit::InclusionProof {
        leaf_index: 0,
        tree_size: proof["tree_size"].as_u64().unwrap(),
        path: proof["path"].as_array().unwrap().iter().map(hash).collect(),
    };
    let leaf = hash(&proof["leaf_hash"]);
    audit::verify_inclusion(&inclusion, &leaf, &hash(&head["root"])).unwrap();

    // An export of all begins behind what is gone, and holds the record of it.
    let sound = sound_export(&get("/api/v1/admin/audit/export").await.expect(200).text());
    assert_eq!(sound.head.first, pruned);
    let told = sound.head.pruned.unwrap();
    assert_eq!((told.end, told.by), (pruned, record));
    assert!(sound.has_pruning_record);
    let until = Timestamp::from_unix_ms(1_795_000_000_123 + DAY_MS).to_string();
    let target = format!("/api/v1/admin/audit/export?until={}", until.replace(':', "%3A"));
    let early = sound_export(&get(&target).await.expect(200).text());
    assert_eq!((early.entries, early.head.pruned.is_some()), (0, true));
    assert!(!early.has_pruning_record);
    let verified = get("/api/v1/admin/audit/verify").await.expect(200).json();
    assert_eq!(verified["logs"][0]["sound"], true, "{verified}");
}

#[tokio::test]
async fn a_legal_hold_is_set_and_lifted_with_a_reason_and_told() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    for reason in ["", "   ", "a\nb", &"x".repeat(501)] {
        let refused = admin.post(HOLD, json!({ "reason": reason })).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], "reason");
    }
    let lift = format!("{HOLD}/lift");
    let early = admin.post(&lift, json!({ "reason": "none" })).await.expect(409);
    assert_eq!(early.json()["code"], "legal_hold_not_in_force");
    let set = admin.post(HOLD, json!({ "reason": "case 2026-114" })).await.expect(200).json();
    assert_eq!(set["legal_hold"]["reason"], "case 2026-114");
    assert!(set["legal_hold"]["set_by"].as_str().unwrap().starts_with("user:"));
    let twice = admin.post(HOLD, json!({ "reason": "another" })).await.expect(409);
    assert_eq!(twice.json()["code"], "legal_hold_in_force");
    assert_eq!(admin.get(RETENTION).await.expect(200).json(), set);
    let lifted = admin.post(&lift, json!({ "reason": "closed" })).await.expect(200).json();
    assert!(lifted["legal_hold"].is_null());
    let told = admin.get("/api/v1/admin/audit?action=legal_hold.").await.expect(200).json();
    let reasons: Vec<_> = told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["detail"]["reason"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(reasons, ["closed", "case 2026-114"]);
    let operator = world.signed_in("o@alpha.example", "operator").await;
    operator.post(HOLD, json!({ "reason": "mine" })).await.expect(403);
    operator.get(RETENTION).await.expect(403);
}

#[tokio::test]
async fn a_person_sees_their_own_disclosures_and_an_administrator_everybodys() {
    let world = World::new();
    world.tenant().await;
    let admin = world.signed_in("a@alpha.example", "admin").await;
    let viewer = world.signed_in("v@alpha.example", "viewer").await;
    let own = viewer.get("/api/v1/auth/me/disclosures?limit=5").await.expect(200).json();
    assert_eq!(own, json!({ "items": [] }));
    let me = viewer.get("/api/v1/auth/me").await.expect(200).json();
    let target = format!("/api/v1/admin/users/{}/disclosures", me["id"].as_str().unwrap());
    assert_eq!(admin.get(&target).await.expect(200).json(), json!({ "items": [] }));
    viewer.get(&target).await.expect(403);
    let nobody = "/api/v1/admin/users/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10/disclosures";
    assert_eq!(admin.get(nobody).await.expect(404).json()["code"], "user_not_found");
    for (query, field) in [("from=soon", "from"), ("until=x", "until"), ("cursor=!", "cursor")] {
        let refused = admin.get(&format!("{target}?{query}")).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
    let console = world.operator(Method::Get, "/api/v1/auth/me/disclosures", Value::Null).await;
    assert_eq!(console.expect(400).json()["code"], "person_required");
}

#[tokio::test]
async fn logs_are_compared_with_the_checkpoints_that_a_witness_keeps() {
    let world = World::new();
    world.tenant().await;
    let compare = "/api/v1/appliance/audit/compare";
    let note = async || {
        let head = world.operator(Method::Get, "/api/v1/admin/audit/checkpoint", Value::Null).await;
        head.expect(200).json()["note"].as_str().unwrap().to_owned()
    };
    let mut notes = vec![note().await];
    world.person("a@alpha.example", "viewer").await;
    notes.push(note().await);
    notes.push("not a note".to_owned());
    notes.push("millwright/tenants/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10\n7\nx\n".to_owned());
    let body = json!({ "notes": notes });
    let compared = world.operator(Method::Post, compare, body).await.expect(200).json();
    let logs = compared["logs"].as_array().unwrap();
    assert!(logs.iter().all(|log| log["sound"] == true), "{compared}");
    assert_eq!((&logs[0]["witnessed"], &logs[1]["witnessed"]), (&json!(0), &json!(2)));
    let unknown = compared["unknown_logs"].as_array().unwrap();
    assert_eq!(unknown.len(), 2, "{compared}");
    let body = json!({ "notes": notes, "tenant": "alpha" });
    let one = world.operator(Method::Post, compare, body).await.expect(200).json();
    assert_eq!(one["logs"].as_array().unwrap().len(), 1);
    let body = json!({ "notes": [], "tenant": "nobody" });
    let refused = world.operator(Method::Post, compare, body).await.expect(404);
    assert_eq!(refused.json()["code"], "tenant_not_found");
    let many = json!({ "notes": vec![""; 50_001] });
    let refused = world.operator(Method::Post, compare, many).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "notes");
}
