//! The plan in force, made ready for many questions: who stands how, and what it may send.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use schemas::caps::{Cap, Caps, Class, Cohort, Institution, Plan};
use schemas::registry::RegionCode;
use schemas::{Millis, OutletCode};

use super::rate::Rate;

/// The districts of the outlets that have one.
pub(super) type Roster = HashMap<OutletCode, RegionCode, FixedState>;

/// Whether an institution has joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// Its kind is open.
    Open,
    /// It joins at this moment.
    At(Millis),
    /// It is in no cohort.
    Never,
    /// Where it lies is not known yet.
    NotYetKnown,
}

/// How an institution stands under a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) institution: Institution,
    pub(super) opening: Opening,
}

/// A cap, ready to be applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    pub(super) rate: Rate,
    pub(super) concurrency: u32,
}

impl Limit {
    fn of(cap: &Cap) -> Self {
        Self { rate: Rate::of(cap), concurrency: cap.concurrency }
    }
}

/// The caps of a class of a kind of institution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    pub(super) all: Option<Limit>,
    pub(super) each: Limit,
    pub(super) terminal: Option<Limit>,
}

/// What the probes of all cores may send, whatever the plan: ten a second.
pub(super) const PROBE: Limits =
    Limits { all: None, each: Limit { rate: Rate::every(100_000_000, 20), concurrency: 32 }, terminal: None };

/// What is in force.
#[derive(Debug)]
pub(super) struct Rules {
    /// Another number for other rules.
    pub(super) generation: u64,
    /// The document.
    pub(super) caps: Arc<Caps>,
    /// Its plan.
    pub(super) plan: Plan,
    /// Nothing before the first version.
    pub(super) roster: Option<Arc<Roster>>,
    /// No cohort whose moment comes after this is admitted.
    pub(super) held_since: Option<Millis>,
    limits: [[Option<Limits>; Class::CAPPED.len()]; Institution::ALL.len()],
}

impl Rules {
    pub(super) fn new(
        generation: u64,
        caps: Arc<Caps>,
        plan: Plan,
        roster: Option<Arc<Roster>>,
        held_since: Option<Millis>,
    ) -> Self {
        let limits = Institution::ALL.map(|kind| {
            let of_kind = plan.institutions.iter().find(|of_kind| of_kind.kind == kind);
            Class::CAPPED.map(|class| {
                let caps = of_kind?.class(class)?;
                Some(Limits {
                    all: caps.all.as_ref().map(Limit::of),
                    each: Limit::of(&caps.each),
                    terminal: caps.terminal.as_ref().map(Limit::of),
                })
            })
        });
        Self { generation, caps, plan, roster, held_since, limits }
    }

    /// What a kind may send of a class; nothing where it is not admitted.
    #[inline]
    pub(super) fn limits(&self, institution: Institution, class: Class) -> Option<&Limits> {
        self.limits[institution as usize][class as usize].as_ref()
    }

    /// How an institution of a kind stands.
    pub(super) fn standing(&self, institution: Institution, code: &str) -> Standing {
        Standing { institution, opening: self.opening(institution, code) }
    }

    fn opening(&self, institution: Institution, code: &str) -> Opening {
        let mut cohorts = self.plan.cohorts.iter().filter(|c| c.kind == institution).peekable();
        if cohorts.peek().is_none() {
            return Opening::Open;
        }
        let region = self.roster.as_ref().and_then(|roster| roster.get(code));
        let region = region.map(|region| format!("{:05}", region.0));
        let joined = self.plan.cohorts.iter().filter(|cohort| {
            cohort.kind == institution && has_region(cohort, region.as_deref()) && has_share(cohort, code)
        });
        match joined.map(|cohort| cohort.at.0).min() {
            Some(at) => Opening::At(at),
            None if self.roster.is_none() && cohorts.any(|cohort| !cohort.regions.is_empty()) => {
                Opening::NotYetKnown
            }
            None => Opening::Never,
        }
    }
}

fn has_region(cohort: &Cohort, region: Option<&str>) -> bool {
    cohort.regions.is_empty()
        || region.is_some_and(|region| cohort.regions.iter().any(|begin| region.starts_with(begin.as_str())))
}

/// Whether a code is in the share: its BLAKE3, first eight bytes as a little-endian number, modulo 100, is below `percent`.
/// Every core answers alike, and who is in a share is in every larger one.
fn has_share(cohort: &Cohort, code: &str) -> bool {
    let hash = blake3::hash(code.as_bytes());
    let (first, _) = hash.as_bytes().split_first_chunk::<8>().expect("a hash has 32 bytes");
    u64::from_le_bytes(*first) % 100 < u64::from(cohort.percent)
}

#[cfg(test)]
mod tests {
    use schemas::time::Rfc3339;

    use super::*;

    fn rules(cohorts: Vec<Cohort>, roster: Option<Roster>) -> Rules {
        let caps: Caps = toml::from_str(schemas::caps::BUILT_IN).unwrap();
        let plan = Plan { cohorts, ..caps.plans[0].clone() };
        Rules::new(1, Arc::new(caps), plan, roster.map(Arc::new), None)
    }

    fn cohort(at: i64, regions: &[&str], percent: u8) -> Cohort {
        let regions = regions.iter().map(|&region| region.to_owned()).collect();
        Cohort { at: Rfc3339(Millis(at)), kind: Institution::PostOffice, regions, percent }
    }

    #[test]
    fn a_share_is_of_the_size_that_is_said_and_in_every_larger_one() {
        let rules = rules(vec![cohort(1, &[], 10), cohort(2, &[], 50)], None);
        let openings: Vec<Opening> =
            (0..10_000).map(|n| rules.opening(Institution::PostOffice, &n.to_string())).collect();
        let count = |opening| openings.iter().filter(|found| **found == opening).count();
        assert!((800..1200).contains(&count(Opening::At(Millis(1)))), "{}", count(Opening::At(Millis(1))));
        assert!((3600..4400).contains(&count(Opening::At(Millis(2)))));
        assert!((4600..5400).contains(&count(Opening::Never)));
        assert_eq!(rules.opening(Institution::Pharmacy, "1"), Opening::Open);
    }

    #[test]
    fn a_region_joins_by_the_beginning_of_its_code() {
        let code = |code: &str| OutletCode::new(code).unwrap();
        let roster: Roster = [(code("gangnam"), RegionCode(11_680)), (code("suwon"), RegionCode(41_111))]
            .into_iter()
            .collect();
        let cohorts = || vec![cohort(1, &["11"], 100), cohort(2, &["4111", "26"], 100)];
        let known = rules(cohorts(), Some(roster));
        let opening = |code| known.opening(Institution::PostOffice, code);
        assert_eq!(opening("gangnam"), Opening::At(Millis(1)));
        assert_eq!(opening("suwon"), Opening::At(Millis(2)));
        assert_eq!(opening("elsewhere"), Opening::Never);
        let unknown = rules(cohorts(), None);
        assert_eq!(unknown.opening(Institution::PostOffice, "gangnam"), Opening::NotYetKnown);
    }
}
