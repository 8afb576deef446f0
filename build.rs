//! Puts further builds of the model worker into the executable, where a release build names them.
//!
//! `MILLWRIGHT_WORKER_BUILDS` is a folder with a gzip file per level of instructions
//! (`x86-64-v4.gz`), which `packaging/release.sh` fills. Without it the executable has its own build
//! alone.

#![allow(clippy::print_stderr, reason = "how a build script speaks")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

/// The variable with the folder.
const BUILDS: &str = "MILLWRIGHT_WORKER_BUILDS";

fn main() -> ExitCode {
    match write_list() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the builds of the model worker can't be carried: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_list() -> io::Result<()> {
    println!("cargo::rerun-if-env-changed={BUILDS}");
    println!("cargo::rerun-if-changed=build.rs");
    let mut files: Vec<PathBuf> = Vec::new();
    if let Some(folder) = env::var_os(BUILDS) {
        println!("cargo::rerun-if-changed={}", Path::new(&folder).display());
        for entry in fs::read_dir(&folder)? {
            let path = fs::canonicalize(entry?.path())?;
            if path.extension().is_some_and(|ending| ending == "gz") {
                println!("cargo::rerun-if-changed={}", path.display());
                files.push(path);
            }
        }
    }
    files.sort();
    let entries: String = files
        .iter()
        .map(|path| {
            let level = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            format!("    ({level:?}, include_bytes!({:?})),\n", path.display().to_string())
        })
        .collect();
    let list = format!("&[\n{entries}]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join("worker_builds.rs"), list)
}
