//! The knee: the rate at which latency turns up.

use serde::Serialize;

use super::contention::Fitted;
use super::points::Point;
use super::squares;

/// Seconds needed.
const LEAST: usize = 30;
/// Rates that are tried as the knee, between the tenth and the last twentieth of the seconds.
const TRIED: usize = 80;
/// By how much the bend has to explain more than a straight line, of what is left: a fifth.
const EXPLAINS: f64 = 0.8;

/// Where latency turns up.
#[derive(Debug, Clone, Serialize)]
pub struct Knee {
    /// Requests a second.
    pub rate: f64,
    /// Rates that explain nearly as much (19 of 20, by the F distribution's 3.9).
    pub between: (f64, f64),
    /// Share of the machine in use there, in percent.
    pub busy: f64,
    /// 99th percentile below it, and over the fastest twentieth, ms.
    pub p99_ms: (f64, f64),
    /// By how much the 99th percentile grows with a tenth of the knee's rate more: before, and after it.
    pub growth: (f64, f64),
}

/// Finds the knee of a class: two straight lines through the logarithm of the 99th percentile over the rate.
pub(super) fn find(points: &[Point]) -> Fitted<Knee> {
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    if points.len() < LEAST {
        return Fitted::No(format!("{} seconds can be used, and {LEAST} are needed", points.len()));
    }
    let highest = points[points.len() - 1].rate;
    let none =
        |why: &str| Fitted::No(format!("{why} up to {highest:.0}/s; the knee lies beyond, or there is none"));
    let logs: Vec<f64> = points.iter().map(|point| point.p99_ms.ln()).collect();
    let Some((_, straight)) = line(&points, &logs, None) else { return none("nothing can be seen") };
    let (first, last) = (points[points.len() / 10].rate, points[points.len() * 19 / 20].rate);
    let tried = (0..=TRIED).map(|step| first + (last - first) * step as f64 / TRIED as f64);
    let tried: Vec<(f64, squares::Fit, f64)> = tried
        .filter_map(|knee| line(&points, &logs, Some(knee)).map(|(fit, left)| (knee, fit, left)))
        .collect();
    let Some((rate, fit, left)) = tried.iter().min_by(|a, b| a.2.total_cmp(&b.2)) else {
        return none("nothing can be seen");
    };
    let (slope, bend, error) = (fit.coefficients[1], fit.coefficients[2], fit.errors[2]);
    if *left > EXPLAINS * straight || bend < 3.0 * error || slope + bend <= 0.0 {
        return none("latency does not turn up");
    }
    let limit = left * (1.0 + 3.9 / (points.len() - 4) as f64);
    let near = tried.iter().filter(|(_, _, left)| *left <= limit).map(|(knee, ..)| *knee);
    let between = near.fold((*rate, *rate), |(low, high), knee| (low.min(knee), high.max(knee)));
    Fitted::Fits(told(&points, *rate, between, (slope, slope + bend)))
}

fn told(points: &[Point], rate: f64, between: (f64, f64), slopes: (f64, f64)) -> Knee {
    let near = points.iter().filter(|point| (point.rate / rate - 1.0).abs() < 0.1);
    let below = points.iter().filter(|point| point.rate < rate).map(|point| point.p99_ms).collect();
    let fastest = points[points.len() * 19 / 20..].iter().map(|point| point.p99_ms).collect();
    let grows = |slope: f64| ((slope * rate * 0.1).exp() - 1.0) * 100.0;
    Knee {
        rate,
        between,
        busy: squares::median(near.map(|point| point.busy * 100.0).collect()),
        p99_ms: (squares::median(below), squares::median(fastest)),
        growth: (grows(slopes.0), grows(slopes.1)),
    }
}

/// A straight line, with a bend where one is given; returns it and the sum of squares that is left.
fn line(points: &[Point], logs: &[f64], knee: Option<f64>) -> Option<(squares::Fit, f64)> {
    let row = |point: &Point| {
        let mut row = vec![1.0, point.rate];
        row.extend(knee.map(|knee| (point.rate - knee).max(0.0)));
        row
    };
    let rows: Vec<Vec<f64>> = points.iter().map(row).collect();
    let fit = squares::least(&rows, logs)?;
    let left = rows.iter().zip(logs).map(|(row, log)| (fit.says(row) - log).powi(2)).sum();
    Some((fit, left))
}
