//! The one place where the settings of the servers of a run are put together.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};
use rand::Rng;

use super::free_ports;
use super::part::{Part, Recipe, Sort};
use crate::rehearse::scenario::Scenario;

/// Addresses of all parts.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    /// Client, route and monitor of each node of NATS; a managed one has a client alone.
    pub(crate) nats: Vec<[SocketAddr; 3]>,
    /// Desk and admin port of each core.
    pub(crate) cores: Vec<[SocketAddr; 2]>,
    /// Open API of each process that readers go to.
    pub(crate) open: Vec<SocketAddr>,
    key: String,
}

impl Addresses {
    /// Free ones for the parts of a scenario.
    ///
    /// # Errors
    /// When there are not enough.
    pub(crate) fn free(scenario: &Scenario) -> Result<Self> {
        let stage = &scenario.stage;
        let readers = stage.edges.max(stage.cores);
        let mut ports = free_ports(3 * stage.nats + 2 * stage.cores + readers)?.into_iter();
        let mut next = || ports.next().context("as many ports as were asked for");
        Ok(Self {
            nats: (0..stage.nats).map(|_| Ok([next()?, next()?, next()?])).collect::<Result<_>>()?,
            cores: (0..stage.cores).map(|_| Ok([next()?, next()?])).collect::<Result<_>>()?,
            open: (0..readers).map(|_| next()).collect::<Result<_>>()?,
            key: format!("{:032x}{:032x}", rand::rng().random::<u128>(), rand::rng().random::<u128>()),
        })
    }

    /// Those of servers that run already.
    pub(crate) fn given(
        nats: Vec<[SocketAddr; 3]>,
        cores: Vec<[SocketAddr; 2]>,
        open: Vec<SocketAddr>,
    ) -> Self {
        Self { nats, cores, open, key: String::new() }
    }

    /// Admin ports; a server that runs already may have none that was given.
    pub(crate) fn admins(&self) -> Vec<SocketAddr> {
        self.cores.iter().filter(|[desk, admin]| desk != admin).map(|[_, admin]| *admin).collect()
    }

    /// Moves all nodes of NATS off loopback: the one of that name to the inside of an island, the others to its outside.
    pub(crate) fn part_nats(&mut self, name: &str, outside: IpAddr, inside: IpAddr) {
        for (number, node) in self.nats.iter_mut().enumerate() {
            let to = if format!("nats {number}") == name { inside } else { outside };
            node.iter_mut().for_each(|address| address.set_ip(to));
        }
    }

    /// URLs of all nodes of NATS, comma-separated.
    pub(crate) fn nats_urls(&self) -> String {
        self.nats.iter().map(|[client, ..]| format!("nats://{client}")).collect::<Vec<_>>().join(",")
    }

    fn monitors(&self) -> String {
        self.nats.iter().map(|[_, _, monitor]| format!("http://{monitor}")).collect::<Vec<_>>().join(",")
    }
}

/// What all parts share.
pub(crate) struct Whole<'a> {
    pub(crate) jaego: &'a Path,
    pub(crate) nats_server: Option<&'a Path>,
    /// Folder of the run.
    pub(crate) dir: &'a Path,
    /// Folder under which cores keep their data.
    pub(crate) data: &'a Path,
    pub(crate) scenario: &'a Scenario,
}

/// Starts a core.
///
/// # Errors
/// When the system can not start it.
pub(crate) fn core(whole: &Whole<'_>, number: usize, at: &Addresses) -> Result<Part> {
    let stage = &whole.scenario.stage;
    let folder = whole.data.join(format!("core{number}"));
    let [desk, admin] = at.cores[number];
    let open = if stage.edges == 0 { at.open[number].to_string() } else { "127.0.0.1:0".to_owned() };
    let mut args = common(&folder, &open, &admin.to_string());
    let path = |name: &str| whole.dir.join(name).display().to_string();
    push(&mut args, &[("--desk-addr", desk.to_string()), ("--registry", path("registry.csv"))]);
    push(&mut args, &[("--policy", path("policy.json")), ("--tick", "1s".to_owned())]);
    if stage.nats == 1 {
        push(&mut args, &[("--role", "all".to_owned()), ("--nats-listen", at.nats[0][0].to_string())]);
    } else {
        push(&mut args, &[("--role", "core".to_owned()), ("--replicas", stage.nats.to_string())]);
        push(&mut args, &[("--nats", at.nats_urls()), ("--nats-monitor", at.monitors())]);
    }
    if stage.plays_week {
        args.extend(clock_of(0));
    }
    let mut env = vec![("JAEGO_PERSON_KEY_HEX", at.key.clone())];
    env.extend(whole.nats_server.map(|program| ("NATS_SERVER", program.display().to_string())));
    start(whole, format!("core {number}"), Sort::Core, &folder, args, env)
}

/// Starts an edge.
///
/// # Errors
/// When the system can not start it.
pub(crate) fn edge(whole: &Whole<'_>, number: usize, at: &Addresses) -> Result<Part> {
    let folder = whole.dir.join(format!("edge{number}"));
    let mut args = common(&folder, &at.open[number].to_string(), "127.0.0.1:0");
    push(&mut args, &[("--role", "edge".to_owned()), ("--nats", at.nats_urls())]);
    start(whole, format!("edge {number}"), Sort::Edge, &folder, args, Vec::new())
}

fn common(folder: &Path, open: &str, admin: &str) -> Vec<String> {
    let mut args = vec!["serve".to_owned(), "--exit-on-stdin-close".to_owned()];
    let folder = folder.display().to_string();
    push(&mut args, &[("--data-dir", folder), ("--log", "warn".to_owned())]);
    push(&mut args, &[("--open-addr", open.to_owned()), ("--admin-addr", admin.to_owned())]);
    // A nation of readers comes from one address here.
    let without = ["--open-rate", "--open-connections", "--open-connections-per-address"];
    push(&mut args, &without.map(|limit| (limit, "0".to_owned())));
    args
}

fn push(args: &mut Vec<String>, pairs: &[(&str, String)]) {
    args.extend(pairs.iter().flat_map(|(name, value)| [(*name).to_owned(), value.clone()]));
}

fn start(
    whole: &Whole<'_>,
    name: String,
    sort: Sort,
    folder: &Path,
    args: Vec<String>,
    env: Vec<(&'static str, String)>,
) -> Result<Part> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let log = whole.dir.join(format!("{}.log", name.replace(' ', "")));
    let endpoints = Some(folder.join("endpoints.json"));
    let recipe = Recipe { program: whole.jaego.to_owned(), args, env, log, endpoints, monitor: None };
    Part::start(name, sort, recipe)
}

/// Seconds by which the clock of a core is ahead on a day of the coming week, Monday 0: it is 09:00 in Korea when the core starts.
pub(crate) fn ahead_s(now_ms: i64, day: u32) -> i64 {
    const DAY: i64 = 86_400;
    let local = now_ms / 1_000 + i64::from(schemas::time::KST_MINUTES) * 60;
    // 1970-01-01 was a Thursday: day 4 was a Monday.
    let (today, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let to_monday = (4 - today).rem_euclid(7);
    let to_monday = if to_monday == 0 { 7 } else { to_monday };
    (to_monday + i64::from(day)) * DAY + 9 * 3_600 - second
}

/// The setting that moves the clock of a core to a day of the coming week.
pub(crate) fn clock_of(day: u32) -> [String; 2] {
    ["--clock-ahead".to_owned(), format!("{}s", ahead_s(crate::fleet::now().0, day))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_week_begins_on_the_coming_monday_at_nine() {
        // Wednesday 2026-11-25, 18:00 in Korea.
        let now = schemas::Millis::parse("2026-11-25T18:00:00+09:00").unwrap();
        let monday = schemas::Millis::parse("2026-11-30T09:00:00+09:00").unwrap();
        assert_eq!(now.0 + ahead_s(now.0, 0) * 1_000, monday.0);
        let again = now.plus(5 * 86_400_000);
        assert_eq!(again.0 + ahead_s(again.0, 6) * 1_000, monday.0 + 13 * 86_400_000);
    }
}
