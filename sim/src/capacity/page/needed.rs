//! The part of the page that is computed: what nations need, what no machine more helps, and every assumption.

use super::{number, or_dash, table};
use crate::capacity::Statement;
use crate::capacity::assumed::Basis;
use crate::capacity::plan::{Needs, Readers};

pub(super) fn nations(said: &Statement) -> String {
    let heads: Vec<String> = std::iter::once(String::new())
        .chain(said.needs.iter().map(|needs| needs.scale.name.clone()))
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let row = |name: &str, of: &dyn Fn(&Needs) -> String| {
        std::iter::once(name.to_owned()).chain(said.needs.iter().map(of)).collect::<Vec<String>>()
    };
    let hits = said.terms.cdn_hits * 100.0;
    let cdn = format!("**with a CDN that answers {hits:.0} % of the tiles** (assumed)");
    let mut rows = vec![
        row("people", &|needs| number(needs.scale.people)),
        row("viewers at once", &|needs| number(needs.scale.viewers)),
        row("outlets", &|needs| number(needs.scale.outlets)),
        row("claims/s at the peak", &|needs| number(needs.scale.claims)),
        row("**without a CDN**", &|_| String::new()),
    ];
    rows.extend(readers(said, &|needs| &needs.bare));
    rows.push(row(&cdn, &|_| String::new()));
    rows.extend(readers(said, &|needs| &needs.behind_cdn));
    rows.extend([
        row("**the writing side**", &|_| String::new()),
        row("checks/s", &|needs| number(needs.writers.checks)),
        row("stock messages/s", &|needs| number(needs.writers.stock)),
        row("cores", &|needs| or_dash(needs.writers.cores)),
        row("CPUs that each of them uses", &|needs| or_dash(needs.writers.cpus_of_core)),
        row("memory of the ledger of each, GiB; up to twice that while a checkpoint is written", &|needs| {
            number(needs.writers.ledger_gib)
        }),
        row("checkpoint, s", &|needs| number(needs.writers.checkpoint_s)),
        row("nodes of NATS", &|_| number(super::super::assumed::NODES.value)),
        row("CPUs that each of them uses", &|needs| or_dash(needs.writers.cpus_of_node)),
        row("journal of 36 days on each, TB", &|needs| number(needs.writers.journal_tb)),
        row("of one fold, % of a CPU", &|needs| number(needs.writers.fold * 100.0)),
        row("of full batches of one writer, %", &|needs| number(needs.writers.batches * 100.0)),
    ]);
    format!(
        "## What nations need\n\nEach viewer asks again after {} s (assumed; a page of jaego that is left open and has no stream asks more \
         often). Costs are those measured above, on this machine; *not told* where the reports do not tell them. CPUs are those used at \
         the peak; numbers of processes leave 40 % free. Nothing here was measured at these sizes.\n\n{}",
        number(said.terms.asks_every_s),
        table(&heads, rows)
    )
}

fn readers<'a>(said: &'a Statement, of: &dyn Fn(&'a Needs) -> &'a Readers) -> Vec<Vec<String>> {
    let row = |name: &str, tell: &dyn Fn(&Readers) -> String| {
        std::iter::once(name.to_owned()).chain(said.needs.iter().map(|needs| tell(of(needs)))).collect()
    };
    vec![
        row("requests/s at edges", &|readers| number(readers.rate)),
        row("CPUs they use", &|readers| or_dash(readers.cpus)),
        row("egress, Gbit/s", &|readers| number(readers.gbit)),
        row("connections held", &|readers| {
            readers.connections.map_or_else(|| "those of the CDN".to_owned(), number)
        }),
        row("edges, and what sets their number", &|readers| {
            readers
                .edges
                .map_or_else(|| "not told".to_owned(), |(edges, why)| format!("{} ({why})", number(edges)))
        }),
    ]
}

pub(super) fn limits(said: &Statement) -> String {
    let rows = said.limits.iter().map(|limit| {
        vec![
            limit.what.to_owned(),
            number(limit.claims),
            number(limit.people),
            limit.how.clone(),
            limit.follows.to_owned(),
        ]
    });
    "## What is bound by one\n\nClaims a second at which each is full, and the people whose peak that is. The lowest come first.\n\n"
        .to_owned()
        + &table(&["what", "claims/s", "people", "how that is known", "what follows"], rows)
}

pub(super) fn figures(said: &Statement) -> String {
    let rows = said.figures.iter().map(|figure| {
        let basis = match figure.basis {
            Basis::Measured => "measured",
            Basis::Published => "published",
            Basis::Assumed => "**assumed**",
        };
        let value = format!("{} {}", number(figure.value), figure.unit);
        vec![figure.what.to_owned(), value, basis.to_owned(), figure.source.to_owned()]
    });
    "## Figures that no report holds\n\n".to_owned() + &table(&["figure", "value", "", "source"], rows)
}
