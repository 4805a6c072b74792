//! What must hold in a run, as a scenario says it. What must hold in every run is not said there and can not be left out.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::Scenario;
use super::check::number;

/// A limit on one measured value.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum Threshold {
    /// Latency of a class in a phase, counted from when each request was meant to start.
    Latency {
        /// Class.
        class: String,
        /// Which quantile.
        quantile: Quantile,
        /// Phase; the whole day where none is named.
        phase: Option<String>,
        /// Limit, in milliseconds.
        at_most_ms: f64,
    },
    /// How much a latency rises from one phase to another.
    Moves {
        /// Class.
        class: String,
        /// Which quantile.
        quantile: Quantile,
        /// Phase before.
        from: String,
        /// Phase after.
        to: String,
        /// Limit, in percent of the quantile before.
        at_most_percent: f64,
    },
    /// From a till that sends until everyone can read it, 99th percentile over the day.
    Visible {
        /// Limit, in milliseconds.
        at_most_ms: f64,
    },
    /// Greatest age of what any edge served.
    Age {
        /// Phase; the whole day where none is named.
        phase: Option<String>,
        /// Limit, in milliseconds.
        at_most_ms: f64,
    },
    /// Share of the requests of a class that were answered as they should be.
    Answered {
        /// Class; all where none is named.
        class: Option<String>,
        /// Limit, in percent.
        at_least_percent: f64,
    },
    /// Answers with a status of 500 or more over HTTP; 503 with `Retry-After` counts too.
    ServerErrors {
        /// Class; all where none is named.
        class: Option<String>,
        /// Limit.
        at_most: u64,
    },
    /// Longest time without any good answer of a class, from the beginning of a phase to the last moment of its load.
    Resumes {
        /// Class.
        class: String,
        /// Phase from whose beginning on it is looked at.
        after: String,
        /// Limit, in real seconds.
        at_most_s: f64,
    },
}

/// A quantile of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantile {
    /// Median.
    P50,
    /// 99 of 100.
    P99,
    /// 999 of 1,000.
    P999,
}

impl Quantile {
    /// As a share.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
        }
    }

    /// Name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
        }
    }
}

impl Threshold {
    /// Whether it is about how long something takes, which a short form does not judge.
    #[must_use]
    pub fn is_of_time(&self) -> bool {
        match self {
            Self::Latency { .. }
            | Self::Moves { .. }
            | Self::Visible { .. }
            | Self::Age { .. }
            | Self::Resumes { .. } => true,
            Self::Answered { .. } | Self::ServerErrors { .. } => false,
        }
    }

    /// Whether its classes and phases are those of the scenario, and its limit is a number.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<()> {
        let (class, phases) = match self {
            Self::Latency { class, phase, .. } => (Some(class), vec![phase.as_ref()]),
            Self::Moves { class, from, to, .. } => (Some(class), vec![Some(from), Some(to)]),
            Self::Age { phase, .. } => (None, vec![phase.as_ref()]),
            Self::Answered { class, .. } | Self::ServerErrors { class, .. } => (class.as_ref(), vec![]),
            Self::Visible { .. } => (None, vec![]),
            Self::Resumes { class, after, .. } => (Some(class), vec![Some(after)]),
        };
        if let Some(class) = class {
            scenario
                .class(class)
                .with_context(|| format!("a threshold names {class:?}, which is no load"))?;
        }
        for phase in phases.into_iter().flatten() {
            ensure!(scenario.phase(phase).is_some(), "a threshold names {phase:?}, which is no phase");
        }
        number("a limit of a threshold", self.limit())
    }

    fn limit(&self) -> f64 {
        match self {
            Self::Latency { at_most_ms, .. }
            | Self::Visible { at_most_ms }
            | Self::Age { at_most_ms, .. } => *at_most_ms,
            Self::Moves { at_most_percent, .. } => *at_most_percent,
            Self::Answered { at_least_percent, .. } => *at_least_percent,
            Self::ServerErrors { at_most, .. } => *at_most as f64,
            Self::Resumes { at_most_s, .. } => *at_most_s,
        }
    }
}
