//! `jaego-sim`: writes a synthetic registry, or runs a fleet of POS against a server that is up.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};
use schemas::registry::{OutletInfo, OutletType};
use serde::Deserialize;
use sim::fleet::{Fleet, Options};
use sim::live::{Lines, StatusPage};
use sim::probe::{Probe, Visible};
use sim::summary::Summary;
use sim::tally::Tally;
use sim::{live, population, registry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Probes that measure at the same time.
const PROBES: usize = 2;
/// Lines under one heading.
const HEADED: u64 = 20;

/// The outside world of jaego.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a synthetic registry in the form of the store lists of 2020.
    Registry(RegistryArgs),
    /// Run the outlets of a registry against a server, one line a second.
    Fleet(FleetArgs),
}

#[derive(Args)]
struct RegistryArgs {
    /// Rows.
    #[arg(long, default_value_t = 25_000)]
    outlets: usize,
    /// The same seed and size give the same rows.
    #[arg(long, default_value_t = 2020)]
    seed: u64,
    /// File to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args)]
struct FleetArgs {
    /// The file endpoints.json in the data directory of a server that is up.
    #[arg(long)]
    endpoints: PathBuf,
    /// The registry that the server imported, as a store list.
    #[arg(long)]
    registry: PathBuf,
    /// Messages a second on average.
    #[arg(long, default_value_t = 5000.0)]
    rate: f64,
    /// Seed of everything that is left to chance.
    #[arg(long, default_value_t = 2020)]
    seed: u64,
    /// People who come to buy, each under a ration of the server; 0: goods are sold without claims.
    #[arg(long, default_value_t = population::KOREA, value_parser = clap::value_parser!(u64).range(0..=population::LARGEST))]
    population: u64,
    /// Item that is sold.
    #[arg(long, default_value = "mask")]
    item: String,
    /// Real time of the fleet's day from 08:30 to 20:30, such as 10m.
    #[arg(long, default_value = "10m", value_parser = duration)]
    real_day: Duration,
    /// Stop after this long, such as 60s; without it, on Ctrl-C.
    #[arg(long = "for", value_parser = duration)]
    duration: Option<Duration>,
    /// Print each line as JSON.
    #[arg(long)]
    json: bool,
    /// Stop when standard input is closed, so that the fleet never outlives who started it.
    #[arg(long)]
    exit_on_stdin_close: bool,
}

/// What the server writes when it is ready.
#[derive(Deserialize)]
struct Endpoints {
    open: String,
    nats: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(std::io::stderr).init();
    match Cli::parse().command {
        Command::Registry(args) => write_registry(&args),
        Command::Fleet(args) => run_fleet(&args).await,
    }
}

fn write_registry(args: &RegistryArgs) -> Result<()> {
    let shown = args.out.display();
    let mut file = BufWriter::new(File::create(&args.out).with_context(|| format!("creating {shown}"))?);
    registry::write_csv(&registry::synthetic(args.outlets, args.seed), &mut file)?;
    file.flush().with_context(|| format!("writing {shown}"))?;
    println!("{} outlets with seed {}: {shown}", args.outlets, args.seed);
    Ok(())
}

async fn run_fleet(args: &FleetArgs) -> Result<()> {
    let endpoints = read_endpoints(&args.endpoints)?;
    let mut outlets = read_registry(&args.registry)?;
    let probed = take_probed(&mut outlets);
    let visible = Visible::default();
    let mut probes = Vec::new();
    for outlet in &probed {
        let probe = Probe::connect(outlet, &args.item, &endpoints.nats, &endpoints.open).await?;
        probes.push(tokio::spawn(probe.measure(visible.clone())));
    }
    let tally = Arc::new(Tally::default());
    let fleet = Fleet::connect(options(args), &outlets, &endpoints.nats, Arc::clone(&tally)).await?;
    let (speaking, listed) = (fleet.speaking(), outlets.len());
    println!("{speaking} of {listed} outlets speak, {} messages/s, {} people", args.rate, args.population);
    let (stop, stopped) = watch::channel(false);
    let fleet = tokio::spawn(fleet.run(stopped));
    tokio::select! {
        outcome = show(args.json, StatusPage::of(&endpoints.open)?, &visible, &tally) => outcome?,
        reason = asked_to_stop(args) => eprintln!("{}", reason?),
    }
    stop.send_replace(true);
    let standings = fleet.await.context("the fleet broke down")?;
    probes.iter().for_each(tokio::task::JoinHandle::abort);
    let summary = Summary {
        summary: tally.counts(),
        visible: visible.whole_run(),
        unseen: visible.failed(),
        settled: standings.len(),
    };
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        println!("{summary}");
    }
    Ok(())
}

fn read_endpoints(file: &Path) -> Result<Endpoints> {
    let text = std::fs::read(file)
        .with_context(|| format!("reading {}; next step: start `jaego serve` first", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("understanding {}", file.display()))
}

fn read_registry(file: &Path) -> Result<Vec<OutletInfo>> {
    let shown = file.display();
    let open = File::open(file)
        .with_context(|| format!("opening {shown}; next step: make one with `jaego-sim registry`"))?;
    registry::read_csv(BufReader::new(open)).with_context(|| format!("reading {shown}"))
}

/// Takes pharmacies with a place out of the fleet, for the probes alone.
fn take_probed(outlets: &mut Vec<OutletInfo>) -> Vec<OutletInfo> {
    let fit = |outlet: &mut OutletInfo| outlet.kind == OutletType::Pharmacy && outlet.place.is_some();
    outlets.extract_if(.., fit).take(PROBES).collect()
}

fn options(args: &FleetArgs) -> Options {
    Options {
        seed: args.seed,
        rate: args.rate,
        item: args.item.clone(),
        population: args.population,
        real_day: args.real_day,
        ..Options::default()
    }
}

/// Prints a line a second, for ever.
async fn show(json: bool, page: StatusPage, visible: &Visible, tally: &Tally) -> Result<()> {
    let mut lines = Lines::start();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    for number in 0.. {
        tick.tick().await;
        if !json && number % HEADED == 0 {
            writeln!(std::io::stdout(), "{}", live::HEADING).context("writing the heading")?;
        }
        let line = lines.next(page.read().await.ok(), visible.last_minute(), tally.counts());
        let text = if json { serde_json::to_string(&line)? } else { line.to_string() };
        writeln!(std::io::stdout(), "{text}").context("writing a line; who reads them is gone")?;
    }
    Ok(())
}

/// Waits for the end of the time, a signal, or a closed standard input, whichever comes first; says which.
async fn asked_to_stop(args: &FleetArgs) -> Result<&'static str> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let over = async {
        match args.duration {
            Some(duration) => tokio::time::sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    let closed =
        async { if args.exit_on_stdin_close { stdin_closed().await } else { std::future::pending().await } };
    Ok(tokio::select! {
        () = over => "the time is over: stopping the fleet",
        _ = interrupt.recv() => "interrupted: stopping the fleet",
        _ = terminate.recv() => "asked to stop: stopping the fleet",
        () = closed => "whoever started the fleet is gone or asks to stop: stopping it",
    })
}

/// A thread of its own: a blocked read of standard input can not be taken back, and must not hold up the end.
async fn stdin_closed() {
    let (closed, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut byte = [0];
        while matches!(std::io::stdin().read(&mut byte), Ok(1)) {}
        // Where nobody waits any more, the program ends anyway.
        let _unheard = closed.send(());
    });
    let _closed = told.await;
}

/// Reads `90s`, `10m`, `1h` or `250ms`.
fn duration(text: &str) -> Result<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().context("write a whole number and a unit, such as 60s")?;
    match &text[end..] {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        unit => bail!("{unit:?} is no unit of time; write ms, s, m or h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("60s").unwrap(), Duration::from_secs(60));
        assert_eq!(duration("2h").unwrap(), Duration::from_secs(7200));
        for bad in ["60", "s", "1.5s", "1d", ""] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }
}
