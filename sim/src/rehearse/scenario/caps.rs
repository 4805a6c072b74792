//! The caps of a scenario: plans as a document of caps has them, with moments of the day in the place of dates, and what a smaller scale
//! makes of them.

use anyhow::{Result, bail, ensure};
use schemas::Millis;
use schemas::caps::{Cap, Caps, Class, ClassCaps, Cohort, Hold, Institution, InstitutionCaps, Plan, faults};
use schemas::policy::Words;
use schemas::time::Rfc3339;
use serde::Deserialize;

use super::{Moment, Scenario};

/// All plans of the day.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCaps {
    /// Each in force from its moment until the next.
    pub plans: Vec<DayPlan>,
}

/// One plan: that of a document ([`Plan`]), at a moment of the day.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayPlan {
    /// In force from this moment.
    pub effective_from: Moment,
    /// The plan in words.
    #[serde(default)]
    pub words: Words,
    /// What each kind of institution may send, at full scale.
    pub institutions: Vec<InstitutionCaps>,
    /// Who of a kind joins when.
    #[serde(default)]
    pub cohorts: Vec<DayCohort>,
    /// When no further cohort is admitted; its seconds are real ones.
    #[serde(default)]
    pub holds: Vec<Hold>,
}

/// Some institutions of a kind ([`Cohort`]), which join at a moment of the day.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCohort {
    /// When they join.
    pub at: Moment,
    /// The kind.
    pub kind: Institution,
    /// Beginnings of district codes.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Share of the institutions, 1 to 100.
    #[serde(default = "all_of_them")]
    pub percent: u8,
}

fn all_of_them() -> u8 {
    100
}

impl DayCaps {
    /// The document under this name at this scale, each moment of the day at the time that `at` tells.
    #[must_use]
    pub fn document(&self, name: &str, scale: f64, at: impl Fn(Moment) -> Millis) -> Caps {
        let mut caps = self.at_full_scale(name, at);
        for plan in &mut caps.plans {
            plan.institutions.iter_mut().for_each(|institution| scale_down(institution, scale));
            for waiting in plan.holds.iter_mut().filter_map(|hold| hold.waiting.as_mut()) {
                *waiting = share(*waiting, scale);
            }
        }
        caps
    }

    fn at_full_scale(&self, name: &str, at: impl Fn(Moment) -> Millis) -> Caps {
        let at = |moment| Rfc3339(at(moment));
        let cohort = |cohort: &DayCohort| Cohort {
            at: at(cohort.at),
            kind: cohort.kind,
            regions: cohort.regions.clone(),
            percent: cohort.percent,
        };
        let plan = |plan: &DayPlan| Plan {
            effective_from: at(plan.effective_from),
            words: plan.words.clone(),
            institutions: plan.institutions.clone(),
            cohorts: plan.cohorts.iter().map(cohort).collect(),
            holds: plan.holds.clone(),
        };
        Caps { name: name.to_owned(), plans: self.plans.iter().map(plan).collect() }
    }

    /// Whether it could be applied before the day begins.
    pub(super) fn check(&self, scenario: &Scenario) -> Result<()> {
        ensure!(
            !scenario.stage.plays_week,
            "`caps` have moments of one day, and a stage that plays a week has another one each morning"
        );
        let caps = self.at_full_scale(&scenario.name, |moment| Millis(i64::from(moment.0) * 1_000));
        let found: Vec<String> = faults(&caps).iter().map(ToString::to_string).collect();
        if !found.is_empty() {
            bail!("the caps of the day can not come into force:\n  {}", found.join("\n  "));
        }
        let first = self.plans.iter().map(|plan| plan.effective_from).min().unwrap_or(scenario.begins);
        ensure!(
            first <= scenario.begins,
            "the first plan of `caps` is in force from {first}, and the day begins at {}: until then the built-in caps would hold",
            scenario.begins
        );
        Ok(())
    }
}

/// What all institutions of a kind may send shrinks as the load does; what each of them and each terminal may does not.
fn scale_down(institution: &mut InstitutionCaps, scale: f64) {
    for class in Class::CAPPED {
        let of_class = match class {
            Class::Stock => &mut institution.stock,
            Class::Sale => &mut institution.sale,
            _ => &mut institution.check,
        };
        if let Some(ClassCaps { all: Some(all), each, .. }) = of_class {
            *all = of_kind(*all, *each, scale);
        }
    }
}

/// The share of a kind, and never less than one institution of it may.
fn of_kind(all: Cap, each: Cap, scale: f64) -> Cap {
    Cap {
        per_second: (all.per_second * scale).max(each.per_second),
        burst: share(all.burst, scale).max(each.burst),
        concurrency: share(all.concurrency, scale).max(each.concurrency),
    }
}

fn share(whole: u32, scale: f64) -> u32 {
    (f64::from(whole) * scale).ceil() as u32
}

#[cfg(test)]
mod tests {
    use schemas::caps::{doubts, plan_at};

    use super::*;
    use crate::rehearse::catalog;

    const DAY: &str = r#"
        [[caps.plans]]
        effective_from = "07:00"
        [[caps.plans.institutions]]
        kind = "pharmacy"
        sale.each = { per_second = 20, burst = 500, concurrency = 64 }

        [[caps.plans]]
        effective_from = "08:30"
        [[caps.plans.institutions]]
        kind = "post_office"
        check.all = { per_second = 2000, burst = 400, concurrency = 256 }
        check.each = { per_second = 3, burst = 12, concurrency = 4 }
        check.terminal = { per_second = 1, burst = 4, concurrency = 1 }
        [[caps.plans.cohorts]]
        at = "09:00"
        kind = "post_office"
        percent = 10
        [[caps.plans.holds]]
        class = "sale"
        waiting = 4096
        seconds = 2
    "#;

    /// A shipped day without caps, with these.
    fn day(caps: &str) -> Result<Scenario> {
        let (_, text) = catalog::ALL.iter().find(|(name, _)| *name == "core-dies-at-nine").unwrap();
        Scenario::parse(&format!("{text}\n{caps}"))
    }

    fn wrong(from: &str, to: &str) -> String {
        assert!(DAY.contains(from), "{from}");
        format!("{:#}", day(&DAY.replacen(from, to, 1)).unwrap_err())
    }

    #[test]
    fn the_document_has_the_times_of_the_run() {
        let caps = day(DAY).unwrap().caps.unwrap();
        let document = caps.document("a-day", 1.0, |moment| Millis(1_000 + i64::from(moment.0)));
        assert_eq!((document.name.as_str(), document.plans.len()), ("a-day", 2));
        assert_eq!(document.plans[0].effective_from.0, Millis(1_000 + 7 * 3_600));
        assert_eq!(document.plans[1].cohorts[0].at.0, Millis(1_000 + 9 * 3_600));
        assert_eq!(document.plans[1].cohorts[0].percent, 10);
        assert_eq!(plan_at(&document, Millis(1_000 + 9 * 3_600)), Some(&document.plans[1]));
        let at_full = caps.at_full_scale("a-day", |moment| Millis(1_000 + i64::from(moment.0)));
        assert_eq!(document, at_full);
    }

    #[test]
    fn what_a_kind_may_shrinks_with_the_load_and_what_each_may_does_not() {
        let caps = day(DAY).unwrap().caps.unwrap();
        let check = |scale: f64| {
            let document = caps.document("a-day", scale, |_| Millis(0));
            assert_eq!(faults(&document).len(), 1, "the plans have one moment here, and no other fault");
            let waiting = document.plans[1].holds[0].waiting.unwrap();
            (document.plans[1].institutions[0].check.clone().unwrap(), waiting)
        };
        let (half, waiting) = check(0.5);
        assert_eq!(
            (half.all.unwrap(), waiting),
            (Cap { per_second: 1_000.0, burst: 200, concurrency: 128 }, 2_048)
        );
        let (full, _) = check(1.0);
        assert_eq!((half.each, half.terminal), (full.each, full.terminal));
        // And never below what one of them may.
        let (least, waiting) = check(0.000_1);
        assert_eq!((least.all.unwrap(), waiting), (least.each, 1));
    }

    #[test]
    fn every_fault_is_told_as_by_a_check_of_the_document() {
        let told = wrong("burst = 12,", "burst = 4000,");
        assert!(
            told.contains("plan 2, post_office, check.each: it is above that of the larger circle"),
            "{told}"
        );
        let told = wrong("percent = 10", "percent = 0\nregions = [\"99\"]");
        assert!(told.contains("plan 2, cohort 1: percent = 0") && told.contains("no district"), "{told}");
        let told = wrong("effective_from = \"08:30\"", "effective_from = \"07:00\"");
        assert!(told.contains("plan 2: another plan is in force from the same moment"), "{told}");
        assert!(wrong("kind = \"pharmacy\"", "kind = \"pharmacies\"").contains("pharmacies"));
        assert!(wrong("at = \"09:00\"", "at = \"2020-03-11T09:00:00+09:00\"").contains("no moment"));
        let late = DAY.replace("\"07:00\"", "\"08:57\"").replace("\"08:30\"", "\"08:58\"");
        let told = format!("{:#}", day(&late).unwrap_err());
        assert!(told.contains("built-in caps would hold") && told.contains("from 08:57"), "{told}");
        let told = wrong("effective_from = \"08:30\"", "effective_from = \"08:30\"\nsince = 1");
        assert!(told.contains("since"), "{told}");
        let (_, week) = catalog::ALL.iter().find(|(name, _)| *name == "mask-week").unwrap();
        let told = format!("{:#}", Scenario::parse(&format!("{week}\n{DAY}")).unwrap_err());
        assert!(told.contains("plays a week"), "{told}");
    }

    #[test]
    fn the_caps_that_the_page_shows_are_without_fault() {
        let page = include_str!("../../../../docs/rehearsal.md");
        let (_, shown) = page.split_once("```toml\n").unwrap();
        let (shown, _) = shown.split_once("```").unwrap();
        assert!(day(shown).unwrap().caps.is_some());
    }

    #[test]
    fn shipped_days_have_nothing_doubtful() {
        for (name, _) in catalog::ALL {
            let Some(caps) = catalog::find(name).unwrap().caps else { continue };
            assert_eq!(doubts(&caps.at_full_scale(name, |moment| Millis(moment.0.into()))), [], "{name}");
        }
    }
}
