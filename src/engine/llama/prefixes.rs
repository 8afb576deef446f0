//! What was computed for earlier prompts and is kept, by tenant.
//!
//! A kept prefix is a sequence of llama.cpp's cache. In the unified cache a sequence that begins
//! with another's tokens shares their cells, so keeping both costs the cells of their union alone.
//! At most a few dozen are kept, so they are compared token by token: that is microseconds beside
//! the computation that it saves.
//!
//! A model whose state is rolled forward (Mamba, RWKV, hybrids of them) can't go back in it. Of such a model
//! a state is kept whole, as a checkpoint, and taken where it is wanted again: at the end of each
//! prompt, and where a prompt parts from an earlier one of its tenant, which is where the next one will.

use llama_cpp_2::token::LlamaToken;
use models::protocol::PrefixScope;

/// Fewest common tokens that are worth a copy.
pub(super) const WORTH_TOKENS: usize = 16;

/// A prompt and its answer, as the cache holds them.
#[derive(Debug)]
pub(super) struct Kept {
    /// The sequence's number.
    pub(super) slot: i32,
    pub(super) scope: PrefixScope,
    pub(super) tokens: Vec<LlamaToken>,
    /// When it was last used, as a number that grows.
    used: u64,
}

/// How a model remembers what it has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// A cell for each token: any beginning of a sequence can be used.
    Cells,
    /// Cells, and a state that is rolled forward: only whole sequences can be used.
    CellsAndState,
    /// A state alone, as large for many tokens as for one.
    State,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Prefixes {
    memory: Memory,
    kept: Vec<Kept>,
    now: u64,
}

impl Prefixes {
    /// None yet, of a model with such a memory.
    pub(super) const fn new(memory: Memory) -> Self {
        Self { memory, kept: Vec::new(), now: 0 }
    }

    /// How many tokens of `prompt` the state should be kept after, when it is computed: ascending, none
    /// where any beginning can be used anyway.
    pub(super) fn checkpoints(&self, scope: PrefixScope, prompt: &[LlamaToken]) -> Vec<usize> {
        if self.memory == Memory::Cells {
            return Vec::new();
        }
        // The last token is computed for each text anew, because it gives the logits.
        let end = prompt.len().saturating_sub(1);
        let own = self.kept.iter().filter(|kept| kept.scope == scope);
        let parts = own.map(|kept| common(&kept.tokens, &prompt[..end])).max().unwrap_or(0);
        let mut checkpoints = vec![parts, end];
        checkpoints.dedup();
        checkpoints.retain(|length| *length >= WORTH_TOKENS);
        checkpoints
    }

    /// Keeps a sequence. Gives back the slots of those that it makes needless: of the same tenant,
    /// and a beginning of it, or the same where a beginning can't be had from it.
    pub(super) fn keep(
        &mut self,
        slot: i32,
        scope: PrefixScope,
        tokens: Vec<LlamaToken>,
    ) -> Vec<i32> {
        let (needless, kept) =
            std::mem::take(&mut self.kept).into_iter().partition::<Vec<_>, _>(|old| {
                let covered = match self.memory {
                    Memory::Cells => tokens.starts_with(&old.tokens),
                    Memory::CellsAndState | Memory::State => tokens == old.tokens,
                };
                old.scope == scope && covered
            });
        self.kept = kept;
        self.now += 1;
        self.kept.push(Kept { slot, scope, tokens, used: self.now });
        needless.into_iter().map(|old| old.slot).collect()
    }

    /// The sequence of this tenant that begins most like `prompt`, and for how many tokens; it
    /// counts as used.
    pub(super) fn best(
        &mut self,
        scope: PrefixScope,
        prompt: &[LlamaToken],
    ) -> Option<(i32, usize)> {
        let own = self.kept.iter_mut().filter(|kept| kept.scope == scope);
        let whole = self.memory != Memory::Cells;
        let (best, length) = own
            .map(|kept| {
                let length = common(&kept.tokens, prompt);
                let usable = !whole || length == kept.tokens.len();
                (kept, if usable { length } else { 0 })
            })
            .max_by_key(|(_, length)| *length)?;
        if length < WORTH_TOKENS {
            return None;
        }
        self.now += 1;
        best.used = self.now;
        Some((best.slot, length))
    }

    /// Cells that a text shares which begins with `length` tokens of the sequence in `slot`, as long as that is
    /// kept.
    pub(super) fn shared_cells(&self, slot: i32, length: usize) -> usize {
        let is_kept = self.kept.iter().any(|kept| kept.slot == slot);
        if is_kept && self.memory != Memory::State { length } else { 0 }
    }

    /// Lets go of the one that was not used for longest.
    pub(super) fn evict(&mut self) -> Option<Kept> {
        let oldest = (0..self.kept.len()).min_by_key(|i| self.kept[*i].used)?;
        Some(self.kept.swap_remove(oldest))
    }

    /// Cells that are kept, those that are shared counted as often as they are.
    pub(super) fn cells(&self) -> usize {
        match self.memory {
            Memory::State => 0,
            _ => self.kept.iter().map(|kept| kept.tokens.len()).sum(),
        }
    }
}

/// How many tokens two sequences have in common at their beginning.
pub(super) fn common(a: &[LlamaToken], b: &[LlamaToken]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const HERE: PrefixScope = PrefixScope([1; 16]);
    const THERE: PrefixScope = PrefixScope([2; 16]);

    fn tokens(range: std::ops::Range<i32>) -> Vec<LlamaToken> {
        range.map(LlamaToken).collect()
    }

    #[test]
    fn another_tenants_prefix_is_never_used() {
        let mut prefixes = Prefixes::new(Memory::Cells);
        prefixes.keep(1, HERE, tokens(0..100));
        assert_eq!(prefixes.best(THERE, &tokens(0..100)), None);
        assert_eq!(prefixes.best(HERE, &tokens(0..50)), Some((1, 50)));
    }

    #[test]
    fn the_longest_common_beginning_wins_and_short_ones_are_not_worth_it() {
        let mut prefixes = Prefixes::new(Memory::Cells);
        prefixes.keep(1, HERE, tokens(0..40));
        let mut other = tokens(0..20);
        other.extend(tokens(500..600));
        prefixes.keep(2, HERE, other.clone());
        assert_eq!(prefixes.best(HERE, &tokens(0..60)), Some((1, 40)));
        assert_eq!(prefixes.best(HERE, &other[..30]), Some((2, 30)));
        assert_eq!(prefixes.best(HERE, &tokens(0..10)), None);
    }

    #[test]
    fn what_became_longer_replaces_its_beginning() {
        let mut prefixes = Prefixes::new(Memory::Cells);
        assert!(prefixes.keep(1, HERE, tokens(0..40)).is_empty());
        assert!(prefixes.keep(2, THERE, tokens(0..60)).is_empty(), "of another tenant");
        assert_eq!(prefixes.keep(3, HERE, tokens(0..60)), [1]);
    }

    #[test]
    fn the_least_used_goes_first() {
        let mut prefixes = Prefixes::new(Memory::Cells);
        prefixes.keep(1, HERE, tokens(0..40));
        prefixes.keep(2, HERE, tokens(100..140));
        prefixes.best(HERE, &tokens(0..40));
        assert_eq!(prefixes.cells(), 80);
        assert_eq!((prefixes.shared_cells(1, 30), prefixes.shared_cells(7, 30)), (30, 0));
        assert_eq!(prefixes.evict().unwrap().slot, 2);
        assert_eq!(prefixes.evict().unwrap().slot, 1);
        assert!(prefixes.evict().is_none());
    }

    #[test]
    fn a_state_is_used_whole_or_not_at_all() {
        let mut prefixes = Prefixes::new(Memory::State);
        prefixes.keep(1, HERE, tokens(0..40));
        assert!(
            prefixes.keep(2, HERE, tokens(0..60)).is_empty(),
            "the shorter one is of use still"
        );
        assert_eq!(prefixes.best(HERE, &tokens(0..50)), Some((1, 40)));
        assert_eq!(prefixes.best(HERE, &tokens(0..39)), None);
        assert_eq!(prefixes.keep(3, HERE, tokens(0..60)), [2], "the same again");
        assert_eq!(prefixes.cells(), 0);
        assert_eq!(Prefixes::new(Memory::CellsAndState).cells(), 0);
    }

    #[test]
    fn checkpoints_are_taken_where_prompts_part_and_where_they_end() {
        let mut prefixes = Prefixes::new(Memory::State);
        assert_eq!(prefixes.checkpoints(HERE, &tokens(0..100)), [99]);
        prefixes.keep(1, HERE, tokens(0..99));
        let mut second = tokens(0..30);
        second.extend(tokens(500..600));
        assert_eq!(prefixes.checkpoints(HERE, &second), [30, 129]);
        assert_eq!(prefixes.checkpoints(THERE, &second), [129], "another tenant's is not seen");
        assert_eq!(prefixes.checkpoints(HERE, &tokens(0..10)), [0; 0], "too short");
        assert_eq!(prefixes.checkpoints(HERE, &tokens(0..100)), [99], "the same again");
        let cells = Prefixes::new(Memory::Cells);
        assert_eq!(cells.checkpoints(HERE, &tokens(0..100)), [0; 0]);
    }
}
