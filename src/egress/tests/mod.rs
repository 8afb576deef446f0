//! The door through its public face, against real listeners on this machine. Only the name service
//! is made up.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod allowed;
mod ends;
mod refused;
mod server;
mod streams;
mod tls;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use base::{OsEntropy, SystemClock};
use hyper::body::Bytes;
use hyper::{Request, Response};
use parking_lot::Mutex;
use serde_json::Value;
use store::{AuditFilter, OperatorKey, Store, StoreOptions, StoreSettings};
use tempfile::TempDir;

use crate::outside::{Addresses, Resolver};
use crate::{CallLimits, Door, EgressError, Entry, Loopback};
use server::Server;

/// The connector of the tests.
const CONNECTOR: &str = "historian";

/// The name by which the test's server is known.
const NAME: &str = "historian.plant.example";

/// A store to record in.
struct Ground {
    store: Store,
    key: OperatorKey,
    dir: TempDir,
}

impl Ground {
    async fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap()).await
    }

    async fn on(dir: TempDir) -> Self {
        let options = StoreOptions {
            data_dir: dir.path().join("data"),
            key_credential: None,
            key_file: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let opened = tokio::task::spawn_blocking(move || Store::open(options)).await.unwrap();
        let (store, key) = opened.unwrap();
        Self { store, key, dir }
    }

    /// The same directory, opened anew without the log's signed checkpoint: read-only.
    async fn damaged(self) -> Self {
        let Self { store, key, dir } = self;
        store.close().await;
        drop((store, key));
        std::fs::remove_file(dir.path().join("data/control.checkpoint")).unwrap();
        Self::on(dir).await
    }

    fn door(&self, entry: Entry, names: &Names) -> Door {
        Door::with_resolver(vec![entry], self.store.clone(), Box::new(names.clone())).unwrap()
    }

    /// The records of all calls, oldest first.
    async fn records(&self) -> Vec<Value> {
        let scope = self.store.appliance_scope(&self.key);
        let filter = AuditFilter { action: Some("egress.".into()), ..AuditFilter::default() };
        let mut rows = self.store.appliance_audit(&scope, filter, 100).await.unwrap().rows;
        rows.reverse();
        let text = |row: &store::AuditRow| String::from_utf8(row.entry.canonical()).unwrap();
        rows.iter().map(|row| serde_json::from_str(&text(row)).unwrap()).collect()
    }

    /// The record of the only call.
    #[track_caller]
    fn only(records: Vec<Value>) -> Value {
        assert_eq!(records.len(), 1, "{records:#?}");
        records.into_iter().next().unwrap()
    }
}

/// A name service that says what it is told, and counts how often it is asked.
#[derive(Clone, Default)]
struct Names {
    known: Arc<Mutex<HashMap<String, Vec<IpAddr>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Names {
    fn of(name: &str, addresses: &[&str]) -> Self {
        let names = Self::default();
        names.say(name, addresses);
        names
    }

    fn say(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        self.known.lock().insert(name.to_owned(), addresses);
    }

    fn times_asked(&self) -> usize {
        self.asked.lock().len()
    }
}

impl Resolver for Names {
    fn addresses<'a>(&'a self, host: &'a str) -> Addresses<'a> {
        self.asked.lock().push(host.to_owned());
        let found = self.known.lock().get(host).cloned();
        Box::pin(async move { found.ok_or_else(|| std::io::ErrorKind::NotFound.into()) })
    }
}

/// The entry that allows this URL, on this machine, with a short patience.
fn entry(url: &str) -> Entry {
    let mut entry = Entry::from_url(CONNECTOR, url).unwrap();
    entry.loopback = Loopback::Allow;
    entry.limits = CallLimits { timeout_ms: 5_000, ..CallLimits::default() };
    entry
}

fn post(url: &str, body: &'static str) -> Request<Bytes> {
    Request::post(url).body(Bytes::from(body)).unwrap()
}

#[track_caller]
fn code(result: Result<Response<Bytes>, EgressError>) -> &'static str {
    result.err().map_or("none", |error| error.code())
}
