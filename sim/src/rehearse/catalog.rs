//! The scenarios that come with jaego, by name; any other is read from a file.

use anyhow::{Context, Result};

use super::scenario::Scenario;

/// Name and document of each.
pub const ALL: &[(&str, &str)] = &[
    ("mask-2020-03-11", include_str!("../../scenarios/mask-2020-03-11.toml")),
    ("mask-2020-03-11-staged", include_str!("../../scenarios/mask-2020-03-11-staged.toml")),
    ("retry-storm", include_str!("../../scenarios/retry-storm.toml")),
    ("onnuri-2025-03-01", include_str!("../../scenarios/onnuri-2025-03-01.toml")),
    ("core-dies-at-nine", include_str!("../../scenarios/core-dies-at-nine.toml")),
    ("reconnect-storm", include_str!("../../scenarios/reconnect-storm.toml")),
    ("mask-week", include_str!("../../scenarios/mask-week.toml")),
    ("ktx", include_str!("../../scenarios/ktx.toml")),
    ("disk-full", include_str!("../../scenarios/disk-full.toml")),
    ("partition", include_str!("../../scenarios/partition.toml")),
    ("slow-fsync", include_str!("../../scenarios/slow-fsync.toml")),
    ("capacity-costs", include_str!("../../scenarios/capacity-costs.toml")),
    ("capacity-readers", include_str!("../../scenarios/capacity-readers.toml")),
    ("capacity-claims", include_str!("../../scenarios/capacity-claims.toml")),
];

/// Finds a scenario by its name, or reads the file of that path.
///
/// # Errors
/// When there is neither, or it is no scenario.
pub fn find(name: &str) -> Result<Scenario> {
    let text = match ALL.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => (*text).to_owned(),
        None => std::fs::read_to_string(name).with_context(|| {
            format!("{name} is neither a file nor a scenario; next step: `jaego rehearse --list`")
        })?,
    };
    Scenario::parse(&text).with_context(|| name.to_owned())
}

/// A line for each scenario: name, story, and how long its two forms take.
#[must_use]
pub fn list() -> String {
    let line = |(name, text): &(&str, &str)| {
        let Scenario { story, begins, ends, long, short, .. } =
            Scenario::parse(text).expect("a test reads every scenario that comes with jaego");
        let seconds = |speed: f64| ends.since(begins) / speed;
        format!(
            "{name:<24} {} ({:.0} s at scale {}, short {:.0} s)\n",
            story.en,
            seconds(long.speed),
            long.scale,
            seconds(short.speed)
        )
    };
    ALL.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_one_and_has_the_name_of_its_file() {
        for (name, text) in ALL {
            let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error:#}"));
            assert_eq!(scenario.name, *name);
            for (form, limit) in [(scenario.long, 180.0), (scenario.short, 60.0)] {
                let seconds = scenario.ends.since(scenario.begins) / form.speed;
                assert!(seconds <= limit, "{name} takes {seconds} s");
            }
            assert!(list().contains(name));
        }
        assert!(find("no-such-day").is_err());
    }
}
