//! The caps of the day on the page, as they were applied: who might send how much from when on, who joined when, and what would have held the
//! opening.

use std::fmt::Write as _;

use schemas::caps::{Cap, Class, ClassCaps, Hold, Plan};

use crate::rehearse::measured::Measured;
use crate::rehearse::report::escaped;
use crate::rehearse::scenario::{DayPlan, Scenario};

/// The section; nothing where the built-in caps held.
pub(super) fn section(scenario: &Scenario, measured: &Measured) -> String {
    let (Some(day), Some(applied)) = (&scenario.caps, &measured.caps) else { return String::new() };
    let mut out = "<h2>한도 <small>caps, as applied before the day</small></h2>\n".to_owned();
    for (of_day, plan) in day.plans.iter().zip(&applied.plans) {
        out += &table(of_day, plan);
    }
    out + "<p><small>초당 · 한꺼번에 · 동시에. A second · at once · waiting for an answer. 종류 전체의 한도는 규모에 맞춰 줄입니다. What all of a kind may \
           send is scaled as the load is.</small></p>\n"
}

fn table(day: &DayPlan, plan: &Plan) -> String {
    let words = [&plan.words.ko, &plan.words.en].map(|words| escaped(words)).join(" · ");
    let mut out = format!(
        "<p><b>{}</b> {}</p>\n<div class=wide><table><tr><th>기관 · institution<th>종류 · class<th>모두 · all<th>각 기관 · each<th>단말기 · \
         terminal</tr>",
        day.effective_from,
        words.trim_matches([' ', '·'])
    );
    for institution in &plan.institutions {
        for (class, ClassCaps { all, each, terminal }) in
            Class::CAPPED.into_iter().filter_map(|class| Some((class, institution.class(class)?)))
        {
            let (all, each, terminal) = (told(*all), told(Some(*each)), told(*terminal));
            write!(
                out,
                "<tr><td>{}<td>{}<td>{all}<td>{each}<td>{terminal}</tr>",
                institution.kind.name(),
                class.name()
            )
            .expect("text takes all text");
        }
    }
    out + "</table></div>\n" + &openings(day, plan)
}

fn told(cap: Option<Cap>) -> String {
    cap.map_or_else(
        || "–".to_owned(),
        |Cap { per_second, burst, concurrency }| {
            format!("{} · {burst} · {concurrency}", (per_second * 100.0).round() / 100.0)
        },
    )
}

/// Cohorts and holds, where there are any.
fn openings(day: &DayPlan, plan: &Plan) -> String {
    let cohorts = day.cohorts.iter().map(|cohort| {
        let place = if cohort.regions.is_empty() {
            String::new()
        } else {
            format!(" in {}", cohort.regions.join(", "))
        };
        format!("{}: {} {} %{place}", cohort.at, cohort.kind.name(), cohort.percent)
    });
    let holds = plan.holds.iter().map(|Hold { class, p99_ms, waiting, seconds }| {
        let p99 = p99_ms.map(|ms| format!("p99 &gt; {ms} ms"));
        let waiting = waiting.map(|waiting| format!("waiting &gt; {waiting}"));
        let signs: Vec<String> = p99.into_iter().chain(waiting).collect();
        format!("보류 held: {} {}, {seconds} s", class.name(), signs.join(" or "))
    });
    let lines: String = cohorts.chain(holds).map(|line| format!("<li>{line}</li>")).collect();
    if lines.is_empty() { lines } else { format!("<ul>{lines}</ul>\n") }
}
