//! Arithmetic in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x + 1 (FIPS 197 section 4), without
//! tables and without branches on secrets: the time does not depend on the values.

/// The product.
pub(crate) const fn multiply(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut bit = 0;
    while bit < 8 {
        product ^= a & 0_u8.wrapping_sub((b >> bit) & 1);
        let carry = 0_u8.wrapping_sub(a >> 7);
        a = (a << 1) ^ (0x1b & carry);
        bit += 1;
    }
    product
}

/// The inverse of `a`, which must not be zero (zero gives zero): a^254.
pub(crate) const fn invert(a: u8) -> u8 {
    let mut power = a;
    let mut result = 1;
    let mut bit = 1;
    // 254 = 2 + 4 + … + 128.
    while bit < 8 {
        power = multiply(power, power);
        result = multiply(result, power);
        bit += 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way it is taught: shift and reduce, on wider integers.
    fn plain(a: u8, b: u8) -> u8 {
        let mut wide = 0_u32;
        for bit in 0..8 {
            if b & (1 << bit) != 0 {
                wide ^= u32::from(a) << bit;
            }
        }
        for bit in (8..16).rev() {
            if wide & (1 << bit) != 0 {
                wide ^= 0x11b << (bit - 8);
            }
        }
        u8::try_from(wide).unwrap_or_default()
    }

    #[test]
    fn every_product_is_right() {
        // FIPS 197 section 4.2.
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        for a in 0..=255 {
            for b in 0..=255 {
                assert_eq!(multiply(a, b), plain(a, b), "{a} {b}");
            }
        }
    }

    #[test]
    fn every_inverse_is_right() {
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }
}
