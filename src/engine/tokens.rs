//! From text to tokens: the embedder's WordPiece tokenizer, with our own truncation and no padding.

use models::TokenSpan;
use tokenizers::Tokenizer;

use crate::error::EngineError;
use crate::weights;

/// Tokens of a text that the embedder sees, with the two that frame a sequence. The model has 512
/// positions; its authors trained and ship it with 256 (`sentence_bert_config.json`).
pub const WINDOW_TOKENS: usize = 256;

/// Bytes of a text that embedding looks at. A token of running text takes four to eight bytes, so
/// this is far beyond the window; it bounds the work on a text that is one megabyte of blanks.
const EMBED_MAX_BYTES: usize = 32 * 1024;

/// Bytes that are tokenized at once. Words do not cross white space, so cutting after it changes
/// nothing, and the tokenizer's own tables (some hundred bytes per byte of text) stay small.
const PIECE_BYTES: usize = 16 * 1024;

const BEGIN: u32 = 101; // [CLS]
const END: u32 = 102; // [SEP]

/// A text as the model reads it: framed by its two marks, at most [`WINDOW_TOKENS`] long, every
/// number in the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence(Vec<u32>);

impl Sequence {
    /// The tokens' numbers. Never empty.
    #[must_use]
    pub fn ids(&self) -> &[u32] {
        &self.0
    }
}

/// The tokenizer of all-MiniLM-L6-v2.
pub struct TextTokens {
    tokenizer: Tokenizer,
}

impl TextTokens {
    /// Reads the embedded tokenizer.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`] when it cannot be read; a fault of the build.
    pub fn load() -> Result<Self, EngineError> {
        let mut tokenizer =
            Tokenizer::from_bytes(weights::TOKENIZER).map_err(EngineError::Tokenizer)?;
        // The file says 128 tokens, padded to 128.
        tokenizer.with_truncation(None).map_err(EngineError::Tokenizer)?;
        tokenizer.with_padding(None);
        Ok(Self { tokenizer })
    }

    /// The text as the model reads it.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn sequence(&self, text: &str) -> Result<Sequence, EngineError> {
        let mut ids = Vec::with_capacity(WINDOW_TOKENS);
        ids.push(BEGIN);
        for piece in pieces(prefix(text, EMBED_MAX_BYTES)) {
            let encoding =
                self.tokenizer.encode_fast(piece, false).map_err(EngineError::Tokenizer)?;
            let room = WINDOW_TOKENS - 1 - ids.len();
            ids.extend(encoding.get_ids().iter().take(room));
            if ids.len() == WINDOW_TOKENS - 1 {
                break;
            }
        }
        ids.push(END);
        Ok(Sequence(ids))
    }

    /// Number of tokens, unframed and uncut.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn count(&self, text: &str) -> Result<u32, EngineError> {
        let mut count = 0;
        for piece in pieces(text) {
            let encoding =
                self.tokenizer.encode_fast(piece, false).map_err(EngineError::Tokenizer)?;
            count += encoding.len();
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Where each token stands, in order, unframed and uncut.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn spans(&self, text: &str) -> Result<Vec<TokenSpan>, EngineError> {
        let mut spans = Vec::new();
        let mut offset = 0;
        for piece in pieces(text) {
            let encoding = self.tokenizer.encode(piece, false).map_err(EngineError::Tokenizer)?;
            spans.extend(encoding.get_offsets().iter().map(|&(start, end)| TokenSpan {
                start: u32::try_from(offset + start).unwrap_or(u32::MAX),
                end: u32::try_from(offset + end).unwrap_or(u32::MAX),
            }));
            offset += piece.len();
        }
        Ok(spans)
    }
}

/// The longest prefix of at most `max_bytes` that ends between two characters.
fn prefix(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

/// Cuts `text` after white space into pieces of [`PIECE_BYTES`] or, where a single word is longer,
/// a little more.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = if rest.len() <= PIECE_BYTES {
            rest.len()
        } else {
            let blank = |byte: &u8| byte.is_ascii_whitespace();
            let bytes = rest.as_bytes();
            match bytes[..PIECE_BYTES].iter().rposition(blank) {
                Some(last) => last + 1,
                None => bytes[PIECE_BYTES..]
                    .iter()
                    .position(blank)
                    .map_or(rest.len(), |next| PIECE_BYTES + next + 1),
            }
        };
        let (piece, after) = rest.split_at(cut);
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn tokens() -> TextTokens {
        TextTokens::load().unwrap()
    }

    #[test]
    fn frames_and_cuts() {
        let tokens = tokens();
        assert_eq!(tokens.sequence("").unwrap().ids(), [BEGIN, END]);
        assert_eq!(tokens.sequence("pump").unwrap().ids(), [BEGIN, 10216, END]);
        let long = tokens.sequence(&"valve ".repeat(5000)).unwrap().0;
        assert_eq!(long.len(), WINDOW_TOKENS);
        assert_eq!((long[0], long[WINDOW_TOKENS - 1]), (BEGIN, END));
    }

    #[test]
    fn spans_are_bytes_of_the_text_given() {
        let tokens = tokens();
        let text = "Förderdruck: 6,5 bar 🛠 — 6ES7 315-2EH14-0AB0";
        let spans = tokens.spans(text).unwrap();
        assert_eq!(spans.len(), usize::try_from(tokens.count(text).unwrap()).unwrap());
        let mut last = 0;
        for span in &spans {
            assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?}");
            assert!(span.start >= last && span.end > span.start, "{span:?} after {last}");
            last = span.start;
        }
        let words: Vec<_> = spans.iter().map(|s| &text[s.start as usize..s.end as usize]).collect();
        assert_eq!(words.concat(), text.replace(' ', ""));
    }

    #[test]
    fn long_texts_in_pieces_count_as_in_one() {
        let tokens = tokens();
        let line = "The tightening torque of the flange bolts is 45 Nm.\nÖlstand prüfen! ";
        let text = line.repeat(1000);
        let whole = tokens.tokenizer.encode(text.as_str(), false).unwrap();
        assert_eq!(tokens.count(&text).unwrap() as usize, whole.len());
        let spans = tokens.spans(&text).unwrap();
        let offsets: Vec<_> = spans.iter().map(|s| (s.start as usize, s.end as usize)).collect();
        assert_eq!(offsets, whole.get_offsets());
    }

    #[test]
    fn odd_texts_are_tokenized() {
        let tokens = tokens();
        let megabyte = "x".repeat(1 << 20);
        let blanks = " ".repeat(1 << 20);
        let odd =
            ["\0\u{1}\u{7f}\u{fffd}", "🛠🧰👩‍🔧", "\u{202e}abc", "[CLS] [MASK] [SEP]", "漢字かな"];
        for text in odd.into_iter().chain([megabyte.as_str(), blanks.as_str()]) {
            let sequence = tokens.sequence(text).unwrap();
            assert!((2..=WINDOW_TOKENS).contains(&sequence.ids().len()));
            tokens.count(text).unwrap();
            tokens.spans(text).unwrap();
        }
    }
}
