//! What can be quoted: sentences, list items and table rows of the passages that were found, each
//! with the words around it that say what it is about.

use std::ops::Range;

use knowledge::Passage;

use super::sentences::sentences;

/// Most candidates that are weighed; the passages come best first.
pub(crate) const CANDIDATES_MAX: usize = 220;

/// Longest lead-in ("Before work:") that counts for the list items below it, in characters.
const LEAD_MAX_CHARS: usize = 200;

/// Longest quote, in characters; a longer table row is no answer to anything.
const QUOTE_MAX_CHARS: usize = 900;

/// Marks that close together with a sentence.
const CLOSING: [char; 6] = ['"', '”', '“', '’', ')', '»'];

/// Something that may be quoted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    /// Its passage, as an index into the result.
    pub(crate) passage: usize,
    /// Its place in the passage's text.
    pub(crate) range: Range<usize>,
    /// Its words: verbatim, line breaks as blanks; a table row as `header: cell; header: cell`.
    pub(crate) quote: String,
    /// What says what it is about: headings, the lead-in of a list, the caption of a table.
    pub(crate) context: String,
    /// The sentence before it in the same paragraph.
    pub(crate) before: String,
    /// The line that announces it, on one line; empty when none does.
    pub(crate) lead: String,
    /// A row of a table.
    pub(crate) is_row: bool,
}

impl Candidate {
    /// Neither a row nor a list item nor a whole sentence: a title, a caption, a scrap.
    pub(crate) fn is_fragment(&self) -> bool {
        !self.is_row
            && !begins_like_an_item(&self.quote)
            && !self.quote.trim_end_matches(CLOSING).ends_with(['.', '!', '?'])
    }
}

impl Candidate {
    /// Whether this is the lead-in ("To copy the parameters:") of the list that `other` is an item of.
    pub(crate) fn announces(&self, other: &Self) -> bool {
        self.quote.ends_with(':') && other.is_item() && other.lead == self.quote
    }

    /// An item of a list.
    pub(crate) fn is_item(&self) -> bool {
        !self.is_row && begins_like_an_item(&self.quote)
    }
}

/// Everything that may be quoted from `passages`, in the order of passages and of their text.
/// Overlapping chunks hold the same sentence twice; it is kept where it was found first.
pub(crate) fn candidates(passages: &[Passage]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        let mut of_passage = Reading::of(index, passage).found;
        of_passage.retain(|candidate| {
            candidate.quote.chars().count() <= QUOTE_MAX_CHARS
                && !found.iter().any(|other| is_same(passages, other, candidate))
        });
        found.append(&mut of_passage);
        if found.len() >= CANDIDATES_MAX {
            found.truncate(CANDIDATES_MAX);
            break;
        }
    }
    found
}

fn is_same(passages: &[Passage], a: &Candidate, b: &Candidate) -> bool {
    let (of_a, of_b) = (&passages[a.passage], &passages[b.passage]);
    a.quote == b.quote
        && of_a.revision_id == of_b.revision_id
        && of_a.heading_path == of_b.heading_path
        && of_a.page_of(a.range.clone()) == of_b.page_of(b.range.clone())
}

/// The words of a candidate.
struct Words {
    quote: String,
    before: String,
    is_row: bool,
}

impl Words {
    const fn of_row(quote: String) -> Self {
        Self { quote, before: String::new(), is_row: true }
    }
}

/// A passage read line by line: blocks and rows stand on lines of their own, cells are separated
/// by tabs.
struct Reading<'p> {
    index: usize,
    passage: &'p Passage,
    headings: String,
    /// The last line that announces what follows ("Before work:", "Table 7 – Torques").
    lead: Option<&'p str>,
    /// Column heads of the table at hand; empty when it has none.
    header: Option<Vec<&'p str>>,
    found: Vec<Candidate>,
}

impl<'p> Reading<'p> {
    fn of(index: usize, passage: &'p Passage) -> Self {
        let mut reading = Self {
            index,
            passage,
            headings: passage.heading_path.join(" › "),
            lead: None,
            header: None,
            found: Vec::new(),
        };
        for (range, line) in lines(&passage.text) {
            if line.contains('\t') {
                reading.row(range, line);
            } else {
                reading.prose(range.start, line);
            }
        }
        reading
    }

    fn prose(&mut self, start: usize, line: &'p str) {
        self.header = None;
        if !begins_like_an_item(line) {
            self.lead = None;
        }
        if self.passage.heading_path.iter().any(|heading| heading.trim() == line.trim()) {
            return;
        }
        let mut before = String::new();
        for range in sentences(line) {
            let quote = one_line(&line[range.clone()]);
            let place = start + range.start..start + range.end;
            self.push(place, Words { quote: quote.clone(), before, is_row: false });
            before = quote;
        }
        let short = line.chars().count() <= LEAD_MAX_CHARS;
        let announces = short && !line.trim_end().ends_with(['.', '!', '?', ';']);
        if announces && !begins_like_an_item(line) {
            self.lead = Some(line.trim());
        }
    }

    fn row(&mut self, range: Range<usize>, line: &'p str) {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let Some(header) = &self.header else {
            let has_digit = |cell: &&str| cell.contains(|c: char| c.is_ascii_digit());
            if cells.iter().any(has_digit) {
                // A first row with numbers in it may be a row like the others.
                self.push(range, Words::of_row(row_text(&[], &cells)));
                if !may_be_heads(&cells) {
                    self.header = Some(Vec::new());
                    return;
                }
            }
            self.header = Some(cells);
            return;
        };
        if cells != *header {
            let quote = row_text(header, &cells);
            self.push(range, Words::of_row(quote));
        }
    }

    fn push(&mut self, range: Range<usize>, words: Words) {
        let mut context = self.headings.clone();
        if let Some(lead) = self.lead {
            context.push_str(" › ");
            context.push_str(lead);
        }
        let lead = self.lead.map(one_line).unwrap_or_default();
        let Words { quote, before, is_row } = words;
        let passage = self.index;
        self.found.push(Candidate { passage, range, quote, context, before, lead, is_row });
    }
}

fn begins_like_an_item(text: &str) -> bool {
    let mark = text.split_whitespace().next().unwrap_or_default();
    let bullet = mark.chars().count() == 1 && !mark.chars().all(char::is_alphanumeric);
    bullet || mark.ends_with(['.', ')']) && mark.chars().count() <= 4
}

/// Whether a row with numbers may all the same be the heads of columns: "Item, K-1, K-2" or
/// "Property, 0.5 l, 1.0 l".
fn may_be_heads(cells: &[&str]) -> bool {
    let Some((first, others)) = cells.split_first() else { return false };
    let is_tag = |cell: &&str| cell.starts_with(char::is_alphabetic);
    !first.contains(|c: char| c.is_ascii_digit())
        && (others.len() >= 2 || !others.is_empty() && others.iter().all(is_tag))
}

/// `header: cell` for each cell; cells stay verbatim.
fn row_text(header: &[&str], cells: &[&str]) -> String {
    let mut out = String::new();
    for (i, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        if !out.is_empty() {
            out.push_str("; ");
        }
        if let Some(name) = header.get(i).filter(|name| !name.is_empty()) {
            out.push_str(name);
            out.push_str(": ");
        }
        out.push_str(cell);
    }
    out
}

/// Lines that are not blank, with their place.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let body = line.trim_end_matches(['\n', '\r']);
        (!body.trim().is_empty()).then(|| (start..start + body.len(), body))
    })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use base::{ChunkId, DocumentId, Label, PageNumber, RevisionId};
    use knowledge::{ChunkLine, Scores};

    use super::*;

    fn passage(text: &str) -> Passage {
        Passage {
            chunk_id: ChunkId(1),
            document_id: DocumentId::from_bytes([1; 16]),
            document_key: "MM".into(),
            document_title: "Manual".into(),
            revision_id: RevisionId::from_bytes([2; 16]),
            revision_number: 1,
            page_first: PageNumber(3),
            page_last: PageNumber(3),
            heading_path: vec!["4 Torques".into()],
            kind: "table".into(),
            text: text.into(),
            lines: vec![ChunkLine { start: 0, end: 10_000, page: 3, bbox: None }],
            label: Label::TYPED,
            language: None,
            scores: Scores::default(),
        }
    }

    fn quotes(text: &str) -> Vec<String> {
        candidates(&[passage(text)]).into_iter().map(|c| c.quote).collect()
    }

    #[test]
    fn rows_are_told_with_their_column_heads() {
        let text =
            "4 Torques\nTable 7 – Bolts\nPump\tBolt\tTorque\nP-101\tM16\t90 N·m\nP-102\t\t70 N·m";
        assert_eq!(
            quotes(text),
            [
                "Table 7 – Bolts",
                "Pump: P-101; Bolt: M16; Torque: 90 N·m",
                "Pump: P-102; Torque: 70 N·m"
            ]
        );
        let rows = candidates(&[passage(text)]);
        assert!(rows[1].context.contains("Table 7 – Bolts"));
        assert_eq!(&text[rows[1].range.clone()], "P-101\tM16\t90 N·m");
    }

    #[test]
    fn a_table_without_column_heads_keeps_its_first_row() {
        assert_eq!(
            quotes("Weight\t96 kg\nSpeed\t2,940 1/min"),
            ["Weight; 96 kg", "Speed; 2,940 1/min"]
        );
    }

    #[test]
    fn things_may_head_columns() {
        assert_eq!(
            quotes("Item\tK-1\tK-2\nYear\t2008\t2017"),
            ["Item; K-1; K-2", "Item: Year; K-1: 2008; K-2: 2017"]
        );
        assert_eq!(
            quotes("Property\t0.5 l\t1.0 l\nClosure\tblue\twhite"),
            ["Property; 0.5 l; 1.0 l", "Property: Closure; 0.5 l: blue; 1.0 l: white"]
        );
    }

    #[test]
    fn a_lead_in_announces_its_items() {
        let found = candidates(&[passage("To copy it:\n1. Choose Save.\n2. Wait.\n\nDone.")]);
        let announced: Vec<bool> = found.iter().map(|c| found[0].announces(c)).collect();
        assert_eq!(announced, [false, true, true, false]);
    }

    #[test]
    fn a_lead_in_says_what_its_items_are_about() {
        let found =
            candidates(&[passage("Before work:\n1. Close XV-111.\n2. Tag it.\n\nThen begin.")]);
        let leads: Vec<bool> = found.iter().map(|c| c.context.contains("Before work")).collect();
        assert_eq!(leads, [false, true, true, false]);
    }

    #[test]
    fn the_same_sentence_in_two_chunks_is_one_candidate() {
        let found =
            candidates(&[passage("Close the valve."), passage("Close the valve. Open it.")]);
        assert_eq!(found.iter().map(|c| c.passage).collect::<Vec<_>>(), [0, 1]);
    }
}
