//! The table of routes: complete, consistent, and what is generated from it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::router::table;
use crate::{Access, Audit, IdKind, Idempotency, Method, openapi_document, routes};

#[test]
fn permission_matrix() {
    let mut matrix = String::new();
    for route in routes() {
        let permission = route.access.permission().map_or("-", policy::Permission::as_str);
        let role = match route.access {
            Access::Public => "anybody".to_owned(),
            Access::Appliance(_) => "appliance".to_owned(),
            _ => route.access.least_role().unwrap().to_string(),
        };
        let _ = writeln!(
            matrix,
            "{:<6} {:<76} {:<10} {:<22} {}",
            route.method.as_str(),
            route.path,
            route.access.scope(),
            permission,
            role
        );
    }
    insta::assert_snapshot!(matrix);
}

#[test]
fn audit_and_idempotency_of_routes() {
    let mut list = String::new();
    for route in routes() {
        let audit = match route.audit {
            Audit::Entry(action) => action,
            Audit::Nothing => "-",
        };
        let idempotency = match route.idempotency {
            Idempotency::Inherent => "inherent",
            Idempotency::Keyed | Idempotency::KeyedByHandler => "keyed",
            Idempotency::Refused(_) => "refused",
        };
        let rate = route.rate.as_str();
        let _ = writeln!(list, "{:<24} {audit:<26} {idempotency:<9} {rate}", route.operation);
    }
    insta::assert_snapshot!(list);
}

#[test]
fn routes_are_told_apart_by_name_and_by_method_and_path() {
    let mut names = BTreeSet::new();
    let mut places = BTreeSet::new();
    for route in routes() {
        assert!(names.insert(route.operation), "{} is there twice", route.operation);
        assert!(places.insert((route.method, route.path)), "{} is there twice", route.path);
        assert!(!route.summary.ends_with('.') && !route.summary.is_empty());
    }
}

#[test]
fn every_id_of_a_path_is_read_and_every_id_that_is_read_stands_in_the_path() {
    for route in routes() {
        let in_path: Vec<&str> = route
            .path
            .split('{')
            .skip(1)
            .map(|rest| rest.split('}').next().unwrap().trim_start_matches('*'))
            .collect();
        let read: Vec<&str> = route.ids.iter().map(|id| id.name).collect();
        assert_eq!(in_path, read, "{} {}", route.method, route.path);
    }
}

#[test]
fn what_changes_something_says_how_it_is_recorded_and_repeated() {
    for route in routes() {
        let reads = route.method == Method::Get;
        let searches =
            ["search", "appliance_audit_compare", "thinking_estimate"].contains(&route.operation);
        if !reads && !searches {
            assert!(matches!(route.audit, Audit::Entry(_)), "{} leaves no record", route.operation);
        }
        let posts = route.method == Method::Post;
        let inherent = route.idempotency == Idempotency::Inherent;
        assert_eq!(posts, !inherent, "{} {}", route.method, route.operation);
        if route.path.starts_with("/api/") {
            let open = route.access == Access::Public;
            let known = ["session_open", "token_refresh", "unseal_get", "unseal"];
            let known = known.contains(&route.operation);
            assert!(!open || known, "{} is open", route.operation);
        }
    }
}

/// The rooms' sources hold the actions that are recorded.
#[test]
fn every_audit_entry_of_the_table_is_recorded_somewhere() {
    let rooms = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut recorded = BTreeSet::new();
    for room in ["store", "identity", "knowledge", "agents", "http"] {
        collect_actions(&rooms.join(room), &mut recorded);
    }
    for route in routes() {
        if let Audit::Entry(action) = route.audit {
            assert!(recorded.contains(action), "{}: nobody records {action}", route.operation);
        }
    }
}

fn collect_actions(dir: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_actions(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            for piece in source.split("Action::new(").skip(1) {
                into.extend(piece.split('"').nth(1).map(str::to_owned));
            }
        }
    }
}

#[test]
fn tenant_objects_are_named_by_ids_that_the_matrix_knows() {
    let known = [
        IdKind::User,
        IdKind::Session,
        IdKind::Token,
        IdKind::TokenFamily,
        IdKind::Document,
        IdKind::Revision,
        IdKind::Page,
        IdKind::Conversation,
        IdKind::Job,
        IdKind::Entry,
        IdKind::ApiKey,
        IdKind::Group,
        IdKind::Trace,
        IdKind::WorkflowRun,
        IdKind::Plan,
        IdKind::Memory,
        IdKind::Agent,
        IdKind::Workflow,
    ];
    for route in routes() {
        if matches!(route.access, Access::Tenant(_) | Access::SignedIn(_) | Access::Entering(_)) {
            for id in &route.ids {
                assert!(known.contains(&id.kind), "{}: {:?}", route.operation, id.kind);
            }
        }
    }
}

/// Two types of one name would hide each other in the document.
#[test]
fn every_schema_has_one_meaning() {
    let mut seen: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for route in table() {
        for (name, schema) in route.endpoint.signature().schemas {
            let schema = serde_json::to_value(&schema).unwrap();
            let known = seen.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*known, schema, "two schemas are named {name}");
        }
    }
}

#[test]
fn openapi() {
    let text = openapi_document().unwrap();
    let mut document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    // Whatever is referred to is there.
    for reference in text.split("\"$ref\":\"").skip(1) {
        let reference = reference.split('"').next().unwrap();
        let place = reference.strip_prefix('#').expect("a place in this document");
        assert!(document.pointer(place).is_some(), "{place} is referred to and not there");
    }
    document["info"]["version"] = "[version]".into();
    // A dependency may have objects keep the order in which they were made.
    document.sort_all_objects();
    insta::assert_json_snapshot!(document);
}
