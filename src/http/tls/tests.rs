#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use base::ManualClock;

use super::*;

const START: Timestamp = Timestamp::from_unix_ms(1_795_000_000_000);

fn open(dir: &Path, settings: &TlsSettings, clock: &Arc<ManualClock>) -> TlsIdentity {
    TlsIdentity::open(dir, settings, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

fn file(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(DIRECTORY).join(name)).unwrap()
}

#[test]
fn a_first_start_makes_private_files_for_the_local_names() {
    let dir = tempfile::tempdir().unwrap();
    let identity = open(dir.path(), &TlsSettings::default(), &clock());
    for name in [CA_FILE, CA_KEY_FILE, LEAF_FILE, LEAF_KEY_FILE] {
        let mode =
            fs::metadata(dir.path().join(DIRECTORY).join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let facts = issue::LeafFacts::read(&file(dir.path(), LEAF_FILE)).unwrap();
    for name in ["127.0.0.1", "::1", "localhost"] {
        assert!(facts.names.iter().any(|n| n == name), "{name} in {:?}", facts.names);
    }
    assert!(identity.days_left() > 390);
    assert!(Arc::new(identity).server_config().is_ok());
}

#[test]
fn a_second_start_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &TlsSettings::default(), &clock());
    let before = (file(dir.path(), CA_FILE), file(dir.path(), LEAF_FILE));
    open(dir.path(), &TlsSettings::default(), &clock());
    assert_eq!(before, (file(dir.path(), CA_FILE), file(dir.path(), LEAF_FILE)));
}

#[test]
fn a_leaf_near_its_end_is_issued_anew_by_the_same_authority() {
    let dir = tempfile::tempdir().unwrap();
    let clock = clock();
    let identity = open(dir.path(), &TlsSettings::default(), &clock);
    let (authority, leaf) = (file(dir.path(), CA_FILE), file(dir.path(), LEAF_FILE));
    clock.advance_ms(370 * DAY_MS);
    assert_eq!(identity.days_left(), 27);
    identity.renew_if_due().unwrap();
    assert!(identity.days_left() > 390);
    assert_eq!(authority, file(dir.path(), CA_FILE));
    assert_ne!(leaf, file(dir.path(), LEAF_FILE));
}

#[test]
fn new_names_get_a_new_leaf() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &TlsSettings::default(), &clock());
    let names = vec!["mill.plant.example".to_owned(), "10.1.2.3".to_owned()];
    open(dir.path(), &TlsSettings { own: None, names }, &clock());
    let facts = issue::LeafFacts::read(&file(dir.path(), LEAF_FILE)).unwrap();
    assert!(facts.names.contains(&"mill.plant.example".to_owned()));
    assert!(facts.names.contains(&"10.1.2.3".to_owned()));
}

#[test]
fn a_pair_that_does_not_fit_is_replaced_and_an_own_one_refused() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    open(one.path(), &TlsSettings::default(), &clock());
    open(two.path(), &TlsSettings::default(), &clock());
    let foreign = two.path().join(DIRECTORY).join(LEAF_KEY_FILE);
    let own = OwnCertificate {
        certificate_file: one.path().join(DIRECTORY).join(LEAF_FILE),
        key_file: foreign.clone(),
    };
    let settings = TlsSettings { own: Some(own), names: Vec::new() };
    let refused = TlsIdentity::open(one.path(), &settings, clock()).unwrap_err();
    assert!(refused.to_string().contains("does not belong to the private key"), "{refused}");

    fs::copy(foreign, one.path().join(DIRECTORY).join(LEAF_KEY_FILE)).unwrap();
    open(one.path(), &TlsSettings::default(), &clock());
}

#[test]
fn an_authority_without_its_key_is_not_replaced_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &TlsSettings::default(), &clock());
    fs::remove_file(dir.path().join(DIRECTORY).join(CA_KEY_FILE)).unwrap();
    let refused = TlsIdentity::open(dir.path(), &TlsSettings::default(), clock()).unwrap_err();
    assert!(refused.to_string().contains("private key is missing"), "{refused}");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &TlsSettings::default(), &clock());
    let key = dir.path().join(DIRECTORY).join(LEAF_KEY_FILE);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = TlsIdentity::open(dir.path(), &TlsSettings::default(), clock()).unwrap_err();
    assert!(refused.to_string().contains("0600"), "{refused}");
}
