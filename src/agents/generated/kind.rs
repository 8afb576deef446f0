//! What a question asks for, by its words: for the router.

use knowledge::text::{fold, words};
use models::QuestionKind;

/// Beginnings of words, folded, in English, German and Czech; the first row with a hit decides.
const CUES: &[(QuestionKind, &[&str])] = &[
    (
        QuestionKind::Compare,
        &[
            "compar",
            "differ",
            "versus",
            "vs",
            "vergleich",
            "untersch",
            "gegenuber",
            "porovn",
            "srovn",
            "rozdil",
            "better",
            "besser",
            "lepsi",
        ],
    ),
    (
        QuestionKind::Diagnose,
        &[
            "cause",
            "fault",
            "fail",
            "broken",
            "leak",
            "vibrat",
            "noise",
            "overheat",
            "trip",
            "alarm",
            "diagnos",
            "symptom",
            "troubleshoot",
            "ursache",
            "storung",
            "fehler",
            "defekt",
            "undicht",
            "vibrier",
            "gerausch",
            "uberhitz",
            "pricin",
            "poruch",
            "chyb",
            "zavad",
            "netesn",
            "hluk",
            "vibruj",
            "prehriv",
        ],
    ),
    (
        QuestionKind::Calculate,
        &[
            "calculat",
            "comput",
            "sum",
            "total",
            "average",
            "convert",
            "berechn",
            "summe",
            "gesamt",
            "durchschnitt",
            "umrechn",
            "spocit",
            "vypocit",
            "soucet",
            "celkem",
            "prumer",
            "prevest",
        ],
    ),
    (
        QuestionKind::Procedure,
        &[
            "steps",
            "procedure",
            "instruction",
            "replace",
            "install",
            "dismantl",
            "assembl",
            "commission",
            "schritt",
            "anleitung",
            "vorgehen",
            "austausch",
            "einbau",
            "ausbau",
            "montier",
            "inbetriebnahme",
            "postup",
            "krok",
            "navod",
            "vymen",
            "namont",
            "demont",
        ],
    ),
    (
        QuestionKind::Explain,
        &[
            "why", "explain", "reason", "purpose", "how", "warum", "weshalb", "wieso", "erklar",
            "grund", "zweck", "proc", "vysvetl", "duvod", "ucel",
        ],
    ),
    (
        QuestionKind::Lookup,
        &[
            "what",
            "which",
            "who",
            "when",
            "where",
            "was",
            "welch",
            "wer",
            "wann",
            "wo",
            "wie",
            "co",
            "jak",
            "ktery",
            "ktera",
            "ktere",
            "kdo",
            "kdy",
            "kde",
            "kolik",
            "jaky",
            "jaka",
            "jake",
            "torque",
            "pressure",
            "temperature",
            "drehmoment",
            "druck",
            "temperatur",
            "tlak",
            "teplot",
        ],
    ),
];

/// "How much", "how often" and the like ask for a value, not for an explanation.
const VALUE_AFTER_HOW: &[&str] = &[
    "much", "many", "often", "long", "far", "high", "deep", "wide", "heavy", "old", "large", "big",
    "hot", "fast",
];

/// What `question` asks for.
pub(crate) fn question_kind(question: &str) -> QuestionKind {
    let folded: Vec<String> = words(question).map(|word| fold(word.text)).collect();
    let asks_value = folded
        .windows(2)
        .any(|pair| pair[0] == "how" && VALUE_AFTER_HOW.contains(&pair[1].as_str()));
    for (kind, cues) in CUES {
        let hit = folded.iter().any(|word| {
            cues.iter().any(|cue| if cue.len() <= 4 { word == cue } else { word.starts_with(cue) })
        });
        if hit && !(*kind == QuestionKind::Explain && asks_value) {
            return *kind;
        }
    }
    if asks_value { QuestionKind::Lookup } else { QuestionKind::Other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_in_three_languages() {
        for (question, kind) in [
            ("What is the torque of the P-101 flange bolts?", QuestionKind::Lookup),
            ("How much grease goes into the bearing?", QuestionKind::Lookup),
            ("Wie lange dauert das Spülen?", QuestionKind::Lookup),
            ("Kolik oleje je v převodovce?", QuestionKind::Lookup),
            ("Why is the pump primed?", QuestionKind::Explain),
            ("Warum wird entlüftet?", QuestionKind::Explain),
            ("Compare P-101 and P-102", QuestionKind::Compare),
            ("Jaký je rozdíl mezi P-101 a P-102?", QuestionKind::Compare),
            ("Pump P-101 vibrates and overheats, what is the cause?", QuestionKind::Diagnose),
            ("Was ist die Ursache der Störung F30001?", QuestionKind::Diagnose),
            ("Calculate the total oil volume", QuestionKind::Calculate),
            ("Which steps replace the seal?", QuestionKind::Procedure),
            ("P-101", QuestionKind::Other),
        ] {
            assert_eq!(question_kind(question), kind, "{question}");
        }
    }
}
