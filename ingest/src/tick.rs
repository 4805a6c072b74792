//! Ticks: whichever core is first each interval writes it; a second core's tick of the same time is a duplicate.

use std::time::Duration;

use schemas::Millis;
use schemas::batch::push_line;
use schemas::entry::{Entry, Tick};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::journal::{Journal, Sealed};
use crate::skew::Skew;

/// Writes a tick at every multiple of the interval, until told to stop; the first at once, for the interval that runs, so
/// that a start waits for no version. A tick that the journal does not take is left out: the next one comes soon. So is one of a
/// clock that is wrong.
pub async fn run(journal: Journal, interval: Duration, stop: CancellationToken) {
    let interval_ms = u32::try_from(interval.as_millis()).expect("intervals are at most a minute");
    let now = crate::clock::now();
    let since_last = now.0.rem_euclid(i64::from(interval_ms));
    let wait = interval.saturating_sub(Duration::from_millis(since_last.unsigned_abs()));
    let mut timer = tokio::time::interval_at(Instant::now() + wait, interval);
    timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut skew = Skew::new(journal.clone());
    write(&journal, &mut skew, Tick { at: now.plus(-since_last), interval_ms }).await;
    loop {
        tokio::select! {
            _ = timer.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = crate::clock::now();
        let half = i64::from(interval_ms / 2);
        let at = Millis((now.0 + half).div_euclid(i64::from(interval_ms)) * i64::from(interval_ms));
        write(&journal, &mut skew, Tick { at, interval_ms }).await;
    }
}

async fn write(journal: &Journal, skew: &mut Skew, tick: Tick) {
    if let Err(error) = skew.check().await {
        tracing::error!(%error, "no tick was written");
        return;
    }
    if let Err(error) = journal.try_append(&sealed(tick)).await {
        tracing::warn!(%error, "no tick was written");
    }
}

fn sealed(tick: Tick) -> Sealed {
    let mut payload = Vec::new();
    push_line(&mut payload, &Entry::Tick(tick));
    Sealed { payload: payload.into(), count: 1, id: format!("tick-{}", tick.at.0), writer: None }
}
