//! `cargo xtask`: everything a person or a CI does with this repository, with nothing to install beforehand.

mod checks;
mod contract;
mod demo;
mod fetch;
mod nats;
mod process;
mod schemathesis;
mod site;
mod web;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Result, bail};
use lexopt::{Arg, ValueExt};

use crate::process::Stop;
use crate::workspace::Workspace;

const USAGE: &str = "\
cargo xtask setup                 find nats-server 2.12 or newer, or fetch the pinned one into .tools; build the pages if they changed
cargo xtask demo [options]        set up, build, and run jaego with a simulated fleet of POS
    --for 60s                     stop after this long (default: until Ctrl-C)
    --outlets 25000               size of the synthetic registry
    --rate 5000                   POS messages a second
    --seed 2020                   seed of registry and fleet
    --open-addr HOST:PORT         open API (default 127.0.0.1:8080, or any free port)
    --admin-addr HOST:PORT        admin port (default 127.0.0.1:8081, or any free port)
    --keep                        go on with the data of the last demo
cargo xtask test                  set up, check format and lints, run every test, hold the open data against its contract
cargo xtask contract [arguments]  hold the open data alone against its contract; arguments are handed to schemathesis
cargo xtask bench [arguments]     set up, then run the measurements in release mode
cargo xtask ci                    what `test` does, and the documentation without a warning";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = lexopt::Parser::from_env();
    let command = match args.next()? {
        Some(Arg::Value(command)) => command.string()?,
        None | Some(Arg::Long("help") | Arg::Short('h')) => {
            println!("{USAGE}");
            return Ok(());
        }
        Some(other) => return Err(other.unexpected().into()),
    };
    let workspace = Workspace::locate()?;
    let stop = Stop::on_signals()?;
    match command.as_str() {
        "setup" => nothing_more(args).and_then(|()| setup(&workspace, &stop)),
        "demo" => demo::run(&workspace, &stop, &demo::Options::parse(args)?),
        "test" => nothing_more(args).and_then(|()| checks::test(&workspace, &stop)),
        "ci" => nothing_more(args).and_then(|()| checks::ci(&workspace, &stop)),
        "contract" => contract::run(&workspace, &stop, &args.raw_args()?.collect::<Vec<OsString>>()),
        "bench" => checks::bench(&workspace, &stop, args.raw_args()?.collect::<Vec<OsString>>()),
        other => bail!("no command {other:?}; next step: choose one of these\n{USAGE}"),
    }
}

fn setup(workspace: &Workspace, stop: &Stop) -> Result<()> {
    nats::ensure(workspace, stop)?;
    web::ensure(workspace, stop)
}

fn nothing_more(mut args: lexopt::Parser) -> Result<()> {
    match args.next()? {
        None => Ok(()),
        Some(argument) => Err(argument.unexpected().into()),
    }
}
