//! Reports made up of known costs, latencies and chance.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::capacity::report::{Class, Report, Sample, Series};
use crate::rehearse::machine::Machine;
use crate::rehearse::report::FORMAT;
use crate::rehearse::scenario::Does;

/// Base and wait of the days that wait for a CPU, in ms.
pub(super) const WAITING: (f64, f64) = (1.5, 0.8);
/// Rate at which the latency of the day of a knee turns up.
pub(super) const KNEE: f64 = 6_000.0;
/// λ, σ and κ of the day of the law.
pub(super) const LAW: (f64, f64, f64) = (1_000.0, 0.02, 0.0002);

/// Time of a batch in ms, and what one costs at core and NATS in µs, on the days that have batches.
pub(super) const BATCH: (f64, f64, f64) = (1.0, 150.0, 300.0);

/// Costs in µs.
pub(super) struct Truth;

impl Truth {
    pub(super) fn core() -> Vec<(Does, f64)> {
        vec![(Does::Sale, 90.0), (Does::Delivery, 40.0), (Does::DeskCheck, 60.0)]
    }
    pub(super) fn nats() -> Vec<(Does, f64)> {
        vec![(Does::Sale, 70.0), (Does::Delivery, 65.0)]
    }
    pub(super) fn edge() -> Vec<(Does, f64)> {
        vec![(Does::Poll, 25.0)]
    }
}

/// A made-up day.
pub(super) struct Day {
    pub(super) seconds: usize,
    /// A kind that comes exactly when tiles are read.
    pub(super) twin: Option<Does>,
    /// Whether messages share batches.
    pub(super) batches: bool,
    seed: u64,
    /// Rate of tiles over the day: bursts, or a climb to so many.
    climbs_to: Option<f64>,
    latency: fn(rate: f64, busy: f64) -> f64,
    chance: f64,
}

fn wait(busy: f64) -> f64 {
    // Erlang C for two CPUs: C = 2U²/(1+U), and the mean wait C / (2 (1 − U)).
    2.0 * busy * busy / (1.0 + busy) / (2.0 * (1.0 - busy))
}

/// Latency by the law at a rate: N with N / R(N) = rate, found by halving.
fn by_the_law(rate: f64) -> f64 {
    let (alone, contention, coherency) = LAW;
    let seconds = |n: f64| (1.0 + contention * (n - 1.0) + coherency * n * (n - 1.0)) / alone;
    let (mut low, mut high) = (1.0, ((1.0 - contention) / coherency).sqrt());
    for _ in 0..60 {
        let middle: f64 = f64::midpoint(low, high);
        if middle / seconds(middle) < rate { low = middle } else { high = middle }
    }
    seconds(low) * 1_000.0
}

impl Day {
    fn new(seed: u64, climbs_to: Option<f64>, chance: f64, latency: fn(f64, f64) -> f64) -> Self {
        Self { seconds: 160, twin: None, batches: false, seed, climbs_to, latency, chance }
    }
    pub(super) fn of_bursts(seed: u64) -> Self {
        Self::new(seed, None, 0.1, |_, _| 3.0)
    }
    pub(super) fn of_waiting(seed: u64) -> Self {
        Self::new(seed, Some(60_000.0), 0.05, |_, busy| WAITING.0 + WAITING.1 * wait(busy))
    }
    pub(super) fn of_a_knee(seed: u64) -> Self {
        Self::new(seed, Some(10_000.0), 0.2, |rate, _| 3.0 * ((rate - KNEE).max(0.0) / 1_000.0).exp())
    }
    pub(super) fn of_the_law(seed: u64) -> Self {
        Self::new(seed, Some(15_000.0), 0.03, |rate, _| by_the_law(rate))
    }
    pub(super) fn of_chance(seed: u64) -> Self {
        Self::new(seed, Some(50_000.0), 0.9, |_, _| 4.0)
    }

    pub(super) fn report(&self) -> Report {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let mut kinds = vec![
            (Does::Sale, 11, 500.0),
            (Does::Delivery, 17, 700.0),
            (Does::DeskCheck, 13, 900.0),
            (Does::Poll, 23, 6_000.0),
        ];
        if self.climbs_to.is_some() {
            kinds.retain(|(does, ..)| *does == Does::Poll);
        }
        let mut classes: Vec<Class> = kinds.iter().map(|(does, ..)| class(*does)).collect();
        let mut samples = vec![sample(1.0, [0.0; 3])];
        let mut noise = [0.0; 3];
        for second in 0..self.seconds {
            let mut used = [0.08, 0.03, 0.05];
            for ((does, every, rate), class) in kinds.iter().zip(&mut classes) {
                let bursts = if second % every < every / 2 { *rate * 2.0 } else { *rate * 0.2 };
                let rate =
                    self.climbs_to.map_or(bursts, |most| most * (second + 1) as f64 / self.seconds as f64);
                let done = (rate + rate.sqrt() * rng.random_range(-1.7..1.7)).round().max(1.0);
                class.series.good.push(done);
                for (used, truth) in used.iter_mut().zip([Truth::core(), Truth::nats(), Truth::edge()]) {
                    *used += truth
                        .iter()
                        .filter(|(kind, _)| kind == does)
                        .map(|(_, us)| us * done / 1e6)
                        .sum::<f64>();
                }
            }
            if self.batches {
                let entries: f64 = classes[..2].iter().map(|class| class.series.good[second]).sum();
                let batches = 1.0 / (BATCH.0 / 1e3 + (-entries * BATCH.0 / 1e3).exp() / entries);
                used[0] += batches * BATCH.1 / 1e6;
                used[1] += batches * BATCH.2 / 1e6;
            }
            for (used, noise) in used.iter_mut().zip(&mut noise) {
                *noise = *noise * 0.5 + rng.random_range(-0.015..0.015);
                *used += *noise;
            }
            if second > 0 {
                samples.push(sample((second + 1) as f64, used));
            }
            let busy = samples.last().unwrap().machine;
            for class in &mut classes {
                let spread = |rng: &mut StdRng| 1.0 + self.chance * rng.random_range(-1.0..1.0);
                let mean = (self.latency)(class.series.good[second], busy);
                class.series.mean_ms.push(Some(mean * spread(&mut rng)));
                class.series.p99_ms.push(Some(4.0 * mean * spread(&mut rng)));
            }
        }
        self.finish(classes, samples)
    }

    fn finish(&self, mut classes: Vec<Class>, samples: Vec<Sample>) -> Report {
        if let Some(does) = self.twin {
            let series = classes.last().unwrap().series.clone();
            classes.push(Class { series, ..class(does) });
        }
        for class in &mut classes {
            class.good = class.series.good.iter().sum::<f64>() as u64;
            class.bytes = class.good * 100;
        }
        Report {
            path: "synthetic".into(),
            scenario: "synthetic".to_owned(),
            began: format!("2026-11-25T10:00:00+09:00 #{}", self.seed),
            verdict: "passed".to_owned(),
            void: Vec::new(),
            short: false,
            cpus: 2,
            machine: Some(Machine {
                cpu: Some("A1".to_owned()),
                cpus: 2,
                memory_mib: 8_192,
                kernel: "6.1".to_owned(),
            }),
            outlets: 25_439,
            seconds: self.seconds as f64,
            classes,
            aside: Vec::new(),
            events: Vec::new(),
            parts: vec!["core 0".to_owned(), "edge 0".to_owned()],
            samples,
        }
    }
}

fn class(does: Does) -> Class {
    let name = serde_json::to_value(does).unwrap().as_str().unwrap().to_owned();
    Class { class: name, does, good: 0, bytes: 0, series: Series::default() }
}

/// A sample in which core, NATS and edge used so much; the managed NATS counts with its core.
fn sample(until_s: f64, [core, nats, edge]: [f64; 3]) -> Sample {
    Sample {
        until_s,
        parts: vec![(core + nats, 100.0), (edge, 50.0)],
        children: vec![nats, 0.0],
        own_cpu: 0.2,
        machine: (core + nats + edge + 0.2) / 2.0,
    }
}

/// A report as `jaego rehearse` writes it, as far as it is read.
pub(super) fn json(report: &Report) -> Value {
    let classes = report.classes.iter().map(|class| {
        json!({
            "class": class.class, "does": class.does, "good": class.good, "bytes": class.bytes,
            "series": {
                "good": class.series.good, "turned_away": [], "failed": [],
                "mean_ms": class.series.mean_ms, "p99_ms": class.series.p99_ms,
            },
        })
    });
    let samples = report.samples.iter().map(|sample| {
        json!({
            "until_s": sample.until_s, "parts": sample.parts, "children": sample.children,
            "own_cpu": sample.own_cpu, "machine": sample.machine,
        })
    });
    json!({
        "format": FORMAT, "scenario": report.scenario, "began": report.began, "verdict": report.verdict, "void": report.void, "short": report.short,
        "cpus": report.cpus, "machine": report.machine, "outlets": report.outlets, "seconds": report.seconds, "classes": classes.collect::<Vec<_>>(),
        "aside": report.aside, "events": report.events, "parts": report.parts, "samples": samples.collect::<Vec<_>>(),
    })
}
