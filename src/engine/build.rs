//! Finds the pinned weights, verifies them, and tells `weights.rs` where they lie.
//!
//! Nothing is downloaded here: `make weights` (`models/fetch.py`) is the one place that does.

#![allow(clippy::print_stderr, reason = "how a build script speaks")]

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sha2::{Digest, Sha256};

/// Folder under `models/` with the pins, and under the cache with the weights.
const MODEL: &str = "all-minilm-l6-v2";

/// Pinned file, and the variable that carries its path to `weights.rs`.
const FILES: [(&str, &str); 3] = [
    ("model.safetensors", "MILLWRIGHT_MINILM_MODEL"),
    ("tokenizer.json", "MILLWRIGHT_MINILM_TOKENIZER"),
    ("config.json", "MILLWRIGHT_MINILM_CONFIG"),
];

const READ_SIZE_BYTES: usize = 1 << 20;

fn main() -> ExitCode {
    match find_and_verify() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            eprintln!("help: run `make weights` (or `python3 models/fetch.py`), then build again");
            ExitCode::FAILURE
        }
    }
}

fn find_and_verify() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=MILLWRIGHT_WEIGHTS_DIR");
    println!("cargo::rerun-if-env-changed=XDG_CACHE_HOME");
    println!("cargo::rerun-if-env-changed=MILLWRIGHT_WEIGHTS");
    println!("cargo::rustc-check-cfg=cfg(weights_outside)");
    // Further builds of the worker find the tensors in the executable that carries them.
    if std::env::var_os("MILLWRIGHT_WEIGHTS").is_some_and(|place| place == "outside") {
        println!("cargo::rustc-cfg=weights_outside");
    }
    // Asked for now, not when this was compiled: checkouts that share a target directory share this program.
    let room = std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names no CARGO_MANIFEST_DIR")?;
    let pins_path = Path::new(&room).join("../../models").join(MODEL).join("pins.json");
    println!("cargo::rerun-if-changed={}", pins_path.display());
    let pins = fs::read(&pins_path)
        .map_err(|error| format!("{} cannot be read: {error}", pins_path.display()))?;
    let pins: serde_json::Value = serde_json::from_slice(&pins)
        .map_err(|error| format!("{} is not JSON: {error}", pins_path.display()))?;
    let folder = weights_folder()?;
    for (name, variable) in FILES {
        let pinned = pins["files"][name]["sha256"]
            .as_str()
            .ok_or_else(|| format!("{} has no SHA-256 for {name}", pins_path.display()))?;
        let path = folder.join(name);
        println!("cargo::rerun-if-changed={}", path.display());
        let found = sha256_of(&path).map_err(|error| {
            format!("the embedder's weights are not in place: {}: {error}", path.display())
        })?;
        if found != pinned {
            return Err(format!("{} has SHA-256 {found}, pinned is {pinned}", path.display()));
        }
        println!("cargo::rustc-env={variable}={}", path.display());
        println!("cargo::rustc-env={variable}_SHA256={pinned}");
    }
    Ok(())
}

/// `MILLWRIGHT_WEIGHTS_DIR` is the folder that holds a folder per model, as the cache does.
fn weights_folder() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os("MILLWRIGHT_WEIGHTS_DIR") {
        return Ok(PathBuf::from(folder).join(MODEL));
    }
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty()) {
        Some(cache) => PathBuf::from(cache),
        None => match std::env::var_os("HOME") {
            Some(home) => PathBuf::from(home).join(".cache"),
            None => return Err("neither MILLWRIGHT_WEIGHTS_DIR nor HOME is set".to_owned()),
        },
    };
    Ok(cache.join("millwright/weights").join(MODEL))
}

fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut digest = Sha256::new();
    let mut block = vec![0; READ_SIZE_BYTES];
    loop {
        match file.read(&mut block)? {
            0 => break,
            n => digest.update(&block[..n]),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
