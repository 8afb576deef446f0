//! CMaps (Adobe Technical Note 5014 and 5411): how the bytes of a string divide into codes, and
//! which character or glyph each code means.

use std::collections::BTreeMap;

/// Most mappings of one CMap.
const MAPPINGS_MAX: usize = 200_000;

/// Longest text one code may mean, in UTF-16 units; ligatures have three or four.
const TARGET_MAX_UNITS: usize = 16;

/// A parsed CMap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CMap {
    /// Length in bytes, lowest and highest code.
    codespaces: Vec<(usize, u32, u32)>,
    /// First code of a range to its last code and what it means.
    ranges: BTreeMap<u32, (u32, Target)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    /// UTF-16 units; the last one counts up along the range.
    Text(Vec<u16>),
    /// A glyph number; counts up along the range.
    Glyph(u32),
}

enum Token<'c> {
    Hex(&'c [u8]),
    Number(u32),
    Open,
    Close,
    Word(&'c [u8]),
}

impl CMap {
    /// Reads the decoded stream of a CMap; what cannot be understood is passed over.
    pub(super) fn parse(data: &[u8]) -> Self {
        let mut map = Self::default();
        let mut tokens = Tokens { data, at: 0 };
        while let Some(token) = tokens.next() {
            if let Token::Word(word) = token {
                match word {
                    b"begincodespacerange" => map.codespace_section(&mut tokens),
                    b"beginbfchar" => map.char_section(&mut tokens),
                    b"beginbfrange" => map.range_section(&mut tokens),
                    b"begincidchar" => map.char_section(&mut tokens),
                    b"begincidrange" => map.range_section(&mut tokens),
                    _ => {}
                }
            }
        }
        map
    }

    /// Whether nothing is mapped.
    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Length in bytes of the code at the beginning of `bytes`; `default` where no codespace tells.
    pub(super) fn code_length(&self, bytes: &[u8], default: usize) -> usize {
        let matching = self.codespaces.iter().filter(|&&(length, low, high)| {
            length <= bytes.len()
                && (0..length).all(|i| {
                    let shift = 8 * (length - 1 - i) as u32;
                    let byte = u32::from(bytes[i]);
                    (low >> shift & 0xff..=high >> shift & 0xff).contains(&byte)
                })
        });
        matching.map(|&(length, ..)| length).min().unwrap_or(default).clamp(1, bytes.len().max(1))
    }

    /// The text that `code` means.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        let (first, (last, target)) = self.ranges.range(..=code).next_back()?;
        let Target::Text(units) = target else { return None };
        if code > *last {
            return None;
        }
        let mut units = units.clone();
        if let Some(unit) = units.last_mut() {
            *unit = unit.wrapping_add((code - first) as u16);
        }
        String::from_utf16(&units).ok()
    }

    /// The glyph number that `code` means.
    pub(super) fn glyph(&self, code: u32) -> Option<u32> {
        let (first, (last, target)) = self.ranges.range(..=code).next_back()?;
        let Target::Glyph(glyph) = target else { return None };
        (code <= *last).then(|| glyph.saturating_add(code - first))
    }

    fn codespace_section(&mut self, tokens: &mut Tokens<'_>) {
        while let (Some(Token::Hex(low)), Some(Token::Hex(high))) = (tokens.next(), tokens.next()) {
            let length = hex_bytes(low);
            if (1..=4).contains(&length) && self.codespaces.len() < 1000 {
                self.codespaces.push((length, hex_value(low), hex_value(high)));
            }
        }
    }

    fn char_section(&mut self, tokens: &mut Tokens<'_>) {
        while let Some(Token::Hex(code)) = tokens.next() {
            let Some(target) = target(tokens.next()) else { return };
            self.put(hex_value(code), hex_value(code), target);
        }
    }

    fn range_section(&mut self, tokens: &mut Tokens<'_>) {
        while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (tokens.next(), tokens.next())
        {
            let (first, last) = (hex_value(first), hex_value(last));
            match tokens.next() {
                Some(Token::Open) => {
                    let mut code = first;
                    loop {
                        let token = tokens.next();
                        if matches!(token, Some(Token::Close) | None) {
                            break;
                        }
                        if let Some(target) = target(token).filter(|_| code <= last) {
                            self.put(code, code, target);
                        }
                        code = code.saturating_add(1);
                    }
                }
                token => {
                    let Some(target) = target(token) else { return };
                    self.put(first, last, target);
                }
            }
        }
    }

    fn put(&mut self, first: u32, last: u32, target: Target) {
        if last >= first && self.ranges.len() < MAPPINGS_MAX {
            self.ranges.insert(first, (last, target));
        }
    }
}

fn target(token: Option<Token<'_>>) -> Option<Target> {
    match token? {
        Token::Hex(digits) => {
            let bytes = hex_string(digits);
            let units = match bytes[..] {
                [byte] => vec![u16::from(byte)],
                _ => bytes.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect(),
            };
            (!units.is_empty() && units.len() <= TARGET_MAX_UNITS).then_some(Target::Text(units))
        }
        Token::Number(glyph) => Some(Target::Glyph(glyph)),
        _ => None,
    }
}

fn digits(hex: &[u8]) -> impl Iterator<Item = u8> + '_ {
    hex.iter().filter_map(|b| char::from(*b).to_digit(16)).map(|d| d as u8)
}

fn hex_bytes(hex: &[u8]) -> usize {
    digits(hex).count().div_ceil(2)
}

fn hex_value(hex: &[u8]) -> u32 {
    digits(hex).fold(0, |value: u32, d| value << 4 | u32::from(d))
}

fn hex_string(hex: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = digits(hex).collect();
    digits.chunks(2).map(|d| d[0] << 4 | d.get(1).copied().unwrap_or(0)).collect()
}

struct Tokens<'c> {
    data: &'c [u8],
    at: usize,
}

impl<'c> Tokens<'c> {
    fn next(&mut self) -> Option<Token<'c>> {
        self.skip_space();
        let rest = &self.data[self.at..];
        match *rest.first()? {
            b'<' if rest.get(1) != Some(&b'<') => {
                let end = rest.iter().position(|&b| b == b'>')?;
                self.at += end + 1;
                Some(Token::Hex(&rest[1..end]))
            }
            b'[' => self.single(Token::Open),
            b']' => self.single(Token::Close),
            b'<' | b'>' | b'(' | b')' | b'{' | b'}' => self.single(Token::Word(b"")),
            _ => {
                let ends = |b: &u8| b.is_ascii_whitespace() || b"<>[](){}%".contains(b);
                let slash = usize::from(rest[0] == b'/');
                let end = rest[slash..].iter().position(|b| ends(b) || *b == b'/');
                let end = end.map_or(rest.len(), |n| n + slash).max(1);
                self.at += end;
                let word = &rest[..end];
                let number = std::str::from_utf8(word).ok().and_then(|w| w.parse().ok());
                Some(number.map_or(Token::Word(word), Token::Number))
            }
        }
    }

    fn single(&mut self, token: Token<'c>) -> Option<Token<'c>> {
        self.at += 1;
        Some(token)
    }

    fn skip_space(&mut self) {
        while let Some(&b) = self.data.get(self.at) {
            if b == b'%' {
                let rest = &self.data[self.at..];
                self.at +=
                    rest.iter().position(|&b| b == b'\n' || b == b'\r').unwrap_or(rest.len());
            } else if b.is_ascii_whitespace() || b == 0 {
                self.at += 1;
            } else {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TO_UNICODE: &[u8] = b"/CIDInit /ProcSet findresource begin % note\n\
        1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
        2 beginbfchar <0003> <0020> <0051> <006600660069> endbfchar\n\
        2 beginbfrange <0010> <0012> <0041> <0020> <0021> [<010D> <0159>] endbfrange\nend";

    #[test]
    fn codes_mean_text() {
        let map = CMap::parse(TO_UNICODE);
        let text = |c| map.text(c);
        assert_eq!(text(3).as_deref(), Some(" "));
        assert_eq!(text(0x51).as_deref(), Some("ffi"));
        assert_eq!(text(0x12).as_deref(), Some("C"));
        assert_eq!(text(0x21).as_deref(), Some("ř"));
        assert_eq!((text(0x13), text(4), text(0)), (None, None, None));
        assert_eq!(map.code_length(&[0, 3, 0], 1), 2);
    }

    #[test]
    fn codes_mean_glyphs_and_have_mixed_lengths() {
        let map = CMap::parse(
            b"2 begincodespacerange <00> <80> <8140> <9FFC> endcodespacerange \
              1 begincidrange <8140> <817E> 633 endcidrange 1 begincidchar <20> 7 endcidchar",
        );
        assert_eq!(map.glyph(0x8142), Some(635));
        assert_eq!(map.glyph(0x20), Some(7));
        assert_eq!(map.code_length(&[0x41, 0x42], 2), 1);
        assert_eq!(map.code_length(&[0x81, 0x42], 1), 2);
        assert_eq!(map.code_length(&[0x81], 2), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(
            noise in proptest::collection::vec(any::<u8>(), 0..200),
            at in 0usize..200,
            code: u32,
        ) {
            let mut data = TO_UNICODE.to_vec();
            let at = at % data.len();
            data.splice(at..at, noise);
            let map = CMap::parse(&data);
            let _ = (map.text(code), map.glyph(code), map.code_length(&data, 2));
        }
    }
}
