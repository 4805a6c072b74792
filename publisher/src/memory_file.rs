//! Large bodies that are asked for often lie in files of memory too, from which the kernel sends them without copying.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustix::fs::MemfdFlags;

/// Fewer bytes are as quickly copied as sent from a file.
pub(crate) const LARGE: usize = 64 * 1024;
/// A body that was asked for so often is worth a file: making one costs about as much as sending it so often saves.
const OFTEN: u32 = 4;
/// So many files are open at most; further bodies are copied. Places for connections come out of the same limit.
static PLACES: Places = Places::new(256);

/// Bytes that lie in a file too.
#[derive(Debug)]
pub(crate) struct MemoryFile {
    bytes: Bytes,
    file: OwnedFd,
    _place: Place,
}

impl MemoryFile {
    /// None where enough are open, or the system gives none.
    fn of(bytes: &Bytes) -> Option<Self> {
        let place = PLACES.take()?;
        Some(Self { bytes: bytes.clone(), file: write(bytes).ok()?, _place: place })
    }

    /// Where a part of its bytes lies in the file; none for bytes that lie elsewhere in memory, whatever they say.
    pub(crate) fn place_of(&self, part: &[u8]) -> Option<u64> {
        let place = part.as_ptr().addr().checked_sub(self.bytes.as_ptr().addr())?;
        (place + part.len() <= self.bytes.len()).then_some(place as u64)
    }

    #[cfg(test)]
    pub(crate) fn that_says(bytes: &Bytes, other: &[u8]) -> Self {
        let place = PLACES.take().unwrap();
        Self { bytes: bytes.clone(), file: write(other).unwrap(), _place: place }
    }
}

fn write(bytes: &[u8]) -> rustix::io::Result<OwnedFd> {
    let file = rustix::fs::memfd_create("jaego-body", MemfdFlags::CLOEXEC)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = &rest[rustix::io::write(&file, rest)?..];
    }
    Ok(file)
}

impl AsFd for MemoryFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Places for files that are open.
#[derive(Debug)]
struct Places {
    most: usize,
    taken: AtomicUsize,
}

/// A place taken; free again when dropped.
#[derive(Debug)]
struct Place(&'static Places);

impl Places {
    const fn new(most: usize) -> Self {
        Self { most, taken: AtomicUsize::new(0) }
    }

    fn take(&'static self) -> Option<Place> {
        // Made first: dropped, it gives the place back.
        let place = Place(self);
        (self.taken.fetch_add(1, Relaxed) < self.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}

/// The file of a body, if it has come to have one.
#[derive(Debug, Default)]
pub(crate) struct Filed {
    asked: AtomicU32,
    file: OnceLock<Arc<MemoryFile>>,
}

impl Filed {
    /// The file of these bytes, which are always the same ones; counts that they are asked for.
    pub(crate) fn file(&self, bytes: &Bytes) -> Option<&Arc<MemoryFile>> {
        if bytes.len() < LARGE {
            return None;
        }
        if let Some(file) = self.file.get() {
            return Some(file);
        }
        if self.asked.fetch_add(1, Relaxed) < OFTEN {
            return None;
        }
        let made = Arc::new(MemoryFile::of(bytes)?);
        Some(self.file.get_or_init(|| made))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_and_asked_for_often_has_a_file() {
        let (small, large) = (Bytes::from(vec![1; LARGE - 1]), Bytes::from(vec![1; LARGE]));
        let (of_small, of_large) = (Filed::default(), Filed::default());
        let asked =
            |filed: &Filed, bytes| (0..=OFTEN).map(|_| filed.file(bytes).is_some()).collect::<Vec<_>>();
        assert!(!asked(&of_small, &small).contains(&true));
        let of_large = asked(&of_large, &large);
        assert_eq!(of_large.iter().position(|is| *is), Some(OFTEN as usize));
    }

    #[test]
    fn only_its_own_bytes_have_a_place_in_it() {
        let bytes = Bytes::from(vec![1; LARGE]);
        let file = MemoryFile::of(&bytes).unwrap();
        assert_eq!(file.place_of(&bytes), Some(0));
        assert_eq!(file.place_of(&bytes[7..100]), Some(7));
        assert_eq!(file.place_of(&Bytes::copy_from_slice(&bytes)), None);
    }

    #[test]
    fn no_more_are_open_than_may_be_and_places_come_back() {
        static FEW: Places = Places::new(3);
        let mut held: Vec<Place> = std::iter::from_fn(|| FEW.take()).collect();
        assert_eq!(held.len(), 3);
        held.pop();
        assert!(FEW.take().is_some());
    }
}
