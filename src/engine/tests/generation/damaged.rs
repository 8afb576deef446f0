//! Damaged model files: a clear error, or a model that works.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use models::{ModelError, ModelHash};

use crate::plant::{OPTIONS, PATIENT, PATIENTLY, Plant, chat, worker};

/// Mutants of one run; `MUTANTS` in the environment asks for more.
const MUTANTS: u64 = 500;

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the counts are the result")]
async fn a_damaged_file_is_refused_or_works_and_never_takes_the_worker_with_it() {
    let plant = Plant::new().await;
    let sound = fs::read(&plant.path).unwrap();
    let header_bytes = 64 * 1024.min(sound.len() as u64);
    let worker = worker();
    let wanted = std::env::var("MUTANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(MUTANTS);
    let (mut refused, mut worked, mut died) = (0, 0, 0);
    for seed in 0..wanted {
        let bytes = mutate(&sound, header_bytes, seed);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        let inspected = worker.inspect_model(file.try_clone().unwrap().into(), PATIENT).await;
        match inspected {
            Err(ModelError::ModelRefused { reason }) => {
                assert!(!reason.is_empty());
                refused += 1;
                continue;
            }
            Err(other) => panic!("mutant {seed}: our own reader: {other}"),
            Ok(_) => {}
        }
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&seed.to_le_bytes());
        let model = ModelHash::from_bytes(hash);
        let file = Arc::new(OwnedFd::from(file));
        match worker.load_model(model, file, OPTIONS, PATIENT).await {
            Ok(_) => {
                let text = worker.generate(model, &chat("Well?", 4), PATIENTLY, None).await;
                match text {
                    Ok(_) | Err(ModelError::Worker(_)) => worked += 1,
                    Err(ModelError::WorkerDied { .. }) => died += 1,
                    Err(other) => panic!("mutant {seed}: {other}"),
                }
                let unloaded = worker.unload_model(model, PATIENT).await;
                assert!(unloaded.is_ok() || died > 0, "{unloaded:?}");
            }
            Err(ModelError::ModelRefused { .. }) => refused += 1,
            // llama.cpp ends its process at some of what it does not expect; that is what the
            // worker is for. The client says so and starts another.
            Err(ModelError::WorkerDied { attempts: 1 }) => died += 1,
            Err(other) => panic!("mutant {seed}: {other}"),
        }
    }
    println!(
        "{wanted} damaged models: {refused} refused, {worked} worked, {died} ended the worker"
    );
    assert!(refused > wanted / 4, "{refused}");
    // The next one is served as if nothing had been.
    let file = Arc::new(OwnedFd::from(File::open(&plant.path).unwrap()));
    worker.load_model(plant.model, file, OPTIONS, PATIENT).await.unwrap();
    worker.generate(plant.model, &chat("Well?", 4), PATIENTLY, None).await.unwrap().unwrap();
}

/// Damage of one kind, most of it in the header: bits, bytes, numbers, cuts, repetitions.
fn mutate(sound: &[u8], header_bytes: u64, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut random = move |below: u64| {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below.max(1)
    };
    let mut bytes = sound.to_vec();
    let size = sound.len() as u64;
    for _ in 0..=random(3) {
        let area = if random(5) == 0 { size } else { header_bytes.min(size) };
        let at = random(area) as usize;
        match random(6) {
            0 => bytes[at] ^= 1 << random(8),
            1 => bytes[at] = random(256) as u8,
            2 => {
                let end = (at + 8).min(bytes.len());
                let numbers = [0, u64::MAX, 1 << 63, 1 << 32, random(1 << 20)];
                let number = numbers[random(5) as usize].to_le_bytes();
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            3 => {
                bytes.truncate(at.max(4));
                return bytes;
            }
            4 => {
                let from = random(area) as usize;
                let length = (random(64) as usize).min(bytes.len() - at).min(bytes.len() - from);
                bytes.copy_within(from..from + length, at);
            }
            _ => {
                let end = (at + random(200) as usize).min(bytes.len());
                bytes.drain(at..end);
                if bytes.len() < 64 {
                    return bytes;
                }
            }
        }
        if bytes.len() < sound.len() / 2 {
            return bytes;
        }
    }
    bytes
}
