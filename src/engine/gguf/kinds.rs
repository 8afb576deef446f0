//! How tensors are stored.

use std::fmt;

/// How the elements of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names of ggml.h; what they hold is in the table below")]
pub enum TensorKind {
    F32,
    F16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q8_1,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    Q8K,
    Iq2Xxs,
    Iq2Xs,
    Iq3Xxs,
    Iq1S,
    Iq4Nl,
    Iq3S,
    Iq2S,
    Iq4Xs,
    I8,
    I16,
    I32,
    I64,
    F64,
    Iq1M,
    Bf16,
    Tq1_0,
    Tq2_0,
    Mxfp4,
    Nvfp4,
    Q1_0,
    Q2_0,
}

/// A kind's number in the file, its name, elements of a block, bytes of a block.
type Row = (u32, &'static str, u64, u64);

/// From `enum ggml_type` in `ggml/include/ggml.h`, `type_traits` in `ggml/src/ggml.c` and the
/// asserted sizes of blocks in `ggml/src/ggml-common.h`, as of llama-cpp-sys-2 0.1.161. In the order
/// of [`TensorKind`].
const TABLE: [(TensorKind, Row); 35] = [
    (TensorKind::F32, (0, "F32", 1, 4)),
    (TensorKind::F16, (1, "F16", 1, 2)),
    (TensorKind::Q4_0, (2, "Q4_0", 32, 18)),
    (TensorKind::Q4_1, (3, "Q4_1", 32, 20)),
    (TensorKind::Q5_0, (6, "Q5_0", 32, 22)),
    (TensorKind::Q5_1, (7, "Q5_1", 32, 24)),
    (TensorKind::Q8_0, (8, "Q8_0", 32, 34)),
    (TensorKind::Q8_1, (9, "Q8_1", 32, 36)),
    (TensorKind::Q2K, (10, "Q2_K", 256, 84)),
    (TensorKind::Q3K, (11, "Q3_K", 256, 110)),
    (TensorKind::Q4K, (12, "Q4_K", 256, 144)),
    (TensorKind::Q5K, (13, "Q5_K", 256, 176)),
    (TensorKind::Q6K, (14, "Q6_K", 256, 210)),
    (TensorKind::Q8K, (15, "Q8_K", 256, 292)),
    (TensorKind::Iq2Xxs, (16, "IQ2_XXS", 256, 66)),
    (TensorKind::Iq2Xs, (17, "IQ2_XS", 256, 74)),
    (TensorKind::Iq3Xxs, (18, "IQ3_XXS", 256, 98)),
    (TensorKind::Iq1S, (19, "IQ1_S", 256, 50)),
    (TensorKind::Iq4Nl, (20, "IQ4_NL", 32, 18)),
    (TensorKind::Iq3S, (21, "IQ3_S", 256, 110)),
    (TensorKind::Iq2S, (22, "IQ2_S", 256, 82)),
    (TensorKind::Iq4Xs, (23, "IQ4_XS", 256, 136)),
    (TensorKind::I8, (24, "I8", 1, 1)),
    (TensorKind::I16, (25, "I16", 1, 2)),
    (TensorKind::I32, (26, "I32", 1, 4)),
    (TensorKind::I64, (27, "I64", 1, 8)),
    (TensorKind::F64, (28, "F64", 1, 8)),
    (TensorKind::Iq1M, (29, "IQ1_M", 256, 56)),
    (TensorKind::Bf16, (30, "BF16", 1, 2)),
    (TensorKind::Tq1_0, (34, "TQ1_0", 256, 54)),
    (TensorKind::Tq2_0, (35, "TQ2_0", 256, 66)),
    (TensorKind::Mxfp4, (39, "MXFP4", 32, 17)),
    (TensorKind::Nvfp4, (40, "NVFP4", 64, 36)),
    (TensorKind::Q1_0, (41, "Q1_0", 128, 18)),
    (TensorKind::Q2_0, (42, "Q2_0", 64, 18)),
];

/// Numbers that stood for kinds which the format no longer has.
const REMOVED: [u32; 8] = [4, 5, 31, 32, 33, 36, 37, 38];

/// Names of `general.file_type`: `enum llama_ftype` in `include/llama.h` of llama.cpp, as of
/// llama-cpp-sys-2 0.1.161, under the names that files are published with.
const FILE_TYPES: [(u64, &str); 36] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
    (36, "TQ1_0"),
    (37, "TQ2_0"),
    (38, "MXFP4"),
    (39, "NVFP4"),
    (40, "Q1_0"),
    (41, "Q2_0"),
];

impl TensorKind {
    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(kind, _)| *kind)
    }

    /// The kind that a number stands for in a file.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        TABLE.iter().find(|(_, row)| row.0 == code).map(|(kind, _)| *kind)
    }

    /// The number that stands for it in a file.
    #[must_use]
    pub const fn code(self) -> u32 {
        self.row().0
    }

    /// Its name, as llama.cpp's tools write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// Elements that are stored together. Rows consist of whole blocks.
    #[must_use]
    pub const fn block_elements(self) -> u64 {
        self.row().2
    }

    /// Size of a block.
    #[must_use]
    pub const fn block_bytes(self) -> u64 {
        self.row().3
    }

    const fn row(self) -> Row {
        TABLE[self as usize].1
    }
}

impl fmt::Display for TensorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a number stands for no kind.
pub(super) fn unknown_why(code: u32) -> &'static str {
    if REMOVED.contains(&code) { "no longer part of the format" } else { "not known" }
}

/// The name of a `general.file_type`, when it is known.
pub(super) fn file_type_name(code: u64) -> Option<&'static str> {
    FILE_TYPES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (index, (kind, row)) in TABLE.iter().enumerate() {
            assert_eq!(*kind as usize, index);
            assert_eq!(TensorKind::from_code(row.0), Some(*kind));
            assert!(!REMOVED.contains(&row.0));
        }
    }

    #[test]
    fn every_number_up_to_the_newest_is_known_or_removed() {
        for code in 0..=42 {
            assert_ne!(TensorKind::from_code(code).is_some(), REMOVED.contains(&code), "{code}");
        }
        assert_eq!(TensorKind::from_code(43), None);
    }
}
