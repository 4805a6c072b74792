//! The report: a page to sign off, its twin as JSON, and the latencies as HDR logs, all in one folder.

mod hdr;
mod html;
mod json;
mod svg;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

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

/// The version of this program, which is that of the servers that it starts.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The files of a report: latencies, the twin, the page.
const FILES: [&str; 3] = ["latency.hlog", "report.json", "report.html"];

/// Makes the folder and tries whether a report can be written there, so that no run is played in vain.
///
/// # Errors
/// When it can not; names the file.
pub fn prepare(folder: &Path) -> Result<()> {
    const NEXT: &str = "next step: name another folder with --report";
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}; {NEXT}", folder.display()))?;
    FILES.iter().try_for_each(|name| {
        let path = folder.join(name);
        let fresh = !path.exists();
        let tried = File::options().create(true).append(true).open(&path);
        tried.with_context(|| format!("{} can not be written; {NEXT}", path.display()))?;
        if fresh {
            fs::remove_file(&path)
                .with_context(|| format!("{} can not be replaced; {NEXT}", path.display()))?;
        }
        Ok(())
    })
}

/// Writes `report.html`, `report.json` and `latency.hlog`.
///
/// # Errors
/// When the folder can not be written.
pub fn write(folder: &Path, scenario: &Scenario, measured: &Measured, judgement: &Judgement) -> Result<()> {
    let [latencies, twin, page] = FILES.map(|name| folder.join(name));
    hdr::write(&latencies, scenario, measured)?;
    json::write(&twin, scenario, measured, judgement)?;
    html::write(&page, scenario, measured, judgement)
}

/// Text as HTML has it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_takes_no_report_is_told_before_the_day() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("new");
        prepare(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left of the trial");
        // A report that is there stays until the next one is written.
        fs::write(folder.join("report.json"), "before").unwrap();
        prepare(&folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("report.json")).unwrap(), "before");
        fs::create_dir(folder.join("report.html")).unwrap();
        let told = format!("{:#}", prepare(&folder).unwrap_err());
        assert!(told.contains("report.html can not be written") && told.contains("--report"), "{told}");
        let told = format!("{:#}", prepare(&folder.join("report.json")).unwrap_err());
        assert!(told.contains("making the folder") && told.contains("--report"), "{told}");
    }
}
