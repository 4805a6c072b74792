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

/// By how much the edges grew to their largest since before the first connection, in MiB.
fn grown(measured: &Measured) -> f64 {
    let edges: Vec<usize> =
        (0..measured.parts.len()).filter(|part| measured.parts[*part].starts_with("edge")).collect();
    let before: f64 = edges.iter().filter_map(|edge| measured.before_mib.get(*edge)).sum();
    let sum = |parts: &[(f64, f64)]| {
        edges.iter().filter_map(|edge| parts.get(*edge)).map(|(_, mib)| mib).sum::<f64>()
    };
    let sizes = measured.seen.samples.iter().map(|sample| sum(&sample.parts));
    (sizes.fold(0.0, f64::max) - before).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::catalog;
    use crate::rehearse::schedule::Timeline;
    use crate::rehearse::watch::Sample;

    #[test]
    fn what_connections_cost_counts_from_before_the_first_of_them() {
        let scenario = catalog::find("ktx").unwrap();
        let timeline = Timeline::new(&scenario, scenario.short);
        let mut measured = Measured::new(&scenario, scenario.short, true, &timeline);
        measured.parts = ["core 0", "edge 0", "edge 1"].map(str::to_owned).to_vec();
        measured.before_mib = vec![300.0, 50.0, 50.0];
        measured.gauges.connections = 2_048;
        // All connections are open in the first sample already.
        let sample =
            |mib: f64| Sample { parts: vec![(0.1, 900.0), (0.1, mib), (0.1, mib)], ..Sample::default() };
        measured.seen.samples = vec![sample(65.0), sample(66.0), sample(60.0)];
        let told = remark(&scenario, &measured).unwrap();
        assert!(told.contains("grew by 32 MiB meanwhile, 16.0 KiB each"), "{told}");
    }
}
