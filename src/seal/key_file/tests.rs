#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use std::os::unix::fs::PermissionsExt;

use base::{EntropyError, OsEntropy, SeededEntropy};
use tempfile::TempDir;

use super::*;

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

fn source(dir: &TempDir, on_missing: OnMissing) -> KeySource {
    KeySource { credential: None, key_file: dir.path().join("master.key"), on_missing }
}

fn place(path: &Path, contents: &[u8], mode: u32) {
    let _ = fs::remove_file(path);
    fs::write(path, contents).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn error_of(source: &KeySource) -> SealError {
    match obtain(source, &NoEntropy) {
        Ok((_, origin)) => panic!("should have been refused, came from {origin:?}"),
        Err(error) => error,
    }
}

#[test]
fn the_first_start_makes_a_private_key_file_and_later_ones_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Create);
    let (made, origin) = obtain(&source, &OsEntropy).unwrap();
    assert_eq!(origin, KeyOrigin::CreatedKeyFile);
    let metadata = fs::metadata(&source.key_file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
    let text = fs::read_to_string(&source.key_file).unwrap();
    assert_eq!(text, format!("{}\n", hex::encode(made.bytes())));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");

    let (read, origin) = obtain(&source, &NoEntropy).unwrap();
    assert_eq!(origin, KeyOrigin::KeyFile);
    assert_eq!(read.bytes(), made.bytes());
}

#[test]
fn a_lost_key_file_is_not_replaced_when_data_exists() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Refuse);
    let refused = obtain(&source, &OsEntropy).err().unwrap();
    assert!(matches!(refused, SealError::KeyFileMissing { .. }));
    assert!(refused.to_string().contains("master.key"));
    assert!(!source.key_file.exists());
}

#[test]
fn hexadecimal_and_raw_keys_are_the_same_key() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Refuse);
    let raw: Vec<u8> = (0..32).collect();
    let upper = HEX.to_uppercase();
    let (lf, crlf) = (format!("{HEX}\n"), format!("{HEX}\r\n"));
    for contents in
        [raw.as_slice(), HEX.as_bytes(), lf.as_bytes(), crlf.as_bytes(), upper.as_bytes()]
    {
        place(&source.key_file, contents, 0o600);
        let (key, _) = obtain(&source, &NoEntropy).unwrap();
        assert_eq!(key.bytes().as_slice(), raw);
    }
}

#[test]
fn a_key_file_open_to_others_is_refused_and_the_message_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Create);
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777] {
        place(&source.key_file, HEX.as_bytes(), mode);
        let refused = error_of(&source);
        let says = format!("chmod 600 {}", source.key_file.display());
        assert!(refused.to_string().contains(&says), "{refused}");
        assert!(refused.to_string().contains(&format!("{mode:04o}")), "{refused}");
    }
    for mode in [0o600, 0o400] {
        place(&source.key_file, HEX.as_bytes(), mode);
        assert!(obtain(&source, &NoEntropy).is_ok(), "{mode:o}");
    }
}

#[test]
fn what_is_no_key_is_refused_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Create);
    let with_letter = HEX.replace('f', "g");
    let two_newlines = format!("{HEX}\n\n");
    let long = HEX.repeat(1000);
    let zeros = "0".repeat(64);
    let wrong: [&[u8]; 13] = [
        b"",
        b"\n",
        &[1; 31],
        &[1; 33],
        &HEX.as_bytes()[..63],
        &[HEX.as_bytes(), b"0"].concat(),
        &[b" ", HEX.as_bytes()].concat(),
        with_letter.as_bytes(),
        two_newlines.as_bytes(),
        long.as_bytes(),
        &[0; 32],
        &[0; 64],
        zeros.as_bytes(),
    ];
    for contents in wrong {
        place(&source.key_file, contents, 0o600);
        let refused = error_of(&source);
        assert!(matches!(refused, SealError::KeyFileFormat { .. }), "{refused:?}");
        assert!(!refused.to_string().contains("0001"), "no key in a message: {refused}");
        assert_eq!(fs::read(&source.key_file).unwrap(), contents, "left as it was");
    }
}

#[test]
fn only_regular_files_count() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Create);
    fs::create_dir(&source.key_file).unwrap();
    assert!(matches!(error_of(&source), SealError::KeyFileKind { .. }));
}

#[test]
fn a_credential_wins_over_the_key_file() {
    let dir = tempfile::tempdir().unwrap();
    let credential = dir.path().join("credential");
    let source =
        KeySource { credential: Some(credential.clone()), ..source(&dir, OnMissing::Create) };
    place(&source.key_file, &[9; 32], 0o600);
    place(&credential, HEX.as_bytes(), 0o400);
    let (key, origin) = obtain(&source, &NoEntropy).unwrap();
    assert_eq!(origin, KeyOrigin::Credential);
    assert_eq!(key.bytes()[..4], [0, 1, 2, 3]);
}

#[test]
fn a_missing_credential_is_an_error_and_makes_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let credential = Some(dir.path().join("credential"));
    let source = KeySource { credential, ..source(&dir, OnMissing::Create) };
    assert!(matches!(error_of(&source), SealError::CredentialMissing { .. }));
    assert!(!source.key_file.exists());
}

#[test]
fn a_credential_may_show_the_mask_of_an_access_list_but_not_be_open_to_all() {
    let dir = tempfile::tempdir().unwrap();
    let credential = dir.path().join("credential");
    let source =
        KeySource { credential: Some(credential.clone()), ..source(&dir, OnMissing::Create) };
    place(&credential, HEX.as_bytes(), 0o440);
    assert!(obtain(&source, &NoEntropy).is_ok());
    place(&credential, HEX.as_bytes(), 0o444);
    let refused = error_of(&source);
    assert!(matches!(refused, SealError::CredentialMode { mode: 0o444, .. }), "{refused:?}");
}

#[test]
fn starting_at_once_ends_with_one_key() {
    let dir = tempfile::tempdir().unwrap();
    let source = source(&dir, OnMissing::Create);
    let keys: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let start = |seed: u64| {
            let source = &source;
            scope.spawn(move || {
                obtain(source, &SeededEntropy::new(seed)).unwrap().0.bytes().to_vec()
            })
        };
        let started: Vec<_> = (0..8).map(start).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn failures_are_told_with_their_cause() {
    let dir = tempfile::tempdir().unwrap();
    let absent = KeySource {
        credential: None,
        key_file: dir.path().join("absent/master.key"),
        on_missing: OnMissing::Create,
    };
    let refused = obtain(&absent, &OsEntropy).err().unwrap();
    assert!(matches!(refused, SealError::KeyFile { action: "create", .. }));
    assert!(std::error::Error::source(&refused).is_some());
    let without_entropy = error_of(&source(&dir, OnMissing::Create));
    assert!(matches!(without_entropy, SealError::Entropy(_)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
