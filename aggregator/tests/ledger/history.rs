//! Histories by chance: every decision and all stock are what a model says that forgets nothing.

use proptest::prelude::*;
use schemas::claim::{ClaimId, Verdict};
use schemas::entry::{ClaimEntry, Entry};
use schemas::person::Person;
use schemas::policy::{DayGate, DayRule, Digit, Policy, Schedule, Window};
use schemas::{ItemId, Millis};

use crate::model::{Kept, Model};
use crate::world::*;

const ITEMS: [&str; 3] = ["mask", "mask_child", "gel"];

/// One thing that happens.
#[derive(Debug, Clone)]
enum Step {
    /// How it is sold, by whom, how many, under which keys, and how far the gateway's clock is off.
    Claim(How, u8, u32, usize, Form, i64),
    /// The claim so many before the last again, with its body or another.
    Again(usize, bool),
    Void(usize, bool),
    /// A void before its claim, by the claim's outlet or another.
    VoidFirst(u8, bool),
    Confirm(usize),
    Report(usize, usize, u32),
    Tick,
    Schedule(Plan),
    Register(bool),
    BeginKeys,
    EndKeys,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Sale,
    Late(i64),
    Reserve(i64),
    ByAnother,
}

/// Under which keys a person comes while keys change over.
#[derive(Debug, Clone, Copy)]
enum Form {
    Old,
    Both,
}

/// A schedule: windows and quantities of two groups, or one, and where its days begin.
#[derive(Debug, Clone)]
struct Plan {
    first: (Window, u32, bool, bool),
    second: Option<(Window, u32)>,
    change: i64,
    offset_minutes: i16,
}

impl Plan {
    fn schedule(&self) -> Schedule {
        let (window, quantity, split, by_day) = self.first;
        let days = by_day.then(weekdays);
        let first = Policy { split, days, ..policy("mask", window, quantity, Millis(0)) };
        let mut policies = vec![first, policy("mask", Window::Week, 3, MONDAY.plus(self.change))];
        let mut groups = vec![group("mask", &["mask", "mask_child"])];
        if let Some((window, quantity)) = self.second {
            groups = vec![group("child", &["mask_child"]), group("mask", &["mask"])];
            policies.push(policy("child", window, quantity, Millis(0)));
        }
        // Looks back furthest, so that nothing is forgotten that a schedule to come may ask for.
        groups.push(group("keep", &["keep"]));
        policies.push(policy("keep", Window::RollingDays(35), 1, Millis(0)));
        Schedule { offset_minutes: self.offset_minutes, ..schedule(groups, policies) }
    }
}

/// Days by the last digit of the year of birth, as in March 2020.
fn weekdays() -> DayRule {
    let week = std::array::from_fn(|day| match day {
        0..=3 => DayGate::Digits(vec![day as u8 + 1, day as u8 + 6]),
        4 => DayGate::Digits(vec![5, 0]),
        _ => DayGate::CatchUp,
    });
    DayRule { by: Digit::BirthYear, week }
}

/// The fold and the model side by side.
struct Both {
    world: World,
    model: Model,
    now: Millis,
    sent: Vec<ClaimEntry<'static>>,
    generation: u8,
    changing: bool,
    registered: bool,
}

impl Both {
    fn begun(plan: &Plan) -> Self {
        let (mut model, schedule) = (Model::default(), plan.schedule());
        model.schedule(schedule.clone());
        let world = World::under(schedule);
        let (now, sent) = (MONDAY, Vec::new());
        Self { world, model, now, sent, generation: 0, changing: false, registered: false }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Claim(how, person, quantity, place, form, skew) => {
                let entry = self.entry(how, person, quantity, place, form, skew);
                self.claim(&entry);
            }
            Step::Again(back, same) => {
                let Some(mut entry) = self.past(back) else { return };
                (entry.received, entry.body) = (self.now, entry.body + u32::from(!same));
                self.claim(&entry);
            }
            Step::Void(back, own) => self.settle(back, own, true),
            Step::VoidFirst(who, own) => {
                self.entry(How::Sale, who, 1, 0, Form::Both, 0);
                self.settle(0, own, true);
            }
            Step::Confirm(back) => self.settle(back, true, false),
            Step::Report(outlet, item, count) => {
                self.world.report(OUTLETS[outlet], ITEMS[item], count, self.now);
                self.model.report(OUTLETS[outlet], ITEMS[item], count, self.now);
            }
            Step::Tick => self.tick(),
            Step::Schedule(ref plan) => {
                self.world.schedule(plan.schedule());
                self.model.schedule(plan.schedule());
            }
            Step::Register(all) => {
                self.world.register(&OUTLETS[..if all { 3 } else { 2 }]);
                self.registered = all;
            }
            Step::BeginKeys => {
                self.generation += 1;
                self.changing = true;
                self.world.keys(u64::from(self.generation), Some(u64::from(self.generation - 1)));
            }
            Step::EndKeys => {
                self.changing = false;
                self.world.keys(u64::from(self.generation), None);
                self.model.end_of_keys();
            }
        }
    }

    fn entry(
        &mut self,
        how: How,
        person: u8,
        quantity: u32,
        place: usize,
        form: Form,
        skew: i64,
    ) -> ClaimEntry<'static> {
        let received = self.now.plus(skew);
        let id = self.sent.len() as u128 + 1;
        let mut entry = match how {
            How::Late(ago) => late(id, person, quantity, received.plus(-ago), received),
            How::Reserve(hold) => reserve(id, person, quantity, received, hold),
            How::Sale | How::ByAnother => claim(id, person, quantity, received),
        };
        (entry.outlet, entry.item) = (OUTLETS[place % 3], ITEMS[place / 3 % 3]);
        entry.person = self.person(person, form);
        entry.buyer = matches!(how, How::ByAnother).then(|| Box::new(born(99, 1970)));
        self.sent.push(entry.clone());
        entry
    }

    fn person(&self, person: u8, form: Form) -> Person {
        let generation = self.generation;
        let known = Person { key: key(person, generation), ..born(person, 1980 + u16::from(person)) };
        match form {
            Form::Old if self.changing => Person { key: key(person, generation - 1), ..known },
            Form::Both if self.changing => Person { was: Some(key(person, generation - 1)), ..known },
            _ => known,
        }
    }

    fn past(&self, back: usize) -> Option<ClaimEntry<'static>> {
        let at = self.sent.len().checked_sub(back + 1)?;
        let entry = self.sent[at].clone();
        // An id that is old enough to be forgotten is not sent again: it would be a new claim.
        (!self.model.is_leaving(entry.id) && self.now.since(entry.received) < DAY).then_some(entry)
    }

    fn claim(&mut self, entry: &ClaimEntry<'static>) {
        let expected = self.model.claim(entry);
        let said = self.world.claim(entry.clone());
        compare(&said, &expected, entry);
        if let Ok((kept, false)) = expected
            && matches!(kept.verdict, Verdict::Granted | Verdict::Reserved)
        {
            let (held, allowed) = self.model.online(&kept).unwrap();
            assert!(held <= allowed, "{held} of {allowed} after {entry:?}");
        }
    }

    fn settle(&mut self, back: usize, own: bool, void: bool) {
        let Some(entry) = self.sent.len().checked_sub(back + 1).map(|at| self.sent[at].clone()) else {
            return;
        };
        if self.model.is_leaving(entry.id) {
            return;
        }
        let outlet = if own { entry.outlet } else { OUTLETS[2] };
        let ClaimId(id) = entry.id;
        let settle = settle(id.as_u128(), outlet, self.now);
        let expected = if void { self.model.void(&settle) } else { self.model.confirm(&settle) };
        let said = self.world.said(if void { Entry::Void(settle) } else { Entry::Confirm(settle) });
        compare(&said, &expected, &entry);
    }

    fn tick(&mut self) {
        self.model.tick(self.now);
        let snapshot = self.world.cut(self.now);
        for row in snapshot.outlets.iter().flatten() {
            for item in ITEMS {
                let seen = row.item(item).map_or((None, 0), |seen| (seen.count, seen.promised));
                let place = *OUTLETS.iter().find(|code| **code == row.info.code.as_str()).unwrap();
                let stock = self.model.stock.get(&(place, item)).copied().unwrap_or_default();
                let expected = (stock.count.and_then(|c| u32::try_from(c).ok()), stock.promised as u32);
                assert_eq!(seen, expected, "{item} at {place}");
            }
        }
        assert_eq!(snapshot.outlets.iter().flatten().count(), if self.registered { 3 } else { 2 });
    }
}

fn compare(said: &Said, expected: &Result<(Kept, bool), schemas::pos::Reason>, entry: &ClaimEntry<'_>) {
    let said = said.map(|s| (s.verdict, s.refusal, s.remaining, s.over_limit, s.state, s.replayed));
    let expected = expected.as_ref().map_err(|reason| *reason);
    let expected =
        expected.map(|(k, replayed)| (k.verdict, k.refusal, k.remaining, k.over, k.state, *replayed));
    assert_eq!(said, expected, "{entry:?}");
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let window = prop_oneof![
        3 => Just(Window::Week),
        1 => Just(Window::Day),
        1 => Just(Window::Month),
        3 => (2..12u8).prop_map(Window::RollingDays),
    ];
    let first = (window.clone(), 1..5u32, prop::bool::weighted(0.7), prop::bool::weighted(0.3));
    let offset = prop_oneof![8 => Just(540), 1 => Just(0), 1 => Just(-300)];
    (first, prop::option::weighted(0.4, (window, 1..4u32)), 0..40 * DAY, offset)
        .prop_map(|(first, second, change, offset_minutes)| Plan { first, second, change, offset_minutes })
}

fn any_how() -> impl Strategy<Value = How> {
    prop_oneof![
        12 => Just(How::Sale),
        3 => (0..7 * DAY).prop_map(How::Late),
        4 => (1..13i64).prop_map(|hours| How::Reserve(hours.min(12) * HOUR)),
        1 => Just(How::ByAnother),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let form = prop_oneof![1 => Just(Form::Old), 3 => Just(Form::Both)];
    let skew = prop_oneof![2 => -5_000..5_000i64, 1 => -HOUR..HOUR];
    let back = prop_oneof![3 => 0..4usize, 1 => 0..30usize];
    prop_oneof![
        24 => (any_how(), 0..4u8, 1..4u32, 0..9usize, form, skew)
            .prop_map(|(how, who, n, place, form, skew)| Step::Claim(how, who, n, place, form, skew)),
        4 => (back.clone(), prop::bool::weighted(0.8)).prop_map(|(back, same)| Step::Again(back, same)),
        5 => (back.clone(), prop::bool::weighted(0.9)).prop_map(|(back, own)| Step::Void(back, own)),
        2 => (0..4u8, any::<bool>()).prop_map(|(who, own)| Step::VoidFirst(who, own)),
        4 => back.prop_map(Step::Confirm),
        3 => (0..3usize, 0..3usize, 0..60u32).prop_map(|(outlet, item, n)| Step::Report(outlet, item, n)),
        10 => Just(Step::Tick),
        1 => any_plan().prop_map(Step::Schedule),
        1 => any::<bool>().prop_map(Step::Register),
        1 => Just(Step::BeginKeys),
        1 => Just(Step::EndKeys),
    ]
}

/// How far time goes on: mostly little, often to about a midnight, now and then over days or weeks.
fn any_pace() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..10_000i64, 4 => 0..4 * HOUR, 2 => 0..2 * DAY, 1 => 0..20 * DAY]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn decisions_and_stock_are_what_the_model_says(
        plan in any_plan(),
        steps in prop::collection::vec((any_step(), any_pace()), 1..120),
        restart in any::<prop::sample::Index>(),
    ) {
        let mut both = Both::begun(&plan);
        both.tick();
        let restart = restart.index(steps.len());
        for (number, (step, pace)) in steps.iter().enumerate() {
            both.now = both.now.plus(*pace);
            both.step(step);
            if number == restart {
                both.world = std::mem::take(&mut both.world).restarted();
            }
        }
        both.tick();
    }
}

/// The items of the plans are names.
#[test]
fn items_are_items() {
    assert!(ITEMS.iter().all(|name| ItemId::new(name).is_ok()));
}
