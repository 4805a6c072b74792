//! Journal entries: one JSON line each, read without copying.
//!
//! Times here are bare milliseconds ([`Millis`]); ids were validated when they came in. An entry is never changed after
//! it was written, so new fields are optional and old ones stay.

use serde::{Deserialize, Serialize};

use crate::caps::Caps;
use crate::claim::ClaimId;
use crate::level::Bands;
use crate::person::Person;
use crate::policy::{Ground, Schedule};
use crate::registry::{Hours, OutletInfo};
use crate::time::{KST_MINUTES, Millis};

/// One fact, in the order in which the journal holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry<'a> {
    /// What a POS terminal sent.
    #[serde(borrow)]
    Pos(PosEntry<'a>),
    /// A claim, late claim or reservation; its place in the journal decides it.
    #[serde(borrow)]
    Claim(ClaimEntry<'a>),
    /// A claim is taken back.
    #[serde(borrow)]
    Void(SettleEntry<'a>),
    /// A reservation becomes a sale.
    #[serde(borrow)]
    Confirm(SettleEntry<'a>),
    /// The policies of a ration, in place of all that were known.
    Schedule(Box<Schedule>),
    /// The keys under which persons are known from here on.
    Keys(Keys),
    /// How much each kind of institution may send, and from when on, in place of what was known.
    Caps(Box<Caps>),
    /// A core lets no further cohort join, or ends that.
    #[serde(borrow)]
    Hold(HoldEntry<'a>),
    /// One row of a registry import; without effect until its commit.
    RegistryRow {
        /// The import that this row is part of.
        import: u64,
        /// The row.
        outlet: Box<OutletInfo>,
    },
    /// The end of a registry import: all its rows become the registry at once, all others leave it.
    RegistryCommit(RegistryCommit),
    /// Rules of reading, in force from here on.
    Rules(Rules),
    /// A tick of time: a version is cut here.
    Tick(Tick),
}

impl Entry<'_> {
    /// The name that metrics and `jaego journal verify` count under.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Pos(pos) => pos.act.kind(),
            Self::Claim(claim) => claim.kind(),
            Self::Void(_) => "void",
            Self::Confirm(_) => "confirm",
            Self::Schedule(_) => "schedule",
            Self::Keys(_) => "keys",
            Self::Caps(_) => "caps",
            Self::Hold(_) => "hold",
            Self::RegistryRow { .. } => "registry_row",
            Self::RegistryCommit(_) => "registry_commit",
            Self::Rules(_) => "rules",
            Self::Tick(_) => "tick",
        }
    }
}

/// What a terminal sent, with the time at which a gateway took it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PosEntry<'a> {
    /// Outlet code.
    pub outlet: &'a str,
    /// Terminal of that outlet.
    pub terminal: &'a str,
    /// The terminal's own sequence, made before sending.
    pub seq: u64,
    /// When it happened, by the POS clock.
    pub at: Millis,
    /// When it was sent, by the POS clock; with `received` it measures that clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Millis>,
    /// When the gateway took it, by the gateway's clock.
    pub received: Millis,
    /// What happened.
    #[serde(borrow)]
    pub act: Act<'a>,
}

/// What happened at an outlet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act<'a> {
    /// The count is this.
    Report {
        /// Item counted.
        item: &'a str,
        /// Pieces on hand.
        count: u32,
    },
    /// The count moved by this.
    Delta {
        /// Item moved.
        item: &'a str,
        /// Pieces, negative when sold.
        change: i32,
    },
    /// Sales of the item are suspended.
    Pause {
        /// Item.
        item: &'a str,
    },
    /// Sales of the item go on.
    Resume {
        /// Item.
        item: &'a str,
    },
    /// Public words on how this outlet sells.
    Notice(Box<Notice>),
}

impl Act<'_> {
    /// The name of the act, equal to its subject token.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Report { .. } => "report",
            Self::Delta { .. } => "delta",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Notice(_) => "notice",
        }
    }
}

/// How and when this outlet sells, in its own words. All parts empty: the notice is taken down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Notice {
    /// Korean text.
    #[serde(default)]
    pub ko: Option<String>,
    /// English text.
    #[serde(default)]
    pub en: Option<String>,
    /// Minutes after local midnight at which selling starts.
    #[serde(default)]
    pub sells_from: Option<u16>,
    /// Number tickets (번호표) are given out, so stock may be promised already.
    #[serde(default)]
    pub tickets: bool,
}

impl Notice {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A person asks for rationed goods at an outlet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimEntry<'a> {
    /// Made by the till.
    pub id: ClaimId,
    /// Outlet code.
    pub outlet: &'a str,
    /// Terminal of that outlet.
    pub terminal: &'a str,
    /// When the till sent it first, by its clock.
    pub at: Millis,
    /// When the gateway took it, by the gateway's clock: the moment at which it is judged.
    pub received: Millis,
    /// Item.
    pub item: &'a str,
    /// Pieces.
    pub quantity: u32,
    /// Whose allowance it is.
    pub person: Person,
    /// Who came, when it is another person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<Box<Person>>,
    /// The proof that was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
    /// Fingerprint of all that the till said, persons included: a second claim under this id must have the same.
    pub body: u32,
    /// Sold on paper at this moment: judged by it, recorded whatever the judgment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred: Option<Millis>,
    /// A reservation, which holds until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

impl ClaimEntry<'_> {
    /// The name of what was asked, equal to its subject token.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match (self.occurred, self.until) {
            (Some(_), _) => "late",
            (None, Some(_)) => "reserve",
            (None, None) => "claim",
        }
    }
}

/// An outlet settles a claim that it made: takes it back, or confirms it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettleEntry<'a> {
    /// The claim.
    pub id: ClaimId,
    /// Outlet code.
    pub outlet: &'a str,
    /// Terminal of that outlet.
    pub terminal: &'a str,
    /// When the till sent it first, by its clock.
    pub at: Millis,
    /// When the gateway took it, by the gateway's clock.
    pub received: Millis,
    /// Whether a void that finds no claim holds its place, so that none is decided under this id later. Voids that were written before
    /// there was this rule do not: what was decided after them stays decided.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub holds_place: bool,
}

/// The keys of person fingerprints, each by its own fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keys {
    /// The key in use.
    pub current: u64,
    /// The one before it, while both are in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u64>,
}

impl Keys {
    /// Whether these can come into force where others are known: they have the same current key, or that one as the one
    /// before.
    #[must_use]
    pub fn follow(self, known: Self) -> bool {
        self.current == known.current || self.previous == Some(known.current)
    }
}

/// A limit of the caps is crossed at a core: while it is, no core lets a further cohort join. Said again while it lasts, so that
/// what a core said that died is over by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldEntry<'a> {
    /// The core, by the name that it has in this run.
    pub core: &'a str,
    /// Cohorts whose moment is not before this do not join.
    pub since: Millis,
    /// Until when, where it is not said again; at the end that moment itself.
    pub until: Millis,
}

/// The end of a registry import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryCommit {
    /// The import.
    pub import: u64,
    /// How many rows were sent; the fold refuses an import of which a row is missing.
    pub rows: u32,
    /// Fingerprint of the rows, so that the same list is known when it is offered again.
    pub digest: u64,
    /// File name, for people.
    pub source: String,
    /// When it was committed, by the gateway's clock.
    pub received: Millis,
}

/// Rules of reading. They are in the journal so that every replica reads alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Local time, minutes east of UTC.
    pub offset_minutes: i16,
    /// Open time without a word after which the level is unknown, in milliseconds.
    pub silent_after_ms: i64,
    /// Time without a word after which stock is no longer shown, in milliseconds.
    pub hidden_after_ms: i64,
    /// A POS clock further off than this is corrected, in milliseconds.
    pub clock_tolerance_ms: i64,
    /// Hours of outlets for which the registry has none.
    pub hours: Hours,
    /// Where the bands begin.
    pub bands: Bands,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            offset_minutes: KST_MINUTES,
            silent_after_ms: 30 * 60_000,
            hidden_after_ms: 29 * 86_400_000,
            clock_tolerance_ms: 2 * 60_000,
            hours: Hours::default(),
            bands: Bands::default(),
        }
    }
}

/// A tick: time passes for the fold, and a version is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// The time of the tick, a multiple of the interval.
    pub at: Millis,
    /// Time to the next tick, in milliseconds.
    pub interval_ms: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_readable_line_and_reads_back() {
        let entry = Entry::Pos(PosEntry {
            outlet: "34840559",
            terminal: "t1",
            seq: 18,
            at: Millis(1_583_885_100_000),
            sent: None,
            received: Millis(1_583_885_100_123),
            act: Act::Delta { item: "mask", change: -2 },
        });
        let line = serde_json::to_string(&entry).unwrap();
        assert_eq!(
            line,
            r#"{"pos":{"outlet":"34840559","terminal":"t1","seq":18,"at":1583885100000,"received":1583885100123,"act":{"delta":{"item":"mask","change":-2}}}}"#
        );
        assert_eq!(serde_json::from_str::<Entry<'_>>(&line).unwrap(), entry);
    }

    #[test]
    fn a_notice_with_escapes_reads_back() {
        let line = r#"{"pos":{"outlet":"1","terminal":"t","seq":1,"at":1,"received":1,"act":{"notice":{"ko":"\"오후 3시\"\n부터"}}}}"#;
        let Entry::Pos(PosEntry { act: Act::Notice(notice), .. }) = serde_json::from_str(line).unwrap()
        else {
            panic!("not a notice");
        };
        assert_eq!(notice.ko.as_deref(), Some("\"오후 3시\"\n부터"));
    }
}
