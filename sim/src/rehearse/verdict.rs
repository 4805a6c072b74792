//! The verdict: each threshold with what was measured and what is allowed, and whether the run may be judged at all.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::measured::Measured;
use super::scenario::{Quantile, Scenario, Threshold};

/// The generator saw 99 of 100 requests at most this late.
const LATE_P99: Duration = Duration::from_millis(50);
/// A worker that used more of its CPU than this in a tenth of all seconds was at its limit.
const CPU_LIMIT: f64 = 0.9;
/// Share of the requests that were due and must have been sent.
const SENT: f64 = 0.99;
/// A jump of the clock of the day beyond this spoils ages and windows.
const JUMP: Duration = Duration::from_millis(500);
/// A silence of the watch beyond this means that the machine stood still.
const GAP: Duration = Duration::from_secs(3);
/// A rise of less than this is none, in milliseconds.
const NO_RISE_MS: f64 = 5.0;

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
    /// Told and not judged: a short form judges no times, and nothing was measured otherwise.
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
    let mut rows = rules(measured);
    rows.extend(scenario.thresholds.iter().map(|threshold| judge_one(threshold, scenario, measured)));
    let void = void(measured);
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

/// What must hold in every run.
fn rules(measured: &Measured) -> Vec<Row> {
    let (findings, after) = (&measured.accounts.findings, &measured.aftermath);
    let zero = |ko: &str, en: &str, found: u64, of: String| Row {
        what: en.to_owned(),
        what_ko: ko.to_owned(),
        measured: if of.is_empty() { found.to_string() } else { format!("{found} of {of}") },
        allowed: "0".to_owned(),
        judged: if found == 0 { Judged::Held } else { Judged::Broken },
        rule: true,
    };
    let granted = format!("{} grants", findings.granted);
    let mut rows = vec![
        zero("한도를 넘은 사람", "persons over the limit", findings.over_limit, granted),
        zero(
            "남의 요일에 산 사람",
            "grants on a day that was not the person's",
            findings.wrong_day,
            String::new(),
        ),
        zero(
            "잘못 거절된 사람",
            "persons refused for nothing",
            findings.wrongly_refused,
            format!("{} refusals", findings.refused),
        ),
        zero(
            "다시 보냈을 때 달라진 답",
            "answers that changed when asked again",
            findings.contradicted,
            format!("{} copies", findings.copies),
        ),
        zero(
            "계약에 없는 답",
            "answers that the contract does not know",
            findings.unreadable + measured.wrong_reads,
            String::new(),
        ),
        zero(
            "끝내 답을 못 받은 판매",
            "sales and reports without an answer in the end",
            measured.tills_unanswered,
            String::new(),
        ),
        zero(
            "공개 재고가 접수와 다른 판매처",
            "outlets whose published stock is not what was acknowledged",
            after.lost,
            format!("{} compared", after.compared),
        ),
        zero(
            "공개 자료에서 사라진 판매처",
            "outlets missing from what is published",
            after.missing,
            format!("{} in the registry", measured.registered),
        ),
        zero(
            "등록부에 없는데 공개된 판매처",
            "outlets published that no registry holds",
            after.strangers,
            String::new(),
        ),
        zero(
            "따라오지 못한 서버",
            "servers that never showed the newest acknowledged version",
            after.behind,
            String::new(),
        ),
    ];
    rows.extend(measured.faults.iter().map(|fault| Row {
        what: fault.clone(),
        what_ko: "스스로 끝난 프로세스".to_owned(),
        measured: "ended".to_owned(),
        allowed: "runs".to_owned(),
        judged: Judged::Broken,
        rule: true,
    }));
    rows
}

/// Why nothing can be said; empty where it can.
fn void(measured: &Measured) -> Vec<String> {
    let mut why = measured.void.clone();
    let gauges = &measured.gauges;
    let late = gauges.lateness.as_ref().map_or(0, |lateness| lateness.value_at_quantile(0.99));
    if Duration::from_micros(late) > LATE_P99 {
        why.push(format!(
            "the generator itself was late: it saw one request in a hundred {:.0} ms or more after it was due (at most {} ms)",
            ms(late),
            LATE_P99.as_millis()
        ));
    }
    let full = gauges.cpu.iter().filter(|share| **share > CPU_LIMIT).count();
    if full * 10 > gauges.cpu.len().max(10) {
        why.push(format!("the generator was at its limit: a thread of it used more than {:.0} % of its CPU in {full} of {} s", CPU_LIMIT * 100.0, gauges.cpu.len()));
    }
    let sum = |of: fn(&super::generator::ClassGauge) -> &Vec<u32>| -> u64 {
        gauges.classes.iter().flat_map(|class| of(class).iter().map(|n| u64::from(*n))).sum()
    };
    let (intended, sent) = (sum(|class| &class.intended), sum(|class| &class.sent));
    if (sent as f64) < intended as f64 * SENT && !measured.stopped {
        why.push(format!("the rate was not met: {sent} of {intended} requests were sent"));
    }
    if measured.seen.clock_jump > JUMP {
        why.push(format!("the clock of the day jumped by {} ms", measured.seen.clock_jump.as_millis()));
    }
    if measured.seen.longest_gap > GAP {
        why.push(format!("the machine stood still for {:.1} s", measured.seen.longest_gap.as_secs_f64()));
    }
    if measured.stopped {
        why.push("it was stopped before its end".to_owned());
    }
    why
}

fn judge_one(threshold: &Threshold, scenario: &Scenario, measured: &Measured) -> Row {
    let (what, what_ko, value, allowed) = weigh(threshold, scenario, measured);
    let judged = match value {
        _ if measured.short => Judged::NotJudged,
        None => Judged::NotJudged,
        Some((_, true)) => Judged::Held,
        Some((_, false)) => Judged::Broken,
    };
    let measured = value.map_or_else(|| "nothing measured".to_owned(), |(words, _)| words);
    Row { what, what_ko, measured, allowed, judged, rule: false }
}

/// A threshold in both languages, what was measured and whether it holds, and what is allowed.
fn weigh(
    threshold: &Threshold,
    scenario: &Scenario,
    measured: &Measured,
) -> (String, String, Option<(String, bool)>, String) {
    match threshold {
        Threshold::Latency { class, quantile, phase, at_most_ms } => {
            let value = latency(scenario, measured, class, *quantile, phase.as_deref());
            let q = quantile.name();
            let part = phase.as_deref().unwrap_or("whole day");
            (
                format!("{q} of {class}, {part}"),
                format!("{class}의 {q} 응답 시간"),
                value.map(|value| (format!("{value:.1} ms"), value <= *at_most_ms)),
                format!("≤ {at_most_ms} ms"),
            )
        }
        Threshold::Moves { class, quantile, from, to, at_most_percent } => {
            let of = |phase: &str| latency(scenario, measured, class, *quantile, Some(phase));
            let q = quantile.name();
            let value = of(from).zip(of(to)).map(|(before, after)| {
                let holds = after - before <= NO_RISE_MS || after <= before * (1.0 + at_most_percent / 100.0);
                (format!("{before:.1} → {after:.1} ms ({:+.0} %)", (after / before - 1.0) * 100.0), holds)
            });
            (
                format!("rise of {q} of {class} from {from} to {to}"),
                format!("{class}의 {q} 응답 시간 변화"),
                value,
                format!("≤ {at_most_percent} % (or {NO_RISE_MS} ms)"),
            )
        }
        Threshold::Visible { at_most_ms } => {
            let visible = measured.visible;
            let value = (visible.count > 0).then(|| {
                (
                    format!("{} ms (of {})", visible.p99_ms, visible.count),
                    visible.p99_ms as f64 <= *at_most_ms,
                )
            });
            (
                "p99 from a till to every reader".to_owned(),
                "판매에서 공개까지 p99".to_owned(),
                value,
                format!("≤ {at_most_ms} ms"),
            )
        }
        Threshold::Age { phase, at_most_ms } => {
            let oldest = measured.oldest(phase.as_deref().and_then(|name| scenario.phase(name)));
            let part = phase.as_deref().unwrap_or("whole day");
            (
                format!("greatest age of what is served, {part}"),
                "공개 자료의 가장 큰 나이".to_owned(),
                oldest.map(|age| (format!("{age:.0} ms"), age <= *at_most_ms)),
                format!("≤ {at_most_ms} ms"),
            )
        }
        Threshold::Answered { class, at_least_percent } => {
            let share = measured.answered(class.as_deref().and_then(|name| scenario.class(name)));
            (
                format!("answered as it should be, {}", class.as_deref().unwrap_or("all")),
                "제대로 답한 비율".to_owned(),
                share.map(|share| (format!("{share:.3} %"), share >= *at_least_percent)),
                format!("≥ {at_least_percent} %"),
            )
        }
        Threshold::ServerErrors { class, at_most } => {
            let errors = measured.server_errors(class.as_deref().and_then(|name| scenario.class(name)));
            (
                format!("answers of 500 and more, {}", class.as_deref().unwrap_or("all")),
                "5xx 응답".to_owned(),
                Some((errors.to_string(), errors <= *at_most)),
                format!("≤ {at_most}"),
            )
        }
    }
}

/// A quantile in milliseconds; `None` where nothing was measured.
fn latency(
    scenario: &Scenario,
    measured: &Measured,
    class: &str,
    quantile: Quantile,
    phase: Option<&str>,
) -> Option<f64> {
    let class = &measured.gauges.classes[scenario.class(class)?];
    let phase = phase.and_then(|name| scenario.phase(name));
    let chosen =
        class.by_phase.iter().enumerate().filter(|(number, _)| phase.is_none_or(|phase| phase == *number));
    let mut all: Option<Histogram<u64>> = None;
    for histogram in chosen.filter_map(|(_, histogram)| histogram.as_ref()) {
        match &mut all {
            Some(all) => all.add(histogram).expect("all have the same bounds"),
            empty => *empty = Some(histogram.clone()),
        }
    }
    all.map(|all| ms(all.value_at_quantile(quantile.share())))
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

#[cfg(test)]
mod tests;
