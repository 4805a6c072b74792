//! The metrics of readers of the open API: connections, and who was turned away. On an edge also the version it serves.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use publisher::Publisher;

use super::{counters, gauge};

/// All that an edge measures.
pub(super) struct Edge(pub(super) Publisher);

impl fmt::Debug for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Edge")
    }
}

impl Collector for Edge {
    fn encode(&self, mut out: DescriptorEncoder<'_>) -> fmt::Result {
        let edition = self.0.edition();
        let snapshot = edition.snapshot();
        if snapshot.version > 0 {
            let age_ms = ingest::clock::now().since(snapshot.at);
            gauge(&mut out, "version", "Newest version", snapshot.version as f64)?;
            gauge(&mut out, "version_age_seconds", "Age of the newest version", age_ms as f64 / 1000.0)?;
        }
        encode(&self.0, &mut out)
    }
}

pub(super) fn encode(publisher: &Publisher, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let limits = publisher.limits();
    gauge(out, "reader_connections", "Connections of readers", limits.connections() as f64)?;
    let refused = limits.refused().map(|(why, count)| (why.name(), count));
    counters(out, "readers_refused", "Connections and requests of readers turned away", "reason", refused)
}
