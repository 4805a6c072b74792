//! Caps in words, one line for each.

use std::fmt::Write as _;

use schemas::caps::{Cap, Caps, CapsFault, Class, Cohort, Plan, doubts as doubts_of};
use schemas::time::KST_MINUTES;

/// Faults, one a line under their number.
pub(super) fn faults(faults: &[CapsFault]) -> String {
    if faults.is_empty() {
        return "no fault".to_owned();
    }
    let mut text = format!("{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" });
    for fault in faults {
        write!(text, "\n  {fault}").expect("a String takes all text");
    }
    text
}

/// What is doubtful, one a line; nothing where all is well.
pub(super) fn doubts(caps: &Caps) -> String {
    doubts_of(caps).iter().map(|doubt| format!("  take care: {doubt}\n")).collect()
}

/// A plan: who may send how much, who joins when, what holds the opening.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = format!("in force from {}\n", plan.effective_from.0.rfc3339(KST_MINUTES));
    for words in [&plan.words.ko, &plan.words.en].into_iter().filter(|words| !words.is_empty()) {
        line(&mut text, words);
    }
    for of_kind in &plan.institutions {
        for class in Class::CAPPED {
            let name = format!("{:<12} {:<5}", of_kind.kind.name(), class.name());
            let Some(caps) = of_kind.class(class) else {
                line(&mut text, &format!("{name}  not admitted"));
                continue;
            };
            let circles = [("all", caps.all), ("each", Some(caps.each)), ("terminal", caps.terminal)];
            for (circle, cap) in circles.into_iter().filter_map(|(circle, cap)| Some((circle, cap?))) {
                line(&mut text, &format!("{name}  {circle:<8}  {}", of_cap(cap)));
            }
        }
    }
    for joins in &plan.cohorts {
        line(&mut text, &cohort(joins));
    }
    for hold in &plan.holds {
        let p99 = hold.p99_ms.map(|ms| format!("p99 above {ms} ms"));
        let waiting = hold.waiting.map(|waiting| format!("more than {waiting} waiting"));
        let limits: Vec<String> = p99.into_iter().chain(waiting).collect();
        let told = format!("held while {}: {}, {} s", hold.class.name(), limits.join(" or "), hold.seconds);
        line(&mut text, &told);
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str("  ");
    text.push_str(line);
    text.push('\n');
}

fn of_cap(cap: Cap) -> String {
    format!("{} a second, {} at once, {} waiting", cap.per_second, cap.burst, cap.concurrency)
}

fn cohort(cohort: &Cohort) -> String {
    let Cohort { at, kind, regions, percent } = cohort;
    let place =
        if regions.is_empty() { "everywhere".to_owned() } else { format!("in {}", regions.join(", ")) };
    format!("{:<12} {percent} in a hundred {place} from {}", kind.name(), at.0.rfc3339(KST_MINUTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps_file;

    #[test]
    fn the_document_that_the_page_shows_is_without_fault() {
        let page = include_str!("../../../docs/caps.md");
        let (_, shown) = page.split_once("```toml\n").unwrap();
        let (shown, _) = shown.split_once("```").unwrap();
        assert_eq!(schemas::caps::faults(&toml::from_str(shown).unwrap()), Vec::new());
    }

    #[test]
    fn a_plan_is_told_in_words() {
        let caps = caps_file::read("post-offices-2020").unwrap();
        let told = plan(&caps.plans[1]);
        for words in [
            "in force from 2020-03-1",
            "post_office  check  terminal  1 a second, 4 at once, 1 waiting\n",
            "post_office  10 in a hundred everywhere from 2020-03-11T0",
            "held while sale: p99 above 1000 ms or more than 4096 waiting, 10 s\n",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}
