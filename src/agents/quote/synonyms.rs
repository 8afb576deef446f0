//! Words of the plant that mean the same, in English, German and Czech: people ask how tight a bolt
//! goes, the manual gives its torque. A technician who asks in German also meets the English manual.

use std::collections::HashMap;
use std::sync::LazyLock;

use knowledge::text::{Language, fold, stem};

/// Words that stand for the same thing; a word may stand in several rows.
const GROUPS: &[&str] = &[
    "close closed closes shut schliessen geschlossen schliesst zu zavřít zavře zavírá uzavřít zavřený",
    "open opened opens öffnen öffnet geöffnet otevřít otevře otevírá otevřený",
    "replace replaced renew renewed renewal exchange exchanged change swap replacement ersetzen ersetzt tauschen tausch austauschen austausch wechseln wechsel erneuern erneuert vyměnit vyměňuje výměna vyměňte",
    "tight tighten tightened tightening torque anziehen anzug anzugsmoment drehmoment moment utahovací utáhnout dotáhnout",
    "start starts started begin restart einschalten starten anfahren start spustit zapnout zapne spouštění",
    "stop stops stopped halt shutdown abschalten ausschalten anhalten abstellen stillstand zastavit vypnout vypne zastavení",
    "phone telephone call ring extension anrufen telefon durchwahl rufnummer volat telefon linka linku číslo",
    "weight mass weigh weighs heavy gewicht wiegt wiegen schwer masse hmotnost váží váha",
    "load capacity payload lift tragkraft tragfähigkeit hublast nosnost zatížení",
    "clean cleaned cleaning wash washed rinse rinsed flush reinigen reinigung spülen spülung waschen čistit čištění mýt mytí oplach vypláchnout",
    "check checked inspect inspection test tested examine prüfen prüfung kontrolle kontrollieren kontrola kontrolovat zkouška zkontrolovat",
    "oil lubricant lube öl schmieröl olej mazivo",
    "grease greased lubricate lubrication lubricant fett schmieren schmierung fetten tuk mazat mazání",
    "repair repaired fix mend reparatur reparieren instandsetzen instandsetzung oprava opravit",
    "fault failure error malfunction defect breakdown störung fehler ausfall defekt porucha chyba závada",
    "alarm warning message meldung warnung alarm hlášení výstraha",
    "remedy fix solution measure abhilfe massnahme massnahmen behebung náprava odstranění opatření",
    "cause reason why ursache grund warum příčina důvod proč",
    "interval every period frequency often häufigkeit intervall oft alle jak často perioda interval každý každé každých",
    "allowed permitted permissible may allow zulässig erlaubt darf dovolený povolený smí dovoleno",
    "limit maximum max most highest grenzwert höchstens höchst maximal maximum limit nejvýše nejvyšší maximální",
    "minimum min least lowest mindestens mindest minimal nejméně minimální alespoň",
    "padlock lock schloss vorhängeschloss zámek visací",
    "leader lead manager head foreman supervisor chief leiter leitung führer vedoucí mistr",
    "laboratory lab labor labors laborator laboratoř laboratoře",
    "release released approve approved approval freigeben freigabe freigegeben frei uvolnit uvolňuje uvolnění schválit",
    "keep kept store stored retain archive archived aufbewahren aufbewahrung aufheben aufbewahrt archivieren uchovávat archivovat uložen skladovat",
    "order ordering article part number bestellnummer artikelnummer bestellung objednací číslo",
    "accident injury injured hurt unfall verletzung verletzt úraz zranění",
    "emergency notfall not nouze nouzový",
    "meet meeting assembly muster gather sammelplatz sammeln treffpunkt shromaždiště sraz",
    "eye eyes auge augen oko oči očí",
    "skin haut kůže pokožka",
    "hot heat heated heating warm temperature heiss erhitzen erwärmen heizen aufheizen temperatur teplota ohřát zahřát horký",
    "cold cool cooled cooling kalt abkühlen kühlen abgekühlt studený chladný chladnout vychladnout",
    "long last lasts take takes duration dauer dauert läuft laufzeit lange trvá doba dlouho trvání",
    "speed fast quick rpm geschwindigkeit drehzahl schnell rychlost otáčky rychle",
    "nominal rated design designed built output nenn nennleistung ausgelegt jmenovitý výkon",
    "water wasser voda vody vodu",
    "pump pumps pumpe pumpen čerpadlo čerpadla",
    "valve valves ventil ventile armatur ventil ventilu",
    "filter filters filtr filtru",
    "bearing bearings lager ložisko ložiska",
    "bolt bolts screw screws schraube schrauben šroub šrouby šroubů",
    "flange flanges flansch flansche flanschen příruba příruby",
    "pressure druck tlak tlaku",
    "level füllstand niveau hladina hladiny",
    "seal gasket packing dichtung packung těsnění ucpávka",
    "drive converter inverter vfd antrieb umrichter frequenzumrichter pohon měnič",
    "cable wire kabel leitung vodič kabelu",
    "bottle bottles flasche flaschen lahev láhev lahve lahví",
    "colour color farbe barva barvu barvy",
    "shift schicht směna směny směně",
    "sample samples probe proben muster rückstellmuster vzorek vzorky",
    "program programme programs programm programme program programu",
    "address adresse adresa",
    "supplier vendor maker manufacturer lieferant hersteller dodavatel výrobce",
    "price cost costs rate charge charges fee preis kosten kostet satz stundensatz cena stojí sazba",
    "hour hours hourly stunde stunden hodina hodin",
    "handover handed übergabe übergeben předání předat",
    "responsible owner charge verantwortlich zuständig odpovídá odpovědný zodpovědný",
    "wear worn abnutzung verschleiss opotřebení",
    "leak leaks leakage leck leckage undicht netěsnost únik",
    "remove removed take dismantle demontieren ausbauen entfernen demontovat vyjmout odstranit",
    "install installed fit fitted mount mounted einbauen montieren montage namontovat montáž",
    "broken damaged defective kaputt beschädigt defekt rozbitý poškozený vadný",
    "distance gap clearance offset abstand spalt spiel vzdálenost mezera vůle",
    "noise sound loud lärm schall laut hluk hlučnost",
    "fire brand feuer požár oheň",
    "gloves glove handschuhe handschuh rukavice",
    "goggles glasses eyewear schutzbrille brille brýle",
    "spare reserve ersatz ersatzteil náhradní",
    "shelf bin rack location regal lagerplatz fach regál police umístění",
    "empty drain drained discharge leer leeren entleeren ablassen prázdný vypustit vyprázdnit",
    "fill filled refill füllen befüllen gefüllt nachfüllen naplnit plnit doplnit",
    "announce announced report reported tell inform melden gemeldet ansagen bekanntgeben hlásit ohlásit oznámit",
    "visitor visitors guest besucher besuch návštěva návštěvník",
    "password code pin passwort kennwort heslo kód",
    "toxic poisonous hazardous dangerous giftig gefährlich jedovatý nebezpečný",
    "width wide breite breit šířka široký",
    "height high höhe hoch výška vysoký",
    "depth deep tiefe tief hloubka hluboký",
    "thickness thick dicke dick tloušťka tlustý",
    "hardness hard härte hart tvrdost tvrdý",
    "wear wears wearing worn carry tragen trägt anziehen nosit nosí oblečení",
    "forbidden prohibited banned never verboten untersagt niemals nie zakázán zakázáno zakázaný zakázány nesmí nikdy",
    "must shall required mandatory obligatory müssen muss pflicht vorgeschrieben musí povinný povinně nutno",
    "year built manufactured manufacture construction baujahr gebaut hergestellt rok výroby vyroben vyrobený",
    "manufacturer maker make brand hersteller fabrikat marke výrobce značka",
    "size big large capacity volume holds hold content contents inhalt fasst fassungsvermögen größe groß volumen objem náplň velikost vejde",
    "quantity amount menge anzahl množství počet kolik",
    "length long länge lang délka dlouhý",
    "diameter bore durchmesser průměr",
    "angle degrees inclination winkel neigungswinkel grad úhel stupňů sklon",
    "loud noise decibel lautstärke hluk hlučný",
    "expire expires expired valid validity ablaufen abgelaufen gültig gültigkeit verfallen platí platnost vyprší",
    "training instruction course trained instructed unterweisung schulung ausbildung eingewiesen školení zaškolení proškolení kurz",
    "licence license permit certificate permission genehmigung erlaubnis schein zertifikat oprávnění průkaz povolení osvědčení",
    "driver operator fahrer bediener kranführer maschinenführer řidič obsluha",
    "hoist crane kran hebezeug jeřáb zdvih zvedák",
    "rope cable seil tragseil lano",
    "chain kette řetěz",
    "hose hoses pipe line schlauch schläuche rohr leitung hadice hadic trubka potrubí",
    "tank vessel container receiver behälter tank kessel nádrž nádoba zásobník",
    "drum barrel fass sud sudu",
    "boiler kessel kotel",
    "compressor kompressor verdichter kompresor",
    "fan blower ventilator gebläse lüfter ventilátor",
    "motor engine motor motoru",
    "gearbox gear getriebe převodovka",
    "belt belts riemen keilriemen band řemen pás",
    "brake bremse brzda",
    "hook haken hák",
    "wheel wheels rad räder laufrad kolo kola",
    "tyre tyres tire reifen pneumatika",
    "battery accumulator akku batterie akumulátor baterie",
    "charge charging charger laden ladezeit ladegerät ladeschale nabíjení nabíječka",
    "remote radio transmitter sender fernsteuerung funk funksender vysílač dálkové",
    "switch switched button key schalter taste knopf vypínač tlačítko spínač",
    "lamp light beacon indicator leuchte lampe licht kontrolka světlo maják",
    "display shows screen panel anzeige bildschirm pult panel displej",
    "sensor detector probe sensor fühler detektor melder čidlo snímač",
    "calibrate calibrated calibration kalibrieren kalibriert kalibrierung kalibrace kalibrovat",
    "adjust adjusted setting set einstellen einstellung eingestellt justieren nastavit nastavení seřídit seřízení",
    "measure measured measurement messen gemessen messung měřit měření změřit",
    "measuring meter gauge instrument messgerät manometer měřidlo přístroj manometr",
    "weld welded join joining schweissen verbinden svařit spojit",
    "mark marked label labelled flagged kennzeichnen gekennzeichnet markiert markieren označit označené",
    "spill spilled spilt leaked verschüttet ausgelaufen rozlitý vylitý",
    "waste disposal dispose rubbish entsorgen entsorgung abfall altöl odpad likvidace",
    "wait waiting warten wartezeit čekat počkat",
    "hospital doctor physician krankenhaus arzt nemocnice lékař",
    "hurt wound wounded burn burns scald verbrennung wunde zraněný zranění popálenina rána",
    "gas gases vapour fumes dampf dämpfe plyn výpary pára",
    "smell smells smelt odour geruch riechen riecht zápach cítit",
    "acid säure kyselina",
    "caustic lye alkali lauge natronlauge louh",
    "chlorine hypochlorite chlor chlorbleichlauge chlor chlornan",
    "exit leave evacuate way out ausgang verlassen evakuieren fluchtweg východ opustit únikový evakuace",
    "door gate tor tür türen dveře brána vrata",
    "key schlüssel klíč klíče klika",
    "hang hangs mounted kept stored located stands hängt steht liegt aufbewahrt visí leží stojí uložen",
    "helmet hood mask helm haube maske přilba maska kukla",
    "shoes boots footwear schuhe stiefel boty obuv",
    "vest jacket clothing weste kleidung jacke vesta oděv",
    "ear hearing earplugs gehör gehörschutz sluch sluchu chrániče",
    "alcohol ethanol spirit alkohol alkoholtuch líh lihem",
    "soap soapy detergent seife seifenwasser mýdlo mýdlem",
    "cloth rag wipe wiped tuch wischen abwischen hadřík otřít utřít",
    "brush brushes bürste bürsten kartáč smeták",
    "floor ground boden fussboden podlaha podlahu",
    "ceiling roof decke dach strop střecha",
    "wall wand stěna zeď",
    "warehouse store stores storage lager speicher sklad skladu",
    "pallet pallets palette paletten paleta palety palet",
    "film foil wrap folie fólie",
    "label labels etikett etiketten etikette štítek štítky etiketa",
    "cap caps closure closures lid verschluss deckel kappe uzávěr víčko",
    "line linie anlage linka linky",
    "setpoint target nominal value sollwert nennwert wert hodnota požadovaná",
    "flow rate throughput durchfluss förderstrom menge průtok",
    "concentration strength konzentration gehalt anteil koncentrace podíl",
    "vacuum underpressure unterdruck vakuum podtlak",
    "sharp edge edges kante kanten hrana hrany",
    "ice icy frost eis glatt led náledí",
    "smoke smoking cigarette rauchen zigarette kouřit kouření",
    "book log record logbook protocol buch protokoll aufzeichnung kniha záznam protokol",
    "sign signed signature unterschreiben unterschrift podepsat podpis",
    "contractor contractors firm outside fremdfirma fremdfirmen dienstleister dodavatelé firma",
    "service servicing maintenance maintained wartung instandhaltung gewartet servis údržba",
    "workshop werkstatt dílna",
    "manual by hand manually hand handbetrieb ručně ruční",
    "automatic automatically itself selbsttätig automatisch samočinně automaticky sám",
    "reset acknowledge acknowledged confirm quittieren bestätigen zurücksetzen kvitovat potvrdit resetovat",
    "abort cancel interrupt break abbrechen unterbrechen přerušit zrušit",
    "repeat repeated again wiederholen wiederholt opakovat opakuje",
    "decide decision decides entscheiden entscheidet rozhodnout rozhoduje",
    "supply feed supplied versorgen versorgung zuführung napájení přívod",
    "current amps amperage strom stromstärke proud",
    "power electricity outage strom netzausfall elektřina výpadek",
    "fuse breaker circuit sicherung leitungsschutzschalter pojistka jistič",
    "voltage volts spannung napětí",
    "frequency hertz frequenz kmitočet frekvence",
    "steam dampf pára",
    "salt salz sůl",
    "hydraulic oil hydrauliköl hydraulický",
    "press presse lis lisu",
    "tool tools werkzeug nástroj nástroje nářadí",
    "mould die form nástroj forma",
    "spacer shim distanzscheibe unterlage podložka",
    "thread threaded gewinde závit",
    "glue adhesive kleber leim lepidlo",
    "paint painted coating lack anstrich nátěr lak",
    "food product lebensmittel produkt potravina výrobek",
    "taste smell geschmack chuť",
    "bicycle parking car park parkplatz parkoviště",
    "dog dogs animal animals hund hunde tiere pes psi zvířata",
];

/// Rows of every word, by its folded form and its stems.
static ROWS: LazyLock<HashMap<String, Vec<u16>>> = LazyLock::new(|| {
    let mut rows: HashMap<String, Vec<u16>> = HashMap::new();
    for (row, words) in (0_u16..).zip(GROUPS) {
        for word in words.split(' ') {
            let mut forms = vec![fold(word)];
            let languages = [Language::English, Language::German, Language::Czech];
            forms.extend(languages.map(|language| stem(Some(language), word)));
            for form in forms {
                let of_form = rows.entry(form).or_default();
                if of_form.last() != Some(&row) {
                    of_form.push(row);
                }
            }
        }
    }
    rows
});

/// The rows that a word stands in, in ascending order; mostly none.
pub(super) fn rows_of(folded: &str, stem: &str) -> &'static [u16] {
    let rows = &*ROWS;
    rows.get(folded).or_else(|| rows.get(stem)).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_stand_in_its_row() {
        let rows = |word: &str, language| rows_of(&fold(word), &stem(Some(language), word));
        let torque = rows("torque", Language::English);
        assert!(!torque.is_empty());
        assert_eq!(rows("tightening", Language::English), torque);
        assert_eq!(rows("Anzugsmoment", Language::German), torque);
        assert!(rows("canteen", Language::English).is_empty());
    }
}
