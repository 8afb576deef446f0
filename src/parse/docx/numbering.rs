//! `word/numbering.xml`: the numbers in front of list items and headings, which Word computes and
//! does not store in the text. "Step 4.2" must be findable, so they are computed here too.

use std::collections::HashMap;

use super::xml::{Node, Nodes};
use crate::error::ParseFailure;

/// Levels of a list (ECMA-376 part 1, 17.9.6).
const LEVELS: usize = 9;

/// Highest number written as letters or Roman; above it decimal says the same shorter.
const SPELLED_MAX: i64 = 3999;

/// Longest pattern of a number, in characters; each paragraph of the list repeats it.
const MARK_MAX_CHARS: usize = 60;

#[derive(Clone, Debug)]
struct Level {
    start: i64,
    format: String,
    text: String,
}

impl Default for Level {
    fn default() -> Self {
        Self { start: 1, format: "decimal".to_owned(), text: String::new() }
    }
}

#[derive(Debug, Default)]
struct List {
    pattern: i64,
    /// Levels that begin anew for this list.
    starts: HashMap<usize, i64>,
}

/// The lists of a document and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    patterns: HashMap<i64, [Level; LEVELS]>,
    lists: HashMap<i64, List>,
    /// By pattern: lists of one pattern go on counting where the other stopped.
    counters: HashMap<i64, [Option<i64>; LEVELS]>,
    /// Lists whose own start has been applied.
    started: HashMap<(i64, usize), ()>,
}

impl Numbering {
    /// Reads `word/numbering.xml`.
    pub(super) fn read(xml: &str) -> Result<Self, ParseFailure> {
        let mut nodes = Nodes::new(xml);
        let mut out = Self::default();
        let (mut pattern, mut list, mut level) = (None, None, 0usize);
        let mut stack: Vec<String> = Vec::new();
        while let Some(node) = nodes.next()? {
            match node {
                Node::Open(e) => {
                    let name = e.name().to_owned();
                    match name.as_str() {
                        "abstractNum" => pattern = e.number("abstractNumId"),
                        "num" => {
                            list = e.number("numId");
                            pattern = None;
                        }
                        "lvl" | "lvlOverride" => {
                            level =
                                e.number("ilvl").and_then(|l| usize::try_from(l).ok()).unwrap_or(0);
                        }
                        _ => out.define(&e, pattern, list, level),
                    }
                    stack.push(name);
                }
                Node::Close => {
                    if stack.pop().as_deref() == Some("num") {
                        list = None;
                    }
                }
                Node::Text(_) => {}
            }
        }
        Ok(out)
    }

    fn define(
        &mut self,
        e: &super::xml::Element<'_>,
        pattern: Option<i64>,
        list: Option<i64>,
        level: usize,
    ) {
        if level >= LEVELS {
            return;
        }
        if let Some(list) = list {
            let entry = self.lists.entry(list).or_default();
            match (e.name(), e.number("val")) {
                ("abstractNumId", Some(value)) => entry.pattern = value,
                ("startOverride", Some(value)) => {
                    entry.starts.insert(level, value);
                }
                _ => {}
            }
        } else if let Some(pattern) = pattern {
            let entry = &mut self.patterns.entry(pattern).or_default()[level];
            match (e.name(), e.attribute("val")) {
                ("start", Some(value)) => entry.start = value.parse().unwrap_or(1),
                ("numFmt", Some(value)) => entry.format = value,
                ("lvlText", Some(value)) => {
                    entry.text = value.chars().take(MARK_MAX_CHARS).collect();
                }
                _ => {}
            }
        }
    }

    /// Counts one paragraph of `list` at `level` and gives the mark in front of it.
    pub(super) fn advance(&mut self, list: i64, level: i64) -> Option<String> {
        let level = usize::try_from(level).ok().filter(|&l| l < LEVELS)?;
        let List { pattern, starts } = self.lists.get(&list)?;
        let levels = self.patterns.get(pattern)?;
        let counters = self.counters.entry(*pattern).or_default();
        if let Some(&start) = starts.get(&level)
            && self.started.insert((list, level), ()).is_none()
        {
            counters[level] = Some(start);
        } else {
            counters[level] =
                Some(counters[level].map_or(levels[level].start, |n| n.saturating_add(1)));
        }
        counters[level + 1..].fill(None);
        if levels[level].format == "bullet" {
            return Some("•".to_owned());
        }
        let mut mark = levels[level].text.clone();
        for (i, place) in levels.iter().enumerate().take(level + 1) {
            let token = format!("%{}", i + 1);
            if mark.contains(&token) {
                let number = *counters[i].get_or_insert(place.start);
                mark = mark.replace(&token, &spell(number, &place.format));
            }
        }
        (!mark.trim().is_empty()).then_some(mark)
    }
}

fn spell(number: i64, format: &str) -> String {
    let spelled = (1..=SPELLED_MAX).contains(&number);
    match format {
        "lowerLetter" if spelled => letters(number, b'a'),
        "upperLetter" if spelled => letters(number, b'A'),
        "lowerRoman" if spelled => roman(number).to_lowercase(),
        "upperRoman" if spelled => roman(number),
        "decimalZero" => format!("{number:02}"),
        "none" => String::new(),
        _ => number.to_string(),
    }
}

/// a … z, aa, bb … as Word counts (17.18.59: the letter is repeated).
fn letters(number: i64, first: u8) -> String {
    let letter = char::from(first + ((number - 1) % 26) as u8);
    std::iter::repeat_n(letter, ((number - 1) / 26 + 1) as usize).collect()
}

fn roman(mut number: i64) -> String {
    const DIGITS: [(i64, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut out = String::new();
    for (value, digit) in DIGITS {
        while number >= value {
            out.push_str(digit);
            number -= value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;

    const XML: &str = r#"<w:numbering>
        <w:abstractNum w:abstractNumId="3">
          <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
          <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl>
        </w:abstractNum>
        <w:abstractNum w:abstractNumId="4">
          <w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val=""/></w:lvl>
        </w:abstractNum>
        <w:num w:numId="1"><w:abstractNumId w:val="3"/></w:num>
        <w:num w:numId="2"><w:abstractNumId w:val="3"/>
          <w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>
        <w:num w:numId="5"><w:abstractNumId w:val="4"/></w:num>
    </w:numbering>"#;

    #[test]
    fn counts_as_word_does() {
        let mut numbering = Numbering::read(XML).unwrap();
        let steps = [(1, 0), (1, 1), (1, 1), (1, 0), (1, 1), (2, 0), (2, 0), (5, 0)];
        let marks: Vec<_> = steps.iter().map(|&(n, l)| numbering.advance(n, l).unwrap()).collect();
        assert_eq!(marks, ["1.", "1.a)", "1.b)", "2.", "2.a)", "1.", "2.", "•"]);
        assert_eq!(numbering.advance(99, 0), None);
        assert_eq!(numbering.advance(1, 99), None);
        assert_eq!(numbering.advance(1, -1), None);
    }

    #[test]
    fn spells_numbers() {
        assert_eq!(spell(1994, "upperRoman"), "MCMXCIV");
        assert_eq!(spell(28, "lowerLetter"), "bb");
        assert_eq!(spell(i64::MAX, "lowerRoman"), i64::MAX.to_string());
        assert_eq!(spell(-1, "upperLetter"), "-1");
    }
}
