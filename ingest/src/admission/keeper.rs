//! The keeper: puts the plan of the moment into force, moves the limits of the classes, holds and releases. It holds while a limit is
//! crossed here, and while any core says in the journal that one is there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aggregator::Holds;
use schemas::Millis;
use schemas::caps::{Caps, Class, Plan, plan_at};
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
    /// The name under which this core says that it holds.
    core: String,
    /// Since when a limit is crossed here, for those who tell the others.
    crossed: watch::Sender<Option<Millis>>,
    /// Registry imports that the roster knows.
    imports: Option<usize>,
}

impl Keeper {
    /// For the admission of this core, by what the fold shows. The caps of the view are in force when this returns, and what other
    /// cores or an earlier life of this one hold is held.
    #[must_use]
    pub fn new(
        admission: Arc<Admission>,
        view: watch::Receiver<View>,
        core: String,
        crossed: watch::Sender<Option<Millis>>,
    ) -> Self {
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
            core,
            crossed,
            imports: None,
        };
        let clock = crate::clock::now();
        keeper.follow(clock);
        keeper.hold(clock);
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
            self.watch(&seen, Duration::from_nanos(now_ns), clock);
        }
        self.hold(clock);
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
        let another = !Arc::ptr_eq(caps, &rules.caps);
        let others = another || *plan != rules.plan;
        if !others && imports == self.imports {
            return;
        }
        let roster = if imports == self.imports { rules.roster.clone() } else { roster(&view) };
        if another {
            self.crossed.send_if_modified(|crossed| crossed.take().is_some());
        }
        if others {
            tracing::info!(caps = caps.name, from = plan.effective_from.0.0, "caps in force");
            // The next plan of a document takes the trouble over in which it begins.
            self.watches = vec![Watch::new(self.crossed.borrow().is_some()); plan.holds.len()];
        }
        let held_since = rules.held_since.filter(|_| !another);
        self.imports = imports;
        self.put(Arc::clone(caps), plan.clone(), roster, held_since);
    }

    fn put(&self, caps: Arc<Caps>, plan: Plan, roster: Option<Arc<Roster>>, held_since: Option<Millis>) {
        let generation = self.admission.rules.load().generation + 1;
        self.admission.rules.store(Arc::new(Rules::new(generation, caps, plan, roster, held_since)));
    }

    /// Looks whether a limit is crossed here.
    fn watch(&mut self, seen: &Seen, now: Duration, clock: Millis) {
        let rules = self.admission.rules.load();
        let watched = self.watches.iter_mut().zip(&rules.plan.holds);
        // Each is looked at, also after one that holds.
        let is_crossed = watched.fold(false, |crossed, (watch, hold)| watch.step(hold, seen, now) || crossed);
        // Who takes over from another holds those who were held.
        let since = rules.held_since.map_or(clock, |since| since.min(clock));
        self.crossed.send_if_modified(|crossed| {
            let changed = crossed.is_some() != is_crossed;
            if changed {
                *crossed = is_crossed.then_some(since);
            }
            changed
        });
    }

    /// Holds or releases, by what is crossed here and what others say.
    fn hold(&self, clock: Millis) {
        let rules = self.admission.rules.load_full();
        let others = since_of_others(&self.view.borrow().holds, &self.core, clock);
        let since = others.into_iter().chain(*self.crossed.borrow()).min();
        // Nobody joins because the first to hold is not the last.
        let held_since = since.map(|since| rules.held_since.map_or(since, |before| before.min(since)));
        if held_since == rules.held_since {
            return;
        }
        match held_since.is_some() {
            true => tracing::warn!(
                here = self.crossed.borrow().is_some(),
                "a limit of the caps is crossed: no further cohort is admitted"
            ),
            false => tracing::info!("within the limits again: cohorts join as planned"),
        }
        self.put(Arc::clone(&rules.caps), rules.plan.clone(), rules.roster.clone(), held_since);
    }
}

/// Since when any other core holds, as it stands in the journal.
fn since_of_others(holds: &Holds, core: &str, clock: Millis) -> Option<Millis> {
    let stand = holds.iter().filter(|(name, held)| *name != core && held.until > clock);
    stand.map(|(_, held)| held.since).min()
}

/// The districts of the outlets of a version.
fn roster(view: &View) -> Option<Arc<Roster>> {
    let outlets = view.cut.as_ref()?.snapshot.outlets.iter().flatten();
    Some(Arc::new(outlets.filter_map(|o| Some((o.info.code.clone(), o.info.region?))).collect()))
}

#[cfg(test)]
mod tests {
    use aggregator::Fold;
    use schemas::caps::Hold;
    use schemas::entry::{Entry, HoldEntry, Tick};

    use super::super::tests::{PHARMACY, admission, plan};
    use super::*;

    const SECOND: i64 = 1_000;

    /// A keeper named `a` whose plan holds while a sale waits for a second, and which sees this.
    struct Kept {
        admission: Arc<Admission>,
        keeper: Keeper,
        view: watch::Sender<View>,
        crossed: watch::Receiver<Option<Millis>>,
        start: (Instant, Millis),
    }

    /// What a fold shows after these cores said until when they hold, seconds from its time on.
    fn said(now: Millis, by: &[(&str, i64, i64)]) -> View {
        let mut fold = Fold::default();
        fold.apply(1, Entry::Tick(Tick { at: now, interval_ms: 1_000 }));
        for (core, since, until) in by {
            let at = |seconds: i64| now.plus(seconds * SECOND);
            fold.apply(1, Entry::Hold(HoldEntry { core, since: at(*since), until: at(*until) }));
        }
        View::of(&fold)
    }

    fn kept(by: &[(&str, i64, i64)]) -> Kept {
        let (clock, admission) = (crate::clock::now(), admission(plan(), None));
        let holds = vec![Hold { class: Class::Sale, p99_ms: None, waiting: Some(0), seconds: 1 }];
        let caps = Caps { name: "test".to_owned(), plans: vec![Plan { holds, ..plan() }] };
        let (view, seen) = watch::channel(View { caps: Some(Arc::new(caps)), ..said(clock, by) });
        let (told, crossed) = watch::channel(None);
        let keeper = Keeper::new(Arc::clone(&admission), seen, "a".to_owned(), told);
        Kept { admission, keeper, view, crossed, start: (Instant::now(), clock) }
    }

    impl Kept {
        /// Since which second it holds, after it looked until this one.
        fn until(&mut self, second: u64) -> Option<i64> {
            let after = Duration::from_secs(second);
            let clock = self.start.1.plus(second as i64 * SECOND);
            (0..LOOKS_TO_A_HOLD).for_each(|_| self.keeper.look(self.start.0 + after, clock));
            self.admission.held_since().map(|since| since.since(self.start.1) / SECOND)
        }
    }

    #[test]
    fn what_other_cores_hold_is_held_from_the_start_for_as_long_as_they_said() {
        let mut kept = kept(&[("b", -5, 30), ("earlier-life", -2, 40)]);
        assert!(kept.admission.held());
        assert_eq!((kept.until(29), kept.until(39), kept.until(40)), (Some(-5), Some(-5), None));
        assert_eq!(*kept.crossed.borrow(), None, "and it says nothing of it itself");
    }

    #[test]
    fn what_it_said_itself_does_not_hold_it() {
        let mut kept = kept(&[("a", -5, 30)]);
        assert_eq!(kept.until(1), None);
    }

    #[test]
    fn the_next_plan_of_a_document_takes_the_trouble_over_in_which_it_begins() {
        let (clock, admission) = (crate::clock::now(), admission(plan(), None));
        let holds = vec![Hold { class: Class::Sale, p99_ms: None, waiting: Some(0), seconds: 1 }];
        let first = Plan { holds, ..plan() };
        let begins = |plan: &Plan, second: i64| Plan {
            effective_from: schemas::time::Rfc3339(clock.plus(second * SECOND)),
            ..plan.clone()
        };
        let plans = vec![begins(&first, -60), begins(&first, 5)];
        let caps = Caps { name: "test".to_owned(), plans };
        let (view, seen) = watch::channel(View { caps: Some(Arc::new(caps)), ..said(clock, &[]) });
        let (told, crossed) = watch::channel(None);
        let keeper = Keeper::new(Arc::clone(&admission), seen, "a".to_owned(), told);
        let mut kept = Kept { admission, keeper, view, crossed, start: (Instant::now(), clock) };
        let waits = kept.admission.enter(Class::Sale, PHARMACY, kept.start.0, false).unwrap();
        assert_eq!((kept.until(1), kept.until(2), kept.until(4)), (None, Some(2), Some(2)));
        assert_eq!((kept.until(5), kept.until(9)), (Some(2), Some(2)), "not since the second plan began");
        drop(waits);
        assert_eq!((kept.until(10), kept.until(11)), (Some(2), None));
        // Another document ends it.
        let waits = kept.admission.enter(Class::Sale, PHARMACY, kept.start.0, false).unwrap();
        assert_eq!((kept.until(12), kept.until(13)), (None, Some(13)));
        let another = Caps { name: "another".to_owned(), plans: vec![begins(&first, -60)] };
        kept.view.send_modify(|view| view.caps = Some(Arc::new(another)));
        assert_eq!(kept.until(14), None);
        drop(waits);
    }

    #[test]
    fn it_says_when_its_own_limit_is_crossed_and_holds_until_nobody_does() {
        let mut kept = kept(&[]);
        let waits = kept.admission.enter(Class::Sale, PHARMACY, kept.start.0, false).unwrap();
        assert_eq!((kept.until(1), kept.until(2)), (None, Some(2)));
        assert_eq!(*kept.crossed.borrow(), Some(kept.start.1.plus(2 * SECOND)));
        kept.view.send_modify(|view| view.holds = said(kept.start.1, &[("a", 2, 60), ("b", 5, 60)]).holds);
        drop(waits);
        // Its own is over, that of another is not: those who were held stay so.
        assert_eq!((kept.until(6), kept.until(7)), (Some(2), Some(2)));
        assert_eq!(*kept.crossed.borrow(), None);
        assert_eq!(kept.until(60), None);
    }
}
