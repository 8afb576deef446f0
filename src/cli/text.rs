//! Small pieces of text that several commands print.

use serde_json::Value;

/// The text of a field; empty when it is missing.
pub(crate) fn field(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// One row of the named fields.
pub(crate) fn row(value: &Value, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| field(value, name)).collect()
}

/// Text that comes in pieces, broken into lines as it comes.
pub(crate) struct Flow {
    width: usize,
    column: usize,
    /// A word that may go on.
    word: String,
}

impl Flow {
    pub(crate) const fn new(width: usize) -> Self {
        Self { width, column: 0, word: String::new() }
    }

    /// What can be printed after this piece.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        let mut out = String::new();
        for c in piece.chars() {
            if !c.is_whitespace() {
                self.word.push(c);
                continue;
            }
            out.push_str(&self.finish());
            if c == '\n' {
                out.push('\n');
                self.column = 0;
            }
        }
        out
    }

    /// The word that was held back.
    pub(crate) fn finish(&mut self) -> String {
        let word = std::mem::take(&mut self.word);
        let chars = word.chars().count();
        if chars == 0 {
            return word;
        }
        let before = match self.column {
            0 => "",
            column if column + 1 + chars > self.width => {
                self.column = 0;
                "\n"
            }
            _ => {
                self.column += 1;
                " "
            }
        };
        self.column += chars;
        format!("{before}{word}")
    }
}

/// `text` in lines of at most `width` characters, broken at blanks, each after `indent`.
pub(crate) fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(format!("{indent}{line}"));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            lines.push(format!("{indent}{line}"));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_flow_into_the_lines_of_the_whole() {
        let text =
            "Přečerpávací stanice: 90 N·m [1].\nUse new gaskets every time, whatever happened.";
        for size in 1..9 {
            let chars: Vec<char> = text.chars().collect();
            let mut flow = Flow::new(20);
            let pieces = chars.chunks(size).map(|piece| piece.iter().collect::<String>());
            let mut out: String = pieces.map(|piece| flow.push(&piece)).collect();
            out.push_str(&flow.finish());
            assert_eq!(out, wrap(text, 20, ""));
        }
    }
}
