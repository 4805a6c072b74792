//! The servers of a run: started in a folder that is removed afterwards, found at addresses that stay through every restart, and gone when
//! this value is, whatever ends it.

pub(crate) mod disk;
pub(crate) mod flags;
pub(crate) mod island;
mod nodes;
pub(crate) mod part;
pub(crate) mod refused;
pub(crate) mod slow_disk;
pub(crate) mod target;

use std::collections::HashSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::Rng;
use schemas::registry::OutletInfo;

use self::disk::Disk;
use self::flags::{Addresses, Whole};
use self::island::Island;
use self::part::{Part, Sort};
use super::scenario::{Act, Form, Scenario};
use crate::registry;

/// How long a part may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Programs {
    /// `jaego`.
    pub jaego: PathBuf,
    /// `nats-server`.
    pub nats_server: Option<PathBuf>,
}

/// All that runs.
pub(crate) struct Stage {
    pub(crate) parts: Vec<Part>,
    pub(crate) disk: Option<Disk>,
    /// The network of the node that is cut off in the course of the day.
    pub(crate) island: Option<Island>,
    pub(crate) addresses: Addresses,
    pub(crate) registry: Vec<OutletInfo>,
    dir: tempfile::TempDir,
}

/// Edges end before cores, cores before NATS, all before the folder is removed.
impl Drop for Stage {
    fn drop(&mut self) {
        while let Some(part) = self.parts.pop() {
            drop(part);
        }
    }
}

impl Stage {
    /// Starts all parts of a scenario and waits until they are ready; `tell` hears what is being done.
    ///
    /// # Errors
    /// When a part can not be started or is not ready in time; its last words are told.
    pub(crate) fn start(
        programs: &Programs,
        scenario: &Scenario,
        form: Form,
        tell: &mut dyn FnMut(&str),
    ) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("jaego-rehearsal-").tempdir().context("making a folder")?;
        let outlets = form.outlets.unwrap_or(scenario.stage.outlets);
        let registry = registry::synthetic(outlets, 2020);
        write_registry(&dir.path().join("registry.csv"), &registry)?;
        let policy = scenario.stage.policy.document().to_string();
        fs::write(dir.path().join("policy.json"), policy).context("writing the policy")?;
        let disk = (scenario.stage.disk_mib > 0)
            .then(|| Disk::mount(&dir.path().join("disk"), scenario.stage.disk_mib))
            .transpose()?;
        let mut addresses = Addresses::free(scenario)?;
        let island = scenario.cut_off().map(|_| Island::make()).transpose()?;
        if let (Some(island), Some(name)) = (&island, scenario.cut_off()) {
            addresses.part_nats(&name, island.outside, island.inside);
        }
        if scenario.events.iter().any(|event| event.act == Act::SlowFsync) {
            slow_disk::is_possible()?;
        }
        let mut stage = Self { parts: Vec::new(), disk, island, addresses, registry, dir };
        tell(&format!("registry of {outlets} outlets; starting {}", stage_in_words(scenario)));
        stage.start_parts(programs, scenario, tell)?;
        Ok(stage)
    }

    /// Servers that run already; nothing is started, and nothing of theirs can be killed.
    ///
    /// # Errors
    /// When they are not as they should be.
    pub(crate) fn of_targets(targets: &[String], mine: bool) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("jaego-rehearsal-").tempdir().context("making a folder")?;
        let addresses = target::addresses(targets, mine)?;
        let registry = target::registry(addresses.open[0])?;
        Ok(Self { parts: Vec::new(), disk: None, island: None, addresses, registry, dir })
    }

    fn start_parts(
        &mut self,
        programs: &Programs,
        scenario: &Scenario,
        tell: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let dir = self.dir.path().to_owned();
        if scenario.stage.nats > 1 {
            let program = programs.nats_server.as_deref().context(
                "this scenario needs a nats-server of 2.12 or newer; next step: `cargo xtask setup`, or set NATS_SERVER",
            )?;
            let name = scenario.cut_off();
            let apart = self.island.as_ref().zip(name.as_deref());
            self.parts.extend(nodes::start(program, &dir, &self.addresses, apart)?);
            self.wait_for(Sort::Nats, tell)?;
        }
        let data = self.disk.as_ref().map_or_else(|| dir.clone(), |disk| disk.path().to_owned());
        let whole = Whole {
            jaego: &programs.jaego,
            nats_server: programs.nats_server.as_deref(),
            dir: &dir,
            data: &data,
            scenario,
        };
        for number in 0..scenario.stage.cores {
            self.parts.push(flags::core(&whole, number, &self.addresses)?);
        }
        self.wait_for(Sort::Core, tell)?;
        for number in 0..scenario.stage.edges {
            self.parts.push(flags::edge(&whole, number, &self.addresses)?);
        }
        self.wait_for(Sort::Edge, tell)
    }

    fn wait_for(&mut self, sort: Sort, tell: &mut dyn FnMut(&str)) -> Result<()> {
        let (started, mut told) = (Instant::now(), 0);
        for part in self.parts.iter_mut().filter(|part| part.sort == sort) {
            while !part.is_ready()? {
                ensure!(
                    started.elapsed() < READY_WITHIN,
                    "{} is not ready: {}",
                    part.name,
                    part.last_words()
                );
                std::thread::sleep(Duration::from_millis(20));
                if started.elapsed().as_secs() >= told + 5 {
                    told = started.elapsed().as_secs();
                    tell(&format!("{} is not ready after {told} s, waiting", part.name));
                }
            }
        }
        Ok(())
    }

    /// The process of a node of NATS: a part, or what the core manages.
    pub(crate) fn nats(&self, name: &str) -> Option<u32> {
        if let Some(node) = self.parts.iter().find(|part| part.name == name) {
            return node.pid();
        }
        let core = self.parts.iter().find(|part| part.sort == Sort::Core)?.pid()?;
        let children = fs::read_to_string(format!("/proc/{core}/task/{core}/children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// The part of a name such as `core 0`.
    pub(crate) fn part(&mut self, name: &str) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.name == name)
    }
}

fn stage_in_words(scenario: &Scenario) -> String {
    let stage = &scenario.stage;
    let nats = if stage.nats == 1 {
        "a NATS of its own".to_owned()
    } else {
        format!("{} nodes of NATS", stage.nats)
    };
    format!("{} core(s) with {nats} and {} edge(s)", stage.cores, stage.edges)
}

fn write_registry(path: &Path, rows: &[OutletInfo]) -> Result<()> {
    let file = fs::File::create(path).with_context(|| format!("creating {}", path.display()))?;
    registry::write_csv(rows, std::io::BufWriter::new(file))
}

/// Free ports of loopback, which stay the same after every restart. They lie below those that the kernel gives out.
pub(crate) fn free_ports(wanted: usize) -> Result<Vec<SocketAddr>> {
    let (mut rng, mut ports, mut tries) = (rand::rng(), HashSet::new(), 0);
    while ports.len() < wanted {
        tries += 1;
        ensure!(tries < 10_000, "no free ports on loopback");
        let port: u16 = rng.random_range(10_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            ports.insert(port);
        }
    }
    Ok(ports.into_iter().map(|port| (Ipv4Addr::LOCALHOST, port).into()).collect())
}
