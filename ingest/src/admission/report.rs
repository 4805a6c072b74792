//! What the admin port and the metrics tell of admission.

use schemas::Millis;
use schemas::caps::{Class, Institution};
use schemas::status;
use schemas::time::Rfc3339;
use serde::Serialize;

use super::rules::Opening;
use super::{Admission, Tally};

/// Most institutions that are listed by name.
const MOST_NAMED: usize = 20;

/// Admission as it stands.
#[derive(Debug, Serialize)]
pub struct Admitting {
    /// Name of the document in force.
    pub caps: String,
    /// Since when its plan is in force.
    pub effective_from: Rfc3339,
    /// Whether no further cohort is admitted now.
    pub held: bool,
    /// Since when, where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Rfc3339>,
    /// The classes.
    pub classes: Vec<ClassReport>,
    /// The institutions and terminals that were turned away most often, and have spoken lately.
    pub most_refused: Vec<Refuser>,
}

/// A class as it stands.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ClassReport {
    /// The class.
    pub class: Class,
    /// Messages that wait for their answers.
    pub under_way: u32,
    /// How many may.
    pub limit: u32,
}

/// Somebody who was turned away.
#[derive(Debug, Serialize)]
pub struct Refuser {
    /// Outlet code, and of a terminal its name after a dot.
    pub who: String,
    /// Kind of institution.
    pub kind: Institution,
    /// When it joins, where that lies in a cohort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joins: Option<Rfc3339>,
    /// Messages that were turned away.
    pub refused: u64,
}

impl Admission {
    /// Admission as it stands.
    #[must_use]
    pub fn report(&self) -> Admitting {
        let rules = self.rules.load();
        let most = self.seats.most_refused(MOST_NAMED).into_iter();
        let most = most.map(|(who, standing, refused)| {
            let joins = match standing.opening {
                Opening::At(at) => Some(Rfc3339(at)),
                _ => None,
            };
            Refuser { who, kind: standing.institution, joins, refused }
        });
        Admitting {
            caps: rules.caps.name.clone(),
            effective_from: rules.plan.effective_from,
            held: self.held(),
            held_since: self.held_since().map(Rfc3339),
            classes: self.class_reports().to_vec(),
            most_refused: most.collect(),
        }
    }

    /// The classes as they stand.
    #[must_use]
    pub fn class_reports(&self) -> [ClassReport; Class::CAPPED.len()] {
        Class::CAPPED.map(|class| {
            let state = &self.classes[class as usize];
            ClassReport { class, under_way: state.under_way(), limit: state.limit() }
        })
    }

    /// Whether no further cohort is admitted now.
    #[must_use]
    pub fn held(&self) -> bool {
        self.held_since().is_some()
    }

    /// Since when no further cohort is admitted; none where they are.
    #[must_use]
    pub fn held_since(&self) -> Option<Millis> {
        self.rules.load().held_since
    }

    /// The classes that are being shed, each since when.
    #[must_use]
    pub fn shed(&self) -> Vec<status::Shed> {
        let shed = |class: Class| {
            Some(status::Shed { class: class.name().to_owned(), since: Rfc3339(self.shed.since(class)?) })
        };
        Class::CAPPED.into_iter().filter_map(shed).collect()
    }

    /// What was let in and turned away.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }
}
