//! Walks canonical JSON without building it: what the verifier does to every entry of a log.

use super::{SAFE_INTEGER_MAX, VALUE_DEPTH_MAX, VALUE_MAX_BYTES};

/// Digits of [`SAFE_INTEGER_MAX`].
const INTEGER_DIGITS_MAX: usize = 16;

/// A place in a text that should be canonical JSON. Every method gives `None` where it is not,
/// after which the place means nothing.
pub(crate) struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Steps over `token` if it stands here.
    pub(crate) fn skip(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Steps over `token`, which must stand here.
    pub(crate) fn expect(&mut self, token: &str) -> Option<()> {
        self.skip(token).then_some(())
    }

    /// Steps over a string and gives what stands between its quotes, escapes as they are.
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        self.expect("\"")?;
        let text = self.rest;
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => at += escape_len(&bytes[at..])?,
                0x00..0x20 => return None,
                _ => at += 1,
            }
        }
        self.rest = &text[at + 1..];
        Some(&text[..at])
    }

    /// Steps over an integer that every reader keeps exactly.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let is_negative = self.skip("-");
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (text, rest) = self.rest.split_at(digits);
        let has_extra_zero = text.starts_with('0') && (digits > 1 || is_negative);
        if digits > INTEGER_DIGITS_MAX || has_extra_zero {
            return None;
        }
        let size: i64 = text.parse().ok()?;
        self.rest = rest;
        if size.unsigned_abs() > SAFE_INTEGER_MAX {
            return None;
        }
        Some(if is_negative { -size } else { size })
    }

    /// Steps over a value within the limits of an entry's values.
    pub(crate) fn bounded_value(&mut self) -> Option<()> {
        let before = self.rest.len();
        self.value(0)?;
        (before - self.rest.len() <= VALUE_MAX_BYTES).then_some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.rest.as_bytes().first()? {
            b'"' => self.string().map(drop),
            b'[' => self.array(inside(depth)?),
            b'{' => self.object(inside(depth)?),
            b'n' => self.expect("null"),
            b't' => self.expect("true"),
            b'f' => self.expect("false"),
            _ => self.integer().map(drop),
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.expect("[")?;
        if self.skip("]") {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if !self.skip(",") {
                return self.expect("]");
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.expect("{")?;
        if self.skip("}") {
            return Some(());
        }
        let mut previous: Option<&str> = None;
        loop {
            let name = self.string()?;
            if previous.is_some_and(|previous| !is_before(previous, name)) {
                return None;
            }
            previous = Some(name);
            self.expect(":")?;
            self.value(depth)?;
            if !self.skip(",") {
                return self.expect("}");
            }
        }
    }
}

const fn inside(depth: usize) -> Option<usize> {
    if depth < VALUE_DEPTH_MAX { Some(depth + 1) } else { None }
}

/// Length of the escape that `bytes` begins with, when it is the one that its character has.
fn escape_len(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        b'"' | b'\\' | b'b' | b't' | b'n' | b'f' | b'r' => Some(2),
        b'u' => {
            let digits = bytes.get(2..6)?;
            let is_lower = digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f'));
            let is_named = matches!(digits, b"0008" | b"0009" | b"000a" | b"000c" | b"000d");
            let is_control = matches!(digits, [b'0', b'0', b'0' | b'1', _]);
            (is_lower && is_control && !is_named).then_some(6)
        }
        _ => None,
    }
}

/// Whether the member name `a` stands before `b`; both as they are between their quotes.
fn is_before(a: &str, b: &str) -> bool {
    let is_plain = |name: &str| name.is_ascii() && !name.contains('\\');
    if is_plain(a) && is_plain(b) { a < b } else { utf16(a).lt(utf16(b)) }
}

/// The UTF-16 code units that a scanned string stands for.
fn utf16(escaped: &str) -> impl Iterator<Item = u16> {
    let mut chars = escaped.chars();
    let unescaped = std::iter::from_fn(move || match chars.next()? {
        '\\' => match chars.next()? {
            'b' => Some('\u{8}'),
            't' => Some('\t'),
            'n' => Some('\n'),
            'f' => Some('\u{c}'),
            'r' => Some('\r'),
            // Four digits, of which the first two are zero.
            'u' => {
                let digits = (0..4).map_while(|_| chars.next()?.to_digit(16));
                char::from_u32(digits.fold(0, |number, digit| number * 16 + digit))
            }
            itself => Some(itself),
        },
        itself => Some(itself),
    });
    unescaped.flat_map(|c| {
        let mut units = [0; 2];
        let len = c.encode_utf16(&mut units).len();
        units.into_iter().take(len)
    })
}
