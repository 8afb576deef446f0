//! What waits for a model's thread.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use models::protocol::{CallId, GenerateInput, Priority};

use super::encoder::EncodeOrder;

/// What a model's thread is asked.
pub(super) enum Command {
    /// Say when the model is ready.
    Loaded(CallId),
    /// Generate a text.
    Generate(Box<Order>),
    /// Turn texts into vectors or numbers.
    Encode(Box<EncodeOrder>),
    /// Count tokens.
    Count { id: CallId, texts: Vec<String> },
    /// Nobody wants this any more.
    Cancel(CallId),
    /// Give the model's memory back.
    Unload(CallId),
}

impl Command {
    /// The call that waits for an answer.
    pub(super) fn call(&self) -> Option<CallId> {
        match self {
            Self::Loaded(id) | Self::Count { id, .. } | Self::Unload(id) => Some(*id),
            Self::Generate(order) => Some(order.id),
            Self::Encode(order) => Some(order.id),
            Self::Cancel(_) => None,
        }
    }
}

/// A text to be generated.
pub(super) struct Order {
    pub(super) id: CallId,
    pub(super) priority: Priority,
    pub(super) arrived: Instant,
    pub(super) deadline: Instant,
    pub(super) input: GenerateInput,
    /// Whether the text is shown as it grows.
    pub(super) streams: bool,
}

/// A queue that can be closed: what was put in before is given out by closing, what comes after is
/// given back at once, so that no call is lost between a thread's last look and its end.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    commands: VecDeque<Command>,
    closed: bool,
}

impl Inbox {
    /// Puts a command in.
    ///
    /// # Errors
    /// Gives it back when the inbox is closed.
    pub(super) fn put(&self, command: Command) -> Result<(), Command> {
        let mut state = self.lock();
        if state.closed {
            return Err(command);
        }
        state.commands.push_back(command);
        self.arrived.notify_one();
        Ok(())
    }

    /// Everything that waits; when nothing does, waits for it.
    pub(super) fn wait(&self) -> VecDeque<Command> {
        let mut state = self.lock();
        while state.commands.is_empty() && !state.closed {
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.commands)
    }

    /// Everything that waits, if anything does.
    pub(super) fn look(&self) -> VecDeque<Command> {
        std::mem::take(&mut self.lock().commands)
    }

    /// Lets nothing more in, and gives out what is there.
    pub(super) fn close(&self) -> VecDeque<Command> {
        let mut state = self.lock();
        state.closed = true;
        self.arrived.notify_all();
        std::mem::take(&mut state.commands)
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
