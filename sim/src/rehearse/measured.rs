//! All that a run measured, in one place, for verdict and report.

use schemas::caps::Caps;

use super::aftermath::Aftermath;
use super::generator::{ClassGauge, Gauges};
use super::machine::Machine;
use super::scenario::{Form, Scenario};
use super::schedule::Timeline;
use super::tills::Accounts;
use super::watch::Seen;
use crate::probe::Quantiles;

/// What a run measured.
pub struct Measured {
    /// The machine that it was played on.
    pub machine: Machine,
    /// Servers that ran already; none: they were started.
    pub targets: Vec<String>,
    /// The caps that were applied.
    pub caps: Option<Caps>,
    /// Whether it is the short form.
    pub short: bool,
    /// Share of the real load.
    pub scale: f64,
    /// How many times faster than real.
    pub speed: f64,
    /// When it began, milliseconds since 1970.
    pub began_ms: i64,
    /// Real times of phases.
    pub timeline: Timeline,
    /// Names of the parts, in the order of their samples.
    pub parts: Vec<String>,
    /// Resident MiB of each part before the load opened a connection.
    pub before_mib: Vec<f64>,
    /// What happened on purpose: second and words.
    pub events: Vec<(f64, String)>,
    /// What the workers measured.
    pub(crate) gauges: Gauges,
    /// What the watch saw.
    pub seen: Seen,
    /// From a till to every reader.
    pub visible: Quantiles,
    /// Each of those: second and milliseconds.
    pub visible_each: Vec<(f64, u64)>,
    /// Reports of the probes that were not seen in time.
    pub unseen: u64,
    /// What the tills know.
    pub(crate) accounts: Accounts,
    /// Whether all that callers heard was gathered at the end.
    pub heard: bool,
    /// Whether readers played alone, at servers that were given without those of tills.
    pub readers_alone: bool,
    /// What the servers publish at the end; `None` where nobody looked.
    pub aftermath: Option<Aftermath>,
    /// Outlets in the registry in force.
    pub registered: u64,
    /// Reads that were answered 200 with something that is no document.
    pub wrong_reads: u64,
    /// Requests of tills without an answer at the end.
    pub tills_unanswered: u64,
    /// Parts that ended by themselves.
    pub faults: Vec<String>,
    /// Why nothing could be measured.
    pub void: Vec<String>,
    /// Whether somebody stopped it.
    pub stopped: bool,
    /// Remarks for the report, such as limits that were hit.
    pub remarks: Vec<String>,
}

impl Measured {
    /// Of a run in which nothing was measured yet.
    pub(crate) fn new(scenario: &Scenario, form: Form, short: bool, timeline: &Timeline) -> Self {
        Self {
            machine: Machine::this(),
            targets: Vec::new(),
            caps: None,
            short,
            scale: form.scale,
            speed: form.speed,
            began_ms: crate::fleet::now().0,
            timeline: timeline.clone(),
            parts: Vec::new(),
            before_mib: Vec::new(),
            events: Vec::new(),
            gauges: Gauges::new(scenario.loads.len()),
            seen: Seen::default(),
            visible: Quantiles::default(),
            visible_each: Vec::new(),
            unseen: 0,
            accounts: Accounts::default(),
            heard: false,
            readers_alone: false,
            aftermath: None,
            registered: 0,
            wrong_reads: 0,
            tills_unanswered: 0,
            faults: Vec::new(),
            void: Vec::new(),
            stopped: false,
            remarks: Vec::new(),
        }
    }

    /// Whether it was played to its end: neither stopped nor given up.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.stopped && self.void.is_empty()
    }

    /// When a server told that the opening is held: the first second of each stretch and the first one after it.
    #[must_use]
    pub fn held(&self) -> Vec<(usize, usize)> {
        let samples = &self.seen.samples;
        let held = |second: &usize| samples[*second].held;
        let begins =
            (0..samples.len()).filter(|second| held(second) && (*second == 0 || !held(&(second - 1))));
        let ends = |from: usize| (from..samples.len()).find(|second| !held(second)).unwrap_or(samples.len());
        begins.map(|from| (from, ends(from))).collect()
    }

    /// Greatest age that any server told, in milliseconds, in a phase or all of them.
    #[must_use]
    pub fn oldest(&self, phase: Option<usize>) -> Option<f64> {
        let seconds = self.seen.samples.iter().enumerate();
        let chosen = seconds.filter(|(second, _)| {
            let within = (*second as f64) < self.timeline.length;
            within && phase.is_none_or(|phase| self.timeline.phase(*second as f64) == phase)
        });
        chosen.flat_map(|(_, sample)| sample.ages_ms.iter().flatten().copied()).reduce(f64::max)
    }

    /// Share of the requests that were answered as they should be, in percent. Those that were turned away by name count as unanswered, but
    /// for the classes in `shed`, of which some are meant to be: there they are left out.
    #[must_use]
    pub fn answered(&self, class: Option<usize>, shed: &[usize]) -> Option<f64> {
        let (mut good, mut all) = (0_u64, 0_u64);
        for (number, gauge) in self.gauges.classes.iter().enumerate() {
            if class.is_none_or(|class| class == number) {
                let turned_away = if shed.contains(&number) { 0 } else { sum(&gauge.turned_away) };
                good += sum(&gauge.good);
                all += sum(&gauge.good) + turned_away + sum(&gauge.failed);
            }
        }
        percent(good, all)
    }

    /// Share of the tries of a class that were turned away, in percent.
    #[must_use]
    pub fn shed(&self, class: usize) -> Option<f64> {
        let ClassGauge { shed, good, failed, .. } = &self.gauges.classes[class];
        percent(shed.total(), shed.total() + sum(good) + sum(failed))
    }

    /// Answers over HTTP with a status of 500 or more.
    #[must_use]
    pub fn server_errors(&self, class: Option<usize>) -> u64 {
        let chosen = self.gauges.classes.iter().enumerate();
        let chosen = chosen.filter(|(number, _)| class.is_none_or(|class| class == *number));
        chosen.flat_map(|(_, gauge)| gauge.statuses.range(500..)).map(|(_, number)| number).sum()
    }
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().map(|n| u64::from(*n)).sum()
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}
