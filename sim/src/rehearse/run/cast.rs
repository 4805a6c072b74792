//! Who plays: the tills on one thread, the readers on one or two, and probes that look from a till to the reader.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use schemas::registry::{OutletInfo, OutletType};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle as Task;

use super::SETTLE;
use crate::probe::{Probe, Visible};
use crate::rehearse::generator::{Class, Gauges, Shared, Terms, Worker};
use crate::rehearse::measured::Measured;
use crate::rehearse::readers::Readers;
use crate::rehearse::scenario::{Form, Scenario};
use crate::rehearse::schedule::{Arrivals, Timeline};
use crate::rehearse::stage::Stage;
use crate::rehearse::tills::{ITEM, Tills};
use crate::rehearse::wire::Wire;

/// Probes that measure at the same time.
const PROBES: usize = 2;
/// How long an answer is waited for: what a POS waits (docs/pos-vendors.md), and longer than a reader does.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most requests a second for which one thread of readers is enough.
const ONE_THREAD: f64 = 40_000.0;
/// Open files that are not connections of the load.
const SPARE: usize = 200;
/// How long the first reports may take.
const OPENING: Duration = Duration::from_secs(120);

/// Everybody, before the day begins.
pub(super) struct Cast<'a> {
    scenario: &'a Scenario,
    form: Form,
    timeline: Timeline,
    tills: Option<Tills>,
    readers: Vec<Readers>,
    pools: [Vec<Terms>; 2],
    opened: u64,
    /// Outlets of the probes.
    pub(super) probed: Vec<String>,
    probes: Vec<OutletInfo>,
}

type Done<C> = JoinHandle<Result<(Gauges, C)>>;

/// Everybody at work.
pub(super) struct Running {
    tills: Done<Tills>,
    readers: Vec<Done<Readers>>,
}

impl<'a> Cast<'a> {
    /// Everybody whom a scenario calls for, at these servers.
    pub(super) fn new(
        scenario: &'a Scenario,
        form: Form,
        timeline: &Timeline,
        stage: &Stage,
    ) -> Result<Self> {
        let mut outlets = stage.registry.clone();
        let fit = |outlet: &mut OutletInfo| outlet.kind == OutletType::Pharmacy && outlet.place.is_some();
        let probes: Vec<OutletInfo> = outlets.extract_if(.., fit).take(PROBES).collect();
        if stage.addresses.nats.is_empty() {
            // Readers play alone: nobody sells, and nobody has receipts.
            outlets.clear();
        }
        let people = scenario.stage.people;
        let tills = Tills::new(&scenario.loads, &outlets, people, scenario.stage.policy, 2020);
        let threads = if peak(scenario, form) > ONE_THREAD { 2 } else { 1 };
        let readers =
            (0..threads).map(|n| Readers::new(&scenario.loads, &stage.registry, 2020 + n)).collect();
        Ok(Self {
            scenario,
            form,
            timeline: timeline.clone(),
            tills: Some(tills),
            readers,
            pools: pools(scenario, form, stage, threads as usize)?,
            opened: 0,
            probed: probes.iter().map(|outlet| outlet.code.to_string()).collect(),
            probes,
        })
    }

    /// Whether there is anybody to sell to: servers that run already may take readers alone.
    pub(super) fn has_tills(&self) -> bool {
        !self.pools[0][0].targets.is_empty()
    }

    /// Every outlet reports what it has; returns when all of that is acknowledged.
    pub(super) fn open_shops(&mut self) -> Result<()> {
        if !self.has_tills() {
            return Ok(());
        }
        let mut tills = self.tills.take().context("the tills open once")?;
        let first = tills.open();
        let shared = Arc::new(Shared::new(Instant::now()));
        let timeline = Timeline { length: 0.0, ..self.timeline.clone() };
        let terms = self.pools[0].clone();
        let mut worker =
            Worker::new(tills, (shared, timeline), terms, Vec::new(), (self.scenario.loads.len(), true))?;
        worker.ask_first(first);
        let (gauges, tills) = worker.run(OPENING)?;
        ensure!(gauges.unanswered == 0, "{} of them have no answer", gauges.unanswered);
        self.opened = tills.version();
        self.tills = Some(tills);
        Ok(())
    }

    /// The version that shows all first reports.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    /// Starts the probes.
    pub(super) fn probe(&self, runtime: &Runtime, stage: &Stage, visible: &Visible) -> Result<Vec<Task<()>>> {
        if !self.has_tills() {
            return Ok(Vec::new());
        }
        let nats = format!("nats://{}", stage.addresses.nats.last().context("there is a NATS")?[0]);
        let open = format!("http://{}", stage.addresses.open.last().context("there is a reader's server")?);
        let start = |outlet: &OutletInfo| {
            let probe = runtime.block_on(Probe::connect(outlet, ITEM, &nats, &open))?;
            Ok(runtime.spawn(probe.measure(visible.clone())))
        };
        self.probes.iter().map(start).collect()
    }

    /// Puts everybody to work.
    pub(super) fn play(&mut self, shared: &Arc<Shared>) -> Result<Running> {
        let tills = self.tills.take().context("the day is played once")?;
        let number = self.scenario.loads.len();
        let all = |part: (usize, usize), tills: bool| self.classes(part, tills);
        let with = || (Arc::clone(shared), self.timeline.clone());
        let worker = Worker::new(tills, with(), self.pools[0].clone(), all((0, 1), true), (number, true))?;
        let tills = spawn("tills", worker)?;
        let threads = self.readers.len();
        let readers = std::mem::take(&mut self.readers).into_iter().enumerate().map(|(part, readers)| {
            let classes = self.classes((part, threads), false);
            spawn("readers", Worker::new(readers, with(), self.pools[1].clone(), classes, (number, false))?)
        });
        Ok(Running { tills, readers: readers.collect::<Result<_>>()? })
    }

    /// The classes of one thread: its share of each.
    fn classes(&self, part: (usize, usize), tills: bool) -> Vec<Class> {
        let loads = self
            .scenario
            .loads
            .iter()
            .enumerate()
            .filter(|(_, load)| load.does.is_till() == tills && (!tills || self.has_tills()));
        loads
            .map(|(number, load)| {
                let arrivals = Arrivals::of_thread((number, load), self.form, &self.timeline, part);
                Class { number, arrivals }
            })
            .collect()
    }
}

fn spawn<C: crate::rehearse::generator::Caller + 'static>(name: &str, worker: Worker<C>) -> Result<Done<C>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || worker.run(SETTLE))
        .context("starting a thread")
}

/// Most reads a second of a run.
fn peak(scenario: &Scenario, form: Form) -> f64 {
    let readers = scenario.loads.iter().filter(|load| !load.does.is_till());
    readers.map(|load| load.rate * form.scale * load.bursts.map_or(1.0, |bursts| bursts.times)).sum()
}

/// Connections of the tills, and of each thread of readers.
fn pools(scenario: &Scenario, form: Form, stage: &Stage, threads: usize) -> Result<[Vec<Terms>; 2]> {
    let most = scenario.stage.connections;
    let addresses = &stage.addresses;
    let terms = |wire, targets: Vec<SocketAddr>, connections, kept, gives_up| Terms {
        wire,
        targets,
        connections,
        kept,
        patience: PATIENCE,
        gives_up,
    };
    let nats = addresses.nats.iter().map(|[client, ..]| *client).collect();
    let desks = addresses.cores.iter().map(|[desk, _]| *desk).collect();
    let others = most.desk + most.tills + SPARE;
    let open = open_files()?;
    ensure!(
        others < open,
        "{open} open files are allowed, and {others} are needed without readers; next step: `ulimit -n`"
    );
    let held = readers_held(scenario, form)?.min(open - others);
    let readers = held.div_ceil(threads);
    Ok([
        vec![
            terms(Wire::Nats, nats, most.tills, false, false),
            terms(Wire::Http, desks, most.desk, false, false),
        ],
        vec![terms(Wire::Http, addresses.open.clone(), readers, most.kept, true)],
    ])
}

/// Connections of readers that are wanted: in a short form, where they are kept, as many as its scale asks for.
fn readers_held(scenario: &Scenario, form: Form) -> Result<usize> {
    let most = scenario.stage.connections;
    let scaled = (most.readers as f64 * form.scale).ceil() as usize;
    let small = most.kept && form.outlets.is_some();
    Ok(if small { scaled.max(64).min(most.readers) } else { most.readers })
}

/// Files that this process may open.
pub(super) fn open_files() -> Result<usize> {
    let (soft, _) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE)?;
    Ok(usize::try_from(soft).unwrap_or(usize::MAX))
}

impl Running {
    /// Whether everybody has finished.
    pub(super) fn is_done(&self) -> bool {
        self.tills.is_finished() && self.readers.iter().all(JoinHandle::is_finished)
    }

    /// Waits for everybody, and gathers what they measured.
    pub(super) fn end(self, measured: &mut Measured) -> Result<()> {
        let (gauges, tills) = joined(self.tills)?;
        measured.tills_unanswered = gauges.unanswered;
        measured.gauges.add(gauges);
        measured.accounts = tills.accounts();
        for readers in self.readers {
            let (gauges, readers) = joined(readers)?;
            measured.gauges.add(gauges);
            measured.wrong_reads += readers.wrong;
        }
        measured.heard = true;
        Ok(())
    }
}

fn joined<C>(thread: Done<C>) -> Result<(Gauges, C)> {
    thread.join().ok().context("a thread of the generator panicked")?
}
