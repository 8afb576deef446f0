//! Calls that wait for their turn.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use models::protocol::{Call, CallBody, CallId, Priority, WorkerError};

/// Calls the worker holds at most, over all priorities; the client's window is far smaller.
const MAX_CALLS: usize = 256;

/// Longest deadline; a longer one is as good as none.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// A call on its way to its answer; it comes back into the queue between batches.
pub(super) struct Job<W> {
    pub(super) id: CallId,
    pub(super) priority: Priority,
    pub(super) deadline: Instant,
    pub(super) work: W,
}

/// The queue between the thread that reads and the thread that computes; `W` is the work that is
/// left to do on a call.
pub(super) struct Queue<W = super::batch::Work> {
    state: Mutex<State<W>>,
    arrived: Condvar,
}

struct State<W> {
    waiting: [VecDeque<Job<W>>; 3],
    /// Calls that are in a batch now, and those among them that were cancelled meanwhile.
    computing: HashSet<CallId>,
    cancelled: HashSet<CallId>,
    closed: bool,
}

impl<W> Default for Queue<W> {
    fn default() -> Self {
        let state = State {
            waiting: Default::default(),
            computing: HashSet::new(),
            cancelled: HashSet::new(),
            closed: false,
        };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }
}

impl<W: From<CallBody>> Queue<W> {
    /// Takes in a call.
    pub(super) fn accept(&self, call: Call) -> Result<(), WorkerError> {
        let Call { id, priority, deadline_ms, body } = call;
        body.check_limits()
            .map_err(|error| WorkerError::Invalid { field: error.field, reason: error.reason })?;
        let deadline = Instant::now() + Duration::from_millis(deadline_ms).min(MAX_DEADLINE);
        let mut state = self.lock();
        let held = state.waiting.iter().map(VecDeque::len).sum::<usize>() + state.computing.len();
        if held >= MAX_CALLS {
            return Err(WorkerError::Busy);
        }
        let job = Job { id, priority, deadline, work: W::from(body) };
        state.waiting[priority.index()].push_back(job);
        self.arrived.notify_one();
        Ok(())
    }
}

impl<W> Queue<W> {
    /// Forgets a call; true when it was waiting, so that the reader answers it. One that is being
    /// computed is answered when its batch ends.
    pub(super) fn cancel(&self, id: CallId) -> bool {
        let mut state = self.lock();
        if state.computing.contains(&id) {
            state.cancelled.insert(id);
            return false;
        }
        let mut found = false;
        for queue in &mut state.waiting {
            let before = queue.len();
            queue.retain(|job| job.id != id);
            found |= queue.len() < before;
        }
        found
    }

    /// No more calls will come; the computing thread ends.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Waits for the most urgent call; `None` when the queue is closed.
    pub(super) fn take(&self) -> Option<Job<W>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(job) = state.waiting.iter_mut().find_map(VecDeque::pop_front) {
                state.computing.insert(job.id);
                return Some(job);
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Another call of this priority, to share a batch, if one waits and nothing more urgent does.
    pub(super) fn take_like(&self, priority: Priority) -> Option<Job<W>> {
        let mut state = self.lock();
        let first = state.waiting.iter().position(|queue| !queue.is_empty())?;
        if first != priority.index() {
            return None;
        }
        let job = state.waiting[first].pop_front()?;
        state.computing.insert(job.id);
        Some(job)
    }

    /// A batch is over and the call is not: it waits again, before all others of its priority.
    /// Gives it back when it was cancelled meanwhile.
    pub(super) fn put_back(&self, job: Job<W>) -> Option<Job<W>> {
        let mut state = self.lock();
        state.computing.remove(&job.id);
        if state.cancelled.remove(&job.id) {
            return Some(job);
        }
        state.waiting[job.priority.index()].push_front(job);
        None
    }

    /// The call is answered.
    pub(super) fn finish(&self, id: CallId) {
        let mut state = self.lock();
        state.computing.remove(&id);
        state.cancelled.remove(&id);
    }

    /// Whether any call is not yet answered.
    #[cfg(test)]
    pub(super) fn holds_calls(&self) -> bool {
        let state = self.lock();
        !state.computing.is_empty() || state.waiting.iter().any(|queue| !queue.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    struct Nothing;

    impl From<CallBody> for Nothing {
        fn from(_: CallBody) -> Self {
            Self
        }
    }

    fn queue(calls: &[(u64, Priority)]) -> Queue<Nothing> {
        let queue = Queue::default();
        for (id, priority) in calls {
            queue.accept(call(*id, *priority)).unwrap();
        }
        queue
    }

    fn call(id: u64, priority: Priority) -> Call {
        Call { id: CallId(id), priority, deadline_ms: u64::MAX, body: CallBody::Ping }
    }

    fn take(queue: &Queue<Nothing>) -> u64 {
        queue.take().unwrap().id.0
    }

    #[test]
    fn the_most_urgent_goes_first_and_equals_in_order() {
        use Priority::{Agent, Ingest, Interactive};
        let queue =
            queue(&[(1, Ingest), (2, Agent), (3, Interactive), (4, Ingest), (5, Interactive)]);
        assert_eq!([(); 5].map(|()| take(&queue)), [3, 5, 2, 1, 4]);
    }

    #[test]
    fn unfinished_bulk_work_is_overtaken_between_batches() {
        let queue = queue(&[(1, Priority::Ingest), (2, Priority::Ingest)]);
        let job = queue.take().unwrap();
        queue.accept(call(3, Priority::Interactive)).unwrap();
        assert!(queue.take_like(Priority::Ingest).is_none(), "a person waits");
        assert!(queue.put_back(job).is_none());
        assert_eq!([(); 3].map(|()| take(&queue)), [3, 1, 2]);
    }

    #[test]
    fn only_equals_share_a_batch() {
        let queue = queue(&[(1, Priority::Agent), (2, Priority::Agent), (3, Priority::Ingest)]);
        assert_eq!(take(&queue), 1);
        assert_eq!(queue.take_like(Priority::Agent).unwrap().id.0, 2);
        assert!(queue.take_like(Priority::Agent).is_none());
    }

    #[test]
    fn cancelling_removes_who_waits_and_marks_who_is_computed() {
        let queue = queue(&[(1, Priority::Agent), (2, Priority::Agent)]);
        let job = queue.take().unwrap();
        assert!(queue.cancel(CallId(2)));
        assert!(!queue.cancel(CallId(1)), "answered when its batch ends");
        assert!(!queue.cancel(CallId(9)));
        assert_eq!(queue.put_back(job).unwrap().id.0, 1);
        queue.close();
        assert!(queue.take().is_none());
    }

    #[test]
    fn a_full_queue_refuses() {
        let queue: Queue<Nothing> = Queue::default();
        for id in 0..MAX_CALLS {
            queue.accept(call(id as u64, Priority::Ingest)).unwrap();
        }
        assert_eq!(queue.accept(call(999, Priority::Interactive)), Err(WorkerError::Busy));
    }
}
