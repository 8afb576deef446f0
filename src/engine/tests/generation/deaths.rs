//! The worker dies while it writes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use models::{ModelError, WorkerState};

use crate::plant::{Plant, chat};

#[tokio::test]
async fn killed_amid_twenty_texts_each_ends_and_the_worker_is_back_within_five_seconds() {
    let plant = Plant::new().await;
    let inputs: Vec<_> = (0..20).map(|i| chat(&format!("Question {i}"), 1500)).collect();
    let before = plant.pid();
    let kill = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        let pid = rustix::process::Pid::from_raw(i32::try_from(before).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        let killed = Instant::now();
        let mut states = plant.worker.watch();
        let back = |state: &WorkerState| matches!(state, WorkerState::Ready { pid: now, .. } if *now != before);
        states.wait_for(back).await.unwrap();
        killed.elapsed()
    };
    let texts = join_all(inputs.iter().map(|input| plant.stream(input)));
    let (texts, recovered_in) = tokio::join!(texts, kill);
    assert!(recovered_in < Duration::from_secs(5), "{recovered_in:?}");
    let mut cut = 0;
    for (ended, pieces) in texts {
        match ended {
            Ok(generated) => assert_eq!(pieces.concat(), generated.text),
            Err(ModelError::WorkerDied { .. }) => cut += 1,
            // Not seen by anybody and begun again: the model is not in the new worker yet.
            Err(ModelError::Worker(Some(_))) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert!(cut > 0, "none was cut");
    plant.load().await;
    plant.generate(&chat("Well?", 4)).await.unwrap();
}
