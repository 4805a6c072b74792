//! A day of the archive as the index lists it, and the names of its files on disk and on the wire.

use chrono::NaiveDate;
use schemars::JsonSchema;
use schemas::snapshot::Snapshot;
use schemas::time::civil;
use serde::{Deserialize, Serialize};

/// Where the files of days lie on the wire.
pub(crate) const BASE: &str = "/v1/history";

/// One day: every change that was published between its first and last version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HistoryDay")]
pub(crate) struct Day {
    /// The day in the local time of the rules, Korean time unless they say otherwise.
    #[schemars(with = "String")]
    pub(crate) day: NaiveDate,
    /// Whether it is over and its files are there, which then never change.
    pub(crate) sealed: bool,
    /// First version of the day; the state that the day begins with is that of the version before.
    pub(crate) first_version: u64,
    /// Last version of the day; of the day that runs, so far.
    pub(crate) last_version: u64,
    /// Outlets put in or taken out in the course of the day.
    pub(crate) changes: u64,
    /// Its files; none before it is sealed.
    pub(crate) files: Vec<DayFile>,
}

/// One file of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HistoryFile")]
pub(crate) struct DayFile {
    /// Where it is.
    pub(crate) url: String,
    /// `ndjson.zst` or `parquet`.
    pub(crate) format: String,
    /// Its media type.
    pub(crate) media: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub(crate) sha256: String,
}

impl DayFile {
    /// The name of the file.
    pub(crate) fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or_default()
    }

    /// Its strong tag, quotes included: 128 bits of the digest of its bytes.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", self.sha256.get(..32).unwrap_or(&self.sha256))
    }
}

/// How a sealed day is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object a line, Zstandard.
    Ndjson,
    /// A table of typed columns.
    Parquet,
}

impl Format {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Ndjson, Self::Parquet];

    /// The end of the name of a file.
    pub(crate) fn end(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson.zst",
            Self::Parquet => "parquet",
        }
    }

    /// The media type.
    pub(crate) fn media(self) -> &'static str {
        match self {
            Self::Ndjson => "application/zstd",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// The name of the file of a day.
    pub(crate) fn file(self, day: NaiveDate) -> String {
        format!("changes-{day}.{}", self.end())
    }

    /// Where it is on the wire.
    pub(crate) fn url(self, day: NaiveDate) -> String {
        format!("{BASE}/{}", self.file(day))
    }

    /// The day of a file of such a name.
    pub(crate) fn day_of(file: &str) -> Option<NaiveDate> {
        let day = file.strip_prefix("changes-")?;
        Self::ALL.into_iter().find_map(|format| {
            let day = day.strip_suffix(format.end())?.strip_suffix('.')?;
            day.parse().ok().filter(|parsed: &NaiveDate| parsed.to_string() == day)
        })
    }
}

/// The local day of a version, by the time of its tick.
pub(crate) fn day_of(snapshot: &Snapshot) -> NaiveDate {
    const DAY_MS: i64 = 86_400_000;
    let local = snapshot.at.plus(i64::from(snapshot.rules.offset_minutes) * 60_000);
    civil(i32::try_from(local.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_days_and_nothing_else() {
        let day: NaiveDate = "2020-03-11".parse().unwrap();
        for format in Format::ALL {
            assert_eq!(Format::day_of(&format.file(day)), Some(day));
        }
        for none in [
            "changes-2020-3-11.parquet",
            "changes-2020-03-11.csv",
            "changes-../x.parquet",
            "changes-2020-03-11parquet",
        ] {
            assert_eq!(Format::day_of(none), None, "{none}");
        }
    }
}
