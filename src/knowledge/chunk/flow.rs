//! Lines of a block as one text, with the place of each line in it.

use std::ops::Range;

use parse::Line;

use crate::passages::ChunkLine;

/// A text, and which of its bytes stand on which line of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Flow {
    pub(super) text: String,
    pub(super) lines: Vec<ChunkLine>,
}

/// How the lines of a block go together.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Joining {
    /// Running text: a line end is a blank, or nothing where it cut a word.
    Reflow,
    /// Every line stays a line.
    Keep,
}

impl Flow {
    pub(super) fn of_lines(lines: &[Line], page: u32, joining: Joining) -> Self {
        let mut flow = Self::default();
        for line in lines {
            let text = match joining {
                Joining::Reflow => line.text.trim(),
                Joining::Keep => line.text.trim_end(),
            };
            if text.is_empty() {
                continue;
            }
            match joining {
                Joining::Reflow => flow.join(text),
                Joining::Keep if !flow.text.is_empty() => flow.text.push('\n'),
                Joining::Keep => {}
            }
            let start = offset(flow.text.len());
            flow.text.push_str(text);
            let end = offset(flow.text.len());
            flow.lines.push(ChunkLine { start, end, page, bbox: line.bbox });
        }
        flow
    }

    /// Makes the end of the text ready for `next` to follow.
    fn join(&mut self, next: &str) {
        if self.text.is_empty() {
            return;
        }
        match cut_word(&self.text, next) {
            Cut::No => self.text.push(' '),
            Cut::KeepHyphen => {}
            Cut::DropHyphen => self.drop_hyphen(),
        }
    }

    /// Removes the hyphen at the end, and what the last line says about it.
    pub(super) fn drop_hyphen(&mut self) {
        self.text.pop();
        let end = offset(self.text.len());
        if let Some(last) = self.lines.last_mut() {
            last.end = end.max(last.start);
        }
    }

    /// The part `range`, with the lines that it touches.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let (start, end) = (offset(range.start), offset(range.end));
        let lines = self.lines.iter().filter(|line| line.start < end && line.end > start);
        Self {
            lines: lines
                .map(|line| ChunkLine {
                    start: line.start.max(start) - start,
                    end: line.end.min(end) - start,
                    ..line.clone()
                })
                .collect(),
            text: self.text[range].to_owned(),
        }
    }
}

/// Whether a line end has cut a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// No: a blank belongs between the lines.
    No,
    /// Between the parts of a hyphenated word (`P-` `101`, `E-` `Mail`).
    KeepHyphen,
    /// Inside of a word (`Dreh-` `moment`).
    DropHyphen,
}

pub(super) fn cut_word(before: &str, next: &str) -> Cut {
    let mut end = before.chars().rev();
    let (last, letter) = (end.next(), end.next());
    let is_after_letter = letter.is_some_and(char::is_alphanumeric);
    let Some(first) = next.chars().next() else { return Cut::No };
    match last {
        Some('\u{ad}') => Cut::DropHyphen,
        Some('-' | '\u{2010}') if is_after_letter => {
            if letter.is_some_and(char::is_lowercase) && first.is_lowercase() {
                // `Vor- und Rücklauf`: the hyphen stands for the rest of a word.
                let word = next.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
                if ["und", "oder", "bzw", "and", "or", "a", "nebo"].contains(&word) {
                    Cut::No
                } else {
                    Cut::DropHyphen
                }
            } else if first.is_alphanumeric() {
                Cut::KeepHyphen
            } else {
                Cut::No
            }
        }
        _ => Cut::No,
    }
}

pub(super) fn offset(bytes: usize) -> u32 {
    // A block's text is bounded by the parse worker far below 4 GiB.
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
