//! The calls that the supervisor holds: those that wait, and those in the child's hands.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::error::ModelError;
use crate::protocol::{AnswerBody, CallBody, CallId, Lane, Priority, ResponsePart, WorkerError};

/// How often one call is sent in all.
const MAX_ATTEMPTS: u8 = 2;

/// What a caller gets: the worker's own word, or why there is none.
pub(super) type Reply = Result<Result<AnswerBody, WorkerError>, ModelError>;

/// A call and the one who waits for it.
pub(super) struct PendingCall {
    pub(super) id: CallId,
    pub(super) priority: Priority,
    pub(super) body: CallBody,
    /// What [`CallBody::brings_file`] speaks of.
    pub(super) file: Option<Arc<OwnedFd>>,
    pub(super) deadline: Instant,
    pub(super) attempts: u8,
    pub(super) reply: oneshot::Sender<Reply>,
    /// Where generated text goes as it comes. Unbounded, because the call's `max_tokens` bounds it.
    pub(super) pieces: Option<mpsc::UnboundedSender<String>>,
    /// Whether any of it went there: then the call can't be tried again.
    pub(super) streamed: bool,
}

impl PendingCall {
    pub(super) fn answer(self, reply: Reply) {
        // The caller may have gone meanwhile.
        let _ = self.reply.send(reply);
    }

    const fn lane(&self) -> Lane {
        self.body.lane()
    }

    fn may_be_repeated(&self) -> bool {
        self.attempts < MAX_ATTEMPTS && self.body.is_repeatable() && !self.streamed
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Calls {
    /// Calls not yet sent, by lane and priority.
    waiting: [[VecDeque<PendingCall>; 3]; 2],
    /// Calls of [`Lane::Compute`] that a worker died with. They go first and alone in their lane,
    /// so that the one that kills the worker takes no other with it.
    suspects: VecDeque<PendingCall>,
    /// Calls in the child's hands, including those whose caller is gone.
    in_flight: HashMap<CallId, PendingCall>,
    counts: [[usize; 3]; 2],
}

impl Calls {
    pub(super) fn have_work(&self) -> bool {
        !self.suspects.is_empty() || self.waiting.iter().flatten().any(|queue| !queue.is_empty())
    }

    pub(super) fn in_flight_count(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether the child has calls of this lane.
    pub(super) fn is_busy(&self, lane: Lane) -> bool {
        self.counts[lane.index()].iter().any(|count| *count > 0)
    }

    pub(super) fn is_in_flight(&self, id: CallId) -> bool {
        self.in_flight.contains_key(&id)
    }

    pub(super) fn push(&mut self, call: PendingCall) {
        self.waiting[call.lane().index()][call.priority.index()].push_back(call);
    }

    /// Forgets a call that waits.
    pub(super) fn forget(&mut self, id: CallId) {
        for queue in self.waiting.iter_mut().flatten().chain([&mut self.suspects]) {
            queue.retain(|call| call.id != id);
        }
    }

    /// The next call of `lane` to send, if `window` allows one more of its priority.
    pub(super) fn next_to_send(&mut self, lane: Lane, window: usize) -> Option<PendingCall> {
        if lane == Lane::Compute {
            let retrying = |call: &PendingCall| call.lane() == lane && call.attempts > 1;
            if self.in_flight.values().any(retrying) {
                return None;
            }
            if !self.suspects.is_empty() {
                return if self.is_busy(lane) { None } else { self.suspects.pop_front() };
            }
        }
        let index = lane.index();
        Priority::ALL.into_iter().map(Priority::index).find_map(|priority| {
            let open = self.counts[index][priority] < window;
            if open { self.waiting[index][priority].pop_front() } else { None }
        })
    }

    /// The call is in the child's hands.
    pub(super) fn note_sent(&mut self, call: PendingCall) {
        self.counts[call.lane().index()][call.priority.index()] += 1;
        self.in_flight.insert(call.id, call);
    }

    /// Hands on what the worker said; gives the lane that it is a sign of life of.
    pub(super) fn take_part(&mut self, id: CallId, part: ResponsePart) -> Option<Lane> {
        let call = self.in_flight.get_mut(&id)?;
        let lane = call.lane();
        match part {
            ResponsePart::Text(piece) => {
                if let Some(pieces) = &call.pieces {
                    call.streamed = true;
                    // Who reads may have gone; the worker is told by the call's own drop.
                    let _ = pieces.send(piece);
                }
            }
            ResponsePart::Progress { .. } => {}
            ResponsePart::Final(result) => {
                if let Some(call) = self.in_flight.remove(&id) {
                    self.counts[lane.index()][call.priority.index()] -= 1;
                    call.answer(Ok(result));
                }
            }
        }
        Some(lane)
    }

    /// The child is dead: answers or keeps the calls that it had.
    pub(super) fn sort_out_lost(&mut self) {
        self.counts = Default::default();
        let mut lost: Vec<_> = self.in_flight.drain().map(|(_, call)| call).collect();
        lost.sort_by_key(|call| (call.priority, call.id.0));
        let mut again = Vec::new();
        for call in lost {
            if !call.may_be_repeated() {
                let attempts = call.attempts;
                call.answer(Err(ModelError::WorkerDied { attempts }));
            } else if call.reply.is_closed() {
                drop(call);
            } else if call.lane() == Lane::Compute {
                self.suspects.push_back(call);
            } else {
                again.push(call);
            }
        }
        // Texts that nobody has seen a word of begin again together, before those that never began.
        for call in again.into_iter().rev() {
            self.waiting[Lane::Generate.index()][call.priority.index()].push_front(call);
        }
    }

    /// Answers the waiting calls for which `error` gives one.
    pub(super) fn refuse_some(&mut self, error: impl Fn(&PendingCall) -> Option<ModelError>) {
        for queue in self.waiting.iter_mut().flatten().chain([&mut self.suspects]) {
            for call in std::mem::take(queue) {
                match error(&call) {
                    Some(error) => call.answer(Err(error)),
                    None => queue.push_back(call),
                }
            }
        }
    }

    /// Answers all calls with what `error` makes.
    pub(super) fn refuse_all(&mut self, error: impl Fn() -> ModelError) {
        self.refuse_some(|_| Some(error()));
        self.counts = Default::default();
        for (_, call) in self.in_flight.drain() {
            call.answer(Err(error()));
        }
    }
}
