//! Never over the limit: four POS race for the same people, two cores and three nats-servers die and come back, and a checker
//! that knows only what callers saw and what the journal holds finds nobody over and no word broken.
//!
//! `JAEGO_RATION_MINUTES` makes the run long, `JAEGO_RATION_SEED` sets the chance.

mod call;
mod chaos;
mod check;
mod cluster;
mod cores;
mod failover;
mod journal;
mod people;
mod privacy;
mod till;
mod town;
mod visit;

pub use cluster::free_ports;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::crash::from_environment;
use crate::harness::{self, LIMIT};
use check::Findings;
use cluster::Cluster;
use cores::Cores;
use journal::Journal;
use people::People;
use till::{OUTLETS, Street, Till};

/// Time and people of the short form.
const SHORT: (Duration, usize) = (Duration::from_secs(18), 300);
/// People of the long form.
const MANY: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_ever_over_the_limit() {
    let seed = from_environment("JAEGO_RATION_SEED").unwrap_or_else(rand::random);
    let (time, people) = match from_environment::<f64>("JAEGO_RATION_MINUTES") {
        Some(minutes) => (Duration::from_secs_f64(60.0 * minutes), MANY),
        None => SHORT,
    };
    eprintln!("JAEGO_RATION_SEED={seed}, {time:?}, {people} people");
    let (dir, mut rng) = (tempfile::tempdir().unwrap(), StdRng::seed_from_u64(seed));
    let mut cluster = Cluster::start(dir.path(), &mut rng).await;
    let mut cores = Cores::start(dir.path(), &cluster, &mut rng).await;
    let street = Street::new(People::draw(people, seed), cores.desks.clone());
    let tills = tills(&street, &cluster).await;

    let lanes = visit::open(&tills, seed);
    let kills = chaos::rounds(time, &mut rng, &mut cluster, &mut cores, &street).await;
    street.closing.cancel();
    tokio::time::timeout(LIMIT, lanes.join_all()).await.expect("a caller is never answered");
    town::clock_runs_ahead(&cores).await;
    town::mumble(&street, &cores).await;

    let export = export(dir.path(), &cores);
    let journal = Journal::read(&std::fs::read_to_string(&export).unwrap());
    let saw = std::mem::take(&mut *street.saw.lock().unwrap());
    let sent = std::mem::take(&mut *street.sent.lock().unwrap());
    let findings = check::check(&saw, &sent, &journal);
    tell(&findings, &journal, &street, &kills, saw.len());
    findings.assert_none();
    assert!(
        findings.unproved == 0 || kills.blind > 0,
        "{} decisions are not said to be fsynced",
        findings.unproved
    );
    town::both_agree(&cores, &journal, &street, &findings.keys).await;

    town::keep_all_words(dir.path(), &cores, &saw).await;
    assert_eq!(privacy::leaks(dir.path(), &street.people), Vec::<PathBuf>::new());
    cores.terminate().await;
    assert_eq!(privacy::leaks(dir.path(), &street.people), Vec::<PathBuf>::new());
    planted(dir.path(), &street.people);
}

/// Four POS, each at another server first.
async fn tills(street: &Arc<Street>, cluster: &Cluster) -> Vec<Till> {
    let mut tills = Vec::new();
    for (n, outlet) in OUTLETS.into_iter().enumerate() {
        let mut urls = cluster.urls();
        urls.rotate_left(n % cluster::NODES);
        tills.push(Till::connect(street, outlet, urls).await);
    }
    tills
}

fn export(dir: &Path, cores: &Cores) -> PathBuf {
    let file = dir.join("export.ndjson");
    let data = cores.dirs[0].to_str().unwrap();
    let (code, _, err) = harness::jaego(&["journal", "export", "--data-dir", data, file.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    file
}

/// The search would have found a number: in a folder as deep as that of the journal's blocks.
fn planted(dir: &Path, people: &People) {
    let blocks = privacy::files(dir).into_iter().find(|file| file.extension().is_some_and(|e| e == "blk"));
    let file = blocks.expect("a node keeps blocks").with_file_name("planted");
    std::fs::write(&file, format!("\u{0}…{}…", people.forms().last().unwrap())).unwrap();
    assert_eq!(privacy::leaks(dir, people), [file]);
}

fn tell(findings: &Findings, journal: &Journal, street: &Street, kills: &chaos::Kills, saw: usize) {
    let Findings { decided, rejected, replayed, unproved, .. } = findings;
    eprintln!(
        "{saw} answers seen ({decided:?}, turned away {rejected:?}, replayed {replayed}, unproved {unproved}), {} times no answer; {kills:?}; \
         journal: {} messages, {} entries, {} claims, {} copies, {} expired, {} people",
        street.unheard.load(Relaxed),
        journal.last,
        journal.entries,
        journal.rows.len(),
        journal.copies,
        journal.expired,
        findings.keys.len(),
    );
}
