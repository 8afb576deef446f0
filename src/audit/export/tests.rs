#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use base::{Actor, OsEntropy, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use seal::{DataKey, SigningKey};

use super::*;
use crate::{Action, Event, Stamp, root};

const ORIGIN: &str = "millwright/log/test";

fn entry(index: u64) -> String {
    let stamp = Stamp {
        index,
        time: Timestamp::from_unix_ms(1_795_000_000_000),
        actor: Actor::Console,
        tenant: None,
        request_id: None,
    };
    let event = Event::new(Action::new("setting.changed")).object("setting", "a \"b\"");
    String::from_utf8(event.into_entry(stamp).canonical()).unwrap()
}

/// The record of a pruning of everything below `end`, as entry `index`.
fn record(index: u64, end: u64, actor: Actor) -> String {
    let time = Timestamp::from_unix_ms(1_795_000_000_000);
    let stamp = Stamp { index, time, actor, tenant: None, request_id: None };
    let cutoff = Pruning::cutoff_at(time, 2557);
    let pruning = Pruning { first: 0, end, cutoff, retention_days: 2557 };
    String::from_utf8(pruning.event().into_entry(stamp).canonical()).unwrap()
}

/// The lines of an export of `first..last` out of a log of `size`.
fn export(size: u64, first: u64, last: u64) -> Vec<String> {
    export_of(&(0..size).map(entry).collect::<Vec<_>>(), first, last)
}

fn export_of(entries: &[String], first: u64, last: u64) -> Vec<String> {
    let key = SigningKey::from_seed(&DataKey::generate(&OsEntropy).unwrap());
    let size = entries.len() as u64;
    let leaves: Vec<Hash> = entries.iter().map(|e| leaf_hash(e.as_bytes())).collect();
    let note = Checkpoint { origin: ORIGIN.to_owned(), size, root: root(&leaves) };
    let cover = |range: std::ops::Range<u64>| {
        let mut cover = Cover::from(range.start);
        leaves[range.start as usize..range.end as usize].iter().for_each(|l| cover.push_leaf(*l));
        cover.subtrees().to_vec()
    };
    let head = ExportHead {
        format: EXPORT_FORMAT.to_owned(),
        origin: ORIGIN.to_owned(),
        public_key: STANDARD.encode(key.verifying_key().as_bytes()),
        checkpoint: note.sign(&key).unwrap(),
        first,
        before: cover(0..first),
        pruned: None,
    };
    let end = ExportEnd { end: last - first, after: cover(last..size) };
    let mut lines = vec![serde_json::to_string(&head).unwrap()];
    lines.extend(entries[first as usize..last as usize].iter().cloned());
    lines.push(serde_json::to_string(&end).unwrap());
    lines
}

fn verify(lines: &[String]) -> Result<VerifiedExport, ExportError> {
    let mut verifier = ExportVerifier::begin(&lines[0])?;
    for line in &lines[1..] {
        verifier.line(line)?;
    }
    verifier.finish()
}

#[test]
fn every_stretch_of_every_small_log_is_proved() {
    for size in 0..=17 {
        for first in 0..=size {
            for last in first..=size {
                let sound = verify(&export(size, first, last)).unwrap();
                assert_eq!(sound.entries, last - first, "{first}..{last} of {size}");
                assert_eq!(sound.checkpoint.size, size);
            }
        }
    }
}

#[test]
fn what_was_pruned_must_be_recorded_by_the_entry_that_is_named() {
    let export = |by: u64, end: u64, actor: Actor, last: u64| {
        let mut entries: Vec<String> = (0..12).map(entry).collect();
        entries[8] = record(8, end, actor);
        let mut lines = export_of(&entries, 5, last);
        let mut head: ExportHead = serde_json::from_str(&lines[0]).unwrap();
        head.pruned = Some(PrunedBefore { end: 5, by });
        lines[0] = serde_json::to_string(&head).unwrap();
        verify(&lines)
    };
    let sound = export(8, 5, Actor::Appliance, 12).unwrap();
    assert!(sound.has_pruning_record && sound.entries == 7);
    assert!(
        export(8, 7, Actor::Appliance, 12).unwrap().has_pruning_record,
        "it went further since"
    );
    assert!(!export(8, 5, Actor::Appliance, 8).unwrap().has_pruning_record, "it is not in there");
    for (by, end, actor) in
        [(8, 4, Actor::Appliance), (8, 5, Actor::Console), (7, 5, Actor::Appliance)]
    {
        let error = export(by, end, actor, 12).unwrap_err();
        assert!(matches!(error, ExportError::Erased { .. }), "{error}");
    }
    let mut lines = export_of(&(0..12).map(entry).collect::<Vec<_>>(), 5, 12);
    let mut head: ExportHead = serde_json::from_str(&lines[0]).unwrap();
    head.pruned = Some(PrunedBefore { end: 4, by: 8 });
    lines[0] = serde_json::to_string(&head).unwrap();
    assert!(matches!(verify(&lines), Err(ExportError::Subtrees)), "it must begin where they end");
}

#[test]
fn the_whole_log_has_the_root_of_the_tree() {
    let leaves: Vec<Hash> = (0..300).map(|i| leaf_hash(entry(i).as_bytes())).collect();
    let mut cover = Cover::from(0);
    leaves.iter().for_each(|leaf| cover.push_leaf(*leaf));
    assert_eq!(cover.root(), root(&leaves));
    assert_eq!(Cover::from(0).root(), Hash::EMPTY_ROOT);
}

#[test]
fn whatever_is_done_to_an_export_is_found() {
    let good = export(21, 5, 13);
    verify(&good).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = good.clone();
        change(&mut lines);
        verify(&lines).unwrap_err().to_string()
    };
    let swap = |from: &'static str, to: &'static str, line: usize| {
        move |lines: &mut Vec<String>| {
            assert!(lines[line].contains(from), "{}", lines[line]);
            lines[line] = lines[line].replacen(from, to, 1);
        }
    };
    for (change, says) in [
        (&swap("success", "denied", 3) as &dyn Fn(&mut Vec<String>), "altered"),
        (&|lines| drop(lines.remove(4)), "entry 8 is missing"),
        (&|lines| lines.swap(2, 3), "entry 6 is missing"),
        (&|lines| drop(lines.pop()), "cut off"),
        (&|lines| lines.truncate(4), "cut off"),
        (&|lines| drop(lines.remove(8)), "cut off"),
        (&|lines| lines.push(entry(13)), "behind the end"),
        (&|lines| lines.insert(9, entry(13)), "cut off"),
        (&swap("\"first\":5", "\"first\":4", 0), "do not fit"),
        (&swap("\"size\":4", "\"size\":3", 0), "do not fit"),
        (&swap("\\n21\\n", "\\n22\\n", 0), "not genuine"),
        (&swap("export/1", "export/2", 0), "the format is not"),
        (&swap("\"end\":8", "\"end\":7", 9), "cut off"),
        (&|lines| lines[0].clear(), "line 1"),
        (&|lines| lines[5] = "{}".to_owned(), "line 6"),
    ] {
        let said = damaged(change);
        assert!(said.contains(says), "{said} does not say {says}");
    }
    // The subtrees around the entries are as much a part of the proof as they are.
    let hash_in = |line: usize| {
        let at = good[line].rfind("\"hash\":\"").unwrap() + 8;
        damaged(&|lines| {
            let other = if lines[line].as_bytes()[at] == b'0' { "1" } else { "0" };
            lines[line].replace_range(at..=at, other);
        })
    };
    assert!(hash_in(0).contains("altered") && hash_in(9).contains("altered"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(lines in proptest::collection::vec("\\PC{0,80}", 1..6)) {
        let _ = verify(&lines);
    }

    #[test]
    fn a_flipped_byte_is_found(line in 1_usize..9, at in any::<prop::sample::Index>(), bit in 0_u8..7) {
        let mut lines = export(12, 2, 10);
        let mut bytes = lines[line].clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        if let Ok(text) = String::from_utf8(bytes) {
            lines[line] = text;
            prop_assert!(verify(&lines).is_err());
        }
    }
}
