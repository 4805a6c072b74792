//! A scenario: a named day with its load, its faults and what must hold, as its TOML document says it.

mod caps;
mod check;
mod moment;
mod ration;
mod threshold;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub use caps::{DayCaps, DayPlan};
pub use moment::Moment;
pub use ration::Ration;
pub use threshold::{Quantile, Threshold};

/// Longest run, in seconds.
pub const LONGEST_S: f64 = 900.0;

/// A named day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name on the command line.
    pub name: String,
    /// Title in Korean and English.
    pub title: Words,
    /// What happened, in a line.
    pub story: Words,
    /// First moment of the day that is played.
    pub begins: Moment,
    /// Its end.
    pub ends: Moment,
    /// Scale and speed of the long form.
    pub long: Form,
    /// Scale and speed of the short form.
    pub short: Form,
    /// What is started.
    pub stage: Stage,
    /// The caps that hold; the built-in ones where none are said.
    pub caps: Option<DayCaps>,
    /// Parts of the day, in order.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
    /// Who comes.
    #[serde(rename = "load")]
    pub loads: Vec<Load>,
    /// What breaks, and what the operator does.
    #[serde(rename = "event", default)]
    pub events: Vec<Event>,
    /// What must hold, besides the rules that hold in every run.
    #[serde(rename = "threshold", default)]
    pub thresholds: Vec<Threshold>,
}

/// The same in two languages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

/// How large and how fast a run is.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Share of the real load.
    pub scale: f64,
    /// How many times faster than real the day passes.
    pub speed: f64,
    /// Outlets in the registry, where not as many as on the stage.
    pub outlets: Option<usize>,
}

/// The servers, and who they serve.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Outlets in the registry.
    pub outlets: usize,
    /// Cores.
    #[serde(default = "one")]
    pub cores: usize,
    /// Edges; 0: the core serves readers itself.
    #[serde(default)]
    pub edges: usize,
    /// Nodes of NATS: 1 is the managed one of the core, 3 a cluster.
    #[serde(default = "one")]
    pub nats: usize,
    /// People who may come.
    pub people: u64,
    /// Policy: `weekly <n>` (n pieces a week, every day), or `weekday <n>` (the same, by the last digit of the birth year).
    pub policy: Ration,
    /// Most connections of each sort.
    #[serde(default)]
    pub connections: Connections,
    /// Whether the first day is the coming Monday, by the clocks of the cores.
    #[serde(default)]
    pub plays_week: bool,
    /// Size of a small file system for the data of the cores, in MiB; 0: the data lie on the usual disk.
    #[serde(default)]
    pub disk_mib: u32,
}

/// Most connections that are open at once.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// To the open API.
    pub readers: usize,
    /// Whether all of those are opened and kept, whatever is asked over them.
    pub kept: bool,
    /// To the desks.
    pub desk: usize,
    /// To NATS, shared by the tills.
    pub tills: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self { readers: 256, kept: false, desk: 128, tills: 8 }
    }
}

fn one() -> usize {
    1
}

fn one_terminal() -> u32 {
    1
}

/// A part of the day.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Name, by which thresholds call it.
    pub name: String,
    /// Title in the report.
    pub title: Words,
    /// When it begins; it ends where the next one begins.
    pub from: Moment,
}

/// One class of requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Name, by which thresholds and plots call it.
    pub class: String,
    /// What a caller does.
    pub does: Does,
    /// Terminals of each outlet, of which each request comes from one at random.
    #[serde(default = "one_terminal")]
    pub terminals: u32,
    /// How often a check that was turned away for now is asked again, each time after the pause that was told, before the counter gives
    /// it up. What is written is sent again in any case.
    #[serde(default)]
    pub asks_again: u32,
    /// Requests a second at full scale, the mean over bursts; those that are asked again come on top.
    pub rate: f64,
    /// First moment.
    pub from: Moment,
    /// Last moment.
    pub until: Moment,
    /// Time over which the rate climbs evenly from nothing, in seconds of the day.
    #[serde(default)]
    pub rise_s: f64,
    /// Bursts within the mean.
    pub bursts: Option<Bursts>,
}

/// Regular bursts.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bursts {
    /// From the beginning of one to that of the next, in seconds of the day.
    pub every_s: f64,
    /// How long one lasts, in seconds of the day.
    pub last_s: f64,
    /// How many times the mean rate.
    pub times: f64,
}

/// What a caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Does {
    /// Reads a district in the face of 2020.
    Area,
    /// Reads a page of the list of sellers of 2020.
    Sellers,
    /// Reads a circle of 1 km in the face of 2020.
    Near,
    /// Reads a page of the list of stock of 2020.
    StockList,
    /// Looks for the ten nearest outlets.
    Nearby,
    /// Reads the map tile of a home, as a map does that is left open.
    Poll,
    /// Reads the status page.
    Status,
    /// Buys at a pharmacy, over NATS.
    Sale,
    /// Books a delivery in at a pharmacy, over NATS.
    Delivery,
    /// Asks at a post office whether a person may buy, at the desk.
    DeskCheck,
    /// Buys at a post office, at the desk.
    DeskSale,
}

impl Does {
    /// Whether it writes or asks about persons; else it reads the open API.
    #[must_use]
    pub fn is_till(self) -> bool {
        matches!(self, Self::Sale | Self::Delivery | Self::DeskCheck | Self::DeskSale)
    }
}

/// Something that happens once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// What.
    #[serde(rename = "do")]
    pub act: Act,
    /// To whom: `core 0`, `edge 1`, `nats 2`, `tills`, `readers`, `disk`.
    #[serde(default)]
    pub to: String,
    /// After how many real seconds it is made good; 0: never.
    #[serde(default, rename = "for_s")]
    pub for_s: f64,
    /// Of `slow_fsync`: how much longer each fsync takes, in milliseconds.
    #[serde(default)]
    pub each_ms: u32,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// SIGKILL; it is started again afterwards.
    Kill,
    /// SIGSTOP; SIGCONT afterwards.
    Pause,
    /// All connections of these callers break at once.
    Drop,
    /// The small file system is filled; emptied afterwards.
    Fill,
    /// A node of NATS is cut off from everybody, as by a cable that is out; put in again afterwards.
    Partition,
    /// Each fsync of a node of NATS takes longer; as before afterwards.
    SlowFsync,
    /// The operator imports the next registry.
    Migrate,
    /// The core is stopped in order and started with the clock of the next morning.
    Dawn,
}

impl Scenario {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is no scenario, or contradicts itself; says where.
    pub fn parse(text: &str) -> Result<Self> {
        let scenario: Self = toml::from_str(text).context("this is no scenario; see docs/rehearsal.md")?;
        scenario.check()?;
        Ok(scenario)
    }

    /// The phase of a class of names, by name.
    #[must_use]
    pub fn phase(&self, name: &str) -> Option<usize> {
        self.phases.iter().position(|phase| phase.name == name)
    }

    /// The class of a name.
    #[must_use]
    pub fn class(&self, name: &str) -> Option<usize> {
        self.loads.iter().position(|load| load.class == name)
    }

    /// The classes of which some may be turned away, by a threshold that judges how many.
    #[must_use]
    pub fn sheds(&self) -> Vec<usize> {
        let named = self.thresholds.iter().filter_map(|threshold| match threshold {
            Threshold::Shed { only, .. } => Some(only),
            _ => None,
        });
        named.flatten().filter_map(|name| self.class(name)).collect()
    }

    /// The node of NATS that is cut off in the course of the day.
    #[must_use]
    pub fn cut_off(&self) -> Option<String> {
        self.events.iter().find(|event| event.act == Act::Partition).map(|event| event.to.clone())
    }
}
