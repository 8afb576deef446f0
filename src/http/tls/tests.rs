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

/// An authority, one below it, and a leaf below that; PEM of each and the leaf's key.
struct Plant {
    leaf: String,
    lower: String,
    upper: String,
    key: String,
}

fn plant(begins: Timestamp, days: i64, names: &[&str]) -> Plant {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let at = |t: Timestamp| time::OffsetDateTime::from_unix_timestamp(t.unix_s()).unwrap();
    let params = |name: &str, is_ca: bool, days: i64| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = at(begins);
        params.not_after = at(begins.plus_ms(days * DAY_MS));
        params.is_ca =
            if is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
        params
    };
    let [upper_key, lower_key, leaf_key] = [(); 3].map(|()| KeyPair::generate().unwrap());
    let upper = params("plant root", true, 9_000);
    let upper_certificate = upper.self_signed(&upper_key).unwrap();
    let upper_issuer = Issuer::new(upper, upper_key);
    let lower = params("plant servers", true, 8_000);
    let lower_certificate = lower.signed_by(&lower_key, &upper_issuer).unwrap();
    let lower_issuer = Issuer::new(lower, lower_key);
    let mut leaf = params("mill", false, days);
    let alternative =
        CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
    leaf.subject_alt_names = alternative.unwrap().subject_alt_names;
    let leaf_certificate = leaf.signed_by(&leaf_key, &lower_issuer).unwrap();
    Plant {
        leaf: leaf_certificate.pem(),
        lower: lower_certificate.pem(),
        upper: upper_certificate.pem(),
        key: leaf_key.serialize_pem(),
    }
}

/// Opens with these certificates, in this order.
fn open_own(
    dir: &Path,
    (chain, key): (&[&str], &str),
    names: &[&str],
    clock: &Arc<ManualClock>,
) -> Result<TlsIdentity, TlsError> {
    let own =
        OwnCertificate { certificate_file: dir.join("own.pem"), key_file: dir.join("own.key") };
    fs::write(&own.certificate_file, chain.concat()).unwrap();
    fs::write(&own.key_file, key).unwrap();
    fs::set_permissions(&own.key_file, fs::Permissions::from_mode(0o600)).unwrap();
    let names = names.iter().map(|n| (*n).to_owned()).collect();
    let settings = TlsSettings { own: Some(own), names };
    TlsIdentity::open(dir, &settings, Arc::clone(clock) as Arc<dyn Clock>)
}

#[test]
fn an_own_chain_must_be_whole_in_order_and_signed() {
    let dir = tempfile::tempdir().unwrap();
    let ours = plant(START, 90, &["mill.plant.example"]);
    let theirs = plant(START, 90, &["mill.plant.example"]);
    let (leaf, lower, upper) = (&*ours.leaf, &*ours.lower, &*ours.upper);
    for good in [&[leaf][..], &[leaf, lower], &[leaf, lower, upper]] {
        open_own(dir.path(), (good, &ours.key), &[], &clock()).unwrap();
    }
    let says = |chain: &[&str], key: &str| {
        open_own(dir.path(), (chain, key), &[], &clock()).unwrap_err().to_string()
    };
    let cases: [(&[&str], &str, &str); 8] = [
        (&[leaf, upper, lower], &ours.key, "put each authority behind"),
        (&[leaf, upper], &ours.key, "put each authority behind"),
        (&[lower, leaf], &ours.key, "does not belong to the private key"),
        // Of the same name and with another key.
        (&[leaf, &theirs.lower], &ours.key, "was not signed by it"),
        (&[leaf, lower, &theirs.upper], &ours.key, "certificate 2 names certificate 3"),
        (&[leaf, lower], &theirs.key, "own.key: one of the two files"),
        (&["nonsense"], &ours.key, "not"),
        (&[leaf], "nonsense", "not a private key"),
    ];
    for (chain, key, expected) in cases {
        let said = says(chain, key);
        assert!(said.contains(expected), "{said} should say {expected}");
    }
    let later = plant(START.plus_ms(DAY_MS), 90, &[]);
    let said = says(&[&later.leaf, &later.lower], &later.key);
    assert!(said.contains("certificate 1 is not valid before"), "{said}");
}

#[test]
fn names_that_an_own_certificate_is_not_for_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let ours = plant(START, 90, &["*.plant.example", "10.0.0.1"]);
    let names = ["mill.plant.example", "10.0.0.1", "mill.example"];
    let identity = open_own(dir.path(), (&[&ours.leaf], &ours.key), &names, &clock()).unwrap();
    assert_eq!(identity.uncovered_names(), ["mill.example"]);
    let house = tempfile::tempdir().unwrap();
    let settings =
        TlsSettings { own: None, names: names.iter().map(|n| (*n).to_owned()).collect() };
    assert_eq!(open(house.path(), &settings, &clock()).uncovered_names(), Vec::<String>::new());
}

#[test]
fn an_own_certificate_tells_of_its_end_at_60_30_and_7_days_and_is_read_again() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let ours = plant(START, 90, &[]);
    let identity = open_own(dir.path(), (&[&ours.leaf], &ours.key), &[], &clock).unwrap();
    let mut told = Vec::new();
    for day in 1..=92 {
        clock.advance_ms(DAY_MS);
        // As the daily look does, without reading the files.
        if let Some(limit) = identity.tell_when_due() {
            told.push((day, limit));
        }
    }
    assert_eq!(told, [(30, 60), (60, 30), (83, 7), (91, 0)]);
    assert!(identity.days_left() < 0);
    // The administrator puts a new one in its place: connections that come get it.
    let new = plant(clock.now(), 365, &[]);
    fs::write(dir.path().join("own.pem"), &new.leaf).unwrap();
    fs::write(dir.path().join("own.key"), &new.key).unwrap();
    identity.renew_if_due().unwrap();
    assert_eq!(identity.days_left(), 365);
    assert_eq!(identity.tell_when_due(), None);
    // A broken one leaves the one in use.
    fs::write(dir.path().join("own.pem"), &ours.leaf).unwrap();
    assert!(identity.renew_if_due().is_err());
    assert_eq!(identity.days_left(), 365);
}

#[test]
fn what_is_served_changes_without_a_restart() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let identity = open(dir.path(), &TlsSettings::default(), &clock);
    let served = || Arc::clone(&identity.current.borrow().key);
    let before = served();
    clock.advance_ms(300 * DAY_MS);
    identity.renew_if_due().unwrap();
    assert_eq!(before.cert, served().cert, "it is not due yet");
    clock.advance_ms(68 * DAY_MS);
    identity.renew_if_due().unwrap();
    assert_ne!(before.cert, served().cert);
    assert!(identity.days_left() > 390);
}
