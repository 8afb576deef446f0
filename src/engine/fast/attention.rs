//! Self-attention, one sequence and head at a time, without padding to a common length.

use super::level::{Isa, MAX_TILE_COLUMNS, TILE_ROWS, Tile};
use super::linear::Sink;
use super::math::softmax_numerators;
use crate::weights::{HEAD, HEADS, HIDDEN, POSITIONS};

/// Distance between two rows of scores: the longest sequence, and a little more so that the rows of
/// a tile do not all fall on the same lines of the first-level cache.
const SCORE_STRIDE: usize = POSITIONS + 16;

/// Sequences packed back to back: where each begins, and how many rows there are.
#[derive(Default)]
pub(super) struct Layout {
    /// First row of each sequence, and after the last one the number of rows.
    pub(super) starts: Vec<usize>,
    /// For each row its column among the transposed keys, where every sequence begins a panel.
    key_columns: Vec<usize>,
    /// First key column of each sequence, and after the last one the number of columns.
    key_starts: Vec<usize>,
}

impl Layout {
    /// Lays out sequences of these lengths.
    pub(super) fn arrange(&mut self, lengths: impl Iterator<Item = usize>) {
        self.starts.clear();
        self.key_columns.clear();
        self.key_starts.clear();
        self.starts.push(0);
        self.key_starts.push(0);
        let (mut row, mut column) = (0, 0);
        for length in lengths {
            self.key_columns.extend(column..column + length);
            row += length;
            column += length.next_multiple_of(MAX_TILE_COLUMNS);
            self.starts.push(row);
            self.key_starts.push(column);
        }
    }

    pub(super) fn n_rows(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    fn n_key_columns(&self) -> usize {
        self.key_starts.last().copied().unwrap_or(0)
    }

    /// First row and number of rows of each sequence.
    pub(super) fn sequences(&self) -> impl Iterator<Item = (usize, usize)> {
        self.starts.windows(2).map(|pair| (pair[0], pair[1] - pair[0]))
    }
}

/// Queries, keys and values of a group of sequences, each in the order in which it is read.
#[derive(Default)]
pub(super) struct Heads {
    /// `[heads, padded rows, HEAD]`
    queries: Vec<f32>,
    /// `[heads, key columns / tile width, HEAD, tile width]`: transposed, in panels.
    keys: Vec<f32>,
    /// `[heads, HEAD / tile width, padded rows, tile width]`: in panels.
    values: Vec<f32>,
    padded_rows: usize,
    key_columns: usize,
    /// `[TILE_ROWS, SCORE_STRIDE]`
    scores: Vec<f32>,
}

impl Heads {
    /// Makes room for `layout`.
    pub(super) fn resize(&mut self, layout: &Layout) {
        // The last tile of queries may begin at the last row.
        self.padded_rows = layout.n_rows() + TILE_ROWS;
        self.key_columns = layout.n_key_columns();
        self.queries.resize(self.padded_rows * HIDDEN, 0.0);
        self.values.resize(self.padded_rows * HIDDEN, 0.0);
        self.keys.resize(self.key_columns * HIDDEN, 0.0);
        self.scores.resize(TILE_ROWS * SCORE_STRIDE, 0.0);
    }

    /// The sink that takes the joint projection: queries, then keys, then values.
    pub(super) const fn sink<'a>(&'a mut self, layout: &'a Layout) -> HeadsSink<'a> {
        HeadsSink { heads: self, layout }
    }

    /// Attends within each sequence; writes `[rows, HIDDEN]`.
    #[inline(always)]
    pub(super) fn attend<I: Isa>(&mut self, layout: &Layout, out: &mut [f32]) {
        for (s, (start, length)) in layout.sequences().enumerate() {
            let columns = length.next_multiple_of(MAX_TILE_COLUMNS);
            for head in 0..HEADS {
                for first in (0..length).step_by(TILE_ROWS) {
                    let n_rows = TILE_ROWS.min(length - first);
                    self.scores::<I>(head, start + first, layout.key_starts[s], columns);
                    let sums = self.normalise::<I>(n_rows, length, columns);
                    self.weigh::<I>(head, start, length, |row, column, values| {
                        if row < n_rows {
                            let at = (start + first + row) * HIDDEN + head * HEAD + column;
                            let factor = 1.0 / sums[row];
                            for (out, value) in out[at..at + values.len()].iter_mut().zip(values) {
                                *out = value * factor;
                            }
                        }
                    });
                }
            }
        }
    }

    /// Scores of a tile of queries against all keys of their sequence.
    #[inline(always)]
    fn scores<I: Isa>(&mut self, head: usize, first_row: usize, key_start: usize, columns: usize) {
        let queries = &self.queries[(head * self.padded_rows + first_row) * HEAD..];
        let keys = &self.keys[(head * self.key_columns + key_start) * HEAD..];
        let mut tile = Tile([[0.0; MAX_TILE_COLUMNS]; TILE_ROWS]);
        let panels = keys.chunks_exact(I::TILE_COLUMNS * HEAD).take(columns / I::TILE_COLUMNS);
        for (p, panel) in panels.enumerate() {
            I::tile_f32::<HEAD>(queries, panel, &mut tile);
            for (row, sums) in tile.0.iter().enumerate() {
                let at = row * SCORE_STRIDE + p * I::TILE_COLUMNS;
                self.scores[at..at + I::TILE_COLUMNS].copy_from_slice(&sums[..I::TILE_COLUMNS]);
            }
        }
    }

    /// Softmax numerators in place of the scores; gives each row's sum.
    #[inline(always)]
    fn normalise<I: Isa>(
        &mut self,
        n_rows: usize,
        length: usize,
        columns: usize,
    ) -> [f32; TILE_ROWS] {
        let mut sums = [1.0; TILE_ROWS];
        for (row, sum) in sums.iter_mut().enumerate().take(n_rows) {
            let scores = &mut self.scores[row * SCORE_STRIDE..][..columns];
            // What lies beyond the sequence weighs nothing.
            scores[length..].fill(f32::MIN);
            *sum = softmax_numerators::<I>(scores);
        }
        sums
    }

    /// Weighted sums of the sequence's values, handed on by row and by column within the head.
    #[inline(always)]
    fn weigh<I: Isa>(
        &self,
        head: usize,
        start: usize,
        length: usize,
        mut put: impl FnMut(usize, usize, &[f32]),
    ) {
        let width = I::TILE_COLUMNS;
        let mut tile = Tile([[0.0; MAX_TILE_COLUMNS]; TILE_ROWS]);
        let panel_length = self.padded_rows * width;
        for p in 0..HEAD / width {
            let panel = &self.values[(head * (HEAD / width) + p) * panel_length..][start * width..];
            I::tile_f32::<SCORE_STRIDE>(&self.scores, &panel[..length * width], &mut tile);
            for (row, sums) in tile.0.iter().enumerate() {
                put(row, p * width, &sums[..width]);
            }
        }
    }
}

/// Sorts the joint projection into [`Heads`].
pub(super) struct HeadsSink<'a> {
    heads: &'a mut Heads,
    layout: &'a Layout,
}

impl Sink for HeadsSink<'_> {
    #[inline(always)]
    fn put<I: Isa>(&mut self, row: usize, column: usize, values: &[f32]) {
        let width = I::TILE_COLUMNS;
        let heads = &mut *self.heads;
        let (part, column) = (column / HIDDEN, column % HIDDEN);
        let (head, within) = (column / HEAD, column % HEAD);
        match part {
            0 => {
                let at = (head * heads.padded_rows + row) * HEAD + within;
                heads.queries[at..at + width].copy_from_slice(&values[..width]);
            }
            1 => {
                let key_column = self.layout.key_columns[row];
                let (panel, lane) = (key_column / width, key_column % width);
                let base = head * heads.key_columns * HEAD + panel * width * HEAD + lane;
                let panel = &mut heads.keys[base + within * width..];
                for (target, value) in panel.iter_mut().step_by(width).zip(values) {
                    *target = *value;
                }
            }
            _ => {
                let panel = head * (HEAD / width) + within / width;
                let at = (panel * heads.padded_rows + row) * width;
                heads.values[at..at + width].copy_from_slice(&values[..width]);
            }
        }
    }
}
