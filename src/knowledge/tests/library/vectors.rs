//! Vectors of record and their codes, as the database keeps them.

use std::time::Duration;

use base::Entropy as _;
use knowledge::vector::BinaryCode;
use knowledge::{LibrarySettings, NewRevision, document_delete, document_reindex};
use models::Embedding;
use policy::authorize;
use store::TenantCtx;

use crate::plant::Plant;

const PUMP: &str = "# Pump\n\n## Torques\n\nTighten the flange bolts to 90 N·m.\n\n## Seal\n\n\
    The mechanical seal HS-43 is replaced every 8,000 hours.\n";

/// Numbers of both signs and zeros of both signs.
fn embedding(seed: u64) -> Embedding {
    let mut bytes = [0; 384];
    base::SeededEntropy::new(seed).fill(&mut bytes).unwrap();
    let number = |byte: u8| match byte {
        0..16 => 0.0,
        16..32 => -0.0,
        _ => f32::from(byte) - 140.5,
    };
    Embedding::normalise(bytes.map(number)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_makes_the_codes_that_the_index_makes() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let ctx = plant.console().await;
    ctx.read(|tx| {
        for seed in 0..200 {
            let embedding = embedding(seed);
            let code: Vec<u8> =
                tx.query_row("SELECT vec_quantize_binary(?1)", [embedding.to_le_bytes()], |row| {
                    row.get(0)
                })?;
            assert_eq!(BinaryCode::from_bytes(&code), Some(BinaryCode::of(&embedding)));
        }
        Ok::<_, store::StoreError>(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_question_waits_for_the_worker_to_start() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    plant.add(NewRevision::named("pump.md"), PUMP).await;
    plant.close().await;
    let hurry = LibrarySettings { query_timeout: Duration::ZERO, ..Default::default() };
    let plant = Plant::with(dir.path(), &[], hurry).await;
    let ctx = plant.console().await;
    // A worker that has to be started needs longer than that.
    let results = plant.results(&ctx, "flange bolts").await;
    assert_eq!(results.degraded, None);
    assert!(results.passages[0].scores.vector > 0.0);
}

/// Number of chunks, of embeddings and of codes; every code is that of its embedding.
async fn counts(ctx: &TenantCtx) -> (usize, usize, usize) {
    ctx.read(|tx| {
        let count = |sql: &str| tx.query_all(sql, [], |_| Ok(())).map(|rows| rows.len());
        tx.query_each(
            "SELECT embedding, code FROM embeddings JOIN embedding_codes USING (chunk_id)",
            [],
            |row| {
                let embedding = Embedding::from_le_bytes(&row.get::<_, Vec<u8>>(0)?).unwrap();
                let code = BinaryCode::from_bytes(&row.get::<_, Vec<u8>>(1)?);
                assert_eq!(code, Some(BinaryCode::of(&embedding)));
                Ok::<_, store::StoreError>(())
            },
        )?;
        Ok::<_, store::StoreError>((
            count("SELECT 1 FROM chunks")?,
            count("SELECT 1 FROM embeddings")?,
            count("SELECT 1 FROM embedding_codes")?,
        ))
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_come_and_go_with_their_chunks() {
    let dir = tempfile::tempdir().unwrap();
    let plant = Plant::at(dir.path()).await;
    let uploaded = plant.add(NewRevision::named("pump.md"), PUMP).await;
    let ctx = plant.console().await;
    let (chunks, embeddings, codes) = counts(&ctx).await;
    assert!(chunks > 0);
    assert_eq!((embeddings, codes), (chunks, chunks));
    document_reindex(authorize(&ctx).unwrap(), uploaded.document_id).await.unwrap();
    plant.work().await;
    assert_eq!(counts(&ctx).await, (chunks, chunks, chunks), "the old ones are gone");
    document_delete(authorize(&ctx).unwrap(), uploaded.document_id).await.unwrap();
    assert_eq!(counts(&ctx).await, (0, 0, 0));
}
