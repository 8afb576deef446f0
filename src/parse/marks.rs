//! Marks at the beginning of a line that tell lists, numbered sections and captions, shared by the
//! formats whose files do not say what a line is (PDF, text).

/// Longest line that can be a numbered heading, in characters.
const HEADING_MAX_CHARS: usize = 100;

/// Deepest section number that counts as one (1.2.3.4).
const SECTION_DEPTH_MAX: usize = 5;

/// Characters that begin a list item when a space follows.
const BULLETS: &str = "•‣▪■●○◦◆►➢➤✓✔–—-*·\u{f0b7}\u{f0a7}\u{f02d}";

/// Words that begin captions, lower case, in the languages of the interface and their neighbours.
const CAPTION_WORDS: &[&str] = &[
    "table",
    "figure",
    "fig.",
    "fig",
    "tabelle",
    "tab.",
    "tab",
    "abbildung",
    "abb.",
    "abb",
    "bild",
    "tabulka",
    "obrázek",
    "obr.",
    "obr",
    "tabuľka",
    "obrázok",
    "tableau",
    "tabla",
    "figura",
    "tabela",
    "rysunek",
    "rys.",
];

/// Length in bytes of the list mark and the space behind it, if `text` begins with one.
pub(crate) fn list_mark(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if BULLETS.contains(first) {
        return followed_by_space(text, first.len_utf8());
    }
    ordered_mark(text)
}

/// `1.` `12)` `a)` `(3)` `(b)` followed by a space.
fn ordered_mark(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('(').unwrap_or(text);
    let opening = text.len() - inner.len();
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    let label = match digits {
        1..=3 => digits,
        0 if inner.starts_with(|c: char| c.is_ascii_alphabetic()) => 1,
        _ => return None,
    };
    let is_letter = digits == 0;
    match inner.as_bytes().get(label)? {
        b')' => followed_by_space(text, opening + label + 1),
        // "A. Novák" is a name; letters need the bracket.
        b'.' if opening == 0 && !is_letter => followed_by_space(text, label + 1),
        _ => None,
    }
}

fn followed_by_space(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let body = rest.trim_start();
    (body.len() < rest.len() && !body.is_empty()).then(|| text.len() - body.len())
}

/// Depth of the section number at the beginning of a line that looks like a numbered heading
/// (`2.1 Bolt torques` has 2); `None` when it is no such line.
pub(crate) fn numbered_heading(text: &str) -> Option<u8> {
    if text.chars().count() > HEADING_MAX_CHARS || text.ends_with(['.', ';', ',', ':']) {
        return None;
    }
    let (number, title) = text.split_once([' ', '\t', '\u{a0}'])?;
    let parts: Vec<&str> = number.strip_suffix('.').unwrap_or(number).split('.').collect();
    let is_number = |p: &&str| (1..=2).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit());
    let title = title.trim_start();
    let begins_a_title = title.chars().next().is_some_and(char::is_uppercase);
    let words = title.split_whitespace().filter(|w| w.chars().any(char::is_alphabetic)).count();
    if parts.len() > SECTION_DEPTH_MAX || !parts.iter().all(is_number) || !begins_a_title {
        return None;
    }
    // "5 Nm" and "1.5 V" are quantities, not chapters.
    let is_quantity = words == 1 && title.chars().count() <= 3;
    let is_zero = parts.iter().all(|p| p.bytes().all(|b| b == b'0'));
    (words >= 1 && !is_quantity && !is_zero).then_some(parts.len() as u8)
}

/// Whether a line begins a caption: `Table 3:`, `Abb. 2 – Pumpe`, `Obr. 1 Schéma`, and not a
/// sentence such as `Table 3 shows`.
pub(crate) fn is_caption(text: &str) -> bool {
    let lower = text.to_lowercase();
    CAPTION_WORDS.iter().any(|word| {
        let Some(rest) = lower.strip_prefix(word) else { return false };
        let Some(rest) = rest.strip_prefix([' ', '\u{a0}']) else { return false };
        let number =
            rest.bytes().take_while(|&b| b.is_ascii_digit() || b == b'.' || b == b'-').count();
        if !rest.starts_with(|c: char| c.is_ascii_digit()) {
            return false;
        }
        let skipped = lower.len() - rest.len() + number;
        let separated = rest[..number].ends_with(['.', '-']);
        // `lower` may differ in length from `text` for rare letters; then the words decide.
        let after = text.get(skipped..).unwrap_or("").trim_start();
        match after.chars().next() {
            None => true,
            Some(':' | '.' | '–' | '—' | '-' | '|') => true,
            Some(c) => separated || c.is_uppercase(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_marks() {
        for (text, mark) in [
            ("• Close the valve", "• "),
            ("- Close", "- "),
            ("1. Close", "1. "),
            ("12) Close", "12) "),
            ("(3)  Close", "(3)  "),
            ("b) Close", "b) "),
        ] {
            assert_eq!(list_mark(text), Some(mark.len()), "{text}");
        }
        for text in ["-5 °C", "1.5 V", "A. Novák", "2026 was", "•", "", "-", "1234. x", "word - x"]
        {
            assert_eq!(list_mark(text), None, "{text}");
        }
    }

    #[test]
    fn numbered_headings() {
        for (text, depth) in [
            ("1 Scope", 1),
            ("2.1 Bolt torques", 2),
            ("3.2.1. Ölwechsel am Getriebe", 3),
            ("10 Údržba čerpadla", 1),
        ] {
            assert_eq!(numbered_heading(text), Some(depth), "{text}");
        }
        for text in [
            "1. Close the valve.",
            "45 Nm",
            "2026 Annual report",
            "1.5 bar at inlet",
            "0 Zero",
            "Scope",
            "3 ",
            "",
        ] {
            assert_eq!(numbered_heading(text), None, "{text}");
        }
    }

    #[test]
    fn captions_in_three_languages() {
        for text in [
            "Table 3: Torque values",
            "Figure 2. Section",
            "Tabelle 4 Drehmomente",
            "Abb. 2 – Pumpe",
            "Obr. 1 Schéma zapojení",
            "Table 3",
            "Fig. 2-1 Overview",
        ] {
            assert!(is_caption(text), "{text}");
        }
        for text in ["Table 3 shows the values", "Tables", "Figure it out", "Tabulky", "Fig tree"] {
            assert!(!is_caption(text), "{text}");
        }
    }
}
