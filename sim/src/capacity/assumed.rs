//! Every figure of a plan that no report measures, with where it is from: another measurement, somebody's publication, or our assumption.

use serde::Serialize;

/// How sure a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Measured by `cargo xtask bench` or a rehearsal, on 2 cores.
    Measured,
    /// Published by somebody else.
    Published,
    /// Ours.
    Assumed,
}

/// A figure.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figure {
    /// What it says.
    pub what: &'static str,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// How sure it is.
    pub basis: Basis,
    /// Where it is from.
    pub source: &'static str,
}

const fn figure(
    what: &'static str,
    value: f64,
    unit: &'static str,
    basis: Basis,
    source: &'static str,
) -> Figure {
    Figure { what, value, unit, basis, source }
}

use Basis::{Assumed, Measured, Published};

/// People of Korea.
pub const KOREANS: Figure = figure(
    "people of Korea",
    51.8e6,
    "people",
    Published,
    "registered population at the end of 2020, Ministry of the Interior and Safety",
);
/// Outlets of Korea.
pub const OUTLETS: Figure =
    figure("outlets of Korea", 23_000.0, "outlets", Published, "pharmacies, press of 11 March 2020");
/// People of the European Union.
pub const EUROPEANS: Figure =
    figure("people of the EU", 450e6, "people", Published, "Eurostat, 1 January 2024: 449 million; rounded");
/// Viewers at once in Korea.
pub const VIEWERS: Figure = figure(
    "viewers at once in Korea; in proportion elsewhere",
    4.3e6,
    "viewers",
    Published,
    "Onnuri's opening, press of March 2025 (also worded as members)",
);
/// Share of the requests of viewers that no cache can answer: places of their own.
pub const NEARBY: Figure = figure(
    "requests of viewers that look for what is near; the rest read tiles",
    1.0 / 6.0,
    "of all",
    Assumed,
    "as in the scenario onnuri-2025-03-01",
);
/// Claims of a person.
pub const CLAIMS: Figure = figure(
    "claims of a person and week",
    1.0,
    "claims",
    Assumed,
    "two pieces a week, bought at once, by everybody",
);
/// Hours in which they come.
pub const HOURS: Figure = figure(
    "hours of a week in which outlets sell",
    56.0,
    "h",
    Assumed,
    "jaego's usual hours: Mon–Fri 9–19, Sat 9–15",
);
/// How much more at the peak.
pub const PEAK: Figure = figure("claims at the peak over the mean", 4.0, "times", Assumed, "no source");
/// Checks.
pub const CHECKS: Figure =
    figure("checks with each claim", 1.0, "checks", Assumed, "every seller asks first, which tills need not");
/// Stock messages.
pub const STOCK: Figure =
    figure("stock messages of an outlet, besides sales", 1.0 / 60.0, "a second", Assumed, "one a minute");
/// Use of a CPU that is planned with.
pub const FILLED: Figure = figure(
    "use of a CPU that is planned with",
    0.6,
    "of one",
    Assumed,
    "room for bursts and for a part that died",
);
/// CPUs of an edge.
pub const EDGE_CPUS: Figure =
    figure("CPUs of an edge", 8.0, "CPUs", Assumed, "a usual server; scaling over CPUs was not measured");
/// Bandwidth of an edge.
pub const EDGE_GBIT: Figure =
    figure("network of an edge", 10.0, "Gbit/s", Assumed, "a usual server; used to the same share as a CPU");
/// Connections of an edge.
pub const EDGE_CONNECTIONS: Figure = figure(
    "connections that an edge holds",
    20_000.0,
    "connections",
    Measured,
    "rehearsal ktx: the limit of open files of that machine; more were not tried",
);
/// Memory of a connection.
pub const CONNECTION_KIB: Figure = figure("memory of a connection", 10.4, "KiB", Measured, "rehearsal ktx");
/// Bytes of a tile.
pub const TILE_BYTES: Figure = figure(
    "tile in the middle of Seoul, gzip",
    9_857.0,
    "bytes",
    Measured,
    "benches/README.md, Open data; most tiles are smaller",
);
/// Bytes of an answer to nearby.
pub const NEARBY_BYTES: Figure =
    figure("answer to nearby, not compressed", 3_647.0, "bytes", Measured, "benches/README.md, Open data");
/// Cost of deciding a claim.
pub const FOLD_CLAIM: Figure = figure(
    "claims that one fold decides",
    0.92e6,
    "a second",
    Measured,
    "benches/README.md, Ration ledger: one core, a nation's week in memory",
);
/// Cost of folding a stock entry.
pub const FOLD_STOCK: Figure = figure(
    "stock entries that one fold applies",
    2.52e6,
    "a second",
    Measured,
    "benches/README.md, Stages in memory",
);
/// Least that a message is taken to cost at a core.
pub const CORE_MESSAGE: Figure = figure(
    "CPU of a core for a durable message among 1,024 in flight; no message is planned with less",
    6.2,
    "µs",
    Measured,
    "benches/README.md, processor time",
);
/// Least that a message is taken to cost at NATS.
pub const NATS_MESSAGE: Figure =
    figure("the same of nats-server, one node", 9.3, "µs", Measured, "benches/README.md, processor time");
/// Batches of a core.
pub const BATCHES: Figure = figure(
    "batches that one writer has acknowledged, one at a time, fsynced, one node",
    2_321.0,
    "a second",
    Measured,
    "benches/README.md: raw JetStream publish and ack, the slower of two runs",
);
/// Entries of a batch.
pub const BATCH: Figure =
    figure("entries of a batch at most", 512.0, "entries", Published, "ARCHITECTURE.md, commit");
/// Claims over a replicated journal.
pub const REPLICATED: Figure = figure(
    "claims answered over three nodes, fsync on each, all on 2 cores with the load",
    83_555.0,
    "a second",
    Measured,
    "benches/README.md, Ration ledger",
);
/// Memory of purchases.
pub const LEDGER_MIB: Figure = figure(
    "memory for a week's purchases of 51.8 million people",
    2_368.0,
    "MiB",
    Measured,
    "benches/README.md, Ration ledger",
);
/// Time of a checkpoint.
pub const CHECKPOINT_S: Figure =
    figure("writing the checkpoint of those", 8.48, "s", Measured, "benches/README.md, Ration ledger");
/// Time between checkpoints.
pub const CHECKPOINT_EVERY_S: Figure =
    figure("time between checkpoints", 60.0, "s", Published, "ARCHITECTURE.md");
/// Bytes of an entry in the journal.
pub const ENTRY_BYTES: Figure = figure(
    "an entry in the journal, compressed, on one node",
    300.0,
    "bytes",
    Measured,
    "the demo of README.md: 160.1 MB after some 535,000 entries",
);
/// How long the journal is kept.
pub const KEPT_DAYS: Figure =
    figure("days that the journal is kept", 36.0, "days", Published, "ARCHITECTURE.md");
/// Nodes of a replicated stream.
pub const NODES: Figure =
    figure("nodes of NATS", 3.0, "nodes", Published, "R3: one may die; more do not make a stream faster");
/// Fewest cores and edges.
pub const FEWEST: Figure = figure("cores, and edges, at least", 2.0, "processes", Assumed, "one may die");

/// All of them, in the order of the page.
pub const ALL: &[Figure] = &[
    KOREANS,
    OUTLETS,
    EUROPEANS,
    VIEWERS,
    NEARBY,
    CLAIMS,
    HOURS,
    PEAK,
    CHECKS,
    STOCK,
    FILLED,
    EDGE_CPUS,
    EDGE_GBIT,
    EDGE_CONNECTIONS,
    CONNECTION_KIB,
    TILE_BYTES,
    NEARBY_BYTES,
    FOLD_CLAIM,
    FOLD_STOCK,
    CORE_MESSAGE,
    NATS_MESSAGE,
    BATCHES,
    BATCH,
    REPLICATED,
    LEDGER_MIB,
    CHECKPOINT_S,
    CHECKPOINT_EVERY_S,
    ENTRY_BYTES,
    KEPT_DAYS,
    NODES,
    FEWEST,
];
