//! The archive of past days of this process: opened before the journal is replayed, shown to readers, closed last of all.

use std::time::Duration;

use anyhow::Context;
use publisher::{Archive, Publisher};

use crate::settings::Settings;

/// How long the disk is waited for at the end.
const LIMIT: Duration = Duration::from_secs(2);

/// The archive, where one is to be kept.
///
/// # Errors
/// When the system gives no thread. A disk that refuses is no error: the archive is off then, and says so.
pub(crate) fn open(settings: &Settings) -> anyhow::Result<Option<Archive>> {
    if settings.history_days == 0 {
        return Ok(None);
    }
    let dir = settings.data_dir.join("history");
    let archive = Archive::open(dir, settings.history_days, settings.publisher().face);
    Ok(Some(archive.context("starting the threads of the history")?))
}

/// Tells readers where past days are: here, at a server that the settings name, or nowhere.
pub(crate) fn show(publisher: &Publisher, archive: Option<Archive>, settings: &Settings) {
    match (archive, &settings.history_origin) {
        (Some(archive), _) => publisher.keep_history(archive),
        (None, Some(origin)) => publisher.history_is_at(origin.clone()),
        (None, None) => {}
    }
}

/// Waits until all is written; not for a disk that does not answer.
pub(crate) async fn close(publisher: &Publisher) {
    let Some(archive) = publisher.archive().cloned() else { return };
    let closing = tokio::task::spawn_blocking(move || archive.close());
    if tokio::time::timeout(LIMIT, closing).await.is_err() {
        tracing::warn!("the history is not waited for; what it lacks is written at the next start");
    }
}
