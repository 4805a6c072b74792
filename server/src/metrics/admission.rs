//! The metrics of admission: by class, kind of institution and reason, never by institution.

use std::fmt;

use ingest::admission::Admission;
use ingest::modes::{Mode, Modes};
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;
use schemas::caps::{Class, Institution};

use super::{counter, gauge};

type NoLabels = [(&'static str, &'static str); 0];

pub(super) fn encode(admission: &Admission, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let pairs = || Class::CAPPED.into_iter().flat_map(|class| Institution::ALL.map(|kind| (class, kind)));
    let tally = admission.tally();
    let help = "Messages that were let in and are done with";
    let mut admitted = out.encode_descriptor("admitted", help, None, MetricType::Counter)?;
    for (class, kind) in pairs() {
        let labels = [("class", class.name()), ("institution", kind.name())];
        let count = tally.admitted(class, kind);
        admitted.encode_family(&labels)?.encode_counter::<NoLabels, _, f64>(&count, None)?;
    }
    let help = "Messages that were turned away at the door";
    let mut refused = out.encode_descriptor("turned_away", help, None, MetricType::Counter)?;
    for (class, kind) in pairs() {
        for (reason, count) in tally.refused(class, kind) {
            let labels = [("class", class.name()), ("institution", kind.name()), ("reason", reason.name())];
            refused.encode_family(&labels)?.encode_counter::<NoLabels, _, f64>(&count, None)?;
        }
    }
    let reports = admission.class_reports();
    let under_way = reports.map(|report| (report.class, report.under_way));
    by_class(out, "class_under_way", "Messages that wait for their answers", &under_way)?;
    let limits = reports.map(|report| (report.class, report.limit));
    by_class(out, "class_limit", "Messages that may wait for their answers", &limits)?;
    let help = "1 while no further cohort is admitted";
    gauge(out, "admission_held", help, f64::from(u8::from(admission.held())))
}

pub(super) fn encode_modes(modes: &Modes, out: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "1 while the writing side is in this degraded mode";
    let mut family = out.encode_descriptor("degraded", help, None, MetricType::Gauge)?;
    for mode in Mode::ALL {
        let value = f64::from(u8::from(modes.since(mode).is_some()));
        family.encode_family(&[("mode", mode.name())])?.encode_gauge(&value)?;
    }
    if let Some(ms) = modes.probe_ms() {
        let help = "Time of the last probe from its report until it was served, in seconds";
        gauge(out, "probe_seconds", help, ms as f64 / 1000.0)?;
    }
    counter(out, "probes_lost", "Probes that did not come through", modes.probes_lost())?;
    let help = "1 while nothing has been written for some seconds: raise the alarm";
    gauge(out, "writes_dead", help, f64::from(u8::from(modes.writes_dead())))
}

fn by_class(out: &mut DescriptorEncoder<'_>, name: &str, help: &str, values: &[(Class, u32)]) -> fmt::Result {
    let mut family = out.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (class, value) in values {
        family.encode_family(&[("class", class.name())])?.encode_gauge(&f64::from(*value))?;
    }
    Ok(())
}
