//! What is found, and what is not.

use base::{ChunkId, PageNumber};

use crate::chunk_set::{Allowed, ChunkSet};
use crate::fixtures::{chunk, ids, indexed};
use crate::index::{IndexedChunk, TextHit, TextQuery, TextSnapshot};
use crate::text::Language;

fn ask(snapshot: &TextSnapshot, words: &str, allowed: Allowed<'_>, limit: usize) -> Vec<TextHit> {
    let query = TextQuery::question(words, snapshot.languages());
    snapshot.search(&query, allowed, limit).unwrap()
}

/// Chunks with a word or name of `words`, best first.
fn found(snapshot: &TextSnapshot, words: &str) -> Vec<ChunkId> {
    let hits = ask(snapshot, words, Allowed::All, 10);
    hits.into_iter().filter(|hit| hit.score > 0.0).map(|hit| hit.chunk_id).collect()
}

/// Chunks that fulfil the conditions of a search line.
fn fulfilling(snapshot: &TextSnapshot, line: &str) -> Vec<ChunkId> {
    let query = TextQuery::search(line, snapshot.languages()).unwrap();
    let set = snapshot.matching(&query, Allowed::All).unwrap().expect("conditions");
    set.iter().collect()
}

#[test]
fn what_is_not_allowed_takes_no_place() {
    // Of 3,000 chunks, every one but a few says more about valves than those that are allowed.
    let text = |id: i64| match id % 100 {
        0 => "a valve among many other words of the text that make it weaker than the rest",
        _ => "valve valve valve",
    };
    let snapshot = indexed((1..=3000).map(|id| chunk(id, text(id))));
    let few: ChunkSet = (1..=30).map(|i| ChunkId(i * 100)).collect();
    let mut many = ChunkSet::new();
    many.insert_range(ChunkId(1500), ChunkId(3000));
    for (allowed, first) in [(&few, 100), (&many, 1501)] {
        let hits = ask(&snapshot, "valve", Allowed::Only(allowed), 5);
        assert_eq!(hits.len(), 5);
        assert!(hits.iter().all(|hit| allowed.contains(hit.chunk_id)), "{hits:?}");
        assert_eq!(hits[0].chunk_id, ChunkId(first));
    }
    assert!(ask(&snapshot, "valve", Allowed::Only(&ChunkSet::new()), 5).is_empty());
    let query = TextQuery::search("\"valve valve\"", snapshot.languages()).unwrap();
    let matching = snapshot.matching(&query, Allowed::Only(&few)).unwrap().unwrap();
    assert!(matching.is_empty(), "conditions look at allowed chunks alone");
}

#[test]
fn a_score_is_a_share_of_what_is_possible() {
    let snapshot = indexed([
        chunk(1, "flange bolts"),
        chunk(2, "The flange bolts of the pump are tightened crosswise in three steps."),
        chunk(3, "The guard of the conveyor is closed before the motor is started."),
    ]);
    let hits = ask(&snapshot, "flange bolts", Allowed::All, 10);
    assert_eq!(hits.iter().map(|hit| hit.chunk_id).collect::<Vec<_>>(), ids([1, 2]));
    assert!(hits[0].score > hits[1].score && hits[1].score > 0.0, "{hits:?}");
    assert!(hits[0].score <= 1.0, "{hits:?}");
}

#[test]
fn identifiers_are_found_however_they_are_typed() {
    let snapshot = indexed([
        chunk(1, "Replace the module 6ES7 315-2EH14-0AB0 of the control cabinet."),
        chunk(2, "Alarm F30001 stops the drive."),
        chunk(3, "Pump P-101 delivers 40 m³/h."),
        chunk(4, "Pump P-102 delivers 60 m³/h, module 6ES7 315-2EH14-0AB1."),
    ]);
    for (typed, expected) in [
        ("6ES7 315-2EH14-0AB0", 1),
        ("6es7315-2eh14-0ab0", 1),
        ("6ES73152EH140AB0", 1),
        ("6ES7-315-2EH14-0AB0", 1),
        ("what is 6es7 315 2eh14 0ab0 for?", 1),
        ("f30001", 2),
        ("F 30001", 2),
        ("F-30001", 2),
        ("P-101", 3),
        ("p101", 3),
        ("P 101", 3),
        ("p_101", 3),
        ("flow of P102", 4),
    ] {
        let hits = ask(&snapshot, typed, Allowed::All, 10);
        let named: Vec<_> = hits.iter().filter(|h| h.has_identifier).map(|h| h.chunk_id).collect();
        assert_eq!(named, ids([expected]), "{typed}");
        assert_eq!(hits[0].chunk_id, ChunkId(expected), "{typed}");
    }
    assert!(ask(&snapshot, "P-103", Allowed::All, 10).iter().all(|hit| !hit.has_identifier));
}

#[test]
fn words_are_stemmed_in_the_language_of_their_chunk() {
    let said = [
        (1, Language::English, "Tighten the bolts."),
        (2, Language::German, "Die Schrauben werden mit dem Schlüssel angezogen."),
        (3, Language::Czech, "Šrouby čerpadla se dotahují klíčem."),
        (4, Language::Spanish, "Los tornillos de la bomba se aprietan."),
    ];
    let chunks = said
        .map(|(id, language, text)| IndexedChunk { language: Some(language), ..chunk(id, text) });
    let snapshot = indexed(chunks);
    for (question, expected) in [
        ("How is a bolt tightened?", 1),
        ("Welche Schraube wird angezogen?", 2),
        ("Welcher Schluessel?", 2),
        ("Jak se dotahuje šroub u čerpadel?", 3),
        ("srouby cerpadla", 3),
        ("¿Qué tornillo de las bombas hay que apretar?", 4),
    ] {
        assert_eq!(found(&snapshot, question).first(), Some(&ChunkId(expected)), "{question}");
    }
    let languages: Vec<&str> = snapshot.languages().iter().map(|l| l.tag()).collect();
    assert_eq!(languages.len(), 4);
}

#[test]
fn halves_of_compounds_are_found() {
    let german = |id, text| IndexedChunk { language: Some(Language::German), ..chunk(id, text) };
    let snapshot = indexed([
        german(1, "Die Flanschschrauben sind nach dem Plan zu prüfen."),
        german(2, "Am Flansch sitzt eine Schraube."),
        german(3, "Das Förderband läuft."),
    ]);
    assert_eq!(found(&snapshot, "Welche Flanschschraube ist das?"), ids([1, 2]));
    let by_half = found(&snapshot, "Wo ist der Flansch?");
    assert_eq!(by_half, ids([2, 1]), "the word itself before the compound");
}

#[test]
fn conditions_of_a_search_line_hold() {
    let tags = ["Seal".to_owned(), "old".to_owned()];
    let snapshot = indexed([
        IndexedChunk {
            title: "Transfer pump P-101",
            document_key: "pump-manual",
            page_first: PageNumber(3),
            page_last: PageNumber(5),
            ..chunk(1, "The flange bolts are tightened.")
        },
        IndexedChunk { tags: &tags, ..chunk(2, "The bolts of the flange are tightened.") },
        IndexedChunk {
            language: Some(Language::German),
            title: "Pumpe",
            ..chunk(3, "Die Schrauben der Pumpe P-101.")
        },
    ]);
    for (line, expected) in [
        ("\"flange bolts\"", vec![1]),
        ("\"FLANGE  bolts\"", vec![1]),
        ("-\"flange bolts\"", vec![2, 3]),
        ("title:pump", vec![1]),
        ("title:\"transfer pump\"", vec![1]),
        ("title:\"pump transfer\"", vec![]),
        ("title:pump-manual", vec![1]),
        ("tag:seal", vec![2]),
        ("-tag:OLD", vec![1, 3]),
        ("lang:de", vec![3]),
        ("lang:de-AT", vec![3]),
        ("-lang:de", vec![1, 2]),
        ("id:p101", vec![1, 3]),
        ("id:\"P 101\" lang:en", vec![1]),
        ("page:4", vec![1]),
        ("page:6", vec![]),
        ("page:1 -tag:seal", vec![3]),
    ] {
        assert_eq!(fulfilling(&snapshot, line), ids(expected), "{line}");
    }
    let plain = TextQuery::search("flange bolts", snapshot.languages()).unwrap();
    assert!(snapshot.matching(&plain, Allowed::All).unwrap().is_none());
}
