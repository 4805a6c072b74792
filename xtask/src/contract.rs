//! `contract`: schemathesis against `/openapi.json` of a real server, the same requests each time.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::process::{self, Running, Stop};
use crate::site::{self, PATIENCE, Site};
use crate::workspace::Workspace;
use crate::{checks, nats, schemathesis};

/// Small enough that the whole country is a page, large enough that every province has outlets.
const OUTLETS: u32 = 400;
const SEED: u64 = 2020;
/// Requests drawn for an operation beside the examples and boundaries of its parameters.
const DRAWN: &str = "200";

/// Starts a server, lets a fleet post stock, and asks the server for all that its contract allows and forbids. What is
/// in `args` is handed to schemathesis.
///
/// # Errors
/// When a step fails, or an answer is not as the contract says.
pub(crate) fn run(workspace: &Workspace, stop: &Stop, args: &[OsString]) -> Result<()> {
    println!("── contract: schemathesis against /openapi.json");
    let nats_server = nats::ensure(workspace, stop)?;
    let schemathesis = schemathesis::ensure(workspace, stop)?;
    let build = ["build", "--workspace", "--locked", "--bins", "--quiet"];
    process::run(stop, Command::new(checks::program()).current_dir(&workspace.root).args(build))?;
    let start = Instant::now();
    let site = Site::new(workspace, "debug", "contract");
    let _held = site.hold()?;
    site.clear()?;
    site.lay_out(stop, OUTLETS, SEED)?;
    let mut server = start_server(&site, &nats_server)?;
    let outcome = stocked(stop, &site, &mut server).and_then(|open| {
        let mut command = Command::new(schemathesis);
        command.arg("--config-file").arg(workspace.root.join("publisher/contract/schemathesis.toml"));
        judge(stop, &site, command.arg("run").arg(format!("{open}/openapi.json")).args(args))
    });
    server.stop(PATIENCE);
    outcome?;
    println!("── contract: passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// On free ports, and so that no limit of readers is in the way.
fn start_server(site: &Site, nats_server: &Path) -> Result<Running> {
    let key = site.key().display().to_string();
    let ports =
        ["--open-addr", "--admin-addr", "--nats-listen", "--desk-addr"].map(|port| [port, "127.0.0.1:0"]);
    let wide = ["--open-key", &key, "--open-rate", "1000000", "--open-key-rate", "1000000"];
    site.serve(nats_server, &[ports.as_flattened(), &wide].concat())
}

/// The address of the open API once it is ready and outlets have stock.
fn stocked(stop: &Stop, site: &Site, server: &mut Running) -> Result<String> {
    let endpoints = site.wait_until_ready(stop, server)?.context("stopped on request")?;
    let mut fleet = site.fleet(&["--for", "5s", "--rate", "500", "--population", "100000"])?;
    match stop.poll(|| fleet.ended())? {
        Some(status) if status.success() => Ok(site::address(&endpoints, "open")?.to_owned()),
        Some(status) => bail!("the fleet ended with {status}; next step: see its last lines above"),
        None => bail!("stopped on request"),
    }
}

/// The stream has no end, so it is left out.
fn judge(stop: &Stop, site: &Site, schemathesis: &mut Command) -> Result<()> {
    schemathesis.current_dir(site.folder()).args([
        "--exclude-path",
        "/v1/stream",
        "--max-examples",
        DRAWN,
        "--generation-deterministic",
    ]);
    process::run(stop, schemathesis).with_context(|| {
        format!(
            "an answer is not as the contract says; next step: `cargo xtask contract --include-path PATH` asks the \
             same again of one path, the server's log is {}",
            site.log().display()
        )
    })
}
