//! Whose thread a storm takes, and which threads stand back when cores are short, as Linux tells it.

use std::collections::BTreeMap;
use std::fs;

use super::flood::Storm;
use super::*;
use crate::desk;

/// What Linux knows of the threads that share a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Thread {
    /// The least of them.
    nice: i64,
    /// Hundredths of a second of processor time, of all of them.
    ticks: u64,
}

/// The threads of a process by name.
fn threads(pid: u32) -> BTreeMap<String, Thread> {
    let mut all = BTreeMap::<String, Thread>::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
        // A thread may end meanwhile.
        let Ok(stat) = fs::read_to_string(task.unwrap().path().join("stat")) else { continue };
        let (name, rest) = stat.split_once('(').unwrap().1.rsplit_once(") ").unwrap();
        let fields: Vec<i64> =
            rest.split(' ').skip(1).map(|field| field.trim().parse().unwrap_or(0)).collect();
        let (used, nice) = (u64::try_from(fields[10] + fields[11]).unwrap(), fields[15]);
        let thread = all.entry(name.to_owned()).or_insert(Thread { nice, ticks: 0 });
        *thread = Thread { nice: thread.nice.min(nice), ticks: thread.ticks + used };
    }
    all
}

/// How much of its processor time each thread used while something was done.
async fn used(jaego: &Jaego, work: impl Future<Output = ()>) -> BTreeMap<String, u64> {
    let before = threads(jaego.pid());
    work.await;
    let since = |(name, now): (&String, &Thread)| {
        (name.clone(), now.ticks.saturating_sub(before.get(name).map_or(0, |thread| thread.ticks)))
    };
    let used = threads(jaego.pid()).iter().map(since).collect();
    eprintln!("{used:?}");
    used
}

/// The thread that writes, which is the first of the process.
const WRITING: &str = "jaego";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_takes_its_own_thread_and_not_the_one_that_writes() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    apply(&jaego, &document("wide", &[("post_office", wide())], &json!([]), &json!([]))).await;

    let at_the_desk = used(&jaego, async {
        let checks: Vec<Value> = (0..1_000).map(|n| check(OFFICE, n)).collect();
        for _ in 0..30 {
            let answer = desk::post(&jaego, "checks/batch", &json!(checks)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
    })
    .await;
    assert!(at_the_desk["desk"] > 20 && at_the_desk["desk"] > 4 * at_the_desk[WRITING], "{at_the_desk:?}");

    let storm = async {
        Storm::send(&jaego).await.told().await;
    };
    let over_nats = used(&jaego, storm).await;
    assert!(over_nats["checks"] > 20 && over_nats["checks"] > 4 * over_nats[WRITING], "{over_nats:?}");

    // What is written takes the thread that writes: that is how the other two would look without threads of their own.
    let written = used(&jaego, async {
        for seq in 1..=3_000 {
            assert_eq!(send(&jaego, "report", OFFICE, &report(seq)).await["status"], "accepted");
        }
    })
    .await;
    assert!(
        written[WRITING] > 20 && written[WRITING] > 4 * (written["desk"] + written["checks"]),
        "{written:?}"
    );
}

#[tokio::test]
async fn who_writes_and_sells_comes_before_who_checks_publishes_reads_and_keeps() {
    let dir = tempfile::tempdir().unwrap();
    let jaego = start(dir.path()).await;
    let threads = threads(jaego.pid());
    for first in [WRITING, "fold", "desk"] {
        assert_eq!(threads[first].nice, 0, "{first}: {threads:?}");
    }
    for behind in ["publish", "open", "checks", "history", "history-seal"] {
        assert!(threads[behind].nice >= 5, "{behind}: {threads:?}");
    }
}
