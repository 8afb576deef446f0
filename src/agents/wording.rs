//! The few sentences that the appliance says itself, in the language of the question.

use knowledge::text::{Language, detect_query};

/// That the documents do not answer.
pub(crate) fn not_in_documents(question: &str) -> &'static str {
    let candidates = [Language::English, Language::German, Language::Czech];
    match detect_query(question, &candidates).first() {
        Some(Language::German) => "Das steht nicht in Ihren Dokumenten.",
        Some(Language::Czech) => "To ve vašich dokumentech není.",
        _ => "This is not in your documents.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_the_language_of_the_question() {
        assert!(not_in_documents("Wie lange dauert das?").starts_with("Das"));
        assert!(not_in_documents("Jak dlouho to trvá?").starts_with("To"));
        assert!(not_in_documents("How long does it take?").starts_with("This"));
    }
}
