#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use base::{Actor, Timestamp};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{Action, Event, Pruning, Stamp, leaf_hash};

/// A row as the database keeps it.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    index: u64,
    bytes: Vec<u8>,
    hash: Hash,
}

fn entry(index: u64, detail: &str) -> Vec<u8> {
    let stamp = Stamp {
        index,
        time: Timestamp::from_unix_ms(1_795_000_000_000),
        actor: Actor::Console,
        tenant: None,
        request_id: None,
    };
    Event::new(Action::new("test.event")).detail(json!(detail)).into_entry(stamp).canonical()
}

fn row(index: u64, bytes: Vec<u8>) -> Row {
    let hash = leaf_hash(&bytes);
    Row { index, bytes, hash }
}

fn log(size: u64) -> Vec<Row> {
    (0..size).map(|index| row(index, entry(index, "honest"))).collect()
}

fn head(rows: &[Row]) -> Frontier {
    let mut frontier = Frontier::new();
    rows.iter().for_each(|row| frontier.append(leaf_hash(&row.bytes)));
    frontier
}

fn checkpoint(rows: &[Row]) -> Checkpoint {
    let head = head(rows);
    Checkpoint { origin: "log".into(), size: head.size(), root: head.root() }
}

fn run(mut verifier: Verifier, rows: &[Row], recorded: Option<&Frontier>) -> Report {
    rows.iter().for_each(|row| verifier.push(row.index, &row.bytes, &row.hash));
    verifier.finish(recorded)
}

/// What is found in `rows` that were `honest` once.
fn found(honest: &[Row], rows: &[Row]) -> Option<(u64, FindingKind)> {
    let verifier = Verifier::new(Some(checkpoint(honest)));
    let report = run(verifier, rows, Some(&head(honest)));
    assert_eq!(report.size, rows.len() as u64);
    assert_eq!(report.root, head(rows).root());
    report.finding.map(|finding| (finding.index, finding.kind))
}

#[test]
fn an_honest_log_has_no_finding() {
    for size in 0..40 {
        let rows = log(size);
        assert_eq!(found(&rows, &rows), None, "{size}");
        let report = run(Verifier::new(None), &rows, None);
        assert_eq!(report, Report { size, root: head(&rows).root(), finding: None });
        // The database may be ahead of its checkpoint: the crash came between the two.
        for behind in 0..size {
            let verifier = Verifier::new(Some(checkpoint(&rows[..behind as usize])));
            assert_eq!(run(verifier, &rows, Some(&head(&rows))).finding, None);
        }
    }
}

#[test]
fn altered_bytes_are_named() {
    let honest = log(17);
    for index in 0..17 {
        for byte in [0, 20, honest[index].bytes.len() - 1] {
            let mut rows = honest.clone();
            rows[index].bytes[byte] ^= 1;
            assert_eq!(found(&honest, &rows), Some((index as u64, FindingKind::Altered)));
        }
        let mut rows = honest.clone();
        rows[index].hash = leaf_hash(b"another");
        assert_eq!(found(&honest, &rows), Some((index as u64, FindingKind::Altered)));
        // Bytes and hash fit each other but are no entry.
        rows[index] = row(index as u64, b"{}".to_vec());
        assert_eq!(found(&honest, &rows), Some((index as u64, FindingKind::Altered)));
        let spaced = [b" ".as_slice(), &honest[index].bytes].concat();
        rows[index] = row(index as u64, spaced);
        assert_eq!(found(&honest, &rows), Some((index as u64, FindingKind::Altered)));
    }
}

#[test]
fn missing_entries_are_named() {
    let honest = log(17);
    for index in 0..16 {
        let mut rows = honest.clone();
        rows.remove(index);
        assert_eq!(found(&honest, &rows), Some((index as u64, FindingKind::Missing)));
        // The rest moved up to close the gap.
        (0_u64..).zip(rows.iter_mut()).for_each(|(number, row)| row.index = number);
        assert_eq!(found(&honest, &rows), Some((index as u64, FindingKind::Missing)));
    }
}

#[test]
fn reordered_entries_are_named() {
    let honest = log(17);
    for first in 0..17 {
        for second in first + 1..17 {
            let expected = Some((first as u64, FindingKind::Reordered));
            // The rows come in another order, numbers and all.
            let mut rows = honest.clone();
            rows.swap(first, second);
            assert_eq!(found(&honest, &rows), expected);
            // The numbers were corrected, bytes and hashes went along.
            (0_u64..).zip(rows.iter_mut()).for_each(|(number, row)| row.index = number);
            assert_eq!(found(&honest, &rows), expected);
            // Only the bytes changed places.
            (0..17).for_each(|at| rows[at].hash = honest[at].hash);
            assert_eq!(found(&honest, &rows), expected);
        }
    }
    // Three in a ring.
    let mut rows = honest.clone();
    rows[3..12].rotate_left(4);
    (0..17).for_each(|at| rows[at].hash = honest[at].hash);
    (0..17).for_each(|at| rows[at].index = honest[at].index);
    assert_eq!(found(&honest, &rows), Some((3, FindingKind::Reordered)));
}

#[test]
fn repeated_entries_are_named() {
    let honest = log(9);
    for (original, copy) in [(2_usize, 5_usize), (0, 8), (7, 8)] {
        // A copy of an earlier entry in the place of a later one.
        let mut rows = honest.clone();
        rows[copy].bytes.clone_from(&honest[original].bytes);
        let expected = Some((copy as u64, FindingKind::Altered));
        assert_eq!(found(&honest, &rows), expected);
        rows[copy].hash = honest[original].hash;
        assert_eq!(found(&honest, &rows), expected);
        // A row that comes twice.
        let mut rows = honest.clone();
        rows.insert(copy, honest[original].clone());
        assert_eq!(found(&honest, &rows), Some((copy as u64, FindingKind::Reordered)));
    }
}

#[test]
fn a_cut_end_and_an_older_database_are_told_apart() {
    let honest = log(17);
    let signed = Some(checkpoint(&honest));
    for left in 0..17_usize {
        let rows = &honest[..left];
        let kind = |recorded: Option<&Frontier>| {
            let finding = run(Verifier::new(signed.clone()), rows, recorded).finding.unwrap();
            assert_eq!(finding.index, left as u64);
            finding.kind
        };
        assert_eq!(kind(Some(&head(&honest))), FindingKind::Truncated, "the head remembers");
        assert_eq!(kind(Some(&head(rows))), FindingKind::RolledBack, "the head went back too");
        assert_eq!(kind(None), FindingKind::Truncated, "an export has no head");
        // Without a checkpoint the head alone tells.
        let finding = run(Verifier::new(None), rows, Some(&head(&honest))).finding.unwrap();
        assert_eq!((finding.index, finding.kind), (left as u64, FindingKind::Truncated));
    }
}

#[test]
fn entries_rewritten_with_their_hashes_are_noticed() {
    let honest = log(17);
    for index in 0..17 {
        let mut rows = honest.clone();
        rows[index] = row(index as u64, entry(index as u64, "forged"));
        // Against the checkpoint, whether or not the head was rewritten too.
        assert_eq!(found(&honest, &rows), Some((0, FindingKind::RootMismatch)));
        let verifier = Verifier::new(Some(checkpoint(&honest)));
        let finding = run(verifier, &rows, Some(&head(&rows))).finding.unwrap();
        assert_eq!((finding.index, finding.kind), (0, FindingKind::RootMismatch));
        // Without a checkpoint, against the head.
        let finding = run(Verifier::new(None), &rows, Some(&head(&honest))).finding.unwrap();
        assert_eq!((finding.index, finding.kind), (0, FindingKind::RootMismatch));
    }
}

#[test]
fn earlier_checkpoints_narrow_down_where() {
    let honest = log(32);
    for index in 0..32_usize {
        let mut rows = honest.clone();
        rows[index] = row(index as u64, entry(index as u64, "forged"));
        let verifier = Verifier::new(Some(checkpoint(&honest)))
            .earlier(&checkpoint(&honest[..16]))
            .earlier(&checkpoint(&honest[..8]));
        let finding = run(verifier, &rows, Some(&head(&rows))).finding.unwrap();
        let from = match index {
            0..8 => 0,
            8..16 => 8,
            _ => 16,
        };
        assert_eq!((finding.index, finding.kind), (from, FindingKind::RootMismatch), "{index}");
    }
}

#[test]
fn a_head_that_does_not_fit_the_rows_is_noticed() {
    let honest = log(10);
    let verifier = || Verifier::new(Some(checkpoint(&honest[..6])));
    // Rows were added behind the head's back.
    let finding = run(verifier(), &honest, Some(&head(&honest[..8]))).finding.unwrap();
    assert_eq!((finding.index, finding.kind), (6, FindingKind::RootMismatch));
}

#[test]
fn an_empty_log_is_compared_too() {
    let wrong = Checkpoint { origin: "log".into(), size: 0, root: leaf_hash(b"x") };
    let finding = Verifier::new(Some(wrong)).finish(None).finding.unwrap();
    assert_eq!((finding.index, finding.kind), (0, FindingKind::RootMismatch));
    assert_eq!(Verifier::new(Some(checkpoint(&[]))).finish(None).finding, None);
}

#[test]
fn a_checkpoint_that_disagrees_before_a_bad_row_comes_first() {
    let honest = log(32);
    let mut rows = honest.clone();
    rows[3] = row(3, entry(3, "forged"));
    rows[20].bytes[5] ^= 1;
    let verifier = Verifier::new(Some(checkpoint(&honest))).earlier(&checkpoint(&honest[..16]));
    let finding = run(verifier, &rows, None).finding.unwrap();
    assert_eq!((finding.index, finding.kind), (0, FindingKind::RootMismatch));
    // A checkpoint that reaches over the bad row disagrees because of it.
    assert_eq!(found(&honest, &rows), Some((20, FindingKind::Altered)));
}

#[test]
fn findings_name_the_index_and_no_content() {
    let honest = log(5);
    let mut rows = honest.clone();
    rows[3].bytes[5] ^= 1;
    let verifier = Verifier::new(Some(checkpoint(&honest)));
    let finding = run(verifier, &rows, None).finding.unwrap();
    assert!(finding.what.contains('3'));
    assert!(!finding.what.contains("honest"));
}

proptest! {
    /// Whatever is done to the rows, something is found, at or before the first row that is bad
    /// by itself. (A row forged together with its hash shows in the root alone, which cannot say
    /// where it is.)
    #[test]
    fn no_change_goes_unnoticed(
        size in 2..40_usize,
        edits in proptest::collection::vec((0..6_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
    ) {
        let honest = log(size as u64);
        let mut rows = honest.clone();
        for (edit, first, second) in edits {
            if rows.is_empty() {
                break;
            }
            let (first, second) = (first.index(rows.len()), second.index(rows.len()));
            match edit {
                0 => rows[first].bytes[second] ^= 0x04,
                1 => rows.swap(first, second),
                2 => drop(rows.remove(first)),
                3 => rows.truncate(first),
                4 => rows[first] = row(first as u64, entry(first as u64, "forged")),
                _ => rows[first].hash = leaf_hash(b"forged"),
            }
        }
        prop_assume!(rows != honest);
        let is_bad = |at: usize| {
            let forged = row(at as u64, entry(at as u64, "forged"));
            rows[at] != honest[at] && rows[at] != forged
        };
        let first_bad = (0..rows.len()).find(|at| is_bad(*at)).unwrap_or(rows.len()) as u64;
        let (index, _) = found(&honest, &rows).unwrap();
        prop_assert!(index <= first_bad, "found at {}, bad at {}", index, first_bad);
    }
}

/// `honest` without the content of the first `end` entries, and with a record of `recorded` of them
/// at the end.
fn pruned(honest: &[Row], end: usize, recorded: u64) -> Vec<Row> {
    let index = honest.len() as u64;
    let time = Timestamp::from_unix_ms(1_795_000_000_000);
    let stamp = Stamp { index, time, actor: Actor::Appliance, tenant: None, request_id: None };
    let cutoff = Pruning::cutoff_at(time, 2557);
    let pruning = Pruning { first: 0, end: recorded, cutoff, retention_days: 2557 };
    let mut rows = honest.to_vec();
    rows.push(row(index, pruning.event().into_entry(stamp).canonical()));
    rows[..end].iter_mut().for_each(|row| row.bytes.clear());
    rows
}

/// What is found in rows of which the first ones have no bytes; their hashes are those of the log.
fn found_in(rows: &[Row]) -> Option<(u64, FindingKind)> {
    let mut frontier = Frontier::new();
    rows.iter().for_each(|row| frontier.append(row.hash));
    let checkpoint =
        Checkpoint { origin: "log".into(), size: frontier.size(), root: frontier.root() };
    let report = run(Verifier::new(Some(checkpoint)), rows, Some(&frontier));
    assert_eq!(report.root, frontier.root(), "pruning changes no root");
    report.finding.map(|finding| (finding.index, finding.kind))
}

#[test]
fn pruned_entries_are_good_where_the_log_records_it() {
    let honest = log(17);
    for end in 0..=17 {
        assert_eq!(found_in(&pruned(&honest, end, 17)), None, "{end}");
        for recorded in 0..17 {
            let expected = (recorded < end as u64).then_some((recorded, FindingKind::Erased));
            assert_eq!(found_in(&pruned(&honest, end, recorded)), expected, "{end} {recorded}");
        }
    }
    // The later record covers what the one before it covered, which may be gone itself.
    let mut rows = pruned(&honest, 10, 10);
    rows = pruned(&rows, 18, 18);
    assert_eq!(found_in(&rows), None);
    // A hash of a pruned entry is as much a part of the root as any.
    let mut rows = pruned(&honest, 10, 10);
    let checkpoint = {
        let mut frontier = Frontier::new();
        rows.iter().for_each(|row| frontier.append(row.hash));
        Checkpoint { origin: "log".into(), size: frontier.size(), root: frontier.root() }
    };
    rows[4].hash = leaf_hash(b"another");
    let report = run(Verifier::new(Some(checkpoint)), &rows, None);
    assert_eq!(report.finding.unwrap().kind, FindingKind::RootMismatch);
}

#[test]
fn content_that_is_gone_without_a_record_is_named() {
    let honest = log(17);
    for index in 0..17 {
        let mut rows = honest.clone();
        rows[index].bytes.clear();
        assert_eq!(found_in(&rows), Some((index as u64, FindingKind::Erased)));
        // Nor does a record of pruning cover what is not at the beginning.
        if index > 3 {
            let mut rows = pruned(&honest, 3, 17);
            rows[index].bytes.clear();
            assert_eq!(found_in(&rows), Some((index as u64, FindingKind::Erased)));
        }
    }
    // A record that names itself, or was made by somebody, covers nothing.
    let mut rows = honest.clone();
    let stamp = |actor| Stamp {
        index: 17,
        time: Timestamp::from_unix_ms(1_795_000_000_000),
        actor,
        tenant: None,
        request_id: None,
    };
    let cutoff = Timestamp::from_unix_ms(0);
    for (end, retention_days, actor) in
        [(18, 2557, Actor::Appliance), (17, 2557, Actor::Console), (17, 30, Actor::Appliance)]
    {
        let pruning = Pruning { first: 0, end, cutoff, retention_days };
        rows.truncate(17);
        rows.push(row(17, pruning.event().into_entry(stamp(actor)).canonical()));
        rows[0].bytes.clear();
        assert_eq!(found_in(&rows), Some((0, FindingKind::Erased)));
    }
}

#[test]
fn a_log_that_is_not_what_its_witness_saw_is_named() {
    let honest = log(17);
    let against = |rows: &[Row], seen: &[&[Row]]| {
        let verifier = seen
            .iter()
            .fold(Verifier::new(Some(checkpoint(rows))), |v, seen| v.witnessed(&checkpoint(seen)));
        let report = run(verifier, rows, Some(&head(rows)));
        report.finding.map(|finding| (finding.index, finding.kind))
    };
    let seen: Vec<&[Row]> = vec![&honest[..0], &honest[..5], &honest[..11], &honest[..17]];
    assert_eq!(against(&honest, &seen), None);
    // Rolled back together with its own checkpoint: nothing but the witness knows.
    assert_eq!(against(&honest[..9], &[]), None);
    assert_eq!(against(&honest[..9], &seen), Some((9, FindingKind::BehindWitness)));
    // And grown again, as another history.
    let mut other = honest[..9].to_vec();
    other.extend((9..20).map(|index| row(index, entry(index, "forged"))));
    assert_eq!(against(&other, &[]), None);
    assert_eq!(against(&other, &seen), Some((5, FindingKind::Forked)));
    assert_eq!(against(&other, &seen[3..]), Some((0, FindingKind::Forked)));
}
