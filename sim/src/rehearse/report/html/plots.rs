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
    for (title, lines) in
        [("거절 · turned away", shed(scenario, measured)), ("실패 · failed", failed(scenario, measured))]
    {
        out += &if lines.is_empty() {
            format!("<p><b>{title}</b> 없음 · none</p>\n")
        } else {
            plot(title, "per second", &lines, &axis, false)
        };
    }
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

/// Tries that were turned away, of each class that had any: sales that were sent again too, and deliveries.
fn shed(scenario: &Scenario, measured: &Measured) -> Vec<Line> {
    let gauges = &measured.gauges;
    let classes =
        scenario.loads.iter().zip(&gauges.classes).map(|(load, gauge)| (load.class.as_str(), &gauge.shed));
    let all = classes.chain([("deliveries", &gauges.aside_shed)]).filter(|(_, shed)| shed.total() > 0);
    all.map(|(name, shed)| of_the_day(name, &shed.by_second(), measured)).collect()
}

/// Requests that failed, of each class that had any.
fn failed(scenario: &Scenario, measured: &Measured) -> Vec<Line> {
    let classes = scenario.loads.iter().zip(&measured.gauges.classes);
    let some = classes.filter(|(_, gauge)| gauge.failed.iter().any(|failed| *failed > 0));
    some.map(|(load, gauge)| of_the_day(&load.class, &gauge.failed, measured)).collect()
}

/// A line over all seconds of the day: where nothing was counted it lies at zero.
fn of_the_day(name: &str, counts: &[u32], measured: &Measured) -> Line {
    let mut counts = counts.to_vec();
    counts.resize(seconds(measured), 0);
    line(name, &counts)
}

fn seconds(measured: &Measured) -> usize {
    measured.timeline.length.ceil() as usize
}

fn over_classes(measured: &Measured, of: fn(&ClassGauge) -> &Vec<u32>) -> Vec<u32> {
    let mut all = vec![0; seconds(measured)];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::catalog;
    use crate::rehearse::schedule::Timeline;

    #[test]
    fn who_was_turned_away_has_a_line_of_its_own() {
        let scenario = catalog::find("mask-2020-03-11").unwrap();
        let timeline = Timeline::new(&scenario, scenario.short);
        let mut measured = Measured::new(&scenario, scenario.short, true, &timeline);
        let page = all(&scenario, &measured);
        assert!(
            page.contains("거절 · turned away</b> 없음") && page.contains("실패 · failed</b> 없음"),
            "{page}"
        );
        // A sale that was sent again and taken, and a delivery.
        measured.gauges.classes[0].shed.note("over_cap", 3);
        measured.gauges.aside_shed.note("overloaded", 1);
        let lines = shed(&scenario, &measured);
        let told: Vec<(&str, usize)> =
            lines.iter().map(|line| (line.name.as_str(), line.points.len())).collect();
        assert_eq!(told, [("sale", 9), ("deliveries", 9)]);
        assert_eq!((lines[0].points[3], lines[0].points[4]), ((3.0, Some(1.0)), (4.0, Some(0.0))));
        assert!(all(&scenario, &measured).contains("<figcaption>거절 · turned away"));
    }
}
