//! Prometheus metrics, read from the counters at the moment they are asked for.

mod admission;
mod history;
mod readers;

use std::fmt;
use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use ingest::admission::Admission;
use ingest::apply::View;
use ingest::counts::Counts;
use ingest::hops::Hops;
use ingest::identity::Identity;
use ingest::modes::Modes;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use publisher::Publisher;
use schemas::claim::Refusal;
use tokio::sync::watch;

/// All metrics of one process.
#[derive(Debug)]
pub struct Metrics(Registry);

struct Source {
    counts: Arc<Counts>,
    identity: Option<Arc<Identity>>,
    hops: Arc<Hops>,
    applied: watch::Receiver<u64>,
    view: watch::Receiver<View>,
    admission: Arc<Admission>,
    modes: Arc<Modes>,
    publisher: Publisher,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

impl Metrics {
    /// Metrics over these sources.
    #[must_use]
    pub fn new(
        (counts, identity): (Arc<Counts>, Option<Arc<Identity>>),
        hops: Arc<Hops>,
        (applied, view): (watch::Receiver<u64>, watch::Receiver<View>),
        admission: Arc<Admission>,
        modes: Arc<Modes>,
        publisher: Publisher,
    ) -> Self {
        Self::of(Source { counts, identity, hops, applied, view, admission, modes, publisher })
    }

    /// Metrics of an edge.
    #[must_use]
    pub fn of_edge(publisher: &Publisher) -> Self {
        Self::of(readers::Edge(publisher.clone()))
    }

    fn of(source: impl Collector) -> Self {
        let mut registry = Registry::with_prefix("jaego");
        registry.register_collector(Box::new(source));
        Self(registry)
    }

    /// The metrics as an answer.
    pub(crate) fn answer(&self) -> Response {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        ([(header::CONTENT_TYPE, kind)], self.encode()).into_response()
    }

    /// The metrics as text.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0).expect("writing into memory");
        text
    }
}

impl Collector for Source {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        let view = self.view.borrow().clone();
        let tally = view.cut.as_ref().map(|c| c.tally).unwrap_or_default();
        let taken = self.counts.taken().map(|(kind, n)| (kind.name(), n));
        counters(&mut out, "taken", "POS messages taken for the journal", "kind", taken)?;
        let rejected = self.counts.rejected().map(|(reason, n)| (reason.name(), n));
        counters(&mut out, "rejected", "POS messages turned away", "reason", rejected)?;
        let outcomes =
            [("accepted", tally.accepted), ("duplicate", tally.duplicate), ("superseded", tally.superseded)];
        counters(&mut out, "applied_entries", "POS entries applied, replays included", "outcome", outcomes)?;
        let ledger = view.cut.as_ref().map(|c| c.ledger).unwrap_or_default();
        let refused = Refusal::ALL.iter().map(|r| r.name()).zip(ledger.refused);
        counters(&mut out, "refused", "Claims refused, replays of the journal included", "reason", refused)?;
        let decided = [
            ("granted", ledger.granted),
            ("recorded", ledger.recorded),
            ("over_limit", ledger.over_limit),
            ("reserved", ledger.reserved),
            ("confirmed", ledger.confirmed),
            ("expired", ledger.expired),
            ("voided", ledger.voided),
            ("replayed", ledger.replayed),
        ];
        counters(
            &mut out,
            "claims",
            "What became of claims, replays of the journal included",
            "outcome",
            decided,
        )?;
        if let Some(identity) = &self.identity {
            let wrong = identity.wrong_check_digits();
            counter(
                &mut out,
                "wrong_check_digits",
                "Persons' numbers with a wrong check digit, taken all the same",
                wrong,
            )?;
        }
        counter(&mut out, "dead_letters", "Messages put among the dead letters", self.counts.dead())?;
        counter(&mut out, "batches", "Batches written to the journal", self.counts.batches())?;
        counter(&mut out, "below_zero", "Times a count went below zero", tally.below_zero)?;
        gauge(&mut out, "applied_sequence", "Last journal sequence applied", *self.applied.borrow() as f64)?;
        if let Some(cut) = &view.cut {
            let snapshot = &cut.snapshot;
            let age_ms = ingest::clock::now().since(snapshot.at);
            gauge(&mut out, "version", "Newest version", snapshot.version as f64)?;
            gauge(&mut out, "version_age_seconds", "Age of the newest version", age_ms as f64 / 1000.0)?;
            gauge(&mut out, "clocks_off", "Terminals whose clock is corrected", cut.clocks_off as f64)?;
            let registered = snapshot.outlets.iter().flatten().count();
            gauge(&mut out, "outlets_registered", "Outlets in the registry", registered as f64)?;
            let unregistered = snapshot.unregistered.len();
            gauge(
                &mut out,
                "outlets_unregistered",
                "Outlets that spoke and are in no registry",
                unregistered as f64,
            )?;
        }
        admission::encode(&self.admission, &mut out)?;
        admission::encode_modes(&self.modes, &mut out)?;
        readers::encode(&self.publisher, &mut out)?;
        history::encode(&self.publisher, &mut out)?;
        self.encode_hops(&mut out)
    }
}

impl Source {
    fn encode_hops(&self, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Time of a hop over about the last minute, in seconds";
        let mut family = out.encode_descriptor("hop_seconds", help, None, MetricType::Gauge)?;
        for hop in self.hops.read() {
            for (quantile, ms) in [("0.5", hop.p50_ms), ("0.99", hop.p99_ms)] {
                let labels = [("hop", hop.hop.as_str()), ("quantile", quantile)];
                family.encode_family(&labels)?.encode_gauge(&(ms.unwrap_or(f64::NAN) / 1000.0))?;
            }
        }
        Ok(())
    }
}

fn counters<'l>(
    out: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: impl IntoIterator<Item = (&'l str, u64)>,
) -> fmt::Result {
    let mut family = out.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (value, count) in values {
        family.encode_family(&[(label, value)])?.encode_counter::<[(&str, &str); 0], _, f64>(&count, None)?;
    }
    Ok(())
}

fn counter(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, count: u64) -> fmt::Result {
    out.encode_descriptor(name, help, None, MetricType::Counter)?
        .encode_counter::<[(&str, &str); 0], _, f64>(&count, None)
}

fn gauge(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    out.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}
