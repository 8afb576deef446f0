//! Words of talk, in English, German and Czech.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words of talk: they stand in questions whatever these are about, and their absence from a text says
/// little. Folded; English, German and Czech.
const WORDS: &str = "\
    ab abends aber able about above across actually afraid after again ago ahead ale alle allem \
    allen aller alles allowed almost alone along already also alt although always among amount \
    andere anderen anderer anderes ani aniz ansonsten answer anybody anymore anyone anything \
    anyway anywhere apart appear apply arbeite arbeiten arbeitet around arrive asi aside ask \
    aspon at ate auch auf aufpassen away az back bad bald beachten bear became become becomes \
    before began begin beginnt behave behem being bekomme bekommen bekommt believe belong \
    belongs benutzen benutzt bereits beru besondere besonderer besonderes besonders besser best \
    besten better between beyond bez bezne big bin bisschen bit bitte bleibe bleiben bleibt \
    blizko boss both brauche brauchen braucht brauchte bring bringe bringen bringt brought buddy \
    bude budu build busy buy bych byl byla bylo byly byt call called came cannot care careful \
    carefully case casto catch caught certain chance chce chceme chci check chtel chybi cim \
    clear clearly clovek co colleague colleagues come comes complete could couple course coz ctu \
    currently dabei dafur dagegen daher dal dale dalsi danach daneben dann daran darauf daraus \
    darin daruber darum davat davon davor day days dazu deal dej deje dela delat demnachst den \
    denn denne dennoch deren derzeit deshalb despite dessen did die difference different ding \
    dinge direct direkt display displays dite dnes dneska dobra dobre dobry doch does doing \
    dojde dokud done dort dostane dostanu dostat doufam down drin driv drive drum drzet drzi due \
    durchfuhren during each early easily easy eben egal ehe eher eigentlich einfach einige \
    einiges einmal einzeln either else end ended endlich ends enough entire entlang erhalten \
    erledigen erreiche erreichen erreicht erst especially etwas even ever every everybody \
    everyone everything everywhere exact exactly example expect explain extra fact fange fangt \
    far fast feierabend fertig feststellen few final finally find finde finden fine finish \
    finished first fix follow followed following follows forget former forward found frage \
    fragen free fruh fruher fruhestens fuhren full funktioniert further ganz ganze gave gebe \
    geben gebracht gebraucht gedacht gegeben gehe gehen gehoren gehort geht gelten gemacht \
    gemeint genau general genommen genug gerade gerne gesagt geschehen geschieht gesehen gestern \
    get getan gets getting gewesen gewohnlich gibt gilt give given glaube gleich go goes going \
    gone good got gross grosse grosser gut guy guys hab habe haben halt handle happen happened \
    happens hardly hast hat hatte hatten hause hear heard heben heisst held hello help hence her \
    here hers herself heute heutzutage hier hilft him himself hin hinten his hlavne hledam \
    hledat hned hodne hold holds hole holen home hope hotovo however hurry idea immer important \
    including insgesamt inside instead irgendein irgendwann irgendwas irgendwie irgendwo issue \
    jak jaka jake jakou jaky jakym jde jdu jeden jedna jednoho jednou jemals jemand jemanden jen \
    jenom jeste jetzt jina jinak jinde jine jiny jit job jsem just kam kann kannst kaum kazdy \
    kde kdyz keep keeps keiner kept kind klappt klar klein kleine knew know knows kolega \
    kolegovi kolem kolik komme kommen kommt komplett koncem konec konnen konnte kousek kriege \
    kriegen kriegt ktera ktere kterou ktery kterym kurz kvuli lang lange langsam lasse lassen \
    lasst last late later latest laufen lauft least leave leaves left leg lege legen legt leider \
    lepsi less let lets letzte letzten letzter leute lide lidi lie lieber liegen liegt lies like \
    likely little lives long longer look looking looks lot lots mache machen macht made main \
    maji make makes mal malo mam mame manage manche manchmal many mate matter matters maybe mean \
    means mehr mehrere meine meinen meist meistens mel mela mention merke merken mezi mi mich \
    might mind mir missing misto mit mitnehmen mne mnoho moc mochte moglich mohl mohu moje moji \
    moment month more morgen morgens morning most mostly move moved moves mozna moznost much muj \
    musi musim musime muss mussen musst must muze muzeme muzou muzu nachher nachste nachsten \
    nachts nah naher nahle najdeme najdu najit nam napriklad nas nase naseho near nearly \
    necessary neco need needed needs nehme nehmen nejak nejaky nejlepsi nekde nekdo nekolik \
    nemam neni nennt neu never new next nez nic nichts niemand nikde nikdo nimmt nobody noch \
    none normal normalerweise normally nothing notice notig nova novou novy now nowhere nun \
    nutne nutzen nutzt o oben obtain obvious obvykle occur od oder odkud oft often ok okay old \
    ona once one oni only opinion opravdu option ort other others ought our ourselves out \
    outside over overall own pak part particular parts passieren passiert passt past patri \
    people perhaps permitted place plan play please plotzlich plus pocka podle point pokud porad \
    possible possibly potom potreba potrebuje potrebujeme potrebuji pouzit pouziva pouzivat \
    poznam pozor pravda prave prefer present prevent pri prijde prijit pripad pripade probably \
    problem problems proc proceed proper properly prosim proto provide provided prufe prvni pryc \
    pujde purpose put puts question quick quickly quite rad rano rather rauf raus reach ready \
    real really receive recently recommended regarding regular reichen reicht rein related \
    remain remember required result richtig rici rid right rika rikat round rufe rufen rule \
    runter ruzne sache sachen sagen sagt said sam sama same sami saw say says schaffen schauen \
    schlecht schlimm schnell schon sebou second sedi see seem seems seen sehe sehen selber \
    selbst sell selten send sent serious set setzen setzt several shall share short should show \
    shows sicher side sieht simple simply since sind single sit situation skoro slip small snad \
    sobald sobe sofort sogar soll sollen sollte sollten somebody someone something somewhere \
    sonst soon sorry sort sowie spat spater spatne special specific spolu spravne spreche stale \
    stalo stand stands stane stat state stava stay stays stehe stehen steht stejne stelle \
    stellen stellt step stick still stimmen stimmt stood stuck stuff such suddenly suppose \
    supposed sure sviti svoje svuj tady tag tage tahle tak take takes takhle talk tam task tech \
    ted tedy teil teile tell ten tento teprve teto than thank thanks their them themselves then \
    there these they thing things think third this those though through throughout throw ti tim \
    time to today together tohle toho told tom tomorrow tomu tonight too took total toward \
    towards tried trochu trotzdem trouble trousers true try trying tu tue tun turn tut twice \
    type typical uberhaupt udelat uhr um umgehen und under understand unless uns unser unsere \
    unserem unseren unten until uplne upon urcite use used useful uses using usual usually uz \
    vam various vas vec vecer veci vedet vedle velka velke velky vergessen verhalte verhalten \
    verify verwenden verwendet via vidim viel viele vielen vielleicht vime vis visit vlastne \
    vlastni vorhanden vorher vorne vsak vsechno vsichni vsude vubec vzdy vzit waiting want wants \
    warte watch way week weg wegen weiss weiter weitere weiteren welche well wen wenig weniger \
    wenigstens went werde werden were weshalb whatever whenever whether while whole whose why \
    wichtig wide wieder will wird wirklich wirst wish wissen within without wo wofur woher wohin \
    wollen womit wonder woran worauf woraus word words worin work worked worker working works \
    world worry woruber would wovon wozu write writes written wrong wurde wurden wusste year \
    years yesterday yet yours zacina zacit zacne zas zase zeigen zeigt zeit zitra znam znamena \
    zpet zuerst zufallig zuletzt zum zur zuruck zusammen zusatzlich zustandig zustane zustat \
    zwar";

static TALK: LazyLock<HashSet<&'static str>> = LazyLock::new(|| WORDS.split(' ').collect());

/// Whether a folded word is one of talk.
pub(super) fn is_talk(folded: &str) -> bool {
    TALK.contains(folded)
}

#[cfg(test)]
mod tests {
    use knowledge::text::fold;

    use super::*;

    #[test]
    fn words_are_folded_and_stand_once() {
        let words: Vec<&str> = WORDS.split(' ').collect();
        assert_eq!(words.len(), TALK.len());
        assert!(words.iter().all(|word| !word.is_empty() && fold(word) == *word));
        assert!(is_talk("somebody") && is_talk("eigentlich") && is_talk("potrebuji"));
        assert!(!is_talk("torque"));
    }
}
