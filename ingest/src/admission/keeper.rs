//! The keeper: puts the plan of the moment into force, moves the limits of the classes, holds and releases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregator::caps::plan_at;
use schemas::Millis;
use schemas::caps::{Caps, Class, Plan};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Admission;
use super::class::{Bounds, Look};
use super::hold::{Seen, Watch};
use super::rules::{Roster, Rules};
use super::shed::ShedWatch;
use crate::apply::View;

/// Between two looks at the classes.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Looks between two at the holds: their times are over a second.
const LOOKS_TO_A_HOLD: u32 = 10;

/// Who keeps admission up to date.
#[derive(Debug)]
pub struct Keeper {
    admission: Arc<Admission>,
    view: watch::Receiver<View>,
    built_in: Arc<Caps>,
    looks: [Look; Class::CAPPED.len()],
    second: [Look; Class::CAPPED.len()],
    shed: ShedWatch,
    looked: u32,
    watches: Vec<Watch>,
    /// Registry imports that the roster knows.
    imports: Option<usize>,
}

impl Keeper {
    /// For this admission, by what the fold shows. The caps of the view are in force when this returns.
    #[must_use]
    pub fn new(admission: Arc<Admission>, view: watch::Receiver<View>) -> Self {
        let built_in = Arc::clone(&admission.rules.load().caps);
        let mut keeper = Self {
            admission,
            view,
            built_in,
            looks: Default::default(),
            second: Default::default(),
            shed: ShedWatch::default(),
            looked: 0,
            watches: Vec::new(),
            imports: None,
        };
        keeper.follow(crate::clock::now());
        keeper
    }

    /// Keeps until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut timer = tokio::time::interval(LOOK_EVERY);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = timer.tick() => {}
                () = stop.cancelled() => return,
            }
            self.look(Instant::now(), crate::clock::now());
        }
    }

    fn look(&mut self, now: Instant, clock: Millis) {
        let (admission, now_ns) = (Arc::clone(&self.admission), self.admission.nanos(now));
        for class in Class::CAPPED {
            let state = &admission.classes[class as usize];
            let measured = state.measure(&mut self.looks[class as usize], now_ns);
            state.set_limit(Bounds::of(class).next(state.limit(), measured.median));
        }
        self.shed.look(&admission.tally, &admission.shed, clock);
        self.follow(clock);
        self.looked += 1;
        if self.looked.is_multiple_of(LOOKS_TO_A_HOLD) {
            let seen = Class::CAPPED.map(|class| {
                let state = &admission.classes[class as usize];
                (state.measure(&mut self.second[class as usize], now_ns), state.under_way())
            });
            self.hold(&seen, Duration::from_nanos(now_ns), clock);
        }
    }

    /// Puts the plan of the moment into force, and learns the districts anew after an import.
    fn follow(&mut self, clock: Millis) {
        let rules = self.admission.rules.load_full();
        let view = self.view.borrow().clone();
        let known = view.caps.as_ref().and_then(|caps| Some((caps, plan_at(caps, clock)?)));
        let (caps, plan) = match known {
            Some((caps, plan)) => (caps, plan),
            None => (&self.built_in, &self.built_in.plans[0]),
        };
        let imports = view.cut.is_some().then_some(view.imports.len());
        let others = !Arc::ptr_eq(caps, &rules.caps) || *plan != rules.plan;
        if !others && imports == self.imports {
            return;
        }
        let roster = if imports == self.imports { rules.roster.clone() } else { roster(&view) };
        if others {
            tracing::info!(caps = caps.name, from = plan.effective_from.0.0, "caps in force");
            self.watches = vec![Watch::default(); plan.holds.len()];
        }
        let held_since = rules.held_since.filter(|_| !others);
        self.imports = imports;
        self.put(Arc::clone(caps), plan.clone(), roster, held_since);
    }

    fn put(&self, caps: Arc<Caps>, plan: Plan, roster: Option<Arc<Roster>>, held_since: Option<Millis>) {
        let generation = self.admission.rules.load().generation + 1;
        self.admission.rules.store(Arc::new(Rules::new(generation, caps, plan, roster, held_since)));
    }

    fn hold(&mut self, seen: &Seen, now: Duration, clock: Millis) {
        let rules = self.admission.rules.load_full();
        let watched = self.watches.iter_mut().zip(&rules.plan.holds);
        // Each is looked at, also after one that holds.
        let held = watched.fold(false, |held, (watch, hold)| watch.step(hold, seen, now) || held);
        if held == rules.held_since.is_some() {
            return;
        }
        match held {
            true => tracing::warn!("a limit of the caps is crossed: no further cohort is admitted"),
            false => tracing::info!("within the limits again: cohorts join as planned"),
        }
        let held_since = held.then_some(clock);
        self.put(Arc::clone(&rules.caps), rules.plan.clone(), rules.roster.clone(), held_since);
    }
}

/// The districts of the outlets of a version.
fn roster(view: &View) -> Option<Arc<Roster>> {
    let outlets = view.cut.as_ref()?.snapshot.outlets.iter().flatten();
    Some(Arc::new(outlets.filter_map(|o| Some((o.info.code.clone(), o.info.region?))).collect()))
}
