//! One line a second on how things go: what the server says of itself, and what the fleet measured.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use schemas::Level;
use schemas::claim::Refusal;
use serde::{Deserialize, Serialize};

use crate::probe::Quantiles;
use crate::tally::Counts;

/// The parts of `/v1/status.json` that the line shows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Status {
    /// Entries per kind since the server started.
    pub entries: BTreeMap<String, u64>,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// Age of the version served, in milliseconds.
    pub age_ms: i64,
    /// The outlets by sort.
    pub outlets: Outlets,
}

/// Registered outlets.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Outlets {
    /// By the level of the item.
    pub levels: BTreeMap<String, u64>,
}

/// Reads the status page of one server, over one connection.
pub struct StatusPage {
    http: reqwest::Client,
    url: String,
}

impl StatusPage {
    /// The status page of the open API at `open_url`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn of(open_url: &str) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_millis(900)).build()?;
        Ok(Self { http, url: format!("{}/v1/status.json", open_url.trim_end_matches('/')) })
    }

    /// Reads it now.
    ///
    /// # Errors
    /// When it is not answered within 0.9 s, or not with a status page.
    pub async fn read(&self) -> Result<Status> {
        Ok(self.http.get(&self.url).send().await?.error_for_status()?.json().await?)
    }
}

/// What one line says.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Seconds since the fleet began.
    pub seconds: u64,
    /// Entries a second that were applied and published since the last line; absent while the server does not tell.
    pub entries_per_s: Option<u64>,
    /// Outlets by level.
    pub levels: BTreeMap<String, u64>,
    /// From sent to visible, over the last minute.
    pub visible: Quantiles,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// Age of the version served, in milliseconds.
    pub age_ms: i64,
    /// What the fleet was answered since it began.
    pub replies: Counts,
}

/// Turns readings into lines; remembers the last reading for what happens in a second.
pub struct Lines {
    start: Instant,
    last: Option<(Instant, u64)>,
    status: Status,
}

impl Lines {
    /// Begins now.
    #[must_use]
    pub fn start() -> Self {
        Self { start: Instant::now(), last: None, status: Status::default() }
    }

    /// The next line; without a status, the last one stands and no entries are claimed.
    pub fn next(&mut self, status: Option<Status>, visible: Quantiles, replies: Counts) -> Line {
        let now = Instant::now();
        let entries_per_s = status.and_then(|status| {
            let total = status.entries.values().sum();
            self.status = status;
            let (then, before) = self.last.replace((now, total))?;
            Some((total.saturating_sub(before) as f64 / (now - then).as_secs_f64()).round() as u64)
        });
        Line {
            seconds: self.start.elapsed().as_secs(),
            entries_per_s,
            levels: self.status.outlets.levels.clone(),
            visible,
            journal_bytes: self.status.journal_bytes,
            age_ms: self.status.age_ms,
            replies,
        }
    }
}

/// Names the columns of a line, in two rows: groups and columns.
pub const HEADING: &str = concat!(
    "                 outlets by level                            visible ms  journal    claims    refused                        tickets                         paper        copies\n",
    " time entries/s  plenty   some    few  empty  break unknown   p50   p99       MB   granted    limit     day  proxy  other    given     sold  lapsed  voids   late   over  replay    dup  moot rejected"
);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.seconds / 60, self.seconds % 60)?;
        match self.entries_per_s {
            Some(entries) => write!(f, " {entries:>9} ")?,
            None => write!(f, "         – ")?,
        }
        for level in Level::ALL {
            let wide = level.name().len().max(6);
            write!(f, " {:>wide$}", self.levels.get(level.name()).copied().unwrap_or(0))?;
        }
        let Quantiles { count, p50_ms, p99_ms, .. } = self.visible;
        if count == 0 {
            write!(f, "     –     –")?;
        } else {
            write!(f, " {p50_ms:>5} {p99_ms:>5}")?;
        }
        write!(f, " {:>8.1}", self.journal_bytes as f64 / 1e6)?;
        self.claims(f)?;
        let Counts { duplicate, superseded, rejected, .. } = self.replies;
        write!(f, " {duplicate:>6} {superseded:>5} {rejected:>8}")?;
        let open = self.replies.timed_out + self.replies.no_gateway + self.replies.broken;
        if open > 0 { write!(f, " unanswered {open}") } else { Ok(()) }
    }
}

impl Line {
    fn claims(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let claims = &self.replies.claims;
        let [limit, day, proxy] = [Refusal::LimitReached, Refusal::NotYourDay, Refusal::ProxyNotAllowed]
            .map(|why| claims.refused_for(why));
        let other = claims.refused - (limit + day + proxy).min(claims.refused);
        write!(f, " {:>9} {limit:>8} {day:>7} {proxy:>6} {other:>6}", claims.granted)?;
        write!(f, " {:>8} {:>8} {:>7}", claims.reserved, claims.confirmed, claims.expired)?;
        write!(f, " {:>6} {:>6} {:>6} {:>7}", claims.voided, claims.late, claims.over_limit, claims.replayed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_claims_entries_only_between_two_readings() {
        let status = |entries: u64| Status {
            entries: [("delta".to_owned(), entries)].into(),
            journal_bytes: 1_500_000,
            age_ms: 7,
            outlets: Outlets { levels: [("plenty".to_owned(), 3)].into() },
        };
        let mut lines = Lines::start();
        let mut next = |status| lines.next(status, Quantiles::default(), Counts::default());
        assert_eq!(next(Some(status(10))).entries_per_s, None);
        assert!(next(Some(status(1_000_010))).entries_per_s > Some(1000));
        let silent = next(None);
        assert_eq!((silent.entries_per_s, silent.levels["plenty"]), (None, 3));
        let text = silent.to_string();
        let columns: Vec<_> = text.split_whitespace().collect();
        assert_eq!((columns[1], columns[2], columns[10]), ("–", "3", "1.5"), "{text}");
    }

    #[test]
    fn columns_stand_under_their_names_within_200_columns() {
        let line = Lines::start().next(None, Quantiles::default(), Counts::default()).to_string();
        let names = HEADING.lines().nth(1).unwrap();
        let ends = |text: &str| {
            let chars: Vec<char> = text.chars().chain([' ']).collect();
            (1..chars.len()).filter(|at| chars[*at] == ' ' && chars[*at - 1] != ' ').collect::<Vec<_>>()
        };
        let wide = |text: &str| text.chars().count();
        assert!(HEADING.lines().all(|row| wide(row) <= 200) && wide(&line) <= 200, "{}", wide(&line));
        assert_eq!(ends(names), ends(&line), "\n{HEADING}\n{line}");
    }
}
