//! The verdict: each threshold with what was measured and what is allowed, and whether the run may be judged at all.

mod rules;
#[cfg(test)]
mod tests;
mod weigh;

use serde::Serialize;

use super::measured::Measured;
use super::scenario::Scenario;

/// What a run is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything held.
    Passed,
    /// Something did not hold.
    Broken,
    /// The run measured itself, or could not be carried through: it says nothing.
    Void,
}

/// How one row was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// Within what is allowed.
    Held,
    /// Not.
    Broken,
    /// Told and not judged: a short form judges no times, and what was not looked at can not be judged.
    NotJudged,
}

/// One threshold or rule.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What is judged, in words.
    pub what: String,
    /// The same in Korean.
    pub what_ko: String,
    /// What was measured, in words.
    pub measured: String,
    /// What is allowed, in words.
    pub allowed: String,
    /// Result.
    pub judged: Judged,
    /// Whether it is a rule of every run, which no scenario can leave out.
    pub rule: bool,
}

impl Row {
    /// The row of something that may not have been looked at: then it is told and not judged.
    fn if_looked_at(self, looked_at: bool) -> Self {
        if looked_at {
            return self;
        }
        Self { measured: "not looked at".to_owned(), judged: Judged::NotJudged, ..self }
    }
}

/// All rows, and why the run is void where it is.
#[derive(Debug, Clone, Serialize)]
pub struct Judgement {
    /// Result.
    pub verdict: Verdict,
    /// Why it is void.
    pub void: Vec<String>,
    /// Rules and thresholds.
    pub rows: Vec<Row>,
}

/// Judges a run.
#[must_use]
pub fn judge(scenario: &Scenario, measured: &Measured) -> Judgement {
    let mut rows = rules::rules(measured);
    rows.extend(scenario.thresholds.iter().map(|threshold| weigh::judge(threshold, scenario, measured)));
    let void = rules::void(scenario, measured);
    let rule_broken = rows.iter().any(|row| row.rule && row.judged == Judged::Broken);
    let broken = rows.iter().any(|row| row.judged == Judged::Broken);
    // A broken rule is a fact, however the times were measured.
    let verdict = match (rule_broken, void.is_empty(), broken) {
        (true, ..) | (_, true, true) => Verdict::Broken,
        (_, false, _) => Verdict::Void,
        _ => Verdict::Passed,
    };
    Judgement { verdict, void, rows }
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}
