//! Whether a document of caps holds together, with every fault and its place told at once; and which plan is in force.

use std::collections::BTreeSet;
use std::fmt;

use super::{Cap, Caps, Class, Cohort, Institution, InstitutionCaps, LEAST_UNDER_WAY, Plan};
use crate::region;
use crate::time::Millis;

/// The plan of a document that is in force at a moment; none before the first.
#[must_use]
pub fn plan_at(caps: &Caps, at: Millis) -> Option<&Plan> {
    let begun = caps.plans.iter().filter(|plan| plan.effective_from.0 <= at);
    begun.max_by_key(|plan| plan.effective_from.0)
}

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Number of the plan, from 1.
    pub plan: usize,
    /// What of it, in words.
    pub what: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plan, what } = self;
        write!(f, "plan {plan}{}{what}", if what.is_empty() { "" } else { ", " })
    }
}

/// Something that is wrong with a document of caps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapsFault {
    /// Nobody could tell it from another.
    #[error("the name is empty; give one")]
    NoName,
    /// It says nothing.
    #[error("there are no plans; add one")]
    NoPlan,
    /// Two plans begin at one moment.
    #[error("{0}: another plan is in force from the same moment; keep one, or move one")]
    SameMoment(Place),
    /// Nobody could send anything.
    #[error("{0}: it admits no institution; list at least one kind")]
    NobodyAdmitted(Place),
    /// A kind is there twice.
    #[error("{0}: the kind is there twice; join the two")]
    DuplicateKind(Place),
    /// A kind may send nothing.
    #[error("{0}: it has none of stock, sale and check; give it caps, or remove it")]
    NoClass(Place),
    /// No rate.
    #[error("{0}: per_second is not between 0.001 and 1000000")]
    Rate(Place),
    /// Nothing may ever come.
    #[error("{0}: burst and concurrency are at least 1; to admit nobody leave the class out")]
    Nothing(Place),
    /// One terminal may send more than its institution, or one institution more than all of them.
    #[error("{0}: it is above that of the larger circle; lower it")]
    AboveLarger(Place),
    /// A cohort of a kind that has no caps.
    #[error("{0}: its kind has no caps in this plan, so it could not join; add them")]
    CohortWithoutCaps(Place),
    /// No share.
    #[error("{0}: percent = {1}; give 1 to 100")]
    Percent(Place, u8),
    /// A region that is none.
    #[error("{0}: {1:?} is no beginning of a district code; give 1 to 5 digits, such as 11 or 41135")]
    Region(Place, String),
    /// A region without a district.
    #[error(
        "{0}: no district has a code that begins with {1:?}; /v1/regions.json of a running system lists them"
    )]
    NoDistrict(Place, String),
    /// Who is in no registry is in no district.
    #[error("{0}: outlets that are in no registry have no region; leave `regions` out")]
    RegionOfUnregistered(Place),
    /// A hold that watches nothing.
    #[error("{0}: give p99_ms, waiting or both, and seconds from 1 to 3600")]
    EmptyHold(Place),
    /// A hold on a class without caps.
    #[error("{0}: only stock, sale and check are watched")]
    HoldClass(Place),
}

/// Something that is allowed, and is seldom what is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapsDoubt {
    /// Those who sell most could send nothing.
    #[error("{0}: it admits no pharmacies: their sales and reports are turned away")]
    NoPharmacies(Place),
    /// One kind could leave nothing to the others.
    #[error(
        "{0}: all institutions of the kind together may have more under way than half of the {LEAST_UNDER_WAY} that are let in when answers are \
         late, so that others find no place; give `all` a concurrency of {half} or less", half = LEAST_UNDER_WAY / 2
    )]
    NoRoomForOthers(Place),
}

/// What is doubtful about a document.
#[must_use]
pub fn doubts(caps: &Caps) -> Vec<CapsDoubt> {
    let of_plan = |(n, plan): (usize, &Plan)| {
        let place = |what: String| Place { plan: n + 1, what };
        let sells = plan.institutions.iter().any(|caps| caps.kind == Institution::Pharmacy);
        let none = (!sells).then(|| CapsDoubt::NoPharmacies(place(String::new())));
        let others = plan.institutions.iter().filter(|caps| caps.kind != Institution::Pharmacy);
        let classes = others.flat_map(|caps| {
            [Class::Stock, Class::Sale]
                .into_iter()
                .filter_map(move |class| Some((caps.kind, class, caps.class(class)?)))
        });
        let wide =
            classes.filter(|(.., caps)| caps.all.is_none_or(|all| all.concurrency > LEAST_UNDER_WAY / 2));
        let crowd = wide.map(|(kind, class, _)| {
            CapsDoubt::NoRoomForOthers(place(format!("{}, {}", kind.name(), class.name())))
        });
        none.into_iter().chain(crowd).collect::<Vec<_>>()
    };
    caps.plans.iter().enumerate().flat_map(of_plan).collect()
}

/// All that is wrong with a document; nothing where it can come into force.
#[must_use]
pub fn faults(caps: &Caps) -> Vec<CapsFault> {
    let mut found = Vec::new();
    if caps.name.is_empty() {
        found.push(CapsFault::NoName);
    }
    if caps.plans.is_empty() {
        found.push(CapsFault::NoPlan);
    }
    let mut moments = BTreeSet::new();
    for (n, plan) in caps.plans.iter().enumerate() {
        let mut finder = Finder { plan: n + 1, found: &mut found };
        if !moments.insert(plan.effective_from.0) {
            finder.say("", CapsFault::SameMoment);
        }
        finder.plan(plan);
    }
    found
}

struct Finder<'f> {
    plan: usize,
    found: &'f mut Vec<CapsFault>,
}

impl Finder<'_> {
    fn say(&mut self, what: &str, fault: impl FnOnce(Place) -> CapsFault) {
        self.found.push(fault(Place { plan: self.plan, what: what.to_owned() }));
    }

    fn plan(&mut self, plan: &Plan) {
        if plan.institutions.is_empty() {
            self.say("", CapsFault::NobodyAdmitted);
        }
        let mut kinds = BTreeSet::new();
        for caps in &plan.institutions {
            if !kinds.insert(caps.kind) {
                self.say(caps.kind.name(), CapsFault::DuplicateKind);
            }
            self.institution(caps);
        }
        for (n, cohort) in plan.cohorts.iter().enumerate() {
            self.cohort(n + 1, cohort, &kinds);
        }
        for (n, hold) in plan.holds.iter().enumerate() {
            let what = format!("hold {}", n + 1);
            if (hold.p99_ms.is_none() && hold.waiting.is_none()) || !(1..=3600).contains(&hold.seconds) {
                self.say(&what, CapsFault::EmptyHold);
            }
            if !Class::CAPPED.contains(&hold.class) {
                self.say(&what, CapsFault::HoldClass);
            }
        }
    }

    fn institution(&mut self, caps: &InstitutionCaps) {
        let mut classes = 0;
        for class in Class::CAPPED {
            let Some(of_class) = caps.class(class) else { continue };
            classes += 1;
            let circles =
                [("all", of_class.all), ("each", Some(of_class.each)), ("terminal", of_class.terminal)];
            let mut larger: Option<Cap> = None;
            for (circle, cap) in circles.into_iter().filter_map(|(circle, cap)| Some((circle, cap?))) {
                let what = format!("{}, {}.{circle}", caps.kind.name(), class.name());
                self.cap(&what, cap, larger);
                larger = Some(cap);
            }
        }
        if classes == 0 {
            self.say(caps.kind.name(), CapsFault::NoClass);
        }
    }

    fn cap(&mut self, what: &str, cap: Cap, larger: Option<Cap>) {
        if !(0.001..=1_000_000.0).contains(&cap.per_second) {
            self.say(what, CapsFault::Rate);
        }
        if cap.burst == 0 || cap.concurrency == 0 {
            self.say(what, CapsFault::Nothing);
        }
        if larger.is_some_and(|larger| {
            cap.per_second > larger.per_second
                || cap.burst > larger.burst
                || cap.concurrency > larger.concurrency
        }) {
            self.say(what, CapsFault::AboveLarger);
        }
    }

    fn cohort(&mut self, number: usize, cohort: &Cohort, kinds: &BTreeSet<Institution>) {
        let what = format!("cohort {number}");
        if !kinds.contains(&cohort.kind) {
            self.say(&what, CapsFault::CohortWithoutCaps);
        }
        if !(1..=100).contains(&cohort.percent) {
            self.say(&what, |place| CapsFault::Percent(place, cohort.percent));
        }
        if cohort.kind == Institution::Unregistered && !cohort.regions.is_empty() {
            self.say(&what, CapsFault::RegionOfUnregistered);
        }
        for region in &cohort.regions {
            if !(1..=5).contains(&region.len()) || !region.bytes().all(|b| b.is_ascii_digit()) {
                self.say(&what, |place| CapsFault::Region(place, region.clone()));
            } else if !region::all().iter().any(|known| format!("{:05}", known.code.0).starts_with(region)) {
                self.say(&what, |place| CapsFault::NoDistrict(place, region.clone()));
            }
        }
    }
}
