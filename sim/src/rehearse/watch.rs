//! Looks at the servers from beside the load: how old is what each of them serves, and what does each part cost.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use schemas::status::Writing;
use serde::{Deserialize, Serialize};

use super::own::Clocks;
use super::plain_http;

/// Time between two looks at ages.
const LOOK: Duration = Duration::from_millis(250);
/// Clock ticks a second in /proc (USER_HZ, 100 on every Linux that Rust runs on).
const TICKS: f64 = 100.0;
/// Bytes of a page (4 KiB; only used for plots).
const PAGE: u64 = 4_096;

/// One second.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Greatest age that each reader's server told, in milliseconds; absent where it did not answer.
    pub ages_ms: Vec<Option<f64>>,
    /// Whether any server told that the opening is held.
    pub held: bool,
    /// When the parts were looked at, in seconds after the start: what they used, they used since the look before.
    pub until_s: f64,
    /// Share of one CPU and resident MiB of each part, in the order of the parts.
    pub parts: Vec<(f64, f64)>,
    /// Share of one CPU that children of each part used, which is within that of the part: the managed NATS of a core.
    pub children: Vec<f64>,
    /// Share of one CPU that the rehearsal itself used, all its threads together.
    pub own_cpu: f64,
    /// Share of all CPUs of the machine that was in use.
    pub machine: f64,
}

/// All that was seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// By second of the run.
    pub samples: Vec<Sample>,
    /// Greatest jump of the clock of the day.
    pub clock_jump: Duration,
    /// Longest time between two looks that should be a quarter of a second apart.
    pub longest_gap: Duration,
}

/// Process ids of the parts, as they are now.
pub(crate) type Pids = Arc<Mutex<Vec<Option<u32>>>>;

/// A watch that runs.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    /// Begins to watch these servers and parts.
    pub(crate) fn start(open: Vec<SocketAddr>, pids: Pids, start: Instant) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || Watcher::new(open, pids, start).run(&stopped));
        Self { stop, thread }
    }

    /// Ends it and returns what was seen.
    pub(crate) fn end(self) -> Seen {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

struct Watcher {
    open: Vec<SocketAddr>,
    pids: Pids,
    start: Instant,
    seen: Seen,
    before: Vec<Cost>,
    own: f64,
    machine: (f64, f64),
    at: Instant,
}

impl Watcher {
    fn new(open: Vec<SocketAddr>, pids: Pids, start: Instant) -> Self {
        let own = ticks("/proc/self/stat").unwrap_or(0.0);
        Self {
            open,
            pids,
            start,
            seen: Seen::default(),
            before: Vec::new(),
            own,
            machine: machine(),
            at: Instant::now(),
        }
    }

    fn run(mut self, stop: &AtomicBool) -> Seen {
        let (mut clocks, mut last, mut second) = (Clocks::start(), Instant::now(), 0);
        while !stop.load(Relaxed) {
            self.look_at_ages();
            clocks.look();
            let now = self.start.elapsed().as_secs() as usize;
            if now > second {
                self.look_at_parts(second);
                second = now;
            }
            std::thread::sleep(LOOK.saturating_sub(last.elapsed()));
            self.seen.longest_gap = self.seen.longest_gap.max(last.elapsed());
            last = Instant::now();
        }
        self.seen.clock_jump = clocks.jump;
        self.seen
    }

    fn sample(&mut self, second: usize) -> &mut Sample {
        let samples = &mut self.seen.samples;
        if samples.len() <= second {
            samples.resize_with(second + 1, Sample::default);
        }
        &mut samples[second]
    }

    fn look_at_ages(&mut self) {
        let second = self.start.elapsed().as_secs() as usize;
        let told: Vec<Option<Told>> = self.open.iter().map(|one| told(*one)).collect();
        let ages: Vec<Option<f64>> = told.iter().map(|told| told.as_ref()?.age_ms).collect();
        let sample = self.sample(second);
        sample.held |= told.iter().flatten().any(|told| told.writing.held);
        sample.ages_ms.resize(ages.len(), None);
        for (own, age) in sample.ages_ms.iter_mut().zip(ages) {
            *own = match (*own, age) {
                (Some(before), Some(now)) => Some(before.max(now)),
                (before, now) => now.or(before),
            };
        }
    }

    fn look_at_parts(&mut self, second: usize) {
        let over = self.at.elapsed().as_secs_f64().max(0.001);
        self.at = Instant::now();
        let pids = self.pids.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now: Vec<Cost> = pids.iter().map(|pid| pid.map_or_else(Cost::default, cost)).collect();
        let since = |index: usize, of: fn(&Cost) -> f64| {
            let before = self.before.get(index).filter(|before| before.pid == now[index].pid);
            before.map_or(0.0, |before| (of(&now[index]) - of(before)).max(0.0) / TICKS / over)
        };
        let parts = (0..now.len()).map(|index| (since(index, |cost| cost.used), now[index].mib)).collect();
        let children = (0..now.len()).map(|index| since(index, |cost| cost.by_children)).collect();
        self.before = now;
        let (own, whole) = (ticks("/proc/self/stat").unwrap_or(self.own), machine());
        let own_cpu = (own - self.own) / TICKS / over;
        let busy = (whole.0 - self.machine.0) / (whole.1 - self.machine.1).max(1.0);
        (self.own, self.machine) = (own, whole);
        let until_s = self.at.saturating_duration_since(self.start).as_secs_f64();
        let sample = self.sample(second);
        (sample.until_s, sample.parts, sample.children) = (until_s, parts, children);
        (sample.own_cpu, sample.machine) = (own_cpu, busy);
    }
}

/// What a server tells of itself, as far as it is read.
#[derive(Deserialize)]
struct Told {
    /// Age of what it serves, in milliseconds.
    age_ms: Option<f64>,
    #[serde(default)]
    writing: Writing,
}

fn told(server: SocketAddr) -> Option<Told> {
    let (status, body) = plain_http::get(server, "/v1/status.json", Duration::from_millis(900)).ok()?;
    (status == 200).then(|| serde_json::from_slice(&body).ok())?
}

/// Resident MiB of each part and its children, as it is now.
pub(crate) fn sizes(pids: &Pids) -> Vec<f64> {
    let pids = pids.lock().unwrap_or_else(PoisonError::into_inner);
    pids.iter().map(|pid| pid.map_or(0.0, |pid| cost(pid).mib)).collect()
}

/// What a process and its children have cost so far.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    pid: u32,
    /// CPU ticks, those of children among them.
    used: f64,
    by_children: f64,
    /// Resident now.
    mib: f64,
}

fn cost(pid: u32) -> Cost {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|child| child.parse().ok());
    let own = |pid: u32| (ticks(&format!("/proc/{pid}/stat")).unwrap_or(0.0), resident(pid).unwrap_or(0.0));
    let (used, mib) = own(pid);
    children.map(own).fold(Cost { pid, used, by_children: 0.0, mib }, |sum, (used, mib)| Cost {
        used: sum.used + used,
        by_children: sum.by_children + used,
        mib: sum.mib + mib,
        ..sum
    })
}

/// Ticks that a process ran, for itself and in the kernel (proc(5): fields 14 and 15).
fn ticks(path: &str) -> Option<f64> {
    let text = fs::read_to_string(path).ok()?;
    // The name, which may hold blanks, ends with the last bracket.
    let mut fields = text.rsplit(')').next()?.split_whitespace().skip(11);
    let (own, kernel): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(own + kernel)
}

fn resident(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some((pages * PAGE) as f64 / f64::from(1 << 20))
}

/// Ticks in which any CPU was busy, and all ticks.
fn machine() -> (f64, f64) {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let all: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    let sum: f64 = all.iter().take(8).sum();
    let idle: f64 = all.iter().skip(3).take(2).sum();
    (sum - idle, sum)
}
