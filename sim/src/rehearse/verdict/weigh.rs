//! The thresholds of a scenario, each held against what was measured.

use hdrhistogram::Histogram;

use super::{Judged, Row, ms};
use crate::rehearse::measured::Measured;
use crate::rehearse::scenario::{Quantile, Scenario, Threshold};

/// A threshold in words, what was measured with whether it holds, and what is allowed.
struct Weighed {
    what: String,
    what_ko: String,
    value: Option<(String, bool)>,
    allowed: String,
}

/// Judges one threshold. A short form judges none of times. What was not measured did not hold.
pub(super) fn judge(threshold: &Threshold, scenario: &Scenario, measured: &Measured) -> Row {
    let Weighed { what, what_ko, value, allowed } = weigh(threshold, scenario, measured);
    let judged = match value {
        _ if measured.short && threshold.is_of_time() => Judged::NotJudged,
        _ if measured.readers_alone && threshold.is_of_tills(scenario) => Judged::NotJudged,
        Some((_, true)) => Judged::Held,
        Some((_, false)) | None => Judged::Broken,
    };
    let measured = value.map_or_else(|| "nothing measured".to_owned(), |(words, _)| words);
    Row { what, what_ko, measured, allowed, judged, rule: false }
}

fn weigh(threshold: &Threshold, scenario: &Scenario, measured: &Measured) -> Weighed {
    let seen = Seen { scenario, measured };
    match threshold {
        Threshold::Latency { class, quantile, phase, at_most_ms } => {
            seen.latency(class, *quantile, phase.as_deref(), *at_most_ms)
        }
        Threshold::Moves { class, quantile, from, to, at_most_percent } => {
            seen.moves(class, *quantile, (from, to), *at_most_percent)
        }
        Threshold::Visible { at_most_ms } => seen.visible(*at_most_ms),
        Threshold::Age { phase, at_most_ms } => seen.age(phase.as_deref(), *at_most_ms),
        Threshold::Answered { class, at_least_percent } => seen.answered(class.as_deref(), *at_least_percent),
        Threshold::ServerErrors { class, at_most } => seen.errors(class.as_deref(), *at_most),
        Threshold::Shed { only, at_least_percent, at_most_percent } => {
            seen.shed(only, (*at_least_percent, *at_most_percent))
        }
        Threshold::Held { at_least_s, at_most_s } => seen.held((*at_least_s, *at_most_s)),
        Threshold::Resumes { class, after, at_most_s } => seen.resumes(class, after, *at_most_s),
    }
}

struct Seen<'a> {
    scenario: &'a Scenario,
    measured: &'a Measured,
}

impl Seen<'_> {
    fn latency(&self, class: &str, quantile: Quantile, phase: Option<&str>, most: f64) -> Weighed {
        let (q, part) = (quantile.name(), phase.unwrap_or("whole day"));
        Weighed {
            what: format!("{q} of {class}, {part}"),
            what_ko: format!("{class}의 {q} 응답 시간"),
            value: self.quantile(class, quantile, phase).map(|ms| (format!("{ms:.1} ms"), ms <= most)),
            allowed: format!("≤ {most} ms"),
        }
    }

    fn moves(&self, class: &str, quantile: Quantile, (from, to): (&str, &str), most: f64) -> Weighed {
        let of = |phase: &str| self.quantile(class, quantile, Some(phase));
        let q = quantile.name();
        let value = of(from).zip(of(to)).map(|(before, after)| {
            let holds = after <= before * (1.0 + most / 100.0);
            (format!("{before:.1} → {after:.1} ms ({:+.0} %)", (after / before - 1.0) * 100.0), holds)
        });
        Weighed {
            what: format!("rise of {q} of {class} from {from} to {to}"),
            what_ko: format!("{class}의 {q} 응답 시간 변화"),
            value,
            allowed: format!("≤ {most} %"),
        }
    }

    fn visible(&self, most: f64) -> Weighed {
        let (seen, unseen) = (self.measured.visible, self.measured.unseen);
        // Those that were never seen are the slowest: more than one in a hundred, and the p99 is one of them.
        let value = (seen.count > 0).then(|| {
            let few = unseen * 100 <= seen.count + unseen;
            let words = format!("{} ms (of {}; {unseen} not seen)", seen.p99_ms, seen.count);
            (words, few && seen.p99_ms as f64 <= most)
        });
        Weighed {
            what: "p99 from a till to every reader".to_owned(),
            what_ko: "판매에서 공개까지 p99".to_owned(),
            value,
            allowed: format!("≤ {most} ms"),
        }
    }

    fn age(&self, phase: Option<&str>, most: f64) -> Weighed {
        let oldest = self.measured.oldest(phase.and_then(|name| self.scenario.phase(name)));
        Weighed {
            what: format!("greatest age of what is served, {}", phase.unwrap_or("whole day")),
            what_ko: "공개 자료의 가장 큰 나이".to_owned(),
            value: oldest.map(|age| (format!("{age:.0} ms"), age <= most)),
            allowed: format!("≤ {most} ms"),
        }
    }

    fn answered(&self, class: Option<&str>, least: f64) -> Weighed {
        let shed = self.scenario.sheds();
        let share = self.measured.answered(class.and_then(|name| self.scenario.class(name)), &shed);
        Weighed {
            what: format!("answered as it should be, {}", class.unwrap_or("all")),
            what_ko: "제대로 답한 비율".to_owned(),
            value: share.map(|share| (format!("{share:.3} %"), share >= least)),
            allowed: format!("≥ {least} %"),
        }
    }

    fn errors(&self, class: Option<&str>, most: u64) -> Weighed {
        let errors = self.measured.server_errors(class.and_then(|name| self.scenario.class(name)));
        Weighed {
            what: format!("answers of 500 and more, {}", class.unwrap_or("all")),
            what_ko: "5xx 응답".to_owned(),
            value: Some((errors.to_string(), errors <= most)),
            allowed: format!("≤ {most}"),
        }
    }

    /// Whether these classes were turned away within the limits, each of them, and nobody else at all.
    fn shed(&self, only: &[String], (least, most): (f64, f64)) -> Weighed {
        let (scenario, measured) = (self.scenario, self.measured);
        let shares: Option<Vec<f64>> = only.iter().map(|name| measured.shed(scenario.class(name)?)).collect();
        let classes = scenario.loads.iter().zip(&measured.gauges.classes);
        let others = classes.filter(|(load, _)| !only.contains(&load.class));
        let others = others.map(|(load, gauge)| (load.class.as_str(), &gauge.shed));
        let others: Vec<String> = others
            .chain([("deliveries", &measured.gauges.aside_shed)])
            .filter(|(_, shed)| shed.total() > 0)
            .map(|(name, shed)| format!("{name}: {}", shed.words()))
            .collect();
        let value = shares.map(|shares| {
            let held = others.is_empty() && shares.iter().all(|share| (least..=most).contains(share));
            let each = only.iter().zip(shares).map(|(name, share)| format!("{name}: {share:.1} %"));
            let rest = if others.is_empty() { vec!["nobody else".to_owned()] } else { others };
            (each.chain(rest).collect::<Vec<_>>().join("; "), held)
        });
        let names = if only.is_empty() { "nobody".to_owned() } else { only.join(", ") };
        let limits = if only.is_empty() { String::new() } else { format!("{least} to {most} %, and ") };
        Weighed {
            what: format!("turned away, of {names} alone"),
            what_ko: "거절된 비율과 그 밖의 거절".to_owned(),
            value,
            allowed: format!("{limits}nobody else"),
        }
    }

    fn held(&self, (least, most): (f64, f64)) -> Weighed {
        let seconds: usize = self.measured.held().iter().map(|(from, until)| until - from).sum();
        let looked =
            self.measured.seen.samples.iter().any(|sample| sample.ages_ms.iter().any(Option::is_some));
        Weighed {
            what: "time for which the opening was held".to_owned(),
            what_ko: "순차 접속이 보류된 시간".to_owned(),
            value: looked.then(|| (format!("{seconds} s"), (least..=most).contains(&(seconds as f64)))),
            allowed: format!("{least} to {most} s"),
        }
    }

    fn resumes(&self, class: &str, after: &str, most: f64) -> Weighed {
        let silence = self.silence(class, after);
        Weighed {
            what: format!("longest time without a good answer of {class}, from {after} on"),
            what_ko: format!("{class}의 정상 응답이 없던 가장 긴 시간"),
            value: silence.map(|seconds| (format!("{seconds:.1} s"), seconds <= most)),
            allowed: format!("≤ {most} s"),
        }
    }

    /// Longest time without a good answer, in seconds, while a class was due and from a phase on.
    fn silence(&self, class: &str, after: &str) -> Option<f64> {
        let (number, timeline) = (self.scenario.class(class)?, &self.measured.timeline);
        let load = &self.scenario.loads[number];
        let from = timeline.phases[self.scenario.phase(after)?].max(timeline.seconds(load.from));
        let until = timeline.seconds(load.until).min(timeline.length);
        (from < until).then(|| self.measured.gauges.classes[number].silence(from, until))
    }

    /// A quantile in milliseconds; `None` where nothing was measured.
    fn quantile(&self, class: &str, quantile: Quantile, phase: Option<&str>) -> Option<f64> {
        let class = &self.measured.gauges.classes[self.scenario.class(class)?];
        let phase = phase.and_then(|name| self.scenario.phase(name));
        let chosen = class.by_phase.iter().enumerate();
        let chosen = chosen.filter(|(number, _)| phase.is_none_or(|phase| phase == *number));
        let mut all: Option<Histogram<u64>> = None;
        for histogram in chosen.filter_map(|(_, histogram)| histogram.as_ref()) {
            match &mut all {
                Some(all) => all.add(histogram).expect("all have the same bounds"),
                empty => *empty = Some(histogram.clone()),
            }
        }
        all.map(|all| ms(all.value_at_quantile(quantile.share())))
    }
}
