//! After the load: is all that was acknowledged published, by every server, and is nobody missing?

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::plain_http;
use super::tills::Accounts;

/// How long a server may take to show the newest acknowledged version.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found on the servers that readers go to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Aftermath {
    /// Outlets whose published stock is not what was acknowledged.
    pub lost: u64,
    /// Outlets of the registry in force that are not published.
    pub missing: u64,
    /// Outlets published that are in no registry in force.
    pub strangers: u64,
    /// Outlets that were compared, over all servers.
    pub compared: u64,
    /// Servers that did not show the newest acknowledged version in time.
    pub behind: u64,
    /// The first few faults in words.
    pub words: Vec<String>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    stock: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    item: String,
    count: Option<i64>,
}

/// Compares what every server publishes with the accounts of the tills and the codes of the registry in force. Outlets in
/// `others` have tills of their own, which are not in these accounts.
pub(crate) fn compare(
    open: &[SocketAddr],
    accounts: &Accounts,
    registry: &[&str],
    others: &[&str],
) -> Aftermath {
    let mut found = Aftermath::default();
    for (number, server) in open.iter().enumerate() {
        match shown(*server, accounts.version) {
            Ok(rows) => found.compare(number, &rows, accounts, (registry, others)),
            Err(error) => {
                found.behind += 1;
                found.fault(|| format!("reader's server {number}: {error:#}"));
            }
        }
    }
    found
}

/// The counts that a server publishes, once it is at this version or past it.
fn shown(server: SocketAddr, version: u64) -> Result<HashMap<String, Option<i64>>> {
    let started = Instant::now();
    loop {
        let status = plain_http::get(server, "/v1/status.json", PATIENCE);
        let at = status.ok().and_then(|(_, body)| serde_json::from_slice::<serde_json::Value>(&body).ok());
        let at = at.and_then(|page| page["version"].as_u64());
        if at.is_some_and(|at| at >= version) {
            break;
        }
        let seconds = SHOWN_WITHIN.as_secs();
        ensure!(
            started.elapsed() < SHOWN_WITHIN,
            "version {version} is not shown after {seconds} s, only {at:?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let (status, body) =
        plain_http::get(server, "/v1/stock.ndjson", PATIENCE).context("reading the whole stock")?;
    ensure!(status == 200, "the whole stock is answered with {status}");
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let row: Row = serde_json::from_slice(line).context("a line of the whole stock")?;
            let count = row
                .stock
                .into_iter()
                .find(|item| item.item == super::tills::ITEM)
                .and_then(|item| item.count);
            Ok((row.id, count))
        })
        .collect()
}

impl Aftermath {
    fn compare(
        &mut self,
        server: usize,
        rows: &HashMap<String, Option<i64>>,
        accounts: &Accounts,
        (registry, others): (&[&str], &[&str]),
    ) {
        for code in registry.iter().filter(|code| !rows.contains_key(**code)) {
            self.missing += 1;
            self.fault(|| format!("outlet {code} is missing at reader's server {server}"));
        }
        self.strangers += (rows.len() as u64).saturating_sub(registry.len() as u64);
        for shelf in accounts.shelves.iter().filter(|shelf| !others.contains(&shelf.code.as_str())) {
            let Some(published) = rows.get(shelf.code.as_str()) else { continue };
            self.compared += 1;
            if !published.is_some_and(|count| shelf.allows(count)) {
                self.lost += 1;
                let (code, count) = (&shelf.code, shelf.count);
                self.fault(|| format!("outlet {code} has {count} by its receipts and {published:?} at reader's server {server}"));
            }
        }
    }

    fn fault(&mut self, words: impl FnOnce() -> String) {
        if self.words.len() < 20 {
            self.words.push(words());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::books::Shelf;
    use schemas::OutletCode;

    #[test]
    fn a_lost_sale_and_a_missing_outlet_are_found() {
        let shelf = |code: &str, count| Shelf {
            code: OutletCode::new(code).unwrap(),
            count,
            out: 0,
            coming: 0,
            sequence: 1,
        };
        let accounts = Accounts {
            shelves: vec![shelf("11", 248), shelf("12", 250), shelf("13", 1)],
            ..Accounts::default()
        };
        let rows = HashMap::from([
            ("11".to_owned(), Some(250)),
            ("12".to_owned(), Some(250)),
            ("13".to_owned(), None),
        ]);
        let mut found = Aftermath::default();
        found.compare(0, &rows, &accounts, (&["11", "12", "13", "14"], &["13"]));
        assert_eq!((found.lost, found.missing, found.strangers, found.compared), (1, 1, 0, 2));
        assert!(found.words[1].contains("11"), "{:?}", found.words);
    }
}
