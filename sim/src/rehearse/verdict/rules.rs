//! What must hold in every run, and what makes a run void.

use std::time::Duration;

use super::{Judged, Row, ms};
use crate::rehearse::generator::ClassGauge;
use crate::rehearse::measured::Measured;
use crate::rehearse::scenario::Scenario;

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

/// The rules, each with what was found.
pub(super) fn rules(measured: &Measured) -> Vec<Row> {
    let mut rows = persons(measured);
    rows.extend(published(measured));
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

/// What tills heard. In a day that did not come to its end some of them can not have an answer.
fn persons(measured: &Measured) -> Vec<Row> {
    let (heard, sold) = (measured.heard, measured.heard && !measured.readers_alone);
    let found = &measured.accounts.findings;
    let (granted, refused) = (format!("{} grants", found.granted), format!("{} refusals", found.refused));
    let copies = format!("{} copies", found.copies);
    let strange = found.unreadable + measured.wrong_reads;
    vec![
        zero("한도를 넘은 사람", "persons over the limit", found.over_limit, &granted).if_looked_at(sold),
        zero("남의 요일에 산 사람", "grants on a day that was not the person's", found.wrong_day, &granted)
            .if_looked_at(sold),
        zero("잘못 거절된 사람", "persons refused for nothing", found.wrongly_refused, &refused)
            .if_looked_at(sold),
        zero(
            "다시 보냈을 때 달라진 답",
            "answers that changed when asked again",
            found.contradicted,
            &copies,
        )
        .if_looked_at(sold),
        zero("계약에 없는 답", "answers that the contract does not know", strange, "").if_looked_at(heard),
        zero(
            "끝내 답을 못 받은 판매",
            "sales and reports without an answer in the end",
            measured.tills_unanswered,
            "",
        )
        .if_looked_at(sold && measured.is_whole()),
    ]
}

/// What every server publishes at the end, where that was looked at.
fn published(measured: &Measured) -> Vec<Row> {
    let looked_at = measured.aftermath.is_some();
    let after = &measured.aftermath.clone().unwrap_or_default();
    let (compared, registered) =
        (format!("{} compared", after.compared), format!("{} in the registry", measured.registered));
    vec![
        zero(
            "공개 재고가 접수와 다른 판매처",
            "outlets whose published stock is not what was acknowledged",
            after.lost,
            &compared,
        )
        .if_looked_at(after.compared > 0),
        zero(
            "공개 자료에서 사라진 판매처",
            "outlets missing from what is published",
            after.missing,
            &registered,
        )
        .if_looked_at(looked_at),
        zero(
            "등록부에 없는데 공개된 판매처",
            "outlets published that no registry holds",
            after.strangers,
            "",
        )
        .if_looked_at(looked_at),
        zero(
            "따라오지 못한 서버",
            "servers that never showed the newest acknowledged version",
            after.behind,
            "",
        )
        .if_looked_at(looked_at),
    ]
}

fn zero(ko: &str, en: &str, found: u64, of: &str) -> Row {
    Row {
        what: en.to_owned(),
        what_ko: ko.to_owned(),
        measured: if of.is_empty() { found.to_string() } else { format!("{found} of {of}") },
        allowed: "0".to_owned(),
        judged: if found == 0 { Judged::Held } else { Judged::Broken },
        rule: true,
    }
}

/// Why nothing can be said; empty where it can.
pub(super) fn void(scenario: &Scenario, measured: &Measured) -> Vec<String> {
    let mut why = measured.void.clone();
    why.extend(late(scenario, measured));
    why.extend(full(measured));
    why.extend(unsent(measured));
    if measured.is_whole() {
        why.extend(nothing_due(scenario, measured));
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

fn late(scenario: &Scenario, measured: &Measured) -> Option<String> {
    // Of each class for itself: the few requests of one are lost among those of the others.
    let (class, late) = measured.gauges.latest()?;
    (Duration::from_micros(late) > LATE_P99).then(|| {
        format!(
            "the generator itself was late: it saw one request in a hundred of {} {:.0} ms or more after it was due (at most {} ms)",
            scenario.loads[class].class,
            ms(late),
            LATE_P99.as_millis()
        )
    })
}

fn full(measured: &Measured) -> Option<String> {
    let cpu = &measured.gauges.cpu;
    let full = cpu.iter().filter(|share| **share > CPU_LIMIT).count();
    (full * 10 > cpu.len().max(10)).then(|| {
        format!(
            "the generator was at its limit: a thread of it used more than {:.0} % of its CPU in {full} of {} s",
            CPU_LIMIT * 100.0,
            cpu.len()
        )
    })
}

/// Loads of which nothing was due: they would pass unseen. Those of tills are not played where readers play alone.
fn nothing_due(scenario: &Scenario, measured: &Measured) -> Vec<String> {
    let classes = scenario.loads.iter().zip(&measured.gauges.classes);
    let idle = |(_, gauge): &(_, &ClassGauge)| gauge.intended.iter().all(|due| *due == 0);
    if classes.clone().all(|class| idle(&class)) {
        return vec!["nothing at all was due: play it slower or larger".to_owned()];
    }
    classes
        .filter(|(load, _)| !(measured.readers_alone && load.does.is_till()))
        .filter(idle)
        .map(|(load, _)| format!("nothing of {} was due: play it slower or larger", load.class))
        .collect()
}

fn unsent(measured: &Measured) -> Option<String> {
    let sum = |of: fn(&ClassGauge) -> &Vec<u32>| -> u64 {
        measured.gauges.classes.iter().flat_map(|class| of(class).iter().map(|n| u64::from(*n))).sum()
    };
    let (intended, sent) = (sum(|class| &class.intended), sum(|class| &class.sent));
    ((sent as f64) < intended as f64 * SENT && !measured.stopped)
        .then(|| format!("the rate was not met: {sent} of {intended} requests were sent"))
}
