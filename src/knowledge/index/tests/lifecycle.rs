//! Adding, removing, committing and reopening.

use base::{ChunkId, RevisionId};
use tantivy::directory::RamDirectory;

use crate::chunk_set::Allowed;
use crate::fixtures::{chunk, ids};
use crate::index::{IndexedChunk, TextIndex, TextQuery};

fn found(index: &TextIndex, words: &str) -> Vec<ChunkId> {
    let snapshot = index.snapshot().unwrap();
    let query = TextQuery::question(words, snapshot.languages());
    let hits = snapshot.search(&query, Allowed::All, 10).unwrap();
    let mut found: Vec<ChunkId> = hits.into_iter().map(|hit| hit.chunk_id).collect();
    found.sort_unstable();
    found
}

#[test]
fn nothing_is_seen_before_its_commit_and_all_of_it_after() {
    let directory = RamDirectory::create();
    let index = TextIndex::open(directory.clone()).unwrap();
    assert_eq!(index.generation().unwrap(), None);
    let mut writer = index.writer().unwrap();
    assert!(index.writer().is_err(), "two writers");
    writer.add(&chunk(1, "the coupling of the pump")).unwrap();
    assert!(found(&index, "coupling").is_empty());
    writer.commit(7).unwrap();
    assert_eq!(found(&index, "coupling"), ids([1]));
    let before = index.snapshot().unwrap();
    writer.add(&chunk(2, "another coupling")).unwrap();
    writer.commit(8).unwrap();
    assert_eq!(found(&index, "coupling"), ids([1, 2]));
    assert_eq!((before.chunk_count(), index.snapshot().unwrap().chunk_count()), (1, 2));
    writer.add(&chunk(3, "a coupling that is given up")).unwrap();
    drop(writer);
    let again = TextIndex::open(directory).unwrap();
    assert_eq!(again.generation().unwrap(), Some(8));
    assert_eq!(found(&again, "coupling"), ids([1, 2]));
}

#[test]
fn a_revision_a_chunk_or_all_are_removed() {
    let index = TextIndex::open(RamDirectory::create()).unwrap();
    let mut writer = index.writer().unwrap();
    for id in 1..=6 {
        let revision_id = RevisionId::from_bytes([u8::try_from(id % 2).unwrap(); 16]);
        writer.add(&IndexedChunk { revision_id, ..chunk(id, "a coupling") }).unwrap();
    }
    writer.commit(1).unwrap();
    writer.delete_revision(RevisionId::from_bytes([0; 16]));
    writer.delete_chunk(ChunkId(5));
    writer.commit(2).unwrap();
    assert_eq!(found(&index, "coupling"), ids([1, 3]));
    // A chunk that is indexed anew under its id is there once.
    writer.delete_chunk(ChunkId(3));
    writer.add(&chunk(3, "a gearbox")).unwrap();
    writer.commit(3).unwrap();
    assert_eq!(found(&index, "coupling"), ids([1]));
    assert_eq!(found(&index, "gearbox"), ids([3]));
    writer.delete_all().unwrap();
    writer.commit(4).unwrap();
    assert!(found(&index, "coupling gearbox").is_empty());
}
