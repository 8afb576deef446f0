//! The matrices made from the route table: another tenant's object is as absent as none at all,
//! and a role may call exactly what its permissions say.

use std::collections::BTreeMap;

use http::{Access, IdKind, IdParameter, RouteInfo, routes};
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::support::{Answer, Appliance, Client, PASSWORD, Person, fixtures};

const TENANTS: [&str; 2] = ["alpha", "beta"];

/// One id of every kind that lives in a tenant.
pub(crate) type Ids = BTreeMap<&'static str, String>;

struct World {
    appliance: Appliance,
    /// By tenant and role.
    people: BTreeMap<(&'static str, &'static str), Client>,
    ids: BTreeMap<&'static str, Ids>,
}

fn world() -> World {
    let appliance = Appliance::started();
    let mut people = BTreeMap::new();
    let mut ids = BTreeMap::new();
    for tenant in TENANTS {
        appliance.tenant(tenant);
        for role in ["viewer", "operator", "admin"] {
            let email = format!("{role}@{tenant}.example");
            people.insert((tenant, role), appliance.person(tenant, Person::new(&email, role)));
        }
        ids.insert(tenant, objects(&appliance, tenant, &people[&(tenant, "admin")]));
    }
    World { appliance, people, ids }
}

/// Makes one object of every kind.
pub(crate) fn objects(appliance: &Appliance, tenant: &str, admin: &Client) -> Ids {
    let note = fixtures::markdown("Pump note", "The coupling gap of P-7 is 3 mm.");
    let (uploaded, job) = admin.ingest("note.md", &note, &[("classification", "INTERNAL")]);
    assert_eq!(job["state"], "done", "{job:#}");
    let question = json!({ "message": "What is the coupling gap of P-7?", "stream": false });
    let answer = admin.post("/api/v1/chat", &question).expect(200).json();
    let me = admin.get("/api/v1/auth/me").expect(200).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let session = admin.get("/api/v1/auth/sessions").expect(200).json();
    let lifetime = json!({ "lifetime_s": 3600 });
    let token = admin.post("/api/v1/auth/tokens", &lifetime).expect(201).json();
    let key = json!({ "name": "probe", "scopes": ["documents.read"] });
    let key = admin.post("/api/v1/keys", &key).expect(201).json();
    let group = json!({ "name": "Probe", "permissions": ["audit.read"] });
    let group = admin.post("/api/v1/admin/groups", &group).expect(201).json();
    let step = json!({ "kind": "value", "id": "v", "value": 1 });
    let definition = json!({ "name": "probe", "title": "Probe", "step": step });
    let run = json!({ "definition": definition, "input": {} });
    let run = admin.post("/api/v1/workflows/runs", &run).expect(202).json();
    let task = json!({ "id": "ask", "title": "Ask", "kind": "ask", "task": "Which one?" });
    let plan = json!({ "goal": "Probe", "tasks": [task] });
    let plan = admin.post("/api/v1/plans", &plan).expect(201).json();
    let allowed = json!({ "allowed": true }).to_string().into();
    let consent = Some(("application/json", allowed));
    admin.send("PUT", "/api/v1/me/memories/consent", consent).expect(200);
    let memory = json!({ "kind": "fact", "text": "Works on line 4." });
    let memory = admin.post("/api/v1/agents/generalist/memories", &memory).expect(201).json();
    let login = json!({ "tenant": tenant, "email": format!("admin@{tenant}.example"),
        "password": PASSWORD, "token": true, "refresh": true });
    appliance.client().post("/api/v1/auth/login", &login).expect(200);
    let families = admin.get("/api/v1/auth/token-families").expect(200).json();
    BTreeMap::from([
        ("api_key", text(&key["id"])),
        ("group", text(&group["id"])),
        ("document", text(&uploaded["document_id"])),
        ("revision", text(&uploaded["revision_id"])),
        ("job", text(&uploaded["job_id"])),
        ("conversation", text(&answer["conversation_id"])),
        ("user", text(&me["id"])),
        ("session", text(&session["items"][0]["id"])),
        ("token", text(&token["id"])),
        ("token family", text(&families["items"][0]["id"])),
        ("tenant", text(&me["tenant_id"])),
        ("workflow run", text(&run["id"])),
        ("plan", text(&plan["id"])),
        ("memory", text(&memory["id"])),
    ])
}

pub(crate) fn kind_name(kind: IdKind) -> Option<&'static str> {
    match kind {
        IdKind::Tenant => Some("tenant"),
        IdKind::User => Some("user"),
        IdKind::Session => Some("session"),
        IdKind::Token => Some("token"),
        IdKind::TokenFamily => Some("token family"),
        IdKind::Document => Some("document"),
        IdKind::Revision => Some("revision"),
        IdKind::Conversation => Some("conversation"),
        IdKind::Job => Some("job"),
        IdKind::ApiKey => Some("api_key"),
        IdKind::Group => Some("group"),
        IdKind::WorkflowRun => Some("workflow run"),
        IdKind::Plan => Some("plan"),
        IdKind::Memory => Some("memory"),
        IdKind::Trace
        | IdKind::Agent
        | IdKind::Workflow
        | IdKind::Page
        | IdKind::Entry
        | IdKind::ErrorCode
        | IdKind::Asset
        | IdKind::Model
        | IdKind::Tier => None,
    }
}

/// The path with `ids` in it, except that the parameter `odd` gets `value`.
pub(crate) fn path(route: &RouteInfo, ids: &Ids, odd: Option<(&IdParameter, &str)>) -> String {
    let mut path = route.path.to_owned();
    for parameter in &route.ids {
        let value = match (odd, kind_name(parameter.kind)) {
            (Some((other, value)), _) if other.name == parameter.name => value.to_owned(),
            (_, Some(kind)) => ids[kind].clone(),
            // Of the house, and the same in every tenant.
            (_, None) if parameter.kind == IdKind::Agent => "generalist".to_owned(),
            (_, None) if parameter.kind == IdKind::Workflow => "document_check".to_owned(),
            (_, None) => "1".to_owned(),
        };
        path = path.replace(&format!("{{{}}}", parameter.name), &value);
    }
    path
}

/// A body that passes the reader, so that the answer is about the object and not about the body.
/// Every route that reads a body needs its row here: a new one fails the test that uses it.
pub(crate) fn body(route: &RouteInfo) -> Option<(&'static str, Bytes)> {
    let media_type = route.request_media_type?;
    let value = match route.operation {
        "key_create" => json!({ "name": "another", "scopes": ["chat.send"] }),
        "group_create" => json!({ "name": "Another", "permissions": [] }),
        "group_change" => json!({ "name": "Renamed" }),
        "conversation_change" => json!({ "title": "renamed" }),
        "workflow_run_decide" => json!({
            "step": "release", "digest": "0".repeat(64), "decision": "approved",
        }),
        "plan_approve" => json!({ "digest": "0".repeat(64) }),
        "agent_memory_add" => json!({ "kind": "fact", "text": "Works on line 5." }),
        "user_change" => json!({ "display_name": "Changed" }),
        "revision_withdraw" => json!({ "reason": "test" }),
        "document_change" => json!({ "title": "changed", "reason": "test" }),
        "feedback_give" => {
            json!({ "message_id": "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10", "rating": "up" })
        }
        "chat" => json!({ "message": "What is the coupling gap?", "stream": false }),
        "search" => json!({ "query": "coupling" }),
        "playground_run" => json!({ "question": "What is the coupling gap?" }),
        "user_create" => json!({
            "email": "new@person.example", "display_name": "New", "role": "viewer",
            "clearance": "INTERNAL", "export_eligible": false, "language": "en",
        }),
        _ => json!({}),
    };
    let media_type = if media_type.starts_with("multipart/") {
        "multipart/form-data; boundary=x"
    } else {
        "application/json"
    };
    Some((media_type, value.to_string().into()))
}

fn call(client: &Client, route: &RouteInfo, path: &str) -> Answer {
    let body = body(route);
    let body = body.as_ref().map(|(kind, bytes)| (*kind, bytes.clone()));
    client.send(route.method.as_str(), path, body)
}

#[test]
fn another_tenants_object_is_as_absent_as_none_at_all() {
    let world = world();
    let random = "0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10";
    let deleted = deleted_objects(&world.people[&("alpha", "admin")]);
    let (own, foreign) = (&world.ids["alpha"], &world.ids["beta"]);
    let mut cells = 0;
    for route in routes() {
        let (Access::Tenant(permission)
        | Access::SignedIn(permission)
        | Access::Entering(permission)) = route.access
        else {
            continue;
        };
        for parameter in &route.ids {
            let Some(kind) = kind_name(parameter.kind) else { continue };
            for role in base::Role::ALL {
                if !policy::permissions_of(role).contains(permission) {
                    continue;
                }
                let client = &world.people[&("alpha", role.as_str())];
                let mut answers = Vec::new();
                let values = [("foreign", Some(&foreign[kind])), ("deleted", deleted.get(kind))];
                let random = random.to_owned();
                for (what, value) in values.into_iter().chain([("random", Some(&random))]) {
                    let Some(value) = value else { continue };
                    let path = path(route, own, Some((parameter, value)));
                    let answer = call(client, route, &path);
                    assert_eq!(
                        answer.status,
                        404,
                        "{} {path} as {role} with a {what} {kind}: {}",
                        route.method,
                        answer.text()
                    );
                    let mut problem = answer.json();
                    for volatile in ["instance", "request_id"] {
                        problem.as_object_mut().unwrap().remove(volatile);
                    }
                    answers.push((what, problem));
                    cells += 1;
                }
                let (_, first) = &answers[0];
                for (what, answer) in &answers {
                    assert_eq!(answer, first, "{} {what} differs", route.operation);
                }
            }
        }
    }
    println!("cross-tenant matrix: {cells} cells");
    assert!(cells >= 60, "the matrix has shrunk to {cells} cells");
    // And the owner still finds everything.
    let owner = &world.people[&("beta", "admin")];
    owner.get(&format!("/api/v1/documents/{}", foreign["document"])).expect(200);
    owner.get(&format!("/api/v1/conversations/{}", foreign["conversation"])).expect(200);
}

/// Objects that were there and are gone.
fn deleted_objects(admin: &Client) -> Ids {
    let note = fixtures::markdown("Gone note", "The gap of P-8 was 4 mm.");
    let (uploaded, _) = admin.ingest("gone.md", &note, &[("key", "GONE-1")]);
    let document = uploaded["document_id"].as_str().unwrap().to_owned();
    let answer = admin
        .post("/api/v1/chat", &json!({ "message": "gap of P-8?", "stream": false }))
        .expect(200)
        .json();
    let conversation = answer["conversation_id"].as_str().unwrap().to_owned();
    assert!(admin.send("DELETE", &format!("/api/v1/documents/{document}"), None).status < 300);
    let gone = admin.send("DELETE", &format!("/api/v1/conversations/{conversation}"), None);
    assert!(gone.status < 300);
    BTreeMap::from([
        ("document", document),
        ("revision", uploaded["revision_id"].as_str().unwrap().to_owned()),
        ("conversation", conversation),
    ])
}

#[test]
fn a_role_may_call_what_its_permissions_say_and_nothing_else() {
    let world = world();
    let mut cells = 0;
    for route in routes() {
        let path = path(route, &world.ids["alpha"], None);
        if let Access::Tenant(permission) = route.access {
            for role in base::Role::ALL {
                if policy::permissions_of(role).contains(permission) {
                    continue;
                }
                let answer = call(&world.people[&("alpha", role.as_str())], route, &path);
                assert_eq!(
                    answer.status,
                    403,
                    "{} {path} as {role}: {}",
                    route.method,
                    answer.text()
                );
                assert_eq!(answer.json()["code"], "forbidden");
                cells += 1;
            }
        }
        if let Access::Appliance(_) = route.access {
            // No role of a tenant administers the appliance.
            let admin = &world.people[&("alpha", "admin")];
            let answer = call(admin, route, &path);
            assert_eq!(answer.status, 403, "{} {path}: {}", route.method, answer.text());
            cells += 1;
        }
        if route.access != Access::Public {
            let answer = call(&world.appliance.client(), route, &path);
            assert_eq!(answer.status, 401, "{} {path}: {}", route.method, answer.text());
            assert!(answer.headers.contains_key("www-authenticate"));
            cells += 1;
        }
    }
    println!("permission matrix: {cells} refusals");
    assert!(cells >= 40, "the matrix has shrunk to {cells} cells");
}
