//! Passwords that are guessed first: common words and names of a plant, with whatever people hang on
//! to them, runs on the keyboard, repetitions, and what is known of the person anyway (NIST SP
//! 800-63B-4 section 3.1.1.2 asks for a list of common, expected and context-specific ones).
//!
//! No composition rules: a long sentence passes, however plain its letters are.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Words, lower case, without umlauts and digits, as the top of published lists of leaked passwords
/// has them in English, German and Czech, and what hangs on a plant's walls.
const WORDS: &[&str] = &[
    // Everywhere
    "password",
    "passwort",
    "heslo",
    "passwd",
    "pass",
    "kennwort",
    "welcome",
    "willkommen",
    "vitejte",
    "admin",
    "administrator",
    "root",
    "user",
    "guest",
    "gast",
    "login",
    "master",
    "system",
    "secret",
    "geheim",
    "tajne",
    "letmein",
    "default",
    "standard",
    "change",
    "changeme",
    "temp",
    "temporary",
    "initial",
    "start",
    "hello",
    "hallo",
    "ahoj",
    "iloveyou",
    "love",
    "princess",
    "prinzessin",
    "dragon",
    "monkey",
    "football",
    "fussball",
    "fotbal",
    "baseball",
    "superman",
    "batman",
    "shadow",
    "sunshine",
    "flower",
    "freedom",
    "trustno",
    "starwars",
    "pokemon",
    "schatz",
    "martin",
    "michael",
    "thomas",
    "daniel",
    "jordan",
    "charlie",
    "computer",
    "internet",
    "server",
    "office",
    "windows",
    "microsoft",
    "google",
    "samsung",
    "apple",
    "linux",
    "oracle",
    "database",
    "backup",
    "network",
    // Seasons, months and days, which forced changes bring forth
    "spring",
    "summer",
    "autumn",
    "fall",
    "winter",
    "fruhling",
    "fruehling",
    "sommer",
    "herbst",
    "jaro",
    "leto",
    "podzim",
    "zima",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "januar",
    "februar",
    "marz",
    "maerz",
    "mai",
    "juni",
    "juli",
    "oktober",
    "dezember",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "montag",
    "dienstag",
    "mittwoch",
    "donnerstag",
    "freitag",
    "samstag",
    "sonntag",
    // Plants
    "millwright",
    "siemens",
    "simatic",
    "wincc",
    "scada",
    "plc",
    "hmi",
    "sps",
    "rockwell",
    "allen",
    "bradley",
    "schneider",
    "modicon",
    "beckhoff",
    "codesys",
    "kuka",
    "fanuc",
    "abb",
    "bosch",
    "festo",
    "phoenix",
    "wago",
    "omron",
    "mitsubishi",
    "honeywell",
    "emerson",
    "yokogawa",
    "sap",
    "mes",
    "erp",
    "opc",
    "factory",
    "fabrik",
    "werk",
    "zavod",
    "tovarna",
    "plant",
    "anlage",
    "linka",
    "line",
    "linie",
    "machine",
    "maschine",
    "stroj",
    "maintenance",
    "wartung",
    "instandhaltung",
    "udrzba",
    "service",
    "operator",
    "bediener",
    "obsluha",
    "technician",
    "techniker",
    "technik",
    "engineer",
    "ingenieur",
    "production",
    "produktion",
    "vyroba",
    "quality",
    "qualitat",
    "qualitaet",
    "kvalita",
    "control",
    "steuerung",
    "motor",
    "pump",
    "pumpe",
    "cerpadlo",
    "ventil",
    "valve",
    "shift",
    "schicht",
    "smena",
    "company",
    "firma",
    "team",
    "energy",
    "energie",
    "strom",
];

/// Rows of keyboards and the alphabet; runs along them, in either direction, are no secret.
const ROWS: &[&str] = &[
    "qwertyuiop",
    "qwertzuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "1qay2wsx3edc4rfv5tgb6zhn7ujm",
];

/// Characters of a run that is worth nothing as a whole.
const RUN_MIN_CHARS: usize = 3;

/// Characters that must be left when everything guessable is taken out.
const REST_MIN_CHARS: usize = 6;

/// Whether a password is among the first that are guessed. `known` are words that go with the
/// account: its address, its person's name, the tenant.
pub(crate) fn is_guessed_first<'k>(
    password: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> bool {
    let own = known.into_iter().flat_map(|text| {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() >= RUN_MIN_CHARS)
            .map(folded)
            .collect::<Vec<_>>()
    });
    let words = WORDS.iter().map(|word| word.chars().collect()).chain(own).collect::<Vec<_>>();
    rest(&folded(password), &words) < REST_MIN_CHARS
}

/// A text letter by letter as it is meant: in lower case, without umlauts and accents, and what
/// looks like a letter as that letter.
fn folded(text: &str) -> Vec<char> {
    let letters = text.to_lowercase();
    letters.nfd().filter(|c| !is_combining_mark(*c)).map(plain).collect()
}

const fn plain(c: char) -> char {
    match c {
        '@' | '4' => 'a',
        '0' => 'o',
        '3' | '€' => 'e',
        '1' | '!' | '|' => 'i',
        'ß' | '$' | '5' => 's',
        '7' => 't',
        other => other,
    }
}

/// Characters that are left of `text` when words, runs, repetitions, digits and punctuation are
/// taken out. At every place the longest word or run is taken.
fn rest(text: &[char], words: &[Vec<char>]) -> usize {
    let mut left = 0;
    let mut distinct = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let here = &text[at..];
        let word = words.iter().filter(|w| here.starts_with(w)).map(Vec::len).max();
        let taken = word.unwrap_or(0).max(run(here));
        if taken >= RUN_MIN_CHARS {
            at += taken;
            continue;
        }
        // A letter that stood there before adds next to nothing: "aaaaaaaaaaaa", "abababababab".
        if here[0].is_alphabetic() && !distinct.contains(&here[0]) {
            distinct.push(here[0]);
            left += 1;
        }
        at += 1;
    }
    left
}

/// Length of the run along a row that `text` begins with.
fn run(text: &[char]) -> usize {
    let along = |row: &[char]| {
        let starts = (0..row.len()).filter(|at| row[*at] == text[0]);
        starts
            .map(|at| text.iter().zip(&row[at..]).take_while(|(a, b)| a == b).count())
            .max()
            .unwrap_or(0)
    };
    let rows = ROWS.iter().flat_map(|row| {
        let forwards: Vec<char> = row.chars().map(plain).collect();
        let backwards: Vec<char> = forwards.iter().rev().copied().collect();
        [along(&forwards), along(&backwards)]
    });
    rows.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_is_refused() {
        for password in [
            "password1234",
            "Passwort2026!",
            "P@ssw0rd!!!!",
            "passwordpassword",
            "qwertzuiop123",
            "1qaz2wsx3edc",
            "asdfghjklasdf",
            "123456789012",
            "abcdefghijkl",
            "aaaaaaaaaaaa",
            "abababababab",
            "Sommer2026!!",
            "Winter2025/26",
            "Millwright2026",
            "Siemens12345",
            "SimaticS71500",
            "Administrator1",
            "Instandhaltung1",
            "Wartung-Pumpe-7",
            "Schicht1Schicht2",
            "0987654321098",
            "!!!!!!!!!!!!",
            "Údržba2026!!",
            "Qualität12345",
            "ChangeMe12345",
            "anna.schmidt1",
            "werkrauental26",
            "HesloHeslo123",
        ] {
            let known = ["anna.schmidt@rauental.example", "Anna Schmidt", "rauental"];
            assert!(is_guessed_first(password, known), "{password}");
        }
    }

    #[test]
    fn what_people_make_up_passes() {
        for password in [
            "correct horse battery staple",
            "a long enough passphrase 4711",
            "Gelbe Gummistiefel im Regen",
            "x7#Kd92!mPqz",
            "modra zabka skace pres potok",
            "Zwölf Möwen fliegen",
            "anna likes long passwords",
            "tukan-waffel-orgel",
            "0f3k2-9xj4m-qw8rz-1bn6v",
        ] {
            assert!(
                !is_guessed_first(password, ["anna@plant.example", "Anna", "rauental"]),
                "{password}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,300}", known in "\\PC{0,80}") {
            let _ = is_guessed_first(&text, [known.as_str()]);
        }

        #[test]
        fn random_letters_pass(text in "[bdfghjkmnpqrtvwxz]{24}") {
            // Twenty-four random letters of seventeen have six different ones left but for a chance
            // in billions.
            proptest::prop_assert!(!is_guessed_first(&text, []));
        }
    }
}
