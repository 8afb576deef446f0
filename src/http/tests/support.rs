//! An appliance without workers, and clients of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use base::{Clock, OsEntropy, SystemClock};
use http_body_util::BodyExt as _;
use identity::{ExternalIssuer, PasswordSettings, Passwords};
use knowledge::{Library, LibrarySettings};
use models::{
    Encoders, ModelRegistry, ModelWorker, RegistrySettings, Tiers, WorkerCommand, WorkerSettings,
};
use parse::{CageLimits, ParseWorker};
use serde_json::{Value, json};
use store::{OperatorKey, Store, StoreOptions, StoreSettings};
use tower::ServiceExt as _;

use crate::call::PeerAddress;
use crate::console::{Console, ConsoleKey, ConsoleRequest};
use crate::{AppParts, AppState, HttpSettings, Method, Metrics, router};

pub(super) const PASSWORD: &str = "a long enough passphrase 4711";

/// An appliance in a directory of its own. Its workers are never started.
pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) state: Arc<AppState>,
    pub(super) router: Router,
    pub(super) key: ConsoleKey,
    pub(super) console: Console,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(HttpSettings::default())
    }

    pub(super) fn with(settings: HttpSettings) -> Self {
        Self::at(settings, Arc::new(SystemClock))
    }

    pub(super) fn at(settings: HttpSettings, clock: Arc<dyn Clock>) -> Self {
        Self::trusting(settings, clock, |_, _, _| Vec::new())
    }

    /// An appliance that takes tokens of the issuers that `make` makes, from the store, the operator
    /// key and a directory for their keys.
    pub(super) fn trusting(
        settings: HttpSettings,
        clock: Arc<dyn Clock>,
        make: impl FnOnce(&Store, &OperatorKey, &Path) -> Vec<ExternalIssuer>,
    ) -> Self {
        Self::build(settings, StoreSettings::default(), clock, make)
    }

    /// One whose configuration withholds permissions from everybody.
    pub(super) fn withholding(names: &[&str]) -> Self {
        let withheld_permissions = names.iter().map(|name| (*name).to_owned()).collect();
        let settings = StoreSettings { withheld_permissions, ..StoreSettings::default() };
        let clock = Arc::new(SystemClock);
        Self::build(HttpSettings::default(), settings, clock, |_, _, _| Vec::new())
    }

    fn build(
        settings: HttpSettings,
        store_settings: StoreSettings,
        clock: Arc<dyn Clock>,
        make: impl FnOnce(&Store, &OperatorKey, &Path) -> Vec<ExternalIssuer>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            data_dir: dir.path().join("data"),
            key_credential: None,
            key_file: None,
            clock,
            entropy: Arc::new(OsEntropy),
            settings: store_settings,
        };
        let (store, operator) = Store::open(options).unwrap();
        let issuers = make(&store, &operator, dir.path());
        let exe = dir.path().join("no-such-worker");
        let parser = ParseWorker::new(exe.clone(), CageLimits::default());
        let command = WorkerCommand { exe, args: Vec::new() };
        let models = ModelWorker::new(command, WorkerSettings::default(), store.clock());
        let tiers = Tiers::new();
        let registry = ModelRegistry::new(
            store.clone(),
            models.clone(),
            tiers.clone(),
            Encoders::default(),
            RegistrySettings::default(),
        );
        let state = AppState::new(AppParts {
            store,
            tiers,
            models: registry,
            upstreams: Vec::new(),
            passwords: Passwords::new(PasswordSettings::default()),
            library: Library::new(parser, models, Encoders::default(), LibrarySettings::default()),
            cage: Err("not tested here".to_owned()),
            model_cage: Err("not tested here".to_owned()),
            metrics: Metrics::install().unwrap(),
            tls: None,
            issuers,
            settings,
        });
        let router = router(Arc::clone(&state));
        let key = ConsoleKey::new(operator);
        let console = Console::in_process(router.clone(), key.clone());
        Self { dir, state, router, key, console }
    }

    /// A request of the operator, in the only tenant.
    pub(super) async fn operator(&self, method: Method, target: &str, body: Value) -> Reply {
        let mut request = ConsoleRequest::new(method, target);
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = self.console.send(request).await.unwrap();
        let status = response.status.as_u16();
        Reply { status, headers: HeaderMap::new(), body: response.bytes().await.unwrap().to_vec() }
    }

    /// Makes the tenant `alpha`.
    pub(super) async fn tenant(&self) {
        let body = json!({ "slug": "alpha", "name": "Alpha" });
        let made = self.operator(Method::Post, "/api/v1/appliance/tenants", body).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }

    /// Adds a person to the tenant; returns their one-time password.
    pub(super) async fn person(&self, email: &str, role: &str) -> String {
        let body = json!({ "email": email, "display_name": "Somebody", "role": role });
        let made = self.operator(Method::Post, "/api/v1/admin/users", body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["one_time_password"].as_str().unwrap().to_owned()
    }

    /// A client of somebody who has chosen a password and signed in with it.
    pub(super) async fn signed_in(&self, email: &str, role: &str) -> Client {
        let once = self.person(email, role).await;
        let mut client = self.client();
        client.log_in(email, &once).await;
        let change = json!({ "current_password": once, "new_password": PASSWORD });
        let changed = client.post("/api/v1/auth/password", change).await;
        assert_eq!(changed.status, 204, "{}", changed.text());
        client
    }

    /// Nobody.
    pub(super) fn client(&self) -> Client {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Client { router: self.router.clone(), headers: HashMap::new(), address }
    }
}

/// A browser, more or less.
#[derive(Clone)]
pub(super) struct Client {
    router: Router,
    headers: HashMap<&'static str, String>,
    address: IpAddr,
}

impl Client {
    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.to_owned());
        self
    }

    /// The same from another address.
    pub(super) fn at_address(mut self, address: IpAddr) -> Self {
        self.address = address;
        self
    }

    pub(super) async fn log_in(&mut self, email: &str, password: &str) -> Reply {
        let body = json!({ "tenant": "alpha", "email": email, "password": password });
        let reply = self.post("/api/v1/auth/login", body).await;
        if let Some(cookie) = reply.headers.get(header::SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            self.headers.insert("cookie", pair.to_owned());
        }
        reply
    }

    pub(super) async fn get(&self, target: &str) -> Reply {
        self.send("GET", target, Body::empty()).await
    }

    pub(super) async fn post(&self, target: &str, body: Value) -> Reply {
        self.send_json("POST", target, body).await
    }

    pub(super) async fn send_json(&self, method: &str, target: &str, body: Value) -> Reply {
        let client = self.clone().with("content-type", "application/json");
        client.send(method, target, Body::from(body.to_string())).await
    }

    pub(super) async fn send(&self, method: &str, target: &str, body: Body) -> Reply {
        let mut request = Request::builder().method(method).uri(target).header("host", "mill");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(PeerAddress(self.address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
