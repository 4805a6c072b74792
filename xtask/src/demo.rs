//! `demo`: the whole of jaego on one machine with a simulated fleet, and nothing left running afterwards.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lexopt::{Arg, ValueExt};
use serde_json::Value;

use crate::process::{self, Running, Stop};
use crate::workspace::Workspace;
use crate::{checks, nats};

const READY_WITHIN: Duration = Duration::from_secs(120);
/// `jaego serve` ends within 10 s of being asked; the rest is for a machine under load.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the demo was asked to do.
pub(crate) struct Options {
    duration: Option<String>,
    outlets: u32,
    rate: f64,
    seed: u64,
    open_addr: Option<String>,
    admin_addr: Option<String>,
    keep: bool,
}

impl Options {
    /// Reads the arguments after `demo`.
    ///
    /// # Errors
    /// When one is unknown or can not be read.
    pub(crate) fn parse(mut args: lexopt::Parser) -> Result<Self> {
        let mut options = Self {
            duration: None,
            outlets: 25_000,
            rate: 5000.0,
            seed: 2020,
            open_addr: None,
            admin_addr: None,
            keep: false,
        };
        while let Some(argument) = args.next()? {
            match argument {
                Arg::Long("for") => options.duration = Some(args.value()?.string()?),
                Arg::Long("outlets") => options.outlets = args.value()?.parse()?,
                Arg::Long("rate") => options.rate = args.value()?.parse()?,
                Arg::Long("seed") => options.seed = args.value()?.parse()?,
                Arg::Long("open-addr") => options.open_addr = Some(args.value()?.string()?),
                Arg::Long("admin-addr") => options.admin_addr = Some(args.value()?.string()?),
                Arg::Long("keep") => options.keep = true,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// Sets up, builds, runs server and fleet until the time is over or somebody asks to stop, and stops both.
///
/// # Errors
/// When a step fails, or the server ends by itself.
pub(crate) fn run(workspace: &Workspace, stop: &Stop, options: &Options) -> Result<()> {
    let nats_server = nats::ensure(workspace, stop)?;
    build(workspace, stop)?;
    let folder = workspace.demo();
    lay_out(workspace, stop, &folder, options)?;
    let mut server = start_server(workspace, &folder, &nats_server, options)?;
    let Some(endpoints) = wait_until_ready(stop, &mut server, &folder)? else {
        server.stop(PATIENCE);
        return Ok(());
    };
    print_addresses(&endpoints, &folder)?;
    let fleet = start_fleet(workspace, &folder, options)?;
    let outcome = watch(stop, &mut server, fleet, &folder);
    server.stop(PATIENCE);
    println!("server and NATS are stopped; log and data of this run: {}", folder.display());
    outcome
}

fn build(workspace: &Workspace, stop: &Stop) -> Result<()> {
    println!("building in release mode (some minutes the first time)");
    let build = ["build", "--release", "--locked", "--package", "server", "--package", "sim", "--bins"];
    process::run(stop, Command::new(checks::program()).current_dir(&workspace.root).args(build))
}

fn lay_out(workspace: &Workspace, stop: &Stop, folder: &Path, options: &Options) -> Result<()> {
    if !options.keep && folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut registry = Command::new(workspace.release("jaego-sim"));
    registry.arg("registry").arg("--out").arg(folder.join("registry.csv"));
    registry.args(["--outlets", &options.outlets.to_string(), "--seed", &options.seed.to_string()]);
    process::run(stop, &mut registry)?;
    let key = folder.join("person.key");
    if key.exists() {
        return Ok(());
    }
    process::run(stop, Command::new(workspace.release("jaego")).args(["key", "new"]).arg(key))
}

fn start_server(
    workspace: &Workspace,
    folder: &Path,
    nats_server: &Path,
    options: &Options,
) -> Result<Running> {
    let log = File::create(folder.join("jaego.log")).context("making the log of the server")?;
    let data = folder.join("data");
    let stale = data.join("endpoints.json");
    if stale.exists() {
        fs::remove_file(&stale).with_context(|| format!("removing {}", stale.display()))?;
    }
    let mut serve = Command::new(workspace.release("jaego"));
    serve.args(["serve", "--nats", "managed", "--tick", "1s", "--exit-on-stdin-close"]);
    serve.arg("--registry").arg(folder.join("registry.csv")).arg("--data-dir").arg(data);
    serve.args(["--policy", "drill"]);
    serve.arg("--person-key").arg(folder.join("person.key"));
    serve.args(["--open-addr", &address(options.open_addr.as_deref(), 8080)]);
    serve.args(["--admin-addr", &address(options.admin_addr.as_deref(), 8081)]);
    serve.env("NATS_SERVER", nats_server).stdout(log.try_clone().context("sharing the log")?).stderr(log);
    Running::start("jaego", &mut serve)
}

/// The address asked for, or the usual one where its port is free, or any free port.
fn address(asked: Option<&str>, usual: u16) -> String {
    match asked {
        Some(address) => address.to_owned(),
        None if TcpListener::bind(("127.0.0.1", usual)).is_ok() => format!("127.0.0.1:{usual}"),
        None => "127.0.0.1:0".to_owned(),
    }
}

fn wait_until_ready(stop: &Stop, server: &mut Running, folder: &Path) -> Result<Option<Value>> {
    println!("starting jaego with a NATS of its own, and importing the registry");
    let start = Instant::now();
    let mut shown = 0;
    stop.poll(|| {
        if let Some(endpoints) = read_endpoints(folder) {
            return Ok(Some(endpoints));
        }
        still_running(server, folder)?;
        let seconds = start.elapsed().as_secs();
        if start.elapsed() > READY_WITHIN {
            bail!("jaego is not ready after {seconds} s; next step: read {}", log_of(folder)?);
        }
        if seconds >= shown + 5 {
            shown = seconds;
            println!("  not ready after {seconds} s, waiting");
        }
        Ok(None)
    })
}

/// What the server wrote when it was ready; `None` while there is nothing, or only a part.
fn read_endpoints(folder: &Path) -> Option<Value> {
    let text = fs::read(folder.join("data").join("endpoints.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

fn still_running(server: &mut Running, folder: &Path) -> Result<()> {
    match server.ended()? {
        None => Ok(()),
        Some(status) => bail!("jaego ended by itself ({status}); next step: read {}", log_of(folder)?),
    }
}

/// The place of the server's log, and its last lines.
fn log_of(folder: &Path) -> Result<String> {
    let place = folder.join("jaego.log");
    let text = fs::read(&place).with_context(|| format!("reading {}", place.display()))?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines[lines.len().saturating_sub(15)..].join("\n");
    Ok(format!("{}, which ends so:\n{last}", place.display()))
}

fn print_addresses(endpoints: &Value, folder: &Path) -> Result<()> {
    let address = |name: &str| {
        endpoints[name].as_str().with_context(|| format!("endpoints.json of jaego has no address {name:?}"))
    };
    let (open, admin, nats) = (address("open")?, address("admin")?, address("nats")?);
    println!(
        "\n  the map          {open}/\n  hops and delays  {open}/status\n  the open data    {open}/docs\n  admin            {admin}/readyz   {admin}/metrics\n  POS              {nats}"
    );
    println!("  log              {}\n\n  ask it, for example:", folder.join("jaego.log").display());
    for query in [
        "/v1/nearby?lat=37.5663&lng=126.9779&radius_m=300&min_level=few",
        "/v1/status.json",
        "/corona19-masks/v1/storesByGeo/json?lat=37.5663&lng=126.9779&m=1000",
        "/corona19-masks/v1/storesByAddr/json?address=서울특별시%20강남구",
        "/corona19-masks/v1/sales/json?page=1&perPage=500",
    ] {
        println!("    curl -s '{open}{query}'");
    }
    println!("\n  Ctrl-C stops everything\n");
    Ok(())
}

fn start_fleet(workspace: &Workspace, folder: &Path, options: &Options) -> Result<Running> {
    let mut fleet = Command::new(workspace.release("jaego-sim"));
    fleet.arg("fleet").arg("--endpoints").arg(folder.join("data").join("endpoints.json"));
    fleet.arg("--registry").arg(folder.join("registry.csv")).arg("--exit-on-stdin-close");
    fleet.args(["--rate", &options.rate.to_string(), "--seed", &options.seed.to_string()]);
    if let Some(duration) = &options.duration {
        fleet.args(["--for", duration]);
    }
    Running::start("the fleet", &mut fleet)
}

fn watch(stop: &Stop, server: &mut Running, mut fleet: Running, folder: &Path) -> Result<()> {
    let ended = stop.poll(|| {
        still_running(server, folder)?;
        fleet.ended()
    })?;
    match ended {
        Some(status) if !status.success() => {
            bail!("the fleet ended with {status}; next step: see its last lines above")
        }
        Some(_) => Ok(()),
        None => {
            fleet.stop(PATIENCE);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_unknown_ones_refused() {
        let parse = |args: &[&str]| Options::parse(lexopt::Parser::from_args(args));
        let options = parse(&["--for", "60s", "--outlets=100", "--rate", "2.5", "--keep"]).unwrap();
        assert_eq!(
            (options.duration.as_deref(), options.outlets, options.rate, options.keep),
            (Some("60s"), 100, 2.5, true)
        );
        assert_eq!(parse(&[]).unwrap().outlets, 25_000);
        assert!(parse(&["--outlets", "many"]).is_err());
        assert!(parse(&["--fast"]).is_err());
    }

    #[test]
    fn a_taken_port_gives_way_to_any_free_one() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(address(None, port), "127.0.0.1:0");
        assert_eq!(address(Some("127.0.0.1:9"), port), "127.0.0.1:9");
        drop(taken);
        assert_eq!(address(None, port), format!("127.0.0.1:{port}"));
    }
}
