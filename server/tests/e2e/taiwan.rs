//! A real day: Taiwan's 2020-02-14 as 30 lists of the stock of 6,317 institutions, sent as reports over a bad network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use futures::StreamExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use schemas::pos::Outcome;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::data;
use crate::harness::Jaego;

const SNAPSHOTS: &str = "tw-nhi-masks/snapshots.csv";
const STOCK: &str = "tw-nhi-masks/stock_full.csv.gz";
const INSTITUTIONS: &str = "tw-nhi-masks/institutions.csv.gz";

/// Messages under way at once.
const IN_FLIGHT: usize = 512;
/// Every tenth message is sent twice at once, and every tenth once more some lists later.
const ONE_IN: u32 = 10;
/// How many lists later at most.
const LATE: usize = 5;

/// Adult and child masks by institution.
type Stock = BTreeMap<String, [u32; 2]>;

/// The list of one moment.
struct List {
    /// As the source wrote it, in Taiwan's time.
    at: String,
    /// The sums of the file.
    sums: [u64; 2],
    stock: Stock,
}

/// What a list says of one institution.
#[derive(Deserialize)]
struct Row {
    snap_id: String,
    code: String,
    adult: u32,
    child: u32,
}

/// The dense run of the day, in the order of its source times.
fn day() -> Option<Vec<List>> {
    let mut lists = BTreeMap::new();
    for row in data::rows(SNAPSHOTS)? {
        let at = &row["source_time_max"];
        if row["repo"] == "e87042170/mask-map" && at.starts_with("2020/02/14") {
            let sums = ["adult_sum", "child_sum"].map(|sum| row[sum].parse().unwrap());
            let at = format!("{}+08:00", at.replace('/', "-").replace(' ', "T"));
            lists.insert(row["snap_id"].clone(), List { at, sums, stock: Stock::new() });
        }
    }
    for row in data::records::<Row>(STOCK)? {
        if let Some(list) = lists.get_mut(&row.snap_id) {
            list.stock.insert(row.code, [row.adult, row.child]);
        }
    }
    let mut lists: Vec<_> = lists.into_values().collect();
    lists.sort_by(|a, b| a.at.cmp(&b.at));
    Some(lists)
}

/// Writes the institutions as a store list of the kind that the registry import knows.
fn registry(dir: &Path, codes: &BTreeSet<&str>) -> Option<PathBuf> {
    let path = dir.join("institutions.csv");
    let known: BTreeMap<_, _> =
        data::rows(INSTITUTIONS)?.into_iter().map(|row| (row["code"].clone(), row)).collect();
    let mut out = csv::Writer::from_path(&path).unwrap();
    out.write_record(["addr", "code", "latitude", "longitude", "name", "type"]).unwrap();
    for code in codes {
        let row = known.get(*code);
        let of = |column: &str| row.map_or("", |row| row[column].as_str());
        let name = row.map_or(*code, |row| row["name"].as_str());
        out.write_record([of("address"), code, of("lat"), of("lng"), name, "01"]).unwrap();
    }
    out.flush().unwrap();
    Some(path)
}

/// A message as its terminal stored it before it was ever sent.
#[derive(Clone)]
struct Stored {
    subject: String,
    body: Vec<u8>,
}

/// One terminal for each institution, each with a sequence of its own.
#[derive(Default)]
struct Terminals {
    sequences: BTreeMap<String, u64>,
    told: BTreeMap<(String, &'static str), u32>,
}

impl Terminals {
    /// What the institution reports at a moment: every count that it did not tell before.
    fn report(&mut self, code: &str, at: &str, counts: [u32; 2]) -> Vec<Stored> {
        let mut messages = Vec::new();
        for (item, count) in ["mask_adult", "mask_child"].into_iter().zip(counts) {
            if self.told.insert((code.to_owned(), item), count) != Some(count) {
                let seq = self.sequences.entry(code.to_owned()).or_default();
                *seq += 1;
                let body = json!({ "terminal": "t1", "seq": *seq, "at": at, "item": item, "count": count });
                let subject = format!("pos.v1.report.{code}");
                messages.push(Stored { subject, body: body.to_string().into_bytes() });
            }
        }
        messages
    }
}

/// Shuffles what it carries, delivers some of it twice, and some of it again much later.
struct Network {
    rng: StdRng,
    /// Copies that arrive with a later list, by its number.
    late: BTreeMap<usize, Vec<Stored>>,
}

/// What became of the messages of one list.
#[derive(Default)]
struct Carried {
    version: u64,
    outcomes: BTreeMap<&'static str, usize>,
}

impl Network {
    /// What arrives with the list of this number.
    fn carry(&mut self, number: usize, messages: Vec<Stored>) -> Vec<Stored> {
        let mut arriving = self.late.remove(&number).unwrap_or_default();
        for message in messages {
            if self.rng.random_ratio(1, ONE_IN) {
                arriving.push(message.clone());
            }
            if self.rng.random_ratio(1, ONE_IN) {
                let later = number + self.rng.random_range(1..=LATE);
                self.late.entry(later).or_default().push(message.clone());
            }
            arriving.push(message);
        }
        arriving.shuffle(&mut self.rng);
        arriving
    }
}

/// Delivers messages, many at once.
async fn deliver(jaego: &Jaego, messages: Vec<Stored>) -> Carried {
    let replies = messages.into_iter().map(|message| jaego.request(message.subject, message.body));
    let mut replies = futures::stream::iter(replies).buffer_unordered(IN_FLIGHT);
    let mut carried = Carried::default();
    while let Some(reply) = replies.next().await {
        assert!(reply.status != Outcome::Rejected, "{reply:?}");
        assert_eq!(reply.registered, Some(true), "{reply:?}");
        *carried.outcomes.entry(reply.status.name()).or_default() += 1;
        carried.version = carried.version.max(reply.version.unwrap());
    }
    carried
}

/// The published total of both items, outlets without a count included as such.
fn totals(status: &Value) -> [(u64, u64); 2] {
    ["mask_adult", "mask_child"].map(|item| {
        let of = |key: &str| status["items"][item][key].as_u64().unwrap();
        (of("outlets"), of("count"))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_taiwan_adds_up_after_every_list() {
    let Some(lists) = day() else { return };
    let codes: BTreeSet<&str> = lists.iter().flat_map(|list| list.stock.keys()).map(String::as_str).collect();
    assert_eq!((lists.len(), codes.len()), (30, 6_317));
    assert_eq!((lists[0].sums[0], lists[29].sums[0]), (463_402, 187_646));

    let dir = tempfile::tempdir().unwrap();
    let Some(registry) = registry(dir.path(), &codes) else { return };
    let args = ["--registry", registry.to_str().unwrap(), "--face-item", "mask_adult"];
    let jaego = Jaego::start(dir.path(), &args).await;
    let mut terminals = Terminals::default();
    let mut network = Network { rng: StdRng::seed_from_u64(20_200_214), late: BTreeMap::new() };
    let mut outcomes = BTreeMap::<_, usize>::new();
    let started = Instant::now();
    // The last copies arrive when the day is over.
    for number in 0..lists.len() + LATE {
        let list = &lists[number.min(lists.len() - 1)];
        let counts = |code: &str| list.stock.get(code).copied().unwrap_or_default();
        let messages =
            codes.iter().flat_map(|code| terminals.report(code, &list.at, counts(code))).collect::<Vec<_>>();
        let carried = deliver(&jaego, network.carry(number, messages)).await;
        jaego.serves(carried.version).await;
        let published = totals(&jaego.get("/v1/status.json").await);
        assert_eq!(published, list.sums.map(|sum| (6_317, sum)), "at {}", list.at);
        for (outcome, count) in carried.outcomes {
            *outcomes.entry(outcome).or_default() += count;
        }
    }
    eprintln!("{outcomes:?} in {:?}", started.elapsed());
    assert!(network.late.is_empty() && outcomes["duplicate"] > 1_000, "{outcomes:?}");
    let levels = &jaego.get("/v1/status.json").await["outlets"]["levels"];
    assert_eq!(levels["unknown"], 0, "{levels}");
}
