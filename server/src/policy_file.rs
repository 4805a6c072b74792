//! A schedule of policies by its name or from its file, whole and without faults, or every reason why not.

use std::fmt::Write as _;
use std::path::Path;

use aggregator::{Rulebook, ScheduleFault};
use anyhow::{Context, bail};
use schemas::policy::{SHIPPED, Schedule, shipped};

/// A schedule that can come into force: one that is shipped, by its name, or one of a file `.toml` or `.json`.
///
/// # Errors
/// When there is none of this name, the file can not be read or is not a schedule (with line and next step), or the schedule
/// has faults: all of them.
pub fn load(name_or_path: &str) -> anyhow::Result<Schedule> {
    let schedule = read(name_or_path)?;
    match Rulebook::new(&schedule) {
        Ok(_) => Ok(schedule),
        Err(faults) => bail!("{name_or_path}: {}", list(&faults)),
    }
}

/// As [`load`], but with whatever faults there are inside.
///
/// # Errors
/// When there is none of this name, or the file can not be read or is not a schedule.
pub fn read(name_or_path: &str) -> anyhow::Result<Schedule> {
    if let Some(document) = shipped(name_or_path) {
        return Ok(toml::from_str(document).expect("a test reads every shipped document"));
    }
    let path = Path::new(name_or_path);
    let extension = path.extension().and_then(|extension| extension.to_str());
    let parse: fn(&str) -> anyhow::Result<Schedule> = match extension {
        Some("toml") => parse_toml,
        Some("json") => parse_json,
        _ => bail!(
            "{name_or_path:?} is neither a schedule that comes with jaego ({}) nor a file that ends in .toml or .json; write one of these",
            names()
        ),
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{name_or_path}: can not be read as text in UTF-8; check its path"))?;
    parse(&text).with_context(|| format!("{name_or_path}: not a schedule of policies"))
}

/// The names of the shipped schedules, in words.
fn names() -> String {
    SHIPPED.map(|(name, _)| name).join(", ")
}

fn parse_toml(text: &str) -> anyhow::Result<Schedule> {
    toml::from_str(text).map_err(|error| {
        let hint = if error.message().contains("datetime") || error.message().contains("map, expected") {
            "write times and dates in quotes; "
        } else {
            ""
        };
        anyhow::anyhow!("{}\n{hint}docs/policies.md explains every field", error.to_string().trim_end())
    })
}

fn parse_json(text: &str) -> anyhow::Result<Schedule> {
    serde_json::from_str(text)
        .map_err(|error| anyhow::anyhow!("{error}; docs/policies.md explains every field"))
}

/// Faults, one a line under their number.
pub(crate) fn list(faults: &[ScheduleFault]) -> String {
    let mut text = format!("{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" });
    for fault in faults {
        write!(text, "\n  {fault}").expect("a String takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> anyhow::Result<Schedule> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        load(path.to_str().expect("a path of text"))
    }

    fn told(name: &str, text: &str) -> String {
        format!("{:#}", file(name, text).unwrap_err())
    }

    #[test]
    fn every_shipped_schedule_loads_by_its_own_name() {
        for (name, _) in SHIPPED {
            assert_eq!(load(name).unwrap().name, name);
        }
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let schedule = load("korea-2020").unwrap();
        assert_eq!(file("a.toml", &toml::to_string(&schedule).unwrap()).unwrap(), schedule);
        assert_eq!(file("a.json", &serde_json::to_string(&schedule).unwrap()).unwrap(), schedule);
    }

    #[test]
    fn a_name_of_nothing_names_what_there_is() {
        let told = format!("{:#}", load("korea-2021").unwrap_err());
        assert!(told.contains("korea-2020, taiwan-2020") && told.contains(".toml or .json"), "{told}");
        let told = format!("{:#}", load("missing.toml").unwrap_err());
        assert!(told.contains("missing.toml: can not be read"), "{told}");
    }

    #[test]
    fn a_mistake_of_form_is_told_with_its_line() {
        let korea = shipped("korea-2020").unwrap();
        let line = 1 + korea.lines().position(|line| line == "quantity = 2").unwrap();
        let told_toml = told("a.toml", &korea.replacen("quantity = 2", "quantum = 2", 1));
        assert!(told_toml.contains(&format!("line {line},")), "{told_toml}");
        assert!(told_toml.contains("quantum") && told_toml.contains("docs/policies.md"), "{told_toml}");
        let told_json = told("a.json", "{\n\"name\": 3}");
        assert!(told_json.contains("line 2"), "{told_json}");
    }

    #[test]
    fn a_time_without_quotes_is_told_to_take_them() {
        let korea = shipped("korea-2020").unwrap();
        let bare = korea.replacen("\"2020-03-09T00:00:00+09:00\"", "2020-03-09T00:00:00+09:00", 1);
        let told = told("a.toml", &bare);
        assert!(told.contains("in quotes") && told.contains("line "), "{told}");
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let korea = shipped("korea-2020").unwrap();
        let text = korea.replacen("quantity = 3", "quantity = 0", 1).replacen("[1, 6]", "[1, 16]", 1);
        let told = told("a.toml", &text);
        assert!(told.contains("2 faults") && told.contains("16 is no last digit"), "{told}");
        assert!(told.contains("policy 3 (mask from 2020-04-27T00:00:00.000+09:00): quantity is 0"), "{told}");
    }
}
