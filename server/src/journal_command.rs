//! `jaego journal export|verify`: the journal as a file off NATS, and a check of every checksum in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use async_nats::jetstream::Message;
use clap::{Args, Subcommand};
use ingest::journal::{Extent, Journal};
use ingest::tail;
use schemas::batch::{BatchError, Seal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::endpoints::Endpoints;

/// What to do with the journal.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Write the entries as NDJSON, one a line with its sequence: {"seq":17,"entry":{…}}
    Export {
        /// Where the journal is
        #[command(flatten)]
        place: Place,
        /// First sequence
        #[arg(long)]
        from: Option<u64>,
        /// Last sequence
        #[arg(long)]
        to: Option<u64>,
        /// File to write, zstd-compressed when its name ends in .zst; standard output where it is -
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Check every checksum and count the entries of each kind; exit 1 when a batch is damaged or missing
    Verify {
        /// Where the journal is
        #[command(flatten)]
        place: Place,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where the journal is.
#[derive(Debug, Args)]
pub struct Place {
    /// Data folder of a running jaego
    #[arg(long, default_value = "jaego-data", env = "JAEGO_DATA_DIR")]
    data_dir: PathBuf,
    /// URL of the NATS server that holds it, in place of the running jaego's
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// When the journal can not be read or the file not written. A damaged journal is no error but an exit code.
pub async fn run(command: JournalCommand) -> anyhow::Result<ExitCode> {
    match command {
        JournalCommand::Export { place, from, to, file } => {
            let (journal, extent) = place.open().await?;
            let range = from.unwrap_or(0).max(extent.first)..=to.unwrap_or(u64::MAX).min(extent.last);
            if range.is_empty() {
                let (first, last) = (extent.first, extent.last);
                writeln!(io::stderr(), "the journal holds {first}..={last}: nothing of what was asked for")?;
            }
            export(&journal, range, output(&file)?).await?;
            Ok(ExitCode::SUCCESS)
        }
        JournalCommand::Verify { place, json } => {
            let (journal, extent) = place.open().await?;
            let verdict = verify(&journal, extent).await?;
            verdict.print(json)?;
            Ok(if verdict.damage.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

impl Place {
    /// Opens the journal.
    ///
    /// # Errors
    /// When no jaego runs there, or its NATS has no journal.
    pub(crate) async fn open(&self) -> anyhow::Result<(Journal, Extent)> {
        let url = match &self.nats {
            Some(url) => url.clone(),
            None => running(&self.data_dir)?.nats,
        };
        let client = ingest::nats::connect(&url, "jaego journal")
            .await
            .with_context(|| format!("connecting to {url}"))?;
        let journal = Journal::existing(client).await?;
        let extent = journal.extent().await?;
        Ok((journal, extent))
    }
}

/// The endpoints of the jaego that runs on this data folder.
fn running(data_dir: &Path) -> anyhow::Result<Endpoints> {
    let path = Endpoints::path(data_dir);
    let bytes = std::fs::read(&path).with_context(|| {
        format!("no jaego runs on {} (no endpoints.json): name --data-dir or --nats", data_dir.display())
    })?;
    serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))
}

fn output(file: &Path) -> anyhow::Result<Box<dyn Write>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufWriter::new(io::stdout())));
    }
    let out = BufWriter::new(File::create(file).with_context(|| format!("creating {}", file.display()))?);
    if file.extension().is_some_and(|e| e == "zst") {
        return Ok(Box::new(zstd::Encoder::new(out, 0)?.auto_finish()));
    }
    Ok(Box::new(out))
}

/// Hands each message of a range of sequences to `each`.
pub(crate) async fn read(
    journal: &Journal,
    range: std::ops::RangeInclusive<u64>,
    mut each: impl FnMut(u64, &Message) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // An empty journal tells 0 as its last sequence.
    if range.is_empty() || *range.end() == 0 {
        return Ok(());
    }
    let (out, mut messages) = mpsc::channel(256);
    let stop = CancellationToken::new();
    let follow = {
        let (journal, stop, first) = (journal.clone(), stop.clone(), *range.start());
        tokio::spawn(async move { tail::follow(&journal, first, |_| true, out, stop).await })
    };
    while let Some(message) = messages.recv().await {
        let seq = message.info().map_err(anyhow::Error::from_boxed)?.stream_sequence;
        if seq <= *range.end() {
            each(seq, &message)?;
        }
        if seq >= *range.end() {
            stop.cancel();
            break;
        }
    }
    drop(messages);
    Ok(follow.await??)
}

/// The seal of a message.
pub(crate) fn seal(message: &Message) -> Result<Seal, BatchError> {
    Seal::read(|name| message.headers.as_ref().and_then(|h| h.get(name)).map(|v| v.as_str()))
}

async fn export(
    journal: &Journal,
    range: std::ops::RangeInclusive<u64>,
    mut out: Box<dyn Write>,
) -> anyhow::Result<()> {
    read(journal, range, |seq, message| {
        let mut written = Ok(());
        seal(message)
            .and_then(|seal| {
                seal.open(&message.payload, |entry| {
                    let line =
                        serde_json::to_string(&entry).expect("entries hold only text, numbers and lists");
                    let result = writeln!(out, r#"{{"seq":{seq},"entry":{line}}}"#);
                    written = std::mem::replace(&mut written, Ok(())).and(result);
                })
            })
            .with_context(|| format!("sequence {seq}; `jaego journal verify` lists all damage"))?;
        Ok(written?)
    })
    .await?;
    Ok(out.flush()?)
}

/// What a check of the whole journal found.
#[derive(Debug, Default, serde::Serialize)]
struct Verdict {
    batches: u64,
    entries: BTreeMap<&'static str, u64>,
    damage: Vec<Damage>,
}

#[derive(Debug, serde::Serialize)]
struct Damage {
    seq: u64,
    what: String,
}

async fn verify(journal: &Journal, extent: Extent) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut next = extent.first;
    read(journal, extent.first..=extent.last, |seq, message| {
        verdict.damage.extend((next..seq).map(|seq| Damage { seq, what: "missing".to_owned() }));
        next = seq + 1;
        verdict.batches += 1;
        let checked = seal(message).and_then(|seal| {
            seal.open(&message.payload, |entry| *verdict.entries.entry(entry.kind()).or_default() += 1)
        });
        if let Err(error) = checked {
            verdict.damage.push(Damage { seq, what: error.to_string() });
        }
        Ok(())
    })
    .await?;
    Ok(verdict)
}

impl Verdict {
    fn print(&self, json: bool) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            serde_json::to_writer_pretty(&mut out, self)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "{:>12}  batches", self.batches)?;
        for (kind, count) in &self.entries {
            writeln!(out, "{count:>12}  {kind}")?;
        }
        for Damage { seq, what } in &self.damage {
            writeln!(out, "DAMAGED  sequence {seq}: {what}")?;
        }
        let verdict = if self.damage.is_empty() { "every checksum holds" } else { "the journal is damaged" };
        Ok(writeln!(out, "{verdict}")?)
    }
}
