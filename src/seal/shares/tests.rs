#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use base::SeededEntropy;
use proptest::prelude::*;

use super::*;

fn secret(seed: u64) -> Secret {
    Secret::random(&SeededEntropy::new(seed)).unwrap()
}

/// Every subset of `0..count`, as bit masks.
fn subsets(count: u8) -> impl Iterator<Item = u16> {
    0..1_u16 << count
}

fn chosen(shares: &[Share], mask: u16) -> Vec<&Share> {
    shares.iter().filter(|share| mask & (1 << (share.index - 1)) != 0).collect()
}

#[test]
fn enough_shares_give_the_secret_and_fewer_never_do() {
    let mut tried = 0;
    for count in 2..=SHARES_MAX {
        for threshold in 2..=count {
            let seed = u64::from(count) * 100 + u64::from(threshold);
            let secret = secret(seed);
            let shares = split(&secret, threshold, count, &SeededEntropy::new(seed)).unwrap();
            for mask in subsets(count) {
                let some = chosen(&shares, mask);
                let given = combine(&some);
                let enough = mask.count_ones() >= u32::from(threshold);
                assert_eq!(
                    given.bytes() == secret.bytes(),
                    enough,
                    "{threshold} of {count}, shares {mask:b}"
                );
                tried += 1;
            }
        }
    }
    assert_eq!(tried, (2..=10).map(|n: u32| (n - 1) * (1 << n)).sum::<u32>());
}

proptest! {
    #[test]
    fn any_secret_and_any_order(bytes: [u8; 32], seed: u64, threshold in 2_u8..=10, rest in 0_u8..=8) {
        let count = (threshold + rest).min(SHARES_MAX);
        let mut secret = Secret::zeroed();
        secret.bytes_mut().copy_from_slice(&bytes);
        let shares = split(&secret, threshold, count, &SeededEntropy::new(seed)).unwrap();
        let mut order: Vec<&Share> = shares.iter().collect();
        let turn = usize::try_from(seed % u64::from(count)).unwrap();
        order.rotate_left(turn);
        if seed % 2 == 0 {
            order.reverse();
        }
        let given = combine(&order[..usize::from(threshold)]);
        prop_assert_eq!(given.bytes(), secret.bytes());
        let fewer = combine(&order[..usize::from(threshold) - 1]);
        prop_assert_ne!(fewer.bytes(), secret.bytes());
    }

    #[test]
    fn a_printed_share_is_read_back(seed: u64, threshold in 2_u8..=10) {
        let shares = split(&secret(seed), threshold, 10, &SeededEntropy::new(seed)).unwrap();
        for share in &shares {
            let text = share.to_text();
            let typed = text.to_lowercase().replace('-', " ").replacen("mw share", "Mw-Share", 1);
            let typed = typed.replace('0', "o").replace('1', "l");
            for text in [text.as_str(), &format!("\n {typed} ")] {
                let read = Share::parse(text).unwrap();
                prop_assert_eq!(read.value.bytes(), share.value.bytes());
                prop_assert_eq!((read.set, read.index), (share.set, share.index));
                prop_assert_eq!((read.threshold, read.count), (threshold, 10));
            }
        }
    }

    #[test]
    fn nothing_typed_panics(text in ".{0,120}") {
        let _ = Share::parse(&text);
        let text = format!("MW-SHARE-{text}");
        prop_assert!(Share::parse(&text).is_err());
    }
}

/// With one share too few every value of the secret is as likely as any other: over many sharings of
/// one secret the bytes of a share are spread evenly (chi-squared, 255 degrees of freedom: 99.99 % of
/// fair draws stay below 344), and do not differ between two secrets.
#[test]
fn a_share_alone_looks_like_noise() {
    for fill in [0x00, 0xff] {
        let mut secret = Secret::zeroed();
        secret.bytes_mut().fill(fill);
        let entropy = SeededEntropy::new(7);
        let mut counts = [[0_u32; 256]; 3];
        for _ in 0..2_000 {
            let shares = split(&secret, 3, 3, &entropy).unwrap();
            // Two of three, one by one and added: what somebody with two of three sees.
            for byte in 0..KEY_BYTES {
                let (a, b) = (shares[0].value.bytes()[byte], shares[1].value.bytes()[byte]);
                counts[0][usize::from(a)] += 1;
                counts[1][usize::from(b)] += 1;
                counts[2][usize::from(a ^ b)] += 1;
            }
        }
        let expected = f64::from(2_000_u32 * 32) / 256.0;
        for counts in counts {
            let squares = counts.iter().map(|count| (f64::from(*count) - expected).powi(2));
            let chi_squared = squares.sum::<f64>() / expected;
            assert!(chi_squared < 344.0, "{chi_squared} with secret {fill:02x}…");
        }
    }
}

#[test]
fn every_mistyped_digit_and_every_swap_is_noticed() {
    let shares = split(&secret(3), 2, 3, &SeededEntropy::new(3)).unwrap();
    let text = shares[0].to_text();
    assert_eq!(text.len(), "MW-SHARE".len() + 12 * 7);
    let digits: Vec<usize> =
        (PREFIX.len()..text.len()).filter(|at| text.as_bytes()[*at] != b'-').collect();
    assert_eq!(digits.len(), DIGITS);
    for at in &digits {
        for digit in ALPHABET {
            let mut wrong = text.as_bytes().to_vec();
            if wrong[*at] == *digit {
                continue;
            }
            wrong[*at] = *digit;
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(matches!(Share::parse(&wrong), Err(SealError::ShareFormat(_))), "{wrong}");
        }
    }
    for pair in digits.windows(2) {
        let mut wrong = text.as_bytes().to_vec();
        if wrong[pair[0]] != wrong[pair[1]] {
            wrong.swap(pair[0], pair[1]);
            assert!(Share::parse(&String::from_utf8(wrong).unwrap()).is_err());
        }
    }
    for end in 0..text.len() {
        assert!(Share::parse(&text[..end]).is_err());
    }
    assert!(Share::parse(&format!("{}0", *text)).is_err());
}

#[test]
fn a_pile_takes_each_share_of_one_set_once() {
    let (ours, theirs) = (
        split(&secret(4), 2, 3, &SeededEntropy::new(4)).unwrap(),
        split(&secret(4), 2, 3, &SeededEntropy::new(5)).unwrap(),
    );
    let again = Share::parse(&ours[0].to_text()).unwrap();
    let mut pile = SharePile::default();
    let [first, second, _] = ours.try_into().unwrap();
    assert_eq!(pile.add(first).unwrap(), 1);
    let said = |error: SealError| error.to_string();
    assert!(said(pile.add(again).unwrap_err()).contains("counted already"));
    assert!(
        said(pile.add(theirs.into_iter().next().unwrap()).unwrap_err()).contains("another set")
    );
    assert_eq!(pile.len(), 1);
    assert_eq!(pile.add(second).unwrap(), 2);
    pile.clear();
    assert!(pile.is_empty());
}

#[test]
fn only_sensible_numbers_of_shares_are_made() {
    for (threshold, count) in [(0, 3), (1, 3), (4, 3), (2, 1), (2, 11), (11, 11)] {
        let made = split(&secret(5), threshold, count, &SeededEntropy::new(5));
        assert!(matches!(made, Err(SealError::ShareCount { .. })), "{threshold} of {count}");
    }
}

#[test]
fn debug_shows_no_value() {
    let shares = split(&secret(6), 2, 2, &SeededEntropy::new(6)).unwrap();
    let shown = format!("{:?}", shares[0]);
    assert!(shown.ends_with(" 1/2)"), "{shown}");
    assert!(!shown.contains(&hex::encode(&shares[0].value.bytes()[..2])));
}
