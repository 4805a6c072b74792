//! Checkpoints on disk: written aside and put in place by one rename; the two newest are kept.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use aggregator::checkpoint::CheckpointError;
use aggregator::{Checkpoint, Fold};

/// Bytes that are read or written at once.
const BUFFER: usize = 1024 * 1024;
/// How many are kept.
const KEPT: usize = 2;
/// With this every checkpoint begins, of whatever version.
const MAGIC: &[u8] = b"JAEGOCK";

/// The folder that holds the checkpoints of one journal.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    dir: PathBuf,
    /// When the journal stream was made, in seconds: a checkpoint of another journal must not be used.
    journal: i64,
}

impl Checkpoints {
    /// The checkpoints under this data directory, of the journal that was made at this time.
    ///
    /// # Errors
    /// When the folder can not be made.
    pub fn open(data_dir: &Path, journal: i64) -> io::Result<Self> {
        let dir = data_dir.join("checkpoints");
        fs::create_dir_all(&dir)?;
        Ok(Self { dir, journal })
    }

    /// The newest state that can be read. One that can not is set aside for inspection, so that it is none of those kept, and
    /// the next older is tried.
    ///
    /// # Errors
    /// When the folder can not be read.
    pub fn newest(&self) -> io::Result<Fold> {
        for (applied, path) in self.list()?.into_iter().rev() {
            let opened = File::open(&path).map_err(CheckpointError::from);
            match opened.and_then(|file| Fold::restore(BufReader::with_capacity(BUFFER, file))) {
                Ok(fold) => return Ok(fold),
                Err(error) => {
                    tracing::warn!(path = %path.display(), applied, %error, "checkpoint not usable; trying the next older");
                    if is_damaged(&error, &path) {
                        set_aside(&path);
                    }
                }
            }
        }
        Ok(Fold::default())
    }

    /// Keeps this state.
    ///
    /// # Errors
    /// When it can not be written; those before it stay.
    pub fn keep(&self, checkpoint: Checkpoint) -> io::Result<()> {
        let applied = checkpoint.applied();
        let path = self.dir.join(format!("{}-{applied:020}.checkpoint", self.journal));
        let aside = path.with_extension("tmp");
        let mut file = BufWriter::with_capacity(BUFFER, File::create(&aside)?);
        checkpoint.write(&mut file)?;
        file.into_inner()?.sync_all()?;
        fs::rename(&aside, &path)?;
        File::open(&self.dir)?.sync_all()?;
        let all = self.list()?;
        for (_, old) in all.iter().take(all.len().saturating_sub(KEPT)) {
            fs::remove_file(old)?;
        }
        Ok(())
    }

    /// Those of our journal, oldest first.
    fn list(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "checkpoint")
                && let Some((journal, applied)) =
                    path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.rsplit_once('-'))
                && journal.parse() == Ok(self.journal)
                && let Ok(applied) = applied.parse()
            {
                found.push((applied, path));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Whether a file is of no use to anybody: one that another version of jaego wrote, or that may be read yet, is not damaged.
fn is_damaged(error: &CheckpointError, path: &Path) -> bool {
    match error {
        CheckpointError::Read(cause) => cause.kind() == io::ErrorKind::UnexpectedEof,
        CheckpointError::Magic => !begins_as_one(path).unwrap_or(true),
        CheckpointError::Crc { .. } | CheckpointError::State(_) => true,
    }
}

fn begins_as_one(path: &Path) -> io::Result<bool> {
    let mut begin = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut begin)?;
    Ok(begin == MAGIC)
}

/// Gives a damaged checkpoint a name under which it does not count.
fn set_aside(path: &Path) {
    let aside = path.with_extension("damaged");
    match fs::rename(path, &aside) {
        Ok(()) => tracing::warn!(path = %aside.display(), "damaged checkpoint set aside"),
        Err(error) => tracing::warn!(path = %path.display(), %error, "damaged checkpoint not set aside"),
    }
}
