//! The checker's own reading of the journal export: two pieces a person and week, nothing else. It shares no code with the
//! fold, and knows entries by their names in the file alone.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

/// Pieces a person may buy from Monday to Sunday.
pub const LIMIT_A_WEEK: i64 = 2;

/// A person in a week.
type Allowance = (String, i64);

/// What a claim was, by the journal alone.
#[derive(Debug, Clone)]
pub struct Row {
    pub seq: u64,
    pub key: String,
    pub outlet: String,
    pub quantity: i64,
    pub received: i64,
    pub body: i64,
    pub week: i64,
    pub decision: &'static str,
    pub state: &'static str,
    pub remaining: i64,
    pub over: bool,
    pub until: Option<i64>,
}

/// What became of one entry about a claim that was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub seq: u64,
    pub kind: &'static str,
    /// `None`: it was done, or had been.
    pub refused: Option<&'static str>,
}

/// All that follows from the journal.
#[derive(Debug, Default)]
pub struct Journal {
    pub rows: HashMap<String, Row>,
    /// By claim, in order.
    pub outcomes: HashMap<String, Vec<Outcome>>,
    /// Pieces that a person has in a week, late ones included.
    pub used: HashMap<Allowance, i64>,
    /// The same after each change, by the sequence that brought it.
    pub history: HashMap<Allowance, Vec<(u64, i64)>>,
    /// Every change of what people hold that was no late claim: sequence, claim, pieces.
    pub moves: Vec<(u64, String, i64)>,
    /// Journal messages, entries, and copies of claims that were there before.
    pub entries: u64,
    pub last: u64,
    pub copies: u64,
    pub expired: u64,
    /// Claims whose void came first.
    pub withdrawn: HashSet<String>,
    holds: BTreeSet<(i64, String)>,
    now: i64,
}

/// Monday to Sunday, in Korea.
pub fn week(millis: i64) -> i64 {
    let day = (millis + 9 * 3_600_000).div_euclid(86_400_000);
    (day + 3).div_euclid(7)
}

impl Journal {
    /// Reads an export.
    pub fn read(export: &str) -> Self {
        let mut journal = Self::default();
        for line in export.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            journal.entry(line["seq"].as_u64().unwrap(), line["entry"].as_object().unwrap());
        }
        journal
    }

    fn entry(&mut self, seq: u64, entry: &serde_json::Map<String, Value>) {
        assert!(seq >= self.last, "the export goes back from {} to {seq}", self.last);
        self.last = seq;
        self.entries += 1;
        let (kind, what) = entry.iter().next().unwrap();
        match kind.as_str() {
            "claim" => self.claim(seq, what),
            "void" => self.void(seq, what),
            "confirm" => self.confirm(seq, what),
            "tick" => self.tick(seq, number(&what["at"])),
            _ => {}
        }
    }

    fn claim(&mut self, seq: u64, what: &Value) {
        let id = text(&what["id"]);
        if let Some(row) = self.rows.get(&id) {
            let refused = (row.body != number(&what["body"])).then_some("id_conflict");
            self.copies += 1;
            return self.outcome(seq, &id, "claim", refused);
        }
        if self.withdrawn.contains(&id) {
            return self.outcome(seq, &id, "claim", Some("withdrawn"));
        }
        let late = what["occurred"].as_i64();
        let (key, week) =
            (text(&what["person"]["key"]), week(late.unwrap_or_else(|| number(&what["received"]))));
        let (quantity, until) = (number(&what["quantity"]), what["until"].as_i64());
        let fits = self.used.get(&(key.clone(), week)).copied().unwrap_or(0) + quantity <= LIMIT_A_WEEK;
        let (decision, state) = match (late, until, fits) {
            (Some(_), _, _) => ("recorded", "final"),
            (None, Some(_), true) => ("reserved", "held"),
            (None, None, true) => ("granted", "final"),
            (None, _, false) => ("refused", "final"),
        };
        let mut row = Row {
            seq,
            key,
            outlet: text(&what["outlet"]),
            quantity,
            received: number(&what["received"]),
            body: number(&what["body"]),
            week,
            decision,
            state,
            remaining: 0,
            over: decision == "recorded" && !fits,
            until,
        };
        let taken = if decision == "refused" { 0 } else { quantity };
        let used = self.shift(seq, &id, &row, taken);
        row.remaining = (LIMIT_A_WEEK - used).max(0);
        if state == "held" {
            self.holds.insert((until.unwrap(), id.clone()));
        }
        self.rows.insert(id, row);
    }

    fn void(&mut self, seq: u64, what: &Value) {
        let id = text(&what["id"]);
        let refused = match self.own(what) {
            Err(refused) => Some(refused),
            Ok(row) if row.decision == "refused" || row.state == "expired" => Some("nothing_to_void"),
            Ok(row) if row.state == "voided" => None,
            Ok(_) => {
                self.give_back(seq, &id, "voided");
                None
            }
        };
        if refused == Some("unknown_claim") && what["holds_place"] == true {
            self.withdrawn.insert(id.clone());
        }
        self.outcome(seq, &id, "void", refused);
    }

    fn confirm(&mut self, seq: u64, what: &Value) {
        let id = text(&what["id"]);
        let refused = match self.own(what).map(|row| (row.state, row.until)) {
            Err(refused) => Some(refused),
            Ok(("held", until)) => {
                self.holds.remove(&(until.unwrap(), id.clone()));
                self.rows.get_mut(&id).unwrap().state = "confirmed";
                None
            }
            Ok(("confirmed", _)) => None,
            Ok(_) => Some("not_held"),
        };
        self.outcome(seq, &id, "confirm", refused);
    }

    /// Time never goes back.
    fn tick(&mut self, seq: u64, at: i64) {
        self.now = self.now.max(at);
        while let Some((until, id)) = self.holds.first().cloned().filter(|(until, _)| *until <= self.now) {
            assert!(self.holds.remove(&(until, id.clone())));
            self.expired += 1;
            self.give_back(seq, &id, "expired");
        }
    }

    fn own(&self, what: &Value) -> Result<&Row, &'static str> {
        let row = self.rows.get(what["id"].as_str().unwrap()).ok_or("unknown_claim")?;
        if row.outlet == what["outlet"] { Ok(row) } else { Err("other_outlet") }
    }

    fn give_back(&mut self, seq: u64, id: &str, state: &'static str) {
        let mut row = self.rows.remove(id).unwrap();
        if let Some(until) = row.until {
            self.holds.remove(&(until, id.to_owned()));
        }
        row.state = state;
        self.shift(seq, id, &row, -row.quantity);
        self.rows.insert(id.to_owned(), row);
    }

    fn shift(&mut self, seq: u64, id: &str, row: &Row, pieces: i64) -> i64 {
        let allowance = (row.key.clone(), row.week);
        let used = self.used.entry(allowance.clone()).or_default();
        *used += pieces;
        self.history.entry(allowance).or_default().push((seq, *used));
        if row.decision != "recorded" && pieces != 0 {
            self.moves.push((seq, id.to_owned(), pieces));
        }
        *used
    }

    fn outcome(&mut self, seq: u64, id: &str, kind: &'static str, refused: Option<&'static str>) {
        self.outcomes.entry(id.to_owned()).or_default().push(Outcome { seq, kind, refused });
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}
