//! Lists the files that are embedded: our own pages, and the API explorer from the pinned npm
//! package. Downloads nothing: `make web` installs the package.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Taken from `web/node_modules/swagger-ui-dist`. The license files go along.
const EXPLORER_FILES: [&str; 4] = [
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
    "favicon-32x32.png",
];

fn main() -> Result<(), Box<dyn Error>> {
    let room = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = BTreeMap::new();
    let pages = room.join("pages");
    println!("cargo::rerun-if-changed={}", pages.display());
    for entry in fs::read_dir(&pages)? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), entry.path());
    }
    let explorer = room.join("../../web/node_modules/swagger-ui-dist");
    for name in EXPLORER_FILES {
        files.insert(format!("explorer/{name}"), explorer.join(name));
    }
    let mut table = String::from("&[\n");
    for (name, path) in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let path = path.canonicalize().map_err(|error| missing(&path, &error))?;
        writeln!(table, "    ({name:?}, include_bytes!({path:?})),")?;
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("assets.rs"), table)?;
    Ok(())
}

fn missing(file: &Path, error: &std::io::Error) -> String {
    let file = file.display();
    format!("{file} is missing ({error}): run `make web`, which installs the pinned web assets")
}
