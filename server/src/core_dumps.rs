//! No core dumps: the memory of a gateway holds keys and numbers of persons, and must not be written to a disk.

use nix::sys::prctl::set_dumpable;
use nix::sys::resource::{Resource, setrlimit};

/// From here on neither this process nor a child of it leaves a core file. Programs that take cores through a pipe are not
/// bound by the limit (core(5)), but get none of a process that is not dumpable; nor may another process of the same user
/// read this one's memory.
///
/// # Errors
/// When the system refuses.
pub fn forbid() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    set_dumpable(false)
}
