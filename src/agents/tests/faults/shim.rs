//! The disk below a child process (`shim.c`): making it, starting children over it, and telling it
//! what to refuse.
//!
//! It stands between libc and whoever calls it, because only there all writers meet: SQLCipher's C
//! code, tantivy, and the standard library under our own files. A virtual file system of SQLite
//! would see the database alone, and a seam in our own code would be one more thing that the
//! shipped file carries for its tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Set for the child: the directory that it works in.
const ROLE: &str = "FAULTS_ROLE";

/// How an operation fails. The numbers are those of `enum mode` in `shim.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Nothing fails; operations are counted.
    Count = 1,
    /// One operation fails with EIO.
    Eio = 2,
    /// One operation fails with ENOSPC.
    NoSpace = 3,
    /// One write takes half of what it was given.
    Short = 4,
    /// From one operation on the disk is full.
    Full = 5,
    /// One opening fails with EMFILE.
    NoDescriptor = 6,
}

impl Mode {
    pub(crate) const FAILING: [Self; 5] =
        [Self::Eio, Self::NoSpace, Self::Short, Self::Full, Self::NoDescriptor];

    /// Whether an operation of this kind can fail so.
    pub(crate) fn concerns(self, kind: char) -> bool {
        match self {
            Self::Count => false,
            Self::Eio | Self::NoSpace => true,
            Self::Short => kind == 'w',
            Self::Full => "womrl".contains(kind),
            Self::NoDescriptor => kind == 'o',
        }
    }
}

/// What the disk saw between arming and disarming.
pub(crate) struct Seen {
    /// Kind of the operation that failed: `w`rite, `s`ync, `o`pen, `t`runcate, `r`ename, `u`nlink,
    /// `m`kdir, `l`ink.
    pub(crate) fired: Option<char>,
    /// What it was to be done to.
    pub(crate) fired_at: String,
    /// Kinds of all operations, in order.
    pub(crate) kinds: Vec<char>,
}

/// Where a child's disk is, and the ways to talk to it.
pub(crate) struct Shim {
    /// Operations below it are seen.
    pub(crate) root: PathBuf,
    library: PathBuf,
}

impl Shim {
    /// Compiles the library into `dir`; the disk is `dir/disk`. SQLCipher is C too, so whoever
    /// builds this has a compiler.
    pub(crate) fn new(dir: &Path) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/shim.c");
        let library = dir.join("shim.so");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let made = Command::new(compiler)
            .args(["-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .arg("-lpthread")
            .status()
            .expect("a C compiler");
        assert!(made.success(), "the disk of the fault tests can't be compiled");
        let root = dir.join("disk");
        std::fs::create_dir(&root).unwrap();
        Self { root, library }
    }

    /// Another disk in the same directory.
    pub(crate) fn beside(&self, name: &str) -> Self {
        let root = self.root.with_file_name(name);
        std::fs::create_dir(&root).unwrap();
        Self { root, library: self.library.clone() }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.with_extension("log")
    }

    /// This executable again over the disk, running the test `name` as the child.
    pub(crate) fn child(&self, name: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", name, "--nocapture"])
            .env("LD_PRELOAD", &self.library)
            .env("FAULTS_ROOT", &self.root)
            .env("FAULTS_CONTROL", control_of(&self.root))
            .env(ROLE, &self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }
}

fn control_of(root: &Path) -> PathBuf {
    root.with_extension("control")
}

/// The disk that this process plays the child on, if it is one.
pub(crate) fn role() -> Option<PathBuf> {
    std::env::var_os(ROLE).map(PathBuf::from)
}

/// In the child: from here on the `at`th operation fails, counted from 1.
pub(crate) fn arm(root: &Path, mode: Mode, at: usize) {
    order(root, &format!("arm {} {at}", mode as u8));
}

/// In the child: nothing fails any more.
pub(crate) fn disarm(root: &Path) -> Seen {
    order(root, "disarm");
    let mut report = control_of(root).into_os_string();
    report.push(".report");
    let text = std::fs::read_to_string(report).unwrap();
    let mut lines = text.splitn(3, '\n');
    let fired = lines.next().unwrap().chars().next().filter(|kind| *kind != '-');
    let fired_at = lines.next().unwrap().to_owned();
    Seen { fired, fired_at, kinds: lines.next().unwrap_or_default().chars().collect() }
}

/// In the child: writes `text` into the record, behind what was done so far.
pub(crate) fn mark(root: &Path, text: &str) {
    order(root, &format!("mark {text}"));
}

fn order(root: &Path, text: &str) {
    std::fs::write(control_of(root), text).unwrap();
}
