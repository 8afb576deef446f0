//! The embedder: picks a way to compute, proves it, and spreads work over threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use models::{ComputePath, Embedding, Priority};

use crate::error::EngineError;
use crate::fast::{FastModel, GROUP_TOKENS, Scratch};
use crate::reference::Reference;
use crate::self_check;
use crate::tokens::{Sequence, TextTokens};
use crate::weights::Weights;

/// How much nicer than the rest of the appliance threads are that do bulk work.
const BULK_NICENESS: i32 = 10;

/// Texts below which tokenizing on several threads costs more than it saves.
const PARALLEL_TEXTS: usize = 8;

/// Which way to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PathChoice {
    /// The fastest that this machine can and that passes its self-check.
    #[default]
    Fastest,
    /// This one or none.
    Only(ComputePath),
}

/// How to load an [`Embedder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedderOptions {
    /// Which way to compute.
    pub path: PathChoice,
    /// Threads that compute.
    pub threads: NonZeroUsize,
}

impl Default for EmbedderOptions {
    /// The fastest way, on all cores.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Self { path: PathChoice::Fastest, threads }
    }
}

/// all-MiniLM-L6-v2: text to `[384] f32`, L2-normalised.
pub struct Embedder {
    tokens: TextTokens,
    arithmetic: Arithmetic,
    path: ComputePath,
    fallback: Option<String>,
    threads: NonZeroUsize,
    /// Buffers that wait for a thread; as many as threads ever ran at once.
    scratches: Mutex<Vec<Scratch>>,
}

enum Arithmetic {
    Fast(FastModel),
    Reference(Reference),
}

impl Embedder {
    /// Loads the embedded weights and proves the way to compute against stored vectors.
    ///
    /// Takes some 150 ms for the fast paths, and about 15 MB of memory for bytes or 45 MB for
    /// floats.
    ///
    /// # Errors
    /// [`EngineError`] when the weights are not readable, or the chosen path is not supported here
    /// or fails its self-check.
    pub fn load(options: &EmbedderOptions) -> Result<Self, EngineError> {
        let all = [
            ComputePath::Int8Avx512Vnni,
            ComputePath::Int8Avx2,
            ComputePath::Float32,
            ComputePath::Reference,
        ];
        let path = match options.path {
            PathChoice::Only(path) => return Self::load_path(path, options.threads),
            PathChoice::Fastest => all,
        };
        let mut failures = Vec::new();
        for path in path {
            match Self::load_path(path, options.threads) {
                Ok(mut embedder) => {
                    embedder.fallback = (!failures.is_empty()).then(|| failures.join("; "));
                    return Ok(embedder);
                }
                Err(EngineError::Unsupported { .. }) => {}
                Err(error @ EngineError::SelfCheck { .. }) => failures.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        Err(EngineError::NoPath(failures.join("; ")))
    }

    fn load_path(path: ComputePath, threads: NonZeroUsize) -> Result<Self, EngineError> {
        let arithmetic = match path {
            ComputePath::Reference => Arithmetic::Reference(Reference::load()?),
            _ => Arithmetic::Fast(FastModel::load(&Weights::load()?, path)?),
        };
        let embedder = Self {
            tokens: TextTokens::load()?,
            arithmetic,
            path,
            fallback: None,
            threads,
            scratches: Mutex::new(Vec::new()),
        };
        self_check::run(&embedder)?;
        Ok(embedder)
    }

    /// The way it computes.
    #[must_use]
    pub const fn path(&self) -> ComputePath {
        self.path
    }

    /// Which faster ways failed their self-check, and how.
    #[must_use]
    pub fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    /// Threads that compute.
    #[must_use]
    pub const fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// Its tokenizer.
    #[must_use]
    pub const fn tokens(&self) -> &TextTokens {
        &self.tokens
    }

    /// Embeds texts of any number and length, in order. Blocks for about 7 ms per text of 128
    /// tokens on two cores with AVX-512 VNNI.
    ///
    /// # Errors
    /// [`EngineError`] when tokenizer or arithmetic fail.
    pub fn embed(&self, texts: &[&str]) -> Result<Vec<Embedding>, EngineError> {
        let sequences = self.sequences(texts)?;
        let sequences: Vec<_> = sequences.iter().collect();
        self.embed_sequences(&sequences, Priority::Interactive)
    }

    /// Tokenizes texts, in order.
    ///
    /// # Errors
    /// [`EngineError::Tokenizer`].
    pub fn sequences(&self, texts: &[&str]) -> Result<Vec<Sequence>, EngineError> {
        let one = |text: &&str| self.tokens.sequence(text);
        if texts.len() < PARALLEL_TEXTS || self.threads.get() == 1 {
            return texts.iter().map(one).collect();
        }
        let share = texts.len().div_ceil(self.threads.get());
        std::thread::scope(|scope| {
            let threads: Vec<_> = texts
                .chunks(share)
                .map(|texts| scope.spawn(move || texts.iter().map(one).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(join).collect()
        })
    }

    /// Embeds sequences, in order. [`Priority::Ingest`] yields the processor to everybody else.
    ///
    /// # Errors
    /// [`EngineError`] when the arithmetic fails.
    pub fn embed_sequences(
        &self,
        sequences: &[&Sequence],
        priority: Priority,
    ) -> Result<Vec<Embedding>, EngineError> {
        match &self.arithmetic {
            Arithmetic::Reference(model) => {
                sequences.iter().map(|sequence| model.embed(sequence)).collect()
            }
            Arithmetic::Fast(model) => self.spread(model, sequences, priority),
        }
    }

    /// Cuts the work into groups of like size and lets the threads take them one by one.
    fn spread(
        &self,
        model: &FastModel,
        sequences: &[&Sequence],
        priority: Priority,
    ) -> Result<Vec<Embedding>, EngineError> {
        let groups = group(sequences, self.threads.get());
        let next = Mutex::new(groups.iter());
        let work = || {
            let mut scratch = lock(&self.scratches).pop().unwrap_or_default();
            let mut results = Vec::new();
            loop {
                // The lock is released before the group is worked on.
                let taken = lock(&next).next();
                let Some(group) = taken else { break };
                let members: Vec<_> = group.iter().map(|index| sequences[*index]).collect();
                let embeddings = model.embed(&members, &mut scratch)?;
                results.extend(group.iter().copied().zip(embeddings));
            }
            lock(&self.scratches).push(scratch);
            Ok::<_, EngineError>(results)
        };
        let mut results = if groups.len() <= 1 && priority != Priority::Ingest {
            work()?
        } else {
            let work = || {
                if priority == Priority::Ingest {
                    yield_to_others();
                }
                work()
            };
            std::thread::scope(|scope| {
                let count = self.threads.get().min(groups.len());
                let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
                let mut all = Vec::with_capacity(sequences.len());
                for thread in threads {
                    all.extend(join(thread)?);
                }
                Ok::<_, EngineError>(all)
            })?
        };
        results.sort_unstable_by_key(|(index, _)| *index);
        Ok(results.into_iter().map(|(_, embedding)| embedding).collect())
    }
}

/// Indices of the sequences in groups of at most about [`GROUP_TOKENS`] tokens, at least one per
/// thread where there are enough: longest first into the emptiest group.
fn group(sequences: &[&Sequence], threads: usize) -> Vec<Vec<usize>> {
    let total: usize = sequences.iter().map(|sequence| sequence.ids().len()).sum();
    let count = total.div_ceil(GROUP_TOKENS).max(threads).min(sequences.len());
    let mut groups = vec![(0, Vec::new()); count];
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(sequences[*index].ids().len()));
    for index in order {
        if let Some((tokens, members)) = groups.iter_mut().min_by_key(|(tokens, _)| *tokens) {
            *tokens += sequences[index].ids().len();
            members.push(index);
        }
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

/// Lowers the calling thread's priority for the rest of its life.
fn yield_to_others() {
    // On Linux process 0 is the calling thread. Without permission the work is done all the same.
    let _ = rustix::process::setpriority_process(None, BULK_NICENESS);
}

/// The thread's result; its panic becomes this thread's.
fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The lock, also after a panic elsewhere: what it guards is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
