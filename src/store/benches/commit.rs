//! What group commit is worth: one writer against 64 at once, each acknowledged when change, audit
//! entry and signed checkpoint are on the disk that holds the temporary directory.
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Action, Event};
use base::{OsEntropy, SystemClock};
use store::{NewTenant, Store, StoreError, StoreOptions, StoreSettings, TenantCtx};

const CHANGED: Action = Action::new("setting.changed");
const WRITERS: usize = 64;
const TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), StoreError> {
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
    let scope = store.scope_from_operator(&key, tenant, None).await?;
    let ctx = Arc::new(store.enter(scope, store.new_request_id()?).await?);
    let alone = writes_per_second(&ctx, 1).await?;
    let together = writes_per_second(&ctx, WRITERS).await?;
    println!("1 writer:   {alone:8.0} writes/s");
    println!("{WRITERS} writers: {together:8.0} writes/s, {:.1} times as many", together / alone);
    drop(ctx);
    store.close().await;
    Ok(())
}

async fn writes_per_second(ctx: &Arc<TenantCtx>, writers: usize) -> Result<f64, StoreError> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(Arc::clone(ctx), begun))).collect();
    let mut written = 0_u32;
    for task in tasks {
        written += task.await.map_err(|_| StoreError::Panicked)??;
    }
    Ok(f64::from(written) / begun.elapsed().as_secs_f64())
}

/// Writes one row after the other, and tells how many.
async fn write(ctx: Arc<TenantCtx>, begun: Instant) -> Result<u32, StoreError> {
    let mut written = 0;
    while begun.elapsed() < TIME {
        ctx.write(|tx| {
            let sql = "INSERT INTO settings (name, value) VALUES (hex(randomblob(16)), 'x')";
            tx.execute(sql, [])?;
            tx.commit(Event::new(CHANGED), ())
        })
        .await?;
        written += 1;
    }
    Ok(written)
}
