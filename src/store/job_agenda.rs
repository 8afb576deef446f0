//! Whose turn it is: which tenants have jobs, and when.

use std::collections::BTreeMap;
use std::ops::Bound;

use base::{TenantId, Timestamp};

/// Tenants that may have a job that is due, and from when on.
#[derive(Default)]
pub(crate) struct Agenda {
    due: BTreeMap<TenantId, Timestamp>,
    served_last: Option<TenantId>,
}

impl Agenda {
    /// Looks at `tenant` not before `due`, whatever was planned.
    pub(crate) fn plan(&mut self, tenant: TenantId, due: Timestamp) {
        self.due.insert(tenant, due);
    }

    /// Nothing waits in `tenant`.
    pub(crate) fn forget(&mut self, tenant: TenantId) {
        self.due.remove(&tenant);
    }

    /// The tenant whose turn it is: the next one that is due behind the one served last.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<TenantId> {
        let after = self.served_last.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.due.range((after, Bound::Unbounded));
        let next = behind.chain(&self.due).find(|(_, due)| **due <= now).map(|(id, _)| *id)?;
        self.served_last = Some(next);
        Some(next)
    }

    /// Milliseconds until the first tenant is due; `None` when none is planned.
    pub(crate) fn wait_ms(&self, now: Timestamp) -> Option<u64> {
        let first = self.due.values().min()?;
        Some(u64::try_from(first.since_ms(now)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn tenant(n: u8) -> TenantId {
        TenantId::from_bytes([n; 16])
    }

    #[test]
    fn tenants_that_are_due_take_turns() {
        let now = Timestamp::from_unix_ms(1_000);
        let mut agenda = Agenda::default();
        for n in [1, 2, 3] {
            agenda.plan(tenant(n), now);
        }
        agenda.plan(tenant(2), now.plus_ms(1));
        let turns: Vec<_> = (0..4).map(|_| agenda.next(now).unwrap()).collect();
        assert_eq!(turns, [tenant(1), tenant(3), tenant(1), tenant(3)]);
        assert_eq!(agenda.next(now.plus_ms(1)), Some(tenant(1)));
        assert_eq!(agenda.next(now.plus_ms(1)), Some(tenant(2)));
    }

    #[test]
    fn waits_for_the_first_that_is_due() {
        let now = Timestamp::from_unix_ms(1_000);
        let mut agenda = Agenda::default();
        assert_eq!(agenda.wait_ms(now), None);
        assert_eq!(agenda.next(now), None);
        agenda.plan(tenant(1), now.plus_ms(70));
        agenda.plan(tenant(2), now.plus_ms(50));
        assert_eq!(agenda.wait_ms(now), Some(50));
        assert_eq!(agenda.wait_ms(now.plus_ms(60)), Some(0));
        agenda.forget(tenant(2));
        assert_eq!(agenda.wait_ms(now), Some(70));
    }
}
