//! Writes a GGUF file of random weights, for trying the whole path of generated text where no real
//! model is at hand. What it answers is noise.
//!
//! `cargo run --workspace --example tiny_model -- smallest|long|135m|0.5b|embed|rerank NAME FILE`
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::fs::File;
use std::io::BufWriter;

use engine::tiny::{TinyModel, TinyOptions, TinyShape, WeightKind};
use models::ModelPurpose;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [shape, name, file] = arguments.as_slice() else {
        return Err(
            "say the shape (smallest, long, 135m, 0.5b, embed or rerank), a name and the file to write"
                .into(),
        );
    };
    let purpose = match shape.as_str() {
        "embed" => ModelPurpose::Embed,
        "rerank" => ModelPurpose::Rerank,
        _ => ModelPurpose::Generate,
    };
    let (shape, weights) = match shape.as_str() {
        "embed" | "rerank" => (TinyShape::encoder(), WeightKind::F32),
        "smallest" => (TinyShape::smallest(), WeightKind::F32),
        // Small and quick, with room for the prompts of reasoning in a vocabulary of bytes.
        "long" => (TinyShape { context_tokens: 32_768, ..TinyShape::smallest() }, WeightKind::F32),
        "135m" => (TinyShape::m135(), WeightKind::Q8_0),
        "0.5b" => (TinyShape::b05(), WeightKind::Q8_0),
        other => return Err(format!("{other} is no shape").into()),
    };
    let options = TinyOptions { weights, name: name.clone(), purpose, ..TinyOptions::default() };
    let written = TinyModel::new(shape, options)?.write(BufWriter::new(File::create(file)?))?;
    println!("{file}: {written} bytes");
    Ok(())
}
