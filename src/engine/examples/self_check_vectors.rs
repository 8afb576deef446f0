//! Prints `models/all-minilm-l6-v2/self-check.json` anew: its texts with the reference's vectors.
//!
//! `cargo run -p millwright-engine --example self_check_vectors < texts.txt > self-check.json`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::io::Read;

use engine::{Embedder, EmbedderOptions, PathChoice};
use models::ComputePath;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut texts = String::new();
    std::io::stdin().read_to_string(&mut texts)?;
    let texts: Vec<&str> = texts.lines().collect();
    let path = PathChoice::Only(ComputePath::Reference);
    let embedder = Embedder::load(&EmbedderOptions { path, ..EmbedderOptions::default() })?;
    let entries = embedder.embed(&texts)?.into_iter().zip(&texts).map(|(embedding, text)| {
        serde_json::json!({ "text": text, "embedding": embedding.as_array().as_slice() })
    });
    println!("{}", serde_json::Value::from_iter(entries));
    Ok(())
}
