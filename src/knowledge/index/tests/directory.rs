//! The encrypted directory: what is written comes back, and nothing else does.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use base::{OsEntropy, SeededEntropy};
use seal::DataKey;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{Directory as _, Lock, TerminatingWrite as _};

use crate::fixtures::chunk;
use crate::index::{EncryptedDirectory, EncryptedDirectoryOptions, TextIndex};

struct Ground {
    dir: tempfile::TempDir,
    key: Arc<DataKey>,
}

impl Ground {
    fn new() -> Self {
        let key = Arc::new(DataKey::generate(&SeededEntropy::new(1)).unwrap());
        Self { dir: tempfile::tempdir().unwrap(), key }
    }

    fn open(&self) -> EncryptedDirectory {
        self.open_with(Arc::clone(&self.key))
    }

    fn open_with(&self, key: Arc<DataKey>) -> EncryptedDirectory {
        let path = self.dir.path().join("index");
        let entropy = Arc::new(OsEntropy);
        EncryptedDirectory::open(EncryptedDirectoryOptions { path, key, entropy }).unwrap()
    }

    /// Changes what lies on disk under `name`.
    fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.dir.path().join("index").join(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

/// Several chunks of the file format, the last one not full.
fn content() -> Vec<u8> {
    (0..70_000_u32).flat_map(|i| i.to_be_bytes()).take(70_001).collect()
}

fn write(directory: &EncryptedDirectory, name: &str, bytes: &[u8]) {
    let mut file = directory.open_write(Path::new(name)).unwrap();
    file.write_all(bytes).unwrap();
    file.terminate().unwrap();
}

/// The whole file, or why it can't be had.
fn read(directory: &EncryptedDirectory, name: &str) -> io::Result<Vec<u8>> {
    let io = |error: OpenReadError| match error {
        OpenReadError::IoError { io_error, .. } => io::Error::new(io_error.kind(), io_error),
        other => io::Error::other(other.to_string()),
    };
    let handle = directory.get_file_handle(Path::new(name)).map_err(io)?;
    Ok(handle.read_bytes(0..handle.len())?.to_vec())
}

#[test]
fn files_come_back_whole_and_in_parts() {
    let ground = Ground::new();
    let directory = ground.open();
    let content = content();
    // One that is kept in memory while it is open, and one that is not.
    for name in ["a.fast", "a.term"] {
        write(&directory, name, &content);
        let again = ground.open();
        assert!(again.exists(Path::new(name)).unwrap());
        assert!(read(&again, name).unwrap() == content);
        let handle = again.get_file_handle(Path::new(name)).unwrap();
        for range in [0..0, 0..1, 16_383..16_385, 60_000..70_001, 70_001..70_001] {
            let part = handle.read_bytes(range.clone()).unwrap();
            assert!(part.as_slice() == &content[range.clone()], "{name} {range:?}");
        }
        let beyond = handle.read_bytes(70_000..70_002).unwrap_err();
        assert_eq!(beyond.kind(), io::ErrorKind::UnexpectedEof);
        // Removing the name leaves it readable for those who have it open, as tantivy expects.
        again.delete(Path::new(name)).unwrap();
        assert!(handle.read_bytes(5..9).unwrap().as_slice() == &content[5..9]);
        assert!(!again.exists(Path::new(name)).unwrap());
        assert!(matches!(again.delete(Path::new(name)), Err(DeleteError::FileDoesNotExist(_))));
    }
    directory.atomic_write(Path::new("meta.json"), b"first").unwrap();
    directory.atomic_write(Path::new("meta.json"), b"second").unwrap();
    assert_eq!(ground.open().atomic_read(Path::new("meta.json")).unwrap(), b"second");
}

#[test]
fn an_existing_file_is_not_written_over() {
    let ground = Ground::new();
    let directory = ground.open();
    write(&directory, "a.term", b"first");
    let again = directory.open_write(Path::new("a.term"));
    assert!(matches!(again, Err(OpenWriteError::FileAlreadyExists(_))));
    assert_eq!(read(&directory, "a.term").unwrap(), b"first");
    let missing = directory.get_file_handle(Path::new("b.term"));
    assert!(matches!(missing, Err(OpenReadError::FileDoesNotExist(_))));
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is() {
    let ground = Ground::new();
    let directory = ground.open();
    write(&directory, "a.term", &content());
    let size = fs::metadata(ground.dir.path().join("index/a.term")).unwrap().len();
    let size = usize::try_from(size).unwrap();
    for offset in [0, 9, 40, 5_000, 20_000, 40_000, size - 17, size - 1] {
        ground.damage("a.term", |bytes| bytes[offset] ^= 1);
        assert!(read(&ground.open(), "a.term").is_err(), "byte {offset} of {size}");
        ground.damage("a.term", |bytes| bytes[offset] ^= 1);
    }
    assert!(read(&ground.open(), "a.term").unwrap() == content());
    directory.atomic_write(Path::new("meta.json"), b"{}").unwrap();
    ground.damage("meta.json", |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert!(ground.open().atomic_read(Path::new("meta.json")).is_err());
}

#[test]
fn a_file_that_was_cut_is_noticed() {
    let ground = Ground::new();
    write(&ground.open(), "a.term", &content());
    let whole = fs::read(ground.dir.path().join("index/a.term")).unwrap();
    // Within chunks, at their ends, and down to nothing; and one that has grown.
    let chunk = 16 * 1024 + 16;
    let header = whole.len() - (4 * chunk + 70_001 - 4 * 16 * 1024 + 16);
    for length in [
        whole.len() - 1,
        header + 4 * chunk,
        header + 3 * chunk,
        header + chunk + 7,
        header,
        header - 1,
        0,
    ] {
        ground.damage("a.term", |bytes| bytes.truncate(length));
        assert!(read(&ground.open(), "a.term").is_err(), "{length} of {} bytes", whole.len());
        ground.damage("a.term", |bytes| *bytes = whole.clone());
    }
    ground.damage("a.term", |bytes| bytes.push(0));
    assert!(read(&ground.open(), "a.term").is_err(), "one byte more");
}

#[test]
fn a_file_that_was_not_finished_is_not_whole() {
    let ground = Ground::new();
    let directory = ground.open();
    let mut file = directory.open_write(Path::new("a.term")).unwrap();
    file.write_all(&content()).unwrap();
    file.flush().unwrap();
    drop(file);
    assert!(read(&directory, "a.term").is_err());
}

#[test]
fn a_file_is_bound_to_its_key_and_its_name() {
    let ground = Ground::new();
    let directory = ground.open();
    write(&directory, "a.term", &content());
    let other = Arc::new(DataKey::generate(&SeededEntropy::new(2)).unwrap());
    assert!(read(&ground.open_with(other), "a.term").is_err());
    let index = ground.dir.path().join("index");
    fs::copy(index.join("a.term"), index.join("b.term")).unwrap();
    assert!(read(&directory, "b.term").is_err(), "a file in the place of another");
    assert!(read(&directory, "a.term").unwrap() == content());
    for outside in ["../a.term", "x/a.term", "/etc/passwd", ""] {
        assert!(directory.get_file_handle(Path::new(outside)).is_err(), "{outside}");
        assert!(directory.open_write(Path::new(outside)).is_err(), "{outside}");
    }
}

#[test]
fn a_lock_is_held_by_one() {
    let ground = Ground::new();
    let directory = ground.open();
    let lock = Lock { filepath: "writer".into(), is_blocking: false };
    let held = directory.acquire_lock(&lock).ok().unwrap();
    assert!(matches!(directory.clone().acquire_lock(&lock), Err(LockError::LockBusy)));
    drop(held);
    assert!(directory.acquire_lock(&lock).is_ok());
}

#[test]
fn nothing_of_an_index_is_legible_on_disk() {
    let ground = Ground::new();
    let text = "The quenchwater interlock is bridged with key Z-77810.";
    let index = TextIndex::open(ground.open()).unwrap();
    let mut writer = index.writer().unwrap();
    writer.add(&chunk(1, text)).unwrap();
    writer.commit(1).unwrap();
    writer.finish().unwrap();
    let mut files = 0;
    for entry in fs::read_dir(ground.dir.path().join("index")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for word in ["quenchwater", "interlock", "z77810", "segments", "tantivy"] {
            let found = bytes.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word.as_bytes()));
            assert!(!found, "{word}");
        }
    }
    assert!(files > 5, "{files} files");
}
