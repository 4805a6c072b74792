//! Where connections are kept: how many there were, what stopped more of them, and what the number that was wanted would cost.

use super::cast::open_files;
use crate::rehearse::measured::Measured;
use crate::rehearse::scenario::Scenario;

/// What the report says of them; `None` where a scenario keeps none.
pub(super) fn remark(scenario: &Scenario, measured: &Measured) -> Option<String> {
    let wanted = scenario.stage.connections;
    let held = measured.gauges.connections;
    if !wanted.kept || held >= wanted.readers {
        return None;
    }
    let limit = open_files().unwrap_or(0);
    let why = if measured.short || held + 256 < limit.min(wanted.readers) {
        "the scale of this form".to_owned()
    } else if wanted.readers > limit {
        format!("the {limit} open files that this process may have (`ulimit -n`)")
    } else {
        "the scenario".to_owned()
    };
    let mib = grown(measured);
    let each = mib * 1024.0 / held.max(1) as f64;
    let readers = wanted.readers as f64;
    Some(format!(
        "{held} connections were held at once; {why} set that number. The edges grew by {mib:.0} MiB meanwhile, {each:.1} KiB each; {readers:.0} \
         would take {:.1} GiB and, at 20,000 open files a process, {:.0} edges",
        each * readers / 1024.0 / 1024.0,
        (readers / 20_000.0).ceil()
    ))
}

/// By how much the edges grew from the first second to their largest, in MiB.
fn grown(measured: &Measured) -> f64 {
    let edges: Vec<usize> =
        (0..measured.parts.len()).filter(|part| measured.parts[*part].starts_with("edge")).collect();
    let sum = |parts: &[(f64, f64)]| {
        edges.iter().filter_map(|edge| parts.get(*edge)).map(|(_, mib)| mib).sum::<f64>()
    };
    let sizes: Vec<f64> =
        measured.seen.samples.iter().map(|sample| sum(&sample.parts)).filter(|mib| *mib > 0.0).collect();
    let most = sizes.iter().copied().fold(0.0, f64::max);
    most - sizes.first().copied().unwrap_or(most)
}
