//! Writing a GGUF file, version 3, without holding it.

use std::collections::HashSet;
use std::io::{self, Write};

use super::error::{GgufError, shown};
use super::header::{check_alignment, fits};
use super::kinds::TensorKind;
use super::layout::{TensorInfo, padded};
use super::value::{Array, Value};
use super::{ALIGNMENT_KEY, MAGIC, VERSION, limits};

/// The plan of a file: its metadata and tensors. [`Self::write`] lays it out.
///
/// ```
/// use engine::gguf::{GgufError, GgufHeader, GgufWriter, TensorKind};
///
/// let mut plan = GgufWriter::new();
/// plan.metadata("general.architecture", "llama")?;
/// plan.tensor("numbers", vec![3], TensorKind::F32)?;
/// let mut file = Vec::new();
/// plan.write(&mut file, |_, out| {
///     (1..=3_u8).try_for_each(|number| out.write_all(&f32::from(number).to_le_bytes()))
/// })?;
/// let header = GgufHeader::read(std::io::Cursor::new(&file), file.len() as u64)?;
/// assert_eq!(header.tensors[0].elements(), 3);
/// # Ok::<_, GgufError>(())
/// ```
#[derive(Clone, Debug)]
pub struct GgufWriter {
    metadata: Vec<(String, Value)>,
    keys: HashSet<String>,
    tensors: Vec<TensorInfo>,
    names: HashSet<String>,
    alignment: u64,
    /// End of the data of all tensors so far, with what it is padded by.
    end_bytes: u64,
}

impl Default for GgufWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl GgufWriter {
    /// A file without anything, whose tensors will be aligned to 32 bytes.
    #[must_use]
    pub fn new() -> Self {
        Self {
            metadata: Vec::new(),
            keys: HashSet::new(),
            tensors: Vec::new(),
            names: HashSet::new(),
            alignment: limits::DEFAULT_ALIGNMENT,
            end_bytes: 0,
        }
    }

    /// Adds an entry. `general.alignment` also says how the tensors are aligned, and comes before
    /// the first of them.
    ///
    /// # Errors
    /// [`GgufError`] when the reader would not take it: a key that is empty, too long or there
    /// already, a text that is too long, an array of mixed kinds, of arrays or without its elements.
    pub fn metadata(&mut self, key: &str, value: impl Into<Value>) -> Result<(), GgufError> {
        let value = value.into();
        let refuse = |why: &str| Err(unwritable(key, why));
        if key.is_empty() || key.len() as u64 > limits::MAX_KEY_BYTES {
            return refuse("the key is empty or too long");
        }
        if self.metadata.len() as u64 >= limits::MAX_METADATA {
            return refuse("there are too many entries");
        }
        check_value(&value).or_else(refuse)?;
        if key == ALIGNMENT_KEY {
            let Value::U32(alignment) = value else { return refuse("it must be a u32") };
            if !self.tensors.is_empty() {
                return refuse("it must come before the tensors");
            }
            self.alignment = check_alignment(alignment.into())?;
        }
        if !self.keys.insert(key.to_owned()) {
            return refuse("it is there already");
        }
        self.metadata.push((key.to_owned(), value));
        Ok(())
    }

    /// Adds a tensor: elements in each direction, the row first.
    ///
    /// # Errors
    /// [`GgufError`] when the reader would not take it: its name, its shape, or there are too many.
    pub fn tensor(
        &mut self,
        name: &str,
        dimensions: Vec<u64>,
        kind: TensorKind,
    ) -> Result<(), GgufError> {
        let refuse = |why: &str| Err(unwritable(name, why));
        if name.is_empty() || name.len() as u64 > limits::MAX_TENSOR_NAME_BYTES {
            return refuse("the name is empty or too long");
        }
        if self.tensors.len() as u64 >= limits::MAX_TENSORS {
            return refuse("there are too many tensors");
        }
        let mut tensor = TensorInfo::new(name, dimensions, kind)?;
        tensor.offset_bytes = self.end_bytes;
        let end_bytes = padded(tensor.size_bytes, self.alignment)
            .and_then(|size_bytes| size_bytes.checked_add(self.end_bytes));
        let Some(end_bytes) = end_bytes else { return refuse("the file would be too large") };
        if !self.names.insert(name.to_owned()) {
            return refuse("it is there already");
        }
        self.end_bytes = end_bytes;
        self.tensors.push(tensor);
        Ok(())
    }

    /// The tensors, in the order in which they are written.
    #[must_use]
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// Writes the file; `fill` writes the data of one tensor after the other. Returns its size.
    ///
    /// # Errors
    /// [`GgufError::Io`] when `out` or `fill` fail, [`GgufError::Unwritable`] when `fill` wrote
    /// more or less than a tensor's size. What was written until then is no whole file.
    pub fn write(
        &self,
        out: impl Write,
        mut fill: impl FnMut(&TensorInfo, &mut dyn Write) -> io::Result<()>,
    ) -> Result<u64, GgufError> {
        let mut out = Counted { out, written_bytes: 0 };
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&(self.tensors.len() as u64).to_le_bytes())?;
        out.write_all(&(self.metadata.len() as u64).to_le_bytes())?;
        for (key, value) in &self.metadata {
            write_text(&mut out, key)?;
            out.write_all(&value.kind().code().to_le_bytes())?;
            write_value(&mut out, value)?;
        }
        for tensor in &self.tensors {
            write_info(&mut out, tensor)?;
        }
        if !self.tensors.is_empty() {
            out.pad(self.alignment)?;
        }
        for tensor in &self.tensors {
            let begin = out.written_bytes;
            fill(tensor, &mut out)?;
            let found = out.written_bytes - begin;
            if found != tensor.size_bytes {
                let why = format!("{found} bytes came for {}", tensor.size_bytes);
                return Err(unwritable(&tensor.name, &why));
            }
            out.pad(self.alignment)?;
        }
        out.flush()?;
        Ok(out.written_bytes)
    }
}

fn unwritable(what: &str, why: &str) -> GgufError {
    GgufError::Unwritable { what: shown(what), why: why.to_owned() }
}

fn check_value(value: &Value) -> Result<(), &'static str> {
    let too_long =
        |value: &Value, allowed: u64| value.text().is_some_and(|text| text.len() as u64 > allowed);
    if too_long(value, limits::MAX_STRING_BYTES) {
        return Err("the text is too long");
    }
    let Value::Array(Array { kind, length, elements }) = value else { return Ok(()) };
    let Some(elements) = elements else { return Err("the elements are not there") };
    if elements.len() as u64 != *length {
        return Err("the array has another number of elements than it says");
    }
    if !elements.iter().all(|element| fits(element, *kind)) {
        return Err("the elements must be of the array's kind, which is not an array");
    }
    if elements.iter().any(|element| too_long(element, limits::MAX_ELEMENT_BYTES)) {
        return Err("a text in the array is too long");
    }
    Ok(())
}

fn write_text(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(text.as_bytes())
}

fn write_value(out: &mut impl Write, value: &Value) -> io::Result<()> {
    match value {
        Value::U8(number) => out.write_all(&number.to_le_bytes()),
        Value::I8(number) => out.write_all(&number.to_le_bytes()),
        Value::U16(number) => out.write_all(&number.to_le_bytes()),
        Value::I16(number) => out.write_all(&number.to_le_bytes()),
        Value::U32(number) => out.write_all(&number.to_le_bytes()),
        Value::I32(number) => out.write_all(&number.to_le_bytes()),
        Value::U64(number) => out.write_all(&number.to_le_bytes()),
        Value::I64(number) => out.write_all(&number.to_le_bytes()),
        Value::F32(number) => out.write_all(&number.to_le_bytes()),
        Value::F64(number) => out.write_all(&number.to_le_bytes()),
        Value::Bool(truth) => out.write_all(&[u8::from(*truth)]),
        Value::String(text) => write_text(out, text),
        Value::Array(array) => {
            out.write_all(&array.kind.code().to_le_bytes())?;
            out.write_all(&array.length.to_le_bytes())?;
            let elements = array.elements.as_deref().unwrap_or(&[]);
            elements.iter().try_for_each(|element| write_value(out, element))
        }
    }
}

fn write_info(out: &mut impl Write, tensor: &TensorInfo) -> io::Result<()> {
    write_text(out, &tensor.name)?;
    let dimensions = u32::try_from(tensor.dimensions.len()).map_err(io::Error::other)?;
    out.write_all(&dimensions.to_le_bytes())?;
    for dimension in &tensor.dimensions {
        out.write_all(&dimension.to_le_bytes())?;
    }
    out.write_all(&tensor.kind.code().to_le_bytes())?;
    out.write_all(&tensor.offset_bytes.to_le_bytes())
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    written_bytes: u64,
}

impl<W: Write> Counted<W> {
    /// Writes zeros up to the next multiple of `alignment`.
    fn pad(&mut self, alignment: u64) -> io::Result<()> {
        while !self.written_bytes.is_multiple_of(alignment) {
            self.write_all(&[0])?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.written_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
