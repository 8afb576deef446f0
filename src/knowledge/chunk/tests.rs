//! The chunker on small documents.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use parse::{BBox, Block, BlockKind, Line, Page, PageState, Table, TableRow};
use proptest::prelude::*;

use super::assemble::ChunkDraft;
use super::flow::{Cut, cut_word};
use super::*;

fn line(text: &str, row: u8) -> Line {
    let top = f32::from(row) * 12.0;
    Line { text: text.to_owned(), bbox: Some(BBox::new(50.0, top, 500.0, top + 10.0)) }
}

fn block(kind: BlockKind, lines: &[&str]) -> Block {
    Block::new(kind, (0..).zip(lines).map(|(row, text)| line(text, row)).collect())
}

fn heading(level: u8, text: &str) -> Block {
    block(BlockKind::Heading { level }, &[text])
}

fn paragraph(lines: &[&str]) -> Block {
    block(BlockKind::Paragraph, lines)
}

fn table(rows: &[&[&str]]) -> Block {
    let rows = rows.iter().map(|cells| TableRow::unplaced(cells.iter().copied())).collect();
    Block::from_table(Table { header_rows: 1, rows })
}

fn page(number: u32, blocks: Vec<Block>) -> Page {
    Page {
        number,
        width_pt: 595.0,
        height_pt: 842.0,
        blocks,
        state: PageState::Text,
        language: Some("en".to_owned()),
    }
}

/// One token for each word.
fn chunks(pages: &[Page], window_tokens: u32, overlap_tokens: u32) -> Vec<ChunkDraft> {
    let count = |text: &String| u32::try_from(text.split_whitespace().count());
    chunks_of_pages(pages, ChunkOptions { window_tokens, overlap_tokens }, count).unwrap()
}

fn texts(drafts: &[ChunkDraft]) -> Vec<&str> {
    drafts.iter().map(|draft| draft.text.as_str()).collect()
}

#[test]
fn a_section_is_a_chunk_with_its_path() {
    let pages = [page(
        1,
        vec![
            heading(1, "Pump P-101"),
            heading(2, "Torques"),
            paragraph(&["Tighten the flange bolts to 90 Nm."]),
            heading(2, "Seal"),
            paragraph(&["Replace the seal."]),
        ],
    )];
    let drafts = chunks(&pages, 100, 10);
    assert_eq!(
        texts(&drafts),
        ["Pump P-101\nTorques\n\nTighten the flange bolts to 90 Nm.", "Seal\n\nReplace the seal."]
    );
    assert_eq!(drafts[0].heading_path, ["Pump P-101", "Torques"]);
    assert_eq!(drafts[1].heading_path, ["Pump P-101", "Seal"]);
    assert_eq!(drafts[0].kind, "prose");
}

#[test]
fn words_cut_by_line_ends_are_joined_and_keep_their_boxes() {
    let pages =
        [page(1, vec![paragraph(&["Das Dreh-", "moment der Pumpe P-", "101 beträgt 90 Nm."])])];
    let drafts = chunks(&pages, 100, 10);
    assert_eq!(drafts[0].text, "Das Drehmoment der Pumpe P-101 beträgt 90 Nm.");
    let parts: Vec<&str> =
        drafts[0].lines.iter().map(|l| &drafts[0].text[l.start as usize..l.end as usize]).collect();
    assert_eq!(parts, ["Das Dreh", "moment der Pumpe P-", "101 beträgt 90 Nm."]);
    assert!(drafts[0].lines.iter().all(|l| l.bbox.is_some()));
}

#[test]
fn hyphens_are_dropped_only_inside_of_words() {
    assert_eq!(cut_word("Dreh-", "moment"), Cut::DropHyphen);
    assert_eq!(cut_word("Vor-", "und Rücklauf"), Cut::No);
    assert_eq!(cut_word("P-", "101"), Cut::KeepHyphen);
    assert_eq!(cut_word("E-", "Mail"), Cut::KeepHyphen);
    assert_eq!(cut_word("Dreh\u{ad}", "moment"), Cut::DropHyphen);
    assert_eq!(cut_word("see -", "this"), Cut::No);
    assert_eq!(cut_word("the", "pump"), Cut::No);
}

#[test]
fn a_paragraph_goes_on_over_the_page() {
    let pages = [
        page(1, vec![paragraph(&["The pump is started by the shift lead and"])]),
        page(
            2,
            vec![
                block(BlockKind::PageFurniture, &["Page 2 of 9"]),
                paragraph(&["stopped by anybody."]),
            ],
        ),
    ];
    let drafts = chunks(&pages, 100, 10);
    assert_eq!(texts(&drafts), ["The pump is started by the shift lead and stopped by anybody."]);
    assert_eq!((drafts[0].page_first.0, drafts[0].page_last.0), (1, 2));
}

#[test]
fn long_sections_are_cut_between_sentences_and_overlap() {
    let sentences: Vec<String> = (0..10).map(|i| format!("Step {i} is done now.")).collect();
    let lines: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let drafts = chunks(&[page(1, vec![paragraph(&lines)])], 20, 5);
    assert!(drafts.len() > 2);
    for draft in &drafts {
        assert!(draft.token_count <= 20 && draft.text.ends_with("now."), "{draft:?}");
    }
    for pair in drafts.windows(2) {
        let last = pair[0].text.rsplit("Step").next().unwrap();
        assert!(pair[1].text.starts_with(&format!("Step{last}")), "{pair:?}");
    }
}

#[test]
fn a_small_table_stays_whole_and_a_long_one_repeats_its_header() {
    let small = table(&[&["Bolt", "Torque"], &["M16", "90 Nm"], &["M20", "180 Nm"]]);
    let intro = paragraph(&["Values for dry threads:"]);
    let drafts = chunks(&[page(1, vec![intro.clone(), small])], 50, 5);
    assert_eq!(texts(&drafts), ["Values for dry threads:\nBolt\tTorque\nM16\t90 Nm\nM20\t180 Nm"]);
    assert_eq!(drafts[0].kind, "table");

    let rows: Vec<[String; 2]> = (0..30).map(|i| [format!("M{i}"), format!("{i} Nm")]).collect();
    let mut cells: Vec<Vec<&str>> = vec![vec!["Bolt", "Torque"]];
    cells.extend(rows.iter().map(|row| row.iter().map(String::as_str).collect::<Vec<_>>()));
    let cells: Vec<&[&str]> = cells.iter().map(Vec::as_slice).collect();
    let caption = block(BlockKind::Caption, &["Table 3: Torques"]);
    let drafts = chunks(&[page(1, vec![intro, caption, table(&cells)])], 20, 5);
    assert_eq!(drafts[0].text, "Values for dry threads:", "prose before it is its own chunk");
    assert!(drafts[1].text.starts_with("Table 3: Torques\nBolt\tTorque\nM0\t0 Nm\n"));
    for draft in &drafts[2..] {
        assert!(draft.text.starts_with("Bolt\tTorque\nM"), "{draft:?}");
        assert!(draft.token_count <= 20);
    }
    let all: String = drafts.iter().map(|d| format!("{}\n", d.text)).collect();
    for row in &rows {
        assert_eq!(all.matches(&format!("\n{}\t{}\n", row[0], row[1])).count(), 1, "{row:?}");
    }
}

#[test]
fn a_line_over_a_table_goes_with_it_even_over_the_page() {
    let pages = [
        page(1, vec![paragraph(&["The list follows the cards."]), paragraph(&["Card in slot 5"])]),
        page(2, vec![table(&[&["Address", "Tag"], &["PIW 272", "TT-101A"]])]),
    ];
    let drafts = chunks(&pages, 9, 0);
    assert_eq!(
        texts(&drafts),
        ["The list follows the cards.", "Card in slot 5\nAddress\tTag\nPIW 272\tTT-101A"]
    );
}

#[test]
fn a_table_of_contents_is_no_chunk() {
    let pages = [page(
        1,
        vec![
            heading(1, "Manual"),
            heading(2, "Contents"),
            paragraph(&["1 Torques … 3"]),
            paragraph(&["2 Seals ........ 4", "2.1 Packing ........ 5"]),
            paragraph(&["3 Alignment . . . . . 6"]),
            heading(2, "About"),
            paragraph(&["It weighs 3"]),
        ],
    )];
    assert_eq!(texts(&chunks(&pages, 100, 0)), ["Manual\nAbout\n\nIt weighs 3"]);
}

#[test]
fn headings_without_text_can_still_be_found() {
    let drafts = chunks(&[page(1, vec![heading(1, "Annex"), heading(2, "Drawings")])], 50, 5);
    assert_eq!(texts(&drafts), ["Annex\nDrawings"]);
    assert!(chunks(&[page(1, Vec::new())], 50, 5).is_empty());
}

#[test]
fn the_embedded_text_says_where_the_chunk_stands_once() {
    let path = ["Pump P-101".to_owned(), "Torques".to_owned()];
    assert_eq!(
        embedding_text("Manual", &path, "Torques\n\nTighten."),
        "Manual – Pump P-101\nTorques\n\nTighten."
    );
    assert_eq!(embedding_text("", &[], "Tighten."), "Tighten.");
}

fn any_block() -> impl Strategy<Value = Block> {
    let words = "[a-zA-Zäß0-9.,\\- ]{1,120}";
    prop_oneof![
        proptest::collection::vec(words, 1..6)
            .prop_map(|lines| { paragraph(&lines.iter().map(String::as_str).collect::<Vec<_>>()) }),
        (1_u8..4, "[A-Z][a-z]{1,12}").prop_map(|(level, text)| heading(level, &text)),
        proptest::collection::vec(proptest::collection::vec("[a-z0-9]{1,30}", 1..5), 1..12)
            .prop_map(|rows| {
                let rows: Vec<Vec<&str>> =
                    rows.iter().map(|r| r.iter().map(String::as_str).collect()).collect();
                table(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>())
            }),
    ]
}

proptest! {
    /// Whatever comes, chunks fit the window, lines stand where they say, and no word is lost.
    #[test]
    fn chunks_fit_and_lose_nothing(
        blocks in proptest::collection::vec(any_block(), 0..12), window in 40_u32..120,
    ) {
        let pages = [page(1, blocks)];
        let pieces = Pieces::of_pages(&pages);
        let drafts = chunks(&pages, window, 8);
        for draft in &drafts {
            prop_assert!(draft.token_count <= window, "{} > {window}", draft.token_count);
            for line in &draft.lines {
                prop_assert!(draft.text.get(line.start as usize..line.end as usize).is_some());
            }
        }
        let all: String = drafts.iter().map(|d| format!("{}\n", d.text)).collect();
        for text in pieces.texts() {
            prop_assert!(all.contains(&text), "{text:?} is lost");
        }
        prop_assert_eq!(drafts, chunks(&pages, window, 8), "the same pages, the same chunks");
    }
}
