//! The checker: holds what callers saw against what the journal says, and names everything that does not fit.

use std::collections::{BTreeMap, HashMap};

use schemas::Millis;
use serde_json::Value;

use super::call::{Answer, Call, Saw};
use super::journal::{Journal, LIMIT_A_WEEK, Outcome, Row, week};

/// What was found, and what was looked at.
#[derive(Debug, Default)]
pub struct Findings {
    pub faults: Vec<String>,
    pub decided: BTreeMap<String, u64>,
    pub rejected: BTreeMap<String, u64>,
    pub replayed: u64,
    /// Decisions that were told as `replicated`.
    pub unproved: u64,
    /// The keys of people, where the journal tells them.
    pub keys: HashMap<usize, String>,
}

/// Looks at everything: what was seen, and for whom each id was sent, answered or not.
pub fn check(saw: &[Saw], sent: &HashMap<String, usize>, journal: &Journal) -> Findings {
    let mut findings = Findings::default();
    findings.one_key_a_person(sent, journal);
    findings.answers_are_one(saw);
    for saw in saw {
        findings.count(&saw.answer, saw.call.kind);
        findings.answer_is_the_journals(saw, journal);
    }
    findings.nobody_is_over(saw, journal);
    findings
}

/// What a core says that could not ask every server.
const REPLICATED: &str = r#""durability":"replicated""#;

/// A decision as a core tells it that could ask every server.
pub fn proved(body: &str) -> String {
    body.replace(REPLICATED, r#""durability":"fsynced""#)
}

/// A decision without the word that may differ between its copies.
pub fn plain(body: &str) -> String {
    body.replace(r#""replayed":true"#, r#""replayed":false"#)
}

impl Findings {
    /// Ends the test where there is a fault.
    pub fn assert_none(&self) {
        let some = &self.faults[..self.faults.len().min(20)];
        assert!(self.faults.is_empty(), "{} faults, such as {some:#?}", self.faults.len());
    }

    fn fault(&mut self, what: &str, saw: &Saw) {
        let Saw { call, by, answer } = saw;
        self.faults.push(format!("{what}: {} {} asked by {by:?}: {answer:?}", call.kind, call.body));
    }

    fn count(&mut self, answer: &Answer, kind: &str) {
        match answer {
            Answer::Decided(body) => {
                *self.decided.entry(kind.to_owned()).or_default() += 1;
                self.replayed += u64::from(body.contains(r#""replayed":true"#));
                self.unproved += u64::from(body.contains(REPLICATED));
            }
            Answer::Rejected { reason, .. } => *self.rejected.entry(reason.clone()).or_default() += 1,
        }
    }

    /// No id has two different answers, and no two requests under one id are both decided.
    fn answers_are_one(&mut self, all: &[Saw]) {
        let mut first: HashMap<(&str, &str), (&str, String)> = HashMap::new();
        for saw in all.iter().filter(|saw| saw.call.kind != "check") {
            let Answer::Decided(body) = &saw.answer else { continue };
            let told = (saw.call.body.as_str(), proved(&plain(body)));
            let before =
                first.entry((&saw.call.id, claim_or_settle(&saw.call))).or_insert_with(|| told.clone());
            if *before != told {
                let what = format!("two answers under one id, the first was {before:?}");
                self.fault(&what, saw);
            }
        }
    }

    fn answer_is_the_journals(&mut self, saw: &Saw, journal: &Journal) {
        let told = |body: &str| serde_json::from_str::<Value>(body).unwrap();
        let fits = match (&saw.answer, saw.call.kind) {
            (answer, _) if answer.passes() => Ok(()),
            (Answer::Decided(body), "check") => self.check_fits(&told(body), saw, journal),
            (Answer::Decided(body), _) => decision_fits(&told(body), &saw.call, journal),
            (Answer::Rejected { reason, version, .. }, _) => {
                rejection_fits(reason, *version, &saw.call, journal)
            }
        };
        if let Err(why) = fits {
            self.fault(why, saw);
        }
    }

    /// Whether what a check told was so at its version or after it.
    fn check_fits(&self, told: &Value, saw: &Saw, journal: &Journal) -> Result<(), &'static str> {
        let version = told["version"].as_u64().ok_or("a check tells its version")?;
        let remaining = told["remaining"].as_i64().ok_or("a check tells what remains")?;
        require((told["decision"] == "granted") == (remaining > 0), "a check contradicts itself")?;
        let week = week(millis(&told["received_at"]).ok_or("a check tells its time")?);
        let Some(key) = saw.call.person.and_then(|person| self.keys.get(&person)) else { return Ok(()) };
        let history = journal.history.get(&(key.clone(), week)).map_or(&[][..], Vec::as_slice);
        let before = history.iter().rev().find(|(seq, _)| *seq <= version).map_or(0, |(_, used)| *used);
        let after = history.iter().filter(|(seq, _)| *seq > version).map(|(_, used)| *used);
        let possible =
            std::iter::once(before).chain(after).any(|used| (LIMIT_A_WEEK - used).max(0) == remaining);
        require(possible, "a check tells what remained neither at its version nor after")
    }

    /// What callers were told they may take, change by change in the order of the journal, never exceeds the limit. Late
    /// claims are apart.
    fn nobody_is_over(&mut self, saw: &[Saw], journal: &Journal) {
        let told: HashMap<&str, bool> = saw
            .iter()
            .filter(|saw| saw.call.person.is_some())
            .filter_map(|saw| Some((saw.call.id.as_str(), saw.answer.decision()? != "refused")))
            .collect();
        let mut held: HashMap<(&str, i64), i64> = HashMap::new();
        for (seq, id, pieces) in &journal.moves {
            let row = &journal.rows[id];
            if told.get(id.as_str()) == Some(&false) {
                self.faults.push(format!("{id} moved {pieces} pieces at {seq}, and its caller was refused"));
            }
            let held = held.entry((&row.key, row.week)).or_default();
            *held += pieces;
            if !(0..=LIMIT_A_WEEK).contains(held) {
                self.faults.push(format!("a person holds {held} pieces after {id} at {seq}"));
            }
        }
    }

    /// Both cores know the same person by the same key, and no two people by one.
    fn one_key_a_person(&mut self, sent: &HashMap<String, usize>, journal: &Journal) {
        let mut people: HashMap<&str, usize> = HashMap::new();
        for (id, row) in &journal.rows {
            let Some(person) = sent.get(id) else {
                self.faults.push(format!("{id} is in the journal, and nobody sent it"));
                continue;
            };
            let key = self.keys.entry(*person).or_insert_with(|| row.key.clone());
            if *key != row.key || people.insert(&row.key, *person).is_some_and(|before| before != *person) {
                self.faults.push(format!("{id}: person {person} has two keys, or shares one"));
            }
        }
    }
}

/// Claims, late claims and reservations share their ids; a void or confirmation is another request under one of them.
fn claim_or_settle(call: &Call) -> &'static str {
    if call.person.is_some() { "claim" } else { call.kind }
}

/// Whether a decision is what the journal says at the place that it names.
fn decision_fits(told: &Value, call: &Call, journal: &Journal) -> Result<(), &'static str> {
    let row = journal.rows.get(&call.id).ok_or("acknowledged, and not in the journal")?;
    require(told["version"] == row.seq, "the version is not the place in the journal")?;
    require(told["decision"] == row.decision, "decided otherwise than the journal says")?;
    require(told["over_limit"].as_bool().unwrap_or(false) == row.over, "wrongly flagged as over the limit")?;
    // How many were `replicated` is counted, and judged by what was killed.
    require(told["durability"] != "memory", "not said to be safe")?;
    require(told["registered"] == true, "the outlet is registered")?;
    require(millis(&told["received_at"]) == Some(row.received), "received at another time")?;
    if call.person.is_some() {
        require(i64::from(call.quantity) == row.quantity, "decided for other pieces")?;
        require(told["remaining"] == row.remaining, "another number remains")?;
        // What was refused holds nothing.
        let until = row.until.filter(|_| row.decision == "reserved");
        require(millis(&told["held_until"]) == until, "held until another time")?;
        return require(told["state"].is_null(), "a decision tells no state");
    }
    let state = if call.kind == "void" { "voided" } else { "confirmed" };
    require(told["state"] == state, "settled to another state")?;
    let done = |outcomes: &Vec<Outcome>| outcomes.iter().any(|o| o.kind == call.kind && o.refused.is_none());
    require(journal.outcomes.get(&call.id).is_some_and(done), "settled, and not in the journal")
}

/// Whether a rejection is what the journal says of an entry at the place that it names.
fn rejection_fits(
    reason: &str,
    version: Option<u64>,
    call: &Call,
    journal: &Journal,
) -> Result<(), &'static str> {
    let version = version.ok_or("rejected without a place in the journal")?;
    let kind = claim_or_settle(call);
    let fits = |outcomes: &Vec<Outcome>| {
        outcomes.iter().any(|o| o.seq == version && o.kind == kind && o.refused == Some(reason))
    };
    require(journal.outcomes.get(&call.id).is_some_and(fits), "rejected otherwise than the journal says")
}

/// Whether a look-up tells a claim as the journal has it in the end.
pub fn look_up_fits(told: &Value, id: &str, row: &Row) -> Result<(), &'static str> {
    require(told["id"] == id, "another claim")?;
    require(told["version"] == row.seq && told["decision"] == row.decision, "decided otherwise")?;
    require(told["state"] == row.state, "in another state")?;
    require(told["over_limit"].as_bool().unwrap_or(false) == row.over, "wrongly flagged")
}

fn require(holds: bool, otherwise: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn millis(time: &Value) -> Option<i64> {
    Millis::parse(time.as_str()?).ok().map(|at| at.0)
}
