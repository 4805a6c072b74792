//! How long it takes from a POS that sends until everyone can see it: an outlet of its own reports counts of another band in
//! turn, and the open API is read until it shows that band.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use rand::Rng;
use schemas::OutletCode;
use schemas::pos::{Head, Outcome, Reply, Report};
use schemas::registry::{OutletInfo, Place};
use schemas::subject::{self, PosKind};
use schemas::time::Rfc3339;
use serde::Deserialize;

use crate::fleet::{connect, now};

/// Time between two looks at the open API.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// After this long a report counts as not seen.
const SEEN_WITHIN: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(60);
/// One count of `plenty`, one of `few`, by the official bands.
const COUNTS: [(u32, &str); 2] = [(150, "plenty"), (15, "few")];

/// Times from sent to visible: of the last minute, and of the whole run.
#[derive(Debug, Default, Clone)]
pub struct Visible(Arc<Mutex<Times>>);

#[derive(Debug, Default)]
struct Times {
    all: VecDeque<(Instant, u64)>,
    failed: u64,
}

/// Quantiles over a window, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Quantiles {
    /// Reports seen.
    pub count: u64,
    /// Median; 0 where none was seen.
    pub p50_ms: u64,
    /// 99th percentile; 0 where none was seen.
    pub p99_ms: u64,
    /// Largest; 0 where none was seen.
    pub max_ms: u64,
}

impl Visible {
    /// Quantiles over the last minute.
    #[must_use]
    pub fn last_minute(&self) -> Quantiles {
        let since = Instant::now().checked_sub(WINDOW);
        self.quantiles(|seen| since.is_none_or(|since| seen >= since))
    }

    /// Quantiles since the start.
    #[must_use]
    pub fn whole_run(&self) -> Quantiles {
        self.quantiles(|_| true)
    }

    /// Every report that was seen: when, and how many milliseconds after it was sent.
    #[must_use]
    pub fn each(&self) -> Vec<(Instant, u64)> {
        self.times().all.iter().copied().collect()
    }

    /// Reports that failed, or were not seen in time.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.times().failed
    }

    fn quantiles(&self, within: impl Fn(Instant) -> bool) -> Quantiles {
        let mut histogram = Histogram::<u64>::new_with_bounds(1, 60_000, 3).expect("the bounds are in order");
        for (_, millis) in self.times().all.iter().filter(|(seen, _)| within(*seen)) {
            histogram.saturating_record(*millis);
        }
        Quantiles {
            count: histogram.len(),
            p50_ms: histogram.value_at_quantile(0.5),
            p99_ms: histogram.value_at_quantile(0.99),
            max_ms: histogram.max(),
        }
    }

    fn record(&self, outcome: &Result<Duration>) {
        let mut times = self.times();
        match outcome {
            Ok(took) => {
                let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                times.all.push_back((Instant::now(), millis));
            }
            Err(_) => times.failed += 1,
        }
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.0.lock().expect("nothing panics while it records a number")
    }
}

/// An outlet that is watched from both ends.
pub struct Probe {
    code: OutletCode,
    place: Place,
    item: String,
    nats: async_nats::Client,
    http: reqwest::Client,
    open_url: String,
    seq: u64,
}

impl Probe {
    /// Connects a probe that uses this outlet, which nobody else may use.
    ///
    /// # Errors
    /// When the outlet has no place, or NATS does not answer.
    pub async fn connect(outlet: &OutletInfo, item: &str, nats_url: &str, open_url: &str) -> Result<Self> {
        let place =
            outlet.place.with_context(|| format!("outlet {} has no place to look at", outlet.code))?;
        Ok(Self {
            code: outlet.code.clone(),
            place,
            item: item.to_owned(),
            nats: connect(nats_url, "jaego-sim probe".to_owned()).await?,
            http: reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?,
            open_url: open_url.trim_end_matches('/').to_owned(),
            seq: u64::try_from(now().0).context("the clock is before 1970")?,
        })
    }

    /// Measures one report after the other, at random distances, for as long as it is awaited.
    pub async fn measure(mut self, visible: Visible) {
        for (count, band) in COUNTS.into_iter().cycle() {
            let outcome = self.once(count, band).await;
            visible.record(&outcome);
            let pause = rand::rng().random_range(100..1100);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Sends one report and waits until it is visible; returns how long that took.
    ///
    /// # Errors
    /// When it is turned away or not seen within 30 s.
    pub async fn once(&mut self, count: u32, band: &str) -> Result<Duration> {
        let start = Instant::now();
        self.report(count).await?;
        while self.shown().await?.as_deref() != Some(band) {
            anyhow::ensure!(start.elapsed() < SEEN_WITHIN, "not visible after {} s", SEEN_WITHIN.as_secs());
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(start.elapsed())
    }

    async fn report(&mut self, count: u32) -> Result<()> {
        self.seq += 1;
        let at = Rfc3339(now());
        let head = Head { outlet: None, terminal: "probe", seq: self.seq, at, sent_at: Some(at) };
        let body = serde_json::to_vec(&Report { head, item: &self.item, count })?;
        let answer = self.nats.request(subject::pos(PosKind::Report, &self.code), body.into()).await?;
        let reply: Reply = serde_json::from_slice(&answer.payload)?;
        anyhow::ensure!(reply.status == Outcome::Accepted, "answered {:?}", reply.status);
        Ok(())
    }

    /// The band that the open API shows for this outlet now.
    async fn shown(&self) -> Result<Option<String>> {
        let Place { lat, lng } = self.place;
        let url = format!("{}/corona19-masks/v1/storesByGeo/json?lat={lat}&lng={lng}&m=10", self.open_url);
        let found: Found = self.http.get(url).send().await?.error_for_status()?.json().await?;
        let own = found.stores.into_iter().find(|store| store.code == self.code.as_str());
        Ok(own.and_then(|store| store.remain_stat))
    }
}

#[derive(Deserialize)]
struct Found {
    stores: Vec<Store>,
}

#[derive(Deserialize)]
struct Store {
    code: String,
    remain_stat: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_recorded_and_failures_stand_apart() {
        let visible = Visible::default();
        assert_eq!(visible.last_minute(), Quantiles::default());
        for millis in 1..=100 {
            visible.record(&Ok(Duration::from_millis(millis * 10)));
        }
        visible.record(&Err(anyhow::anyhow!("not seen")));
        let seen = visible.last_minute();
        assert_eq!((seen.count, seen.p50_ms, seen.p99_ms, visible.failed()), (100, 500, 990, 1));
    }
}
