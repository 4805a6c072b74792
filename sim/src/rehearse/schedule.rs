//! When requests come: an open model. Arrivals are drawn from the scenario alone (a Poisson stream at each class's rate) and wait for no
//! answer, so a slow server meets the same crowd as a fast one.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use schemas::Millis;

use super::scenario::{Bursts, Form, Load, Scenario};

/// Pieces into which a climb of the rate is cut.
const STEPS: u32 = 32;

/// A stretch of real time with one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Seconds after the start of the run.
    pub from: f64,
    /// Its end.
    pub until: f64,
    /// Arrivals a second.
    pub rate: f64,
}

/// The real times of a run: where phases begin, and how long it takes.
#[derive(Debug, Clone)]
pub struct Timeline {
    /// Seconds after the start at which each phase begins.
    pub phases: Vec<f64>,
    /// Length, in seconds.
    pub length: f64,
    pub(crate) begins: super::scenario::Moment,
    pub(crate) speed: f64,
}

impl Timeline {
    /// The timeline of a scenario at the speed of a form.
    #[must_use]
    pub fn new(scenario: &Scenario, form: Form) -> Self {
        let mut timeline =
            Self { phases: Vec::new(), length: 0.0, begins: scenario.begins, speed: form.speed };
        timeline.length = timeline.seconds(scenario.ends);
        timeline.phases = scenario.phases.iter().map(|phase| timeline.seconds(phase.from).max(0.0)).collect();
        timeline
    }

    /// Real seconds from the start of the run to a moment of the day.
    #[must_use]
    pub fn seconds(&self, moment: super::scenario::Moment) -> f64 {
        moment.since(self.begins) / self.speed
    }

    /// The time of a moment in a run that is ordered at `ordered` and begins so long after it. What is in force when the day begins
    /// has been since before the order.
    #[must_use]
    pub fn real(&self, moment: super::scenario::Moment, ordered: Millis, lead: Duration) -> Millis {
        let seconds = self.seconds(moment);
        let lead = if seconds > 0.0 { lead } else { Duration::ZERO };
        ordered.plus(((seconds + lead.as_secs_f64()) * 1_000.0).round() as i64)
    }

    /// The phase of a real second.
    #[must_use]
    pub fn phase(&self, second: f64) -> usize {
        self.phases.partition_point(|from| *from <= second).saturating_sub(1)
    }
}

/// The rates of a load over a run.
#[must_use]
pub fn stretches(load: &Load, form: Form, timeline: &Timeline) -> Vec<Stretch> {
    let (from, until) = (timeline.seconds(load.from).max(0.0), timeline.seconds(load.until));
    let until = until.min(timeline.length);
    let rate = load.rate * form.scale;
    let rise = (load.rise_s / form.speed).min((until - from).max(0.0));
    let mut all: Vec<Stretch> = (0..STEPS)
        .filter(|_| rise > 0.0)
        .map(|step| {
            let at = |step: u32| from + rise * f64::from(step) / f64::from(STEPS);
            Stretch {
                from: at(step),
                until: at(step + 1),
                rate: rate * (f64::from(step) + 0.5) / f64::from(STEPS),
            }
        })
        .collect();
    let even = Stretch { from: from + rise, until, rate };
    match load.bursts {
        Some(bursts) => all.extend(with_bursts(even, bursts, form.speed)),
        None => all.push(even),
    }
    all.retain(|stretch| stretch.until > stretch.from && stretch.rate > 0.0);
    all
}

/// The same mean, most of it evenly and the rest in bursts.
fn with_bursts(even: Stretch, bursts: Bursts, speed: f64) -> Vec<Stretch> {
    let (every, last) = (bursts.every_s / speed, bursts.last_s / speed);
    let share = last / every;
    let calm = even.rate * (1.0 - share * bursts.times) / (1.0 - share).max(f64::EPSILON);
    let mut all = Vec::new();
    let mut from = even.from;
    while from < even.until {
        // A burst stands at the end of its stretch, so that a phase does not begin with one.
        let (quiet, end) = (from + every - last, from + every);
        all.push(Stretch { from, until: quiet.min(even.until), rate: calm });
        all.push(Stretch { from: quiet, until: end.min(even.until), rate: even.rate * bursts.times });
        from = end;
    }
    all
}

/// The arrivals of one load, in order.
#[derive(Debug)]
pub struct Arrivals {
    stretches: std::vec::IntoIter<Stretch>,
    now: Stretch,
    at: f64,
    rng: StdRng,
}

impl Arrivals {
    /// The arrivals over these stretches; the same seed gives the same ones.
    #[must_use]
    pub fn new(stretches: Vec<Stretch>, seed: u64) -> Self {
        let nothing = Stretch { from: 0.0, until: 0.0, rate: 1.0 };
        Self { stretches: stretches.into_iter(), now: nothing, at: 0.0, rng: StdRng::seed_from_u64(seed) }
    }

    /// What one of so many threads has of a load: its share, the same in every run.
    #[must_use]
    pub fn of_thread(
        (number, load): (usize, &Load),
        form: Form,
        timeline: &Timeline,
        (part, of): (usize, usize),
    ) -> Self {
        let form = Form { scale: form.scale / of as f64, ..form };
        Self::new(stretches(load, form, timeline), (number * of + part) as u64)
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // The time to the next arrival in mean distances; what a stretch does not use up, the next one goes on with.
        let mut left = -(1.0 - self.rng.random::<f64>()).ln();
        loop {
            let at = self.at + left / self.now.rate;
            if at < self.now.until {
                self.at = at;
                return Some(Duration::from_secs_f64(at));
            }
            left -= (self.now.until - self.at).max(0.0) * self.now.rate;
            self.now = self.stretches.next()?;
            self.at = self.now.from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::catalog;

    fn count(arrivals: &[f64], from: f64, until: f64) -> f64 {
        arrivals.iter().filter(|at| (from..until).contains(*at)).count() as f64
    }

    #[test]
    fn arrivals_have_the_rate_of_each_stretch_and_the_order_of_time() {
        let stretches = vec![
            Stretch { from: 1.0, until: 11.0, rate: 1_000.0 },
            Stretch { from: 11.0, until: 12.0, rate: 10_000.0 },
            Stretch { from: 20.0, until: 30.0, rate: 10.0 },
        ];
        let all: Vec<f64> = Arrivals::new(stretches.clone(), 1).map(|at| at.as_secs_f64()).collect();
        assert!(all.is_sorted());
        for Stretch { from, until, rate } in stretches {
            let (wanted, found) = ((until - from) * rate, count(&all, from, until));
            assert!((found - wanted).abs() < 6.0 * wanted.sqrt(), "{found} of {wanted} from {from}");
        }
        assert_eq!(count(&all, 0.0, 1.0) + count(&all, 12.0, 20.0), 0.0);
    }

    #[test]
    fn moments_of_the_day_are_times_of_the_run() {
        let scenario = catalog::find("mask-2020-03-11").unwrap();
        let timeline = Timeline::new(&scenario, Form { scale: 1.0, speed: 60.0, outlets: None });
        let real =
            |moment: &str| timeline.real(moment.parse().unwrap(), Millis(1_000_000), Duration::from_secs(2));
        // The day begins at 07:56, two seconds after the order; what holds from then on has begun by the order.
        let times = ["07:54", "07:55", "07:56", "07:57", "09:00"].map(real);
        assert_eq!(times, [998_000, 999_000, 1_000_000, 1_003_000, 1_066_000].map(Millis));
    }

    #[test]
    fn something_of_every_load_is_due_in_every_form() {
        for (name, _) in catalog::ALL {
            let scenario = catalog::find(name).unwrap();
            for form in [scenario.long, scenario.short] {
                let timeline = Timeline::new(&scenario, form);
                for load in scenario.loads.iter().enumerate() {
                    let due = Arrivals::of_thread(load, form, &timeline, (0, 1)).count();
                    assert!(due > 0, "nothing of {} in {name} is due at {form:?}", load.1.class);
                }
            }
        }
    }

    #[test]
    fn bursts_keep_the_mean_and_reach_their_height() {
        let scenario = catalog::find("mask-2020-03-11").unwrap();
        let form = Form { scale: 1.0, speed: 60.0, outlets: None };
        let timeline = Timeline::new(&scenario, form);
        let load = &scenario.loads[scenario.class("apps_area").unwrap()];
        let all = stretches(load, form, &timeline);
        let mean = all.iter().map(|s| (s.until - s.from) * s.rate).sum::<f64>() / (80.0 * 60.0 / 60.0);
        assert!((mean - load.rate).abs() < 1.0, "{mean}");
        assert!(all.iter().any(|s| s.rate == load.rate * 10.0));
        assert_eq!(timeline.phase(timeline.seconds(load.from)), 1);
    }
}
