//! Caps as a dated document: who may send how much of what, and from when on. What it does not name can not join.
//!
//! Operators write it as TOML or JSON, and it enters the journal as it is. On 11 March 2020 1,406 post offices joined the
//! shared duplicate check with no cap, and 23,000 pharmacies could not enter sales for three hours.

mod check;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Words;
use crate::registry::OutletType;
use crate::time::Rfc3339;

pub use check::{CapsDoubt, CapsFault, Place, doubts, faults, plan_at};

/// In force while no document ever entered the journal: caps that no honest institution meets.
pub const BUILT_IN: &str = include_str!("../caps/built-in.toml");

/// The documents that come with jaego: name, and document in TOML.
pub const SHIPPED: [(&str, &str); 2] =
    [("built-in", BUILT_IN), ("post-offices-2020", include_str!("../caps/post-offices-2020.toml"))];

/// What is alike in its needs and shares a queue, a concurrency and a share of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Reports, deltas, pauses, resumes, notices.
    Stock,
    /// Claims, late claims, reservations, voids, confirmations.
    Sale,
    /// Duplicate checks, and claims that are looked up.
    Check,
    /// Registry imports.
    Bulk,
    /// What readers ask of the open API.
    Open,
}

impl Class {
    /// Those that institutions write in, which caps are about.
    pub const CAPPED: [Self; 3] = [Self::Stock, Self::Sale, Self::Check];

    /// The name in documents and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Sale => "sale",
            Self::Check => "check",
            Self::Bulk => "bulk",
            Self::Open => "open",
        }
    }
}

/// The kind of institution that a cap is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Institution {
    /// 약국.
    Pharmacy,
    /// 우체국.
    PostOffice,
    /// 농협 하나로마트.
    Mart,
    /// Outlets that are in no registry.
    Unregistered,
}

impl Institution {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Pharmacy, Self::PostOffice, Self::Mart, Self::Unregistered];

    /// The name in documents and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pharmacy => "pharmacy",
            Self::PostOffice => "post_office",
            Self::Mart => "mart",
            Self::Unregistered => "unregistered",
        }
    }

    /// The type of its outlets; none where they are in no registry.
    #[must_use]
    pub fn outlets(self) -> Option<OutletType> {
        match self {
            Self::Pharmacy => Some(OutletType::Pharmacy),
            Self::PostOffice => Some(OutletType::PostOffice),
            Self::Mart => Some(OutletType::Mart),
            Self::Unregistered => None,
        }
    }
}

impl From<Option<OutletType>> for Institution {
    fn from(kind: Option<OutletType>) -> Self {
        match kind {
            Some(OutletType::Pharmacy) => Self::Pharmacy,
            Some(OutletType::PostOffice) => Self::PostOffice,
            Some(OutletType::Mart) => Self::Mart,
            None => Self::Unregistered,
        }
    }
}

/// So many messages of stock and of sales are let in at once, each, however late answers are: two full batches of the journal.
pub const LEAST_UNDER_WAY: u32 = 1_024;

/// All plans of caps, past and to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// Short name.
    pub name: String,
    /// The dated plans, each in force from its date until the next.
    pub plans: Vec<Plan>,
}

/// One dated plan. Who is not in it is `not_admitted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// In force from this moment.
    pub effective_from: Rfc3339,
    /// The plan in words.
    #[serde(default)]
    pub words: Words,
    /// What each kind of institution may send.
    pub institutions: Vec<InstitutionCaps>,
    /// Who of a kind joins when; a kind without any is open as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cohorts: Vec<Cohort>,
    /// When no further cohort is admitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

/// What one kind of institution may send. A class that is absent is `not_admitted`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InstitutionCaps {
    /// The kind.
    pub kind: Institution,
    /// Reports, deltas, pauses, resumes, notices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<ClassCaps>,
    /// Claims, late claims, reservations, voids, confirmations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sale: Option<ClassCaps>,
    /// Duplicate checks, and claims that are looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<ClassCaps>,
}

impl InstitutionCaps {
    /// What it may send of a class; nothing of those that caps are not about.
    #[must_use]
    pub fn class(&self, class: Class) -> Option<&ClassCaps> {
        match class {
            Class::Stock => self.stock.as_ref(),
            Class::Sale => self.sale.as_ref(),
            Class::Check => self.check.as_ref(),
            Class::Bulk | Class::Open => None,
        }
    }
}

/// Caps of one class of messages of one kind of institution, each for every core apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassCaps {
    /// All institutions of the kind together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Cap>,
    /// Each institution.
    pub each: Cap,
    /// Each terminal of an institution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Cap>,
}

/// How much is too much.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Messages a second in the long run, above 0.
    pub per_second: f64,
    /// Messages that may come at once, at least 1.
    pub burst: u32,
    /// Messages that may wait for their answers at once, at least 1.
    pub concurrency: u32,
}

/// Some institutions of a kind, which join at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cohort {
    /// When they join.
    pub at: Rfc3339,
    /// The kind.
    pub kind: Institution,
    /// Beginnings of district codes (법정동), such as `11` for Seoul or `41135`; absent: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Share of the institutions, 1 to 100: those of a smaller share are among those of a larger one.
    #[serde(default = "all_of_them")]
    pub percent: u8,
}

fn all_of_them() -> u8 {
    100
}

/// Signs of trouble of a class, while which no further cohort is admitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The class that is watched.
    pub class: Class,
    /// The 99th percentile of the time to the answer is above this, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<u32>,
    /// More messages than this wait for their answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u32>,
    /// For so long; and for as long without it the hold is released.
    pub seconds: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_documents_are_those_of_metrics() {
        for class in Class::CAPPED {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
        for kind in Institution::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }
}
