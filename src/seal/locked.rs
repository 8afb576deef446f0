//! Pages of memory for keys, kept out of the swap (`mlock`) as far as the kernel allows it.
//!
//! A key is 32 bytes; locking a page per key would use up the usual limit (`RLIMIT_MEMLOCK`, often
//! 64 KiB or 8 MiB) with few keys, and unlocking a page that another key still lives in would be
//! silent. So keys are cells of shared pages that are locked once and never given back; a cell is
//! overwritten when it is freed, and taken again.
//!
//! When the kernel refuses the lock, keys still work: [`memory_lock`] says so, for the log and
//! `millwright doctor`.

use std::cell::UnsafeCell;
use std::fmt;
use std::ptr::NonNull;

use parking_lot::Mutex;
use zeroize::Zeroize as _;

use crate::secret::KEY_BYTES;

const PAGE_BYTES: usize = 4096;
const CELLS_PER_PAGE: usize = PAGE_BYTES / KEY_BYTES;

/// Whether the pages that hold keys are kept out of the swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLock {
    /// All of them.
    Locked,
    /// The kernel refused at least one.
    Refused(rustix::io::Errno),
}

impl fmt::Display for MemoryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked => f.write_str("keys are kept out of the swap"),
            Self::Refused(error) => {
                write!(f, "the kernel does not keep keys out of the swap ({error})")
            }
        }
    }
}

/// Whether the pages that hold keys are locked. Makes the first one, if there is none yet.
#[must_use]
pub fn memory_lock() -> MemoryLock {
    drop(Cell::take());
    ARENA.lock().refused.map_or(MemoryLock::Locked, MemoryLock::Refused)
}

#[repr(C, align(4096))]
struct Page(UnsafeCell<[[u8; KEY_BYTES]; CELLS_PER_PAGE]>);

/// The cells that nobody has.
struct Arena {
    free: Vec<Place>,
    refused: Option<rustix::io::Errno>,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena { free: Vec::new(), refused: None });

/// Where a free cell is. Points into a page that lives as long as the process.
struct Place(NonNull<[u8; KEY_BYTES]>);

#[expect(unsafe_code, reason = "a pointer is sent nowhere by itself")]
// SAFETY: the pointer is to memory that is never freed, and whoever has the `Place` is the only one
// who uses it: it is either in the arena, behind its mutex, or inside one `Cell`.
unsafe impl Send for Place {}

/// Thirty-two bytes of a locked page, all zero at first, overwritten when dropped.
pub(crate) struct Cell(NonNull<[u8; KEY_BYTES]>);

#[expect(unsafe_code, reason = "a pointer is sent nowhere by itself")]
// SAFETY: a `Cell` owns its bytes alone, as a `Box` would; the memory is never freed.
unsafe impl Send for Cell {}
#[expect(unsafe_code, reason = "a pointer is shared nowhere by itself")]
// SAFETY: through `&Cell` the bytes can only be read.
unsafe impl Sync for Cell {}

impl Cell {
    pub(crate) fn take() -> Self {
        let mut arena = ARENA.lock();
        if arena.free.is_empty() {
            arena.add_page();
        }
        match arena.free.pop() {
            Some(Place(place)) => Self(place),
            // `add_page` has just put cells there.
            None => unreachable!("a new page has free cells"),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        #[expect(unsafe_code, reason = "reads the cell that this owns")]
        // SAFETY: the pointer is aligned, initialised and never freed; `self` owns the cell, so
        // nobody writes while the reference lives.
        unsafe {
            self.0.as_ref()
        }
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        #[expect(unsafe_code, reason = "writes the cell that this owns")]
        // SAFETY: as above, and `&mut self` means that there is no other reference.
        unsafe {
            self.0.as_mut()
        }
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        ARENA.lock().free.push(Place(self.0));
    }
}

impl Arena {
    fn add_page(&mut self) {
        let page: &'static Page =
            Box::leak(Box::new(Page(UnsafeCell::new([[0; KEY_BYTES]; CELLS_PER_PAGE]))));
        let first: *mut [u8; KEY_BYTES] = page.0.get().cast();
        #[expect(unsafe_code, reason = "a system call about memory")]
        // SAFETY: the range is one page that was just allocated and is never freed; locking it
        // changes nothing that the program can see.
        let locked = unsafe { rustix::mm::mlock(first.cast(), PAGE_BYTES) };
        if let Err(error) = locked {
            self.refused = Some(error);
        }
        for index in 0..CELLS_PER_PAGE {
            #[expect(unsafe_code, reason = "the cells of the page just made")]
            // SAFETY: `index` is within the array that `first` points to the beginning of.
            let cell = unsafe { NonNull::new_unchecked(first.add(index)) };
            self.free.push(Place(cell));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn cells_are_apart_and_overwritten_when_they_are_given_back() {
        let mut cells: Vec<Cell> = (0..300).map(|_| Cell::take()).collect();
        for (number, cell) in cells.iter_mut().enumerate() {
            assert_eq!(cell.bytes(), &[0; KEY_BYTES]);
            cell.bytes_mut().fill(u8::try_from(number % 251).unwrap() + 1);
        }
        for (number, cell) in cells.iter().enumerate() {
            assert_eq!(cell.bytes(), &[u8::try_from(number % 251).unwrap() + 1; KEY_BYTES]);
        }
        let places: Vec<_> = cells.iter().map(|cell| cell.0).collect();
        drop(cells);
        // Some may have been taken by another test meanwhile; what is free is zero.
        let arena = ARENA.lock();
        let mut seen = 0;
        for free in arena.free.iter().filter(|free| places.contains(&free.0)) {
            #[expect(unsafe_code, reason = "looks at freed cells")]
            // SAFETY: the cell is in the arena, whose mutex this test holds.
            let bytes = unsafe { free.0.as_ref() };
            assert_eq!(bytes, &[0; KEY_BYTES]);
            seen += 1;
        }
        assert!(seen > 0);
    }

    /// The kernel's own count of locked memory.
    #[test]
    fn pages_with_keys_are_locked_where_the_kernel_allows_it() {
        let key = Cell::take();
        match memory_lock() {
            MemoryLock::Locked => {
                let status = std::fs::read_to_string("/proc/self/status").unwrap();
                let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
                let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
                assert!(kib >= 4, "{line}");
            }
            MemoryLock::Refused(error) => {
                assert!(MemoryLock::Refused(error).to_string().contains("swap"));
            }
        }
        drop(key);
    }
}
