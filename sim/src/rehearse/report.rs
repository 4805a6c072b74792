//! The report: a page to sign off, its twin as JSON, and the latencies as HDR logs, all in one folder.

mod hdr;
mod html;
mod json;
mod svg;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use json::FORMAT;

use super::measured::Measured;
use super::scenario::Scenario;
use super::verdict::Judgement;

/// The folder of a report that was not given one: named after the scenario and the moment.
#[must_use]
pub fn folder(name: &str) -> PathBuf {
    let moment = crate::fleet::now().naive(schemas::time::KST_MINUTES);
    let digits: String = moment.chars().filter(char::is_ascii_digit).collect();
    let name = Path::new(name).file_stem().map_or_else(|| "rehearsal".into(), |stem| stem.to_string_lossy());
    PathBuf::from(format!("rehearsal-{name}-{digits}"))
}

/// Writes `report.html`, `report.json` and `latency.hlog`.
///
/// # Errors
/// When the folder can not be written.
pub fn write(folder: &Path, scenario: &Scenario, measured: &Measured, judgement: &Judgement) -> Result<()> {
    hdr::write(&folder.join("latency.hlog"), scenario, measured)?;
    json::write(&folder.join("report.json"), scenario, measured, judgement)?;
    html::write(&folder.join("report.html"), scenario, measured, judgement)
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
