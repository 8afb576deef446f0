//! Dense layers: weights packed once into panels, products tile by tile, results handed on while
//! they are in registers or first-level cache.

use super::level::{Isa, Level, MAX_TILE_COLUMNS, TILE_ROWS, Tile};
use super::math::{RowScale, quantise_row};
use crate::weights::Table;

/// Largest magnitude of a quantised weight.
const WEIGHT_MAX: f32 = 127.0;

/// Numbers with which a layer is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precision {
    Int8,
    Float32,
}

/// y = x · Wᵀ + b, packed for one level.
pub(super) struct Linear {
    bias: Vec<f32>,
    panels: Panels,
}

/// The matrix as panels of the level's tile width, `[columns / width, depth, width]`; bytes have
/// four depths of a column together (see [`Isa::tile_i8`]).
enum Panels {
    Float32(Vec<f32>),
    Int8(BytePanels),
}

/// Signed bytes with one step per column (output channel): `weight ≈ byte · step`.
struct BytePanels {
    bytes: Vec<i8>,
    steps: Vec<f32>,
    /// Sum of each column's weights, for the rows' offsets.
    sums: Vec<f32>,
}

/// Rows of activations as the layer wants them, padded to whole tiles.
pub(super) struct Rows<'a> {
    /// `[padded rows, depth]`; for layers of floats.
    pub(super) floats: &'a [f32],
    /// `[padded rows, depth]` and a scale per row; for layers of bytes.
    pub(super) bytes: &'a [u8],
    pub(super) scales: &'a [RowScale],
}

/// Where results go.
pub(super) trait Sink {
    /// Takes the values of columns `column..` of `row`, bias added. `#[inline(always)]`.
    fn put<I: Isa>(&mut self, row: usize, column: usize, values: &[f32]);
}

/// A matrix of weights, row by row, as it is stored: `[columns of the layer, depth]`.
pub(super) struct Matrix {
    pub(super) rows: Vec<Vec<f32>>,
    pub(super) bias: Vec<f32>,
}

impl Matrix {
    /// Reads a stored matrix; `factor` is multiplied in.
    pub(super) fn read(table: Table, rows: usize, bias: Vec<f32>, factor: f32) -> Self {
        let rows = (0..rows).map(|r| table.row(r).map(|value| value * factor).collect()).collect();
        let bias = bias.into_iter().map(|value| value * factor).collect();
        Self { rows, bias }
    }

    /// Sets `other` beside this one: its columns of results come after this one's.
    pub(super) fn beside(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self.bias.extend(other.bias);
        self
    }
}

impl Linear {
    /// Packs `matrix`; its size must be whole panels and whole groups of four depths.
    pub(super) fn pack(matrix: &Matrix, precision: Precision, level: Level) -> Self {
        let width = level.tile_columns();
        let depth = matrix.rows.first().map_or(0, Vec::len);
        let panels = match precision {
            Precision::Float32 => Panels::Float32(pack_floats(&matrix.rows, depth, width)),
            Precision::Int8 => Panels::Int8(pack_bytes(&matrix.rows, depth, width)),
        };
        Self { bias: matrix.bias.clone(), panels }
    }

    /// Multiplies `n_rows` rows of width `DEPTH` and hands every tile's rows to `sink`.
    #[inline(always)]
    pub(super) fn apply<I: Isa, S: Sink, const DEPTH: usize>(
        &self,
        input: &Rows<'_>,
        n_rows: usize,
        sink: &mut S,
    ) {
        match &self.panels {
            Panels::Float32(floats) => {
                self.apply_floats::<I, S, DEPTH>(floats, input.floats, n_rows, sink);
            }
            Panels::Int8(panels) => {
                self.apply_bytes::<I, S, DEPTH>(panels, input, n_rows, sink);
            }
        }
    }

    #[inline(always)]
    fn apply_floats<I: Isa, S: Sink, const DEPTH: usize>(
        &self,
        panels: &[f32],
        input: &[f32],
        n_rows: usize,
        sink: &mut S,
    ) {
        let width = I::TILE_COLUMNS;
        let mut tile = Tile([[0.0; MAX_TILE_COLUMNS]; TILE_ROWS]);
        let biases = self.bias.chunks_exact(width);
        for (p, (panel, bias)) in panels.chunks_exact(width * DEPTH).zip(biases).enumerate() {
            for first in (0..n_rows).step_by(TILE_ROWS) {
                I::tile_f32::<DEPTH>(&input[first * DEPTH..], panel, &mut tile);
                for (row, sums) in (first..n_rows).zip(&mut tile.0) {
                    let sums = &mut sums[..width];
                    for (sum, bias) in sums.iter_mut().zip(bias) {
                        *sum += *bias;
                    }
                    sink.put::<I>(row, p * width, sums);
                }
            }
        }
    }

    #[inline(always)]
    fn apply_bytes<I: Isa, S: Sink, const DEPTH: usize>(
        &self,
        panels: &BytePanels,
        input: &Rows<'_>,
        n_rows: usize,
        sink: &mut S,
    ) {
        let width = I::TILE_COLUMNS;
        let mut tile = Tile([[0; MAX_TILE_COLUMNS]; TILE_ROWS]);
        let mut values = [0.0; MAX_TILE_COLUMNS];
        for (p, panel) in panels.bytes.chunks_exact(width * DEPTH).enumerate() {
            let columns = p * width..(p + 1) * width;
            let (steps, sums) = (&panels.steps[columns.clone()], &panels.sums[columns.clone()]);
            let bias = &self.bias[columns];
            for first in (0..n_rows).step_by(TILE_ROWS) {
                I::tile_i8::<DEPTH>(&input.bytes[first * DEPTH..], panel, &mut tile);
                for (row, products) in (first..n_rows).zip(&tile.0) {
                    // Σ (byte · step + offset) · weight
                    let RowScale { step, offset } = input.scales[row];
                    for c in 0..width {
                        let shift = I::multiply_add(offset, sums[c], bias[c]);
                        #[expect(
                            clippy::cast_precision_loss,
                            reason = "products stay below 2²⁶; f32 keeps 24 bits of them"
                        )]
                        let product = products[c] as f32;
                        values[c] = I::multiply_add(product, step * steps[c], shift);
                    }
                    sink.put::<I>(row, p * width, &values[..width]);
                }
            }
        }
    }

    pub(super) const fn wants_bytes(&self) -> bool {
        matches!(self.panels, Panels::Int8(_))
    }
}

/// Quantises rows of `depth` floats, as many as there are.
#[inline(always)]
pub(super) fn quantise_rows<I: Isa>(
    floats: &[f32],
    depth: usize,
    bytes: &mut [u8],
    scales: &mut [RowScale],
) {
    let rows = floats.chunks_exact(depth).zip(bytes.chunks_exact_mut(depth));
    for ((row, bytes), scale) in rows.zip(scales) {
        *scale = quantise_row::<I>(row, bytes);
    }
}

fn pack_floats(rows: &[Vec<f32>], depth: usize, width: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(rows.len() * depth);
    for panel in rows.chunks_exact(width) {
        for d in 0..depth {
            packed.extend(panel.iter().map(|row| row[d]));
        }
    }
    packed
}

fn pack_bytes(rows: &[Vec<f32>], depth: usize, width: usize) -> BytePanels {
    let mut steps = Vec::with_capacity(rows.len());
    let mut sums = Vec::with_capacity(rows.len());
    let quantised: Vec<Vec<i8>> = rows
        .iter()
        .map(|row| {
            let largest = row.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
            let step = (largest / WEIGHT_MAX).max(f32::MIN_POSITIVE);
            #[expect(clippy::cast_possible_truncation, reason = "at most 127 by the step's choice")]
            let bytes: Vec<i8> = row.iter().map(|w| (w / step).round() as i8).collect();
            steps.push(step);
            sums.push(bytes.iter().map(|b| f32::from(*b)).sum::<f32>() * step);
            bytes
        })
        .collect();
    let mut bytes = Vec::with_capacity(rows.len() * depth);
    for panel in quantised.chunks_exact(width) {
        for d in (0..depth).step_by(4) {
            for row in panel {
                bytes.extend_from_slice(&row[d..d + 4]);
            }
        }
    }
    BytePanels { bytes, steps, sums }
}
