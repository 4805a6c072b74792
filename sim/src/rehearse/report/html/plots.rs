//! How the run went, over the time of the day: rates, latencies, ages, what was turned away, and what each part cost.

use crate::rehearse::generator::ClassGauge;
use crate::rehearse::measured::Measured;
use crate::rehearse::report::svg::{Axis, Line, plot};
use crate::rehearse::scenario::{Moment, Scenario};

/// Times written below a plot.
const TICKS: u32 = 6;

/// All plots.
pub(super) fn all(scenario: &Scenario, measured: &Measured) -> String {
    let axis = axis(scenario, measured);
    let mut out = "<h2>그래프 <small>plots</small></h2>\n<p><small>세로 점선은 사건입니다. Dashed lines are events.</small></p>\n".to_owned();
    out += &plot("요청 수 · requests", "per second", &rates(measured), &axis, false);
    for (load, gauge) in scenario.loads.iter().zip(&measured.gauges.classes) {
        let title = format!("응답 시간 · latency of {}", load.class);
        out += &plot(&title, "ms", &latencies(gauge), &axis, true);
    }
    if !measured.visible_each.is_empty() {
        let points = measured.visible_each.iter().map(|(second, ms)| (*second, Some(*ms as f64))).collect();
        let line = Line { name: "each report".to_owned(), points };
        out += &plot("판매에서 공개까지 · from a till to every reader", "ms", &[line], &axis, false);
    }
    out += &plot("공개 자료의 나이 · age of what is served", "ms", &ages(measured), &axis, false);
    out += &plot("거절과 실패 · turned away and failed", "per second", &failures(measured), &axis, false);
    out += &plot("CPU", "% of one", &parts(measured, |(cpu, _)| cpu * 100.0, true), &axis, false);
    out += &plot("메모리 · memory", "MiB", &parts(measured, |(_, mib)| mib, false), &axis, false);
    let late =
        measured.gauges.late.iter().enumerate().map(|(at, us)| (at as f64, Some(*us as f64 / 1_000.0)));
    let late = Line { name: "latest request".to_owned(), points: late.collect() };
    out + &plot("발생기의 늦음 · how late the generator was", "ms", &[late], &axis, true)
}

fn axis(scenario: &Scenario, measured: &Measured) -> Axis {
    let length = measured.timeline.length;
    let ticks = (0..=TICKS).map(|tick| {
        let second = length * f64::from(tick) / f64::from(TICKS);
        let moment = f64::from(scenario.begins.0) + second * measured.speed;
        (second, Moment((moment / 60.0).round() as u32 * 60).to_string())
    });
    Axis { length, ticks: ticks.collect(), marks: measured.events.clone() }
}

fn line(name: &str, counts: &[u32]) -> Line {
    let points = counts.iter().enumerate().map(|(second, count)| (second as f64, Some(f64::from(*count))));
    Line { name: name.to_owned(), points: points.collect() }
}

fn rates(measured: &Measured) -> Vec<Line> {
    let sum = |of: fn(&ClassGauge) -> &Vec<u32>| over_classes(measured, of);
    vec![
        line("예정 intended", &sum(|class| &class.intended)),
        line("보냄 sent", &sum(|class| &class.sent)),
        line("정상 good", &sum(|class| &class.good)),
    ]
}

fn failures(measured: &Measured) -> Vec<Line> {
    vec![
        line("거절 turned away", &over_classes(measured, |class| &class.turned_away)),
        line("실패 failed", &over_classes(measured, |class| &class.failed)),
    ]
}

fn over_classes(measured: &Measured, of: fn(&ClassGauge) -> &Vec<u32>) -> Vec<u32> {
    let seconds = measured.timeline.length.ceil() as usize;
    let mut all = vec![0; seconds];
    for class in &measured.gauges.classes {
        for (own, more) in all.iter_mut().zip(of(class)) {
            *own += more;
        }
    }
    all
}

fn latencies(gauge: &ClassGauge) -> Vec<Line> {
    let of = |name: &str, quantile: f64| {
        let points = gauge.by_second.iter().enumerate().map(|(second, all)| {
            (second as f64, all.as_ref().map(|all| all.value_at_quantile(quantile) as f64 / 1_000.0))
        });
        Line { name: name.to_owned(), points: points.collect() }
    };
    vec![of("p50", 0.5), of("p99", 0.99), of("max", 1.0)]
}

fn ages(measured: &Measured) -> Vec<Line> {
    let servers = measured.seen.samples.iter().map(|sample| sample.ages_ms.len()).max().unwrap_or(0);
    let of = |server: usize| {
        let samples = measured.seen.samples.iter().enumerate();
        let points = samples.map(|(at, sample)| (at as f64, sample.ages_ms.get(server).copied().flatten()));
        Line { name: format!("server {server}"), points: points.collect() }
    };
    (0..servers).map(of).collect()
}

fn parts(measured: &Measured, of: fn((f64, f64)) -> f64, own: bool) -> Vec<Line> {
    let samples = || measured.seen.samples.iter().enumerate();
    let part = |(number, name): (usize, &String)| {
        let points =
            samples().map(|(at, sample)| (at as f64, sample.parts.get(number).map(|cost| of(*cost))));
        Line { name: name.clone(), points: points.collect() }
    };
    let mut lines: Vec<Line> = measured.parts.iter().enumerate().map(part).collect();
    if own {
        let points = samples().map(|(at, sample)| (at as f64, Some(sample.own_cpu * 100.0)));
        lines.push(Line { name: "발생기 generator".to_owned(), points: points.collect() });
    }
    lines
}
