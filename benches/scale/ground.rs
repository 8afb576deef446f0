//! A data directory with one tenant and many chunks, made through the store.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Action, Event};
use base::{OsEntropy, SystemClock, TenantId, UserId};
use knowledge::{Library, LibrarySettings};
use models::{Encoders, ModelWorker, WorkerCommand, WorkerSettings};
use parse::{CageLimits, ParseWorker};
use store::sql::params;
use store::{
    NewTenant, OperatorKey, Store, StoreError, StoreOptions, StoreSettings, TenantCtx, WriteTx,
};

use crate::Outcome;
use crate::synthetic::{Random, World};

/// Executable of the product, for its workers.
const EXE: &str = env!("CARGO_BIN_EXE_millwright");

/// Chunks of one revision.
const REVISION_CHUNKS: usize = 2_000;

/// Chunks of one commit.
const COMMIT_CHUNKS: usize = 10_000;

const SYNTHESISED: Action = Action::new("chunks.synthesised");

/// An open data directory.
pub(crate) struct Ground {
    store: Store,
    operator: OperatorKey,
    tenant: TenantId,
    reader: UserId,
    pub(crate) library: Library,
}

/// The one who asks: may see INTERNAL documents and nothing that is export-controlled.
const READER: [u8; 16] = [7; 16];

impl Ground {
    pub(crate) async fn open(dir: &Path) -> Outcome<Self> {
        let options = StoreOptions {
            data_dir: dir.to_owned(),
            key_credential: None,
            key_file: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
            settings: StoreSettings::default(),
        };
        let (store, operator) = tokio::task::spawn_blocking(|| Store::open(options)).await??;
        let tenant = match store.tenant_id_by_slug("scale") {
            Some(tenant) => tenant,
            None => {
                let scope = store.appliance_scope(&operator);
                let new = NewTenant { slug: "scale".into(), name: "Scale".into() };
                store.tenant_create(&scope, store.new_request_id()?, new).await?.id
            }
        };
        let command =
            WorkerCommand { exe: EXE.into(), args: vec!["worker".into(), "model".into()] };
        let models = ModelWorker::new(command, WorkerSettings::default(), store.clock());
        let parser = ParseWorker::new(EXE, CageLimits::default());
        let library = Library::new(parser, models, Encoders::default(), LibrarySettings::default());
        Ok(Self { store, operator, tenant, reader: UserId::from_bytes(READER), library })
    }

    /// Fills an empty tenant; `None` when it was filled by an earlier run.
    pub(crate) async fn fill(&self, chunks: usize) -> Outcome<Option<Duration>> {
        let ctx = Arc::new(self.enter(None).await?);
        let filled: i64 = ctx
            .read(|tx| tx.query_row("SELECT count(*) FROM users", [], |row| row.get(0)))
            .await
            .map_err(|error: StoreError| error)?;
        if filled > 0 {
            return Ok(None);
        }
        let begun = Instant::now();
        let world = Arc::new(World::new());
        let mut done = 0;
        while done < chunks {
            let count = COMMIT_CHUNKS.min(chunks - done);
            let world = Arc::clone(&world);
            ctx.write(move |tx| {
                let mut random = Random::new(done as u64 + 2);
                for first in (0..count).step_by(REVISION_CHUNKS) {
                    let size = REVISION_CHUNKS.min(count - first);
                    document(&tx, &world, &mut random, size)?;
                }
                tx.commit(Event::new(SYNTHESISED), ())
            })
            .await?;
            done += count;
        }
        ctx.write(|tx| {
            reader_insert(&tx)?;
            tx.execute("UPDATE retrieval_generation SET generation = generation + 1", [])?;
            tx.commit(Event::new(SYNTHESISED), ())
        })
        .await
        .map_err(|error: StoreError| error)?;
        Ok(Some(begun.elapsed()))
    }

    /// A context of the one who asks.
    pub(crate) async fn reader(&self) -> Outcome<TenantCtx> {
        self.enter(Some(self.reader)).await
    }

    /// A context of the console.
    pub(crate) async fn console(&self) -> Outcome<TenantCtx> {
        self.enter(None).await
    }

    async fn enter(&self, user: Option<UserId>) -> Outcome<TenantCtx> {
        let scope = self.store.scope_from_operator(&self.operator, self.tenant, user).await?;
        Ok(self.store.enter(scope, self.store.new_request_id()?).await?)
    }

    pub(crate) async fn close(self) {
        self.library.models().shut_down().await;
        self.store.close().await;
    }
}

fn reader_insert(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO users (id, email, display_name, role, clearance, export_eligible, language,
             status, password_hash, must_change_password, created_at, updated_at)
         VALUES (?1, 'reader@plant.example', 'Reader', 'operator', 'INTERNAL', 0, 'en', 'active',
             '', 0, 0, 0)",
        [READER],
    )?;
    Ok(())
}

/// A document with one revision: one in eight is withdrawn, superseded or above the reader's
/// rights, so that the filters have something to hide.
fn document(
    tx: &WriteTx<'_>,
    world: &World,
    random: &mut Random,
    chunks: usize,
) -> Result<(), StoreError> {
    let (document, revision) = (random.id(), random.id());
    let key = format!("manual-{:016x}", random.next());
    let (validity, classification, export_control) = match random.below(24) {
        0 => ("withdrawn", "INTERNAL", "none"),
        1 => ("valid", "RESTRICTED", "none"),
        2 => ("valid", "INTERNAL", "controlled"),
        n if n % 2 == 0 => ("valid", "PUBLIC", "none"),
        _ => ("valid", "INTERNAL", "none"),
    };
    tx.execute(
        "INSERT INTO documents (id, key, title, created_at, created_by, updated_at)
         VALUES (?1, ?2, ?3, 0, 'bench', 0)",
        params![document, key, format!("Manual {key}")],
    )?;
    tx.execute(
        "INSERT INTO revisions (id, document_id, number, file_name, format, size_bytes, sha256,
             state, validity, classification, export_control, language, tags, metadata, page_count,
             uploaded_at, uploaded_by)
         VALUES (?1, ?2, 1, ?3, 'pdf', 1, randomblob(32), 'ready', ?4, ?5, ?6, 'en', '[\"bench\"]',
             '{}', ?7, 0, 'bench')",
        params![
            revision,
            document,
            format!("{key}.pdf"),
            validity,
            classification,
            export_control,
            i64::try_from(chunks / 4 + 1).unwrap_or(1)
        ],
    )?;
    for ordinal in 0..i64::try_from(chunks).unwrap_or(i64::MAX) {
        chunk(tx, world, random, &revision, ordinal)?;
    }
    Ok(())
}

fn chunk(
    tx: &WriteTx<'_>,
    world: &World,
    random: &mut Random,
    revision: &[u8; 16],
    ordinal: i64,
) -> Result<(), StoreError> {
    let text = world.text(random);
    // Version 1 of the format, and no lines.
    let boxes: &[u8] = &[1, 0];
    let id = tx.insert(
        "INSERT INTO chunks (revision_id, ordinal, page_first, page_last, heading_path, kind, text,
             token_count, language, boxes)
         VALUES (?1, ?2, ?3, ?3, ?4, 'prose', ?5, 120, 'en', ?6)",
        params![
            revision,
            ordinal,
            ordinal / 4 + 1,
            format!("[\"{} Section\"]", ordinal / 20 + 1),
            text,
            boxes
        ],
    )?;
    let embedding = world.embedding(random).ok_or(StoreError::Corrupt("a synthetic vector"))?;
    tx.execute(
        "INSERT INTO embeddings (chunk_id, embedding) VALUES (?1, ?2)",
        params![id, embedding.to_le_bytes()],
    )?;
    tx.execute(
        "INSERT INTO embedding_codes (chunk_id, code) VALUES (?1, vec_quantize_binary(?2))",
        params![id, embedding.to_le_bytes()],
    )?;
    Ok(())
}
