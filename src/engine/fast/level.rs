//! Which instructions this machine has, and how arithmetic gets compiled for each.
//!
//! Arithmetic is written once, as [`Kernel`]s in plain Rust whose loops the compiler turns into
//! vector instructions. [`Level::run`] enters a function compiled for the level's instructions, and
//! everything a kernel calls is inlined into it; that is why all of it is `#[inline(always)]`.

use models::ComputePath;

use super::x86;

/// Rows in a tile of a matrix product; buffers are padded to whole tiles.
pub(super) const TILE_ROWS: usize = 12;

/// Columns of the widest tile.
pub(super) const MAX_TILE_COLUMNS: usize = 32;

/// One tile of results, row by row; levels with narrower tiles use the first columns.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct Tile<T>(pub(super) [[T; MAX_TILE_COLUMNS]; TILE_ROWS]);

/// Arithmetic that is compiled once per level.
pub(super) trait Kernel {
    /// Does it. Implementations are `#[inline(always)]`.
    fn run<I: Isa>(self);
}

/// What differs between levels.
pub(super) trait Isa: Copy {
    /// Columns of a tile, and width of a packed panel of a right-hand matrix. Divides 32.
    const TILE_COLUMNS: usize;

    /// Largest value of a quantised activation.
    const ACTIVATION_MAX: u8;

    /// `a * b + c`, fused where the machine can.
    fn multiply_add(a: f32, b: f32, c: f32) -> f32;

    /// Product of [`TILE_ROWS`] rows of `left`, each `STRIDE` after the one before, with a panel
    /// `[depth, TILE_COLUMNS]`; depth is at most `STRIDE`.
    fn tile_f32<const STRIDE: usize>(left: &[f32], panel: &[f32], out: &mut Tile<f32>);

    /// The same for unsigned by signed bytes, exact. In the panel, four consecutive depths of a
    /// column lie together: `[depth / 4, TILE_COLUMNS, 4]`.
    fn tile_i8<const STRIDE: usize>(left: &[u8], panel: &[i8], out: &mut Tile<i32>);
}

/// The rows of a tile: `STRIDE` is a constant so that one register addresses them all.
#[inline(always)]
pub(super) fn tile_rows<T, const STRIDE: usize, const ROWS: usize>(
    left: &[T],
    first: usize,
) -> &[[T; STRIDE]; ROWS] {
    let rows = left.as_chunks::<STRIDE>().0;
    #[expect(
        clippy::expect_used,
        reason = "buffers are padded to whole tiles by `Scratch::resize`"
    )]
    rows[first..].first_chunk().expect("left-hand matrix holds a whole tile")
}

/// A set of instructions that this machine has; made by [`Level::detect`] alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level(Instructions);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instructions {
    Avx512Vnni,
    Avx2,
    Baseline,
}

impl Level {
    /// The level for `path`, if this machine has its instructions. Floats take the best there is.
    pub(super) fn detect(path: ComputePath) -> Option<Self> {
        let avx512 = x86::has_avx512_vnni().then_some(Self(Instructions::Avx512Vnni));
        let avx2 = x86::has_avx2().then_some(Self(Instructions::Avx2));
        match path {
            ComputePath::Int8Avx512Vnni => avx512,
            ComputePath::Int8Avx2 => avx2,
            ComputePath::Float32 => avx512.or(avx2).or(Some(Self(Instructions::Baseline))),
            ComputePath::Reference => None,
        }
    }

    /// All levels of this machine, for tests.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut levels = vec![Self(Instructions::Baseline)];
        levels.extend(Self::detect(ComputePath::Int8Avx2));
        levels.extend(Self::detect(ComputePath::Int8Avx512Vnni));
        levels
    }

    /// The levels of this machine that compute with bytes, for tests.
    #[cfg(test)]
    pub(super) fn with_bytes() -> Vec<Self> {
        [ComputePath::Int8Avx2, ComputePath::Int8Avx512Vnni]
            .into_iter()
            .filter_map(Self::detect)
            .collect()
    }

    pub(super) const fn tile_columns(self) -> usize {
        match self.0 {
            Instructions::Avx512Vnni => x86::Avx512Vnni::TILE_COLUMNS,
            Instructions::Avx2 => x86::Avx2::TILE_COLUMNS,
            Instructions::Baseline => Baseline::TILE_COLUMNS,
        }
    }

    /// Runs `kernel`, compiled for this level.
    #[expect(unsafe_code, reason = "entering a function compiled for other instructions")]
    pub(super) fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            // SAFETY: a `Level` with this value exists only after `detect` found every feature
            // that `x86::run_avx512_vnni` is compiled for.
            Instructions::Avx512Vnni => unsafe { x86::run_avx512_vnni(kernel) },
            // SAFETY: likewise for `x86::run_avx2`.
            Instructions::Avx2 => unsafe { x86::run_avx2(kernel) },
            Instructions::Baseline => kernel.run::<Baseline>(),
        }
    }
}

/// What every 64-bit machine of the target has.
#[derive(Clone, Copy)]
struct Baseline;

impl Isa for Baseline {
    const TILE_COLUMNS: usize = 8;
    const ACTIVATION_MAX: u8 = 127;

    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }

    #[inline(always)]
    fn tile_f32<const STRIDE: usize>(left: &[f32], panel: &[f32], out: &mut Tile<f32>) {
        let rows = tile_rows::<f32, STRIDE, TILE_ROWS>(left, 0);
        for (row, sums) in rows.iter().zip(&mut out.0) {
            let mut row_sums = [0.0; Self::TILE_COLUMNS];
            let panel = panel.as_chunks::<{ Self::TILE_COLUMNS }>().0;
            for (value, weights) in row.iter().zip(panel) {
                for (sum, weight) in row_sums.iter_mut().zip(weights) {
                    *sum += value * weight;
                }
            }
            sums[..Self::TILE_COLUMNS].copy_from_slice(&row_sums);
        }
    }

    #[inline(always)]
    fn tile_i8<const STRIDE: usize>(left: &[u8], panel: &[i8], out: &mut Tile<i32>) {
        tile_i8_plain::<STRIDE, { Self::TILE_COLUMNS }>(left, panel, out);
    }
}

/// The definition of [`Isa::tile_i8`], in plain loops.
#[inline(always)]
pub(super) fn tile_i8_plain<const STRIDE: usize, const COLUMNS: usize>(
    left: &[u8],
    panel: &[i8],
    out: &mut Tile<i32>,
) {
    let rows = tile_rows::<u8, STRIDE, TILE_ROWS>(left, 0);
    for (row, sums) in rows.iter().zip(&mut out.0) {
        let mut row_sums = [0; COLUMNS];
        for (values, weights) in row.as_chunks::<4>().0.iter().zip(panel.chunks_exact(COLUMNS * 4))
        {
            for (sum, four) in row_sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                for (value, weight) in values.iter().zip(four) {
                    *sum += i32::from(*value) * i32::from(*weight);
                }
            }
        }
        sums[..COLUMNS].copy_from_slice(&row_sums);
    }
}
