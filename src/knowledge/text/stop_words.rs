//! Function words: left out of questions, and evidence of a question's language.
//!
//! They stay in the index, so that phrases can be found; a question that has nothing else keeps
//! them too.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::Language;
use super::words::fold;

const ENGLISH: &str = "a about after again all also am an and any are as at be because been before \
    being between both but by can could did do does doing done during each else every few for \
    from further had has have having he her here hers him his how i if in into is it its itself \
    just like may me might more most must my no nor not of off on once only or other our out \
    over own per please same shall she should so some such than that the their them then there \
    these they this those through to too under until up upon us very was we were what when where \
    whether which while who whom whose why will with within without would you your s t";

const GERMAN: &str = "aber alle allem allen aller alles als also am an andere anderen auch auf aus \
    bei beim bin bis bitte da dabei damit dann darf das dass dazu dem den denen der deren des dessen \
    die dies diese diesem diesen dieser dieses doch dort du durch dürfen ein eine einem einen einer \
    eines er es etwa etwas euch für gegen gibt habe haben hat hatte hatten hier hinter ich ihm ihn ihnen \
    ihr ihre ihrem ihren ihrer im in ins ist jede jedem jeden jeder jedes jener kann kein keine keinem \
    keinen keiner können könnte man mehr mein mit muss müssen nach nicht noch nur ob oder ohne sehr \
    sein seine seinem seinen seiner seit sich sie sind so soll sollen sollte sollten sonst sowie über um und uns \
    unser unter viel viele vielen vom von vor wann war waren warum was wegen weil welche welchem welchen welcher \
    welches wem wen wenn wer werden wessen wie wieder wieso wir wird wo wodurch woher wohin womit worden worin wurde wurden \
    während zu zum zur zwischen";

const CZECH: &str = "a aby aj ale ani ano asi až bez bude budou by byl byla byli bylo být co což do \
    ho i já jak jaká jaké jaký jakou jakém jakého jakých jako je jeho jej její jejich jen jenž ještě ji jim jimi již jsem jsme \
    jsou jste k kam kde kdo kdy kdyby když ke kolik která které kterou který kteří kterého kterém kterých kterým kvůli má mají mám máme máte mezi \
    mi mít může mohou možno musí na nad nám nás náš ne nebo nebyl nebyla nějaký není než nic o od on ona oni ono pak po \
    pod podle pokud pouze právě pro proč proti protože před přes při s se si smí svůj svého své svou tak také takže \
    tam te tedy ten tento tato toto této tomu tom toho to tu ty těch tím u už v vám vás ve více však všech všechny vy z za zda ze že";

const SPANISH: &str = "a al algo antes aquel aquella aunque bajo cada como cómo con contra cual cuál cuáles cuando \
    cuándo cuanta cuántas cuánto cuántos de debe deben del desde donde dónde durante e el él ella ellos en entre era eran es esa ese eso \
    esta está están estas este esto estos fue fueron ha había han hasta hay la las le les lo los más me mi mientras muy no \
    nos o para pero por porque puede pueden qué que quien quién quienes se ser será si sí sin sobre son su sus también tan tiene tienen todo todos tras tu \
    un una unas uno unos y ya";

const FRENCH: &str = "à afin ai ainsi après au aucun aussi autre aux avant avec avoir c ce ceci cela celle celui ces cet cette ceux chaque \
    comme comment d dans de depuis des doit doivent dont du elle elles en entre est et été être eu fait faut il ils j je l la \
    le les leur leurs lors lui m mais même mes mon n ne ni nos notre nous on ont ou où par pas pendant peut peuvent plus pour \
    pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans se ses si son sont sous sur ta te tes ton tous tout toute \
    toutes très tu un une vers vos votre vous y";

const ITALIAN: &str = "a ad agli ai al alla alle allo anche c che chi ci come con contro cosa cui d da dagli dai dal \
    dalla dalle dallo degli dei del della delle dello deve devono di dopo dove durante e è ed era erano essere fra fu gli ha \
    hanno i il in io l la le lo loro ma mentre nei nel nella nelle nello nessuno noi non o ogni per perché più \
    possono prima può qual quale quali quando quanta quante quanti quanto questa queste questi questo se sei senza si sia sono sotto su sua sue sugli sui sul \
    sulla sulle suo suoi tra tutti tutto un una uno voi";

const POLISH: &str = "a aby ale albo ani bez bo by był była było były być był ci co czy czyli dla do gdy gdzie go i ich ile \
    im innych iż ja jak jaka jaki jakie jako jakich je jego jej jest jeszcze jeśli już każdy kiedy kto która które którego której który których którym która ku lub ma mają \
    może można mi między mu musi na nad nam nas nie nich nim niż o od on ona one oni ono oraz po pod podczas poza \
    przed przez przy są się tak także tam te tego tej ten to tu ty tych tylko tym u w we wszystkie wtedy wy z za ze że żeby";

const DUTCH: &str = "aan al alle als andere bij dan dat de deze die dit doen door dus een en er gaan geen gemaakt haar had heb hebben \
    heeft hem het hier hij hoe hoeveel hun ik in is ja je kan kunnen maar meer men met mij moet moeten mijn na naar niet niets nog nu of om \
    omdat onder ons ook op over te tegen toch toen tot tussen uit van veel voor waar waarom wanneer want waren was wat we wel welk \
    welke werd werden wie wij worden wordt zal ze zelf zich zij zijn zo zonder zou";

const PORTUGUESE: &str = "a à ao aos após as às até cada com como contra da das de dela dele deles deve devem do dos durante e é ela elas ele eles em \
    entre era eram essa esse esta está estão estas este estes foi foram há isso isto já lhe mais mas me mesmo muito na nas \
    não nem no nos nós o onde os ou para pela pelas pelo pelos pode podem por porque qual quais quando quanta quantas quanto quantos que quem são se \
    sem ser seu seus só sob sobre sua suas também tem têm ter todas todos um uma umas uns";

const DANISH: &str = "af alle alt anden at blev blive bliver da de dem den denne der deres det dette dig din disse dog du efter \
    eller en end er et for fra før ham han hans har havde have hende her hos hun hvad hvem hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind jeg \
    kan kunne man mange med meget mellem men mig min mod ned noget nogle nu når og også om op os over på sin \
    skal skulle som sådan til ud under var ved vi vil ville være været";

const SWEDISH: &str = "alla allt att av blev bli blir de dem den denna deras dess dessa det detta dig din du där då efter ej \
    eller en ett från för ha hade han hans har henne hon hos hur i icke ingen inom inte jag ju kan kunde man med mellan men mig \
    min mot mycket många ni nu när någon något några och om oss på samma sedan sig sin ska skall som så till under upp ut utan \
    vad var varför vara varit vem vi vid vilka vilken vilket vill över är";

const fn list(language: Language) -> &'static str {
    match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
        Language::Czech => CZECH,
        Language::Spanish => SPANISH,
        Language::French => FRENCH,
        Language::Italian => ITALIAN,
        Language::Polish => POLISH,
        Language::Dutch => DUTCH,
        Language::Portuguese => PORTUGUESE,
        Language::Danish => DANISH,
        Language::Swedish => SWEDISH,
        Language::Norwegian
        | Language::Finnish
        | Language::Hungarian
        | Language::Romanian
        | Language::Russian
        | Language::Turkish => "",
    }
}

/// Languages of each function word, by its folded form.
static LANGUAGES_OF: LazyLock<HashMap<String, Vec<Language>>> = LazyLock::new(|| {
    let mut languages_of: HashMap<String, Vec<Language>> = HashMap::new();
    for language in Language::ALL {
        let folded: HashSet<String> = list(language).split_whitespace().map(fold).collect();
        for word in folded {
            languages_of.entry(word).or_default().push(language);
        }
    }
    languages_of
});

/// The languages in which `folded` (see [`fold`]) is a function word.
pub(super) fn languages_of(folded: &str) -> &'static [Language] {
    LANGUAGES_OF.get(folded).map_or(&[], Vec::as_slice)
}

/// Whether `folded` (see [`fold`]) is a function word of `language`.
#[must_use]
pub fn is_stop_word(language: Language, folded: &str) -> bool {
    languages_of(folded).contains(&language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn function_words_are_known_without_their_marks() {
        assert!(is_stop_word(Language::German, "für".replace('ü', "u").as_str()));
        assert!(is_stop_word(Language::Czech, "jake"));
        assert!(is_stop_word(Language::English, "what"));
        assert!(!is_stop_word(Language::English, "torque"));
        assert!(!is_stop_word(Language::German, "druck"));
    }
}
