#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use base::{EntropyError, SeededEntropy};

use super::*;

/// Gives the same bytes every time, for comparison with what another implementation made.
struct Fixed(&'static [u8]);

impl Entropy for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
        out.copy_from_slice(&self.0[..out.len()]);
        Ok(())
    }
}

struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
        Err(EntropyError)
    }
}

const PURPOSES: [KeyPurpose; 5] = [
    KeyPurpose::ControlDatabase,
    KeyPurpose::TenantData,
    KeyPurpose::AuditSigning,
    KeyPurpose::TokenSigning,
    KeyPurpose::MasterKey,
];

/// Made by the Python package `cryptography` from the layout in the module's documentation:
/// master key 00…1f, data key 20…3f, nonce a0…ab, tenant data, context `tenant-7`.
const WRAPPED_V1: &str = "01a0a1a2a3a4a5a6a7a8a9aaab39bd8ec77c4db9ca32bb1fefcbb2a5ff1ce67ff97e25\
                          4875e0142841cee48e3ccfa81990af75fb214c40ab21db5d1adf";

fn counting(from: u8) -> Secret {
    let mut secret = Secret::zeroed();
    secret.bytes_mut().iter_mut().zip(from..).for_each(|(byte, count)| *byte = count);
    secret
}

fn master(seed: u64) -> MasterKey {
    MasterKey::from_secret(Secret::random(&SeededEntropy::new(seed)).unwrap())
}

#[test]
fn a_wrapped_key_opens_again() {
    let (entropy, master) = (SeededEntropy::new(1), master(1));
    let key = DataKey::generate(&entropy).unwrap();
    for purpose in PURPOSES {
        for context in [b"".as_slice(), b"tenant", &[7; CONTEXT_MAX_BYTES]] {
            let wrapped = master.wrap(purpose, context, &key, &entropy).unwrap();
            let stored = WrappedKey::from_bytes(wrapped.as_bytes()).unwrap();
            let opened = master.unwrap(purpose, context, &stored).unwrap();
            assert_eq!(opened.bytes(), key.bytes());
        }
    }
}

#[test]
fn what_another_implementation_wrapped_is_written_and_read() {
    let master = MasterKey::from_secret(counting(0));
    let key = DataKey::from_secret(counting(0x20));
    let nonce = Fixed(&[0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab]);
    let wrapped = master.wrap(KeyPurpose::TenantData, b"tenant-7", &key, &nonce).unwrap();
    assert_eq!(hex::encode(wrapped.as_bytes()), WRAPPED_V1);
    let stored = WrappedKey::from_bytes(&hex::decode(WRAPPED_V1).unwrap()).unwrap();
    let opened = master.unwrap(KeyPurpose::TenantData, b"tenant-7", &stored).unwrap();
    assert_eq!(opened.bytes(), key.bytes());
    assert_eq!(
        hex::encode(key.derive("blobs").bytes()),
        "0b8ff9244ffc1d19bc29db53b0712f8331dbb7c330eaa3afd1d472717ef00a15"
    );
}

#[test]
fn it_opens_for_no_other_purpose_owner_or_master() {
    let (entropy, ours) = (SeededEntropy::new(2), master(2));
    let key = DataKey::generate(&entropy).unwrap();
    let wrapped = ours.wrap(KeyPurpose::TenantData, b"tenant a", &key, &entropy).unwrap();
    for purpose in PURPOSES {
        let opened = ours.unwrap(purpose, b"tenant a", &wrapped);
        assert_eq!(opened.is_ok(), purpose == KeyPurpose::TenantData, "{purpose}");
    }
    for context in [b"tenant b".as_slice(), b"", b"tenant a\0", b"tenant "] {
        let opened = ours.unwrap(KeyPurpose::TenantData, context, &wrapped);
        assert!(matches!(opened, Err(SealError::Unwrap { .. })), "{context:?}");
    }
    assert!(master(3).unwrap(KeyPurpose::TenantData, b"tenant a", &wrapped).is_err());
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (entropy, master) = (SeededEntropy::new(4), master(4));
    let key = DataKey::generate(&entropy).unwrap();
    let wrapped = master.wrap(KeyPurpose::AuditSigning, b"log", &key, &entropy).unwrap();
    for bit in 0..WRAPPED_BYTES * 8 {
        let mut bytes = wrapped.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened = WrappedKey::from_bytes(&bytes)
            .and_then(|damaged| master.unwrap(KeyPurpose::AuditSigning, b"log", &damaged));
        assert!(opened.is_err(), "bit {bit}");
    }
    for length in 0..WRAPPED_BYTES {
        assert!(WrappedKey::from_bytes(&wrapped.as_bytes()[..length]).is_err(), "{length}");
    }
    let longer = [wrapped.as_bytes(), b"\0"].concat();
    assert!(WrappedKey::from_bytes(&longer).is_err());
}

#[test]
fn wrapping_twice_gives_different_bytes() {
    let (entropy, master) = (SeededEntropy::new(5), master(5));
    let key = DataKey::generate(&entropy).unwrap();
    let wrap = || master.wrap(KeyPurpose::TenantData, b"t", &key, &entropy).unwrap();
    assert_ne!(wrap().as_bytes(), wrap().as_bytes());
}

#[test]
fn refuses_long_contexts_and_missing_randomness() {
    let (entropy, master) = (SeededEntropy::new(6), master(6));
    let key = DataKey::generate(&entropy).unwrap();
    let context = [0; CONTEXT_MAX_BYTES + 1];
    let refused = master.wrap(KeyPurpose::TenantData, &context, &key, &entropy);
    assert!(matches!(refused, Err(SealError::ContextTooLong { size_bytes: 1025 })));
    let refused = master.wrap(KeyPurpose::TenantData, b"t", &key, &NoEntropy);
    assert!(matches!(refused, Err(SealError::Entropy(_))));
    assert!(matches!(DataKey::generate(&NoEntropy), Err(SealError::Entropy(_))));
}

#[test]
fn debug_shows_nothing() {
    let (entropy, master) = (SeededEntropy::new(7), master(7));
    let key = DataKey::generate(&entropy).unwrap();
    let wrapped = master.wrap(KeyPurpose::TenantData, b"t", &key, &entropy).unwrap();
    let id = master.id();
    assert_eq!(format!("{master:?} {wrapped:?}"), format!("MasterKey({id}) WrappedKey(..)"));
    assert!(!hex::encode(master.key.bytes()).contains(&id.to_string()));
    assert!(!hex::encode(master.wrapping.bytes()).contains(&id.to_string()));
}

#[test]
fn a_name_tells_keys_apart_and_is_read_back() {
    assert_ne!(master(1).id(), master(2).id());
    assert_eq!(master(1).id(), master(1).id());
    assert_eq!(master(1).id().to_string().parse::<MasterKeyId>().unwrap(), master(1).id());
    assert!("0011".parse::<MasterKeyId>().is_err());
    assert!("zz11223344556677".parse::<MasterKeyId>().is_err());
}

#[test]
fn a_master_key_under_another_opens_as_itself() {
    let entropy = SeededEntropy::new(8);
    let (old, new) = (master(8), master(9));
    let wrapped = old.wrap_master(b"forward", &new, &entropy).unwrap();
    assert_eq!(old.unwrap_master(b"forward", &wrapped).unwrap().id(), new.id());
    assert!(old.unwrap_master(b"back", &wrapped).is_err());
    assert!(new.unwrap_master(b"forward", &wrapped).is_err());
}
