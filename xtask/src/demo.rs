//! `demo`: the whole of jaego on one machine with a simulated fleet, and nothing left running afterwards.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use lexopt::{Arg, ValueExt};
use serde_json::Value;

use crate::process::{self, Running, Stop};
use crate::site::{self, PATIENCE, Site};
use crate::workspace::Workspace;
use crate::{checks, nats};

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
    let site = Site::new(workspace, "release", "demo");
    let _held = site.hold()?;
    lay_out(stop, &site, options)?;
    let mut server = start_server(&site, &nats_server, options)?;
    let Some(endpoints) = site.wait_until_ready(stop, &mut server)? else {
        server.stop(PATIENCE);
        return Ok(());
    };
    print_addresses(&endpoints, &site)?;
    let fleet = start_fleet(&site, options)?;
    let outcome = watch(stop, &mut server, fleet, &site);
    server.stop(PATIENCE);
    println!("server and NATS are stopped; log and data of this run: {}", site.folder().display());
    outcome
}

fn build(workspace: &Workspace, stop: &Stop) -> Result<()> {
    println!("building in release mode (some minutes the first time)");
    let build = ["build", "--release", "--locked", "--package", "server", "--package", "sim", "--bins"];
    process::run(stop, Command::new(checks::program()).current_dir(&workspace.root).args(build))
}

/// Makes the ground anew, or goes on with that of the last demo.
fn lay_out(stop: &Stop, site: &Site, options: &Options) -> Result<()> {
    if !options.keep {
        site.clear()?;
    }
    site.lay_out(stop, options.outlets, options.seed)
}

fn start_server(site: &Site, nats_server: &Path, options: &Options) -> Result<Running> {
    let open = address(options.open_addr.as_deref(), 8080);
    let admin = address(options.admin_addr.as_deref(), 8081);
    site.serve(nats_server, &["--tick", "1s", "--open-addr", &open, "--admin-addr", &admin])
}

/// The address asked for, or the usual one where its port is free, or any free port.
fn address(asked: Option<&str>, usual: u16) -> String {
    match asked {
        Some(address) => address.to_owned(),
        None if TcpListener::bind(("127.0.0.1", usual)).is_ok() => format!("127.0.0.1:{usual}"),
        None => "127.0.0.1:0".to_owned(),
    }
}

fn print_addresses(endpoints: &Value, site: &Site) -> Result<()> {
    let address = |name: &str| site::address(endpoints, name);
    let (open, admin, nats) = (address("open")?, address("admin")?, address("nats")?);
    println!(
        "\n  the map          {open}/\n  hops and delays  {open}/status\n  the open data    {open}/docs\n  admin            {admin}/readyz   {admin}/metrics\n  POS              {nats}"
    );
    println!("  log              {}\n\n  ask it, for example:", site.log().display());
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

fn start_fleet(site: &Site, options: &Options) -> Result<Running> {
    let (rate, seed) = (options.rate.to_string(), options.seed.to_string());
    let mut args = vec!["--rate", &rate, "--seed", &seed];
    if let Some(duration) = &options.duration {
        args.extend(["--for", duration]);
    }
    site.fleet(&args)
}

fn watch(stop: &Stop, server: &mut Running, mut fleet: Running, site: &Site) -> Result<()> {
    let ended = stop.poll(|| {
        site.still_running(server)?;
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
