//! `cargo xtask bench [stages|ledger|pipeline|visible|restart|open|live|listeners|rendering …]`: measures and writes the tables of `benches/README.md`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use benches::report::{self, Row};
use benches::{claims, ledger, open, peers, pipeline, restart, stages, visible};
use clap::{Parser, ValueEnum};

/// As the binary `jaego` has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
#[command(name = "benches", about = "Measures jaego beside its peers and writes benches/README.md")]
struct Cli {
    /// What to measure; everything where nothing is named
    what: Vec<What>,
    /// Exit with 1 when a bar is missed
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Stages,
    Ledger,
    Pipeline,
    Visible,
    Restart,
    Open,
    Live,
    Listeners,
    Rendering,
}

impl What {
    fn title(self) -> &'static str {
        match self {
            Self::Stages => "Stages in memory",
            Self::Ledger => "Ration ledger",
            Self::Pipeline => "Durable deltas",
            Self::Visible => "POS to visible",
            Self::Restart => "Restart",
            Self::Open => "Open data",
            Self::Live => "Open data while a nation sells",
            Self::Listeners => "Listeners of streams",
            Self::Rendering => "Rendering",
        }
    }

    async fn run(self, dir: &std::path::Path) -> Result<Vec<Row>> {
        match self {
            Self::Stages => Ok(stages::run()),
            Self::Ledger => {
                let mut rows = ledger::run(dir)?;
                rows.extend(claims::run(dir).await?);
                Ok(rows)
            }
            Self::Pipeline => pipeline::run(dir).await,
            Self::Visible => visible::run(dir).await,
            Self::Restart => restart::run(dir).await,
            Self::Open => open::serving(dir).await,
            Self::Live => open::alive(dir).await,
            Self::Listeners => open::listened(dir).await,
            Self::Rendering => open::rendered().await,
        }
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let what = if cli.what.is_empty() { What::value_variants().to_vec() } else { cli.what };
    if what.iter().any(|w| matches!(w, What::Pipeline | What::Ledger | What::Open | What::Live)) {
        peers::ensure_peers()?;
    }
    let readme = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    // The main thread itself runs the measurements: the servers that it starts end with it.
    let runtime = tokio::runtime::Runtime::new()?;
    let mut missed = 0;
    for what in what {
        eprintln!("measuring: {}", what.title());
        // On the disk of the workspace, which may be another than that of the temporary folder.
        let target = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target"));
        let dir = tempfile::Builder::new().prefix("bench-").tempdir_in(target)?;
        let rows = runtime
            .block_on(what.run(dir.path()))
            .with_context(|| format!("measuring {:?}", what.title()))?;
        missed += rows.iter().filter(|row| row.fails()).count();
        report::keep(&readme, what.title(), &rows)?;
    }
    if missed > 0 {
        eprintln!("{missed} bars are missed");
        if cli.strict {
            bail!("--strict");
        }
    }
    Ok(())
}
