//! The task that owns the child: starts it, feeds it, restarts it, stops it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use base::Clock;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use super::calls::{Calls, PendingCall};
use super::process::Process;
use super::{WorkerSettings, WorkerState};
use crate::error::ModelError;
use crate::protocol::frame::FrameError;
use crate::protocol::{Call, CallId, FromWorker, Lane, ResponsePart, ToWorker, WorkerError};
use crate::worker_builds::WorkerBuilds;

/// Deaths without an answer in between after which callers are told at once, instead of being kept
/// waiting for the next start.
const PATIENCE_DEATHS: u32 = 3;

/// A worker that ran this long before it died starts its back-off from the beginning.
const STABLE_AFTER: Duration = Duration::from_secs(60);

/// What a handle asks of the supervisor.
pub(super) enum Command {
    Call(Box<PendingCall>),
    /// Nobody waits for this call any more (it may also be answered already).
    Abandon(CallId),
    ShutDown(oneshot::Sender<()>),
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
    builds: WorkerBuilds,
    settings: WorkerSettings,
    clock: Arc<dyn Clock>,
    inbox: mpsc::UnboundedReceiver<Command>,
    state: watch::Sender<WorkerState>,
    calls: Calls,
    deaths_in_a_row: u32,
    retry_at: Option<(Instant, String)>,
    shut_down_ack: Option<oneshot::Sender<()>>,
}

impl Supervisor {
    pub(super) fn new(
        builds: WorkerBuilds,
        settings: WorkerSettings,
        clock: Arc<dyn Clock>,
        inbox: mpsc::UnboundedReceiver<Command>,
        state: watch::Sender<WorkerState>,
    ) -> Self {
        Self {
            builds,
            settings,
            clock,
            inbox,
            state,
            calls: Calls::default(),
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
        self.calls.refuse_all(|| ModelError::ShutDown);
        if let Some(ack) = self.shut_down_ack {
            let _ = ack.send(());
        }
    }

    fn set_state(&self, state: WorkerState) {
        self.state.send_replace(state);
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
            Some(Command::Abandon(id)) => self.calls.forget(id),
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
        self.calls.push(call);
    }

    /// Whether `call` cannot be served in time, or the worker has died too often to wait for it.
    fn is_hopeless(&self, call: &PendingCall, retry_at: Instant) -> bool {
        self.deaths_in_a_row >= PATIENCE_DEATHS || call.deadline <= retry_at
    }

    async fn wait_for_work(&mut self) -> ControlFlow<()> {
        while !self.calls.have_work() {
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
        let (builds, start_timeout) = (self.builds.clone(), self.settings.start_timeout);
        let mut start = Box::pin(async move {
            let chosen = builds.chosen().await?;
            for build in &chosen.choice.passed_over {
                tracing::info!(
                    worker.level = build.level,
                    reason = build.reason,
                    "a build of the model worker is not used"
                );
            }
            tracing::info!(
                worker.level = chosen.choice.level,
                "the model worker's build is chosen"
            );
            let process = Process::start(chosen.command.clone(), start_timeout).await?;
            Ok((process, Arc::clone(&chosen.choice)))
        });
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
        let (mut process, build) = match started {
            Ok(started) => started,
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
            worker.generator = %hello.generator,
            "model worker is ready"
        );
        self.set_state(WorkerState::Ready { pid, since: self.clock.now(), hello, build });
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
        let mut last_sign = [began; 2];
        let mut idle_since = began;
        loop {
            for lane in [Lane::Compute, Lane::Generate] {
                if self.dispatch(lane, process) {
                    last_sign[lane.index()] = Instant::now();
                }
            }
            let busy = self.calls.in_flight_count() > 0;
            let wake_at = if busy {
                let lanes = [Lane::Compute, Lane::Generate];
                let silent = lanes.into_iter().filter(|lane| self.calls.is_busy(*lane));
                let first = silent.map(|lane| last_sign[lane.index()]).min();
                first.map(|sign| sign + self.settings.hang_timeout)
            } else {
                self.settings.idle_timeout.map(|timeout| idle_since + timeout)
            };
            tokio::select! {
                command = self.inbox.recv() => {
                    if let Some(Command::Abandon(id)) = &command
                        && self.calls.is_in_flight(*id)
                    {
                        // Stays in flight until the worker confirms: that is how a worker that is
                        // stuck in it is found out.
                        let _ = process.send(&ToWorker::Cancel { id: *id }, None);
                    }
                    if self.accept(command).is_break() {
                        return Served::ShutDown;
                    }
                }
                message = process.receive() => match message {
                    None => return Served::Closed(None),
                    Some(Err(error)) => return Served::Closed(Some(error)),
                    Some(Ok(message)) => {
                        let now = Instant::now();
                        if let Some(lane) = self.handle(message) {
                            last_sign[lane.index()] = now;
                        }
                        if self.calls.in_flight_count() == 0 {
                            idle_since = now;
                        }
                    }
                },
                () = sleep_until_some(wake_at) => {
                    return if busy { Served::Hung } else { Served::Idle };
                }
            }
        }
    }

    /// Sends what the window of a lane allows, most urgent first; true when the lane was idle
    /// before.
    fn dispatch(&mut self, lane: Lane, process: &Process) -> bool {
        let was_idle = !self.calls.is_busy(lane);
        let window = match lane {
            Lane::Compute => self.settings.window_calls,
            Lane::Generate => self.settings.window_texts,
        };
        while let Some(call) = self.calls.next_to_send(lane, window) {
            self.send(call, process);
        }
        was_idle && self.calls.is_busy(lane)
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
        match process.send(&message, call.file.clone()) {
            Ok(()) => self.calls.note_sent(call),
            Err(error) => {
                // Limits are checked before, so this is a fault of ours; the caller is told.
                let reason = error.to_string();
                call.answer(Ok(Err(WorkerError::Failed { reason })));
            }
        }
    }

    /// Takes in what the worker said; gives the lane that it is a sign of life of.
    fn handle(&mut self, message: FromWorker) -> Option<Lane> {
        match message {
            FromWorker::Hello(_) => {
                tracing::warn!("model worker said hello twice");
                None
            }
            FromWorker::Response { id, part } => {
                if matches!(part, ResponsePart::Final(_)) && self.calls.is_in_flight(id) {
                    self.deaths_in_a_row = 0;
                }
                self.calls.take_part(id, part)
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
            calls = self.calls.in_flight_count(),
            "model worker failed"
        );
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let next_retry = self.clock.now().plus_ms(pause_ms);
        self.set_state(WorkerState::Failed { reason: reason.to_owned(), next_retry });
        self.retry_at = Some((retry_at, reason.to_owned()));
        self.calls.sort_out_lost();
        self.refuse_hopeless_calls(retry_at, pause, reason);
    }

    /// Who need not wait for the next start learns it now instead of at the deadline.
    fn refuse_hopeless_calls(&mut self, retry_at: Instant, pause: Duration, reason: &str) {
        let patient = self.deaths_in_a_row < PATIENCE_DEATHS;
        self.calls.refuse_some(|call| {
            let in_time = patient && call.deadline > retry_at;
            let reason = reason.to_owned();
            (!in_time).then_some(ModelError::Unavailable { reason, retry_after: pause })
        });
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
