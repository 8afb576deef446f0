//! What was computed is used again, by the same tenant alone.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use models::{LoadOptions, PrefixScope};

use crate::plant::{OPTIONS, PATIENT, Plant, chat};

#[tokio::test]
async fn a_prompt_that_begins_alike_is_not_computed_again() {
    let plant = Plant::new().await;
    let evidence = "The flange of P-101 is tightened with 25 Nm. ".repeat(20);
    let first = chat(&format!("{evidence} Which torque?"), 16);
    let second = chat(&format!("{evidence} Which pump?"), 16);
    let cold = plant.generate(&first).await.unwrap();
    assert_eq!(cold.usage.cached_tokens, 0);
    let warm = plant.generate(&second).await.unwrap();
    assert!(warm.usage.cached_tokens > 800, "{:?}", warm.usage);
    // From the cache comes what would have been computed.
    let fresh = Plant::new().await;
    assert_eq!(fresh.generate(&second).await.unwrap().text, warm.text);
}

#[tokio::test]
async fn a_prompt_of_more_than_half_the_context_uses_what_it_shares() {
    let plant = Plant::new().await;
    plant.worker.unload_model(plant.model, PATIENT).await.unwrap();
    let options = LoadOptions { context_tokens: 2048, parallel: 1, ..OPTIONS };
    let file = Arc::new(OwnedFd::from(File::open(&plant.path).unwrap()));
    plant.worker.load_model(plant.model, file, options, PATIENT).await.unwrap();
    let evidence = "The flange of P-101 is tightened with 25 Nm. ".repeat(30);
    plant.generate(&chat(&format!("{evidence} Which torque?"), 16)).await.unwrap();
    let warm = plant.generate(&chat(&format!("{evidence} Which pump?"), 16)).await.unwrap();
    assert!(warm.usage.cached_tokens > 1300, "{:?}", warm.usage);
}

#[tokio::test]
async fn another_tenant_computes_it_anew() {
    let plant = Plant::new().await;
    let mut input = chat(&"The same words as before. ".repeat(20), 4);
    plant.generate(&input).await.unwrap();
    input.scope = PrefixScope([2; 16]);
    assert_eq!(plant.generate(&input).await.unwrap().usage.cached_tokens, 0);
    assert!(plant.generate(&input).await.unwrap().usage.cached_tokens > 100, "its own");
}

#[tokio::test]
async fn more_prefixes_than_fit_push_out_the_oldest_and_nothing_fails() {
    let plant = Plant::new().await;
    for i in 0..60 {
        let input = chat(&format!("{i} {}", "filler words of another kind ".repeat(30)), 4);
        plant.generate(&input).await.unwrap();
    }
    let last = chat(&format!("59 {}", "filler words of another kind ".repeat(30)), 4);
    assert!(plant.generate(&last).await.unwrap().usage.cached_tokens > 500);
}
