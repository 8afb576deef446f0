//! The configuration's reader, for those who look for bytes that make it panic (`fuzz/`).

use super::load::load_text;
use super::{KEYS, LISTS};

/// Reads `data` as a configuration file, and its lines `NAME=value` as the environment.
pub(crate) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let is_variable = |line: &&str| line.starts_with("MILLWRIGHT_");
    let file: Vec<&str> = text.lines().filter(|line| !is_variable(line)).collect();
    let variables: Vec<(String, String)> = text
        .lines()
        .filter(is_variable)
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    match load_text(&file.join("\n"), &variables) {
        Ok(loaded) => {
            assert_eq!(loaded.values.len(), KEYS.len() + LISTS.len(), "every key has a value");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal has a reason"),
    }
}

#[cfg(test)]
#[path = "../../fuzz/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::super::default_file;
    use super::{config, mutate};

    #[test]
    fn fuzz_config() {
        let whole = default_file();
        let seeds: [&[u8]; 3] = [
            whole.as_bytes(),
            b"[server]\nlisten = '[::1]:8443'\nnames = ['mill.plant.example']\ncors_allowed_origins = \
              ['https://portal.plant.example']\n[telemetry]\notlp_endpoint = \
              'https://collector.example:4318/v1/traces'\n",
            b"[log]\nlevel = 'debug'\nMILLWRIGHT_LOG_LEVEL=warn\nMILLWRIGHT_SERVER_LISTEN=127.0.0.1:1\n\
              MILLWRIGHT_MODELS_THREADS=2\nMILLWRIGHT_SERVER_NAMES=['a']\n",
        ];
        mutate::run("config", &seeds, mutate::rounds(3_000), config);
    }
}
