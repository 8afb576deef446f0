//! Who may still queue: a counter with a share per priority.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::protocol::Priority;

/// Counts the frames that wait or are worked on.
pub(super) struct Admission {
    held: AtomicUsize,
    limit_calls: usize,
}

/// The right to have some frames in the queue; given back on drop.
pub(super) struct Ticket {
    admission: Arc<Admission>,
    calls: usize,
}

impl Admission {
    pub(super) const fn new(limit_calls: usize) -> Self {
        Self { held: AtomicUsize::new(0), limit_calls }
    }

    /// A ticket for `calls` frames, or `None` when the share of `priority` is full. A request that
    /// is larger than its whole share is admitted when the queue is empty, or it never could be.
    pub(super) fn admit(this: &Arc<Self>, calls: usize, priority: Priority) -> Option<Ticket> {
        let share = match priority {
            Priority::Interactive => this.limit_calls,
            Priority::Agent => this.limit_calls - this.limit_calls / 4,
            Priority::Ingest => this.limit_calls / 2,
        };
        this.held
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
                (held == 0 || held + calls <= share).then_some(held + calls)
            })
            .ok()
            .map(|_| Ticket { admission: Arc::clone(this), calls })
    }
}

impl Ticket {
    /// Moves the right to one frame out of this ticket.
    pub(super) fn split_one(&mut self) -> Self {
        let calls = self.calls.min(1);
        self.calls -= calls;
        Self { admission: Arc::clone(&self.admission), calls }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.admission.held.fetch_sub(self.calls, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn ingestion_leaves_room_for_people() {
        let admission = Arc::new(Admission::new(8));
        let ingest = Admission::admit(&admission, 4, Priority::Ingest).unwrap();
        assert!(Admission::admit(&admission, 1, Priority::Ingest).is_none());
        let agent = Admission::admit(&admission, 2, Priority::Agent).unwrap();
        assert!(Admission::admit(&admission, 1, Priority::Agent).is_none());
        let person = Admission::admit(&admission, 2, Priority::Interactive).unwrap();
        assert!(Admission::admit(&admission, 1, Priority::Interactive).is_none());
        drop((ingest, agent, person));
        assert_eq!(admission.held.load(Ordering::Acquire), 0);
    }

    #[test]
    fn split_tickets_give_back_one_by_one() {
        let admission = Arc::new(Admission::new(8));
        let mut ticket = Admission::admit(&admission, 3, Priority::Interactive).unwrap();
        let first = ticket.split_one();
        assert_eq!(admission.held.load(Ordering::Acquire), 3);
        drop(first);
        assert_eq!(admission.held.load(Ordering::Acquire), 2);
        drop(ticket);
        assert_eq!(admission.held.load(Ordering::Acquire), 0);
    }

    #[test]
    fn a_request_larger_than_its_share_waits_for_an_empty_queue() {
        let admission = Arc::new(Admission::new(4));
        let one = Admission::admit(&admission, 1, Priority::Interactive).unwrap();
        assert!(Admission::admit(&admission, 9, Priority::Ingest).is_none());
        drop(one);
        assert!(Admission::admit(&admission, 9, Priority::Ingest).is_some());
    }
}
