#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::LazyLock;

use super::level::{MAX_TILE_COLUMNS, Tile};
use super::math::{exp2_negative, quantise_row, softmax_numerators};
use super::*;
use crate::reference::Reference;
use crate::tokens::{TextTokens, WINDOW_TOKENS};

/// Numbers that look random and are the same every time (PCG's multiplier).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as u32
    }

    /// In −1..1.
    fn float(&mut self) -> f32 {
        (self.next() % 20_001) as f32 / 10_000.0 - 1.0
    }
}

/// Texts in several languages and scripts, from one token to more than the window holds.
fn texts() -> Vec<String> {
    let passages = [
        "The pump P-101 must be isolated, drained and vented before the coupling guard is removed.",
        "Vor dem Öffnen des Getriebes ist der Ölstand zu prüfen und die Ablassschraube zu reinigen.",
        "Před zahájením údržby vypněte hlavní vypínač a zajistěte jej proti opětovnému zapnutí.",
        "Le couple de serrage des boulons de bride est de 45 Nm, en trois passes croisées.",
        "La presión de servicio no debe superar los 16 bar; compruebe la válvula de seguridad.",
        "Torque 45 Nm | M12 | 8.8 | 6ES7 315-2EH14-0AB0 | F30001 | P-101/A | 0,35 mm | 1\u{2009}450 min⁻¹",
        "ポンプの軸受温度が80度を超えた場合は直ちに停止してください。",
        "Подшипник должен быть заменён после 8000 часов работы.",
        "Δp = ρ·g·h — 🛠 see §4.2; α ≤ 0.05, ∑F = 0",
    ];
    let mut texts: Vec<String> = vec!["a".into(), "pump".into(), "?".into(), "\u{0}\u{7}".into()];
    for (p, passage) in passages.iter().enumerate() {
        for repeats in [1, 2, 3, 5, 9, 16] {
            texts.push(passage.repeat(repeats));
        }
        texts.push(passage.split_whitespace().take(p + 1).collect::<Vec<_>>().join(" "));
    }
    texts
}

static SEQUENCES: LazyLock<Vec<Sequence>> = LazyLock::new(|| {
    let tokens = TextTokens::load().unwrap();
    texts().iter().map(|text| tokens.sequence(text).unwrap()).collect()
});

static EXACT: LazyLock<Vec<Embedding>> = LazyLock::new(|| {
    let reference = Reference::load().unwrap();
    SEQUENCES.iter().map(|sequence| reference.embed(sequence).unwrap()).collect()
});

/// Which sequences a model is tried on: all, but only some where there are no vector kernels.
fn chosen(model: &FastModel) -> Vec<usize> {
    let step = if Level::with_bytes().contains(&model.level) { 1 } else { 8 };
    (0..SEQUENCES.len()).step_by(step).collect()
}

/// Embeds the chosen sequences together in groups; gives their indices too.
fn embed_chosen(model: &FastModel) -> Vec<(usize, Embedding)> {
    let mut scratch = Scratch::default();
    let mut embedded = Vec::new();
    for group in chosen(model).chunks(7) {
        let sequences: Vec<_> = group.iter().map(|index| &SEQUENCES[*index]).collect();
        embedded.extend(group.iter().copied().zip(model.embed(&sequences, &mut scratch).unwrap()));
    }
    embedded
}

fn models(precision: Precision) -> Vec<FastModel> {
    let weights = Weights::load().unwrap();
    let levels = match precision {
        Precision::Int8 => Level::with_bytes(),
        Precision::Float32 => Level::all(),
    };
    levels.iter().map(|level| FastModel::pack(&weights, *level, precision).unwrap()).collect()
}

#[test]
fn the_texts_are_many_and_of_all_lengths() {
    assert!(SEQUENCES.len() >= 50, "{}", SEQUENCES.len());
    assert!(SEQUENCES.iter().any(|sequence| sequence.ids().len() <= 3));
    assert!(SEQUENCES.iter().any(|sequence| sequence.ids().len() == WINDOW_TOKENS));
}

#[test]
fn floats_agree_with_the_reference_at_every_level() {
    for model in models(Precision::Float32) {
        for (index, fast) in embed_chosen(&model) {
            let cosine = fast.dot(&EXACT[index]);
            assert!(cosine > 0.999_99, "{:?}: {cosine} for text {index}", model.level);
        }
    }
}

#[test]
fn bytes_stay_close_to_the_reference_at_every_level() {
    for model in models(Precision::Int8) {
        let cosines: Vec<f32> =
            embed_chosen(&model).iter().map(|(index, fast)| fast.dot(&EXACT[*index])).collect();
        let smallest = cosines.iter().copied().fold(1.0, f32::min);
        let mean = cosines.iter().sum::<f32>() / cosines.len() as f32;
        assert!(smallest > 0.97 && mean > 0.99, "{:?}: {smallest}, {mean}", model.level);
    }
}

#[test]
fn a_vector_does_not_depend_on_its_batch() {
    for model in models(Precision::Float32).into_iter().chain(models(Precision::Int8)) {
        let together = embed_chosen(&model);
        let mut scratch = Scratch::default();
        // In reverse, so that buffers hold what a longer or shorter text left behind.
        for (index, together) in together.iter().rev().step_by(3) {
            let alone = model.embed(&[&SEQUENCES[*index]], &mut scratch).unwrap();
            assert!(alone[0] == *together, "{:?}: {}", model.level, alone[0].dot(together));
        }
    }
}

#[test]
fn a_level_the_machine_lacks_is_an_error() {
    let weights = Weights::load().unwrap();
    let reference = FastModel::load(&weights, ComputePath::Reference);
    assert!(matches!(reference, Err(EngineError::Unsupported { .. })));
}

/// Multiplies the same numbers in plain loops and at the level it is run for.
struct CompareTiles {
    seed: u64,
}

const DEPTH: usize = 48;

impl Kernel for CompareTiles {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let mut numbers = Numbers(self.seed);
        let width = I::TILE_COLUMNS;
        let most = u32::from(I::ACTIVATION_MAX);
        let left: Vec<u8> = (0..TILE_ROWS * DEPTH)
            .map(|i| (if i < 2 * DEPTH { most } else { numbers.next() % (most + 1) }) as u8)
            .collect();
        let panel: Vec<i8> = (0..DEPTH * width)
            .map(|i| if i % 3 == 0 { 127 } else { (numbers.next() % 255) as i32 - 127 } as i8)
            .collect();
        let mut tile = Tile([[7; MAX_TILE_COLUMNS]; TILE_ROWS]);
        I::tile_i8::<DEPTH>(&left, &panel, &mut tile);
        for (r, row) in tile.0.iter().enumerate() {
            for (c, sum) in row.iter().enumerate().take(width) {
                let exact: i32 = (0..DEPTH)
                    .map(|d| {
                        let weight = panel[(d / 4 * width + c) * 4 + d % 4];
                        i32::from(left[r * DEPTH + d]) * i32::from(weight)
                    })
                    .sum();
                assert_eq!(*sum, exact, "row {r}, column {c}");
            }
        }

        let left: Vec<f32> = (0..TILE_ROWS * DEPTH).map(|_| numbers.float()).collect();
        let panel: Vec<f32> = (0..DEPTH * width).map(|_| numbers.float()).collect();
        let mut tile = Tile([[7.0; MAX_TILE_COLUMNS]; TILE_ROWS]);
        I::tile_f32::<DEPTH>(&left, &panel, &mut tile);
        for (r, row) in tile.0.iter().enumerate() {
            for (c, sum) in row.iter().enumerate().take(width) {
                let products = (0..DEPTH)
                    .map(|d| f64::from(left[r * DEPTH + d]) * f64::from(panel[d * width + c]));
                assert!((f64::from(*sum) - products.sum::<f64>()).abs() < 1e-4, "{r}, {c}");
            }
        }
    }
}

#[test]
fn tiles_are_matrix_products_at_every_level() {
    for level in Level::all() {
        for seed in 0..20 {
            level.run(CompareTiles { seed });
        }
    }
}

/// Checks the functions of one number against `f64`.
struct CompareFunctions;

impl Kernel for CompareFunctions {
    #[inline(always)]
    fn run<I: Isa>(self) {
        for step in 0..=40_000 {
            let x = step as f32 / 1000.0 - 20.0;
            let below = -(x.abs() * 6.0);
            let exact = f64::from(below).exp2();
            assert!(
                (f64::from(exp2_negative::<I>(below)) - exact).abs() <= exact * 3e-7,
                "{below}"
            );
            let exact = exact_gelu(f64::from(x));
            assert!((f64::from(gelu::<I>(x)) - exact).abs() < 1e-6 + 5e-7 * exact.abs(), "{x}");
        }
        assert_eq!(exp2_negative::<I>(f32::MIN), 0.0);
        let mut scores = [f32::MIN; 64];
        scores[..3].copy_from_slice(&[1.0, 3.0, 2.0]);
        assert_eq!(softmax_numerators::<I>(&mut scores), 1.75);
        assert_eq!(scores[..4], [0.25, 1.0, 0.5, 0.0]);
    }
}

/// x · Φ(x), with erf by its Maclaurin series, and by its continued fraction beyond 3.
fn exact_gelu(x: f64) -> f64 {
    let z = x / std::f64::consts::SQRT_2;
    let erf = if z.abs() < 3.0 {
        let mut term = z;
        let mut sum = z;
        for n in 1..100 {
            term *= -z * z / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else {
        let mut fraction = 0.0;
        for n in (1..60).rev() {
            fraction = f64::from(n) / 2.0 / (z.abs() + fraction);
        }
        let tail = (-z * z).exp() / ((z.abs() + fraction) * std::f64::consts::PI.sqrt());
        (1.0 - tail).copysign(z)
    };
    0.5 * x * (1.0 + erf)
}

#[test]
fn functions_are_as_exact_as_they_say() {
    for level in Level::all() {
        level.run(CompareFunctions);
    }
}

/// Quantises rows and reads them back.
struct RoundTrip;

impl Kernel for RoundTrip {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let mut numbers = Numbers(3);
        for scale in [1e-6, 0.3, 1.0, 4e4] {
            let row: Vec<f32> = (0..HIDDEN).map(|_| (numbers.float() + 0.4) * scale).collect();
            let mut bytes = vec![0; HIDDEN];
            let RowScale { step, offset } = quantise_row::<I>(&row, &mut bytes);
            for (value, byte) in row.iter().zip(&bytes) {
                let back = f32::from(*byte) * step + offset;
                assert!((back - value).abs() <= 0.501 * step, "{value} became {back}");
                assert!(*byte <= I::ACTIVATION_MAX);
            }
        }
        let mut bytes = vec![9; HIDDEN];
        let flat = quantise_row::<I>(&[0.25; HIDDEN], &mut bytes);
        assert_eq!((flat.offset, bytes), (0.25, vec![0; HIDDEN]));
    }
}

#[test]
fn quantised_rows_read_back_within_half_a_step() {
    for level in Level::all() {
        level.run(RoundTrip);
    }
}
