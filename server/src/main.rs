//! The command line of `jaego`.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use server::audit_command::{self, AuditCommand};
use server::capacity_command::{self, CapacityCommand};
use server::caps_command::{self, CapsCommand};
use server::journal_command::{self, JournalCommand};
use server::key_command::{self, KeyCommand};
use server::policy_command::{self, PolicyCommand};
use server::registry_command::{self, RegistryCommand};
use server::rehearse_command::{self, RehearseCommand};
use server::settings::{Nats, Role};
use server::{core_dumps, edge, logging, open_files, serve, settings};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// jaego (재고): a nation's rationed pharmacy stock, true and readable while everybody arrives at once.
#[derive(Parser)]
#[command(name = "jaego", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check, compare and import registry files
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Show what was asked and decided, of a person, an outlet, or over the limit
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Export and verify the journal
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Check and show the policies of a ration
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Check and show caps of institutions, and put them into force
    #[command(subcommand)]
    Caps(CapsCommand),
    /// Make and show keys of person fingerprints
    #[command(subcommand)]
    Key(KeyCommand),
    /// Play a named day, such as the first morning of the public masks, against servers on this machine
    Rehearse(RehearseCommand),
    /// Say from reports of rehearsals what a request costs, where latency turns up, and what a nation needs
    Capacity(CapacityCommand),
}

fn main() -> ExitCode {
    if let Err(error) = core_dumps::forbid() {
        eprintln!("jaego: core dumps can not be forbidden: {error}");
        return ExitCode::FAILURE;
    }
    let about = "Take POS messages, fold them, serve the open API";
    let serve_command = settings::arguments(clap::Command::new("serve").about(about));
    let matches = Cli::command().subcommand(serve_command).get_matches();
    if let Some(flags) = matches.subcommand_matches("serve") {
        return serve(flags);
    }
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    if let Command::Rehearse(command) = &cli.command {
        // Servers are started by this thread and end with it. What goes wrong before they run makes the rehearsal void.
        return rehearse_command::run(command).unwrap_or_else(|error| {
            eprintln!("jaego: {error:#}");
            ExitCode::from(2)
        });
    }
    let runtime = tokio::runtime::Runtime::new().expect("a process may have threads");
    let done = runtime.block_on(async {
        match cli.command {
            Command::Rehearse(_) => unreachable!("it was run above"),
            Command::Registry(command) => registry_command::run(command).await,
            Command::Audit(command) => audit_command::run(command).await,
            Command::Journal(command) => journal_command::run(command).await,
            Command::Caps(command) => caps_command::run(command).await,
            Command::Capacity(command) => capacity_command::run(&command),
            Command::Key(command) => key_command::run(&command),
            Command::Policy(command) => policy_command::run(&command),
        }
    });
    done.unwrap_or_else(|error| {
        eprintln!("jaego: {error:#}");
        ExitCode::FAILURE
    })
}

fn serve(flags: &clap::ArgMatches) -> ExitCode {
    let settings = match settings::read(flags, |name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(mistakes) => {
            for mistake in mistakes {
                eprintln!("jaego: {mistake}");
            }
            return ExitCode::from(2);
        }
    };
    logging::start(&settings.log, settings.log_json);
    if !settings.clock_ahead.is_zero() {
        tracing::warn!(ahead = ?settings.clock_ahead, "the clock is moved: this is a rehearsal, and no day of it is real");
        ingest::clock::move_ahead(settings.clock_ahead);
    }
    open_files::take_all(settings.reader_limits.connections);
    let served = match (settings.role, &settings.nats) {
        (Role::Edge, Nats::Url(url)) => edge::run(&settings, url),
        _ => serve::run(&settings),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jaego: {error:#}");
            ExitCode::FAILURE
        }
    }
}
