//! Dimensions: exponents of the seven base units of the SI (BIPM, SI Brochure, 9th edition, section 2.3.3).

/// Exponents of metre, kilogram, second, ampere, kelvin, mole and candela.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Dimension(pub(super) [i8; 7]);

/// The base units, in the order of [`Dimension`].
const BASE: [&str; 7] = ["m", "kg", "s", "A", "K", "mol", "cd"];

/// Largest exponent; beyond it nothing physical is meant.
const EXPONENT_MAX: i8 = 24;

impl Dimension {
    pub(super) const NONE: Self = Self([0; 7]);
    pub(super) const TEMPERATURE: Self = Self([0, 0, 0, 0, 1, 0, 0]);

    /// Whether it is a plain number.
    pub(super) fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// Of a product; `None` when an exponent becomes too large.
    pub(super) fn times(self, other: Self) -> Option<Self> {
        self.zip(other, i8::checked_add)
    }

    /// Of a quotient.
    pub(super) fn per(self, other: Self) -> Option<Self> {
        self.zip(other, i8::checked_sub)
    }

    /// Of a power; `None` when it is not a whole number of every base unit.
    pub(super) fn power(self, exponent: f64) -> Option<Self> {
        let mut out = [0; 7];
        for (to, from) in out.iter_mut().zip(self.0) {
            let value = f64::from(from) * exponent;
            let whole = value.round();
            if (value - whole).abs() > 1e-9 || whole.abs() > f64::from(EXPONENT_MAX) {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, reason = "bounded by EXPONENT_MAX above")]
            let whole = whole as i8;
            *to = whole;
        }
        Some(Self(out))
    }

    /// In base units, such as `kg·m/s^2`; empty for a plain number.
    pub(super) fn name(self) -> String {
        let part = |want_positive: bool| {
            let mut parts = Vec::new();
            for (name, exponent) in BASE.iter().zip(self.0) {
                match exponent {
                    0 => {}
                    n if (n > 0) != want_positive => {}
                    1 | -1 => parts.push((*name).to_owned()),
                    n => parts.push(format!("{name}^{}", n.unsigned_abs())),
                }
            }
            parts
        };
        let (above, below) = (part(true), part(false));
        let above_text = above.join("·");
        match (above.is_empty(), below.len()) {
            (_, 0) => above_text,
            (true, 1) => format!("1/{}", below[0]),
            (true, _) => format!("1/({})", below.join("·")),
            (false, 1) => format!("{above_text}/{}", below[0]),
            (false, _) => format!("{above_text}/({})", below.join("·")),
        }
    }

    fn zip(self, other: Self, with: impl Fn(i8, i8) -> Option<i8>) -> Option<Self> {
        let mut out = [0; 7];
        for (i, to) in out.iter_mut().enumerate() {
            *to = with(self.0[i], other.0[i]).filter(|n| n.abs() <= EXPONENT_MAX)?;
        }
        Some(Self(out))
    }
}
