//! A small disk of its own for the data of cores, which can be filled to the last byte and emptied again.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A file system in memory of a fixed size; unmounted on drop.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Mounts one of so many MiB.
    ///
    /// # Errors
    /// When this user may not, which needs root.
    pub(crate) fn mount(at: &Path, mib: u32) -> Result<Self> {
        fs::create_dir_all(at).with_context(|| format!("making {}", at.display()))?;
        let size = format!("size={mib}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "jaego-rehearsal"]).arg(at).stderr(Stdio::null());
        match mount.status() {
            Ok(status) if status.success() => Ok(Self(at.to_owned())),
            _ => bail!(
                "a small file system can not be mounted: that needs root (`mount -t tmpfs`); next step: run it as root"
            ),
        }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Fills what is free.
    ///
    /// # Errors
    /// When the filler can not be made, or something other than the end of the space stops it.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.0.join("filler")).context("making the filler")?;
        for size in [1 << 20, 4_096, 1] {
            let zeros = vec![0_u8; size];
            loop {
                match file.write_all(&zeros) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error).context("filling the disk"),
                }
            }
        }
        Ok(())
    }

    /// Frees what was filled.
    pub(crate) fn empty(&self) {
        // That there is no filler is what was wanted.
        let _gone = fs::remove_file(self.0.join("filler"));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let mut unmount = Command::new("umount");
        // Who still holds a file of it has ended by then or ends soon: the system unmounts it when they have.
        let _told = unmount.arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}
