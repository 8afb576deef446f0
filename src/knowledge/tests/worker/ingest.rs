//! A process that ingests until it is killed.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use base::{OsEntropy, RequestId, SystemClock};
use knowledge::{INGEST_JOB, Library, LibrarySettings, ingest_handler, job_list};
use models::{Encoders, ModelWorker, WorkerCommand, WorkerSettings};
use parse::{CageLimits, ParseWorker};
use store::{JobRunner, Store, StoreOptions, StoreSettings};

type Outcome = Result<(), Box<dyn std::error::Error>>;

pub(crate) fn run(dir: &str, pause_ms: &str) -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let outcome: Outcome = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(ingest(Path::new(dir), pause_ms)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn ingest(dir: &Path, pause_ms: &str) -> Outcome {
    let (store, operator) = Store::open(StoreOptions {
        data_dir: dir.to_owned(),
        key_credential: None,
        key_file: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        settings: StoreSettings::default(),
    })?;
    let exe = std::env::current_exe()?;
    let args = ["worker", "model", pause_ms].map(str::to_owned).to_vec();
    let command = WorkerCommand { exe: exe.clone(), args };
    let models = ModelWorker::new(command, WorkerSettings::default(), Arc::new(SystemClock));
    let settings = LibrarySettings { embed_batch_chunks: 1, page_batch: 1, ..Default::default() };
    let library = Library::new(
        ParseWorker::new(exe, CageLimits::default()),
        models,
        Encoders::default(),
        settings,
    );
    let tenant = store.tenant_id_by_slug("plant").ok_or("no tenant")?;
    let scope = store.scope_from_operator(&operator, tenant, None).await?;
    let ctx = store.enter(scope, RequestId::new(store.now(), store.entropy())?).await?;
    let handlers = HashMap::from([(INGEST_JOB, ingest_handler(library))]);
    tokio::spawn(JobRunner::new(store.clone(), handlers).run());
    let mut told = None;
    loop {
        let page = job_list(policy::authorize(&ctx)?, None, 10).await?;
        let embedded: i64 = ctx
            .read(|tx| {
                let sql = "SELECT count(*) FROM embeddings";
                tx.query_row(sql, [], |row| row.get(0))
            })
            .await?;
        let job = page.jobs.first();
        let now = job.map(|job| (job.state.as_str(), job.progress_done, embedded));
        if now != told {
            told = now;
            let mut out = std::io::stdout().lock();
            if let Some((state, done, embedded)) = now {
                writeln!(out, "{state} {done} {embedded}")?;
                out.flush()?;
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
