//! Capacity: what reports of rehearsals say a request costs, where latency turns up, and what a nation needs; what is measured and what is
//! assumed are told apart, and where the reports do not support a figure, that is said instead.

pub mod assumed;
pub mod batches;
pub mod contention;
pub mod costs;
pub mod knee;
mod page;
pub mod plan;
mod points;
pub mod report;
mod squares;
#[cfg(test)]
mod tests;
pub mod unfit;
pub mod windows;

use std::path::PathBuf;

use serde::Serialize;

use assumed::Figure;
use contention::{Fitted, Queue, Scalability};
use costs::Costs;
use knee::Knee;
use plan::{Limit, Needs, Terms};
use report::Report;
pub use unfit::Unfit;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Reports, or folders of reports.
    pub reports: Vec<PathBuf>,
    /// Viewers at once.
    pub viewers: Option<f64>,
    /// Outlets.
    pub outlets: Option<f64>,
    /// Claims a second at the peak.
    pub claims: Option<f64>,
    /// What is assumed of viewers and a CDN.
    pub terms: Terms,
    /// Whether reports that are void or short are taken.
    pub take_void: bool,
}

/// A report as the page names it.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// Scenario.
    pub scenario: String,
    /// When it began.
    pub began: String,
    /// `passed`, `broken` or `void`.
    pub verdict: String,
    /// Why nothing should be concluded from it: it is void, or the short form.
    pub void: Vec<String>,
    /// Seconds of it that were used.
    pub seconds: usize,
    /// Bytes of an answer, by class, without compression.
    pub bytes: Vec<(String, f64)>,
}

/// How a class behaves as its rate grows.
#[derive(Debug, Clone, Serialize)]
pub struct Response {
    /// Scenario.
    pub scenario: String,
    /// Class.
    pub class: String,
    /// Greatest rate in a second.
    pub highest: f64,
    /// The knee.
    pub knee: Fitted<Knee>,
    /// Waiting for a CPU.
    pub queue: Fitted<Queue>,
    /// The universal scalability law.
    pub scalability: Fitted<Scalability>,
}

/// All that is said.
#[derive(Debug, Clone, Serialize)]
pub struct Statement {
    /// The reports.
    pub reports: Vec<Source>,
    /// Their stage and machine.
    pub stage: String,
    /// What a request costs.
    pub costs: Costs,
    /// The same out of each report alone, where it can be told.
    pub costs_of_each: Vec<Option<Costs>>,
    /// How classes behave as their rates grow.
    pub responses: Vec<Response>,
    /// What is assumed of viewers and a CDN.
    pub terms: Terms,
    /// What nations need.
    pub needs: Vec<Needs>,
    /// What does not grow with the number of machines.
    pub limits: Vec<Limit>,
    /// Every figure that is not out of the reports.
    pub figures: &'static [Figure],
}

/// Makes a statement out of reports.
///
/// # Errors
/// When the reports are none, say too little, or do not belong together.
pub fn state(asked: &Asked) -> Result<Statement, Unfit> {
    let reports = report::read(&asked.reports, asked.take_void)?;
    let kinds = windows::kinds(&reports);
    let windows = windows::windows(&reports, &kinds);
    let costs = costs::of(&reports, &kinds, &windows)?;
    let alone = |number: usize| {
        let own = windows.iter().filter(|window| window.report == number).cloned();
        let own: Vec<_> = own.map(|window| windows::Window { report: 0, ..window }).collect();
        costs::of(&reports[number..=number], &kinds, &own).ok()
    };
    let scales = plan::scales(asked.viewers, asked.outlets, asked.claims);
    Ok(Statement {
        stage: reports.first().map(report::stage).unwrap_or_default(),
        costs_of_each: if reports.len() > 1 { (0..reports.len()).map(alone).collect() } else { Vec::new() },
        responses: points::of(&reports, &windows)
            .into_iter()
            .map(|one| response(one, reports[0].cpus))
            .collect(),
        terms: asked.terms,
        needs: scales.into_iter().map(|scale| plan::needs(scale, &costs, asked.terms)).collect(),
        limits: plan::limits(&costs),
        figures: assumed::ALL,
        reports: reports
            .iter()
            .enumerate()
            .map(|(number, report)| source(report, windows.iter().filter(|one| one.report == number).count()))
            .collect(),
        costs,
    })
}

fn source(report: &Report, seconds: usize) -> Source {
    let read = report.classes.iter().filter(|class| !class.does.is_till() && class.good > 0);
    Source {
        scenario: report.scenario.clone(),
        began: report.began.clone(),
        verdict: report.verdict.clone(),
        void: report.spoilt(),
        seconds,
        bytes: read.map(|class| (class.class.clone(), class.bytes as f64 / class.good as f64)).collect(),
    }
}

fn response((scenario, class, points): (String, String, Vec<points::Point>), cpus: usize) -> Response {
    Response {
        highest: points.iter().map(|point| point.rate).fold(0.0, f64::max),
        knee: knee::find(&points),
        queue: contention::queue(&points, cpus),
        scalability: contention::scalability(&points),
        scenario,
        class,
    }
}

impl Statement {
    /// The statement as a page of Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        page::page(self)
    }
}
