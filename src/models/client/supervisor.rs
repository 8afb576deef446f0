//! The task that owns the child: starts it, feeds it, restarts it, stops it.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::process::Process;
use super::{WorkerCommand, WorkerSettings, WorkerState};
use crate::error::ModelError;
use crate::protocol::frame::FrameError;
use crate::protocol::{
    AnswerBody, Call, CallBody, CallId, FromWorker, Priority, ResponsePart, ToWorker, WorkerError,
};

/// How often one call is sent in all.
const MAX_ATTEMPTS: u8 = 2;

/// Deaths without an answer in between after which callers are told at once, instead of being kept
/// waiting for the next start.
const PATIENCE_DEATHS: u32 = 3;

/// A worker that ran this long before it died starts its back-off from the beginning.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// What a caller gets: the worker's own word, or why there is none.
pub(super) type Reply = Result<Result<AnswerBody, WorkerError>, ModelError>;

/// What a handle asks of the supervisor.
pub(super) enum Command {
    Call(Box<PendingCall>),
    /// Nobody waits for this call any more (it may also be answered already).
    Abandon(CallId),
    ShutDown(oneshot::Sender<()>),
}

/// A call and the one who waits for it.
pub(super) struct PendingCall {
    id: CallId,
    priority: Priority,
    body: CallBody,
    deadline: Instant,
    attempts: u8,
    reply: oneshot::Sender<Reply>,
}

impl PendingCall {
    pub(super) const fn new(
        id: CallId,
        priority: Priority,
        body: CallBody,
        deadline: Instant,
        reply: oneshot::Sender<Reply>,
    ) -> Self {
        Self { id, priority, body, deadline, attempts: 0, reply }
    }

    fn answer(self, reply: Reply) {
        // The caller may have gone meanwhile.
        let _ = self.reply.send(reply);
    }
}

/// How one run of the child ended.
enum End {
    /// Nobody has asked for a while.
    Idle,
    /// The handles are gone or asked to stop.
    ShutDown,
    /// It died, hung or never came up.
    Failed { reason: String, ran_for: Duration },
}

pub(super) struct Supervisor {
    command: WorkerCommand,
    settings: WorkerSettings,
    clock: Arc<dyn Clock>,
    inbox: mpsc::UnboundedReceiver<Command>,
    state: watch::Sender<WorkerState>,
    /// Calls not yet sent, by priority.
    waiting: [VecDeque<PendingCall>; 3],
    /// Calls that a worker died with. They go first and alone, so that the one that kills the
    /// worker takes no other with it.
    suspects: VecDeque<PendingCall>,
    /// Calls in the child's hands, including those whose caller is gone.
    in_flight: HashMap<CallId, PendingCall>,
    in_flight_by_priority: [usize; 3],
    deaths_in_a_row: u32,
    retry_at: Option<(Instant, String)>,
    shut_down_ack: Option<oneshot::Sender<()>>,
}

impl Supervisor {
    pub(super) fn new(
        command: WorkerCommand,
        settings: WorkerSettings,
        clock: Arc<dyn Clock>,
        inbox: mpsc::UnboundedReceiver<Command>,
        state: watch::Sender<WorkerState>,
    ) -> Self {
        Self {
            command,
            settings,
            clock,
            inbox,
            state,
            waiting: Default::default(),
            suspects: VecDeque::new(),
            in_flight: HashMap::new(),
            in_flight_by_priority: [0; 3],
            deaths_in_a_row: 0,
            retry_at: None,
            shut_down_ack: None,
        }
    }

    /// Runs until the last handle is dropped or asks to shut down.
    pub(super) async fn run(mut self) {
        loop {
            if self.wait_for_work().await.is_break() || self.wait_out_back_off().await.is_break() {
                break;
            }
            match self.run_child().await {
                End::Idle => self.set_state(WorkerState::NotStarted),
                End::ShutDown => break,
                End::Failed { reason, ran_for } => self.note_death(&reason, ran_for),
            }
        }
        self.set_state(WorkerState::NotStarted);
        let waiting = self.waiting.iter_mut().flat_map(std::mem::take);
        let rest = waiting.chain(std::mem::take(&mut self.suspects));
        for call in rest.chain(self.in_flight.drain().map(|(_, call)| call)) {
            call.answer(Err(ModelError::ShutDown));
        }
        if let Some(ack) = self.shut_down_ack {
            let _ = ack.send(());
        }
    }

    fn set_state(&self, state: WorkerState) {
        self.state.send_replace(state);
    }

    fn has_work(&self) -> bool {
        !self.suspects.is_empty() || self.waiting.iter().any(|queue| !queue.is_empty())
    }

    /// Takes in one command.
    fn accept(&mut self, command: Option<Command>) -> ControlFlow<()> {
        match command {
            None => return ControlFlow::Break(()),
            Some(Command::ShutDown(ack)) => {
                self.shut_down_ack = Some(ack);
                return ControlFlow::Break(());
            }
            Some(Command::Call(call)) => self.enqueue(*call),
            Some(Command::Abandon(id)) => {
                for queue in self.waiting.iter_mut().chain([&mut self.suspects]) {
                    queue.retain(|call| call.id != id);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Queues a call, or refuses it when there is no use in waiting for the next start.
    fn enqueue(&mut self, call: PendingCall) {
        if let Some((retry_at, reason)) = &self.retry_at {
            let retry_after = retry_at.saturating_duration_since(Instant::now());
            if !retry_after.is_zero() && self.is_hopeless(&call, *retry_at) {
                let reason = reason.clone();
                call.answer(Err(ModelError::Unavailable { reason, retry_after }));
                return;
            }
        }
        self.waiting[call.priority.index()].push_back(call);
    }

    /// Whether `call` cannot be served in time, or the worker has died too often to wait for it.
    fn is_hopeless(&self, call: &PendingCall, retry_at: Instant) -> bool {
        self.deaths_in_a_row >= PATIENCE_DEATHS || call.deadline <= retry_at
    }

    async fn wait_for_work(&mut self) -> ControlFlow<()> {
        while !self.has_work() {
            let command = self.inbox.recv().await;
            self.accept(command)?;
        }
        ControlFlow::Continue(())
    }

    async fn wait_out_back_off(&mut self) -> ControlFlow<()> {
        while let Some((retry_at, _)) = self.retry_at {
            tokio::select! {
                () = tokio::time::sleep_until(retry_at) => self.retry_at = None,
                command = self.inbox.recv() => self.accept(command)?,
            }
        }
        ControlFlow::Continue(())
    }

    /// One life of the child, from start to end.
    async fn run_child(&mut self) -> End {
        self.set_state(WorkerState::Starting);
        let mut start = Box::pin(Process::start(self.command.clone(), self.settings.start_timeout));
        let started = loop {
            tokio::select! {
                started = &mut start => break started,
                command = self.inbox.recv() => {
                    if self.accept(command).is_break() {
                        return End::ShutDown;
                    }
                }
            }
        };
        let mut process = match started {
            Ok(process) => process,
            Err(reason) => return End::Failed { reason, ran_for: Duration::ZERO },
        };
        let pid = process.pid;
        let hello = Arc::new(process.hello.clone());
        tracing::info!(
            worker.pid = pid,
            worker.build = %hello.build,
            worker.path = ?hello.path,
            worker.fallback = hello.fallback.as_deref().unwrap_or("none"),
            worker.threads = hello.threads,
            worker.cage = %hello.cage.join(" "),
            "model worker is ready"
        );
        self.set_state(WorkerState::Ready { pid, since: self.clock.now(), hello });
        let began = Instant::now();
        let end = self.serve(&mut process, began).await;
        match end {
            Served::Idle => {
                process.close().await;
                tracing::info!(worker.pid = pid, "model worker stopped because it was idle");
                End::Idle
            }
            Served::ShutDown => {
                process.close().await;
                End::ShutDown
            }
            Served::Hung => {
                process.kill().await;
                let reason = format!("silent for {:?} with calls", self.settings.hang_timeout);
                End::Failed { reason, ran_for: began.elapsed() }
            }
            Served::Closed(complaint) => {
                let reason = match complaint {
                    Some(error) => {
                        process.kill().await;
                        format!("it sent a bad frame: {error}")
                    }
                    None => format!("it {}", process.close().await),
                };
                End::Failed { reason, ran_for: began.elapsed() }
            }
        }
    }

    async fn serve(&mut self, process: &mut Process, began: Instant) -> Served {
        let mut last_sign = began;
        let mut idle_since = began;
        loop {
            if self.dispatch(process) {
                last_sign = last_sign.max(Instant::now());
            }
            let busy = !self.in_flight.is_empty();
            let wake_at = if busy {
                Some(last_sign + self.settings.hang_timeout)
            } else {
                self.settings.idle_timeout.map(|timeout| idle_since + timeout)
            };
            tokio::select! {
                command = self.inbox.recv() => {
                    if let Some(Command::Abandon(id)) = &command
                        && self.in_flight.contains_key(id)
                    {
                        // Stays in flight until the worker confirms: that is how a worker that is
                        // stuck in it is found out.
                        let _ = process.send(&ToWorker::Cancel { id: *id });
                    }
                    if self.accept(command).is_break() {
                        return Served::ShutDown;
                    }
                }
                message = process.receive() => match message {
                    None => return Served::Closed(None),
                    Some(Err(error)) => return Served::Closed(Some(error)),
                    Some(Ok(message)) => {
                        last_sign = Instant::now();
                        self.handle(message);
                        if self.in_flight.is_empty() {
                            idle_since = last_sign;
                        }
                    }
                },
                () = sleep_until_some(wake_at) => {
                    return if busy { Served::Hung } else { Served::Idle };
                }
            }
        }
    }

    /// Sends what the windows allow, most urgent first; true when the child was idle before.
    fn dispatch(&mut self, process: &Process) -> bool {
        let was_idle = self.in_flight.is_empty();
        if self.in_flight.values().any(|call| call.attempts > 1) {
            return false;
        }
        if !self.suspects.is_empty() {
            if was_idle && let Some(call) = self.suspects.pop_front() {
                self.send(call, process);
            }
            return was_idle;
        }
        for priority in Priority::ALL {
            let index = priority.index();
            while self.in_flight_by_priority[index] < self.settings.window_calls
                && let Some(call) = self.waiting[index].pop_front()
            {
                self.send(call, process);
            }
        }
        was_idle && !self.in_flight.is_empty()
    }

    fn send(&mut self, mut call: PendingCall, process: &Process) {
        if call.reply.is_closed() {
            return;
        }
        let left = call.deadline.saturating_duration_since(Instant::now());
        call.attempts += 1;
        // A copy stays here for the retry; the frame is the other.
        let message = ToWorker::Call(Call {
            id: call.id,
            priority: call.priority,
            deadline_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            body: call.body.clone(),
        });
        match process.send(&message) {
            Ok(()) => {
                self.in_flight_by_priority[call.priority.index()] += 1;
                self.in_flight.insert(call.id, call);
            }
            Err(error) => {
                // Limits are checked before, so this is a fault of ours; the caller is told.
                let reason = error.to_string();
                call.answer(Ok(Err(WorkerError::Failed { reason })));
            }
        }
    }

    fn handle(&mut self, message: FromWorker) {
        match message {
            FromWorker::Hello(_) => {
                tracing::warn!("model worker said hello twice");
            }
            FromWorker::Response { id, part: ResponsePart::Final(result) } => {
                if let Some(call) = self.in_flight.remove(&id) {
                    self.in_flight_by_priority[call.priority.index()] -= 1;
                    self.deaths_in_a_row = 0;
                    call.answer(Ok(result));
                }
            }
        }
    }

    /// Decides what becomes of the calls the worker had, and when the next start is.
    fn note_death(&mut self, reason: &str, ran_for: Duration) {
        if ran_for >= STABLE_AFTER {
            self.deaths_in_a_row = 0;
        }
        self.deaths_in_a_row += 1;
        let doublings = (self.deaths_in_a_row - 1).min(16);
        let pause = self
            .settings
            .back_off_first
            .saturating_mul(1 << doublings)
            .min(self.settings.back_off_max);
        let now = Instant::now();
        let retry_at = now + pause;
        tracing::error!(
            reason,
            deaths = self.deaths_in_a_row,
            retry_in_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            calls = self.in_flight.len(),
            "model worker failed"
        );
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let next_retry = self.clock.now().plus_ms(pause_ms);
        self.set_state(WorkerState::Failed { reason: reason.to_owned(), next_retry });
        self.retry_at = Some((retry_at, reason.to_owned()));
        self.sort_out_lost_calls();
        self.refuse_hopeless_calls(retry_at, pause, reason);
    }

    /// Answers or keeps the calls that the dead worker had.
    fn sort_out_lost_calls(&mut self) {
        self.in_flight_by_priority = [0; 3];
        let mut lost: Vec<_> = self.in_flight.drain().map(|(_, call)| call).collect();
        lost.sort_by_key(|call| (call.priority, call.id.0));
        for call in lost {
            if call.attempts >= MAX_ATTEMPTS || !call.body.is_repeatable() {
                let attempts = call.attempts;
                call.answer(Err(ModelError::WorkerDied { attempts }));
            } else if !call.reply.is_closed() {
                self.suspects.push_back(call);
            }
        }
    }

    /// Who need not wait for the next start learns it now instead of at the deadline.
    fn refuse_hopeless_calls(&mut self, retry_at: Instant, pause: Duration, reason: &str) {
        for index in 0..=self.waiting.len() {
            let queue = self.waiting.get_mut(index).unwrap_or(&mut self.suspects);
            for call in std::mem::take(queue) {
                if self.is_hopeless(&call, retry_at) {
                    let reason = reason.to_owned();
                    call.answer(Err(ModelError::Unavailable { reason, retry_after: pause }));
                } else {
                    self.waiting.get_mut(index).unwrap_or(&mut self.suspects).push_back(call);
                }
            }
        }
    }
}

/// Why [`Supervisor::serve`] returned.
enum Served {
    Idle,
    ShutDown,
    Hung,
    Closed(Option<FrameError>),
}

async fn sleep_until_some(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
