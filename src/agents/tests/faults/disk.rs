//! A disk that is played from a record of what was asked of it, and what a power cut leaves on it.
//!
//! The model is the strict reading of POSIX. What was written to a file counts from the file's sync
//! on, what was done to names from the sync of their directory on. Of everything else any part may
//! be there or not, in any order: each write by its sectors, each truncation, each name. Sectors are
//! whole, and a write does not harm what stands beside it in its sector (SQLite assumes the same).

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use base::{Entropy as _, SeededEntropy};

use crate::image::Image;

/// One operation of the record. Paths are relative to the disk.
pub(crate) enum Op {
    Create { inode: u64, path: String },
    Write { inode: u64, offset: usize, bytes: Arc<Vec<u8>> },
    Truncate { inode: u64, length: usize },
    Sync { inode: u64 },
    SyncDir { path: String },
    Rename { from: String, to: String },
    Link { from: String, to: String },
    Remove { path: String },
    MakeDir { path: String },
    Mark { text: String },
}

/// Reads the record that `shim.c` made of the disk at `root`.
pub(crate) fn read_log(log: &Path, root: &Path) -> Vec<Op> {
    let bytes = std::fs::read(log).unwrap();
    let root = root.to_str().unwrap();
    let relative = |path: &str| path.strip_prefix(root).unwrap().trim_start_matches('/').to_owned();
    let mut at = bytes.as_slice();
    let mut ops = Vec::new();
    let mut sizes = [0_usize; 3];
    while let Some((kind, rest)) = at.split_first() {
        at = rest;
        let inode = u64::from_ne_bytes(take(&mut at, 8).try_into().unwrap());
        let number = u64::from_ne_bytes(take(&mut at, 8).try_into().unwrap());
        for size in &mut sizes {
            *size = u32::from_ne_bytes(take(&mut at, 4).try_into().unwrap()) as usize;
        }
        let mut text = |size| std::str::from_utf8(take(&mut at, size)).unwrap().to_owned();
        let (name, other) = (text(sizes[0]), text(sizes[1]));
        let data = take(&mut at, sizes[2]);
        let number = usize::try_from(number).unwrap();
        ops.push(match kind {
            b'M' => Op::Mark { text: name },
            b'c' => Op::Create { inode, path: relative(&name) },
            b'w' => Op::Write { inode, offset: number, bytes: Arc::new(data.to_vec()) },
            b't' => Op::Truncate { inode, length: number },
            b's' => Op::Sync { inode },
            b'd' => Op::SyncDir { path: relative(&name) },
            b'r' => Op::Rename { from: relative(&name), to: relative(&other) },
            b'l' => Op::Link { from: relative(&name), to: relative(&other) },
            b'u' | b'k' => Op::Remove { path: relative(&name) },
            b'm' => Op::MakeDir { path: relative(&name) },
            other => panic!("an unknown operation: {}", char::from(*other)),
        });
    }
    ops
}

fn take<'a>(at: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = at.split_at(count);
    *at = rest;
    taken
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Dir,
}

/// A change of names that waits for the sync of a directory.
#[derive(Clone)]
enum NameOp {
    Put(String, Node),
    Move(String, String, Node),
    Take(String),
}

impl NameOp {
    fn concerns(&self, dir: &str) -> bool {
        match self {
            Self::Put(path, _) | Self::Take(path) => parent(path) == dir,
            Self::Move(from, to, _) => parent(from) == dir || parent(to) == dir,
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Self::Put(path, node) => drop(names.insert(path.clone(), *node)),
            Self::Take(path) => drop(names.remove(path)),
            Self::Move(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// A change of contents that waits for the sync of its file.
enum DataOp {
    Write { offset: usize, bytes: Arc<Vec<u8>> },
    Truncate(usize),
}

#[derive(Default)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<DataOp>,
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// Nothing.
    Nothing,
    /// All of it: a kill, or luck.
    Everything,
    /// All contents and no name.
    Contents,
    /// All names and no contents.
    Names,
    /// Any of it, each operation whole.
    Some { seed: u64 },
    /// Any of it, each write by its sectors.
    Torn { seed: u64, sector_bytes: usize },
}

/// The disk after some operations.
#[derive(Default)]
pub(crate) struct Disk {
    inodes: Vec<Inode>,
    current: HashMap<u64, usize>,
    seen: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    pending: Vec<NameOp>,
}

impl Disk {
    pub(crate) fn apply(&mut self, op: &Op) {
        match op {
            Op::Mark { .. } => {}
            Op::Create { inode, path } => {
                let index = self.inodes.len();
                self.inodes.push(Inode::default());
                self.current.insert(*inode, index);
                self.name(NameOp::Put(path.clone(), Node::File(index)));
            }
            Op::Write { inode, offset, bytes } => {
                let write = DataOp::Write { offset: *offset, bytes: Arc::clone(bytes) };
                self.inode(*inode).pending.push(write);
            }
            Op::Truncate { inode, length } => {
                self.inode(*inode).pending.push(DataOp::Truncate(*length));
            }
            Op::Sync { inode } => {
                let inode = self.inode(*inode);
                for op in std::mem::take(&mut inode.pending) {
                    write_whole(&mut inode.durable, &op);
                }
            }
            Op::SyncDir { path } => {
                let (durable, pending) = (&mut self.durable, &mut self.pending);
                pending.retain(|op| {
                    let settled = op.concerns(path);
                    if settled {
                        op.apply(durable);
                    }
                    !settled
                });
            }
            Op::Rename { from, to } => {
                let node = self.seen[from];
                assert!(node != Node::Dir, "no directory is ever renamed: {from}");
                self.name(NameOp::Move(from.clone(), to.clone(), node));
            }
            Op::Link { from, to } => self.name(NameOp::Put(to.clone(), self.seen[from])),
            Op::Remove { path } => self.name(NameOp::Take(path.clone())),
            Op::MakeDir { path } => self.name(NameOp::Put(path.clone(), Node::Dir)),
        }
    }

    fn name(&mut self, op: NameOp) {
        op.apply(&mut self.seen);
        self.pending.push(op);
    }

    fn inode(&mut self, inode: u64) -> &mut Inode {
        let index = self.current[&inode];
        &mut self.inodes[index]
    }

    /// The disk that the next start finds.
    pub(crate) fn after(&self, cut: Cut) -> Image {
        let mut choice = Choice::new(cut);
        let mut names = self.durable.clone();
        for op in &self.pending {
            if choice.keeps_name() {
                op.apply(&mut names);
            }
        }
        let mut image = Image::default();
        for (path, node) in &names {
            // What lies in a directory whose own name was lost is lost with it.
            if !ancestors(path).all(|dir| names.get(dir) == Some(&Node::Dir)) {
                continue;
            }
            match node {
                Node::Dir => image.add_dir(path),
                Node::File(index) => image.add_file(path, self.contents(*index, &mut choice)),
            }
        }
        image
    }

    fn contents(&self, index: usize, choice: &mut Choice) -> Vec<u8> {
        let Inode { durable, pending } = &self.inodes[index];
        let mut contents = durable.clone();
        for op in pending {
            match (op, choice.sector_bytes) {
                (DataOp::Write { offset, bytes }, Some(sector_bytes)) => {
                    let mut at = *offset;
                    let end = offset + bytes.len();
                    while at < end {
                        let next = ((at / sector_bytes + 1) * sector_bytes).min(end);
                        if choice.keeps_contents() {
                            put(&mut contents, at, &bytes[at - offset..next - offset]);
                        }
                        at = next;
                    }
                }
                (op, _) if choice.keeps_contents() => write_whole(&mut contents, op),
                _ => {}
            }
        }
        contents
    }
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |dir| Some(parent(dir))).take_while(|d| !d.is_empty())
}

fn write_whole(contents: &mut Vec<u8>, op: &DataOp) {
    match op {
        DataOp::Write { offset, bytes } => put(contents, *offset, bytes),
        DataOp::Truncate(length) => contents.resize(*length, 0),
    }
}

fn put(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[offset..end].copy_from_slice(bytes);
}

/// Decides, operation by operation.
struct Choice {
    cut: Cut,
    sector_bytes: Option<usize>,
    random: Option<SeededEntropy>,
    /// How many of 256 survive; differs between states, so that some lose little and some much.
    share: u8,
}

impl Choice {
    fn new(cut: Cut) -> Self {
        let (seed, sector_bytes) = match cut {
            Cut::Some { seed } => (Some(seed), None),
            Cut::Torn { seed, sector_bytes } => (Some(seed), Some(sector_bytes)),
            _ => (None, None),
        };
        let mut choice =
            Self { cut, sector_bytes, random: seed.map(SeededEntropy::new), share: 128 };
        if choice.random.is_some() {
            choice.share = [32, 128, 128, 224][usize::from(choice.byte() % 4)];
        }
        choice
    }

    fn byte(&self) -> u8 {
        let mut byte = [0];
        if let Some(random) = &self.random {
            random.fill(&mut byte).unwrap();
        }
        byte[0]
    }

    fn keeps_name(&self) -> bool {
        match self.cut {
            Cut::Nothing | Cut::Contents => false,
            Cut::Everything | Cut::Names => true,
            Cut::Some { .. } | Cut::Torn { .. } => self.byte() < self.share,
        }
    }

    fn keeps_contents(&self) -> bool {
        match self.cut {
            Cut::Nothing | Cut::Names => false,
            Cut::Everything | Cut::Contents => true,
            Cut::Some { .. } | Cut::Torn { .. } => self.byte() < self.share,
        }
    }
}

#[test]
fn what_was_synced_survives_and_the_rest_may() {
    let write =
        |offset, bytes: &[u8]| Op::Write { inode: 7, offset, bytes: Arc::new(bytes.into()) };
    let mut disk = Disk::default();
    disk.apply(&Op::Create { inode: 7, path: "a".into() });
    disk.apply(&write(0, b"first"));
    disk.apply(&Op::Sync { inode: 7 });
    assert_eq!(disk.after(Cut::Nothing).file("a"), None, "its name was not synced");
    disk.apply(&Op::SyncDir { path: String::new() });
    disk.apply(&write(0, b"other"));
    disk.apply(&Op::Rename { from: "a".into(), to: "b".into() });
    assert_eq!(disk.after(Cut::Nothing).file("a"), Some(&b"first"[..]));
    assert_eq!(disk.after(Cut::Everything).file("b"), Some(&b"other"[..]));
    assert_eq!(disk.after(Cut::Names).file("b"), Some(&b"first"[..]));
    assert_eq!(disk.after(Cut::Contents).file("a"), Some(&b"other"[..]));
    let some: std::collections::BTreeSet<_> = (0..200)
        .map(|seed| {
            let left = disk.after(Cut::Some { seed });
            (left.file("a").map(<[u8]>::to_vec), left.file("b").map(<[u8]>::to_vec))
        })
        .collect();
    assert_eq!(some.len(), 4, "each of name and contents was there and was not");
    // A write of two sectors of which only the second arrived leaves a hole.
    disk.apply(&write(510, b"1234"));
    let torn = (0..200).any(|seed| {
        let left = disk.after(Cut::Torn { seed, sector_bytes: 512 });
        let file = left.file("a").or(left.file("b")).unwrap().to_vec();
        file.len() == 514 && file[510..] == *b"\0\x0034"
    });
    assert!(torn);
}
