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
    /// What is turned away is of these classes alone; every other class, and the deliveries that tills need, lose nothing.
    Shed {
        /// Classes.
        only: Vec<String>,
        /// Least share of the tries of each of them that must have been turned away, in percent.
        #[serde(default)]
        at_least_percent: f64,
        /// Greatest share, in percent.
        #[serde(default = "all_percent")]
        at_most_percent: f64,
    },
    /// The opening was held for so long, and no longer: limits that are stated were crossed, and it went on by itself.
    Held {
        /// Least time, in real seconds.
        at_least_s: f64,
        /// Greatest time, in real seconds.
        at_most_s: f64,
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

fn all_percent() -> f64 {
    100.0
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
            | Self::Held { .. }
            | Self::Resumes { .. } => true,
            Self::Answered { .. } | Self::ServerErrors { .. } | Self::Shed { .. } => false,
        }
    }

    /// Whether it is about what tills do, who do not play where readers play alone.
    #[must_use]
    pub fn is_of_tills(&self, scenario: &Scenario) -> bool {
        let sells = |class: &String| {
            scenario.class(class).is_some_and(|number| scenario.loads[number].does.is_till())
        };
        match self {
            Self::Visible { .. } | Self::Held { .. } => true,
            Self::Shed { only, .. } => only.iter().any(sells),
            Self::Latency { class, .. } | Self::Moves { class, .. } | Self::Resumes { class, .. } => {
                sells(class)
            }
            Self::Answered { class, .. } | Self::ServerErrors { class, .. } => {
                class.as_ref().is_some_and(sells)
            }
            Self::Age { .. } => false,
        }
    }

    /// Whether its classes and phases are those of the scenario, and its limit is a number.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<()> {
        let (classes, phases) = match self {
            Self::Latency { class, phase, .. } => (vec![class], vec![phase.as_ref()]),
            Self::Moves { class, from, to, .. } => (vec![class], vec![Some(from), Some(to)]),
            Self::Age { phase, .. } => (vec![], vec![phase.as_ref()]),
            Self::Answered { class, .. } | Self::ServerErrors { class, .. } => {
                (class.iter().collect(), vec![])
            }
            Self::Visible { .. } | Self::Held { .. } => (vec![], vec![]),
            Self::Shed { only, .. } => (only.iter().collect(), vec![]),
            Self::Resumes { class, after, .. } => (vec![class], vec![Some(after)]),
        };
        for class in classes {
            scenario
                .class(class)
                .with_context(|| format!("a threshold names {class:?}, which is no load"))?;
        }
        for phase in phases.into_iter().flatten() {
            ensure!(scenario.phase(phase).is_some(), "a threshold names {phase:?}, which is no phase");
        }
        if let Self::Shed { at_least_percent: least, at_most_percent: most, .. } = self {
            ensure!(
                (0.0..=*most).contains(least) && *most <= 100.0,
                "the limits of `shed` are {least} and {most} percent; write numbers from 0 to 100, the lesser one first"
            );
        }
        if let Self::Held { at_least_s: least, at_most_s: most } = self {
            ensure!(
                least <= most,
                "the limits of `held` are {least} and {most} s; write the lesser one first"
            );
            number("a limit of a threshold", *least)?;
        }
        number("a limit of a threshold", self.limit())
    }

    fn limit(&self) -> f64 {
        match self {
            Self::Latency { at_most_ms, .. }
            | Self::Visible { at_most_ms }
            | Self::Age { at_most_ms, .. } => *at_most_ms,
            Self::Moves { at_most_percent, .. } | Self::Shed { at_most_percent, .. } => *at_most_percent,
            Self::Answered { at_least_percent, .. } => *at_least_percent,
            Self::ServerErrors { at_most, .. } => *at_most as f64,
            Self::Resumes { at_most_s, .. } | Self::Held { at_most_s, .. } => *at_most_s,
        }
    }
}
