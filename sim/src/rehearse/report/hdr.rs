//! Latencies as an HDR interval log (V2): one histogram in microseconds for each class and second, for whoever wants to plot or merge them.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::rehearse::measured::Measured;
use crate::rehearse::scenario::Scenario;

/// Writes the log: interval by interval, each class under its name as tag.
///
/// # Errors
/// When the file can not be written.
pub(super) fn write(path: &Path, scenario: &Scenario, measured: &Measured) -> Result<()> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let mut file = BufWriter::new(file);
    let mut serializer = V2DeflateSerializer::new();
    let began = UNIX_EPOCH + Duration::from_millis(u64::try_from(measured.began_ms).unwrap_or(0));
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("microseconds from the intended start of a request to its answer")
        .with_start_time(began)
        .with_base_time(began)
        .with_max_value_divisor(1_000.0)
        .begin_log_with(&mut file, &mut serializer)?;
    let seconds = measured.gauges.classes.iter().map(|class| class.by_second.len()).max().unwrap_or(0);
    for second in 0..seconds {
        for (load, class) in scenario.loads.iter().zip(&measured.gauges.classes) {
            let Some(histogram) = class.by_second.get(second).and_then(Option::as_ref) else { continue };
            let (from, one) = (Duration::from_secs(second as u64), Duration::from_secs(1));
            log.write_histogram(histogram, from, one, Tag::new(&load.class))
                .map_err(|error| anyhow!("{error}"))?;
        }
    }
    file.flush().context("writing the last intervals")
}
