//! The record that content was pruned from a log.
//!
//! Pruning removes the bytes of entries from the beginning of a log and leaves their leaf hashes, so
//! that every root stays what it was. It is an entry itself, and one that says how far it went covers
//! all pruning before it. What a verifier finds without content and without such an entry was erased.

use base::{Actor, Timestamp};
use serde_json::{Value, json};

use crate::{Action, Entry, Event, Outcome};

/// Least time that the content of entries is kept, in days. A record of pruning that goes below it
/// covers nothing.
pub const RETENTION_LEAST_DAYS: u32 = 90;

const PRUNED: Action = Action::new("audit.pruned");

/// How the bytes of a record begin; see [`Entry`].
const RECORD_PREFIX: &[u8] = br#"{"action":"audit.pruned","#;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// That the content of all entries below `end` is gone, and by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruning {
    /// The first entry that this pruning took; those below it were gone already.
    pub first: u64,
    /// The first entry that was kept.
    pub end: u64,
    /// Entries of before this moment were to go.
    pub cutoff: Timestamp,
    /// How long the tenant keeps entries.
    pub retention_days: u32,
}

impl Pruning {
    /// The action that records it.
    pub const ACTION: Action = PRUNED;

    /// The moment before which entries go, at `now`.
    #[must_use]
    pub fn cutoff_at(now: Timestamp, retention_days: u32) -> Timestamp {
        now.plus_ms(-(i64::from(retention_days) * DAY_MS))
    }

    /// What is recorded.
    pub fn event(&self) -> Event {
        Event::new(PRUNED).detail(json!({
            "first": self.first,
            "end": self.end,
            "cutoff": self.cutoff,
            "retention_days": self.retention_days,
        }))
    }

    /// The pruning that `entry` records; `None` when it records none that could have been lawful:
    /// done by the appliance itself, of entries before the record, and of nothing younger than the
    /// rule that it names.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        let is_record = entry.action == PRUNED.as_str()
            && entry.outcome == Outcome::Success
            && entry.actor == Actor::Appliance.to_string();
        let detail = entry.detail.as_ref().filter(|_| is_record)?;
        let number = |name: &str| detail.get(name).and_then(Value::as_u64);
        let pruning = Self {
            first: number("first")?,
            end: number("end")?,
            cutoff: Timestamp::parse(detail.get("cutoff")?.as_str()?).ok()?,
            retention_days: u32::try_from(number("retention_days")?).ok()?,
        };
        let kept_ms = i64::from(pruning.retention_days) * DAY_MS;
        let is_lawful = pruning.retention_days >= RETENTION_LEAST_DAYS
            && pruning.end <= entry.index
            && entry.time.since_ms(pruning.cutoff) >= kept_ms;
        is_lawful.then_some(pruning)
    }

    /// As [`Pruning::of`], from an entry's bytes; reads no other entry than a record.
    pub(crate) fn in_bytes(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(RECORD_PREFIX) {
            return None;
        }
        Self::of(&Entry::parse(bytes).ok()?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::Stamp;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_795_000_000_123);

    fn entry(pruning: Pruning, index: u64, actor: Actor) -> Entry {
        let stamp = Stamp { index, time: NOW, actor, tenant: None, request_id: None };
        pruning.event().into_entry(stamp)
    }

    #[test]
    fn a_record_counts_when_it_could_have_been_lawful() {
        let days = RETENTION_LEAST_DAYS;
        let cutoff = Pruning::cutoff_at(NOW, days);
        let good = Pruning { first: 3, end: 7, cutoff, retention_days: days };
        let recorded = entry(good, 7, Actor::Appliance);
        assert_eq!(Pruning::of(&recorded), Some(good));
        assert_eq!(Pruning::in_bytes(&recorded.canonical()), Some(good));
        for (wrong, index, actor) in [
            (good, 6, Actor::Appliance),
            (good, 7, Actor::Console),
            (Pruning { cutoff: cutoff.plus_ms(1), ..good }, 7, Actor::Appliance),
            (Pruning { retention_days: days - 1, ..good }, 7, Actor::Appliance),
            (Pruning { retention_days: days + 1, ..good }, 7, Actor::Appliance),
        ] {
            assert_eq!(Pruning::of(&entry(wrong, index, actor)), None, "{wrong:?}");
        }
        let failed = Entry { outcome: Outcome::Failed, ..recorded.clone() };
        assert_eq!(Pruning::of(&failed), None);
        let other = Entry { action: "audit.exported".into(), ..recorded };
        assert_eq!(Pruning::of(&other), None);
    }
}
