//! Reading the rows of a log for its verifier: this thread decrypts, others hash what it has read,
//! one more puts it in order. A million entries take seconds so.

use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use audit::{ExaminedRow, Hash, Verifier};
use rusqlite::Rows;

use crate::StoreError;
use crate::audit_log::hash_of;
use crate::connection::Connection;

/// Rows that change hands together.
const BATCH_ROWS: usize = 512;

/// Batches that wait for a thread.
const BATCHES_WAITING: usize = 2;

/// Threads that hash, at most: decrypting keeps no more than these busy.
const HASHERS_MAX: usize = 4;

/// How far reading got.
pub(crate) struct Pushed {
    /// Knows the rows that were read.
    pub(crate) verifier: Verifier,
    /// How many those are.
    pub(crate) read: u64,
    /// Why it ended before the last one.
    pub(crate) end: Result<(), StoreError>,
}

/// Some rows, their bytes one after the other.
#[derive(Default)]
struct Batch {
    rows: Vec<(u64, Hash, Range<usize>)>,
    bytes: Vec<u8>,
}

impl Batch {
    /// Reads the next rows; none at the end.
    fn fill(rows: &mut Rows<'_>) -> (Self, Result<(), StoreError>) {
        let mut batch = Self::default();
        let end = batch.take(rows);
        (batch, end)
    }

    fn take(&mut self, rows: &mut Rows<'_>) -> Result<(), StoreError> {
        while self.rows.len() < BATCH_ROWS
            && let Some(row) = rows.next()?
        {
            let index = u64::try_from(row.get::<_, i64>(0)?)
                .map_err(|_| StoreError::Corrupt("audit_entries.idx"))?;
            let stored = hash_of(row.get_ref(2)?.as_blob().unwrap_or_default())?;
            let start = self.bytes.len();
            self.bytes.extend_from_slice(row.get_ref(1)?.as_blob().unwrap_or_default());
            self.rows.push((index, stored, start..self.bytes.len()));
        }
        Ok(())
    }

    fn examined(&self) -> Vec<ExaminedRow> {
        let examine = |(index, stored, range): &(u64, Hash, Range<usize>)| {
            ExaminedRow::of(*index, &self.bytes[range.clone()], stored)
        };
        self.rows.iter().map(examine).collect()
    }
}

/// Gives all rows of the log to `verifier`.
pub(crate) fn push_entries(
    connection: &Connection,
    verifier: Verifier,
) -> Result<Pushed, StoreError> {
    let mut statement =
        connection.prepare("SELECT idx, bytes, leaf_hash FROM audit_entries ORDER BY idx")?;
    let mut rows = statement.query([])?;
    let hashers = std::thread::available_parallelism().map_or(1, usize::from).min(HASHERS_MAX);
    std::thread::scope(|scope| {
        let mut inlets = Vec::new();
        let mut outlets = Vec::new();
        for _ in 0..hashers {
            let (inlet, waiting) = sync_channel(BATCHES_WAITING);
            let (done, outlet) = sync_channel(BATCHES_WAITING);
            scope.spawn(move || hash(&waiting, &done));
            inlets.push(inlet);
            outlets.push(outlet);
        }
        let verifying = scope.spawn(move || verify_in_order(verifier, &outlets));
        let mut end = Ok(());
        // In turn, so that the order can be found again.
        for inlet in inlets.iter().cycle() {
            let (batch, filled) = Batch::fill(&mut rows);
            let is_last = filled.is_err() || batch.rows.is_empty();
            end = filled;
            if !batch.rows.is_empty() && inlet.send(batch).is_err() {
                break;
            }
            if is_last {
                break;
            }
        }
        drop(inlets);
        let (verifier, read) = verifying.join().map_err(|_| StoreError::Panicked)?;
        Ok(Pushed { verifier, read, end })
    })
}

fn hash(waiting: &Receiver<Batch>, done: &SyncSender<Vec<ExaminedRow>>) {
    while let Ok(batch) = waiting.recv() {
        if done.send(batch.examined()).is_err() {
            return;
        }
    }
}

/// Takes the batches from the hashers in the order in which these were given them.
fn verify_in_order(
    mut verifier: Verifier,
    outlets: &[Receiver<Vec<ExaminedRow>>],
) -> (Verifier, u64) {
    let mut read = 0;
    for outlet in outlets.iter().cycle() {
        let Ok(batch) = outlet.recv() else { break };
        read += batch.len() as u64;
        batch.iter().for_each(|row| verifier.take(row));
    }
    (verifier, read)
}
