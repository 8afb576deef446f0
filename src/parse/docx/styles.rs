//! `word/styles.xml`: which paragraph styles are headings, captions, code or list items.

use std::collections::HashMap;

use super::xml::{Node, Nodes};
use crate::error::ParseFailure;

/// Longest chain of styles based on each other that is followed.
const BASED_ON_MAX: usize = 16;

/// What a paragraph style says about the paragraph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) role: Option<Role>,
    /// Numbering: list id and level.
    pub(super) list: (Option<i64>, Option<i64>),
}

/// What paragraphs of a style are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    Heading(u8),
    Caption,
    Code,
}

/// All paragraph styles, by id.
#[derive(Debug, Default)]
pub(super) struct Styles(HashMap<String, Entry>);

#[derive(Debug, Default)]
struct Entry {
    style: Style,
    based_on: Option<String>,
}

impl Styles {
    /// Reads `word/styles.xml`.
    pub(super) fn read(xml: &str) -> Result<Self, ParseFailure> {
        let mut nodes = Nodes::new(xml);
        let mut styles = HashMap::new();
        let mut current: Option<(String, Entry)> = None;
        let mut stack = Vec::new();
        while let Some(node) = nodes.next()? {
            match node {
                Node::Open(e) => {
                    let name = e.name().to_owned();
                    if name == "style" {
                        current = e.attribute("styleId").map(|id| (id, Entry::default()));
                    } else if let Some((_, entry)) = &mut current {
                        let value = e.attribute("val");
                        match name.as_str() {
                            "name" => entry.style.role = value.as_deref().and_then(role_of_name),
                            "basedOn" => entry.based_on = value,
                            "numId" => entry.style.list.0 = e.number("val"),
                            "ilvl" => entry.style.list.1 = e.number("val"),
                            "outlineLvl" if entry.style.role.is_none() => {
                                entry.style.role = e.number("val").and_then(role_of_outline);
                            }
                            _ => {}
                        }
                    }
                    stack.push(name);
                }
                Node::Close => {
                    if stack.pop().as_deref() == Some("style")
                        && let Some((id, entry)) = current.take()
                    {
                        styles.insert(id, entry);
                    }
                }
                Node::Text(_) => {}
            }
        }
        Ok(Self(styles))
    }

    /// What the style `id` says, with what it inherits.
    pub(super) fn get(&self, id: &str) -> Style {
        let mut out = Style::default();
        let mut next = Some(id);
        for _ in 0..BASED_ON_MAX {
            let Some(entry) = next.and_then(|id| self.0.get(id)) else { break };
            out.role = out.role.or(entry.style.role);
            out.list.0 = out.list.0.or(entry.style.list.0);
            out.list.1 = out.list.1.or(entry.style.list.1);
            next = entry.based_on.as_deref();
        }
        out
    }
}

/// Built-in styles keep their English names in the file, whatever the language of the program.
fn role_of_name(name: &str) -> Option<Role> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "title" => Some(Role::Title),
        "caption" => Some(Role::Caption),
        "html preformatted" | "plain text" | "macro" => Some(Role::Code),
        _ => {
            let level: u8 = name.strip_prefix("heading ")?.parse().ok()?;
            (1..=9).contains(&level).then(|| Role::Heading(level.min(6)))
        }
    }
}

/// The outline level of a paragraph or style: 0 to 8 are headings, 9 is body text.
pub(super) fn role_of_outline(level: i64) -> Option<Role> {
    let level = u8::try_from(level).ok()?;
    (level < 9).then(|| Role::Heading((level + 1).min(6)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn styles_inherit_and_cycles_end() {
        let xml = r#"<w:styles>
            <w:style w:styleId="berschrift2"><w:name w:val="heading 2"/>
              <w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="7"/></w:numPr></w:pPr></w:style>
            <w:style w:styleId="Own"><w:name w:val="Werk Kapitel"/><w:basedOn w:val="berschrift2"/></w:style>
            <w:style w:styleId="Out"><w:name w:val="X"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
            <w:style w:styleId="A"><w:basedOn w:val="B"/></w:style>
            <w:style w:styleId="B"><w:basedOn w:val="A"/></w:style>
        </w:styles>"#;
        let styles = Styles::read(xml).unwrap();
        let own = styles.get("Own");
        assert_eq!((own.role, own.list), (Some(Role::Heading(2)), (Some(7), Some(1))));
        assert_eq!(styles.get("Out").role, Some(Role::Heading(1)));
        assert_eq!(styles.get("A"), Style::default());
        assert_eq!(styles.get("missing"), Style::default());
    }
}
