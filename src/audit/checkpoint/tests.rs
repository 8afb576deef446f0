#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use base::SeededEntropy;
use proptest::prelude::*;
use seal::DataKey;

use super::*;
use crate::leaf_hash;

const ORIGIN: &str = "millwright/log/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10";

fn key(seed: u64) -> SigningKey {
    SigningKey::from_seed(&DataKey::generate(&SeededEntropy::new(seed)).unwrap())
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.to_owned(), size: 4096, root: leaf_hash(b"root") }
}

fn verify(text: &str) -> Result<Checkpoint, NoteError> {
    Checkpoint::verify(text, ORIGIN, &key(1).verifying_key())
}

/// A note with this text, signed like a checkpoint, whatever the text.
fn signed(body: &str) -> String {
    let mut signature = key_id(ORIGIN, &key(1).verifying_key()).to_vec();
    signature.extend_from_slice(&key(1).sign(body.as_bytes()));
    format!("{body}\n— {ORIGIN} {}\n", STANDARD.encode(signature))
}

/// These bytes are the format of the checkpoint file.
#[test]
fn the_signed_note_is_that_of_c2sp() {
    let text = checkpoint().sign(&key(1)).unwrap();
    insta::assert_snapshot!("checkpoint_note", text);
    assert_eq!(text.len(), text.trim_end().len() + 1, "one newline at the end");
    assert_eq!(verify(&text).unwrap(), checkpoint());
}

/// The note and key that the Go package `sumdb/note` shows in its documentation.
#[test]
fn key_ids_and_signatures_are_those_of_another_implementation() {
    let public = STANDARD.decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    assert_eq!(public[0], SIGNATURE_TYPE_ED25519);
    let key = VerifyingKey::from_bytes(public[1..].try_into().unwrap()).unwrap();
    assert_eq!(hex::encode(key_id("PeterNeumann", &key)), "c74f20a3");
    let body = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let signature = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ\
                     SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    verify_signatures(body, signature, "PeterNeumann", &key).unwrap();
    let other = body.replace("answer", "question");
    let refused = verify_signatures(&other, signature, "PeterNeumann", &key);
    assert!(matches!(refused, Err(NoteError::Signature(_))));
}

#[test]
fn every_changed_byte_is_noticed() {
    let text = checkpoint().sign(&key(1)).unwrap();
    for at in 0..text.len() {
        for mask in [1, 2, 0x10, 0x20, 0x80] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= mask;
            // What is no longer UTF-8 is no text to begin with.
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(verify(&changed).is_err(), "byte {at} mask {mask}: {changed}");
            }
        }
        if text.is_char_boundary(at) {
            assert!(verify(&text[..at]).is_err(), "cut at {at}");
            assert!(verify(&text[at..]).is_err() || at == 0, "cut before {at}");
        }
    }
}

#[test]
fn another_log_or_key_is_told_apart() {
    let text = checkpoint().sign(&key(1)).unwrap();
    let other_key = Checkpoint::verify(&text, ORIGIN, &key(2).verifying_key());
    assert!(matches!(other_key, Err(NoteError::Unsigned)));
    let other_name = Checkpoint::verify(&text, "millwright/log/other", &key(1).verifying_key());
    assert!(matches!(other_name, Err(NoteError::Unsigned)));
    // Signed by our key under our name, but the text names another log.
    let foreign = signed(&format!("other\n1\n{}\n", STANDARD.encode([7; 32])));
    assert!(matches!(verify(&foreign), Err(NoteError::OtherOrigin)));
}

#[test]
fn signatures_of_unknown_keys_are_ignored_and_bad_ones_of_ours_are_not() {
    let text = checkpoint().sign(&key(1)).unwrap();
    let (body, ours) = text.split_once("\n\n").unwrap();
    let witness = format!("— witness.example/w1 {}\n", STANDARD.encode([9; 100]));
    let same_name = format!("— {ORIGIN} {}\n", STANDARD.encode([9; 68]));
    for note in [
        format!("{body}\n\n{witness}{ours}"),
        format!("{body}\n\n{ours}{witness}"),
        format!("{body}\n\n{same_name}{ours}{}", witness.repeat(15)),
        format!("{body}\n\n{ours}{ours}"),
    ] {
        assert_eq!(verify(&note).unwrap(), checkpoint(), "{note}");
    }
    let unsigned = verify(&format!("{body}\n\n{witness}"));
    assert!(matches!(unsigned, Err(NoteError::Unsigned)));

    let mut forged = key_id(ORIGIN, &key(1).verifying_key()).to_vec();
    forged.extend_from_slice(&[9; 64]);
    let forged = format!("— {ORIGIN} {}\n", STANDARD.encode(forged));
    for note in [format!("{body}\n\n{forged}{ours}"), format!("{body}\n\n{ours}{forged}")] {
        assert!(matches!(verify(&note), Err(NoteError::Signature(_))), "{note}");
    }
}

#[test]
fn texts_that_are_no_checkpoint_are_refused_even_when_signed() {
    let root = STANDARD.encode([7; 32]);
    let good = format!("{ORIGIN}\n0\n{root}\n");
    assert_eq!(verify(&signed(&good)).unwrap().size, 0);
    let extended = signed(&format!("{good}an extension\n"));
    assert_eq!(verify(&extended).unwrap().root, Hash::from_bytes([7; 32]));
    for size in [
        "",
        "00",
        "01",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "0x1",
        "１",
        "18446744073709551616",
        "99999999999999999999999",
    ] {
        let refused = verify(&signed(&format!("{ORIGIN}\n{size}\n{root}\n")));
        assert!(matches!(refused, Err(NoteError::Malformed(_))), "{size:?}");
    }
    assert_eq!(
        verify(&signed(&format!("{ORIGIN}\n{}\n{root}\n", u64::MAX))).unwrap().size,
        u64::MAX
    );
    let unpadded = root.trim_end_matches('=');
    let short = STANDARD.encode([7; 31]);
    let long = STANDARD.encode([7; 33]);
    // The last digit carries two bits that belong to no byte.
    let loose = format!("{}d=", &unpadded[..unpadded.len() - 1]);
    for root in ["", unpadded, &short, &long, &loose, "not base64!"] {
        let refused = verify(&signed(&format!("{ORIGIN}\n1\n{root}\n")));
        assert!(matches!(refused, Err(NoteError::Malformed(_))), "{root:?}");
    }
    for body in [
        format!("{ORIGIN}\n1\n"),
        format!("{ORIGIN}\n"),
        format!("{ORIGIN}\n\n1\n{root}\n"),
        format!("{ORIGIN}\n1\n{root}\n\nextension\n"),
        format!("{ORIGIN}\r\n1\r\n{root}\r\n"),
        format!("{ORIGIN}\n1\n{root}\ntab\there\n"),
    ] {
        assert!(matches!(verify(&signed(&body)), Err(NoteError::Malformed(_))), "{body:?}");
    }
}

#[test]
fn malformed_signature_lines_are_refused() {
    let text = checkpoint().sign(&key(1)).unwrap();
    let witness = STANDARD.encode([9; 68]);
    for line in [
        String::new(),
        "\n".to_owned(),
        "-- witness x\n".to_owned(),
        format!("- witness {witness}\n"),
        format!("—witness {witness}\n"),
        format!("—  {witness}\n"),
        "— witness\n".to_owned(),
        format!("— wit+ness {witness}\n"),
        format!("— wit\u{a0}ness {witness}\n"),
        format!("— witness {witness} more\n"),
        format!("— witness {}\n", witness.trim_end_matches('=')),
        format!("— witness {}\n", STANDARD.encode([9; 4])),
        format!("— witness {witness}"),
    ] {
        if !line.is_empty() {
            assert!(verify(&format!("{text}{line}")).is_err(), "{line:?}");
        }
    }
    let short = [key_id(ORIGIN, &key(1).verifying_key()).as_slice(), &[1; 63]].concat();
    let short = format!("{text}— {ORIGIN} {}\n", STANDARD.encode(short));
    assert!(matches!(verify(&short), Err(NoteError::Malformed(_))));
}

#[test]
fn limits_hold() {
    let text = checkpoint().sign(&key(1)).unwrap();
    let witness = format!("— w {}\n", STANDARD.encode([9; 5000]));
    let sixteen = format!("{text}{}", witness.repeat(15));
    assert!(sixteen.len() <= NOTE_MAX_BYTES, "sixteen signatures of 5 kB must fit");
    assert!(verify(&sixteen).is_ok());
    let huge = format!("{text}{}", witness.repeat(30));
    assert!(matches!(verify(&huge), Err(NoteError::TooLarge)));
}

#[test]
fn origins_that_would_break_a_note_are_not_signed() {
    let long = "o".repeat(ORIGIN_MAX_BYTES + 1);
    for origin in ["", "a b", "a\nb", "a+b", "a\u{2003}b", "a\tb", "a\u{85}b", &long] {
        let wrong = Checkpoint { origin: origin.to_owned(), ..checkpoint() };
        assert!(matches!(wrong.sign(&key(1)), Err(NoteError::Origin)), "{origin:?}");
        let refused = Checkpoint::verify("", origin, &key(1).verifying_key());
        assert!(matches!(refused, Err(NoteError::Origin)));
    }
}

proptest! {
    #[test]
    fn any_checkpoint_reads_back(
        origin in "[a-z0-9./:\\-äö]{1,60}", size in any::<u64>(), root in any::<[u8; 32]>(),
    ) {
        let checkpoint = Checkpoint { origin, size, root: Hash::from_bytes(root) };
        let text = checkpoint.sign(&key(3)).unwrap();
        let read = Checkpoint::verify(&text, &checkpoint.origin, &key(3).verifying_key());
        prop_assert_eq!(read.unwrap(), checkpoint);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[—\\n 0-9a-zA-Z+/=\\PC]{0,200}") {
        prop_assert!(verify(&text).is_err());
        let with_origin = format!("{ORIGIN}\n{text}\n\n— {ORIGIN} {text}\n");
        prop_assert!(verify(&with_origin).is_err());
    }
}

#[test]
fn an_extension_line_is_signed_and_read_back() {
    let (key, checkpoint) = (key(1), checkpoint());
    let note = checkpoint.sign_extended(&key, Some("at-rest 00ff")).unwrap();
    let verifying = key.verifying_key();
    let read = Checkpoint::verify_extended(&note, &checkpoint.origin, &verifying).unwrap();
    assert_eq!(read, (checkpoint.clone(), Some("at-rest 00ff")));
    assert_eq!(Checkpoint::verify(&note, &checkpoint.origin, &verifying).unwrap(), checkpoint);
    let plain = checkpoint.sign(&key).unwrap();
    let read = Checkpoint::verify_extended(&plain, &checkpoint.origin, &verifying).unwrap();
    assert_eq!(read.1, None);
    for cut in [note.replace("at-rest 00ff\n", ""), note.replace("00ff", "00fe")] {
        Checkpoint::verify(&cut, &checkpoint.origin, &verifying).unwrap_err();
    }
    for line in ["", "two\nlines", "a\u{0}"] {
        checkpoint.sign_extended(&key, Some(line)).unwrap_err();
    }
}
