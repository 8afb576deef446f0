//! Half-precision numbers and blocks of eight-bit numbers, as ggml stores them.

/// Elements of a block of `Q8_0` (`QK8_0` in `ggml-common.h`).
pub(super) const Q8_BLOCK: usize = 32;

/// The half-precision number (IEEE 754 binary16) nearest to `value`; of two equally near ones the
/// even one.
pub(super) const fn to_f16(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    let mantissa = bits & 0x007f_ffff;
    let exponent = (bits >> 23 & 0xff) as i32;
    if exponent == 0xff {
        return sign | 0x7c00 | if mantissa == 0 { 0 } else { 0x0200 };
    }
    // The exponents of the two are offset by 127 and by 15.
    let exponent = exponent - 112;
    if exponent >= 31 {
        return sign | 0x7c00;
    }
    if exponent < -10 {
        return sign;
    }
    let (whole, shift) = if exponent > 0 {
        ((exponent as u32) << 23 | mantissa, 13)
    } else {
        // Below the smallest exponent the leading one is written out.
        (mantissa | 0x0080_0000, (14 - exponent) as u32)
    };
    let kept = whole >> shift;
    let (rest, half) = (whole & ((1 << shift) - 1), 1 << (shift - 1));
    let up = rest > half || (rest == half && kept & 1 == 1);
    // A carry out of the mantissa is the next exponent, up to infinity.
    sign | (kept + up as u32) as u16
}

/// The value of a half-precision number; exact.
pub(super) const fn from_f16(half: u16) -> f32 {
    let sign = (half as u32 & 0x8000) << 16;
    let exponent = half as u32 >> 10 & 0x1f;
    let mantissa = half as u32 & 0x03ff;
    match exponent {
        0 => {
            // Multiples of 2⁻²⁴.
            let magnitude = mantissa as f32 / 16_777_216.0;
            f32::from_bits(sign | magnitude.to_bits())
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | mantissa << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | mantissa << 13),
    }
}

/// A block of `Q8_0`: a step, and multiples of it.
#[derive(Clone, Copy)]
pub(super) struct Q8Block {
    pub(super) step: u16,
    pub(super) multiples: [i8; Q8_BLOCK],
}

impl Q8Block {
    /// As `quantize_row_q8_0_ref` of `ggml-quants.c`: the largest number becomes 127 steps.
    pub(super) fn of(values: &[f32; Q8_BLOCK]) -> Self {
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let step = largest / 127.0;
        let inverse = if step == 0.0 { 0.0 } else { 1.0 / step };
        // At most 127 in magnitude, up to rounding; `as` would hold at 127 anyway.
        Self { step: to_f16(step), multiples: values.map(|value| (value * inverse).round() as i8) }
    }

    pub(super) fn values(&self) -> [f32; Q8_BLOCK] {
        let step = from_f16(self.step);
        self.multiples.map(|multiple| f32::from(multiple) * step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back() {
        for half in 0..=u16::MAX {
            let value = from_f16(half);
            if value.is_nan() {
                assert!(from_f16(to_f16(value)).is_nan());
            } else {
                assert_eq!(to_f16(value), half, "{value}");
            }
        }
    }

    #[test]
    fn halves_are_known_values() {
        for (half, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(from_f16(half), value);
        }
    }

    #[test]
    fn what_is_no_half_becomes_the_nearest() {
        // The middle between two neighbours becomes the even one.
        for half in (0..0x7bff_u16).step_by(7) {
            let (low, high) = (from_f16(half), from_f16(half + 1));
            let middle = low + (high - low) / 2.0;
            let even = if half.is_multiple_of(2) { half } else { half + 1 };
            assert_eq!(to_f16(middle), even, "{middle}");
            assert_eq!(to_f16(low + (high - low) * 0.25), half);
            assert_eq!(to_f16(low + (high - low) * 0.75), half + 1);
        }
        assert_eq!(to_f16(65_520.0), 0x7c00);
        assert_eq!(to_f16(1e-9), 0);
        assert_eq!(to_f16(f32::NEG_INFINITY), 0xfc00);
    }

    #[test]
    fn blocks_are_near_and_their_largest_is_nearest() {
        let values: [f32; Q8_BLOCK] = std::array::from_fn(|index| index as f32 * 0.37 - 5.0);
        let block = Q8Block::of(&values);
        let step = from_f16(block.step);
        for (stored, value) in block.values().iter().zip(values) {
            assert!((stored - value).abs() <= step * 0.6, "{stored} {value}");
        }
        assert_eq!(block.multiples[31], 127);
        assert_eq!(Q8Block::of(&[0.0; Q8_BLOCK]).values(), [0.0; Q8_BLOCK]);
    }
}
