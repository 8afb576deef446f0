//! The fast path: the same network as [`crate::reference`], with own kernels.
//!
//! Sequences lie back to back without padding; dense layers are tiled products over weights packed
//! once, in bytes (weights quantised per output channel, activations per row while they pass) or
//! in floats; bias, GELU, residual and normalisation happen while a tile or row is in cache. A
//! row's arithmetic does not depend on the rows beside it, so a text's vector does not depend on
//! its batch.

mod attention;
mod level;
mod linear;
mod math;
mod x86;

#[cfg(test)]
mod tests;

use models::{ComputePath, Embedding};

use crate::error::EngineError;
use crate::tokens::Sequence;
use crate::weights::{FEED_FORWARD, HEAD, HIDDEN, LAYERS, POSITIONS, Table, VOCABULARY, Weights};
use attention::{Heads, Layout};
use level::{Isa, Kernel, Level, TILE_ROWS};
use linear::{Linear, Matrix, Precision, Rows, Sink, quantise_rows};
use math::{RowScale, gelu, layer_norm};

/// Tokens that go through the network together: few enough that a layer's activations stay in the
/// second-level cache, enough that a weight panel is used many times once it is there.
pub(crate) const GROUP_TOKENS: usize = 512;

/// Rows that go through the feed-forward layer together, for the same reason; whole tiles.
const FEED_FORWARD_ROWS: usize = 8 * TILE_ROWS;

/// The network, packed for one level.
pub(crate) struct FastModel {
    level: Level,
    words: Table,
    positions: Table,
    /// Row 0 of the token types: every text is of type 0.
    token_type: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Queries (times 1/√HEAD · log₂e, so that scores are ready for 2ˣ), keys and values.
    project: Linear,
    attend_out: Linear,
    attend_norm: Norm,
    expand: Linear,
    contract: Linear,
    out_norm: Norm,
}

struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

/// Buffers of one thread, reused from group to group.
#[derive(Default)]
pub(crate) struct Scratch {
    layout: Layout,
    /// `[padded rows, HIDDEN]`: the residual stream.
    hidden: Vec<f32>,
    /// `[padded rows, HIDDEN]`: what attention gives.
    attended: Vec<f32>,
    heads: Heads,
    /// `[FEED_FORWARD_ROWS, FEED_FORWARD]`
    expanded: Vec<f32>,
    bytes: Vec<u8>,
    scales: Vec<RowScale>,
}

impl FastModel {
    /// Packs the weights for `path`.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] when the machine lacks the instructions.
    pub(crate) fn load(weights: &Weights, path: ComputePath) -> Result<Self, EngineError> {
        let level = Level::detect(path).ok_or(EngineError::Unsupported { path })?;
        let precision = match path {
            ComputePath::Int8Avx512Vnni | ComputePath::Int8Avx2 => Precision::Int8,
            ComputePath::Float32 | ComputePath::Reference => Precision::Float32,
        };
        Self::pack(weights, level, precision)
    }

    fn pack(weights: &Weights, level: Level, precision: Precision) -> Result<Self, EngineError> {
        let token_types = weights.table("embeddings.token_type_embeddings.weight", 2, HIDDEN)?;
        Ok(Self {
            level,
            words: weights.table("embeddings.word_embeddings.weight", VOCABULARY, HIDDEN)?,
            positions: weights.table("embeddings.position_embeddings.weight", POSITIONS, HIDDEN)?,
            token_type: token_types.row(0).collect(),
            norm: Norm::read(weights, "embeddings.LayerNorm")?,
            layers: (0..LAYERS)
                .map(|index| Layer::pack(weights, index, level, precision))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The embeddings of sequences that have about [`GROUP_TOKENS`] tokens together.
    ///
    /// # Errors
    /// [`EngineError::Result`] when a result is no unit vector.
    pub(crate) fn embed(
        &self,
        sequences: &[&Sequence],
        scratch: &mut Scratch,
    ) -> Result<Vec<Embedding>, EngineError> {
        scratch.resize(sequences);
        self.level.run(Forward { model: self, sequences, scratch });
        let pooled = scratch.layout.sequences().map(|(start, length)| {
            let rows = &scratch.hidden[start * HIDDEN..(start + length) * HIDDEN];
            Ok(Embedding::normalise(mean(rows))?)
        });
        pooled.collect()
    }
}

impl Layer {
    fn pack(
        weights: &Weights,
        index: usize,
        level: Level,
        precision: Precision,
    ) -> Result<Self, EngineError> {
        let read = |name: &str, rows: usize, columns: usize, factor: f32| {
            let name = format!("encoder.layer.{index}.{name}");
            let table = weights.table(&format!("{name}.weight"), rows, columns)?;
            let bias = weights.vector(&format!("{name}.bias"), rows)?;
            Ok::<_, EngineError>(Matrix::read(table, rows, bias, factor))
        };
        #[expect(clippy::cast_precision_loss, reason = "a small constant")]
        let query_factor = std::f32::consts::LOG2_E / (HEAD as f32).sqrt();
        let project = read("attention.self.query", HIDDEN, HIDDEN, query_factor)?
            .beside(read("attention.self.key", HIDDEN, HIDDEN, 1.0)?)
            .beside(read("attention.self.value", HIDDEN, HIDDEN, 1.0)?);
        let attend_out = read("attention.output.dense", HIDDEN, HIDDEN, 1.0)?;
        let expand = read("intermediate.dense", FEED_FORWARD, HIDDEN, 1.0)?;
        let contract = read("output.dense", HIDDEN, FEED_FORWARD, 1.0)?;
        let norm = |name: &str| Norm::read(weights, &format!("encoder.layer.{index}.{name}"));
        Ok(Self {
            project: Linear::pack(&project, precision, level),
            attend_out: Linear::pack(&attend_out, precision, level),
            attend_norm: norm("attention.output.LayerNorm")?,
            expand: Linear::pack(&expand, precision, level),
            contract: Linear::pack(&contract, precision, level),
            out_norm: norm("output.LayerNorm")?,
        })
    }
}

impl Norm {
    fn read(weights: &Weights, name: &str) -> Result<Self, EngineError> {
        Ok(Self {
            scale: weights.vector(&format!("{name}.weight"), HIDDEN)?,
            shift: weights.vector(&format!("{name}.bias"), HIDDEN)?,
        })
    }

    #[inline(always)]
    fn apply<I: Isa>(&self, rows: &mut [f32]) {
        for row in rows.chunks_exact_mut(HIDDEN) {
            layer_norm::<I>(row, &self.scale, &self.shift);
        }
    }
}

impl Scratch {
    fn resize(&mut self, sequences: &[&Sequence]) {
        self.layout.arrange(sequences.iter().map(|sequence| sequence.ids().len()));
        let padded = self.layout.n_rows().next_multiple_of(TILE_ROWS);
        self.hidden.resize(padded * HIDDEN, 0.0);
        self.attended.resize(padded * HIDDEN, 0.0);
        self.expanded.resize(FEED_FORWARD_ROWS * FEED_FORWARD, 0.0);
        self.bytes.resize((padded * HIDDEN).max(FEED_FORWARD_ROWS * FEED_FORWARD), 0);
        self.scales.resize(padded.max(FEED_FORWARD_ROWS), RowScale::default());
        self.heads.resize(&self.layout);
    }
}

/// One group through the whole network.
struct Forward<'a> {
    model: &'a FastModel,
    sequences: &'a [&'a Sequence],
    scratch: &'a mut Scratch,
}

impl Kernel for Forward<'_> {
    #[inline(always)]
    fn run<I: Isa>(self) {
        let scratch = self.scratch;
        self.model.look_up::<I>(self.sequences, &mut scratch.hidden);
        for layer in &self.model.layers {
            layer.attention_block::<I>(scratch);
            let n_rows = scratch.layout.n_rows();
            for first in (0..n_rows).step_by(FEED_FORWARD_ROWS) {
                let rows = first..n_rows.min(first + FEED_FORWARD_ROWS);
                layer.feed_forward_block::<I>(scratch, rows);
            }
        }
    }
}

impl FastModel {
    /// Sum of word, position and type, normalised.
    #[inline(always)]
    fn look_up<I: Isa>(&self, sequences: &[&Sequence], hidden: &mut [f32]) {
        let tokens = sequences.iter().flat_map(|sequence| sequence.ids().iter().enumerate());
        for ((position, id), row) in tokens.zip(hidden.chunks_exact_mut(HIDDEN)) {
            let word = self.words.row(*id as usize);
            let position = self.positions.row(position);
            let sums = word.zip(position).zip(&self.token_type);
            for (value, ((word, position), token_type)) in row.iter_mut().zip(sums) {
                *value = word + position + token_type;
            }
            layer_norm::<I>(row, &self.norm.scale, &self.norm.shift);
        }
    }
}

impl Layer {
    #[inline(always)]
    fn attention_block<I: Isa>(&self, scratch: &mut Scratch) {
        let Scratch { layout, hidden, attended, heads, bytes, scales, .. } = scratch;
        let n_rows = layout.n_rows();
        if self.project.wants_bytes() {
            quantise_rows::<I>(&hidden[..n_rows * HIDDEN], HIDDEN, bytes, scales);
        }
        let input = Rows { floats: hidden, bytes, scales };
        self.project.apply::<I, _, HIDDEN>(&input, n_rows, &mut heads.sink(layout));
        heads.attend::<I>(layout, attended);
        if self.attend_out.wants_bytes() {
            quantise_rows::<I>(&attended[..n_rows * HIDDEN], HIDDEN, bytes, scales);
        }
        let input = Rows { floats: attended, bytes, scales };
        self.attend_out.apply::<I, _, HIDDEN>(&input, n_rows, &mut AddTo { sums: hidden });
        self.attend_norm.apply::<I>(&mut hidden[..n_rows * HIDDEN]);
    }

    /// The feed-forward layer for some rows of the residual stream.
    #[inline(always)]
    fn feed_forward_block<I: Isa>(&self, scratch: &mut Scratch, rows: std::ops::Range<usize>) {
        let Scratch { hidden, expanded, bytes, scales, .. } = scratch;
        let n_rows = rows.len();
        let hidden = &mut hidden[rows.start * HIDDEN..];
        if self.expand.wants_bytes() {
            quantise_rows::<I>(&hidden[..n_rows * HIDDEN], HIDDEN, bytes, scales);
        }
        let input = Rows { floats: hidden, bytes, scales };
        self.expand.apply::<I, _, HIDDEN>(&input, n_rows, &mut Gelu { out: expanded });
        if self.contract.wants_bytes() {
            let rows = &expanded[..n_rows * FEED_FORWARD];
            quantise_rows::<I>(rows, FEED_FORWARD, bytes, scales);
        }
        let input = Rows { floats: expanded, bytes, scales };
        self.contract.apply::<I, _, FEED_FORWARD>(&input, n_rows, &mut AddTo { sums: hidden });
        self.out_norm.apply::<I>(&mut hidden[..n_rows * HIDDEN]);
    }
}

/// Adds results to `[rows, HIDDEN]`: the residual connection.
struct AddTo<'a> {
    sums: &'a mut [f32],
}

impl Sink for AddTo<'_> {
    #[inline(always)]
    fn put<I: Isa>(&mut self, row: usize, column: usize, values: &[f32]) {
        let at = row * HIDDEN + column;
        for (sum, value) in self.sums[at..at + I::TILE_COLUMNS].iter_mut().zip(values) {
            *sum += *value;
        }
    }
}

/// Writes GELU of the results to `[rows, FEED_FORWARD]`.
struct Gelu<'a> {
    out: &'a mut [f32],
}

impl Sink for Gelu<'_> {
    #[inline(always)]
    fn put<I: Isa>(&mut self, row: usize, column: usize, values: &[f32]) {
        let at = row * FEED_FORWARD + column;
        for (out, value) in self.out[at..at + I::TILE_COLUMNS].iter_mut().zip(values) {
            *out = gelu::<I>(*value);
        }
    }
}

/// Mean of the rows.
fn mean(rows: &[f32]) -> [f32; HIDDEN] {
    let mut sums = [0.0; HIDDEN];
    for row in rows.chunks_exact(HIDDEN) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += *value;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 512 rows")]
    let count = (rows.len() / HIDDEN) as f32;
    sums.map(|sum| sum / count)
}
