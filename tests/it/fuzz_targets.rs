//! The targets under `fuzz/` are compiled by a fuzzer only; here they are held against what is tested.

use std::path::Path;

/// File of the target, and of the function that it calls.
const TARGETS: [(&str, &str); 8] = [
    ("config", "src/config"),
    ("docx", "src/parse"),
    ("markdown", "src/parse"),
    ("multipart", "src/http"),
    ("note", "src/audit"),
    ("pdf", "src/parse"),
    ("text", "src/parse"),
    ("token", "src/identity"),
];

#[test]
fn every_fuzz_target_calls_a_function_that_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let manifest = read("fuzz/Cargo.toml");
    for (name, room) in TARGETS {
        let target = read(&format!("fuzz/fuzz_targets/{name}.rs"));
        let module = room.trim_start_matches("src/");
        let call =
            format!("libfuzzer_sys::fuzz_target!(|data: &[u8]| {module}::fuzzing::{name}(data));");
        assert!(target.contains(&call), "{name}: {target}");
        let functions = read(&format!("{room}/fuzzing.rs"));
        assert!(functions.contains(&format!("fn {name}(data: &[u8])")), "{name}");
        let (_, tests) = functions.split_once("mod tests {").unwrap();
        let is_run = tests.contains(&format!("run(\"{name}\", ")) && tests.contains("#[test]");
        assert!(is_run, "{name} is run by no test");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    let files = std::fs::read_dir(root.join("fuzz/fuzz_targets")).unwrap().count();
    assert_eq!(files, TARGETS.len(), "a target is not in the list");
}
