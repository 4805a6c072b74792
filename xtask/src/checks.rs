//! `test`, `ci` and `bench`: the same commands for a developer and for CI.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::process::{self, Stop};
use crate::workspace::Workspace;
use crate::{contract, nats};

/// Sets up, then format, lints, all tests, the examples in the documentation, and the contract of the open data; the
/// quickest to fail comes first.
///
/// # Errors
/// At the first step that fails.
pub(crate) fn test(workspace: &Workspace, stop: &Stop) -> Result<()> {
    let nats_server = nats::ensure(workspace, stop)?;
    let step = |name: &str, args: &[&str]| cargo(workspace, stop, &nats_server, name, args);
    step("format", &["fmt", "--all", "--check"])?;
    step(
        "lints",
        &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    )?;
    if has_nextest() {
        step("tests", &["nextest", "run", "--workspace", "--locked", "--profile", profile()])?;
    } else {
        println!(
            "cargo-nextest is not installed: the tests run under `cargo test`, which is slower and does the same"
        );
        step("tests", &["test", "--workspace", "--locked", "--lib", "--bins", "--tests"])?;
    }
    step("examples in the documentation", &["test", "--workspace", "--locked", "--doc", "--quiet"])?;
    contract::run(workspace, stop, &[])
}

/// What [`test()`] does, and the documentation without a warning.
///
/// # Errors
/// At the first step that fails.
pub(crate) fn ci(workspace: &Workspace, stop: &Stop) -> Result<()> {
    test(workspace, stop)?;
    let nats_server = nats::ensure(workspace, stop)?;
    let doc = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked", "--quiet"];
    cargo(workspace, stop, &nats_server, "documentation", &doc)
}

/// Sets up, then runs the measurements with the arguments given.
///
/// # Errors
/// When a measurement fails.
pub(crate) fn bench(workspace: &Workspace, stop: &Stop, args: Vec<OsString>) -> Result<()> {
    let nats_server = nats::ensure(workspace, stop)?;
    let build = ["build", "--release", "--locked", "--package", "server", "--package", "benches"];
    process::run(stop, Command::new(program()).current_dir(&workspace.root).args(build))?;
    let mut command = Command::new(workspace.root.join("target/release/benches"));
    command.current_dir(&workspace.root).args(args).env("NATS_SERVER", nats_server);
    process::run(stop, &mut command)
}

fn cargo(workspace: &Workspace, stop: &Stop, nats_server: &Path, name: &str, args: &[&str]) -> Result<()> {
    println!("── {name}: cargo {}", args.join(" "));
    let start = Instant::now();
    let mut command = Command::new(program());
    command.current_dir(&workspace.root).args(args);
    command.env("NATS_SERVER", nats_server).env("RUSTDOCFLAGS", "-D warnings");
    process::run(stop, &mut command)?;
    println!("── {name}: passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn has_nextest() -> bool {
    matches!(process::ask(Command::new(program()).args(["nextest", "--version"])), Ok(Some(_)))
}

/// The cargo that runs this xtask.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The profile in `.config/nextest.toml`.
fn profile() -> &'static str {
    if env::var_os("CI").is_some() { "ci" } else { "default" }
}
