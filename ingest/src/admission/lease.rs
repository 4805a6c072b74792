//! Tells the other cores, through the journal, that a limit of the caps is crossed here: a lease that is renewed while it is, and that
//! outlasts a core that dies.

use std::time::Duration;

use schemas::Millis;
use schemas::batch::push_line;
use schemas::entry::{Entry, HoldEntry};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::journal::{Journal, Sealed};

/// A hold that is not said again is over after so long, in milliseconds: a core that died is back within that time.
const LEASE_MS: i64 = 60_000;
/// So often it is said again.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// After so long another attempt is made where the journal did not take it.
const AGAIN: Duration = Duration::from_secs(1);

/// Says so until told to stop. A core that stops says nothing more: those who come after it go by its lease.
pub async fn run(
    journal: Journal,
    core: String,
    mut crossed: watch::Receiver<Option<Millis>>,
    stop: CancellationToken,
) {
    let (mut said, mut number) = (None, 0_u64);
    loop {
        let since = *crossed.borrow_and_update();
        let mut next = since.is_some().then_some(RENEW_EVERY);
        if since.is_some() || said.is_some() {
            number += 1;
            let told = journal.try_append(&sealed(&core, number, since, said)).await;
            // What was not acknowledged may be in the journal all the same: its end is said too.
            if since.is_some() || told.is_ok() {
                said = since;
            }
            if let Err(error) = told {
                tracing::warn!(%error, "other cores were not told whether this one holds");
                next = Some(AGAIN);
            }
        }
        tokio::select! {
            changed = crossed.changed() => if changed.is_err() { return },
            () = after(next) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn after(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// That it holds for a while, or that what it `said` ends now.
fn sealed(core: &str, number: u64, since: Option<Millis>, said: Option<Millis>) -> Sealed {
    let now = crate::clock::now();
    let until = if since.is_some() { now.plus(LEASE_MS) } else { now };
    let since = since.or(said).unwrap_or(now);
    let mut payload = Vec::new();
    push_line(&mut payload, &Entry::Hold(HoldEntry { core, since, until }));
    Sealed { payload: payload.into(), count: 1, id: format!("hold-{core}-{number}"), writer: None }
}
