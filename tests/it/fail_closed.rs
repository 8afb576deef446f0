//! When the audit entry can't be written, nothing happens: every route that changes or shows
//! something answers 503, and each row and file is as it was. Made from the route table.
//!
//! The fault is a trigger in the databases, put there by somebody who has the master key; the
//! program itself has no switch for it. Each call is repeated without the fault and must succeed
//! then, so that no refusal is one of the input.

use std::path::{Path, PathBuf};

use http::console::{Console, ConsoleRequest};
use http::{Audit, RouteInfo, routes};
use serde_json::{Value, json};

use crate::databases::Databases;
use crate::isolation::{Ids, body, objects, path};
use crate::support::{Appliance, Client, PASSWORD, Person, fixtures};

const REFUSE: &str = "CREATE TRIGGER refused BEFORE INSERT ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'refused by the test'); END";
const ALLOW: &str = "DROP TRIGGER refused";

const ADMIN: &str = "admin@alpha.example";
const PASSPHRASE: &str = "a long passphrase of the master key";

/// Routes that this appliance can't be brought to answer with success, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("unseal", "an appliance that is open has nothing to unseal; the entry is written after it"),
    ("tenant_key_rotation_cancel", "it needs a change that takes longer than a small tenant's"),
    ("model_import", NEEDS_MODEL),
    ("model_remove", NEEDS_MODEL),
    ("model_try", NEEDS_MODEL),
    ("model_verify", NEEDS_MODEL),
    ("model_assign", NEEDS_MODEL),
    ("playground_run", NEEDS_MODEL),
    ("thinking_run", NEEDS_MODEL),
    ("trace_get", NEEDS_MODEL),
    ("trace_delete", NEEDS_MODEL),
    ("trace_events", NEEDS_MODEL),
    ("trace_replay", NEEDS_MODEL),
    ("trace_compare", NEEDS_MODEL),
    ("workflow_run_decide", "it needs a run that waits at a gate, which a test of `agents` has"),
    ("memory_compact", "where nothing is said twice it changes nothing and writes no entry"),
];

/// There is none here; what it writes goes through the same commit.
const NEEDS_MODEL: &str = "it needs a language model or what one wrote";

/// Who calls.
enum Who {
    /// Somebody at the console: the operator, or with the rights of a person.
    Console(Option<String>),
    /// Somebody with a session, or nobody.
    Client(Box<Client>),
}

/// A call that succeeds when nothing is broken.
struct Case {
    who: Who,
    target: String,
    body: Option<(String, Vec<u8>)>,
}

struct Plant {
    appliance: Appliance,
    admin: Client,
    ids: Ids,
    runtime: tokio::runtime::Runtime,
    made: std::cell::Cell<usize>,
}

impl Plant {
    fn new() -> Self {
        let appliance = Appliance::started();
        appliance.tenant("alpha");
        let admin = appliance.person("alpha", Person::new(ADMIN, "admin"));
        let ids = objects(&appliance, "alpha", &admin);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { appliance, admin, ids, runtime, made: std::cell::Cell::new(0) }
    }

    /// A number that no other call gives.
    fn number(&self) -> usize {
        self.made.replace(self.made.get() + 1)
    }

    fn console(&self, act_as: Option<&str>, route: (http::Method, &str), body: &Value) -> Value {
        let bytes = ("application/json".to_owned(), body.to_string().into_bytes());
        let who = Who::Console(act_as.map(str::to_owned));
        let body = (!body.is_null()).then_some(bytes);
        let case = Case { who, target: route.1.to_owned(), body };
        let (status, answer) = self.send(route.0, &case);
        assert!(status < 300, "{} {}: {status} {answer}", route.0, route.1);
        serde_json::from_slice(answer.as_bytes()).unwrap_or_default()
    }

    fn send(&self, method: http::Method, case: &Case) -> (u16, String) {
        match &case.who {
            Who::Client(client) => {
                let body = case.body.as_ref();
                let body = body.map(|(kind, bytes)| (kind.as_str(), bytes.clone().into()));
                let answer = client.send(method.as_str(), &case.target, body);
                (answer.status, answer.text())
            }
            Who::Console(act_as) => self.runtime.block_on(async {
                let console = Console::connect(&self.appliance.data_dir()).await.unwrap();
                let mut request = ConsoleRequest::new(method, &case.target)
                    .tenant(Some("alpha".to_owned()))
                    .act_as(act_as.clone());
                if let Some((kind, bytes)) = &case.body {
                    request = request.bytes(kind, bytes.clone());
                }
                let answer = console.send(request).await.unwrap();
                let status = answer.status.as_u16();
                (status, String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned())
            }),
        }
    }

    /// A person with a password of their own; their address and id.
    fn person(&self) -> (String, String) {
        let email = format!("person-{}@alpha.example", self.number());
        let new = json!({ "email": email, "display_name": "Somebody", "role": "viewer" });
        let made = self.console(None, (http::Method::Post, "/api/v1/admin/users"), &new);
        let change = json!({
            "current_password": made["one_time_password"], "new_password": PASSWORD,
        });
        self.console(Some(&email), (http::Method::Post, "/api/v1/auth/password"), &change);
        let id = made["user"]["id"].as_str().or(made["id"].as_str()).unwrap();
        (email, id.to_owned())
    }

    /// The same, with a second factor: address, id and a recovery code.
    fn person_with_factor(&self) -> (String, String, String) {
        let (email, id) = self.person();
        let code = self.begin_factor(&email);
        let confirm = (http::Method::Post, "/api/v1/auth/second-factor/confirm");
        let codes = self.console(Some(&email), confirm, &json!({ "code": code }));
        (email, id, codes["recovery_codes"][0].as_str().unwrap().to_owned())
    }

    /// Begins to enrol a second factor; the code of now.
    fn begin_factor(&self, email: &str) -> String {
        let begin = (http::Method::Post, "/api/v1/auth/second-factor");
        let begun = self.console(Some(email), begin, &json!({ "current_password": PASSWORD }));
        let secret = totp_rs::Secret::try_from_base32(begun["secret"].as_str().unwrap()).unwrap();
        let builder = totp_rs::Builder::new()
            .with_algorithm(totp_rs::Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(30)
            .with_secret(secret);
        let now = base::Clock::now(&base::SystemClock).unix_s().unsigned_abs();
        builder.build().unwrap().generate(now).to_string()
    }

    /// Somebody's browser, and the id of its session.
    fn session(&self, email: &str) -> (Client, String) {
        let mut client = self.appliance.client();
        let login = json!({ "tenant": "alpha", "email": email, "password": PASSWORD });
        let answer = client.post("/api/v1/auth/login", &login).expect(200);
        client.use_cookie(&answer.cookie().unwrap());
        let sessions = client.get("/api/v1/auth/sessions");
        let id = match sessions.status {
            200 => sessions.json()["items"][0]["id"].as_str().unwrap().to_owned(),
            _ => String::new(),
        };
        (client, id)
    }

    /// A token of somebody; its id.
    fn token(&self, email: &str) -> String {
        let issue = (http::Method::Post, "/api/v1/auth/tokens");
        let token = self.console(Some(email), issue, &json!({ "lifetime_s": 3600 }));
        token["id"].as_str().unwrap().to_owned()
    }

    /// A sign-in that can be refreshed: the family's id and its refresh token.
    fn family(&self, email: &str) -> (String, String) {
        let login = json!({
            "tenant": "alpha", "email": email, "password": PASSWORD, "token": true, "refresh": true,
        });
        let made = self.appliance.client().post("/api/v1/auth/login", &login).expect(200).json();
        let refresh = made["refresh_token"].as_str().unwrap().to_owned();
        let list = (http::Method::Get, "/api/v1/auth/token-families");
        let families = self.console(Some(email), list, &Value::Null);
        (families["items"][0]["id"].as_str().unwrap().to_owned(), refresh)
    }

    /// An API key of somebody; its id.
    fn api_key(&self, email: &str) -> String {
        let key = json!({ "name": "machine", "scopes": ["documents.read"] });
        let made = self.console(Some(email), (http::Method::Post, "/api/v1/keys"), &key);
        made["id"].as_str().unwrap().to_owned()
    }

    /// A group of its own; the standing ids with it.
    fn group(&self) -> Ids {
        let group = json!({ "name": format!("Group {}", self.number()), "permissions": [] });
        let made = self.console(Some(ADMIN), (http::Method::Post, "/api/v1/admin/groups"), &group);
        self.with("group", made["id"].as_str().unwrap())
    }

    /// The master key, which is no file while a passphrase protects it.
    fn databases(&self) -> Databases {
        let (data, kept) = (self.appliance.data_dir(), self.appliance.scratch().join("kept.key"));
        let key_file = data.join("master.key");
        if key_file.exists() {
            std::fs::copy(&key_file, &kept).unwrap();
        }
        Databases::open(&data, &kept)
    }

    /// Waits until a change of a tenant's key has ended.
    fn wait_for_rotation(&self, tenant: &str) {
        let path = format!("/api/v1/appliance/tenants/{tenant}/key/rotation");
        for _ in 0..600 {
            let view = self.console(None, (http::Method::Get, &path), &Value::Null);
            if view["state"] == "done" {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the change of the tenant's key does not end");
    }

    /// A document that was read; the standing ids with its own in their places.
    fn document(&self) -> Ids {
        let number = self.number();
        let note = fixtures::markdown("Note", &format!("The gap of P-{number} is {number} mm."));
        let (uploaded, job) = self.admin.ingest(&format!("note-{number}.md"), &note, &[]);
        assert_eq!(job["state"], "done", "{job:#}");
        let mut ids = self.ids.clone();
        for (kind, field) in
            [("document", "document_id"), ("revision", "revision_id"), ("job", "job_id")]
        {
            ids.insert(kind, uploaded[field].as_str().unwrap().to_owned());
        }
        ids
    }

    /// Documents that wait to be read, behind others; the standing ids with the last one's job.
    fn waiting_job(&self) -> Ids {
        let mut ids = self.ids.clone();
        for _ in 0..6 {
            let number = self.number();
            let fact = format!("The gap of P-{number} is {number} mm. ").repeat(200);
            let note = fixtures::markdown("Note", &fact);
            let uploaded = self.admin.upload(&format!("note-{number}.md"), &note, &[]);
            let job = uploaded.expect(202).json()["job_id"].as_str().unwrap().to_owned();
            ids.insert("job", job);
        }
        ids
    }

    fn conversation(&self) -> Ids {
        let ask = (http::Method::Post, "/api/v1/chat");
        let question = json!({ "message": "What is the coupling gap of P-7?", "stream": false });
        let answer = self.console(Some(ADMIN), ask, &question);
        self.with("conversation", answer["conversation_id"].as_str().unwrap())
    }

    /// Something that is remembered for the administrator; the standing ids with it.
    fn memory(&self) -> Ids {
        let allow = (http::Method::Put, "/api/v1/me/memories/consent");
        self.console(Some(ADMIN), allow, &json!({ "allowed": true }));
        let add = (http::Method::Post, "/api/v1/agents/generalist/memories");
        let fact = json!({ "kind": "fact", "text": format!("Line {} is old.", self.number()) });
        let made = self.console(Some(ADMIN), add, &fact);
        self.with("memory", made["id"].as_str().unwrap())
    }

    fn tenant(&self) -> Ids {
        let slug = format!("tenant-{}", self.number());
        let make = (http::Method::Post, "/api/v1/appliance/tenants");
        let made = self.console(None, make, &json!({ "slug": slug, "name": slug }));
        self.with("tenant", made["id"].as_str().unwrap())
    }

    fn with(&self, kind: &'static str, id: &str) -> Ids {
        let mut ids = self.ids.clone();
        ids.insert(kind, id.to_owned());
        ids
    }

    /// A call of the route that succeeds when nothing is broken. What a route needs beyond the
    /// standing objects and the bodies of the other matrices has its row here.
    fn prepare(&self, route: &RouteInfo) -> Case {
        let json = |value: Value| Some(("application/json".to_owned(), value.to_string().into()));
        let standing = || {
            let body = body(route).map(|(kind, bytes)| (kind.to_owned(), bytes.to_vec()));
            Case {
                who: Who::Console(Some(ADMIN.to_owned())),
                target: path(route, &self.ids, None),
                body,
            }
        };
        let on = |ids: &Ids| Case { target: path(route, ids, None), ..standing() };
        let by = |email: String| Case { who: Who::Console(Some(email)), ..standing() };
        let browser = |client: Client| Who::Client(Box::new(client));
        let number = self.number();
        match route.operation {
            "session_open" => {
                let login = json!({ "tenant": "alpha", "email": ADMIN, "password": PASSWORD });
                Case { who: browser(self.appliance.client()), body: json(login), ..standing() }
            }
            "session_end" => Case { who: browser(self.session(ADMIN).0), ..standing() },
            "session_revoke" => {
                let (client, id) = self.session(ADMIN);
                Case { who: browser(client), ..on(&self.with("session", &id)) }
            }
            "profile_change" => {
                Case { body: json(json!({ "display_name": "Changed" })), ..standing() }
            }
            "password_change" => {
                let new = "another long passphrase 0815";
                let change = json!({ "current_password": PASSWORD, "new_password": new });
                Case { body: json(change), ..by(self.person().0) }
            }
            "token_issue" => Case { body: json(json!({ "lifetime_s": 3600 })), ..standing() },
            "token_refresh" => {
                let (_, refresh) = self.family(&self.person().0);
                let who = browser(self.appliance.client());
                Case { who, body: json(json!({ "refresh_token": refresh })), ..standing() }
            }
            "token_family_revoke" => on(&self.with("token family", &self.family(ADMIN).0)),
            "user_token_family_end" => {
                let (email, id) = self.person();
                let mut ids = self.with("user", &id);
                ids.insert("token family", self.family(&email).0);
                on(&ids)
            }
            "key_rotate" | "key_revoke" => on(&self.with("api_key", &self.api_key(ADMIN))),
            "user_key_revoke" => {
                let (email, id) = self.person();
                let mut ids = self.with("user", &id);
                ids.insert("api_key", self.api_key(&email));
                on(&ids)
            }
            "group_create" => {
                let group = json!({ "name": format!("Made {number}"), "permissions": [] });
                Case { body: json(group), ..standing() }
            }
            "group_change" => {
                let change = json!({ "name": format!("Changed {number}") });
                Case { body: json(change), ..on(&self.group()) }
            }
            "group_remove" => on(&self.group()),
            "group_member_add" | "group_member_remove" => {
                let mut ids = self.group();
                ids.insert("user", self.person().1);
                if route.operation == "group_member_remove" {
                    let add = (http::Method::Put, &*path(route, &ids, None));
                    self.console(Some(ADMIN), add, &Value::Null);
                }
                on(&ids)
            }
            "legal_hold_set" | "legal_hold_lift" => {
                Case { body: json(json!({ "reason": "a claim" })), ..standing() }
            }
            "master_key_rotate" | "passphrase_remove" => {
                Case { who: Who::Console(None), ..standing() }
            }
            "passphrase_set" => {
                let set = json!({ "passphrase": PASSPHRASE });
                Case { who: Who::Console(None), body: json(set), ..standing() }
            }
            "shares_make" => {
                let shares = json!({ "threshold": 2, "count": 3 });
                Case { who: Who::Console(None), body: json(shares), ..standing() }
            }
            "tenant_key_rotate" => Case { who: Who::Console(None), ..on(&self.tenant()) },
            "token_revoke" => on(&self.with("token", &self.token(ADMIN))),
            "factor_begin" => {
                let proof = json!({ "current_password": PASSWORD });
                Case { body: json(proof), ..by(self.person().0) }
            }
            "factor_confirm" => {
                let (email, _) = self.person();
                let code = self.begin_factor(&email);
                Case { body: json(json!({ "code": code })), ..by(email) }
            }
            "factor_show" => {
                let (email, _, code) = self.person_with_factor();
                let who = browser(self.session(&email).0);
                Case { who, body: json(json!({ "code": code })), ..standing() }
            }
            "recovery_codes_renew" | "factor_remove" => by(self.person_with_factor().0),
            "user_reset_factor" => on(&self.with("user", &self.person_with_factor().1)),
            "user_change" | "user_reset_password" => on(&self.with("user", &self.person().1)),
            "user_sign_out" | "user_session_end" => {
                let (email, id) = self.person();
                let (_, session) = self.session(&email);
                let mut ids = self.with("user", &id);
                ids.insert("session", session);
                on(&ids)
            }
            "user_token_revoke" => {
                let (email, id) = self.person();
                let mut ids = self.with("user", &id);
                ids.insert("token", self.token(&email));
                on(&ids)
            }
            "administrator_grant" => {
                let grant = json!({ "tenant_id": self.ids["tenant"], "user_id": self.person().1 });
                Case { who: Who::Console(None), body: json(grant), ..standing() }
            }
            "feedback_give" => {
                let ask = (http::Method::Post, "/api/v1/chat");
                let question = json!({ "message": "What is the coupling gap?", "stream": false });
                let answer = self.console(Some(ADMIN), ask, &question);
                let rating = json!({ "message_id": answer["message_id"], "rating": "up" });
                Case { body: json(rating), ..standing() }
            }
            "budgets_set" => {
                let limits = json!({
                    "tenant_day": 1_000_000 + number, "tenant_month": 0, "person_day": 0,
                    "person_month": 0, "overflow": "refuse",
                });
                Case { body: json(limits), ..standing() }
            }
            "openai_embeddings" => {
                let texts = json!({ "model": "all-minilm-l6-v2", "input": "coupling" });
                Case { body: json(texts), ..standing() }
            }
            "openai_chat_completion" => {
                let message = json!({ "role": "user", "content": "What is the coupling gap?" });
                let ask = json!({ "model": "millwright", "messages": [message] });
                Case { body: json(ask), ..standing() }
            }
            "agent_memory_add" => {
                self.memory();
                standing()
            }
            "agent_memory_get" | "agent_memory_forget" => on(&self.memory()),
            "agent_memory_change" => {
                let change = json!({ "text": format!("Works on line {number}.") });
                Case { body: json(change), ..on(&self.memory()) }
            }
            "memory_consent_set" => Case { body: json(json!({ "allowed": true })), ..standing() },
            "workflow_run_start" => Case { body: json(waiting_run()), ..standing() },
            "workflow_run_cancel" => {
                let start = (http::Method::Post, "/api/v1/workflows/runs");
                let run = self.console(Some(ADMIN), start, &waiting_run());
                on(&self.with("workflow run", run["id"].as_str().unwrap()))
            }
            "plan_create" => Case { body: json(plan()), ..standing() },
            "plan_approve" | "plan_reject" => {
                let made =
                    self.console(Some(ADMIN), (http::Method::Post, "/api/v1/plans"), &plan());
                let decision = match route.operation {
                    "plan_approve" => json!({ "digest": made["digest"] }),
                    _ => json!({ "reason": "not now" }),
                };
                let ids = self.with("plan", made["id"].as_str().unwrap());
                Case { body: json(decision), ..on(&ids) }
            }
            "conversation_search" => {
                Case { target: format!("{}?q=coupling", route.path), ..standing() }
            }
            "conversation_delete" => on(&self.conversation()),
            "document_upload" => {
                let boundary = "fail-closed";
                let note = format!(
                    "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; \
                     filename=\"note-{number}.md\"\r\n\r\n# Note {number}\r\n--{boundary}--\r\n"
                );
                let kind = format!("multipart/form-data; boundary={boundary}");
                Case { body: Some((kind, note.into_bytes())), ..standing() }
            }
            "document_delete" | "document_reindex" | "document_change" | "revision_withdraw"
            | "revision_supersede" => on(&self.document()),
            "job_cancel" => on(&self.waiting_job()),
            "settings_change" => {
                Case { body: json(json!({ "user_default_language": "de" })), ..standing() }
            }
            "tenant_create" => {
                let slug = format!("made-{number}");
                let new = json!({ "slug": slug, "name": slug });
                Case { who: Who::Console(None), body: json(new), ..standing() }
            }
            "tenant_suspend" | "tenant_remove" => {
                Case { who: Who::Console(None), ..on(&self.tenant()) }
            }
            "tenant_resume" => {
                let ids = self.tenant();
                let suspend = format!("/api/v1/appliance/tenants/{}/suspend", ids["tenant"]);
                self.console(None, (http::Method::Post, &suspend), &Value::Null);
                Case { who: Who::Console(None), ..on(&ids) }
            }
            _ => standing(),
        }
    }

    /// All rows, and the names of all stored files.
    fn everything(&self, databases: &Databases) -> Vec<String> {
        let mut everything = databases.dump();
        everything.extend(stored_files(&self.appliance.data_dir().join("tenants")));
        everything
    }
}

/// A run that waits for a person.
fn waiting_run() -> Value {
    let gate = json!({ "kind": "gate", "id": "release", "ask": "May it?", "show": "this" });
    json!({ "definition": { "name": "probe", "title": "Probe", "step": gate }, "input": {} })
}

fn plan() -> Value {
    let task = json!({ "id": "ask", "title": "Ask", "kind": "ask", "task": "Which one?" });
    json!({ "goal": "Probe", "tasks": [task] })
}

/// Directories of tenants and original files; not the derived index, nor what belongs to SQLite.
fn stored_files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = vec![dir.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("index") {
                found.push(path.display().to_string());
                waiting.push(path);
            } else if at.ends_with("blobs") {
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn without_its_audit_entry_no_route_changes_or_shows_anything() {
    let plant = Plant::new();
    let mut refused = 0;
    let mut faults = Vec::new();
    for route in routes() {
        let Audit::Entry(_) = route.audit else { continue };
        if ELSEWHERE.iter().any(|(operation, _)| *operation == route.operation) {
            continue;
        }
        let case = plant.prepare(route);
        let databases = plant.databases();
        databases.execute_in_all(REFUSE);
        let before = plant.everything(&databases);
        let (status, text) = plant.send(route.method, &case);
        let after = plant.everything(&databases);
        databases.execute_in_all(ALLOW);
        drop(databases);
        let told: Value = serde_json::from_str(&text).unwrap_or_default();
        // The API that is followed tells its errors in an object of their own.
        let code = told["error"].get("code").unwrap_or(&told["code"]).clone();
        if (status, code.as_str()) != (503, Some("audit_unavailable")) {
            faults.push(format!("{}: {status} {text}", route.operation));
        }
        let changed = after.iter().find(|row| !before.contains(row));
        let gone = before.iter().find(|row| !after.contains(row));
        if changed.is_some() || gone.is_some() {
            faults.push(format!("{} changed {gone:?} to {changed:?}", route.operation));
        }
        let (status, text) = plant.send(route.method, &case);
        if status != route.success_status {
            faults.push(format!("{} fails by itself: {status} {text}", route.operation));
        } else if route.operation == "tenant_key_rotate" {
            let tenant = case.target.split('/').nth(5).unwrap();
            plant.wait_for_rotation(tenant);
        }
        refused += 1;
    }
    println!("audit fail-closed: {refused} routes, {} faults", faults.len());
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(refused >= 40, "the matrix has shrunk to {refused} routes");
    // A server that kept refusing would have passed so far.
    plant.console(Some(ADMIN), (http::Method::Get, "/api/v1/auth/me"), &Value::Null);
}
