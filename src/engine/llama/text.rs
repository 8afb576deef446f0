//! From the bytes of tokens to the pieces of a text: whole characters, and no stop text in them.

/// Text on its way out.
#[derive(Debug, Default)]
pub(super) struct TextPieces {
    /// The beginning of a character whose rest has not come.
    partial: Vec<u8>,
    /// Text that may be the beginning of a stop text.
    held: String,
    /// All that was given out.
    whole: String,
    stops: Vec<String>,
    stopped: bool,
}

impl TextPieces {
    pub(super) fn new(stops: Vec<String>) -> Self {
        Self { stops, ..Self::default() }
    }

    /// Takes the bytes of a token; gives what can be shown now.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.partial.extend_from_slice(bytes);
        let decoded = self.decode(false);
        self.hold_back(&decoded, false)
    }

    /// No more tokens come: gives the rest.
    pub(super) fn finish(&mut self) -> String {
        let decoded = self.decode(true);
        self.hold_back(&decoded, true)
    }

    /// Whether a stop text came; nothing is given out after it.
    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// All that was given out.
    pub(super) fn into_whole(self) -> String {
        self.whole
    }

    /// Whole characters of what came; bytes that can't become one are replaced (U+FFFD).
    fn decode(&mut self, last: bool) -> String {
        let mut text = String::new();
        let mut rest = self.partial.as_slice();
        loop {
            match str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    match error.error_len() {
                        Some(bad) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = &after[bad..];
                        }
                        None if last => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = &[];
                            break;
                        }
                        None => {
                            rest = after;
                            break;
                        }
                    }
                }
            }
        }
        self.partial = rest.to_vec();
        text
    }

    fn hold_back(&mut self, decoded: &str, last: bool) -> String {
        if self.stopped {
            return String::new();
        }
        self.held.push_str(decoded);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        let keep = if let Some(at) = found {
            self.stopped = true;
            at
        } else if last {
            self.held.len()
        } else {
            self.held.len() - self.stops.iter().map(|s| overlap(&self.held, s)).max().unwrap_or(0)
        };
        let rest = self.held.split_off(keep);
        let shown = std::mem::replace(&mut self.held, rest);
        if self.stopped {
            self.held.clear();
        }
        self.whole.push_str(&shown);
        shown
    }
}

/// Length of the longest end of `text` that is a beginning of `stop`, but not all of it.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len().saturating_sub(1));
    let fits = |n: &usize| stop.is_char_boundary(*n) && text.ends_with(&stop[..*n]);
    (1..=longest).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn pieces(stops: &[&str], parts: &[&[u8]]) -> (Vec<String>, String, bool) {
        let mut text = TextPieces::new(stops.iter().map(ToString::to_string).collect());
        let mut shown: Vec<String> = parts.iter().map(|part| text.push(part)).collect();
        shown.push(text.finish());
        let stopped = text.is_stopped();
        (shown, text.into_whole(), stopped)
    }

    #[test]
    fn a_character_is_shown_when_its_last_byte_is_there() {
        let bytes = "Größe 5 µm".as_bytes();
        let parts: Vec<&[u8]> = bytes.chunks(1).collect();
        let (shown, whole, stopped) = pieces(&[], &parts);
        assert_eq!(whole, "Größe 5 µm");
        assert_eq!(shown.concat(), whole);
        assert_eq!(shown[2], "", "half of an ö");
        assert!(!stopped);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced() {
        let (_, whole, _) = pieces(&[], &[b"a\xff", b"b\xc3"]);
        assert_eq!(whole, "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn a_stop_text_is_not_shown_also_when_it_comes_in_parts() {
        let (shown, whole, stopped) = pieces(&["END"], &[b"one E", b"N", b"D two"]);
        assert_eq!(shown, ["one ", "", "", ""]);
        assert_eq!((whole.as_str(), stopped), ("one ", true));
        // What only began like it comes out after all.
        let (_, whole, stopped) = pieces(&["END"], &[b"one E", b"N", b"S two EN"]);
        assert_eq!((whole.as_str(), stopped), ("one ENS two EN", false));
    }

    #[test]
    fn the_first_of_several_stop_texts_counts() {
        let (_, whole, _) = pieces(&["\n\n", "User:"], &["a User: b\n\n".as_bytes()]);
        assert_eq!(whole, "a ");
    }
}
