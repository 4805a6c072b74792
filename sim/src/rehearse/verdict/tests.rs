//! What breaks a run, and what makes it void.

use std::time::Duration;

use super::*;
use crate::probe::Quantiles;
use crate::rehearse::aftermath::Aftermath;
use crate::rehearse::catalog;
use crate::rehearse::generator::Shed;
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
    // Half of the checks were turned away, as was agreed.
    let checks = &mut measured.gauges.classes[CHECKS];
    (0..1_500).for_each(|_| checks.shed.note("over_cap", 0));
    (checks.good, checks.turned_away) = (vec![1_500], vec![1_500]);
    measured.heard = true;
    measured.aftermath = Some(Aftermath { compared: 25_437, ..Aftermath::default() });
    measured.visible = Quantiles { count: 200, p50_ms: 600, p99_ms: 1_100, max_ms: 1_200 };
    measured.gauges.cpu = vec![0.3; 100];
    (0..measured.gauges.classes.len()).for_each(|class| late(&mut measured, class, 1, 900));
    measured.seen.samples = vec![Sample { ages_ms: vec![Some(900.0)], ..Sample::default() }; 100];
    (scenario, measured)
}

/// Number of the checks of post offices.
const CHECKS: usize = 5;

/// The generator sees so many requests of a class so late.
fn late(measured: &mut Measured, class: usize, requests: u32, micros: u64) {
    (0..requests).for_each(|_| measured.gauges.late(class, Duration::from_micros(micros), 1));
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
    let broken: [fn(&mut Measured); 21] = [
        |m| m.accounts.findings.wrong_day = 1,
        |m| m.accounts.findings.over_limit = 1,
        |m| m.accounts.findings.wrongly_refused = 1,
        |m| m.accounts.findings.contradicted = 1,
        |m| m.wrong_reads = 1,
        |m| m.tills_unanswered = 1,
        |m| m.aftermath.as_mut().unwrap().lost = 1,
        |m| m.aftermath.as_mut().unwrap().missing = 1,
        |m| m.aftermath.as_mut().unwrap().behind = 1,
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
        // Somebody else was turned away too: a sale that was sent again and taken, a delivery, a reader.
        |m| m.gauges.classes[0].shed.note("over_cap", 9),
        |m| m.gauges.aside_shed.note("overloaded", 9),
        |m| m.gauges.classes[1].shed.note("over_rate", 9),
        // What was to be turned away never was: the protection was not engaged.
        |m| m.gauges.classes[CHECKS].shed = Shed::default(),
        // Nearly all of it was.
        |m| (0..3_000).for_each(|_| m.gauges.classes[CHECKS].shed.note("overloaded", 9)),
    ];
    for (number, change) in broken.into_iter().enumerate() {
        let (verdict, judgement) = after(change);
        let rows = judgement.rows.iter().filter(|row| row.judged == Judged::Broken).count();
        assert_eq!((verdict, rows), (Verdict::Broken, 1), "{number}: {judgement:#?}");
    }
}

#[test]
fn a_run_that_measured_itself_is_void() {
    let void: [fn(&mut Measured); 9] = [
        |m| late(m, 0, 10, 80_000),
        |m| m.gauges.cpu[..20].fill(0.95),
        |m| m.gauges.classes[1].sent = vec![1_000],
        |m| m.seen.clock_jump = Duration::from_secs(3600),
        |m| m.seen.longest_gap = Duration::from_secs(5),
        |m| m.gauges.classes.iter_mut().for_each(|class| (class.intended, class.sent) = (vec![0], vec![0])),
        |m| (m.gauges.classes[6].intended, m.gauges.classes[6].sent) = (Vec::new(), Vec::new()),
        |m| m.stopped = true,
        |m| m.void.push("it could not be carried through".to_owned()),
    ];
    for (number, change) in void.into_iter().enumerate() {
        let (verdict, judgement) = after(change);
        assert_eq!((verdict, judgement.void.len()), (Verdict::Void, 1), "{number}: {judgement:#?}");
    }
    // It is void even where it looks slow, but a broken rule is a fact.
    let slow = |m: &mut Measured| {
        late(m, 0, 10, 80_000);
        m.seen.samples[0].ages_ms[0] = Some(60_000.0);
    };
    assert_eq!(after(slow).0, Verdict::Void);
    let wrong = |m: &mut Measured| {
        late(m, 0, 10, 80_000);
        m.aftermath.as_mut().unwrap().lost = 1;
    };
    assert_eq!(after(wrong).0, Verdict::Broken);
}

#[test]
fn one_class_alone_can_not_be_late_unseen() {
    // One in three of the few sales of post offices, among 100,000 of others that were in time.
    let (verdict, judgement) = after(|m| {
        late(m, 0, 100_000, 900);
        late(m, 6, 1, 80_000);
    });
    assert_eq!((verdict, judgement.void.len()), (Verdict::Void, 1), "{judgement:#?}");
    assert!(judgement.void[0].starts_with("the generator itself was late"), "{judgement:#?}");
    assert!(judgement.void[0].contains("of post_sale 80 ms"), "{judgement:#?}");
}

#[test]
fn what_is_meant_to_be_turned_away_is_no_missing_answer_of_others() {
    let row = |judgement: &Judgement, what: &str| {
        judgement.rows.iter().find(|row| row.what.starts_with(what)).cloned().unwrap()
    };
    // Of 21,000 requests 1,500 were turned away as was agreed, and all others answered.
    let (_, judgement) = after(|_| {});
    let answered = row(&judgement, "answered as it should be, all");
    assert_eq!((answered.measured.as_str(), answered.judged), ("100.000 %", Judged::Held));
    let shed = row(&judgement, "turned away, of post_check alone");
    assert_eq!(shed.measured, "post_check: 50.0 %; nobody else");
    assert_eq!(shed.allowed, "25 to 65 %, and nobody else");
    // A check without any answer is missing, and so is a reader who was turned away.
    let changes: [fn(&mut Measured); 2] =
        [|m| m.gauges.classes[CHECKS].failed = vec![30], |m| m.gauges.classes[1].turned_away = vec![30]];
    for change in changes {
        let (_, judgement) = after(change);
        assert_eq!(row(&judgement, "answered as it should be, all").judged, Judged::Broken, "{judgement:#?}");
    }
    let (_, judgement) = after(|m| m.gauges.classes[0].shed.note("over_cap", 9));
    let shed = row(&judgement, "turned away, of post_check alone");
    assert_eq!(
        (shed.measured.as_str(), shed.judged),
        ("post_check: 50.0 %; sale: over_cap 1", Judged::Broken)
    );
}

#[test]
fn where_readers_play_alone_what_tills_do_is_told_and_not_judged() {
    let alone = |alone: bool| {
        after(|m| {
            m.readers_alone = alone;
            m.aftermath.as_mut().unwrap().compared = 0;
            m.visible.count = 0;
            let tills = [0, CHECKS, 6];
            tills.iter().for_each(|class| m.gauges.classes[*class] = Default::default());
        })
    };
    let (verdict, judgement) = alone(true);
    assert_eq!((verdict, judgement.void.len()), (Verdict::Passed, 0), "{judgement:#?}");
    let told = judgement.rows.iter().filter(|row| !row.rule && row.judged == Judged::NotJudged).count();
    // Who is turned away, the rise and two latencies, and the time to be visible.
    assert_eq!(told, 5, "{judgement:#?}");
    let (_, judgement) = alone(false);
    let broken = judgement.rows.iter().filter(|row| !row.rule && row.judged == Judged::Broken).count();
    assert_eq!(broken, 5, "{judgement:#?}");
}

#[test]
fn an_opening_is_held_for_its_time_or_breaks_the_run() {
    let scenario = catalog::find("mask-2020-03-11-staged").unwrap();
    let told = |seconds: &[usize], short: bool, unheard: bool| {
        let timeline = Timeline::new(&scenario, scenario.long);
        let mut measured = Measured::new(&scenario, scenario.long, short, &timeline);
        measured.seen.samples = vec![Sample { ages_ms: vec![Some(900.0)], ..Sample::default() }; 40];
        seconds.iter().for_each(|second| measured.seen.samples[*second].held = true);
        if unheard {
            measured.seen.samples.iter_mut().for_each(|sample| sample.ages_ms = vec![None]);
        }
        let row = judge(&scenario, &measured).rows.into_iter().find(|row| row.what.contains("was held"));
        (row.unwrap(), measured.held())
    };
    let held = |seconds: &[usize], short: bool| told(seconds, short, false);
    assert_eq!(told(&[20, 21, 22, 23, 24, 25], false, true).0.judged, Judged::Broken);
    let (row, stretches) = held(&[20, 21, 22, 30, 31, 39], false);
    assert_eq!((row.judged, row.measured.as_str()), (Judged::Held, "6 s"));
    assert_eq!(stretches, [(20, 23), (30, 32), (39, 40)]);
    // It never was, although the scenario has trouble; and it did not go on by itself.
    assert_eq!(held(&[], false).0.judged, Judged::Broken);
    assert_eq!(held(&(10..35).collect::<Vec<_>>(), false).0.judged, Judged::Broken);
    assert_eq!(held(&[], true).0.judged, Judged::NotJudged);
}

#[test]
fn what_was_not_due_is_named() {
    let idle =
        |m: &mut Measured| (m.gauges.classes[6].intended, m.gauges.classes[6].sent) = (vec![0], vec![0]);
    let (_, judgement) = after(idle);
    assert_eq!(judgement.void, ["nothing of post_sale was due: play it slower or larger"]);
    // Where readers play alone nobody plays the loads of tills, and nobody's purchases are looked at.
    let (_, judgement) = after(|m| {
        idle(m);
        m.readers_alone = true;
        m.aftermath.as_mut().unwrap().compared = 0;
    });
    assert_eq!(judgement.void.len(), 0, "{judgement:#?}");
    assert_eq!(not_looked_at(&judgement), 6, "{judgement:#?}");
    // A day that was stopped did not come to its loads.
    let (_, judgement) = after(|m| {
        idle(m);
        m.stopped = true;
    });
    assert_eq!(judgement.void, ["it was stopped before its end"]);
}

/// Rules that were not looked at.
fn not_looked_at(judgement: &Judgement) -> usize {
    let rules = judgement.rows.iter().filter(|row| row.rule && row.judged == Judged::NotJudged);
    rules.filter(|row| row.measured == "not looked at").count()
}

#[test]
fn a_day_that_did_not_come_to_its_end_is_void_and_breaks_by_what_was_heard_alone() {
    let ends: [fn(&mut Measured); 2] =
        [|m| m.stopped = true, |m| m.void.push("it could not be carried through".to_owned())];
    for end in ends {
        let stopped = |m: &mut Measured| {
            end(m);
            (m.tills_unanswered, m.aftermath) = (7, None);
        };
        let (verdict, judgement) = after(stopped);
        // Four of what is published, and the sales without an answer.
        assert_eq!((verdict, not_looked_at(&judgement)), (Verdict::Void, 5), "{judgement:#?}");
        let (verdict, _) = after(|m| {
            stopped(m);
            m.accounts.findings.over_limit = 1;
        });
        assert_eq!(verdict, Verdict::Broken);
        let (verdict, judgement) = after(|m| {
            stopped(m);
            m.heard = false;
        });
        assert_eq!((verdict, not_looked_at(&judgement)), (Verdict::Void, 10), "{judgement:#?}");
    }
}

#[test]
fn a_short_form_judges_no_times_and_all_else() {
    let short = |m: &mut Measured| {
        m.short = true;
        m.seen.samples[0].ages_ms[0] = Some(60_000.0);
        m.visible.p99_ms = 9_000;
        (0..100).for_each(|_| m.gauges.classes[0].latency(Duration::from_secs(9), 3, 2));
    };
    let (verdict, judgement) = after(short);
    assert_eq!(verdict, Verdict::Passed, "{judgement:#?}");
    // Three latencies, a rise, the time to be visible, and an age.
    let told: Vec<_> = judgement.rows.iter().filter(|row| row.judged == Judged::NotJudged).collect();
    assert!(told.len() == 6 && told.iter().all(|row| !row.rule), "{told:#?}");
    let wrong: [fn(&mut Measured); 5] = [
        |m| m.accounts.findings.over_limit = 1,
        |m| *m.gauges.classes[1].statuses.entry(503).or_default() = 1,
        |m| m.gauges.classes[1].failed = vec![300],
        |m| m.gauges.classes[0].shed.note("over_cap", 0),
        |m| m.gauges.classes[CHECKS].shed = Shed::default(),
    ];
    for change in wrong {
        let (verdict, judgement) = after(|m| {
            short(m);
            change(m);
        });
        assert_eq!(verdict, Verdict::Broken, "{judgement:#?}");
    }
}

#[test]
fn claims_resume_in_time_or_break_the_run() {
    let scenario = catalog::find("core-dies-at-nine").unwrap();
    let silent = |class: &str, seconds: u64, short: bool| {
        let timeline = Timeline::new(&scenario, scenario.long);
        let mut measured = Measured::new(&scenario, scenario.long, short, &timeline);
        for (load, gauge) in scenario.loads.iter().zip(&mut measured.gauges.classes) {
            // From the death on at 30 s.
            let dead = 30_000..30_000 + if load.class == class { seconds * 1_000 } else { 0 };
            let answered = (0..90_000).step_by(50).filter(|at| !dead.contains(at));
            answered.for_each(|at| gauge.answered_well(Duration::from_millis(at)));
        }
        let rows = judge(&scenario, &measured).rows;
        rows.into_iter().filter(|row| row.what.contains("without a good answer of")).collect::<Vec<_>>()
    };
    let judged = |rows: &[Row]| rows.iter().map(|row| row.judged).collect::<Vec<_>>();
    assert_eq!(judged(&silent("sale", 2, false)), [Judged::Held; 2]);
    let rows = silent("sale", 4, false);
    assert_eq!(judged(&rows), [Judged::Broken, Judged::Held], "{rows:#?}");
    assert_eq!((rows[0].measured.as_str(), rows[0].allowed.as_str()), ("4.0 s", "≤ 3 s"));
    assert_eq!(judged(&silent("post_sale", 4, false)), [Judged::Held, Judged::Broken]);
    assert_eq!(judged(&silent("sale", 4, true)), [Judged::NotJudged; 2]);
}
