//! What so many viewers, outlets and claims need: edges, cores, nodes of NATS, bandwidth and memory, with and without a CDN.

use serde::Serialize;

use super::assumed as a;
use super::costs::Costs;
use super::windows::{Kind, Service};
use crate::rehearse::scenario::Does;

/// Bytes of a GiB and of a TB.
const GIB: f64 = 1_073_741_824.0;
const TB: f64 = 1e12;

/// More cores than this are no plan.
const MOST_CORES: u32 = 10_000;

/// How many there are.
#[derive(Debug, Clone, Serialize)]
pub struct Scale {
    /// Name on the page.
    pub name: String,
    /// People whose purchases are remembered.
    pub people: f64,
    /// Viewers at once.
    pub viewers: f64,
    /// Outlets.
    pub outlets: f64,
    /// Claims a second at the peak.
    pub claims: f64,
}

/// What a plan assumes and whoever asks may change.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Terms {
    /// Seconds after which a viewer asks again.
    pub asks_every_s: f64,
    /// Share of the requests for tiles that a CDN answers.
    pub cdn_hits: f64,
}

/// The reading side.
#[derive(Debug, Clone, Serialize)]
pub struct Readers {
    /// Requests a second that reach edges.
    pub rate: f64,
    /// CPUs they use, where the cost of reading was told.
    pub cpus: Option<f64>,
    /// Bandwidth.
    pub gbit: f64,
    /// Connections held at edges; `None` behind a CDN, which shares a few.
    pub connections: Option<f64>,
    /// Edges, and what sets that number.
    pub edges: Option<(f64, &'static str)>,
}

/// The writing side.
#[derive(Debug, Clone, Serialize)]
pub struct Writers {
    /// Stock messages a second.
    pub stock: f64,
    /// Checks a second.
    pub checks: f64,
    /// Cores side by side.
    pub cores: Option<f64>,
    /// CPUs of each of them at the peak.
    pub cpus_of_core: Option<f64>,
    /// CPUs of each node of NATS, where each is taken to do what the one of the reports does.
    pub cpus_of_node: Option<f64>,
    /// Share of one CPU that the fold of each core uses.
    pub fold: f64,
    /// Share of the batches that one writer may have acknowledged, when all are full.
    pub batches: f64,
    /// Memory of the ledger, GiB.
    pub ledger_gib: f64,
    /// Time of a checkpoint, s.
    pub checkpoint_s: f64,
    /// The journal of 36 days, TB on each node.
    pub journal_tb: f64,
}

/// A scale and its needs.
#[derive(Debug, Clone, Serialize)]
pub struct Needs {
    /// How many there are.
    pub scale: Scale,
    /// Edges alone.
    pub bare: Readers,
    /// A CDN in front.
    pub behind_cdn: Readers,
    /// The writing side.
    pub writers: Writers,
}

/// Claims a second at the peak of so many people.
#[must_use]
pub fn claims_of(people: f64) -> f64 {
    people * a::CLAIMS.value / (a::HOURS.value * 3_600.0) * a::PEAK.value
}

/// Korea, the EU, a billion people; and what somebody asks for, the rest of which is as in Korea.
#[must_use]
pub fn scales(viewers: Option<f64>, outlets: Option<f64>, claims: Option<f64>) -> Vec<Scale> {
    let of = |name: &str, people: f64| Scale {
        name: name.to_owned(),
        people,
        viewers: a::VIEWERS.value * people / a::KOREANS.value,
        outlets: a::OUTLETS.value * people / a::KOREANS.value,
        claims: claims_of(people),
    };
    let mut all = vec![of("Korea", a::KOREANS.value), of("EU", a::EUROPEANS.value), of("1 billion", 1e9)];
    if viewers.or(outlets).or(claims).is_some() {
        let korea = all[0].clone();
        let people = claims.map_or(korea.people, |claims| korea.people * claims / korea.claims);
        all.insert(
            0,
            Scale {
                name: "asked for".to_owned(),
                people,
                viewers: viewers.unwrap_or(korea.viewers),
                outlets: outlets.unwrap_or(korea.outlets),
                claims: claims.unwrap_or(korea.claims),
            },
        );
    }
    all
}

/// What a scale needs at these costs.
#[must_use]
pub fn needs(scale: Scale, costs: &Costs, terms: Terms) -> Needs {
    Needs {
        bare: readers(&scale, costs, terms, None),
        behind_cdn: readers(&scale, costs, terms, Some(terms.cdn_hits)),
        writers: writers(&scale, costs),
        scale,
    }
}

/// CPU seconds of a request, as it is planned with.
fn planned(costs: &Costs, service: Service, kind: Kind) -> Option<f64> {
    costs.of(service, kind).map(|cost| cost.planned / 1e6)
}

/// CPU seconds of a message, as it is planned with: two standard errors above what was found, and no less than the benches measured, since many
/// messages at once cost so little beside their batches that reports hardly tell it.
fn message(costs: &Costs, service: Service, does: Does) -> Option<f64> {
    let least = match service {
        Service::Nats => a::NATS_MESSAGE,
        _ => a::CORE_MESSAGE,
    };
    costs.bound(service, Kind::Does(does)).map(|cost| cost.planned.max(least.value) / 1e6)
}

/// CPUs that messages use without their batches; a kind that no report holds is taken for as dear as the other.
fn messages(costs: &Costs, service: Service, claims: f64, stock: f64) -> Option<f64> {
    let [sale, delivery] = [Does::Sale, Does::Delivery].map(|does| message(costs, service, does));
    sale.or(delivery).zip(delivery.or(sale)).map(|(sale, delivery)| claims * sale + stock * delivery)
}

fn readers(scale: &Scale, costs: &Costs, terms: Terms, hits: Option<f64>) -> Readers {
    let all = scale.viewers / terms.asks_every_s;
    let near = all * a::NEARBY.value;
    let tiles = (all - near) * (1.0 - hits.unwrap_or(0.0));
    // A kind whose cost was not told is taken for as dear as the other.
    let [tile, nearby] =
        [Does::Poll, Does::Nearby].map(|does| planned(costs, Service::Edge, Kind::Does(does)));
    let cpus = tile.or(nearby).zip(nearby.or(tile)).map(|(tile, nearby)| tiles * tile + near * nearby);
    let gbit = (tiles * a::TILE_BYTES.value + near * a::NEARBY_BYTES.value) * 8.0 / 1e9;
    let connections = hits.is_none().then_some(scale.viewers);
    let by = [
        (cpus.unwrap_or(0.0) / a::EDGE_CPUS.value / a::FILLED.value, "CPU"),
        (gbit / a::EDGE_GBIT.value / a::FILLED.value, "bandwidth"),
        (connections.unwrap_or(0.0) / a::EDGE_CONNECTIONS.value, "connections"),
        (a::FEWEST.value, "one may die"),
    ];
    let most = by.into_iter().map(|(edges, why)| (edges.ceil(), why)).max_by(|a, b| a.0.total_cmp(&b.0));
    Readers { rate: tiles + near, cpus, gbit, connections, edges: cpus.and(most) }
}

fn writers(scale: &Scale, costs: &Costs) -> Writers {
    let (claims, stock) = (scale.claims, scale.outlets * a::STOCK.value);
    let checks = claims * a::CHECKS.value;
    let fold = claims / a::FOLD_CLAIM.value + stock / a::FOLD_STOCK.value;
    let taken = messages(costs, Service::Core, claims, stock).map(|taken| (taken - fold).max(0.0));
    let asked = planned(costs, Service::Core, Kind::Does(Does::DeskCheck)).map(|check| checks * check);
    // Messages are taken by one thread of a core and checks by another; both are shared by the cores, and each folds all.
    let batches = |cores: f64, service| {
        let each = planned(costs, service, Kind::Batch).unwrap_or(0.0);
        costs.batches.map_or(0.0, |batches| batches.of(claims + stock, cores) * each)
    };
    let of_each = |taken: f64, asked: f64, cores: f64| {
        ((taken + batches(cores, Service::Core)) / cores).max(asked / cores)
    };
    let cores = taken.zip(asked).and_then(|(taken, asked)| {
        (a::FEWEST.value as u32..=MOST_CORES)
            .map(f64::from)
            .find(|cores| of_each(taken, asked, *cores) <= a::FILLED.value)
    });
    let cpus_of_core = taken
        .zip(asked)
        .zip(cores)
        .map(|((taken, asked), cores)| (taken + asked + batches(cores, Service::Core)) / cores + fold);
    let node = messages(costs, Service::Nats, claims, stock)
        .zip(cores)
        .map(|(taken, cores)| taken + batches(cores, Service::Nats));
    let share = scale.people / a::KOREANS.value;
    let weeks = a::KEPT_DAYS.value / 7.0;
    let entries = (scale.people * a::CLAIMS.value + stock * a::HOURS.value * 3_600.0) * weeks;
    Writers {
        stock,
        checks,
        cores,
        cpus_of_core,
        cpus_of_node: node,
        fold,
        batches: (claims + stock) / (a::BATCHES.value * a::BATCH.value),
        ledger_gib: a::LEDGER_MIB.value * share * 1_048_576.0 / GIB,
        checkpoint_s: a::CHECKPOINT_S.value * share,
        journal_tb: entries * a::ENTRY_BYTES.value / TB,
    }
}

/// Something that does not grow with the number of machines.
#[derive(Debug, Clone, Serialize)]
pub struct Limit {
    /// What it is.
    pub what: &'static str,
    /// Claims a second at which it is full.
    pub claims: f64,
    /// People whose peak that is.
    pub people: f64,
    /// How that was found.
    pub how: String,
    /// What follows.
    pub follows: &'static str,
}

/// All of them, the lowest first.
#[must_use]
pub fn limits(costs: &Costs) -> Vec<Limit> {
    let each = claims_of(1.0);
    let limit =
        |what, claims: f64, how: String, follows| Limit { what, claims, people: claims / each, how, follows };
    let mut all = vec![limit(
        "one fold: every core applies every entry in order, on one CPU",
        a::FOLD_CLAIM.value,
        "measured by the benches with the ledger of one Korea in memory; with a larger one it was not"
            .to_owned(),
        "more cores do not help. A nation, or a state of a union, has a journal of its own; a limit over several would need a common one",
    )];
    let checkpoint = a::KOREANS.value * a::CHECKPOINT_EVERY_S.value / a::CHECKPOINT_S.value;
    all.push(limit(
        "one checkpoint a minute",
        checkpoint * each,
        format!("{} s for 51.8 million people, in proportion", a::CHECKPOINT_S.value),
        "checkpoints come less often and a restart replays more; beyond that several journals",
    ));
    all.push(limit(
        "one stream: a writer has one batch under way at a time",
        a::BATCHES.value * a::BATCH.value,
        "full batches at the pace of a single publish and ack on one node; computed, and rather less over three nodes".to_owned(),
        "more nodes do not help: one leader orders all. Several cores write side by side; beyond that several journals",
    ));
    if let Some(sale) = message(costs, Service::Core, Does::Sale) {
        all.push(limit(
            "one core that takes all messages, on one thread",
            1.0 / (sale - 1.0 / a::FOLD_CLAIM.value).max(1e-9),
            "the cost of a sale at a core as it is planned with, less that of its fold and without its batches".to_owned(),
            "more cores: the queue group shares messages among them",
        ));
    }
    if let Some(sale) = message(costs, Service::Nats, Does::Sale) {
        all.push(limit(
            "one node of NATS of 8 CPUs, which leads the stream",
            a::EDGE_CPUS.value * a::FILLED.value / sale,
            "the cost of a sale at NATS as it is planned with, at 60 % of its CPUs; that it scales over CPUs was not measured".to_owned(),
            "larger nodes; tills on nodes that do not lead; beyond that several journals",
        ));
    }
    all.sort_by(|a, b| a.claims.total_cmp(&b.claims));
    all
}
