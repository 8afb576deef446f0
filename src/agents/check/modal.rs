//! What a sentence denies, requires, allows or forbids, and whether its value is a least or a
//! greatest one. English, German and Czech, by their words.

use super::modal_words::{
    BOUNDS, CZECH_MUST_NOT, FORBIDDEN, MAY, MUST, NEED_NOT, NEGATIONS, NOT_DENIED, SHOULD,
    VERB_ENDS,
};

/// How much a sentence asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Modal {
    /// It states or tells what to do.
    #[default]
    Plain,
    /// It may be done; it is possible.
    Allowed,
    /// It should be done.
    Advised,
    /// It must be done.
    Required,
    /// It must not be done.
    Forbidden,
}

/// Which side of its value a sentence speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    AtLeast,
    AtMost,
}

/// How a sentence speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stance {
    pub(crate) negated: bool,
    pub(crate) modal: Modal,
    pub(crate) bound: Option<Bound>,
}

impl Stance {
    pub(crate) fn of(text: &str) -> Self {
        let mut words = tokens(text);
        let bound = take_bound(&mut words);
        let is = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        let forbidden_word =
            words.iter().any(|word| FORBIDDEN.iter().any(|beginning| word.starts_with(beginning)));
        let negated = forbidden_word || words.iter().any(|word| is_negation(word));
        let modal = if forbidden_word || is(CZECH_MUST_NOT) {
            Modal::Forbidden
        } else if is(MUST) && !is(NEED_NOT) {
            if negated { Modal::Forbidden } else { Modal::Required }
        } else if is(SHOULD) {
            Modal::Advised
        } else if is(MAY) {
            if negated { Modal::Forbidden } else { Modal::Allowed }
        } else {
            Modal::Plain
        };
        Self { negated, modal, bound }
    }

    /// Whether a sentence that speaks so may rest on one that speaks as `evidence` does.
    pub(crate) fn modal_agrees(self, evidence: Self) -> bool {
        // "darf 6 bar nicht überschreiten" and "at most 6 bar" are one; the bound says it.
        if self.bound.is_some() && evidence.bound.is_some() {
            return true;
        }
        match self.modal {
            Modal::Plain => true,
            Modal::Forbidden => evidence.negated,
            // An instruction ("Tighten …") requires.
            Modal::Required => matches!(evidence.modal, Modal::Required | Modal::Plain),
            Modal::Advised => matches!(evidence.modal, Modal::Advised | Modal::Plain),
            // "can" and "may" also tell what something is able to do.
            Modal::Allowed => !matches!(evidence.modal, Modal::Forbidden | Modal::Required),
        }
    }

    /// Whether both speak of the same side of a value, as far as both say.
    pub(crate) fn bound_agrees(self, evidence: Self) -> bool {
        self.bound.is_none() || evidence.bound.is_none() || self.bound == evidence.bound
    }
}

fn is_negation(word: &str) -> bool {
    if NEGATIONS.contains(&word) || word.ends_with("n't") {
        return true;
    }
    // "neotevírejte", "nepoužívá": only Czech denies by a prefix.
    word.starts_with("ne")
        && word.chars().count() >= 6
        && !NOT_DENIED.iter().any(|beginning| word.starts_with(beginning))
        && VERB_ENDS.iter().any(|end| word.ends_with(end))
        && word.chars().any(|c| "áéěíóúůýčďňřšťž".contains(c) || word.ends_with("jte"))
}

/// Takes every bound out of `words` and returns the first that stood there.
fn take_bound(words: &mut Vec<String>) -> Option<Bound> {
    let mut first = None;
    let mut at = 0;
    while at < words.len() {
        let found = BOUNDS.iter().find(|(phrase, _)| {
            words.len() - at >= phrase.len() && phrase.iter().zip(&words[at..]).all(|(a, b)| a == b)
        });
        match found {
            Some((phrase, bound)) => {
                words.drain(at..at + phrase.len());
                first = first.or(Some(*bound));
            }
            None => at += 1,
        }
    }
    first
}

/// Words in lower case, with their apostrophes.
fn tokens(text: &str) -> Vec<String> {
    let lower = text.replace('’', "'").to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '-');
    words
        .map(|word| word.trim_matches(['\'', '-']))
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negations_are_heard_in_three_languages() {
        for text in [
            "Do not open the valve.",
            "Don't open it.",
            "Never reuse gaskets.",
            "Das Ventil darf nicht geöffnet werden.",
            "Ohne Handschuhe arbeiten.",
            "Es gibt keine Reserve.",
            "Neotevírejte ventil.",
            "Ventil se nesmí otevřít.",
            "Čerpadlo není v provozu.",
            "Smoking is prohibited.",
            "Zakázáno kouřit.",
        ] {
            assert!(Stance::of(text).negated, "{text}");
        }
        for text in [
            "Open the valve.",
            "Note the next network address near the needle.",
            "Nejprve otevřete ventil nebo kohout.",
            "Nerezová ocel a nebezpečné látky.",
            "Neue Dichtungen nehmen.",
            "Die Netzspannung beträgt 24 V.",
        ] {
            assert!(!Stance::of(text).negated, "{text}");
        }
    }

    #[test]
    fn duty_permission_and_prohibition_differ() {
        for (text, modal) in [
            ("The cover must be closed.", Modal::Required),
            ("The cover must not be opened.", Modal::Forbidden),
            ("The cover may be opened.", Modal::Allowed),
            ("The cover should be closed.", Modal::Advised),
            ("Close the cover.", Modal::Plain),
            ("Der Deckel muss geschlossen sein.", Modal::Required),
            ("Der Deckel darf nicht geöffnet werden.", Modal::Forbidden),
            ("Kryt musí být zavřený.", Modal::Required),
            ("Kryt se nesmí otevírat.", Modal::Forbidden),
            ("Kryt lze otevřít.", Modal::Allowed),
        ] {
            assert_eq!(Stance::of(text).modal, modal, "{text}");
        }
        let agrees =
            |claim: &str, evidence: &str| Stance::of(claim).modal_agrees(Stance::of(evidence));
        assert!(agrees("The bolts must be tightened.", "Tighten the bolts."));
        assert!(!agrees("The bolts must be tightened.", "The bolts may be tightened."));
        assert!(!agrees("The bolts may be loosened.", "The bolts must not be loosened."));
        assert!(agrees("Sie dürfen nicht rauchen.", "Rauchen verboten."));
    }

    #[test]
    fn bounds_are_one_however_they_are_said() {
        for (text, bound) in [
            ("Do not exceed 6 bar.", Bound::AtMost),
            ("Der Druck darf 6 bar nicht überschreiten.", Bound::AtMost),
            ("At most 6 bar.", Bound::AtMost),
            ("max. 6 bar", Bound::AtMost),
            ("Tlak nesmí překročit 6 bar.", Bound::AtMost),
            ("at least 6 bar", Bound::AtLeast),
            ("mindestens 6 bar", Bound::AtLeast),
            ("nejméně 6 bar", Bound::AtLeast),
        ] {
            let stance = Stance::of(text);
            assert_eq!((stance.bound, stance.negated), (Some(bound), false), "{text}");
        }
    }
}
