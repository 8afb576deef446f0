//! Ingestion under bad circumstances: cancelled, killed, an index that is gone.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use base::Coded as _;
use knowledge::{
    LibrarySettings, NewRevision, RevisionState, document_delete, document_reindex, job_cancel,
    job_get,
};
use policy::authorize;
use store::JobState;

use crate::plant::{Plant, WORKER};

/// A manual of many sections, long enough for a dozen chunks or more.
fn manual() -> String {
    let mut text = String::from("# Pump station\n\n");
    for section in 1..=40 {
        text.push_str(&format!("## {section} Section {section}\n\n"));
        for sentence in 1..=12 {
            text.push_str(&format!(
                "Part {section}-{sentence} of the station is checked every {} hours by the crew \
                 of shift {sentence} and tightened to {} N·m before the valve is opened. ",
                section * 10,
                section + sentence,
            ));
        }
        text.push_str("\n\n");
    }
    text
}

type ChunkRow = (i64, String, String, Vec<u8>, Vec<u8>);

/// What was made of the only revision: ordinal, headings, text, embedding, code.
async fn chunks(plant: &Plant) -> Vec<ChunkRow> {
    let ctx = plant.console().await;
    ctx.read(|tx| {
        tx.query_all(
            "SELECT ordinal, heading_path, text, embedding, code FROM chunks c
                 LEFT JOIN embeddings e ON e.chunk_id = c.id
                 LEFT JOIN embedding_codes b ON b.chunk_id = c.id ORDER BY ordinal",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)),
        )
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_ends_like_an_undisturbed_one() {
    let undisturbed = tempfile::tempdir().unwrap();
    let plant = Plant::at(undisturbed.path()).await;
    plant.add(NewRevision::named("manual.md"), &manual()).await;
    let expected = chunks(&plant).await;
    assert!(expected.len() >= 10, "{} chunks are too few to be interrupted", expected.len());

    let killed = tempfile::tempdir().unwrap();
    let plant = Plant::at(killed.path()).await;
    let uploaded = plant.upload(NewRevision::named("manual.md"), &manual()).await.unwrap();
    plant.close().await;
    // A job is given up after three tries, so it is killed twice: early, and deep in the embedding.
    for kill_at in [4, 20] {
        kill_when(killed.path(), kill_at);
    }
    let plant = Plant::at(killed.path()).await;
    plant.work().await;
    let document = plant.document(&uploaded).await;
    assert_eq!(document.current.state, RevisionState::Ready, "{:?}", document.current.error);
    assert!(chunks(&plant).await == expected, "other chunks than the undisturbed run");
    let ctx = plant.console().await;
    assert!(!plant.search(&ctx, "\"Section 17\"").await.is_empty());
}

/// Starts a process that ingests, and kills it after so many lines of progress.
fn kill_when(dir: &Path, lines: usize) {
    let mut child = Command::new(WORKER)
        .args(["ingest", dir.to_str().unwrap(), "30"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let told = out.lines().take(lines).count();
    assert_eq!(told, lines, "the process ended by itself");
    // SIGKILL.
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_is_cancelled_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.upload(NewRevision::named("manual.md"), &manual()).await.unwrap();
    let ctx = plant.console().await;
    let job = job_cancel(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(plant.document(&uploaded).await.current.state, RevisionState::Cancelled);
    let twice = job_cancel(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap_err();
    assert_eq!(twice.code(), "job_ended");
    // The same bytes may be uploaded again, since nothing became of them.
    let again = plant.add(NewRevision::named("manual.md"), &manual()).await;
    assert_eq!(again.revision_number, 2);
    assert_eq!(plant.document(&again).await.current.state, RevisionState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_is_cancelled_between_two_batches() {
    let dir = tempfile::tempdir().unwrap();
    let settings = LibrarySettings { embed_batch_chunks: 1, ..Default::default() };
    let plant = Plant::with(dir.path(), &["50"], settings).await;
    let uploaded = plant.upload(NewRevision::named("manual.md"), &manual()).await.unwrap();
    plant.start_working();
    let ctx = plant.console().await;
    loop {
        let job = job_get(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap();
        if job.progress_total.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    job_cancel(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap();
    plant.work().await;
    let job = job_get(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(plant.document(&uploaded).await.current.state, RevisionState::Cancelled);
    assert_eq!(chunks(&plant).await.len(), 0, "partial chunks are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_deleted_while_it_is_read_leaves_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let settings = LibrarySettings { embed_batch_chunks: 1, ..Default::default() };
    let plant = Plant::with(dir.path(), &["50"], settings).await;
    let uploaded = plant.upload(NewRevision::named("manual.md"), &manual()).await.unwrap();
    plant.start_working();
    let ctx = plant.console().await;
    loop {
        let job = job_get(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap();
        if job.progress_done > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    document_delete(authorize(&ctx).unwrap(), uploaded.document_id).await.unwrap();
    plant.work().await;
    let job = job_get(authorize(&ctx).unwrap(), uploaded.job_id).await.unwrap();
    assert_eq!(job.state, JobState::Cancelled);
    let rows = ctx.read(|tx| {
        let count = "SELECT (SELECT count(*) FROM pages) + (SELECT count(*) FROM chunks)";
        tx.query_row(count, [], |row| row.get::<_, u32>(0))
    });
    assert_eq!(rows.await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reindexed_document_has_the_same_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.add(NewRevision::named("manual.md"), &manual()).await;
    let before = chunks(&plant).await;
    let ctx = plant.console().await;
    document_reindex(authorize(&ctx).unwrap(), uploaded.document_id).await.unwrap();
    plant.work().await;
    assert!(chunks(&plant).await == before);
    assert!(!plant.search(&ctx, "\"Section 17\"").await.is_empty());
    assert_eq!(plant.document(&uploaded).await.current.state, RevisionState::Ready);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_or_damaged_index_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(NewRevision::named("manual.md"), &manual()).await;
    let index = dir.path().join("tenants").join(plant.tenant.to_string()).join("index");
    plant.close().await;
    for damage in [Damage::Remove, Damage::Truncate, Damage::Overwrite] {
        damage.apply(&index);
        let plant = Plant::at(dir.path()).await;
        let ctx = plant.console().await;
        assert!(!plant.search(&ctx, "\"Section 17\"").await.is_empty(), "{damage:?}");
        drop(ctx);
        plant.close().await;
    }
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Remove,
    Truncate,
    Overwrite,
}

impl Damage {
    fn apply(self, index: &Path) {
        let mut touched = 0;
        for entry in std::fs::read_dir(index).unwrap() {
            let path = entry.unwrap().path();
            if !path.is_file() {
                continue;
            }
            touched += 1;
            match self {
                Self::Remove => std::fs::remove_file(&path).unwrap(),
                Self::Truncate => {
                    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
                }
                Self::Overwrite => {
                    let size = std::fs::metadata(&path).unwrap().len();
                    std::fs::write(&path, vec![7; usize::try_from(size).unwrap()]).unwrap();
                }
            }
        }
        assert!(touched > 0, "there is no index on disk");
    }
}
