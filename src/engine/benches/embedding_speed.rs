//! Sequences of 128 tokens per CPU second, by each way to compute this machine has.
//!
//! CPU time of the whole process, so that neither other load nor more threads flatter it.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;

use engine::{Embedder, EmbedderOptions, EngineError, PathChoice, Sequence};
use models::{ComputePath, Priority};

const SEQUENCE_TOKENS: usize = 128;

/// Sequences at a time.
const BATCH: usize = 16;

/// CPU seconds that each path is measured for. The kernel counts in hundredths.
const MEASURE_S: f64 = 4.0;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<16} {:>10} {:>14}", "path", "load ms", "seq/CPU s");
    for path in [
        ComputePath::Reference,
        ComputePath::Float32,
        ComputePath::Int8Avx2,
        ComputePath::Int8Avx512Vnni,
    ] {
        let options = EmbedderOptions { path: PathChoice::Only(path), threads: NonZeroUsize::MIN };
        let before_s = cpu_s()?;
        let embedder = match Embedder::load(&options) {
            Ok(embedder) => embedder,
            Err(EngineError::Unsupported { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let load_ms = (cpu_s()? - before_s) * 1000.0;
        let text =
            "The torque of the flange bolts is given in the table of this section. ".repeat(20);
        let sequences = embedder.sequences(&vec![cut(&embedder, &text)?.as_str(); BATCH])?;
        assert!(sequences.iter().all(|sequence| sequence.ids().len() == SEQUENCE_TOKENS));
        let sequences: Vec<&Sequence> = sequences.iter().collect();
        embedder.embed_sequences(&sequences, Priority::Agent)?;
        let (mut done, start_s) = (0.0, cpu_s()?);
        while cpu_s()? - start_s < MEASURE_S {
            embedder.embed_sequences(&sequences, Priority::Agent)?;
            done += f64::from(u32::try_from(BATCH)?);
        }
        let rate = done / (cpu_s()? - start_s);
        println!("{:<16} {load_ms:>10.0} {rate:>14.1}", format!("{path:?}"));
    }
    Ok(())
}

/// The part of `text` that is [`SEQUENCE_TOKENS`] long with the two tokens of the frame.
fn cut(embedder: &Embedder, text: &str) -> Result<String, EngineError> {
    let spans = embedder.tokens().spans(text)?;
    let end = spans[SEQUENCE_TOKENS - 3].end;
    Ok(text[..end as usize].to_owned())
}

/// User and system time of this process (proc(5), fields 14 and 15, in hundredths of a second).
fn cpu_s() -> Result<f64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("no process statistics")?;
    let ticks: Vec<&str> = after_name.split_whitespace().skip(11).take(2).collect();
    let mut total = 0.0;
    for tick in ticks {
        total += tick.parse::<f64>()? / 100.0;
    }
    Ok(total)
}
