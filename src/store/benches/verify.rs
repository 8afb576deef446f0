//! Verifying a log of a million entries, as `millwright audit verify` does: decrypted, hashed, each
//! checked for its one spelling, the root compared with the signed checkpoint. Ends with an error when
//! it takes longer than ten seconds or finds anything. Takes about 700 MB of the temporary directory.
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Action, Event};
use base::{Classification, OsEntropy, SystemClock};
use serde_json::json;
use store::{
    NewTenant, Store, StoreError, StoreOptions, StoreSettings, TenantCtx, verify_data_dir,
};

const ENTRIES: u64 = 1_000_000;
const TOGETHER: u64 = 2_000;
const TIME_MOST: Duration = Duration::from_secs(10);
const ROUNDS: u32 = 3;

const SHOWN: Action = Action::new("passages.shown");
const READ: Action = Action::new("page.read");

#[tokio::main]
async fn main() -> Result<ExitCode, StoreError> {
    let dir = tempfile::tempdir()
        .map_err(|source| StoreError::Io { what: "making a temporary directory", source })?;
    let (store, key) = Store::open(StoreOptions {
        data_dir: dir.path().join("data"),
        key_credential: None,
        key_file: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        settings: StoreSettings::default(),
    })?;
    let new = NewTenant { slug: "bench".into(), name: "Bench".into() };
    let appliance = store.appliance_scope(&key);
    let tenant = store.tenant_create(&appliance, store.new_request_id()?, new).await?.id;
    let begun = Instant::now();
    while write_many(&store, &key, tenant).await? < ENTRIES {}
    println!("written in {:.1} s", begun.elapsed().as_secs_f64());
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let verified = tokio::task::spawn_blocking({
            let store = store.clone();
            move || verify_data_dir(&store, Some(tenant))
        });
        let outcomes = verified.await.map_err(|_| StoreError::Panicked)??;
        let took = begun.elapsed();
        best = best.min(took);
        for outcome in outcomes {
            let report = outcome.report?;
            println!("{} entries verified in {:.2} s", report.size, took.as_secs_f64());
            if let Some(finding) = report.finding {
                println!("found: {}", finding.what);
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    store.close().await;
    if best > TIME_MOST {
        println!("above {} s", TIME_MOST.as_secs());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Some thousand entries in one commit; returns how many there are then.
async fn write_many(
    store: &Store,
    key: &store::OperatorKey,
    tenant: base::TenantId,
) -> Result<u64, StoreError> {
    let scope = store.scope_from_operator(key, tenant, None).await?;
    let ctx: TenantCtx = store.enter(scope, store.new_request_id()?).await?;
    ctx.write(|mut tx| {
        for _ in 1..TOGETHER {
            let index = tx.audit_index();
            tx.record(event(index))?;
        }
        let index = tx.audit_index();
        tx.commit(event(index), index + 1)
    })
    .await
}

/// What most entries of a plant are: passages that were shown, pages that were read.
fn event(index: u64) -> Event {
    let label = base::Label { classification: Classification::Internal, ..base::Label::TYPED };
    let revision = format!("0190b6a1-7c3e-7d42-8b1f-{index:012x}");
    if index.is_multiple_of(2) {
        let chunks: Vec<u64> = (0..8).map(|n| index + n).collect();
        let detail = json!({ "chunks": chunks, "revisions": [revision] });
        Event::new(SHOWN).detail(detail).label(label)
    } else {
        Event::new(READ).object("revision", revision).detail(json!({ "page": 7 })).label(label)
    }
}
