//! Follow-up questions: what a question leaves out is taken from the ones before it.
//!
//! "And for P-102?" after "What is the tightening torque of the P-101 flange bolts?" asks for the
//! tightening torque of the P-102 flange bolts; "How often is it checked?" still speaks of P-101.
//! Only words that the same person typed in the same conversation are carried over, never words of
//! documents.

use std::collections::HashSet;

use knowledge::text::{Language, LanguageGuess, detect_query, fold, words};

use crate::quote::names::{Named, named_in_question};
use crate::quote::terms::terms;

/// Earlier questions that are looked at.
pub(crate) const FOLLOW_UP_QUESTIONS_MAX: u32 = 4;

/// Most words that are carried over.
const CARRIED_WORDS_MAX: usize = 12;

/// A question with at most so many words of its own, and no name, leaves something out.
const ELLIPTIC_MAX_TERMS: usize = 1;

/// Beginnings that only make sense after another question; folded.
const CONTINUATIONS: &[&str] = &[
    "and ",
    "and?",
    "what about",
    "how about",
    "same for",
    "also ",
    "or ",
    "then ",
    "but ",
    "why?",
    "und ",
    "und?",
    "was ist mit",
    "wie ist es mit",
    "wie sieht es mit",
    "auch ",
    "oder ",
    "dann ",
    "aber ",
    "a co ",
    "a pro ",
    "a u ",
    "a jak ",
    "a kde ",
    "a kdy ",
    "a kolik ",
    "a kdo ",
    "co ",
    "nebo ",
    "take ",
    "stejne ",
];

/// Words that stand for something said before; folded. Those that also have another use ("that",
/// "der", "to") are left out.
const PRONOUNS: &[&str] = &[
    "it", "its", "they", "them", "their", "these", "those", "he", "she", "him", "her", "there",
    "this", "one", "er", "sie", "ihn", "ihm", "ihnen", "ihre", "seine", "deren", "dessen", "davon",
    "dafur", "damit", "dazu", "daran", "darauf", "dabei", "dort", "diese", "dieser", "dieses",
    "diesen", "diesem", "ho", "jeho", "jej", "jeji", "jejich", "ji", "jich", "jim", "tam", "tento",
    "tato", "toho", "tomu", "ty", "nim", "nich", "ni", "nej",
];

/// The question as it is to be searched for, after the earlier questions of the conversation,
/// newest first; `None` when it stands on its own.
pub(crate) fn resolve(question: &str, earlier_newest_first: &[String]) -> Option<String> {
    // Each is completed by the one before it, so that a chain of follow-ups keeps its subject.
    let mut context: Option<String> = None;
    for earlier in earlier_newest_first.iter().rev() {
        let completed = context.as_deref().and_then(|context| complete(earlier, context));
        context = Some(completed.unwrap_or_else(|| earlier.clone()));
    }
    complete(question, &context?)
}

fn complete(question: &str, context: &str) -> Option<String> {
    if !leaves_something_out(question) {
        return None;
    }
    let own = terms(question, language(question));
    let own_names = named_in_question(question);
    let mut carried: Vec<&str> = Vec::new();
    for (word, is_name) in subject_words(context) {
        // Its own name replaces the earlier one; everything else is still meant.
        if is_name && !own_names.is_empty() {
            continue;
        }
        let folded = fold(word);
        let said = own.iter().any(|term| term.folded == folded);
        if !said && !carried.contains(&word) && carried.len() < CARRIED_WORDS_MAX {
            carried.push(word);
        }
    }
    if carried.is_empty() {
        None
    } else {
        Some(format!("{} ({})", question.trim(), carried.join(" ")))
    }
}

fn leaves_something_out(question: &str) -> bool {
    let folded: Vec<String> = words(question).map(|word| fold(word.text)).collect();
    let lower = fold(question.trim());
    let continues = CONTINUATIONS.iter().any(|start| lower.starts_with(start));
    let points_back = folded.iter().any(|word| PRONOUNS.contains(&word.as_str()));
    let own = terms(question, language(question));
    let names = named_in_question(question);
    let short = own.len() <= ELLIPTIC_MAX_TERMS && names.is_empty();
    // A name and little else after a continuation ("and P-102?"), but not a full question that
    // happens to hold a pronoun next to its name.
    continues && own.len() <= 4 || points_back && names.is_empty() || short
}

/// The words that carry the subject of a question, in order, and whether each is part of a name.
fn subject_words(context: &str) -> Vec<(&str, bool)> {
    let names = named_in_question(context);
    let language = language(context);
    let content: HashSet<String> =
        terms(context, language).into_iter().map(|term| term.folded).collect();
    let mut found = Vec::new();
    for token in
        context.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '?' | '!' | ',' | ';'))
    {
        let token = token.trim_matches(|c: char| !c.is_alphanumeric());
        let folded = fold(token);
        let is_name = is_part_of_name(token, &names);
        let is_content = content.contains(&folded)
            || words(token).any(|word| content.contains(&fold(word.text)));
        if !token.is_empty() && (is_name || is_content) {
            found.push((token, is_name));
        }
    }
    found
}

fn is_part_of_name(token: &str, names: &[Named]) -> bool {
    let joined: String = fold(token).chars().filter(|c| c.is_alphanumeric()).collect();
    let digits = joined.contains(|c: char| c.is_ascii_digit());
    let reading_has = |reading: &String| {
        reading.split(' ').any(|part| part == joined) || reading.contains(&joined)
    };
    digits && names.iter().any(|named| named.readings.iter().any(reading_has))
}

fn language(text: &str) -> Option<Language> {
    let guess: LanguageGuess =
        detect_query(text, &[Language::English, Language::German, Language::Czech]);
    guess.first()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn after(earlier: &[&str], question: &str) -> Option<String> {
        let newest_first: Vec<String> = earlier.iter().rev().map(|q| (*q).to_owned()).collect();
        resolve(question, &newest_first)
    }

    #[test]
    fn another_name_takes_the_place_of_the_first() {
        let resolved =
            after(&["What is the tightening torque of the P-101 flange bolts?"], "and for P-102?")
                .unwrap();
        assert_eq!(resolved, "and for P-102? (tightening torque flange bolts)");
    }

    #[test]
    fn a_pronoun_keeps_the_name() {
        let resolved =
            after(&["How much grease goes into P-101?"], "How often is it greased?").unwrap();
        assert!(resolved.contains("P-101"), "{resolved}");
    }

    #[test]
    fn a_chain_keeps_its_subject() {
        let chain = ["Wie lange läuft das CIP-Programm 3?", "Und Programm 2?"];
        let resolved = after(&chain, "Wer gibt es frei?").unwrap();
        assert!(resolved.contains("Programm"), "{resolved}");
        assert!(after(&chain[..1], "Und Programm 2?").unwrap().contains("läuft"));
    }

    #[test]
    fn a_full_question_stands_alone() {
        let earlier = ["What is the torque of P-101?"];
        for question in [
            "What colour are our own personal padlocks?",
            "At which pressure does the relief valve PSV-135 open?",
            "Jakou nosnost má zdvih paletizátoru?",
        ] {
            assert_eq!(after(&earlier, question), None, "{question}");
        }
        assert_eq!(after(&[], "And for P-102?"), None);
    }
}
