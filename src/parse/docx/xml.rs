//! XML of office parts as a flat run of events: no document type definitions, no entities but the
//! five of XML itself, bounded nesting.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use crate::error::{FailureCode, ParseFailure};
use crate::limits::XML_DEPTH_MAX;

/// What comes next in a part.
#[derive(Debug)]
pub(super) enum Node<'x> {
    /// An element begins.
    Open(Element<'x>),
    /// The innermost open element ends.
    Close,
    /// Characters between tags.
    Text(String),
}

/// The start tag of an element.
#[derive(Debug)]
pub(super) struct Element<'x>(BytesStart<'x>);

impl Element<'_> {
    /// Its name without the prefix.
    pub(super) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// An attribute by its name without the prefix.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        let found =
            attributes.find_map(|a| a.ok().filter(|a| a.key.local_name().into_inner() == name))?;
        let value = found.normalized_value(XmlVersion::Implicit1_0).ok()?;
        Some(value.into_owned())
    }

    /// The attribute `val` as a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.parse().ok()
    }

    /// OOXML's on/off elements: present means on, unless `val` says otherwise.
    pub(super) fn is_on(&self) -> bool {
        !matches!(self.attribute("val").as_deref(), Some("0" | "false" | "off"))
    }
}

/// Reads one part.
pub(super) struct Nodes<'x> {
    reader: Reader<&'x [u8]>,
    depth: usize,
    /// An empty element was opened and must be closed next.
    close_pending: bool,
}

impl<'x> Nodes<'x> {
    /// Reads `xml` from its beginning.
    pub(super) fn new(xml: &'x str) -> Self {
        Self { reader: Reader::from_str(xml), depth: 0, close_pending: false }
    }

    /// The next node; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Node<'x>>, ParseFailure> {
        if std::mem::take(&mut self.close_pending) {
            self.depth -= 1;
            return Ok(Some(Node::Close));
        }
        loop {
            let event = self.reader.read_event().map_err(|_| broken())?;
            match event {
                Event::Start(tag) => {
                    self.descend()?;
                    return Ok(Some(Node::Open(Element(tag))));
                }
                Event::Empty(tag) => {
                    self.descend()?;
                    self.close_pending = true;
                    return Ok(Some(Node::Open(Element(tag))));
                }
                Event::End(_) => {
                    self.depth = self.depth.checked_sub(1).ok_or_else(broken)?;
                    return Ok(Some(Node::Close));
                }
                Event::Text(text) => return Ok(Some(Node::Text(text.into_inner().into_owned()))),
                Event::CData(text) => return Ok(Some(Node::Text(text.into_inner().into_owned()))),
                Event::GeneralRef(name) => {
                    return resolve(&name).map(|c| Some(Node::Text(c.to_string())));
                }
                Event::DocType(_) => return Err(forbidden("a document type definition")),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
                Event::Eof if self.depth > 0 => return Err(broken()),
                Event::Eof => return Ok(None),
            }
        }
    }

    fn descend(&mut self) -> Result<(), ParseFailure> {
        self.depth += 1;
        if self.depth > XML_DEPTH_MAX {
            return Err(forbidden("elements nested too deeply"));
        }
        Ok(())
    }
}

fn resolve(name: &quick_xml::events::BytesRef<'_>) -> Result<char, ParseFailure> {
    if let Some(c) = name.resolve_char_ref().map_err(|_| broken())? {
        return Ok(c);
    }
    match &**name {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(forbidden("an entity of its own")),
    }
}

fn broken() -> ParseFailure {
    ParseFailure::damaged("The XML inside the DOCX is damaged.")
}

fn forbidden(what: &str) -> ParseFailure {
    ParseFailure::new(
        FailureCode::XmlForbidden,
        format_args!("The XML inside the DOCX has {what}, which is never read."),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use super::*;

    fn walk(xml: &str) -> Result<String, ParseFailure> {
        let mut nodes = Nodes::new(xml);
        let mut out = String::new();
        while let Some(node) = nodes.next()? {
            match node {
                Node::Open(e) => out.push_str(&format!("<{}>", e.name())),
                Node::Close => out.push_str("</>"),
                Node::Text(t) => out.push_str(&t),
            }
        }
        Ok(out)
    }

    #[test]
    fn elements_text_and_references() {
        let xml = "<?xml version=\"1.0\"?><w:a x='1'><!-- c --><w:b/>5 &lt; 6 &#x41;&amp;</w:a>";
        assert_eq!(walk(xml).unwrap(), "<a><b></>5 < 6 A&</>");
    }

    #[test]
    fn bombs_and_external_entities_are_refused() {
        let xxe = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
        assert_eq!(walk(xxe).unwrap_err().code, FailureCode::XmlForbidden);
        assert_eq!(walk("<a>&lol;</a>").unwrap_err().code, FailureCode::XmlForbidden);
        let deep = format!("{}{}", "<a>".repeat(300), "</a>".repeat(300));
        assert_eq!(walk(&deep).unwrap_err().code, FailureCode::XmlForbidden);
    }

    #[test]
    fn torn_xml_is_damaged() {
        for xml in ["<a><b>", "<a></b>", "</a>", "<a", "<a>&#x110000000;</a>"] {
            assert_eq!(walk(xml).unwrap_err().code, FailureCode::Damaged, "{xml}");
        }
    }
}
