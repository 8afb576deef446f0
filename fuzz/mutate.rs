//! Seeded damage to files: the same seed makes the same mutants on every machine. Included by the
//! tests of several rooms, so that each of them can run its readers without a fuzzer.

#![allow(clippy::print_stdout, reason = "the counts are the result")]

/// A small generator of numbers (SplitMix64); good enough to choose where to do damage.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
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

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// Numbers at which readers stumble, as text.
const NUMBERS: &[&[u8]] = &[
    b"0",
    b"-1",
    b"1",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483647",
    b"2147483648",
    b"-2147483648",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551615",
    b"99999999999999999999999999",
    b"1e308",
    b"0.0000000000000000000001",
    b"NaN",
];

/// Bytes at which readers stumble.
const BYTES: &[u8] =
    &[0, 1, 0x0a, 0x20, b'<', b'>', b'(', b'[', b'/', 0x7f, 0x80, 0xc0, 0xfe, 0xff];

/// Most bytes that one step of damage repeats or takes away.
const RUN_MAX_BYTES: usize = 4096;

/// Most steps of damage to one file.
const STEPS_MAX: usize = 8;

/// `sample` with one to eight injuries; `others` give foreign parts, `words` what the format knows.
pub(crate) fn mutant(dice: &mut Dice, sample: &[u8], others: &[&[u8]], words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    // Half of them have a single injury: those get furthest into a reader.
    let steps = if dice.below(2) == 0 { 1 } else { 1 + dice.below(STEPS_MAX) };
    for _ in 0..steps {
        injure(dice, &mut bytes, others, words);
    }
    bytes
}

fn injure(dice: &mut Dice, bytes: &mut Vec<u8>, others: &[&[u8]], words: &[&[u8]]) {
    let at = dice.below(bytes.len());
    let run = 1 + dice.below(RUN_MAX_BYTES.min(bytes.len() - at).max(1));
    let end = (at + run).min(bytes.len());
    match dice.below(11) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
        1 if !bytes.is_empty() => bytes[at] = BYTES[dice.below(BYTES.len())],
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            let to = dice.below(bytes.len() + 1);
            bytes.splice(to..to, copy);
        }
        5 => {
            let copy = vec![BYTES[dice.below(BYTES.len())]; run];
            bytes.splice(at..at, copy);
        }
        6 if !others.is_empty() => {
            let other = dice.pick(others);
            let from = dice.below(other.len());
            let to = (from + run).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        7 if !words.is_empty() => {
            let word = dice.pick(words);
            bytes.splice(at..at, word.iter().copied());
        }
        8 if !words.is_empty() => swap_word(dice, bytes, words),
        9 => swap_bytes(bytes, at, dice),
        _ => swap_number(dice, bytes),
    }
}

/// Puts another number where the file has one.
fn swap_number(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let from = dice.below(bytes.len());
    let Some(start) = bytes[from..].iter().position(u8::is_ascii_digit).map(|i| from + i) else {
        return;
    };
    let digits = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    let number = dice.pick(NUMBERS);
    bytes.splice(start..start + digits, number.iter().copied());
}

/// Puts another of the format's words where the file has one.
fn swap_word(dice: &mut Dice, bytes: &mut Vec<u8>, words: &[&[u8]]) {
    let (old, new) = (dice.pick(words), dice.pick(words));
    let from = dice.below(bytes.len());
    let found = bytes[from..].windows(old.len().max(1)).position(|window| window == old);
    if let Some(start) = found.map(|i| from + i) {
        bytes.splice(start..start + old.len(), new.iter().copied());
    }
}

fn swap_bytes(bytes: &mut [u8], at: usize, dice: &mut Dice) {
    if !bytes.is_empty() {
        let other = dice.below(bytes.len());
        bytes.swap(at, other);
    }
}

/// How many mutants a test of a fuzz target makes: `FUZZ_ROUNDS`, or so many.
#[allow(dead_code, reason = "not every test that includes this runs a target")]
pub(crate) fn rounds(default: usize) -> usize {
    std::env::var("FUZZ_ROUNDS").map_or(default, |text| text.parse().unwrap_or(default))
}

/// The stack of a program's first thread, in bytes; a test's own is a quarter of it.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Runs a fuzz target over its seeds and so many mutants of them. Says which one it was when the
/// target panics.
#[allow(dead_code, reason = "not every test that includes this runs a target")]
pub(crate) fn run(name: &str, seeds: &[&[u8]], rounds: usize, target: impl Fn(&[u8]) + Sync) {
    let all = || {
        for seed in seeds {
            target(seed);
        }
        target(b"");
        for round in 0..rounds {
            let mut dice = Dice::new(round as u64);
            let bytes = mutant(&mut dice, seeds[round % seeds.len()], seeds, &[]);
            let attempt = std::panic::AssertUnwindSafe(|| target(&bytes));
            let ran = std::panic::catch_unwind(attempt);
            assert!(ran.is_ok(), "{name}: round {round}: {}", String::from_utf8_lossy(&bytes));
        }
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
        let ended = thread.spawn_scoped(scope, all).map(std::thread::ScopedJoinHandle::join);
        assert!(matches!(ended, Ok(Ok(()))), "{name}: see above");
    });
    println!("{name}: {} seeds and {rounds} mutants", seeds.len());
}
