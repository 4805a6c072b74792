//! The metrics of the archive of past days; none where it is not kept.

use std::fmt;

use prometheus_client::encoding::DescriptorEncoder;
use publisher::{Archive, Publisher};

use super::{counter, gauge};

pub(super) fn encode(publisher: &Publisher, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Some(history) = publisher.archive().map(Archive::status) else { return Ok(()) };
    gauge(out, "history_on", "1 while published changes are written to the history", history.on.into())?;
    gauge(out, "history_version", "Last version in the history", history.written as f64)?;
    let unsealed = history.unsealed_days as f64;
    gauge(out, "history_unsealed_days", "Days that are over and could not be sealed yet", unsealed)?;
    let help = "Versions that were not written apart, because too many waited for the disk";
    counter(out, "history_passed_over", help, history.passed_over)
}
