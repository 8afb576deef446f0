//! Numbers with a dimension, and what may be done with them.

use super::dimension::Dimension;
use super::units::{Scale, Unit};

/// A number in SI units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) value: f64,
    pub(super) dimension: Dimension,
    pub(super) scale: Scale,
}

/// Why two quantities don't go together, in words.
pub(super) type Reason = String;

impl Quantity {
    pub(super) const fn number(value: f64) -> Self {
        Self { value, dimension: Dimension::NONE, scale: Scale::Plain }
    }

    pub(super) fn of(value: f64, unit: &Unit) -> Self {
        Self {
            value: value * unit.factor + unit.offset,
            dimension: unit.dimension,
            scale: unit.scale,
        }
    }

    /// What stands before `unit`.
    pub(super) fn in_unit(self, unit: &Unit) -> Result<f64, Reason> {
        self.same_dimension(unit.dimension)?;
        match (self.scale, unit.scale) {
            (Scale::Point, Scale::Difference) => {
                Err("a temperature is no difference of temperatures".to_owned())
            }
            // The difference of two readings, shown on a scale of degrees.
            (Scale::Difference, Scale::Point) => Ok(self.value / unit.factor),
            _ => Ok((self.value - unit.offset) / unit.factor),
        }
    }

    pub(super) fn plus(self, other: Self, sign: f64) -> Result<Self, Reason> {
        self.same_dimension(other.dimension)?;
        let value = self.value + sign * other.value;
        let scale = match (self.scale, other.scale, sign < 0.0) {
            (Scale::Point, Scale::Point, true) | (Scale::Plain, Scale::Point, true) => {
                Scale::Difference
            }
            (Scale::Point, Scale::Point, false) => {
                return Err("two temperatures can't be added; a difference is written as ΔK \
                            or Δ°C"
                    .to_owned());
            }
            (Scale::Difference, Scale::Point, true) => {
                return Err("a temperature can't be taken from a difference".to_owned());
            }
            (Scale::Point, _, _) | (_, Scale::Point, false) => Scale::Point,
            (Scale::Difference, Scale::Difference, _) => Scale::Difference,
            _ => Scale::Plain,
        };
        checked(Self { value, scale, ..self })
    }

    pub(super) fn times(self, other: Self) -> Result<Self, Reason> {
        let scale = self.scale_of_product(other)?;
        let dimension = self.dimension.times(other.dimension).ok_or_else(too_high)?;
        checked(Self { value: self.value * other.value, dimension, scale })
    }

    pub(super) fn per(self, other: Self) -> Result<Self, Reason> {
        if other.value == 0.0 {
            return Err("division by zero".to_owned());
        }
        let scale = self.scale_of_product(other)?;
        let dimension = self.dimension.per(other.dimension).ok_or_else(too_high)?;
        checked(Self { value: self.value / other.value, dimension, scale })
    }

    pub(super) fn power(self, exponent: Self) -> Result<Self, Reason> {
        let exponent = exponent.plain("an exponent")?;
        self.no_point()?;
        let dimension = self.dimension.power(exponent).ok_or_else(|| {
            format!("{} to the power of {exponent} is no unit", self.dimension.name())
        })?;
        if self.value < 0.0 && exponent.fract() != 0.0 {
            return Err("a broken power of a negative number is no real number".to_owned());
        }
        if self.value == 0.0 && exponent < 0.0 {
            return Err("division by zero".to_owned());
        }
        checked(Self { value: self.value.powf(exponent), dimension, scale: Scale::Plain })
    }

    pub(super) fn negated(self) -> Result<Self, Reason> {
        // -20 °C is read with its sign; this is the sign of anything else.
        self.no_point()?;
        Ok(Self { value: -self.value, ..self })
    }

    /// Its value, when it has no unit.
    pub(super) fn plain(self, what: &str) -> Result<f64, Reason> {
        if self.dimension.is_none() {
            Ok(self.value)
        } else {
            Err(format!("{what} must be a number without a unit, not {}", self.dimension.name()))
        }
    }

    pub(super) fn same_dimension(self, other: Dimension) -> Result<(), Reason> {
        if self.dimension == other {
            return Ok(());
        }
        let name = |dimension: Dimension| {
            let name = dimension.name();
            if name.is_empty() { "a number without a unit".to_owned() } else { name }
        };
        Err(format!("{} and {} don't go together", name(self.dimension), name(other)))
    }

    fn no_point(self) -> Result<(), Reason> {
        if self.scale == Scale::Point {
            let reason = "a temperature in °C or °F can only be compared, added to and subtracted \
                          from; convert it to K first";
            return Err(reason.to_owned());
        }
        Ok(())
    }

    fn scale_of_product(self, other: Self) -> Result<Scale, Reason> {
        self.no_point()?;
        other.no_point()?;
        let differs = self.scale == Scale::Difference && other.dimension.is_none()
            || other.scale == Scale::Difference && self.dimension.is_none();
        Ok(if differs { Scale::Difference } else { Scale::Plain })
    }
}

fn too_high() -> Reason {
    "the power of a unit becomes too high".to_owned()
}

/// Nothing but numbers goes on.
pub(super) fn checked(quantity: Quantity) -> Result<Quantity, Reason> {
    if quantity.value.is_finite() {
        Ok(quantity)
    } else {
        Err("the result is too large, or no number".to_owned())
    }
}
