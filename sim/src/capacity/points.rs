//! The seconds of one class of one report: how many came, how busy the machine was, how long they took.

use super::costs::correlation;
use super::report::Report;
use super::windows::{Kind, Window};

/// A class is what loads the machine where the two go together this closely.
const DRIVES: f64 = 0.7;
/// … and where its rate grows this many times.
const GROWS: f64 = 4.0;

/// A second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Requests done in it.
    pub(super) rate: f64,
    /// Share of the machine that was in use.
    pub(super) busy: f64,
    /// Mean latency.
    pub(super) mean_ms: f64,
    /// 99th percentile.
    pub(super) p99_ms: f64,
}

/// The points of each class that drives the load of its report: name of the report, of the class, and its seconds in order of time.
pub(super) fn of(reports: &[Report], windows: &[Window]) -> Vec<(String, String, Vec<Point>)> {
    let mut all = Vec::new();
    for (number, report) in reports.iter().enumerate() {
        let seconds: Vec<&Window> = windows.iter().filter(|window| window.report == number).collect();
        for class in &report.classes {
            let points: Vec<Point> = seconds.iter().filter_map(|window| point(class, window)).collect();
            if drives(&points) && Kind::Does(class.does).class() != "bulk" {
                all.push((report.scenario.clone(), class.class.clone(), points));
            }
        }
    }
    all
}

fn point(class: &super::report::Class, window: &Window) -> Option<Point> {
    let at = |series: &[f64]| series.get(window.second).copied().unwrap_or(0.0);
    let of = |series: &[Option<f64>]| series.get(window.second).copied().flatten();
    let series = &class.series;
    let rate = at(&series.good) + at(&series.turned_away) + at(&series.failed);
    let (mean_ms, p99_ms) = (of(&series.mean_ms)?, of(&series.p99_ms)?);
    (rate > 0.0 && mean_ms > 0.0).then_some(Point { rate, busy: window.busy, mean_ms, p99_ms })
}

fn drives(points: &[Point]) -> bool {
    let less_mean = |of: fn(&Point) -> f64| -> Vec<f64> {
        let mean = points.iter().map(of).sum::<f64>() / points.len().max(1) as f64;
        points.iter().map(|point| of(point) - mean).collect()
    };
    let rates = points.iter().map(|point| point.rate);
    let (low, high) =
        rates.fold((f64::INFINITY, 0.0_f64), |(low, high), rate| (low.min(rate), high.max(rate)));
    high > GROWS * low && correlation(&less_mean(|point| point.rate), &less_mean(|point| point.busy)) > DRIVES
}
