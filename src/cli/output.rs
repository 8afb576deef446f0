//! What people and programs read on standard output: the one place that prints.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

/// Standard output in one of two manners.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    json: bool,
}

impl Out {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether programs read: then exactly one JSON value is printed, and no text.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// One line for people; nothing where programs read.
    pub(crate) fn line(self, text: &str) {
        if !self.json {
            write_out(text);
        }
    }

    /// A piece of text for people that goes on; nothing where programs read.
    pub(crate) fn piece(self, text: &str) {
        if !self.json && !text.is_empty() {
            let mut stdout = std::io::stdout().lock();
            let _ = write!(stdout, "{text}");
            let _ = stdout.flush();
        }
    }

    /// The result for programs; nothing where people read.
    pub(crate) fn value(self, value: &Value) {
        if self.json {
            write_out(&format!("{value:#}"));
        }
    }

    /// A table for people.
    pub(crate) fn table(self, head: &[&str], rows: &[Vec<String>]) {
        if !self.json {
            write_out(table(head, rows).trim_end());
        }
    }
}

/// Text that must go out in either manner (completions, a default configuration).
pub(crate) fn plain(text: &str) {
    write_out(text);
}

/// A line on standard error: progress and warnings, never the result.
pub(crate) fn note(text: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A line on standard error that the next one overwrites; only on a terminal.
pub(crate) fn progress(text: &str) {
    let mut stderr = std::io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "\r\x1b[2K{text}");
        let _ = stderr.flush();
    }
}

fn write_out(text: &str) {
    // A reader that closed the pipe (`| head`) has what it wants.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Columns aligned with two spaces between them.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut row = String::new();
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(row, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", row.trim_end());
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters_not_bytes() {
        let rows = vec![vec!["Přečerpávací".into(), "1".into()], vec!["a".into(), "22".into()]];
        assert_eq!(
            table(&["name", "n"], &rows),
            "name          n\nPřečerpávací  1\na             22\n"
        );
    }
}
