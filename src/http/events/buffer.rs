//! The bounded buffer of one stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Events that a stream keeps for a client that comes back.
const EVENTS_MAX: usize = 8192;
/// Bytes of event data that a stream keeps.
const BYTES_MAX: usize = 1024 * 1024;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) data: Arc<str>,
}

/// What comes after an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// This event.
    Event(Event),
    /// Nothing yet.
    Later,
    /// Nothing any more.
    End,
    /// It was dropped to make room: the reader is too far behind.
    Lost,
}

pub(super) struct Buffer {
    state: Mutex<State>,
    /// Changes with every event, and with every reader that comes or goes.
    changed: watch::Sender<()>,
    readers: watch::Sender<usize>,
}

struct State {
    events: VecDeque<Event>,
    bytes: usize,
    last_number: u64,
    finished_at: Option<Instant>,
}

impl Buffer {
    pub(super) fn new() -> Self {
        let state = State { events: VecDeque::new(), bytes: 0, last_number: 0, finished_at: None };
        Self {
            state: Mutex::new(state),
            changed: watch::Sender::new(()),
            readers: watch::Sender::new(0),
        }
    }

    pub(super) fn push(&self, name: &'static str, data: String) {
        {
            let mut state = self.lock();
            state.last_number += 1;
            state.bytes += data.len();
            let number = state.last_number;
            state.events.push_back(Event { number, name, data: data.into() });
            while state.events.len() > EVENTS_MAX || state.bytes > BYTES_MAX {
                let Some(dropped) = state.events.pop_front() else { break };
                state.bytes -= dropped.data.len();
            }
        }
        self.changed.send_replace(());
    }

    pub(super) fn finish(&self) {
        self.lock().finished_at.get_or_insert_with(Instant::now);
        self.changed.send_replace(());
    }

    pub(super) fn after(&self, number: u64) -> Next {
        let state = self.lock();
        if number >= state.last_number {
            return if state.finished_at.is_some() { Next::End } else { Next::Later };
        }
        let first = state.events.front().map_or(state.last_number + 1, |event| event.number);
        if number + 1 < first {
            return Next::Lost;
        }
        let index = usize::try_from(number + 1 - first).unwrap_or(usize::MAX);
        state.events.get(index).cloned().map_or(Next::Lost, Next::Event)
    }

    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn is_over(&self, now: Instant, keep: Duration) -> bool {
        self.lock().finished_at.is_some_and(|at| now.saturating_duration_since(at) > keep)
    }

    pub(super) fn reader_came(&self) {
        self.readers.send_modify(|count| *count += 1);
    }

    pub(super) fn reader_left(&self) {
        self.readers.send_modify(|count| *count = count.saturating_sub(1));
    }

    pub(super) async fn abandoned(&self, after: Duration) {
        let mut readers = self.readers.subscribe();
        loop {
            // The sender lives in `self`, so waiting can't fail.
            if readers.wait_for(|count| *count == 0).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(after) => return,
                _ = readers.wait_for(|count| *count > 0) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
