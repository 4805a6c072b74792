//! The oracle: what every person was told they may take, and what every outlet was told is in the books. It knows only what callers heard,
//! so what it finds wrong is wrong.

use std::collections::{BTreeMap, HashMap};

use schemas::OutletCode;
use schemas::claim::{Decision, Refusal, Verdict};

use super::scenario::Ration;

/// What was found, and what was looked at.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Findings {
    /// Persons who were granted more than the limit.
    pub over_limit: u64,
    /// Grants on a day that was not that of the person.
    pub wrong_day: u64,
    /// Refusals of somebody who had enough left, whatever became of requests under way.
    pub wrongly_refused: u64,
    /// Copies of a request that were answered otherwise than the first.
    pub contradicted: u64,
    /// Answers that were none of the contract.
    pub unreadable: u64,
    /// Claims granted.
    pub granted: u64,
    /// Claims refused.
    pub refused: u64,
    /// Copies that were answered alike.
    pub copies: u64,
    /// Reports and deliveries acknowledged.
    pub reports: u64,
    /// Requests turned away, by reason.
    pub turned_away: BTreeMap<String, u64>,
    /// The first few faults in words.
    pub words: Vec<String>,
}

impl Findings {
    /// Writes a fault down; only the first few are kept in words.
    pub(crate) fn fault(&mut self, words: impl FnOnce() -> String) {
        if self.words.len() < 20 {
            self.words.push(words());
        }
    }
}

/// An outlet as its till knows it.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    /// Code.
    pub(crate) code: OutletCode,
    /// Pieces by all that was acknowledged.
    pub(crate) count: i64,
    /// Pieces that requests without an answer may have taken.
    pub(crate) out: i64,
    /// Pieces that requests without an answer may have brought.
    pub(crate) coming: i64,
    /// Sequence of its terminal.
    pub(crate) sequence: u64,
}

impl Shelf {
    /// Whether a published count is one of those that what was heard allows.
    pub(crate) fn allows(&self, published: i64) -> bool {
        (self.count - self.out..=self.count + self.coming).contains(&published)
    }
}

/// Who was granted what.
#[derive(Debug)]
pub(crate) struct Books {
    ration: Ration,
    /// Pieces by person and end of the window.
    granted: HashMap<(u64, i64), i64>,
    /// Pieces of requests without an answer, by person.
    open: HashMap<u64, i64>,
    /// What was found.
    pub(crate) findings: Findings,
    /// Newest place in the journal that was acknowledged.
    pub(crate) version: u64,
}

impl Books {
    /// Books of a ration.
    pub(crate) fn new(ration: Ration) -> Self {
        Self {
            ration,
            granted: HashMap::new(),
            open: HashMap::new(),
            findings: Findings::default(),
            version: 0,
        }
    }

    /// The ration.
    pub(crate) fn ration(&self) -> Ration {
        self.ration
    }

    fn limit(&self) -> i64 {
        i64::from(self.ration.quantity)
    }

    /// A person asks for pieces.
    pub(crate) fn asked(&mut self, person: u64, pieces: i64) {
        *self.open.entry(person).or_default() += pieces;
    }

    /// A person was answered; returns how many pieces left the shelf.
    pub(crate) fn decided(&mut self, (person, born): (u64, u16), pieces: i64, decision: &Decision) -> i64 {
        if let Some(open) = self.open.get_mut(&person) {
            *open -= pieces;
            if *open == 0 {
                self.open.remove(&person);
            }
        }
        self.version = self.version.max(decision.version);
        let window = decision.window_ends.map_or(0, |ends| ends.0.0);
        let admitted = self.ration.admits(born, weekday(decision));
        match decision.decision {
            Verdict::Refused => {
                self.findings.refused += 1;
                self.refused((person, admitted), pieces, window, decision);
                0
            }
            _ => {
                self.findings.granted += 1;
                if !admitted {
                    self.findings.wrong_day += 1;
                    self.findings
                        .fault(|| format!("person {person}, born in {born}, bought on another's day"));
                }
                self.grant(person, pieces, window);
                pieces
            }
        }
    }

    fn grant(&mut self, person: u64, pieces: i64, window: i64) {
        let held = self.granted.entry((person, window)).or_default();
        *held += pieces;
        let held = *held;
        if held > self.limit() {
            self.findings.over_limit += 1;
            self.findings.fault(|| format!("person {person} was granted {held} pieces in one window"));
        }
    }

    fn refused(&mut self, (person, admitted): (u64, bool), pieces: i64, window: i64, decision: &Decision) {
        let held = self.granted.get(&(person, window)).copied().unwrap_or(0);
        let open = self.open.get(&person).copied().unwrap_or(0);
        let right = match decision.reason {
            Some(Refusal::LimitReached) => held + open + pieces > self.limit(),
            Some(Refusal::NotYourDay) => !admitted,
            _ => false,
        };
        if !right {
            self.findings.wrongly_refused += 1;
            let said = serde_json::to_string(decision).unwrap_or_default();
            self.findings.fault(|| format!("person {person} holds {held} and was refused {pieces}: {said}"));
        }
    }
}

/// The day of the week on which it was decided, Monday 0, in Korea.
pub(crate) fn weekday(decision: &Decision) -> usize {
    let minutes = decision.received_at.0.0.div_euclid(60_000) + i64::from(schemas::time::KST_MINUTES);
    // 1970-01-01 was a Thursday.
    usize::try_from((minutes.div_euclid(24 * 60) + 3).rem_euclid(7)).expect("a remainder below 7")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(verdict: Verdict, reason: Option<Refusal>) -> Decision {
        let body = serde_json::json!({
            "status": "accepted", "decision": verdict, "reason": reason, "version": 7, "registered": true, "replayed": false,
            "received_at": "2020-03-11T09:05:00+09:00", "window_ends": "2020-03-16T00:00:00+09:00",
        });
        serde_json::from_value(body).unwrap()
    }

    #[test]
    fn nobody_is_over_the_limit_unseen_and_nobody_is_refused_for_nothing() {
        let granted = decision(Verdict::Granted, None);
        let refused = decision(Verdict::Refused, Some(Refusal::LimitReached));
        let mut books = Books::new(Ration { quantity: 2, weekdays: false });
        books.asked(1, 2);
        books.asked(1, 2);
        // The first of two under way may be the refused one: the other may have come before it.
        assert_eq!(books.decided((1, 1991), 2, &refused), 0);
        assert_eq!(books.decided((1, 1991), 2, &granted), 2);
        assert_eq!((books.findings.wrongly_refused, books.findings.over_limit, books.version), (0, 0, 7));
        books.asked(2, 2);
        books.decided((2, 1991), 2, &refused);
        assert_eq!(books.findings.wrongly_refused, 1);
        books.asked(1, 2);
        books.decided((1, 1991), 2, &granted);
        assert_eq!((books.findings.over_limit, books.findings.words.len()), (1, 2));
    }

    #[test]
    fn nobody_buys_on_anothers_day_unseen() {
        // A Wednesday: 3 and 8.
        let granted = decision(Verdict::Granted, None);
        let refused = decision(Verdict::Refused, Some(Refusal::NotYourDay));
        let mut books = Books::new(Ration { quantity: 2, weekdays: true });
        books.decided((1, 1993), 2, &granted);
        books.decided((2, 1991), 2, &refused);
        assert_eq!((books.findings.wrong_day, books.findings.wrongly_refused), (0, 0));
        books.decided((3, 1991), 2, &granted);
        books.decided((4, 1993), 2, &refused);
        assert_eq!((books.findings.wrong_day, books.findings.wrongly_refused), (1, 1));
    }

    #[test]
    fn a_shelf_allows_what_unanswered_requests_may_have_done() {
        let code = OutletCode::new("11800001").unwrap();
        let shelf = Shelf { code, count: 10, out: 2, coming: 0, sequence: 1 };
        assert!(shelf.allows(10) && shelf.allows(8) && !shelf.allows(7) && !shelf.allows(11));
    }
}
