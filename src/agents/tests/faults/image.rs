//! The contents of a disk in memory.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt};
use std::path::Path;

/// Files and directories by path.
#[derive(Clone, Default)]
pub(crate) struct Image {
    entries: BTreeMap<String, Option<Vec<u8>>>,
}

impl Image {
    /// What lies below `dir`; sockets and the like left out, as is the shared memory of write-ahead
    /// logs, which is made anew at every start.
    pub(crate) fn of(dir: &Path) -> Self {
        let mut image = Self::default();
        image.read(dir, "");
        image
    }

    fn read(&mut self, dir: &Path, prefix: &str) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                self.add_dir(&path);
                self.read(&entry.path(), &path);
            } else if kind.is_file() && !path.ends_with("-shm") {
                self.add_file(&path, std::fs::read(entry.path()).unwrap());
            }
        }
    }

    pub(crate) fn add_dir(&mut self, path: &str) {
        self.entries.insert(path.to_owned(), None);
    }

    pub(crate) fn add_file(&mut self, path: &str, contents: Vec<u8>) {
        self.entries.insert(path.to_owned(), Some(contents));
    }

    pub(crate) fn remove(&mut self, path: &str) {
        self.entries.remove(path);
    }

    pub(crate) fn file(&self, path: &str) -> Option<&[u8]> {
        self.entries.get(path)?.as_deref()
    }

    /// All files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.entries.iter().filter_map(|(path, file)| Some((path.as_str(), file.as_deref()?)))
    }

    /// Tells images apart.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.entries.hash(&mut hasher);
        hasher.finish()
    }

    /// Puts everything below `dir`, which is made, with the modes that the store gives.
    pub(crate) fn write_to(&self, dir: &Path) {
        std::fs::create_dir(dir).unwrap();
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o700)).unwrap();
        for (path, contents) in &self.entries {
            let target = dir.join(path);
            match contents {
                None => {
                    std::fs::create_dir(&target).unwrap();
                    std::fs::set_permissions(&target, PermissionsExt::from_mode(0o700)).unwrap();
                }
                Some(contents) => write_private(&target, contents),
            }
        }
    }
}

/// A file that its owner alone may read.
fn write_private(path: &Path, contents: &[u8]) {
    use std::io::Write as _;
    let options =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    options.unwrap().write_all(contents).unwrap();
}
