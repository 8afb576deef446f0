//! Lists the files that are embedded: our own pages, the browser face as `make web` has built it,
//! and the API explorer from the pinned npm package. Downloads and builds nothing itself.

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
    list(&room.join("pages"), "", &mut files)?;
    let face = room.join("../../web/dist");
    for part in ["index.html", "index.html.br", "index.html.gz"] {
        files.insert(part.to_owned(), face.join(part));
    }
    list(&face.join("assets/app"), "app/", &mut files)?;
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

/// Adds every file of a folder and the folders in it, by its name below `/assets/`.
fn list(
    folder: &Path,
    prefix: &str,
    files: &mut BTreeMap<String, PathBuf>,
) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder).map_err(|error| missing(folder, &error))? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.insert(name, entry.path());
        }
    }
    Ok(())
}

fn missing(what: &Path, error: &std::io::Error) -> String {
    let what = what.display();
    format!("{what} is missing ({error}): run `make web`, which installs and builds the web assets")
}
