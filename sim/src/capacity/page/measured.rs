//! The part of the page that comes out of the reports: sources, costs, knees and models.

use super::{number, table};
use crate::capacity::contention::{Fitted, Quality, Queue, Scalability};
use crate::capacity::costs::{Cost, Costs, ServiceCosts};
use crate::capacity::knee::Knee;
use crate::capacity::{Response, Source, Statement};

pub(super) fn sources(said: &Statement) -> String {
    let void: Vec<&Source> = said.reports.iter().filter(|report| !report.void.is_empty()).collect();
    let mut out = String::new();
    if !void.is_empty() {
        out += "> **VOID REPORTS WERE TAKEN.** The figures below are no statement:\n";
        for report in void {
            out += &format!("> `{}` of {}: {}\n", report.scenario, report.began, report.void.join("; "));
        }
        out += "\n";
    }
    let rows = said.reports.iter().map(|report| {
        let bytes = report.bytes.iter().map(|(class, bytes)| format!("{class} {}", number(*bytes)));
        let bytes = bytes.collect::<Vec<_>>().join(", ");
        vec![
            format!("`{}`", report.scenario),
            report.began.clone(),
            report.verdict.clone(),
            report.seconds.to_string(),
            bytes,
        ]
    });
    out += &format!("Stage: {}. The load runs on the same CPUs.\n\n", said.stage);
    out + &table(
        &["rehearsal", "begun", "verdict", "seconds used", "bytes of an answer, not compressed"],
        rows,
    )
}

pub(super) fn costs(said: &Statement) -> String {
    let (fitted, kept) = said.costs.seconds;
    let mut out = format!(
        "## What a request costs\n\nCPU microseconds of one request at each service, ± the standard error: the use of each second is the \
         sum of its requests times their costs, and an idle use of each report (utilisation law, least squares over {fitted} seconds). A \
         cost whose standard error is more than half of it is not told; one below nothing by more than its error can not be, so the law leaves something \
         out there. Plans below take two standard errors more.\n\n"
    );
    out += &cost_table(&said.costs);
    out += &batches(&said.costs);
    let share = |value: f64| format!("{value:.3}");
    let rows = said.costs.services.iter().map(|service| {
        let idle = service.idle.iter().map(|(idle, error)| format!("{idle:.3} ± {error:.3}"));
        vec![
            service.service.to_owned(),
            share(service.mean),
            idle.collect::<Vec<_>>().join(", "),
            share(service.fit_error),
            share(service.held_out_error),
            share(service.mean_error),
            verdict(service).to_owned(),
        ]
    });
    out += &format!(
        "How well these costs foretell, in CPUs (root of the mean square; {kept} seconds were kept back):\n\n"
    );
    let heads = [
        "service",
        "mean use",
        "idle, by report",
        "off where fitted",
        "off where kept back",
        "the mean alone is off",
        "",
    ];
    out += &table(&heads, rows);
    out + &each(said)
}

/// Why a batch has a cost of its own.
fn batches(costs: &Costs) -> String {
    let Some(found) = costs.batches else { return String::new() };
    let costs = "What a batch costs is apart from what its messages cost: a core has one under way at a time, and its number levels off.";
    format!(
        "{costs} Its time of {:.2} ms is the one that explains the use of core and NATS best; it leaves {:.0} % of the squares that are left \
         without it.\n\n",
        found.ms,
        found.left * 100.0
    )
}

fn verdict(service: &ServiceCosts) -> &'static str {
    if service.holds() { "holds" } else { "**foretells no more than the mean: not used**" }
}

fn cost_table(costs: &Costs) -> String {
    let heads: Vec<&str> =
        ["kind", "class"].into_iter().chain(costs.services.iter().map(|one| one.service)).collect();
    let kinds = costs.services.first().map_or(0, |service| service.costs.len());
    let rows = (0..kinds).map(|kind| {
        let first = &costs.services[0].costs[kind];
        let mut row = vec![first.kind.clone(), first.class.to_owned()];
        row.extend(costs.services.iter().map(|service| cost(&service.costs[kind])));
        row
    });
    table(&heads, rows)
}

fn cost(cost: &Cost) -> String {
    let Cost { micros, error, told, planned, .. } = cost;
    if *told {
        format!("{micros:.1} ± {error:.1}")
    } else if *planned > 0.0 {
        format!("not told (below {planned:.1})")
    } else {
        format!("{micros:.1} ± {error:.1}: can not be")
    }
}

/// The same out of each report alone: costs that differ show what one number hides.
fn each(said: &Statement) -> String {
    let rows: Vec<Vec<String>> = said
        .reports
        .iter()
        .zip(&said.costs_of_each)
        .filter_map(|(report, costs)| Some((report, costs.as_ref()?)))
        .flat_map(|(report, costs)| {
            costs.services.iter().filter(|service| service.service != "load").flat_map(|service| {
                let told = service.costs.iter().filter(|cost| cost.told && service.holds());
                told.map(|found| {
                    let place = vec![format!("`{}`", report.scenario), service.service.to_owned()];
                    [place, vec![found.kind.clone(), cost(found)]].concat()
                })
            })
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    "Out of each report alone, where it tells. Costs of one kind that differ depend on the load: many messages at once share a batch.\n\n"
        .to_owned()
        + &table(&["rehearsal", "service", "kind", "µs"], rows)
}

pub(super) fn responses(said: &Statement) -> String {
    let mut out = "## Where latency turns up\n\nLatencies count from the intended start, and up to 1 ms is the generator's. Models are \
        fitted on three quarters of the seconds and held against the rest; errors are the middle of all, in percent of what was measured.\n\n"
        .to_owned();
    if said.responses.is_empty() {
        out += "In no report does the rate of one class climb (fourfold at least) and fill the machine, so nothing can be said. Next step: \
                give reports of `jaego rehearse capacity-readers` and `capacity-claims`.\n\n";
    }
    said.responses.iter().for_each(|response| out += &one(response));
    out
}

fn one(response: &Response) -> String {
    let Response { scenario, class, highest, knee, queue, scalability } = response;
    format!(
        "### {class} in `{scenario}`, up to {}/s\n\n- **Knee.** {}\n- **Waiting for a CPU** (M/M/c). {}\n- **Universal scalability \
         law.** {}\n\n",
        number(*highest),
        said_of(knee, knee_in_words),
        said_of(queue, queue_in_words),
        said_of(scalability, |law| law_in_words(law, *highest))
    )
}

fn said_of<T>(fitted: &Fitted<T>, words: impl Fn(&T) -> String) -> String {
    match fitted {
        Fitted::Fits(found) => words(found),
        Fitted::No(why) => format!("No figure: {why}."),
    }
}

fn knee_in_words(knee: &Knee) -> String {
    format!(
        "{}/s (between {} and {}), with {:.0} % of the machine in use. p99 is {} ms below it and {} ms over the fastest twentieth; a tenth \
         of that rate more makes p99 {:+.0} % longer before and {:+.0} % after it.",
        number(knee.rate),
        number(knee.between.0),
        number(knee.between.1),
        knee.busy,
        number(knee.p99_ms.0),
        number(knee.p99_ms.1),
        knee.growth.0,
        knee.growth.1
    )
}

fn queue_in_words(queue: &Queue) -> String {
    format!(
        "Mean latency is {:.2} ± {:.2} ms on an idle machine, and {:.2} ± {:.2} ms is waited for each turn of one of the {} CPUs. {}",
        queue.base_ms.0,
        queue.base_ms.1,
        queue.wait_ms.0,
        queue.wait_ms.1,
        queue.cpus,
        quality(&queue.quality)
    )
}

fn law_in_words(law: &Scalability, highest: f64) -> String {
    let (end, most) = match (law.peak, law.ceiling) {
        (Some((flight, rate)), _) => (
            format!("throughput would be greatest at {}/s with {} in flight", number(rate), number(flight)),
            rate,
        ),
        (None, Some(ceiling)) => (format!("throughput would level off at {}/s", number(ceiling)), ceiling),
        (None, None) => ("no end of it can be seen".to_owned(), f64::INFINITY),
    };
    let worth = if most < highest {
        "less than was measured, so its end says nothing"
    } else {
        "beyond what was measured"
    };
    format!(
        "λ {} ± {}/s, σ {:.4}, κ {:.2e}; {end}, {worth}. {}",
        number(law.alone.0),
        number(law.alone.1),
        law.contention,
        law.coherency,
        quality(&law.quality)
    )
}

fn quality(quality: &Quality) -> String {
    format!(
        "Off by {:.0} % in the {} seconds that were fitted, {:.0} % in the {} that were kept back; a constant by {:.0} % there.",
        quality.fit_error,
        quality.seconds.0,
        quality.held_out_error,
        quality.seconds.1,
        quality.constant_error
    )
}
