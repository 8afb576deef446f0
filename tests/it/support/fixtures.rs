//! Documents for tests: small ones made here, and those of the sample plant.

use std::path::{Path, PathBuf};

/// A Markdown document with one fact in a sentence of its own.
pub(crate) fn markdown(title: &str, fact: &str) -> Vec<u8> {
    format!(
        "# {title}\n\n## General\n\nThis note belongs to the test plant and is kept by the \
         maintenance office.\n\n## Values\n\n{fact}\n\nAll other values stand in the manual.\n"
    )
    .into_bytes()
}

/// A file of the sample plant.
pub(crate) fn plant_file(name: &str) -> Vec<u8> {
    let path: PathBuf =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample-plant/documents").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
