//! A text that is still being written, cut into sentences as they become complete.

use crate::check::Claim;
use crate::quote::sentences;

/// Characters behind a full stop from which on it is clear whether the sentence ended there.
const LOOK_AHEAD_CHARS: usize = 24;

/// Longest text that waits for its end, in bytes; a longer one is cut where it is.
const PENDING_MAX_BYTES: usize = 8 * 1024;

/// Most numbers of evidence that one sentence may name.
const CITED_MAX: usize = 8;

/// A sentence, and what separates it from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// A blank, or a line break where the model made one.
    pub(crate) gap: &'static str,
    pub(crate) claim: Claim,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SentenceCutter {
    pending: String,
}

impl SentenceCutter {
    /// Takes the next piece and gives the sentences that are complete now.
    pub(crate) fn push(&mut self, piece: &str) -> Vec<Cut> {
        self.pending.push_str(piece);
        let mut cuts = Vec::new();
        while let Some(end) = self.first_end() {
            cuts.extend(self.take(end));
        }
        cuts
    }

    /// The text has ended: gives what is left. It was a whole sentence when the model stopped by
    /// itself.
    pub(crate) fn finish(mut self) -> Vec<Cut> {
        let mut cuts = Vec::new();
        while !self.pending.trim().is_empty() {
            let end =
                sentences(&self.pending).first().map_or(self.pending.len(), |first| first.end);
            let end = end + marks_at(&self.pending[end..]);
            cuts.extend(self.take(end));
        }
        cuts
    }

    /// Where the first sentence ends, its marks included, once that can't change any more.
    fn first_end(&self) -> Option<usize> {
        let found = sentences(&self.pending);
        let first = found.first()?;
        let end = first.end + marks_at(&self.pending[first.end..]);
        let rest = self.pending[end..].trim_start();
        // A mark that is still being written belongs to this sentence.
        if rest.starts_with('[') && !rest.contains(']') && rest.len() < LOOK_AHEAD_CHARS {
            return None;
        }
        let word_is_whole = rest.contains(char::is_whitespace);
        let is_clear =
            !rest.is_empty() && (word_is_whole || rest.chars().count() >= LOOK_AHEAD_CHARS);
        (is_clear || self.pending.len() > PENDING_MAX_BYTES).then_some(end)
    }

    fn take(&mut self, end: usize) -> Option<Cut> {
        let rest = self.pending.split_off(end);
        let text = std::mem::replace(&mut self.pending, rest);
        let lead = &text[..text.len() - text.trim_start().len()];
        let gap = if lead.contains('\n') { "\n" } else { " " };
        let claim = read(text.trim());
        claim.text.contains(char::is_alphanumeric).then_some(Cut { gap, claim })
    }
}

/// Bytes of the marks, with the blanks before them, that `text` begins with. A line break ends them.
fn marks_at(text: &str) -> usize {
    let mut end = 0;
    loop {
        let rest = &text[end..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\u{a0}']).len();
        match mark_at(&rest[blank..]) {
            Some((_, length)) => end += blank + length,
            None => {
                // The full stop behind a mark.
                let stop = end > 0 && rest.starts_with('.');
                return end + usize::from(stop);
            }
        }
    }
}

/// The mark that `text` begins with: `[1]`, `[1, 3]`, `[2-4]`, `[evidence 1]`; and its length.
fn mark_at(text: &str) -> Option<(Vec<u32>, usize)> {
    let inside = text.strip_prefix('[')?;
    let inside = &inside[..inside.find(']')?];
    let length = inside.len() + 2;
    let numbers = inside.trim();
    let words = numbers.len() - numbers.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
    let label = numbers[..words].trim().trim_end_matches([':', '#']).to_lowercase();
    if !["", "evidence", "e", "source", "quelle", "zdroj", "fact"].contains(&label.as_str()) {
        return None;
    }
    let mut cited = Vec::new();
    for part in numbers[words..].split([',', ';']) {
        let part = part.trim();
        if let Some((from, to)) = part.split_once(['-', '–']) {
            let (from, to): (u32, u32) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            cited.extend((from..=to).take(CITED_MAX));
        } else {
            let digits = part.trim_start_matches(|c: char| !c.is_ascii_digit());
            cited.push(digits.parse().ok()?);
        }
    }
    (!cited.is_empty()).then_some((cited, length))
}

/// A sentence without its marks, and what they name.
fn read(sentence: &str) -> Claim {
    let mut text = String::with_capacity(sentence.len());
    let mut cited: Vec<u32> = Vec::new();
    let mut rest = sentence;
    while let Some(c) = rest.chars().next() {
        if let Some((numbers, length)) = mark_at(rest) {
            for number in numbers {
                if !cited.contains(&number) && cited.len() < CITED_MAX {
                    cited.push(number);
                }
            }
            text.truncate(text.trim_end().len());
            rest = &rest[length..];
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    let mut text = text.trim().to_owned();
    // "90 N·m. [1]." leaves a second full stop.
    while text.ends_with("..") && !text.ends_with("...") {
        text.pop();
    }
    Claim { text, cited, calculation: None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(text: &str, step: usize) -> Vec<(String, Vec<u32>)> {
        let mut cutter = SentenceCutter::default();
        let mut cuts = Vec::new();
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(step) {
            cuts.extend(cutter.push(&piece.iter().collect::<String>()));
        }
        cuts.extend(cutter.finish());
        cuts.into_iter().map(|cut| (cut.claim.text, cut.claim.cited)).collect()
    }

    #[test]
    fn sentences_come_with_what_they_name_wherever_the_marks_stand() {
        for text in [
            "Tighten to 90.5 N·m [1]. Use new gaskets [2, 3]. Then wait 5 min. [1] [4]",
            "Tighten to 90.5 N·m. [1] Use new gaskets. [2][3] Then wait 5 min. [1,4]",
            "Tighten to 90.5 N·m [evidence 1]. Use new gaskets [2-3]. Then wait 5 min [1][4].",
        ] {
            for step in [1, 3, 7, 1000] {
                assert_eq!(
                    cut(text, step),
                    [
                        ("Tighten to 90.5 N·m.".to_owned(), vec![1]),
                        ("Use new gaskets.".to_owned(), vec![2, 3]),
                        ("Then wait 5 min.".to_owned(), vec![1, 4]),
                    ],
                    "{text} by {step}"
                );
            }
        }
    }

    #[test]
    fn list_items_are_sentences_and_keep_their_lines() {
        let mut cutter = SentenceCutter::default();
        let mut cuts = cutter.push("1. Close XV-111 [1].\n2. Open HV-115 [2].\n");
        cuts.extend(cutter.finish());
        let told: Vec<_> = cuts.iter().map(|cut| (cut.gap, cut.claim.text.as_str())).collect();
        assert_eq!(told, [(" ", "1. Close XV-111."), ("\n", "2. Open HV-115.")]);
    }

    #[test]
    fn a_sentence_is_given_as_soon_as_its_end_is_clear() {
        let mut cutter = SentenceCutter::default();
        assert_eq!(cutter.push("Use max"), []);
        assert_eq!(cutter.push(". 6 bar [1]"), []);
        assert_eq!(cutter.push("."), []);
        assert_eq!(cutter.push(" Then"), []);
        let cuts = cutter.push(" go");
        assert_eq!(cuts.len(), 1);
        assert_eq!(cuts[0].claim.text, "Use max. 6 bar.");
    }

    #[test]
    fn brackets_that_are_no_marks_stay() {
        assert_eq!(
            cut("Torque [N·m] of [Table 2] is 90 [1].", 5),
            [("Torque [N·m] of [Table 2] is 90.".to_owned(), vec![1])]
        );
    }

    proptest! {
        #[test]
        fn how_it_is_cut_does_not_depend_on_the_pieces(
            text in "([A-Z][a-z]{1,6}( [a-z0-9]{1,5}){0,5}( \\[[1-9]\\])?\\. ?\\n?){0,6}",
            step in 1_usize..20,
        ) {
            prop_assert_eq!(cut(&text, step), cut(&text, 10_000));
        }

        #[test]
        fn anything_is_cut_without_loss_of_letters(text in "\\PC{0,300}") {
            let words = |s: &str| s.chars().filter(|c| c.is_alphabetic()).count();
            let kept: usize = cut(&text, 4).iter().map(|(text, _)| words(text)).sum();
            prop_assert!(kept <= words(&text));
        }
    }
}
