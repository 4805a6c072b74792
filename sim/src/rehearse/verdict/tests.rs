//! What breaks a run, and what makes it void.

use std::time::Duration;

use super::*;
use crate::probe::Quantiles;
use crate::rehearse::catalog;
use crate::rehearse::schedule::Timeline;
use crate::rehearse::watch::Sample;

/// A run of the masks in which everything was as it should be.
fn good() -> (Scenario, Measured) {
    let scenario = catalog::find("mask-2020-03-11").unwrap();
    let timeline = Timeline::new(&scenario, scenario.long);
    let mut measured = Measured::new(&scenario, scenario.long, false, &timeline);
    for class in &mut measured.gauges.classes {
        for phase in 0..3 {
            (0..1_000).for_each(|n| class.latency(Duration::from_micros(2_000 + n), phase, phase));
        }
        (class.intended, class.sent, class.good) = (vec![3_000], vec![3_000], vec![3_000]);
    }
    measured.visible = Quantiles { count: 200, p50_ms: 600, p99_ms: 1_100, max_ms: 1_200 };
    measured.gauges.cpu = vec![0.3; 100];
    measured.gauges.late(Duration::from_micros(900), 0);
    measured.seen.samples = vec![Sample { ages_ms: vec![Some(900.0)], ..Sample::default() }; 100];
    (scenario, measured)
}

/// The verdict after something was changed in a good run.
fn after(change: impl FnOnce(&mut Measured)) -> (Verdict, Judgement) {
    let (scenario, mut measured) = good();
    change(&mut measured);
    let judgement = judge(&scenario, &measured);
    (judgement.verdict, judgement)
}

#[test]
fn a_good_run_passes() {
    let (verdict, judgement) = after(|_| {});
    assert_eq!((verdict, judgement.void.len()), (Verdict::Passed, 0), "{judgement:#?}");
}

#[test]
fn each_rule_and_threshold_can_break_a_run() {
    let broken: [fn(&mut Measured); 16] = [
        |m| m.accounts.findings.wrong_day = 1,
        |m| m.accounts.findings.over_limit = 1,
        |m| m.accounts.findings.wrongly_refused = 1,
        |m| m.accounts.findings.contradicted = 1,
        |m| m.wrong_reads = 1,
        |m| m.tills_unanswered = 1,
        |m| m.aftermath.lost = 1,
        |m| m.aftermath.missing = 1,
        |m| m.aftermath.behind = 1,
        |m| m.faults.push("core 0 ended by itself".to_owned()),
        // The sale is felt when the post offices come: from 3 to 20 ms.
        |m| (0..100).for_each(|_| m.gauges.classes[0].latency(Duration::from_millis(20), 3, 2)),
        |m| m.seen.samples[50].ages_ms[0] = Some(9_000.0),
        |m| m.visible.p99_ms = 1_600,
        // Of 203 reports three were never seen: the p99 is one of them.
        |m| m.unseen = 3,
        // Nothing was measured at all.
        |m| m.visible.count = 0,
        |m| *m.gauges.classes[1].statuses.entry(503).or_default() += 1,
    ];
    for (number, change) in broken.into_iter().enumerate() {
        let (verdict, judgement) = after(change);
        let rows = judgement.rows.iter().filter(|row| row.judged == Judged::Broken).count();
        assert_eq!((verdict, rows), (Verdict::Broken, 1), "{number}: {judgement:#?}");
    }
}

#[test]
fn a_run_that_measured_itself_is_void() {
    let void: [fn(&mut Measured); 7] = [
        |m| (0..10).for_each(|_| m.gauges.late(Duration::from_millis(80), 1)),
        |m| m.gauges.cpu[..20].fill(0.95),
        |m| m.gauges.classes[1].sent = vec![1_000],
        |m| m.seen.clock_jump = Duration::from_secs(3600),
        |m| m.seen.longest_gap = Duration::from_secs(5),
        |m| m.stopped = true,
        |m| m.void.push("it could not be carried through".to_owned()),
    ];
    for (number, change) in void.into_iter().enumerate() {
        let (verdict, judgement) = after(change);
        assert_eq!((verdict, judgement.void.len()), (Verdict::Void, 1), "{number}: {judgement:#?}");
    }
    // It is void even where it looks slow, but a broken rule is a fact.
    let late = |m: &mut Measured| (0..10).for_each(|_| m.gauges.late(Duration::from_millis(80), 1));
    let slow = |m: &mut Measured| {
        late(m);
        m.seen.samples[0].ages_ms[0] = Some(60_000.0);
    };
    assert_eq!(after(slow).0, Verdict::Void);
    let wrong = |m: &mut Measured| {
        late(m);
        m.aftermath.lost = 1;
    };
    assert_eq!(after(wrong).0, Verdict::Broken);
}

#[test]
fn a_short_form_judges_no_times_and_all_rules() {
    let short = |m: &mut Measured| {
        m.short = true;
        m.seen.samples[0].ages_ms[0] = Some(60_000.0);
    };
    let (verdict, judgement) = after(short);
    assert_eq!(verdict, Verdict::Passed);
    assert!(judgement.rows.iter().all(|row| row.rule || row.judged == Judged::NotJudged));
    let wrong = |m: &mut Measured| {
        m.short = true;
        m.accounts.findings.over_limit = 1;
    };
    assert_eq!(after(wrong).0, Verdict::Broken);
}
