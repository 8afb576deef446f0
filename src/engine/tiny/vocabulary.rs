//! A vocabulary of bytes, in the form of byte-level BPE (`tokenizer.ggml.model = "gpt2"`).
//!
//! Of the kinds that llama.cpp knows this one gives back every byte: SentencePiece's (`"llama"`)
//! turns spaces into `▁` and `▁` into spaces. There are no merges, so each byte of a text is a token
//! of its own, wherever the pre-tokenizer cuts.

/// Ends a text.
pub const END_OF_TEXT: u32 = 0;

/// Begins a message (`<|im_start|>`).
pub const START_OF_MESSAGE: u32 = 1;

/// Ends a message (`<|im_end|>`); generation ends with it.
pub const END_OF_MESSAGE: u32 = 2;

/// The texts of the control tokens, in the order of their numbers.
pub const CONTROL_TOKENS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// The token of byte 0; those of the other bytes follow.
pub const BYTE_TOKENS_BEGIN: u32 = 3;

/// The first word.
const WORDS_BEGIN: u32 = BYTE_TOKENS_BEGIN + 256;

/// Control tokens and bytes.
pub(super) const MIN_TOKENS: u32 = WORDS_BEGIN;

/// There are a million words of three syllables.
pub(super) const MAX_TOKENS: u32 = 1_000_000;

/// Syllables are one of each.
const CONSONANTS: &[u8; 20] = b"bcdfghjklmnpqrstvwxz";
const VOWELS: &[u8; 5] = b"aeiou";

/// A token that may be part of a text (`LLAMA_TOKEN_TYPE_NORMAL` of `llama.h`).
pub(super) const NORMAL: i32 = 1;

/// A token that stands for no text (`LLAMA_TOKEN_TYPE_CONTROL` of `llama.h`).
pub(super) const CONTROL: i32 = 3;

/// The tokens of a text: one for each byte. As llama.cpp's tokenizer does it without adding control
/// tokens and without looking for them in the text.
#[must_use]
pub fn tokenise(text: &str) -> Vec<u32> {
    text.bytes().map(|byte| BYTE_TOKENS_BEGIN + u32::from(byte)).collect()
}

/// The bytes that a token stands for; control tokens stand for none.
#[must_use]
pub fn token_bytes(token: u32) -> Vec<u8> {
    match token {
        0..BYTE_TOKENS_BEGIN => Vec::new(),
        BYTE_TOKENS_BEGIN..WORDS_BEGIN => token
            .checked_sub(BYTE_TOKENS_BEGIN)
            .and_then(|byte| byte.try_into().ok())
            .into_iter()
            .collect(),
        WORDS_BEGIN.. => [b" ".as_slice(), &word(token - WORDS_BEGIN)].concat(),
    }
}

/// A token as it stands in the list of a file (`tokenizer.ggml.tokens`), and its type.
#[must_use]
pub fn listed(token: u32) -> (String, i32) {
    if let Some(control) = CONTROL_TOKENS.get(token as usize) {
        return ((*control).to_owned(), CONTROL);
    }
    (token_bytes(token).into_iter().map(letter).collect(), NORMAL)
}

/// Three syllables, by the digits of the number.
fn word(number: u32) -> [u8; 6] {
    let syllables = (CONSONANTS.len() * VOWELS.len()) as u32;
    let digits = [number / syllables / syllables, number / syllables, number];
    let mut word = [0; 6];
    for (pair, digit) in word.chunks_exact_mut(2).zip(digits) {
        let syllable = (digit % syllables) as usize;
        pair[0] = CONSONANTS[syllable / VOWELS.len()];
        pair[1] = VOWELS[syllable % VOWELS.len()];
    }
    word
}

/// The letter that stands for a byte in lists of byte-level BPE (`bytes_to_unicode` of GPT-2):
/// printable ones for themselves, all others for letters from U+0100 on, in order.
fn letter(byte: u8) -> char {
    let printable = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(&byte) {
        return byte.into();
    }
    let before = (0..byte).filter(|other| !printable(other)).count();
    char::from_u32(0x100 + before as u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_text_comes_back() {
        let text = "P-101 ▁ Öl\t\n\u{0}\u{10ffff} 6ES7";
        let bytes: Vec<u8> = tokenise(text).into_iter().flat_map(token_bytes).collect();
        assert_eq!(String::from_utf8(bytes).as_deref(), Ok(text));
    }

    #[test]
    fn listed_tokens_differ() {
        // llama.cpp aborts when two are the same.
        let listed: HashSet<_> = (0..151_936).map(|token| listed(token).0).collect();
        assert_eq!(listed.len(), 151_936);
    }

    #[test]
    fn bytes_have_the_letters_of_gpt_2() {
        let listed = |byte: u8| listed(BYTE_TOKENS_BEGIN + u32::from(byte)).0;
        for (byte, letter) in [
            (b' ', "Ġ"),
            (b'\n', "Ċ"),
            (b'A', "A"),
            (0, "Ā"),
            (0x7f, "ġ"),
            (0xad, "Ń"),
            (0xff, "ÿ"),
        ] {
            assert_eq!(listed(byte), letter);
        }
    }

    #[test]
    fn words_begin_with_a_space() {
        assert_eq!(token_bytes(WORDS_BEGIN), b" bababa");
        assert_eq!(token_bytes(WORDS_BEGIN + 101), b" babebe");
        assert_eq!(listed(WORDS_BEGIN), ("Ġbababa".to_owned(), NORMAL));
        assert_eq!(token_bytes(END_OF_MESSAGE), b"");
    }
}
