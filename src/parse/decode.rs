//! Bytes of a text file to a string: byte order marks, UTF-16 without one, UTF-8, the declared
//! charset, and a guess by letter statistics (chardetng) for the rest.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{FailureCode, ParseFailure};
use crate::limits::TEXT_MAX_BYTES;

/// How much of a file is looked at for zero bytes, in bytes.
const ZERO_SAMPLE_BYTES: usize = 8 * 1024;

/// How much of a file the letter statistics see, in bytes.
const GUESS_SAMPLE_BYTES: usize = 1024 * 1024;

/// A text with more control characters than one in this many is no text.
const CHARS_PER_CONTROL_MIN: usize = 200;

/// A text with more undecodable places than one in this many characters is no text.
const CHARS_PER_REPLACEMENT_MIN: usize = 50;

/// A decoded text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// Line ends are `\n`, form feeds kept, other control characters dropped.
    pub(crate) text: String,
    /// WHATWG name of the encoding it was read in.
    pub(crate) encoding: &'static str,
    /// Places that could not be decoded; each is U+FFFD in the text.
    pub(crate) undecodable: usize,
}

/// Decodes `bytes`; `declared` is a charset label from outside.
///
/// # Errors
/// [`FailureCode::UnsupportedFormat`] when it is not text, [`FailureCode::TooLarge`] when there is
/// too much of it.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Result<Decoded, ParseFailure> {
    let (encoding, body) = choose(bytes, declared)?;
    if body.len() > TEXT_MAX_BYTES {
        return Err(too_large());
    }
    let (text, _) = encoding.decode_without_bom_handling(body);
    let undecodable = text.matches('\u{fffd}').count();
    let chars = text.chars().count().max(1);
    let controls = text.chars().filter(|&c| is_forbidden(c)).count();
    // A few bytes say nothing by themselves: one control character in ten is still odd.
    if controls * CHARS_PER_CONTROL_MIN > chars || undecodable * CHARS_PER_REPLACEMENT_MIN > chars {
        return Err(binary());
    }
    let text = normalise(&text);
    if text.len() > TEXT_MAX_BYTES {
        return Err(too_large());
    }
    Ok(Decoded { text, encoding: encoding.name(), undecodable })
}

fn choose<'a>(
    bytes: &'a [u8],
    declared: Option<&str>,
) -> Result<(&'static Encoding, &'a [u8]), ParseFailure> {
    if let Some((encoding, bom_bytes)) = Encoding::for_bom(bytes) {
        return Ok((encoding, &bytes[bom_bytes..]));
    }
    let declared = declared.and_then(|label| Encoding::for_label(label.as_bytes()));
    if let Some(utf16) = utf16_without_bom(bytes) {
        return Ok((utf16, bytes));
    }
    if bytes.contains(&0) {
        return Err(binary());
    }
    if mostly_utf8(bytes) {
        return Ok((UTF_8, bytes));
    }
    if let Some(encoding) = declared
        && encoding != UTF_16LE
        && encoding != UTF_16BE
        && encoding.decode_without_bom_handling_and_without_replacement(bytes).is_some()
    {
        return Ok((encoding, bytes));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let sample = &bytes[..bytes.len().min(GUESS_SAMPLE_BYTES)];
    detector.feed(sample, true);
    Ok((detector.guess(None, Utf8Detection::Deny), bytes))
}

/// UTF-16 of Western or Slavic text has a zero in nearly every other byte, always on one side.
fn utf16_without_bom(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(ZERO_SAMPLE_BYTES)];
    let units = sample.len() / 2;
    if units == 0 {
        return None;
    }
    let zeros_at = |side: usize| sample.chunks_exact(2).filter(|pair| pair[side] == 0).count();
    let (even, odd) = (zeros_at(0), zeros_at(1));
    let many = |n: usize| n * 10 >= units * 4;
    let few = |n: usize| n * 50 <= units;
    match () {
        () if many(odd) && few(even) => Some(UTF_16LE),
        () if many(even) && few(odd) => Some(UTF_16BE),
        () => None,
    }
}

/// Valid UTF-8, or UTF-8 with a rare broken place: letters of legacy encodings form valid
/// multi-byte sequences by accident almost never.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut broken, mut multi_byte) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        multi_byte += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken == 0 || multi_byte >= broken * 20
}

fn is_forbidden(c: char) -> bool {
    // Escape and backspace occur in terminal logs.
    c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c' | '\x1b' | '\x08' | '\u{85}')
}

fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() == Some(&'\n') {
                    chars.next();
                }
                out.push('\n');
            }
            '\u{2028}' | '\u{85}' => out.push('\n'),
            '\u{2029}' => out.push_str("\n\n"),
            '\n' | '\t' | '\x0c' => out.push(c),
            '\u{feff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn binary() -> ParseFailure {
    ParseFailure::new(
        FailureCode::UnsupportedFormat,
        "This is neither a PDF nor a DOCX nor a text in a known encoding.",
    )
}

fn too_large() -> ParseFailure {
    ParseFailure::new(
        FailureCode::TooLarge,
        format_args!("The text is larger than {} MiB.", TEXT_MAX_BYTES / (1024 * 1024)),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    const CZECH: &str = "Příliš žluťoučký kůň úpěl ďábelské ódy. Šrouby příruby utáhněte křížem, \
                         utahovací moment překontrolujte po hodině provozu čerpadla.\n";
    const GERMAN: &str = "Die Flanschschrauben über Kreuz anziehen. Größe und Maß prüfen, Öl \
                          nachfüllen, Drehmoment für M16: 45 Nm.\n";

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn reads_every_usual_encoding_of_the_plant_languages() {
        for (label, text) in [
            ("windows-1250", CZECH),
            ("iso-8859-2", CZECH),
            ("windows-1252", GERMAN),
            ("utf-8", CZECH),
        ] {
            let (bytes, _, unmappable) =
                Encoding::for_label(label.as_bytes()).unwrap().encode(text);
            assert!(!unmappable);
            assert_eq!(decode(&bytes, None).unwrap().text, text, "{label}");
        }
    }

    #[test]
    fn reads_utf16_with_and_without_its_mark() {
        for text in [CZECH, GERMAN] {
            let (le, be) = (utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes));
            assert_eq!(decode(&le, None).unwrap().text, text);
            assert_eq!(decode(&be, None).unwrap().text, text);
            assert_eq!(decode(&[b"\xff\xfe", &le[..]].concat(), None).unwrap().text, text);
            assert_eq!(decode(&[b"\xfe\xff", &be[..]].concat(), None).unwrap().text, text);
        }
        let with_mark = ["\u{feff}", GERMAN].concat();
        assert_eq!(decode(with_mark.as_bytes(), None).unwrap().text, GERMAN);
    }

    #[test]
    fn a_declared_charset_helps_where_statistics_cannot() {
        let bytes = b"\xb5m"; // micro sign in windows-1252, Cyrillic in others
        assert_eq!(decode(bytes, Some("windows-1251")).unwrap().text, "µm");
        assert_eq!(decode(b"\xe6", Some("iso-8859-5")).unwrap().text, "ц");
        assert_eq!(decode("µm".as_bytes(), Some("windows-1250")).unwrap().text, "µm");
    }

    #[test]
    fn one_broken_byte_does_not_turn_utf8_into_noise() {
        let mut bytes = CZECH.repeat(3).into_bytes();
        bytes.push(0xc5);
        let decoded = decode(&bytes, None).unwrap();
        assert_eq!((decoded.encoding, decoded.undecodable), ("UTF-8", 1));
        assert!(decoded.text.starts_with("Příliš"));
    }

    #[test]
    fn line_ends_are_made_one_kind_and_controls_dropped() {
        assert_eq!(decode(b"a\r\nb\rc\nd\x0ce\tf", None).unwrap().text, "a\nb\nc\nd\x0ce\tf");
        let log = format!("{}\x1b[31mALARM\x1b[0m", "quiet ".repeat(20));
        assert!(decode(log.as_bytes(), None).unwrap().text.ends_with("[31mALARM[0m"));
    }

    #[test]
    fn binary_is_refused() {
        let noise: Vec<u8> =
            (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for bytes in [&noise[..], b"\0\0\0\0", b"ab\0cd", b"\x01\x02\x03"] {
            assert_eq!(decode(bytes, None).unwrap_err().code, FailureCode::UnsupportedFormat);
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
            let _ = decode(&bytes, None);
        }

        #[test]
        fn utf8_text_survives(text in "[ -~äöüßěščřžýáíéůú]{1,400}") {
            prop_assert_eq!(decode(text.as_bytes(), None).unwrap().text, text);
        }
    }
}
