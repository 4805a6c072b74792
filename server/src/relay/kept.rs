//! The last snapshot of an edge on its disk, whole or not at all: an edge that starts while cores and NATS are gone serves on
//! with it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use publisher::{Edition, Publisher};
use schemas::snapshot::Snapshot;
use tokio::sync::watch;

/// It is written at most this often: an edge that starts again without cores is so much behind at worst.
const EVERY: Duration = Duration::from_secs(10);
/// How the file begins; then come the CRC-32C of the rest in little endian, and the snapshot as JSON in zstd.
const MAGIC: &[u8; 8] = b"JAEGOKF1";
/// Head of the file.
const HEAD: usize = MAGIC.len() + 4;

/// Where it lies in a data directory.
pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("keyframe")
}

/// The snapshot that was kept; none where there is no file, or one that can not be used, which the log tells.
pub(crate) fn read(path: &Path) -> Option<Arc<Snapshot>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        read => read.context("reading it"),
    };
    let snapshot = bytes.and_then(|bytes| open(&bytes));
    snapshot
        .inspect_err(|error| {
            let error = format!("{error:#}");
            tracing::warn!(error, path = %path.display(), "the kept snapshot is of no use; a core's is waited for");
        })
        .ok()
        .map(Arc::new)
}

fn open(bytes: &[u8]) -> anyhow::Result<Snapshot> {
    let (head, body) = bytes.split_at_checked(HEAD).context("it is cut short")?;
    ensure!(head.starts_with(MAGIC), "another version of jaego wrote it");
    let crc = crc32c::crc32c(body).to_le_bytes();
    ensure!(head[MAGIC.len()..] == crc, "it is damaged: its CRC-32C is another");
    Ok(serde_json::from_reader(zstd::Decoder::new(body)?)?)
}

/// Writes it in the place of the one before; one at a time, for all are made beside the same file.
fn write(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    static WRITING: Mutex<()> = Mutex::new(());
    let _alone = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = serde_json::to_vec(snapshot)?;
    let body = zstd::bulk::compress(&text, 1)?;
    let aside = path.with_extension("tmp");
    let mut file = File::create(&aside)?;
    file.write_all(MAGIC)?;
    file.write_all(&crc32c::crc32c(&body).to_le_bytes())?;
    file.write_all(&body)?;
    file.sync_all()?;
    fs::rename(aside, path)
}

/// Keeps what is served, beside serving, until nobody publishes any more.
pub(crate) async fn keep(path: PathBuf, publisher: Publisher, mut published: watch::Receiver<u64>) {
    while published.changed().await.is_ok() {
        published.borrow_and_update();
        keep_now(&path, publisher.edition()).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Keeps a version. A disk that refuses costs nothing but that.
pub(crate) async fn keep_now(path: &Path, edition: Arc<Edition>) {
    let path = path.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        if edition.snapshot().version == 0 {
            return;
        }
        if let Err(error) = write(&path, edition.snapshot()) {
            tracing::warn!(%error, path = %path.display(), "the snapshot is not kept; an edge that starts without cores lacks it");
        }
    });
    written.await.expect("writing a file does not panic");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(version: u64) -> Snapshot {
        let text = format!(
            r#"{{"version":{version},"at":1,"interval_ms":1000,"rules":{},"registry_version":1,"outlets":[null],"heard":[],"unregistered":[]}}"#,
            serde_json::to_string(&schemas::entry::Rules::default()).unwrap()
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_last_one_is_read_and_nothing_that_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path());
        assert_eq!(read(&path), None);
        write(&path, &snapshot(7)).unwrap();
        write(&path, &snapshot(8)).unwrap();
        assert_eq!(read(&path).as_deref(), Some(&snapshot(8)));
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            assert!(open(&bytes).is_err(), "bit of byte {at}");
            assert!(open(&whole[..at]).is_err(), "cut at {at}");
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(read(&path), None);
    }
}
