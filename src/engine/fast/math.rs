//! Row-wise arithmetic: exponential, GELU, softmax, layer normalisation, quantisation.

use super::level::Isa;
use crate::weights::NORM_EPSILON;

/// Sums and extremes are kept in this many lanes, so that they stay in registers at every level.
/// Lengths of rows are multiples of it.
pub(super) const LANES: usize = 32;

/// 1.5 · 2²³: adding it to a small float leaves the float's nearest integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// 2ˣ for x ≤ 0, relative error below 2·10⁻⁷; 0 for what is below −126.
///
/// 2ˣ = 2ⁿ · 2ᶠ with n the nearest integer and |f| ≤ ½; 2ᶠ by its Taylor polynomial of degree 7.
#[inline(always)]
pub(super) fn exp2_negative<I: Isa>(x: f32) -> f32 {
    const COEFFICIENTS: [f32; 7] = [
        0.000_015_252_734,
        0.000_154_035_3,
        0.001_333_355_8,
        0.009_618_129,
        0.055_504_11,
        0.240_226_5,
        std::f32::consts::LN_2,
    ];
    let x = if x < -126.0 { -126.0 } else { x };
    let shifted = x + ROUNDER;
    let fraction = x - (shifted - ROUNDER);
    let mut power = COEFFICIENTS[0];
    for coefficient in &COEFFICIENTS[1..] {
        power = I::multiply_add(power, fraction, *coefficient);
    }
    power = I::multiply_add(power, fraction, 1.0);
    // The low bits of `shifted` are n; as an exponent they scale by 2ⁿ.
    let exponent = shifted.to_bits().wrapping_add(127) << 23;
    let scaled = power * f32::from_bits(exponent);
    if x <= -126.0 { 0.0 } else { scaled }
}

/// x · Φ(x), with Φ by Abramowitz and Stegun, formula 7.1.26 (absolute error below 1.5·10⁻⁷).
#[inline(always)]
pub(super) fn gelu<I: Isa>(x: f32) -> f32 {
    const P: f32 = 0.327_591_1;
    const A: [f32; 5] = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / I::multiply_add(P, z, 1.0);
    let mut sum = A[0];
    for coefficient in &A[1..] {
        sum = I::multiply_add(sum, t, *coefficient);
    }
    // ½ · (1 − erf z), the tail beyond |x|.
    let tail = 0.5 * sum * t * exp2_negative::<I>(-z * z * std::f32::consts::LOG2_E);
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    x * below
}

/// Turns scores, in units of log₂, into weights 2^(score − largest); gives their sum.
#[inline(always)]
pub(super) fn softmax_numerators<I: Isa>(scores: &mut [f32]) -> f32 {
    let mut largest = [f32::MIN; LANES];
    for chunk in scores.as_chunks::<LANES>().0 {
        for (best, score) in largest.iter_mut().zip(chunk) {
            *best = if *score > *best { *score } else { *best };
        }
    }
    let largest = largest.into_iter().fold(f32::MIN, f32::max);
    let mut sums = [0.0; LANES];
    for chunk in scores.as_chunks_mut::<LANES>().0 {
        for (sum, score) in sums.iter_mut().zip(chunk) {
            *score = exp2_negative::<I>(*score - largest);
            *sum += *score;
        }
    }
    total(&sums)
}

/// Normalises `row` to mean 0 and variance 1, then scales and shifts it.
#[inline(always)]
pub(super) fn layer_norm<I: Isa>(row: &mut [f32], scale: &[f32], shift: &[f32]) {
    #[expect(clippy::cast_precision_loss, reason = "rows are a few hundred wide")]
    let width = row.len() as f32;
    let mut sums = [0.0; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += *value;
        }
    }
    let mean = total(&sums) / width;
    let mut squares = [0.0; LANES];
    for chunk in row.as_chunks::<LANES>().0 {
        for (sum, value) in squares.iter_mut().zip(chunk) {
            let distance = *value - mean;
            *sum = I::multiply_add(distance, distance, *sum);
        }
    }
    let factor = 1.0 / (total(&squares) / width + NORM_EPSILON).sqrt();
    for ((value, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
        *value = I::multiply_add((*value - mean) * factor, *scale, *shift);
    }
}

/// How a row of bytes stands for a row of floats: `float ≈ byte · step + offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RowScale {
    pub(super) step: f32,
    pub(super) offset: f32,
}

/// Spreads the row's own range over `0..=I::ACTIVATION_MAX`.
#[inline(always)]
pub(super) fn quantise_row<I: Isa>(row: &[f32], bytes: &mut [u8]) -> RowScale {
    let (mut lows, mut highs) = ([f32::MAX; LANES], [f32::MIN; LANES]);
    for chunk in row.as_chunks::<LANES>().0 {
        for ((low, high), value) in lows.iter_mut().zip(&mut highs).zip(chunk) {
            *low = if *value < *low { *value } else { *low };
            *high = if *value > *high { *value } else { *high };
        }
    }
    let low = lows.into_iter().fold(f32::MAX, f32::min);
    let high = highs.into_iter().fold(f32::MIN, f32::max);
    let steps = f32::from(I::ACTIVATION_MAX);
    let step = ((high - low) / steps).max(f32::MIN_POSITIVE);
    let inverse = 1.0 / step;
    for (byte, value) in bytes.iter_mut().zip(row) {
        let scaled = (*value - low) * inverse;
        let scaled = if scaled > steps { steps } else { scaled };
        *byte = (scaled + ROUNDER).to_bits() as u8;
    }
    RowScale { step, offset: low }
}

#[inline(always)]
fn total(lanes: &[f32; LANES]) -> f32 {
    let mut sums = *lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}
