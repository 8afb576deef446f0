//! The x86-64 levels: detection, entry points, and the two byte products that no loop in plain Rust
//! compiles to.
//!
//! The only file with vector intrinsics. Inside a function that is compiled for a feature the
//! feature's arithmetic intrinsics are safe to call; what remains unsafe is entering such a
//! function and reading vectors from memory.
#![expect(unsafe_code, reason = "vector intrinsics; each block states why it is sound")]

use std::arch::x86_64::{
    __m256, __m256i, __m512, __m512i, _mm256_add_epi32, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_storeu_ps,
    _mm256_storeu_si256, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps,
    _mm512_storeu_si512,
};

use super::level::{Isa, Kernel, TILE_ROWS, Tile, tile_rows};

/// AVX-512 with byte dot products (Intel since Cascade Lake and Ice Lake, AMD since Zen 4).
#[derive(Clone, Copy)]
pub(super) struct Avx512Vnni;

/// AVX2 and FMA (Intel since Haswell, AMD since Zen).
#[derive(Clone, Copy)]
pub(super) struct Avx2;

pub(super) fn has_avx512_vnni() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

pub(super) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Runs `kernel` compiled for AVX-512 VNNI; the machine must have the features named here.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma")]
pub(super) fn run_avx512_vnni<K: Kernel>(kernel: K) {
    kernel.run::<Avx512Vnni>();
}

/// Runs `kernel` compiled for AVX2; the machine must have the features named here.
#[target_feature(enable = "avx2,fma")]
pub(super) fn run_avx2<K: Kernel>(kernel: K) {
    kernel.run::<Avx2>();
}

impl Isa for Avx512Vnni {
    const TILE_COLUMNS: usize = 32;
    const ACTIVATION_MAX: u8 = 255;

    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn tile_f32<const STRIDE: usize>(left: &[f32], panel: &[f32], out: &mut Tile<f32>) {
        // SAFETY: this implementation is only reached through `run_avx512_vnni`, whose caller has
        // found the features.
        unsafe { tile_f32_avx512::<STRIDE>(left, panel, out) }
    }

    #[inline(always)]
    fn tile_i8<const STRIDE: usize>(left: &[u8], panel: &[i8], out: &mut Tile<i32>) {
        // SAFETY: this implementation is only reached through `run_avx512_vnni`, whose caller has
        // found the features.
        unsafe { tile_i8_avx512_vnni::<STRIDE>(left, panel, out) }
    }
}

impl Isa for Avx2 {
    const TILE_COLUMNS: usize = 16;
    /// `vpmaddubsw` adds two products in 16 bits and saturates: 2 · 127 · 127 still fits.
    const ACTIVATION_MAX: u8 = 127;

    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn tile_f32<const STRIDE: usize>(left: &[f32], panel: &[f32], out: &mut Tile<f32>) {
        for first in (0..TILE_ROWS).step_by(AVX2_F32_ROWS) {
            // SAFETY: this implementation is only reached through `run_avx2`, whose caller has
            // found the features.
            unsafe { tile_f32_avx2::<STRIDE>(left, panel, first, out) }
        }
    }

    #[inline(always)]
    fn tile_i8<const STRIDE: usize>(left: &[u8], panel: &[i8], out: &mut Tile<i32>) {
        for first in (0..TILE_ROWS).step_by(AVX2_I8_ROWS) {
            // SAFETY: this implementation is only reached through `run_avx2`, whose caller has
            // found the features.
            unsafe { tile_i8_avx2::<STRIDE>(left, panel, first, out) }
        }
    }
}

/// Rows that AVX2's sixteen registers can sum at once, in floats.
const AVX2_F32_ROWS: usize = 6;

/// The same for bytes, where the steps between take registers too.
const AVX2_I8_ROWS: usize = 4;

#[target_feature(enable = "avx512f")]
#[inline]
fn tile_f32_avx512<const STRIDE: usize>(left: &[f32], panel: &[f32], out: &mut Tile<f32>) {
    let rows = tile_rows::<f32, STRIDE, TILE_ROWS>(left, 0);
    let steps = pairs::<_, 16>(panel);
    let mut sums = [[_mm512_setzero_ps(); 2]; TILE_ROWS];
    for (d, [low, high]) in steps.iter().enumerate().take(STRIDE) {
        let (low, high) = (load_floats_512(low), load_floats_512(high));
        for r in 0..TILE_ROWS {
            let value = _mm512_set1_ps(rows[r][d]);
            sums[r][0] = _mm512_fmadd_ps(value, low, sums[r][0]);
            sums[r][1] = _mm512_fmadd_ps(value, high, sums[r][1]);
        }
    }
    for (row, [low, high]) in out.0.iter_mut().zip(sums) {
        let [first, second, ..] = row.as_chunks_mut().0 else { continue };
        store_floats_512(first, low);
        store_floats_512(second, high);
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn tile_f32_avx2<const STRIDE: usize>(
    left: &[f32],
    panel: &[f32],
    first: usize,
    out: &mut Tile<f32>,
) {
    let rows = tile_rows::<f32, STRIDE, AVX2_F32_ROWS>(left, first);
    let steps = pairs::<_, 8>(panel);
    let mut sums = [[_mm256_setzero_ps(); 2]; AVX2_F32_ROWS];
    for (d, [low, high]) in steps.iter().enumerate().take(STRIDE) {
        let (low, high) = (load_floats_256(low), load_floats_256(high));
        for r in 0..AVX2_F32_ROWS {
            let value = _mm256_set1_ps(rows[r][d]);
            sums[r][0] = _mm256_fmadd_ps(value, low, sums[r][0]);
            sums[r][1] = _mm256_fmadd_ps(value, high, sums[r][1]);
        }
    }
    for (row, [low, high]) in out.0[first..].iter_mut().zip(sums) {
        let [first, second, ..] = row.as_chunks_mut().0 else { continue };
        store_floats_256(first, low);
        store_floats_256(second, high);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
#[inline]
fn tile_i8_avx512_vnni<const STRIDE: usize>(left: &[u8], panel: &[i8], out: &mut Tile<i32>) {
    let rows = tile_rows::<u8, STRIDE, TILE_ROWS>(left, 0);
    let steps = pairs::<_, 64>(panel);
    let mut sums = [[_mm512_setzero_si512(); 2]; TILE_ROWS];
    for (d, [low, high]) in steps.iter().enumerate().take(STRIDE / 4) {
        let (low, high) = (load_bytes_512(low), load_bytes_512(high));
        for r in 0..TILE_ROWS {
            let values = _mm512_set1_epi32(i32::from_le_bytes(four(&rows[r], d)));
            sums[r][0] = _mm512_dpbusd_epi32(sums[r][0], values, low);
            sums[r][1] = _mm512_dpbusd_epi32(sums[r][1], values, high);
        }
    }
    for (row, [low, high]) in out.0.iter_mut().zip(sums) {
        let [first, second, ..] = row.as_chunks_mut().0 else { continue };
        store_integers_512(first, low);
        store_integers_512(second, high);
    }
}

#[target_feature(enable = "avx2")]
#[inline]
fn tile_i8_avx2<const STRIDE: usize>(left: &[u8], panel: &[i8], first: usize, out: &mut Tile<i32>) {
    let rows = tile_rows::<u8, STRIDE, AVX2_I8_ROWS>(left, first);
    let steps = pairs::<_, 32>(panel);
    let ones = _mm256_set1_epi16(1);
    let mut sums = [[_mm256_setzero_si256(); 2]; AVX2_I8_ROWS];
    for (d, [low, high]) in steps.iter().enumerate().take(STRIDE / 4) {
        let halves = [load_bytes_256(low), load_bytes_256(high)];
        for r in 0..AVX2_I8_ROWS {
            let values = _mm256_set1_epi32(i32::from_le_bytes(four(&rows[r], d)));
            for h in 0..2 {
                let pairs = _mm256_maddubs_epi16(values, halves[h]);
                sums[r][h] = _mm256_add_epi32(sums[r][h], _mm256_madd_epi16(pairs, ones));
            }
        }
    }
    for (row, [low, high]) in out.0[first..].iter_mut().zip(sums) {
        let [first, second, ..] = row.as_chunks_mut().0 else { continue };
        store_integers_256(first, low);
        store_integers_256(second, high);
    }
}

/// A panel as its steps of depth, each two vectors of `N` elements.
#[inline(always)]
fn pairs<T, const N: usize>(panel: &[T]) -> &[[[T; N]; 2]] {
    panel.as_chunks::<N>().0.as_chunks::<2>().0
}

/// Four consecutive depths of a row.
#[inline(always)]
fn four(row: &[u8], group: usize) -> [u8; 4] {
    row.as_chunks::<4>().0[group]
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_bytes_512(bytes: &[i8; 64]) -> __m512i {
    // SAFETY: reads the 64 bytes of the array; the instruction has no alignment requirement, and
    // every bit pattern is a vector.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_floats_512(floats: &[f32; 16]) -> __m512 {
    // SAFETY: reads the 16 numbers of the array; the instruction has no alignment requirement.
    unsafe { _mm512_loadu_ps(floats.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store_integers_512(out: &mut [i32; 16], vector: __m512i) {
    // SAFETY: writes the 16 numbers of the array; the instruction has no alignment requirement.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn store_floats_512(out: &mut [f32; 16], vector: __m512) {
    // SAFETY: writes the 16 numbers of the array; the instruction has no alignment requirement.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), vector) }
}

#[target_feature(enable = "avx")]
#[inline]
fn load_bytes_256(bytes: &[i8; 32]) -> __m256i {
    // SAFETY: reads the 32 bytes of the array; the instruction has no alignment requirement, and
    // every bit pattern is a vector.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx")]
#[inline]
fn load_floats_256(floats: &[f32; 8]) -> __m256 {
    // SAFETY: reads the 8 numbers of the array; the instruction has no alignment requirement.
    unsafe { _mm256_loadu_ps(floats.as_ptr()) }
}

#[target_feature(enable = "avx")]
#[inline]
fn store_integers_256(out: &mut [i32; 8], vector: __m256i) {
    // SAFETY: writes the 8 numbers of the array; the instruction has no alignment requirement.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), vector) }
}

#[target_feature(enable = "avx")]
#[inline]
fn store_floats_256(out: &mut [f32; 8], vector: __m256) {
    // SAFETY: writes the 8 numbers of the array; the instruction has no alignment requirement.
    unsafe { _mm256_storeu_ps(out.as_mut_ptr(), vector) }
}
