//! Text and vectors that cost a search what a plant's documents would: words by Zipf's law, names
//! of machines, embeddings in clusters. Content of no meaning; the same for the same seed.

use models::Embedding;

/// Numbers of an embedding.
const DIMENSIONS: usize = 384;

/// Distinct made-up words behind the known ones.
const RARE_WORDS: usize = 60_000;

/// Neighbourhoods of embeddings.
const CLUSTERS: usize = 2_000;

/// Spread of a cluster: with it the cosine of neighbours is about .5, of strangers about 0.
const SPREAD: f32 = 1.0;

/// Words of plants, the most frequent first; what is left of the vocabulary is made up.
const FREQUENT: &str = "the of and to in is a be for with or on by at are as must not from this it \
    that when after before if an valve pump pressure motor oil bearing temperature seal line check \
    water shaft speed filter tank flow system air control alarm replace maintenance switch cover \
    level power bolt safety operation position plate belt drive sensor cable supply hours housing \
    bar inspection clean coupling gear close open start stop torque limit cylinder gasket current \
    voltage conveyor roller nozzle flange screw grease lubricant vibration discharge suction stage \
    cooling heat exchanger leak drain panel fuse relay circuit ground tighten loosen install remove \
    adjust measure record report operator shift batch packaging film label carton station procedure";

/// Numbers that look random and are not (SplitMix64; Steele, Lea and Flood, 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `end`, without it.
    pub(crate) const fn below(&mut self, end: usize) -> usize {
        (((self.next() >> 32) * end as u64) >> 32) as usize
    }

    /// 0 to 1, without it.
    fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0
    }

    pub(crate) fn id(&mut self) -> [u8; 16] {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.next().to_be_bytes());
        id[8..].copy_from_slice(&self.next().to_be_bytes());
        id
    }

    /// About normal, of variance 1: the sum of four even numbers (Irwin and Hall).
    fn normal(&mut self) -> f32 {
        let bits = self.next();
        let sum: u32 =
            (0..4_u32).map(|i| u32::try_from((bits >> (16 * i)) & 0xffff).unwrap_or(0)).sum();
        #[expect(clippy::cast_precision_loss, reason = "below 2^18")]
        let even = sum as f32 / 65_536.0;
        (even - 2.0) * 3.0_f32.sqrt()
    }
}

/// What texts and vectors are drawn from.
pub(crate) struct World {
    words: Vec<String>,
    centres: Vec<[f32; DIMENSIONS]>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut random = Random::new(1);
        let mut words: Vec<String> = FREQUENT.split_whitespace().map(str::to_owned).collect();
        words.extend((0..RARE_WORDS).map(|_| made_up(&mut random)));
        let centre = |random: &mut Random| std::array::from_fn(|_| random.normal());
        let centres = (0..CLUSTERS).map(|_| centre(&mut random)).collect();
        Self { words, centres }
    }

    /// A chunk of 60 to 120 words, one of them in ten times a machine's name.
    pub(crate) fn text(&self, random: &mut Random) -> String {
        let count = 60 + random.below(61);
        let mut text = String::with_capacity(count * 7);
        for i in 0..count {
            match random.below(100) {
                0 => text.push_str(&machine(random)),
                1 => text.push_str(&format!("{} bar", random.below(400))),
                _ => text.push_str(self.word(random)),
            }
            text.push_str(if i % 13 == 12 { ". " } else { " " });
        }
        text.truncate(text.trim_end().len());
        text.push('.');
        text
    }

    /// Two to eight words that some chunk could hold, as people type them.
    pub(crate) fn question(&self, random: &mut Random) -> String {
        let mut words: Vec<String> =
            (0..2 + random.below(7)).map(|_| self.word(random).to_owned()).collect();
        if random.below(5) == 0 {
            let at = random.below(words.len());
            words[at] = machine(random);
        }
        words.join(" ")
    }

    /// A unit vector out of one of the clusters.
    pub(crate) fn embedding(&self, random: &mut Random) -> Option<Embedding> {
        let centre = self.centres[random.below(CLUSTERS)];
        Embedding::normalise(centre.map(|number| number + SPREAD * random.normal())).ok()
    }

    /// A word by Zipf's law: the chance of rank `r` falls as 1/r.
    fn word(&self, random: &mut Random) -> &str {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank below the number of words"
        )]
        let rank = (self.words.len() as f64).powf(random.share()) as usize - 1;
        &self.words[rank.min(self.words.len() - 1)]
    }
}

fn made_up(random: &mut Random) -> String {
    const ONSETS: [&str; 16] =
        ["b", "br", "d", "f", "g", "gr", "k", "l", "m", "n", "p", "pl", "r", "s", "st", "tr"];
    const NUCLEI: [&str; 8] = ["a", "e", "i", "o", "u", "ea", "io", "ou"];
    const CODAS: [&str; 8] = ["", "", "l", "m", "n", "r", "s", "t"];
    let mut word = String::new();
    for _ in 0..2 + random.below(3) {
        word.push_str(ONSETS[random.below(ONSETS.len())]);
        word.push_str(NUCLEI[random.below(NUCLEI.len())]);
        word.push_str(CODAS[random.below(CODAS.len())]);
    }
    word
}

/// `P-101`, `MOT-2041`.
fn machine(random: &mut Random) -> String {
    const KINDS: [&str; 8] = ["P", "V", "M", "TK", "MOT", "PSV", "FIC", "LT"];
    format!("{}-{}", KINDS[random.below(KINDS.len())], 100 + random.below(9_900))
}
