//! A folder with a file per log.
//!
//! # File format
//!
//! `<origin with _ for />.checkpoints`: text, a JSON object per line, `{"witnessed_at": "<RFC 3339>",
//! "note": "<the signed note>"}`, appended to and synced. A torn last line, left by a stick that was
//! pulled, ends at the next one's beginning. When the file has grown by [`KEPT_NEWEST`] lines beyond
//! [`THIN_FROM_BYTES`], it is written anew with the newest of them and, of those before, the last one
//! of every day.

use std::collections::HashMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use audit::Checkpoint;
use base::Timestamp;
use serde::{Deserialize, Serialize};

use crate::log_place::LogPlace;

/// Lines that thinning keeps from the end.
pub(super) const KEPT_NEWEST: usize = 1_000;

/// A smaller file is not thinned.
const THIN_FROM_BYTES: u64 = 512 * 1024;

/// Longest file that is read.
const FILE_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// One line.
#[derive(Serialize, Deserialize)]
struct Line {
    witnessed_at: Timestamp,
    note: String,
}

pub(super) struct Folder {
    path: PathBuf,
    /// The files as this process left them, by origin.
    known: HashMap<String, Known>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    stamp: FileStamp,
    lines_since_thinned: usize,
}

/// Tells whether a file is the one that was left.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FileStamp {
    device: u64,
    inode: u64,
    length: u64,
}

impl From<&Metadata> for FileStamp {
    fn from(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino(), length: meta.len() }
    }
}

/// What a file holds that this process has not left so.
pub(super) enum Found {
    /// It is as it was left.
    AsLeft,
    /// It holds nothing of this log.
    Nothing,
    /// The genuine checkpoint of the largest tree, in the file as it is.
    Newest(Checkpoint, FileStamp),
    /// Checkpoints of this log's name, all signed by other keys.
    Foreign,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, known: HashMap::new() }
    }

    fn file_of(&self, origin: &str) -> PathBuf {
        self.path.join(format!("{}.checkpoints", origin.replace('/', "_")))
    }

    /// Looks at the log's file, unless it is as it was left.
    pub(super) fn look(&mut self, log: &LogPlace) -> io::Result<Found> {
        // A mount point without its stick, or a typing error: nothing is made there.
        std::fs::metadata(&self.path)?;
        let path = self.file_of(&log.origin);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.known.remove(&log.origin);
                return Ok(Found::Nothing);
            }
            Err(e) => return Err(e),
        };
        let stamp = FileStamp::from(&file.metadata()?);
        if self.known.get(&log.origin).is_some_and(|known| known.stamp == stamp) {
            return Ok(Found::AsLeft);
        }
        let lines = read_lines(file)?;
        let mut sized: Vec<(u64, &str)> =
            lines.iter().map(|line| (size_of(&line.note), line.note.as_str())).collect();
        // The largest genuine one counts, in whatever order they stand.
        sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        let genuine = |note: &str| Checkpoint::verify(note, &log.origin, &log.signed_by).ok();
        Ok(match sized.iter().find_map(|(_, note)| genuine(note)) {
            Some(checkpoint) => Found::Newest(checkpoint, stamp),
            None if lines.is_empty() => Found::Nothing,
            None => Found::Foreign,
        })
    }

    /// Appends a note and syncs it.
    pub(super) fn append(&mut self, origin: &str, note: &str, now: Timestamp) -> io::Result<()> {
        let path = self.file_of(origin);
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        // What is signed is no secret, and an auditor with another account is to read it.
        let mut file = options.append(true).read(true).create(true).mode(0o644).open(&path)?;
        let mut text = String::new();
        if !ends_in_newline(&mut file)? {
            text.push('\n');
        }
        let line = Line { witnessed_at: now, note: note.to_owned() };
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if is_new {
            seal::sync_dir(&self.path)?;
        }
        let known = self.known.entry(origin.to_owned()).or_default();
        known.stamp = FileStamp::from(&file.metadata()?);
        known.lines_since_thinned += 1;
        if known.stamp.length >= THIN_FROM_BYTES && known.lines_since_thinned >= KEPT_NEWEST {
            let stamp = thin(&path)?;
            *known = Known { stamp, lines_since_thinned: 0 };
        }
        Ok(())
    }

    /// Takes the file as it is for one that was left so: what it holds was found to be sound.
    pub(super) fn keep(&mut self, origin: &str, stamp: FileStamp) {
        self.known.entry(origin.to_owned()).or_default().stamp = stamp;
    }

    /// Forgets what it left: the next look reads the file.
    pub(super) fn forget(&mut self, origin: &str) {
        self.known.remove(origin);
    }
}

/// The tree size that a note claims, without a look at its signature.
fn size_of(note: &str) -> u64 {
    note.split('\n').nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
}

fn ends_in_newline(file: &mut File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(io::SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn read_lines(file: File) -> io::Result<Vec<Line>> {
    let mut text = Vec::new();
    file.take(FILE_MAX_BYTES).read_to_end(&mut text)?;
    let parsed = text.split(|byte| *byte == b'\n').map(serde_json::from_slice::<Line>);
    Ok(parsed.filter_map(Result::ok).collect())
}

/// Writes the file anew with what is to be kept of it.
fn thin(path: &Path) -> io::Result<FileStamp> {
    let lines = read_lines(File::open(path)?)?;
    let old = lines.len().saturating_sub(KEPT_NEWEST);
    let day = |line: &Line| line.witnessed_at.to_string().chars().take(10).collect::<String>();
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        let is_last_of_day = lines.get(at + 1).is_none_or(|next| day(next) != day(line));
        if at >= old || is_last_of_day {
            text.push_str(&serde_json::to_string(line)?);
            text.push('\n');
        }
    }
    seal::write_atomically(path, text.as_bytes())?;
    Ok(FileStamp::from(&std::fs::metadata(path)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn a_file_that_grew_long_keeps_its_newest_lines_and_one_of_every_day() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(dir.path().to_owned());
        let start = Timestamp::parse("2026-11-18").unwrap();
        // Ten days with 300 checkpoints each.
        for n in 0..3_000_u32 {
            let now = start.plus_ms(i64::from(n / 300) * DAY_MS + i64::from(n % 300));
            let note = format!("log\n{n}\n{}", "x".repeat(300));
            folder.append("log", &note, now).unwrap();
        }
        let path = dir.path().join("log.checkpoints");
        let lines = read_lines(File::open(&path).unwrap()).unwrap();
        let sizes: Vec<u64> = lines.iter().map(|line| size_of(&line.note)).collect();
        assert!(sizes.len() < 2_100, "{}", sizes.len());
        assert!(sizes.is_sorted());
        let newest: Vec<u64> = (2_000..3_000).collect();
        assert!(sizes.ends_with(&newest), "the newest thousand stay");
        for last_of_day in (299..2_000).step_by(300) {
            assert!(sizes.contains(&last_of_day), "{last_of_day}");
        }
    }

    #[test]
    fn a_torn_line_costs_nothing_but_itself() {
        let dir = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(dir.path().to_owned());
        let now = Timestamp::parse("2026-11-18").unwrap();
        folder.append("log", "log\n1\n", now).unwrap();
        let path = dir.path().join("log.checkpoints");
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"witnessed_at\":\"2026-11").unwrap();
        folder.append("log", "log\n2\n", now).unwrap();
        let lines = read_lines(File::open(&path).unwrap()).unwrap();
        let sizes: Vec<u64> = lines.iter().map(|line| size_of(&line.note)).collect();
        assert_eq!(sizes, [1, 2]);
    }
}
