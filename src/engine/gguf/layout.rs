//! The list of tensors: shapes, kinds, and where their data lies.

use std::collections::HashSet;
use std::io::{Read, Seek};

use super::cursor::Cursor;
use super::error::{GgufError, shown};
use super::kinds::{self, TensorKind};
use super::limits;

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, for instance `blk.0.attn_q.weight`.
    pub name: String,
    /// Elements in each direction, the row first; one to four of them, none zero.
    pub dimensions: Vec<u64>,
    /// How its elements are stored.
    pub kind: TensorKind,
    /// Where its data begins, counted from the beginning of all data.
    pub offset_bytes: u64,
    /// Size of its data.
    pub size_bytes: u64,
}

impl TensorInfo {
    /// A tensor whose shape and name are allowed, at offset 0 as yet.
    pub(super) fn new(
        name: &str,
        dimensions: Vec<u64>,
        kind: TensorKind,
    ) -> Result<Self, GgufError> {
        let size_bytes = size_bytes(name, &dimensions, kind)?;
        Ok(Self { name: name.to_owned(), dimensions, kind, offset_bytes: 0, size_bytes })
    }

    /// Elements of it.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.dimensions.iter().fold(1, |product, dimension| product.saturating_mul(*dimension))
    }
}

/// Reads `count` tensors.
pub(super) fn read<R: Read + Seek>(
    cursor: &mut Cursor<R>,
    count: u64,
) -> Result<Vec<TensorInfo>, GgufError> {
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for index in 0..count {
        let what = format!("the name of tensor {index}");
        let place = cursor.place(what.as_str());
        let name = cursor.text(&what, limits::MAX_TENSOR_NAME_BYTES)?;
        if name.is_empty() {
            return Err(GgufError::Empty { place });
        }
        let tensor = tensor(cursor, &name)?;
        if !names.insert(name) {
            return Err(GgufError::Duplicate { place, name: shown(&tensor.name) });
        }
        tensors.push(tensor);
    }
    Ok(tensors)
}

fn tensor<R: Read + Seek>(cursor: &mut Cursor<R>, name: &str) -> Result<TensorInfo, GgufError> {
    let what = format!("tensor {}", shown(name));
    let found = cursor.u32(&what)?;
    if found == 0 || found > limits::MAX_DIMENSIONS {
        return Err(GgufError::Dimensions { tensor: shown(name), found: found.into() });
    }
    let dimensions: Result<Vec<_>, _> = (0..found).map(|_| cursor.u64(&what)).collect();
    let code = cursor.u32(&what)?;
    let kind = TensorKind::from_code(code).ok_or_else(|| GgufError::UnknownTensorKind {
        tensor: shown(name),
        found: code,
        why: kinds::unknown_why(code),
    })?;
    let mut tensor = TensorInfo::new(name, dimensions?, kind)?;
    tensor.offset_bytes = cursor.u64(&what)?;
    Ok(tensor)
}

/// Size of a tensor's data, when its shape can be.
fn size_bytes(name: &str, dimensions: &[u64], kind: TensorKind) -> Result<u64, GgufError> {
    let wrong = |why| GgufError::Shape { tensor: shown(name), shape: dimensions.to_vec(), why };
    if dimensions.is_empty() || dimensions.len() > limits::MAX_DIMENSIONS as usize {
        return Err(GgufError::Dimensions { tensor: shown(name), found: dimensions.len() as u64 });
    }
    if dimensions.contains(&0) {
        return Err(wrong("without elements; every dimension must be at least 1"));
    }
    let (row, block) = (dimensions[0], kind.block_elements());
    if !row.is_multiple_of(block) {
        return Err(GgufError::BlockSize { tensor: shown(name), kind: kind.name(), row, block });
    }
    dimensions
        .iter()
        .try_fold(1_u64, |product, dimension| product.checked_mul(*dimension))
        .filter(|elements| *elements <= limits::MAX_ELEMENTS)
        .and_then(|elements| (elements / block).checked_mul(kind.block_bytes()))
        .ok_or_else(|| wrong("too large; elements and bytes must be countable in 63 bits"))
}

/// `size_bytes` and what it is padded by.
pub(super) const fn padded(size_bytes: u64, alignment: u64) -> Option<u64> {
    size_bytes.checked_next_multiple_of(alignment)
}

/// Proves that the tensors lie one after the other, each inside of the file.
///
/// llama.cpp takes them only in this order and without gaps (`gguf_init_from_reader`), which also
/// means that no two of them share a byte.
pub(super) fn check(
    tensors: &[TensorInfo],
    data_offset_bytes: u64,
    alignment: u64,
    file_bytes: u64,
) -> Result<(), GgufError> {
    let mut end = 0_u64;
    let mut before: Option<&TensorInfo> = None;
    let mut cut: Option<&TensorInfo> = None;
    let mut wanted_bytes = 0;
    for tensor in tensors {
        check_offset(tensor, before, end, alignment)?;
        let countable = || GgufError::Shape {
            tensor: shown(&tensor.name),
            shape: tensor.dimensions.clone(),
            why: "too large with what is before it",
        };
        wanted_bytes = data_offset_bytes
            .checked_add(tensor.offset_bytes)
            .and_then(|begin| begin.checked_add(tensor.size_bytes))
            .ok_or_else(countable)?;
        if wanted_bytes > file_bytes && cut.is_none() {
            cut = Some(tensor);
        }
        end = padded(tensor.size_bytes, alignment)
            .and_then(|size_bytes| end.checked_add(size_bytes))
            .ok_or_else(countable)?;
        before = Some(tensor);
    }
    let Some(tensor) = cut else { return Ok(()) };
    Err(GgufError::Truncated {
        tensor: shown(&tensor.name),
        file_bytes,
        wanted_bytes,
        missing_bytes: wanted_bytes - file_bytes,
    })
}

fn check_offset(
    tensor: &TensorInfo,
    before: Option<&TensorInfo>,
    end: u64,
    alignment: u64,
) -> Result<(), GgufError> {
    let (name, found) = (shown(&tensor.name), tensor.offset_bytes);
    if !found.is_multiple_of(alignment) {
        return Err(GgufError::Misaligned { tensor: name, found, alignment });
    }
    match before {
        Some(other) if found < end => {
            let other = shown(&other.name);
            Err(GgufError::Overlap { tensor: name, found, other, end })
        }
        _ if found > end => Err(GgufError::Gap { tensor: name, found, end }),
        _ => Ok(()),
    }
}
