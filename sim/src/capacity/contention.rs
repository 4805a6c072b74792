//! How latency grows with load: two models, each fitted on part of the seconds, held against the rest, and refused where it explains
//! nothing.

use serde::Serialize;

use super::points::Point;
use super::squares::{self, Fit};

/// Seconds a model needs.
const LEAST: usize = 30;
/// A machine busier than this is full: no model of waiting says anything there.
const FULL: f64 = 0.97;
/// A model is refused where it is further off than this in the middle of the seconds that were kept back, in percent.
const USABLE: f64 = 30.0;

/// A model that fits, or why none does.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fitted<T> {
    /// It fits.
    Fits(T),
    /// It does not, in words.
    No(String),
}

/// How good a fit is: the middle of the errors, in percent of what was measured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Quality {
    /// Over the seconds that were fitted.
    pub fit_error: f64,
    /// Over those that were kept back.
    pub held_out_error: f64,
    /// What one constant would be off there.
    pub constant_error: f64,
    /// Seconds of both.
    pub seconds: (usize, usize),
}

/// Waiting for one of `c` CPUs that all share (M/M/c, Erlang 1917): mean latency = base + wait · C(c, U) / (c (1 − U)).
#[derive(Debug, Clone, Serialize)]
pub struct Queue {
    /// CPUs.
    pub cpus: usize,
    /// Latency on an idle machine, ms, with its standard error.
    pub base_ms: (f64, f64),
    /// How long a CPU is held at a time by what is waited for, ms, with its standard error.
    pub wait_ms: (f64, f64),
    /// Quality.
    pub quality: Quality,
}

/// The universal scalability law (Gunther, 1993) with N = X·R by Little's law: R = (1 + σ (N − 1) + κ N (N − 1)) / λ.
#[derive(Debug, Clone, Serialize)]
pub struct Scalability {
    /// λ, requests a second of one in flight, with its standard error.
    pub alone: (f64, f64),
    /// σ, the share that is done one after the other.
    pub contention: f64,
    /// κ, the cost of agreeing.
    pub coherency: f64,
    /// Where throughput would be greatest, in flight and requests a second; `None` where it only levels off.
    pub peak: Option<(f64, f64)>,
    /// To which throughput levels off where nothing is lost to agreeing; `None` where κ is above nothing.
    pub ceiling: Option<f64>,
    /// Quality.
    pub quality: Quality,
}

/// Fits the M/M/c model.
pub(super) fn queue(points: &[Point], cpus: usize) -> Fitted<Queue> {
    let usable: Vec<&Point> = points.iter().filter(|point| point.busy < FULL).collect();
    let (low, high) = span(&usable, |point| point.busy);
    if usable.len() < LEAST {
        return Fitted::No(format!("{} seconds below a full machine, and {LEAST} are needed", usable.len()));
    }
    if high - low < 0.3 {
        return Fitted::No(format!(
            "the machine was between {:.0} and {:.0} % busy, too narrow to see waiting grow",
            low * 100.0,
            high * 100.0
        ));
    }
    let row = |point: &Point| vec![1.0, wait(cpus, point.busy)];
    let Some((fit, quality)) = relative(&usable, row) else {
        return Fitted::No("latency does not depend on how busy the machine is".to_owned());
    };
    let [base, grows] = [0, 1].map(|at| (fit.coefficients[at], fit.errors[at]));
    if grows.0 < 2.0 * grows.1 || base.0 < 0.0 {
        return Fitted::No(format!(
            "the fitted times make no sense (base {:.2} ± {:.2} ms, wait {:.2} ± {:.2} ms)",
            base.0, base.1, grows.0, grows.1
        ));
    }
    judged(Queue { cpus, base_ms: base, wait_ms: grows, quality }, quality)
}

/// Fits the universal scalability law.
pub(super) fn scalability(points: &[Point]) -> Fitted<Scalability> {
    let flight = |point: &Point| point.rate * point.mean_ms / 1_000.0;
    let usable: Vec<&Point> = points.iter().filter(|point| flight(point) >= 1.0).collect();
    let (low, high) = span(&usable, flight);
    if usable.len() < LEAST {
        return Fitted::No(format!(
            "{} seconds had one request or more in flight, and {LEAST} are needed",
            usable.len()
        ));
    }
    if high < 4.0 * low {
        return Fitted::No(format!("between {low:.1} and {high:.1} were in flight, too few steps apart"));
    }
    let terms = |point: &Point| {
        let n = flight(point);
        [1.0, n - 1.0, n * (n - 1.0)]
    };
    // Terms below nothing have no meaning: the law is fitted without them.
    let shapes: [&[usize]; 4] = [&[0, 1, 2], &[0, 2], &[0, 1], &[0]];
    let found = shapes.into_iter().find_map(|shape| {
        let row = |point: &Point| shape.iter().map(|term| terms(point)[*term]).collect();
        let (fit, quality) = relative(&usable, row)?;
        fit.coefficients.iter().all(|one| *one > 0.0).then_some((shape, fit, quality))
    });
    let Some((shape, fit, quality)) = found else {
        return Fitted::No("no law of that form has positive terms here".to_owned());
    };
    if shape.len() == 1 {
        return Fitted::No("latency does not grow with what is in flight".to_owned());
    }
    judged(law(shape, &fit, quality), quality)
}

fn law(shape: &[usize], fit: &Fit, quality: Quality) -> Scalability {
    let term =
        |wanted: usize| shape.iter().position(|term| *term == wanted).map_or(0.0, |at| fit.coefficients[at]);
    let alone = 1_000.0 / term(0);
    let (contention, coherency) = (term(1) / term(0), term(2) / term(0));
    let throughput = |n: f64| alone * n / (1.0 + contention * (n - 1.0) + coherency * n * (n - 1.0));
    let peak = (coherency > 0.0 && contention < 1.0).then(|| {
        let n = ((1.0 - contention) / coherency).sqrt();
        (n, throughput(n))
    });
    let ceiling = (coherency <= 0.0 && contention > 0.0).then(|| alone / contention);
    let error = alone * fit.errors[0] / fit.coefficients[0];
    Scalability { alone: (alone, error), contention, coherency, peak, ceiling, quality }
}

fn judged<T>(model: T, quality: Quality) -> Fitted<T> {
    let Quality { held_out_error: off, constant_error: constant, .. } = quality;
    if off > USABLE {
        return Fitted::No(format!(
            "it is {off:.0} % off where it was not fitted, and {USABLE} % are the most"
        ));
    }
    if off > 0.8 * constant {
        return Fitted::No(format!(
            "it foretells hardly more than a constant does ({off:.0} and {constant:.0} % off where it was not fitted)"
        ));
    }
    Fitted::Fits(model)
}

/// C(c, U) / (c (1 − U)): mean wait in service times (Erlang's C formula by its recurrence over B).
fn wait(cpus: usize, busy: f64) -> f64 {
    let offered = busy * cpus as f64;
    let blocked = (1..=cpus).fold(1.0, |b, n| offered * b / (n as f64 + offered * b));
    let waits = blocked / (1.0 - busy * (1.0 - blocked));
    waits / (cpus as f64 * (1.0 - busy))
}

/// Fits mean latencies by relative error, on three quarters of the points; holds it against the rest.
fn relative(points: &[&Point], row: impl Fn(&Point) -> Vec<f64>) -> Option<(Fit, Quality)> {
    let [kept, fitted] = [true, false].map(|kept| {
        let chosen = points.iter().enumerate().filter(|(at, _)| squares::is_held_out(*at) == kept);
        chosen.map(|(_, point)| *point).collect::<Vec<_>>()
    });
    let rows: Vec<Vec<f64>> = fitted
        .iter()
        .map(|point| row(point).into_iter().map(|term| term / point.mean_ms).collect())
        .collect();
    let fit = squares::least(&rows, &vec![1.0; rows.len()])?;
    let off = |points: &[&Point], says: &dyn Fn(&Point) -> f64| {
        squares::median(
            points.iter().map(|point| (says(point) / point.mean_ms - 1.0).abs() * 100.0).collect(),
        )
    };
    let constant = squares::median(fitted.iter().map(|point| point.mean_ms).collect());
    let quality = Quality {
        fit_error: off(&fitted, &|point| fit.says(&row(point))),
        held_out_error: off(&kept, &|point| fit.says(&row(point))),
        constant_error: off(&kept, &|_| constant),
        seconds: (fitted.len(), kept.len()),
    };
    Some((fit, quality))
}

fn span(points: &[&Point], of: impl Fn(&Point) -> f64) -> (f64, f64) {
    points.iter().fold((f64::INFINITY, 0.0), |(low, high), point| (of(point).min(low), of(point).max(high)))
}
