//! Fonts as far as reading goes: which characters the bytes of a string mean, and how wide they
//! are (ISO 32000-1, 9.6 to 9.10).

use lopdf::{Dictionary, Document, Object, Stream, dictionary};

use super::cmap::CMap;
use super::content::{Pitch, Weight};
use super::metrics::Family;
use super::streams::unpack;

/// Largest ToUnicode or encoding CMap, decompressed, in bytes.
const CMAP_MAX_BYTES: usize = 4 * 1024 * 1024;

/// Most entries of a composite font's width array that are read.
const WIDTH_ENTRIES_MAX: usize = 50_000;

/// Flag bits of a font descriptor (table 123).
const FLAG_FIXED_PITCH: i64 = 1;
const FLAG_FORCE_BOLD: i64 = 1 << 18;

/// Lightest weight that is bold (table 122, FontWeight).
const BOLD_WEIGHT: f32 = 600.0;

/// One letter of a shown string.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Letter {
    /// Usually one character; more for ligatures, U+FFFD when nothing says what it is.
    pub(super) text: String,
    /// Advance in multiples of the font size.
    pub(super) advance_em: f32,
    /// A one-byte code 32, which word spacing applies to.
    pub(super) is_space_code: bool,
}

/// A font of a page.
#[derive(Clone, Debug)]
pub(super) struct Font {
    codes: Codes,
    to_unicode: CMap,
    /// A map of its codes could not be unpacked as a whole: letters may be missing or wrong.
    pub(super) is_damaged: bool,
    pub(super) bold: Weight,
    pub(super) pitch: Pitch,
}

#[derive(Clone, Debug)]
enum Codes {
    /// One byte each: 256 texts and widths.
    Simple { texts: Vec<String>, widths_em: Vec<f32> },
    /// One to four bytes each.
    Composite(Composite),
}

#[derive(Clone, Debug)]
struct Composite {
    /// Codes to glyph numbers; `None` for Identity.
    encoding: Option<CMap>,
    /// The codes themselves are UTF-16 (`UniGB-UTF16-H` and its like).
    is_utf16: bool,
    default_em: f32,
    widths_em: std::collections::BTreeMap<u32, f32>,
}

impl Font {
    /// Reads a font dictionary; what is missing or broken gets a plausible default.
    pub(super) fn read(doc: &Document, dict: &Dictionary) -> Self {
        let mut is_damaged = false;
        let to_unicode = stream(doc, dict, b"ToUnicode").map(|s| read_cmap(s, &mut is_damaged));
        let name = name(doc, dict, b"BaseFont").unwrap_or_default();
        let is_composite = self::name(doc, dict, b"Subtype").as_deref() == Some("Type0");
        let descendant = is_composite.then(|| descendant(doc, dict)).flatten();
        let descriptor = child(doc, descendant.unwrap_or(dict), b"FontDescriptor");
        let codes = match descendant {
            Some(descendant) => Codes::Composite(composite(doc, dict, descendant, &mut is_damaged)),
            None => simple(doc, dict, descriptor, &name),
        };
        let flags = descriptor.and_then(|d| number(doc, d, b"Flags")).unwrap_or(0.0) as i64;
        let weight = descriptor.and_then(|d| number(doc, d, b"FontWeight")).unwrap_or(0.0);
        let lower = name.to_ascii_lowercase();
        let is_bold = flags & FLAG_FORCE_BOLD != 0
            || weight >= BOLD_WEIGHT
            || ["bold", "black", "heavy", "demi"].iter().any(|w| lower.contains(w));
        let is_fixed = flags & FLAG_FIXED_PITCH != 0 || Family::of(&name) == Family::Courier;
        Self {
            codes,
            to_unicode: to_unicode.unwrap_or_default(),
            is_damaged,
            bold: if is_bold { Weight::Bold } else { Weight::Regular },
            pitch: if is_fixed { Pitch::Fixed } else { Pitch::Proportional },
        }
    }

    /// The letters that `bytes` show.
    pub(super) fn letters(&self, bytes: &[u8]) -> Vec<Letter> {
        match &self.codes {
            Codes::Simple { texts, widths_em } => bytes
                .iter()
                .map(|&code| {
                    let i = usize::from(code);
                    let text = self.mapped(u32::from(code)).unwrap_or_else(|| texts[i].clone());
                    Letter { text, advance_em: widths_em[i], is_space_code: code == 32 }
                })
                .collect(),
            Codes::Composite(composite) => self.composite_letters(composite, bytes),
        }
    }

    fn composite_letters(&self, composite: &Composite, bytes: &[u8]) -> Vec<Letter> {
        let mut out = Vec::with_capacity(bytes.len() / 2);
        let mut rest = bytes;
        while !rest.is_empty() {
            // The codes of Identity are two bytes, whatever a ToUnicode map claims.
            let length = match &composite.encoding {
                Some(encoding) => encoding.code_length(rest, 2),
                None => 2.min(rest.len()),
            };
            let (code, tail) = rest.split_at(length);
            rest = tail;
            let value = code.iter().fold(0u32, |v, &b| v << 8 | u32::from(b));
            let glyph = match &composite.encoding {
                Some(encoding) => encoding.glyph(value).unwrap_or(0),
                None => value,
            };
            let own = || {
                let utf16 = composite.is_utf16.then(|| char::from_u32(value)).flatten();
                utf16.unwrap_or(char::REPLACEMENT_CHARACTER).to_string()
            };
            out.push(Letter {
                text: self.mapped(value).unwrap_or_else(own),
                advance_em: *composite.widths_em.get(&glyph).unwrap_or(&composite.default_em),
                is_space_code: length == 1 && value == 32,
            });
        }
        out
    }

    /// What the ToUnicode map says, unless it says nothing sensible.
    fn mapped(&self, code: u32) -> Option<String> {
        let text = self.to_unicode.text(code)?;
        let is_sensible = !text.is_empty() && !text.contains(['\0', char::REPLACEMENT_CHARACTER]);
        is_sensible.then(|| spell_ligatures(&text))
    }
}

/// "ﬁ" drawn as one glyph is two letters to whoever searches for it.
fn spell_ligatures(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{fb00}' => out.push_str("ff"),
            '\u{fb01}' => out.push_str("fi"),
            '\u{fb02}' => out.push_str("fl"),
            '\u{fb03}' => out.push_str("ffi"),
            '\u{fb04}' => out.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => out.push_str("st"),
            c => out.push(c),
        }
    }
    out
}

fn simple(doc: &Document, dict: &Dictionary, descriptor: Option<&Dictionary>, name: &str) -> Codes {
    let texts = encoding_texts(doc, dict, name);
    let missing = descriptor.and_then(|d| number(doc, d, b"MissingWidth"));
    // Type 3 fonts measure in their own space (9.6.5).
    let scale = match array(doc, dict, b"FontMatrix").and_then(<[_]>::first) {
        Some(a) => a.as_float().unwrap_or(0.001).abs(),
        None => 0.001,
    };
    let family = Family::of(name);
    let stand_in = |text: &str| {
        let letter = text.chars().next().unwrap_or(' ');
        missing.filter(|&w| w > 0.0).unwrap_or_else(|| family.width(letter)) * 0.001
    };
    let mut widths_em: Vec<f32> = texts.iter().map(|t| stand_in(t)).collect();
    if let Some(widths) = array(doc, dict, b"Widths") {
        let first = number(doc, dict, b"FirstChar").unwrap_or(0.0).clamp(0.0, 255.0) as usize;
        for (slot, width) in widths_em[first..].iter_mut().zip(widths) {
            let width = doc.dereference(width).ok().and_then(|(_, w)| w.as_float().ok());
            *slot = width.unwrap_or(0.0) * scale;
        }
    }
    Codes::Simple { texts, widths_em }
}

/// The 256 texts of a simple font's encoding (9.6.6).
fn encoding_texts(doc: &Document, dict: &Dictionary, name: &str) -> Vec<String> {
    let encoding = dict.get_deref(b"Encoding", doc).ok();
    let base = match encoding {
        Some(Object::Name(name)) => Some(name.clone()),
        Some(Object::Dictionary(d)) => d
            .get_deref(b"BaseEncoding", doc)
            .ok()
            .and_then(|o| o.as_name().ok())
            .map(<[u8]>::to_vec),
        _ => None,
    };
    // Without a named base a font has its own encoding; Windows' is what most mean.
    let base = base.unwrap_or_else(|| {
        let is_standard = name.contains("Helvetica") || name.contains("Times");
        if is_standard { b"StandardEncoding".to_vec() } else { b"WinAnsiEncoding".to_vec() }
    });
    let mut texts = named_encoding(doc, &base);
    let differences = match encoding {
        Some(Object::Dictionary(d)) => array(doc, d, b"Differences"),
        _ => None,
    };
    let mut code = 0usize;
    for entry in differences.into_iter().flatten() {
        match entry {
            Object::Integer(i) => code = (*i).clamp(0, 255) as usize,
            Object::Name(glyph) if code < 256 => {
                if let Some(text) = glyph_text(doc, glyph) {
                    texts[code] = text;
                }
                code += 1;
            }
            _ => {}
        }
    }
    texts
}

/// One of the encodings that the standard names; lopdf holds their tables.
fn named_encoding(doc: &Document, name: &[u8]) -> Vec<String> {
    let known: &[u8] = match name {
        b"StandardEncoding" | b"MacRomanEncoding" | b"MacExpertEncoding" => name,
        _ => b"WinAnsiEncoding",
    };
    let font = dictionary! { "Type" => "Font", "Encoding" => Object::Name(known.to_vec()) };
    let encoding = font.get_font_encoding(doc).ok();
    (0..=255u8)
        .map(|code| {
            let text = encoding.as_ref().and_then(|e| e.bytes_to_string(&[code]).ok());
            let text = text.filter(|t| !t.is_empty());
            spell_ligatures(&text.unwrap_or_else(|| char::REPLACEMENT_CHARACTER.to_string()))
        })
        .collect()
}

/// The text of a glyph by its name (Adobe Glyph List specification, section 2).
fn glyph_text(doc: &Document, name: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(name).ok()?;
    let stem = text.split('.').next().unwrap_or(text);
    let hex = |digits: &str| {
        let is_hex =
            (4..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let value = is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        value.and_then(char::from_u32).map(String::from)
    };
    if let Some(found) = stem.strip_prefix("uni").and_then(|d| hex(d.get(..4).unwrap_or(d))) {
        return Some(found);
    }
    if let Some(found) = stem.strip_prefix('u').and_then(hex) {
        return Some(found);
    }
    let encoding = dictionary! {
        "Differences" => vec![Object::Integer(0), Object::Name(stem.as_bytes().to_vec())],
    };
    let font = dictionary! { "Type" => "Font", "Encoding" => encoding };
    let table = font.get_font_encoding(doc).ok()?;
    // An unknown name makes lopdf fall back to an encoding in which code 0 means nothing.
    let found = table.bytes_to_string(&[0]).ok()?;
    (!found.is_empty()).then(|| spell_ligatures(&found))
}

fn composite(
    doc: &Document,
    dict: &Dictionary,
    descendant: &Dictionary,
    is_damaged: &mut bool,
) -> Composite {
    let named = name(doc, dict, b"Encoding");
    let encoding = stream(doc, dict, b"Encoding").map(|s| read_cmap(s, is_damaged));
    let encoding = encoding.filter(|map| !map.is_empty());
    let is_utf16 = named.is_some_and(|n| n.contains("UCS2") || n.contains("UTF16"));
    let mut widths_em = std::collections::BTreeMap::new();
    let entries = array(doc, descendant, b"W").unwrap_or_default();
    let value = |o: &Object| doc.dereference(o).ok().and_then(|(_, o)| o.as_float().ok());
    let mut at = 0;
    // `c [w1 w2 …]` or `first last w` (9.7.4.3).
    while let Some(first) = entries.get(at).and_then(value) {
        let first = first.max(0.0) as u32;
        let second = entries.get(at + 1).and_then(|o| doc.dereference(o).ok()).map(|(_, o)| o);
        if let Some(Object::Array(widths)) = second {
            for (i, width) in widths.iter().enumerate() {
                widths_em
                    .insert(first.saturating_add(i as u32), value(width).unwrap_or(0.0) * 0.001);
            }
            at += 2;
        } else {
            let last =
                second.and_then(|o| o.as_float().ok()).unwrap_or(0.0).clamp(0.0, 65535.0) as u32;
            let width = entries.get(at + 2).and_then(value).unwrap_or(0.0) * 0.001;
            widths_em.extend((first..=last).map(|glyph| (glyph, width)));
            at += 3;
        }
        // A font has at most 65,536 glyphs; an array that goes on and on is an attack.
        if at > WIDTH_ENTRIES_MAX {
            break;
        }
    }
    let default_em = number(doc, descendant, b"DW").unwrap_or(1000.0) * 0.001;
    Composite { encoding, is_utf16, default_em, widths_em }
}

fn descendant<'d>(doc: &'d Document, dict: &'d Dictionary) -> Option<&'d Dictionary> {
    let first = array(doc, dict, b"DescendantFonts")?.first()?;
    doc.dereference(first).ok()?.1.as_dict().ok()
}

fn read_cmap(stream: &Stream, is_damaged: &mut bool) -> CMap {
    match unpack(stream, CMAP_MAX_BYTES) {
        Ok(unpacked) => {
            *is_damaged |= unpacked.is_damaged;
            CMap::parse(&unpacked.data)
        }
        Err(_) => {
            *is_damaged = true;
            CMap::default()
        }
    }
}

fn child<'d>(doc: &'d Document, dict: &'d Dictionary, key: &[u8]) -> Option<&'d Dictionary> {
    dict.get_deref(key, doc).ok()?.as_dict().ok()
}

fn stream<'d>(doc: &'d Document, dict: &'d Dictionary, key: &[u8]) -> Option<&'d Stream> {
    dict.get_deref(key, doc).ok()?.as_stream().ok()
}

fn array<'d>(doc: &'d Document, dict: &'d Dictionary, key: &[u8]) -> Option<&'d [Object]> {
    dict.get_deref(key, doc).ok()?.as_array().ok().map(Vec::as_slice)
}

fn number(doc: &Document, dict: &Dictionary, key: &[u8]) -> Option<f32> {
    dict.get_deref(key, doc).ok()?.as_float().ok().filter(|n| n.is_finite())
}

fn name(doc: &Document, dict: &Dictionary, key: &[u8]) -> Option<String> {
    let name = dict.get_deref(key, doc).ok()?.as_name().ok()?;
    Some(String::from_utf8_lossy(name).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(font: &Font, bytes: &[u8]) -> String {
        font.letters(bytes).into_iter().map(|l| l.text).collect()
    }

    #[test]
    fn simple_fonts_read_windows_and_differences() {
        let doc = Document::new();
        let plain = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica-Bold",
        "Encoding" => "WinAnsiEncoding" };
        let font = Font::read(&doc, &plain);
        assert_eq!(text(&font, b"Gr\xf6\xdfe"), "Größe");
        assert_eq!(font.bold, Weight::Bold);
        assert!((font.letters(b"A")[0].advance_em - 0.722).abs() < 1e-6);
        let differences =
            vec![Object::Integer(65), "ccaron".into(), "uni0159".into(), "fi".into(), "g42".into()];
        let custom = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "X",
        "Encoding" => dictionary! { "Differences" => differences },
        "FirstChar" => 65, "Widths" => vec![Object::Integer(500)] };
        let font = Font::read(&doc, &custom);
        assert_eq!(text(&font, b"ABCD"), "čřfiD");
        assert!((font.letters(b"A")[0].advance_em - 0.5).abs() < 1e-6);
    }

    #[test]
    fn composite_fonts_read_their_unicode_map_and_widths() {
        let mut doc = Document::new();
        let map = doc.add_object(Stream::new(
            Dictionary::new(),
            b"1 beginbfchar <0041> <017E> endbfchar".to_vec(),
        ));
        let descendant = doc.add_object(dictionary! { "Type" => "Font", "DW" => 700,
            "W" => vec![65.into(), Object::Array(vec![450.into()]), 70.into(), 72.into(), 300.into()] });
        let dict = dictionary! { "Type" => "Font", "Subtype" => "Type0", "Encoding" => "Identity-H",
        "DescendantFonts" => vec![Object::Reference(descendant)],
        "ToUnicode" => Object::Reference(map) };
        let letters = Font::read(&doc, &dict).letters(&[0, 65, 0, 71, 0, 99, 7]);
        let texts: Vec<&str> = letters.iter().map(|l| l.text.as_str()).collect();
        assert_eq!(texts, ["ž", "\u{fffd}", "\u{fffd}", "\u{fffd}"]);
        let widths: Vec<u32> =
            letters.iter().map(|l| (l.advance_em * 1000.0).round() as u32).collect();
        assert_eq!(widths, [450, 300, 700, 700]);
    }

    #[test]
    fn broken_fonts_still_give_letters() {
        let doc = Document::new();
        let font = Font::read(&doc, &Dictionary::new());
        assert_eq!(text(&font, b"ok"), "ok");
    }
}
