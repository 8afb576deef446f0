//! Language models in the control database.

use super::*;

fn new(hash: u8, name: &str) -> NewModelRow {
    NewModelRow {
        hash: [hash; 32],
        name: name.to_owned(),
        size_bytes: 7,
        facts: r#"{"architecture":"llama"}"#.to_owned(),
    }
}

#[tokio::test]
async fn models_are_kept_with_their_trial_and_their_tiers() {
    let ground = Ground::new();
    let opened = ground.open();
    let (store, scope) = (&opened.store, opened.appliance());
    store.model_insert(&scope, opened.request(), new(1, "small")).await.unwrap();
    store.model_insert(&scope, opened.request(), new(2, "Large")).await.unwrap();
    for taken in [new(3, "SMALL"), new(1, "other")] {
        let error = store.model_insert(&scope, opened.request(), taken).await.unwrap_err();
        assert_eq!(error.violation().unwrap().field, "name");
    }
    let measured = ModelMeasurement {
        at: store.now(),
        prompt_tokens_per_s: 100.5,
        generation_tokens_per_s: Some(10.25),
        peak_memory_bytes: 1 << 33,
    };
    store.model_measured(&scope, opened.request(), [1; 32], measured).await.unwrap();
    assert!(store.model_measured(&scope, opened.request(), [9; 32], measured).await.is_err());
    let assign = |tier, hashes| store.model_assign(&scope, opened.request(), tier, hashes);
    assign("light", vec![[1; 32]]).await.unwrap();
    assign("heavy", vec![[2; 32], [1; 32]]).await.unwrap();
    // A list that can't stand leaves the one before.
    assert!(assign("heavy", vec![[1; 32], [1; 32]]).await.is_err());
    assert!(assign("heavy", vec![[9; 32]]).await.is_err());
    opened.close().await;

    let opened = ground.open();
    let (store, scope) = (&opened.store, opened.appliance());
    let rows = store.model_rows().await.unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["Large", "small"]);
    assert_eq!(rows[1].measured, Some(measured));
    assert_eq!((rows[0].measured, rows[0].imported_by.as_str()), (None, "console"));
    let assigned = store.model_assignments().await.unwrap();
    let pair = |tier: &str, hash: u8| (tier.to_owned(), [hash; 32]);
    assert_eq!(assigned, [pair("heavy", 2), pair("heavy", 1), pair("light", 1)]);
    store.model_verified(&scope, opened.request(), [2; 32], false).await.unwrap();
    store.model_remove(&scope, opened.request(), [1; 32]).await.unwrap();
    assert!(store.model_remove(&scope, opened.request(), [1; 32]).await.is_err());
    assert_eq!(store.model_assignments().await.unwrap(), [pair("heavy", 2)]);
    opened.assert_logs_are_sound();
    opened.close().await;
}
