//! The report as JSON: everything that the page shows, for a program.

use std::path::Path;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::rehearse::generator::ClassGauge;
use crate::rehearse::measured::Measured;
use crate::rehearse::scenario::{Does, Scenario};
use crate::rehearse::verdict::Judgement;

/// Name and version of the document: 2 has what happened in each second.
pub(crate) const FORMAT: &str = "jaego-rehearsal/2";

/// Writes the document.
///
/// # Errors
/// When the file can not be written.
pub(super) fn write(
    path: &Path,
    scenario: &Scenario,
    measured: &Measured,
    judgement: &Judgement,
) -> Result<()> {
    let text = serde_json::to_string_pretty(&document(scenario, measured, judgement))?;
    std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

fn document(scenario: &Scenario, measured: &Measured, judgement: &Judgement) -> Value {
    let gauges = &measured.gauges;
    let classes =
        scenario.loads.iter().zip(&gauges.classes).map(|(load, gauge)| class(&load.class, load.does, gauge));
    json!({
        "format": FORMAT,
        "scenario": scenario.name,
        "began": schemas::Millis(measured.began_ms).rfc3339(schemas::time::KST_MINUTES),
        "short": measured.short,
        "scale": measured.scale,
        "speed": measured.speed,
        "seconds": measured.timeline.length,
        "jaego": super::VERSION,
        "cpus": measured.machine.cpus,
        "machine": measured.machine,
        "targets": measured.targets,
        "outlets": measured.registered,
        "verdict": judgement.verdict,
        "void": judgement.void,
        "rows": judgement.rows,
        "classes": classes.collect::<Vec<_>>(),
        "aside": gauges.aside,
        "aside_shed": gauges.aside_shed.by_reason(),
        "caps": measured.caps,
        "findings": measured.accounts.findings,
        "aftermath": measured.aftermath,
        "events": measured.events,
        "remarks": measured.remarks,
        "visible": measured.visible,
        "unseen": measured.unseen,
        "generator": {
            "late_p99_ms": gauges.latest().map(|(_, late)| late as f64 / 1_000.0),
            "waited_p99_ms": gauges.waited.as_ref().map(|waited| waited.value_at_quantile(0.99) as f64 / 1_000.0),
            "cpu": gauges.cpu,
            "starved": gauges.starved,
            "connections": gauges.connections,
            "unanswered": gauges.unanswered,
            "socket_errors": gauges.refused,
            "clock_jump_ms": measured.seen.clock_jump.as_millis(),
        },
        "parts": measured.parts,
        "samples": measured.seen.samples,
    })
}

fn class(name: &str, does: Does, gauge: &ClassGauge) -> Value {
    let sum = |counts: &[u32]| counts.iter().map(|n| u64::from(*n)).sum::<u64>();
    let phases = gauge.by_phase.iter().map(|phase| {
        phase.as_ref().map(|all| {
            let ms = |quantile| all.value_at_quantile(quantile) as f64 / 1_000.0;
            json!({ "count": all.len(), "p50_ms": ms(0.5), "p99_ms": ms(0.99), "p999_ms": ms(0.999), "max_ms": all.max() as f64 / 1_000.0 })
        })
    });
    json!({
        "class": name,
        "does": does,
        "intended": sum(&gauge.intended),
        "sent": sum(&gauge.sent),
        "good": sum(&gauge.good),
        "turned_away": sum(&gauge.turned_away),
        "shed": gauge.shed.by_reason(),
        "late_p99_ms": gauge.lateness.as_ref().map(|late| late.value_at_quantile(0.99) as f64 / 1_000.0),
        "failed": sum(&gauge.failed),
        "again": gauge.again,
        "bytes": gauge.bytes,
        "statuses": gauge.statuses,
        "phases": phases.collect::<Vec<_>>(),
        "series": series(gauge),
    })
}

/// What happened in each second of the run; latencies are those of the requests that were done in it, from their intended start.
fn series(gauge: &ClassGauge) -> Value {
    let ms = |of: fn(&Histogram<u32>) -> f64| -> Vec<Option<f64>> {
        gauge.by_second.iter().map(|second| second.as_ref().map(|all| of(all) / 1_000.0)).collect()
    };
    json!({
        "intended": gauge.intended,
        "good": gauge.good,
        "turned_away": gauge.turned_away,
        "shed": gauge.shed.by_second(),
        "failed": gauge.failed,
        "mean_ms": ms(Histogram::mean),
        "p50_ms": ms(|all| all.value_at_quantile(0.5) as f64),
        "p99_ms": ms(|all| all.value_at_quantile(0.99) as f64),
    })
}
