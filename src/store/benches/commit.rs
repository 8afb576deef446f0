//! What group commit is worth: one writer, who commits one entry after the other, against 64 at once.
//! Each is acknowledged when entry and signed checkpoint are on the disk that holds the temporary
//! directory: two syncs per commit. Ends with an error when 64 writers append less than twenty times
//! as many entries as one.
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

use std::fs::File;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Action, Event};
use base::{OsEntropy, SystemClock};
use store::{NewTenant, Store, StoreError, StoreOptions, StoreSettings, TenantCtx};

const CHANGED: Action = Action::new("setting.changed");
const READ: Action = Action::new("page.read");
const WRITERS: usize = 64;
const TIME: Duration = Duration::from_secs(5);

/// How many times as many entries 64 writers are to append as one.
const RATIO_LEAST: f64 = 20.0;

/// What a writer does again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// An entry by itself.
    Append,
    /// A row with a random key, and its entry.
    Change,
}

#[tokio::main]
async fn main() -> Result<ExitCode, StoreError> {
    let dir = tempfile::tempdir()
        .map_err(|source| StoreError::Io { what: "making a temporary directory", source })?;
    let sync = sync_time(&dir.path().join("sync"))
        .map_err(|source| StoreError::Io { what: "syncing a file", source })?;
    println!("one sync of 4 KiB: {:.0} µs", sync.as_secs_f64() * 1e6);
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
    let appended = ratio(&ctx, Work::Append, "entries").await?;
    ratio(&ctx, Work::Change, "changes with their entries").await?;
    drop(ctx);
    store.close().await;
    if appended < RATIO_LEAST {
        println!("below {RATIO_LEAST:.0} times as many entries");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn ratio(ctx: &Arc<TenantCtx>, work: Work, what: &str) -> Result<f64, StoreError> {
    let alone = per_second(ctx, 1, work).await?;
    let together = per_second(ctx, WRITERS, work).await?;
    println!(
        "{what}: 1 writer {alone:.0}/s, {WRITERS} writers {together:.0}/s, {:.1} times as many",
        together / alone
    );
    Ok(together / alone)
}

async fn per_second(ctx: &Arc<TenantCtx>, writers: usize, work: Work) -> Result<f64, StoreError> {
    let begun = Instant::now();
    let tasks: Vec<_> =
        (0..writers).map(|_| tokio::spawn(write(Arc::clone(ctx), begun, work))).collect();
    let mut written = 0_u32;
    for task in tasks {
        written += task.await.map_err(|_| StoreError::Panicked)??;
    }
    Ok(f64::from(written) / begun.elapsed().as_secs_f64())
}

/// Writes one after the other, and tells how many.
async fn write(ctx: Arc<TenantCtx>, begun: Instant, work: Work) -> Result<u32, StoreError> {
    let mut written = 0;
    while begun.elapsed() < TIME {
        match work {
            Work::Append => ctx.record(Event::new(READ)).await?,
            Work::Change => {
                ctx.write(|tx| {
                    let sql = "INSERT INTO settings (name, value)
                               VALUES (hex(randomblob(16)), 'x')";
                    tx.execute(sql, [])?;
                    tx.commit(Event::new(CHANGED), ())
                })
                .await?;
            }
        }
        written += 1;
    }
    Ok(written)
}

/// What one sync of the disk costs here, as the mean of many.
fn sync_time(path: &std::path::Path) -> std::io::Result<Duration> {
    const SYNCS: u32 = 200;
    let mut file = File::create(path)?;
    let begun = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
    }
    Ok(begun.elapsed() / SYNCS)
}
