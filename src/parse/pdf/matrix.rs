//! Transformations of PDF's plane (ISO 32000-1, 8.3.3).

use lopdf::Object;

use crate::model::BBox;

/// `[a b c d e f]`: maps (x, y) to (a·x + c·y + e, b·x + d·y + f).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Matrix {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) c: f32,
    pub(super) d: f32,
    pub(super) e: f32,
    pub(super) f: f32,
}

impl Matrix {
    pub(super) const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    pub(super) const fn translation(e: f32, f: f32) -> Self {
        Self { e, f, ..Self::IDENTITY }
    }

    /// From six operands; `None` when they are not six numbers.
    pub(super) fn from_operands(operands: &[Object]) -> Option<Self> {
        let mut n = [0f32; 6];
        if operands.len() != n.len() {
            return None;
        }
        for (slot, operand) in n.iter_mut().zip(operands) {
            *slot = operand.as_float().ok().filter(|v| v.is_finite())?;
        }
        Some(Self { a: n[0], b: n[1], c: n[2], d: n[3], e: n[4], f: n[5] })
    }

    /// First this, then `next`.
    pub(super) fn then(&self, next: &Self) -> Self {
        Self {
            a: self.a * next.a + self.b * next.c,
            b: self.a * next.b + self.b * next.d,
            c: self.c * next.a + self.d * next.c,
            d: self.c * next.b + self.d * next.d,
            e: self.e * next.a + self.f * next.c + next.e,
            f: self.e * next.b + self.f * next.d + next.f,
        }
    }

    pub(super) fn apply(&self, x: f32, y: f32) -> (f32, f32) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// The upright box around a mapped rectangle.
    pub(super) fn apply_box(&self, x0: f32, y0: f32, x1: f32, y1: f32) -> BBox {
        let (ax, ay) = self.apply(x0, y0);
        let (bx, by) = self.apply(x1, y1);
        let (cx, cy) = self.apply(x0, y1);
        let (dx, dy) = self.apply(x1, y0);
        BBox {
            left: ax.min(bx).min(cx).min(dx),
            top: ay.min(by).min(cy).min(dy),
            right: ax.max(bx).max(cx).max(dx),
            bottom: ay.max(by).max(cy).max(dy),
        }
    }

    /// How long a unit in y becomes.
    pub(super) fn y_scale(&self) -> f32 {
        self.c.hypot(self.d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_in_the_order_told() {
        let double = Matrix { a: 2.0, d: 2.0, ..Matrix::IDENTITY };
        let moved = Matrix::translation(10.0, 0.0);
        assert_eq!(double.then(&moved).apply(1.0, 1.0), (12.0, 2.0));
        assert_eq!(moved.then(&double).apply(1.0, 1.0), (22.0, 2.0));
        let quarter = Matrix { a: 0.0, b: 1.0, c: -1.0, d: 0.0, e: 0.0, f: 0.0 };
        assert_eq!(quarter.apply_box(0.0, 0.0, 4.0, 1.0), BBox::new(-1.0, 0.0, 0.0, 4.0));
        assert!((quarter.y_scale() - 1.0).abs() < 1e-6);
        assert_eq!(Matrix::from_operands(&[]), None);
    }
}
