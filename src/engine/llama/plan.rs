//! What goes into the next batch.

use models::protocol::Priority;

/// Tokens of one batch.
pub(super) const BATCH_TOKENS: usize = 512;

/// Least piece of a prompt beside texts that are being written.
const PIECE_MIN_TOKENS: usize = 2;

/// How much longer a batch may take than one that writes alone: what those who read along notice.
const STRETCH: f32 = 2.5;

/// Tokens of prompts that may once go into one batch beside texts that are being written: several
/// short questions that come together begin together.
const BURST_TOKENS: usize = BATCH_TOKENS / 2;

/// Batches from one such to the next, so that it is not among the ninety-nine in a hundred.
const BURST_EVERY: u32 = 128;

/// How fast an average forgets.
const AVERAGE_WEIGHT: f32 = 0.2;

/// A text, as far as planning cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Tokens of the prompt that are not computed yet; 0 when it is writing.
    pub(super) prompt_left: usize,
    pub(super) priority: Priority,
    /// When it came, as a number that grows.
    pub(super) order: u64,
}

/// How long batches take here, learned as they run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// One that only writes.
    writing_ms: Option<f32>,
    /// One more token of a prompt.
    prompt_token_ms: Option<f32>,
    /// Batches until the next burst.
    burst_in: u32,
}

impl Pace {
    /// Learns from a batch.
    pub(super) fn note(&mut self, writing: usize, prompt: usize, took_ms: f32) {
        let burst = writing > 0 && prompt > self.room(writing, usize::MAX);
        self.burst_in = if burst { BURST_EVERY } else { self.burst_in.saturating_sub(1) };
        if prompt == 0 {
            average(&mut self.writing_ms, took_ms);
        } else {
            let alone = if writing == 0 { 0.0 } else { self.writing_ms.unwrap_or(0.0) };
            average(&mut self.prompt_token_ms, (took_ms - alone).max(0.0) / prompt as f32);
        }
    }

    /// Tokens of prompts that may go beside `writing` texts, when so many wait.
    fn room(&self, writing: usize, wanted: usize) -> usize {
        let free = BATCH_TOKENS.saturating_sub(writing);
        let bursts = wanted <= BURST_TOKENS && self.burst_in == 0;
        if writing == 0 || bursts {
            return free;
        }
        let (Some(alone), Some(each)) = (self.writing_ms, self.prompt_token_ms) else {
            return free.min(PIECE_MIN_TOKENS * 2);
        };
        let extra = alone * (STRETCH - 1.0);
        let tokens = if each > 0.0 { extra / each } else { BATCH_TOKENS as f32 };
        (tokens as usize).clamp(PIECE_MIN_TOKENS, free.max(PIECE_MIN_TOKENS)).min(free)
    }
}

fn average(kept: &mut Option<f32>, value: f32) {
    *kept = Some(kept.map_or(value, |old| old + (value - old) * AVERAGE_WEIGHT));
}

/// How many tokens of each text go into the next batch: one for each that is writing, and pieces
/// of prompts in what room is left, the most urgent and then the oldest first.
pub(super) fn batch(wishes: &[Wish], pace: &Pace) -> Vec<usize> {
    let mut counts = vec![0; wishes.len()];
    let mut writing = 0;
    for (count, wish) in counts.iter_mut().zip(wishes) {
        if wish.prompt_left == 0 && writing < BATCH_TOKENS {
            *count = 1;
            writing += 1;
        }
    }
    let wanted = wishes.iter().map(|wish| wish.prompt_left).sum();
    let mut room = pace.room(writing, wanted);
    let mut reading: Vec<usize> =
        (0..wishes.len()).filter(|i| wishes[*i].prompt_left > 0).collect();
    reading.sort_by_key(|i| (wishes[*i].priority, wishes[*i].order));
    for i in reading {
        counts[i] = wishes[i].prompt_left.min(room);
        room -= counts[i];
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn wish(prompt_left: usize, priority: Priority, order: u64) -> Wish {
        Wish { prompt_left, priority, order }
    }

    #[test]
    fn alone_a_prompt_fills_the_batch() {
        let pace = Pace::default();
        assert_eq!(batch(&[wish(4000, Priority::Ingest, 0)], &pace), [BATCH_TOKENS]);
    }

    #[test]
    fn who_writes_always_gets_a_token_and_a_long_prompt_only_what_does_not_hold_them_up() {
        let mut pace = Pace::default();
        pace.note(2, 0, 10.0);
        // 2 tokens of a prompt take a millisecond; 15 ms may be added to 10.
        pace.note(2, 40, 30.0);
        let wishes = [
            wish(0, Priority::Agent, 0),
            wish(4000, Priority::Interactive, 1),
            wish(0, Priority::Interactive, 2),
        ];
        assert_eq!(batch(&wishes, &pace), [1, 30, 1]);
    }

    #[test]
    fn urgent_prompts_go_first_and_old_ones_before_new_ones() {
        let pace = Pace::default();
        let wishes = [
            wish(400, Priority::Agent, 0),
            wish(100, Priority::Interactive, 2),
            wish(100, Priority::Interactive, 1),
        ];
        assert_eq!(batch(&wishes, &pace), [312, 100, 100]);
        let wishes = [wish(600, Priority::Interactive, 3), wish(600, Priority::Interactive, 1)];
        assert_eq!(batch(&wishes, &pace), [0, 512]);
    }

    #[test]
    fn questions_that_come_together_begin_together_once_in_a_while() {
        let mut pace = Pace::default();
        pace.note(1, 0, 10.0);
        pace.note(1, 10, 60.0);
        let wishes: Vec<Wish> = std::iter::once(wish(0, Priority::Interactive, 0))
            .chain((1..6).map(|order| wish(40, Priority::Interactive, order)))
            .collect();
        pace.burst_in = 0;
        assert_eq!(batch(&wishes, &pace), [1, 40, 40, 40, 40, 40]);
        pace.note(1, 200, 1000.0);
        assert_eq!(batch(&wishes, &pace).iter().sum::<usize>(), 1 + 3, "not twice in a row");
        for _ in 0..BURST_EVERY {
            pace.note(6, 0, 10.0);
        }
        assert_eq!(batch(&wishes, &pace).iter().sum::<usize>(), 201);
    }

    #[test]
    fn a_slow_machine_still_reads_prompts() {
        let mut pace = Pace { burst_in: 9, ..Pace::default() };
        pace.note(1, 0, 10.0);
        pace.note(1, 10, 1010.0);
        let wishes = [wish(0, Priority::Interactive, 0), wish(90, Priority::Interactive, 1)];
        assert_eq!(batch(&wishes, &pace), [1, PIECE_MIN_TOKENS]);
    }
}
