//! A build for graphics processors, on one that is acted in software: the path is what counts.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use models::{ModelWorker, WorkerCommand, WorkerSettings, WorkerState};

use crate::plant::{OPTIONS, PATIENT, Plant, command};

#[tokio::test]
async fn all_layers_of_a_small_model_are_computed_there() {
    let plant = Plant::new().await;
    let WorkerState::Ready { hello, .. } = plant.worker.state() else {
        panic!("{:?}", plant.worker.state());
    };
    assert!(hello.generator.contains("Vulkan: "), "{}", hello.generator);
    assert!(hello.gpu_bytes > 0);
    assert!(hello.cage.iter().any(|name| name == "no-files-but-drivers"), "{:?}", hello.cage);
    plant.worker.unload_model(plant.model, PATIENT).await.unwrap();
    let file = Arc::new(OwnedFd::from(File::open(&plant.path).unwrap()));
    let loaded = plant.worker.load_model(plant.model, file, OPTIONS, PATIENT).await.unwrap();
    assert_eq!(loaded.gpu_layers, loaded.layers, "{loaded:?}");
    assert!(loaded.layers > 1, "{loaded:?}");
}

#[tokio::test]
async fn without_a_real_one_it_says_what_is_missing() {
    let command = WorkerCommand { args: Vec::new(), ..command() };
    let Err(reason) = models::prove_generator(&command).await else {
        // This machine has one.
        return;
    };
    assert!(reason.contains("finds no graphics processor"), "{reason}");
    // It still answers what needs none.
    let worker = ModelWorker::new(command, WorkerSettings::default(), Arc::new(base::SystemClock));
    worker.ping(models::Priority::Agent, PATIENT).await.unwrap();
}
