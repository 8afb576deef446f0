#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use std::os::unix::fs::PermissionsExt as _;

use base::SeededEntropy;

use super::*;

const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
const WORDS: &str = "correct horse battery";

fn master(seed: u64) -> MasterKey {
    MasterKey::generate(&SeededEntropy::new(seed)).unwrap()
}

/// A key under the passphrase and under two of three shares.
fn both(seed: u64) -> (MasterKey, SealedMaster, Vec<Share>) {
    let (entropy, master) = (SeededEntropy::new(seed + 1000), master(seed));
    let mut sealed = SealedMaster::of(&master);
    sealed.set_passphrase(&master, WORDS, CHEAP, &entropy).unwrap();
    let shares = sealed.make_shares(&master, 2, 3, &entropy).unwrap();
    (master, sealed, shares)
}

fn pile(shares: impl IntoIterator<Item = Share>) -> SharePile {
    let mut pile = SharePile::default();
    for share in shares {
        pile.add(share).unwrap();
    }
    pile
}

#[test]
fn passphrase_and_shares_open_it_each_alone() {
    let (master, sealed, shares) = both(1);
    let sealed = SealedMaster::parse(&sealed.to_text()).unwrap();
    assert_eq!(sealed.open_with_passphrase(WORDS).unwrap().id(), master.id());
    let wrong = sealed.open_with_passphrase("correct horse batterz");
    assert!(matches!(wrong, Err(SealError::WrongPassphrase)));
    let [one, two, three] = shares.try_into().unwrap();
    let mut few = pile([three]);
    let error = sealed.open_with_shares(&few).unwrap_err();
    assert!(error.to_string().contains("more shares"), "{error}");
    few.add(one).unwrap();
    assert_eq!(sealed.open_with_shares(&few).unwrap().id(), master.id());
    few.add(two).unwrap();
    assert_eq!(sealed.open_with_shares(&few).unwrap().id(), master.id());
    assert_eq!(sealed.shares().map(|set| (set.threshold, set.count)), Some((2, 3)));
    assert_eq!(sealed.passphrase(), Some(CHEAP));
}

#[test]
fn new_shares_replace_the_old_and_a_passphrase_does_not() {
    let (master, mut sealed, old) = both(2);
    let entropy = SeededEntropy::new(3);
    sealed.set_passphrase(&master, "another passphrase", CHEAP, &entropy).unwrap();
    assert!(sealed.open_with_passphrase(WORDS).is_err());
    let [one, two, _] = old.try_into().unwrap();
    let old = pile([one, two]);
    assert_eq!(sealed.open_with_shares(&old).unwrap().id(), master.id());
    let new = sealed.make_shares(&master, 2, 2, &entropy).unwrap();
    let error = sealed.open_with_shares(&old).unwrap_err();
    assert!(error.to_string().contains("another set"), "{error}");
    assert_eq!(sealed.open_with_shares(&pile(new)).unwrap().id(), master.id());
    sealed.clear_shares();
    assert!(matches!(sealed.open_with_shares(&old), Err(SealError::NoSuchProtection(_))));
    sealed.clear_passphrase();
    assert!(matches!(sealed.open_with_passphrase(WORDS), Err(SealError::NoSuchProtection(_))));
}

#[test]
fn a_forged_share_opens_nothing_and_is_told_from_a_foreign_one() {
    let (_, sealed, shares) = both(4);
    let (_, _, foreign) = both(5);
    assert!(sealed.check_share(&foreign[0]).is_err());
    // The same set and index with other values: whoever has seen a share can print one.
    let [one, _, three] = shares.try_into().unwrap();
    let false_one = shares::forge(&three);
    sealed.check_share(&false_one).unwrap();
    let error = sealed.open_with_shares(&pile([one, false_one])).unwrap_err();
    assert!(error.to_string().contains("false"), "{error}");
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (master, sealed, shares) = both(6);
    let text = sealed.to_text();
    let pile = pile(shares);
    let (mut by_passphrase, mut by_shares) = (0, 0);
    for at in 0..text.len() {
        for bit in [0x01, 0x10] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(damaged) = String::from_utf8(bytes) else { continue };
            if damaged == text {
                continue;
            }
            let Ok(damaged) = SealedMaster::parse(&damaged) else { continue };
            // Damage to one protection may leave the other whole, but never gives another key.
            if let Ok(opened) = damaged.open_with_passphrase(WORDS) {
                assert_eq!(opened.id(), master.id());
                by_passphrase += 1;
            }
            if let Ok(opened) = damaged.open_with_shares(&pile) {
                assert_eq!(opened.id(), master.id());
                by_shares += 1;
            }
        }
    }
    let line = |word: &str| text.lines().find(|line| line.starts_with(word)).unwrap().len();
    // A flip inside one line can only be forgiven by the other one.
    assert!(by_passphrase <= 2 * (line("shares") + 1), "{by_passphrase}");
    assert!(by_shares <= 2 * (line("passphrase") + 1), "{by_shares}");
}

#[test]
fn a_file_is_private_and_what_is_no_file_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("master.sealed");
    assert!(SealedMaster::read(&path).unwrap().is_none());
    let (_, sealed, _) = both(7);
    sealed.write(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(SealedMaster::read(&path).unwrap().unwrap().to_text(), sealed.to_text());
    for bad in ["", "nonsense", "millwright sealed master key v2\n", &sealed.to_text().repeat(2)] {
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(SealedMaster::read(&path), Err(SealError::SealedFormat(_))), "{bad}");
    }
    let greedy = sealed.to_text().replace("argon2id 64 1 1", "argon2id 4000000000 1 1");
    assert!(matches!(SealedMaster::parse(&greedy), Err(SealError::SealedFormat(_))));
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(SealedMaster::read(&path), Err(SealError::SealedFormat(_))));
}

#[test]
fn a_weak_passphrase_or_another_key_is_refused() {
    let (master, mut sealed, _) = both(8);
    let entropy = SeededEntropy::new(8);
    let weak = sealed.set_passphrase(&master, "short", CHEAP, &entropy);
    assert!(matches!(weak, Err(SealError::WeakPassphrase(_))));
    assert!(sealed.set_passphrase(&self::master(9), WORDS, CHEAP, &entropy).is_err());
    assert_eq!(sealed.open_with_passphrase(WORDS).unwrap().id(), master.id());
}
