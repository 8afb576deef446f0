//! RSA keys that nobody should trust.

/// Least and most bits of a modulus. Less was factored or soon will be (NIST SP 800-131A); more costs
/// more than a request should, and the library refuses it.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Least public exponent (FIPS 186-5, section 5.1), and the largest that the library takes.
const EXPONENT: std::ops::RangeInclusive<u64> = 65_537..=(1 << 33) - 1;

/// What is wrong with a public key of these big-endian numbers, if anything.
pub(crate) fn fault(modulus: &[u8], exponent: &[u8]) -> Option<&'static str> {
    let leading_zero = |number: &[u8]| number.first().is_none_or(|byte| *byte == 0);
    if leading_zero(modulus) || leading_zero(exponent) {
        return Some("n and e must be numbers without leading zeros (RFC 7518, section 6.3.1)");
    }
    let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
    if !MODULUS_BITS.contains(&bits) {
        return Some("the RSA modulus must have 2048 to 4096 bits");
    }
    if exponent.len() > 8 {
        return Some("the RSA exponent must be an odd number from 65537 to 8589934591");
    }
    let exponent = exponent.iter().fold(0_u64, |e, byte| (e << 8) | u64::from(*byte));
    if !EXPONENT.contains(&exponent) || exponent % 2 == 0 {
        return Some("the RSA exponent must be an odd number from 65537 to 8589934591");
    }
    if modulus[modulus.len() - 1].is_multiple_of(2) {
        return Some("the RSA modulus is even");
    }
    if is_roca(modulus) {
        return Some(
            "the RSA modulus comes of a faulty generator (CVE-2017-15361) and can be factored",
        );
    }
    None
}

/// Whether the modulus bears the mark of CVE-2017-15361 ("ROCA"): its primes were made of powers of
/// 65537, so that modulo each small prime it is one itself. By chance that happens to one number in
/// many millions (Nemec and others, "The Return of Coppersmith's Attack", CCS 2017, section 2.3).
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        powers.take(*prime as usize).any(|power| power == rest)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const E: [u8; 3] = [1, 0, 1];

    #[test]
    fn sizes_and_exponents_have_limits() {
        let odd = |bytes: usize| [vec![0x80], vec![0x55; bytes - 2], vec![0x51]].concat();
        assert_eq!(fault(&odd(256), &E), None);
        assert_eq!(fault(&odd(512), &E), None);
        for bytes in [2, 64, 128, 255, 513] {
            assert!(fault(&odd(bytes), &E).is_some_and(|f| f.contains("bits")), "{bytes}");
        }
        // 2047 bits in 256 bytes.
        let mut short = odd(256);
        short[0] = 0x7f;
        assert!(fault(&short, &E).is_some());
        for exponent in [&[][..], &[1], &[3], &[1, 0, 0], &[0, 1, 0, 1], &[0xff; 5], &[1; 9]] {
            assert!(fault(&odd(256), exponent).is_some(), "{exponent:?}");
        }
        let mut even = odd(256);
        even[255] = 0x50;
        assert!(fault(&even, &E).is_some());
        assert!(fault(&[&[0], &odd(256)[..]].concat(), &E).is_some());
        assert!(fault(&[], &E).is_some());
    }

    #[test]
    fn the_mark_of_the_faulty_generator_is_seen() {
        // A power of 65537 is one modulo every prime.
        let mut power = vec![1_u8];
        for _ in 0..128 {
            // times 65537: itself, shifted by two bytes, added.
            let shifted = [&power[..], &[0, 0]].concat();
            let mut carry = 0;
            let mut sum = shifted.clone();
            for (place, byte) in sum.iter_mut().rev().enumerate() {
                let own = power.len().checked_sub(place + 1).map_or(0, |at| power[at]);
                let total = u16::from(*byte) + u16::from(own) + carry;
                *byte = total.to_le_bytes()[0];
                carry = total >> 8;
            }
            power = if carry > 0 { [&[1], &sum[..]].concat() } else { sum };
        }
        assert!(is_roca(&power));
        assert!(fault(&power, &E).is_some_and(|f| f.contains("CVE-2017-15361")), "{}", power.len());
        power[200] ^= 1;
        assert!(!is_roca(&power));
    }

    proptest! {
        #[test]
        fn other_numbers_do_not_bear_it(modulus in proptest::collection::vec(any::<u8>(), 256)) {
            prop_assert!(!is_roca(&modulus));
        }
    }
}
