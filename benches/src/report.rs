//! Results as rows of a table, kept in `benches/README.md` section by section with machine, commit and date.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use schemas::time::KST_MINUTES;

/// One figure, and the bar it is held to where there is one.
#[derive(Debug, Clone)]
pub struct Row {
    name: String,
    figure: String,
    bar: Option<(String, bool)>,
}

impl Row {
    /// A figure without a bar.
    pub fn plain(name: impl Into<String>, figure: impl Into<String>) -> Self {
        Self { name: name.into(), figure: figure.into(), bar: None }
    }

    /// A ratio that must not be smaller.
    pub fn at_least(name: impl Into<String>, ratio: f64, bar: f64) -> Self {
        Self {
            name: name.into(),
            figure: format!("{ratio:.2}"),
            bar: Some((format!("≥ {bar}"), ratio >= bar)),
        }
    }

    /// A ratio or figure that must not be larger.
    pub fn at_most(name: impl Into<String>, figure: f64, bar: f64) -> Self {
        Self {
            name: name.into(),
            figure: format!("{figure:.2}"),
            bar: Some((format!("≤ {bar}"), figure <= bar)),
        }
    }

    /// Whether its bar is missed.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.bar.as_ref().is_some_and(|(_, holds)| !holds)
    }

    fn line(&self) -> String {
        let (bar, verdict) = match &self.bar {
            Some((bar, true)) => (bar.as_str(), "holds"),
            Some((bar, false)) => (bar.as_str(), "**missed**"),
            None => ("", ""),
        };
        format!("| {} | {} | {bar} | {verdict} |", self.name, self.figure)
    }
}

/// Prints a section and puts it into the file in place of an older one of the same name.
///
/// # Errors
/// When the file can not be read or written.
pub fn keep(file: &Path, section: &str, rows: &[Row]) -> Result<()> {
    let mut text = format!("<!-- section {section} -->\n## {section}\n\n{}\n\n", circumstances()?);
    text.push_str("| measured | figure | bar | |\n| --- | --- | --- | --- |\n");
    for row in rows {
        writeln!(text, "{}", row.line())?;
    }
    println!("{text}");
    let end = format!("<!-- end {section} -->\n");
    text.push_str(&end);
    let old = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let new = match (old.find(&format!("<!-- section {section} -->")), old.find(&end)) {
        (Some(from), Some(to)) => format!("{}{text}{}", &old[..from], &old[to + end.len()..]),
        _ => format!("{old}\n{text}"),
    };
    std::fs::write(file, new).with_context(|| format!("writing {}", file.display()))
}

/// Machine, commit and date of a run.
fn circumstances() -> Result<String> {
    let output = Command::new("git").args(["rev-parse", "--short", "HEAD"]).output().context("asking git")?;
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|l| l.strip_prefix("model name"))
        .map_or("unknown", |l| l.trim_matches([' ', '\t', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let day = ingest::clock::now().rfc3339(KST_MINUTES);
    Ok(format!("{cores} cores of {model} · commit {commit} · {}", &day[..10]))
}
