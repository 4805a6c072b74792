//! One HTTP/1.1 keep-alive load generator for both sides of a comparison: wrk, a Debian package.

use std::path::PathBuf;
use std::process::Stdio;
use std::thread::available_parallelism;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::http_wire;
use super::load::Load;
use super::process::{NotInstalled, as_nice_as_readers, find};
use super::wire;

const SCRIPT: &str = include_str!("wrk.lua");

/// Finds wrk.
pub(super) fn program() -> Result<PathBuf, NotInstalled> {
    find("wrk", "wrk")
}

/// Asks for the addresses in turn over so many kept-alive connections, one thread per core. All addresses are of one
/// server; `headers` are lines such as `Accept-Encoding: gzip`. wrk knows whole seconds, so the time is rounded up.
///
/// An answer with status 400 or above and a broken connection count as errors.
///
/// # Errors
/// [`NotInstalled`] with the next step, or when wrk fails.
pub async fn load(urls: &[String], headers: &[&str], connections: usize, seconds: f64) -> Result<Load> {
    let base = urls.first().context("an address to ask for")?;
    let host = base.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let paths = urls.iter().map(|url| url.strip_prefix(&host).filter(|path| path.starts_with('/')));
    let paths: Vec<_> = paths.collect::<Option<_>>().context("all addresses are of one server")?;
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), SCRIPT)?;
    let threads = available_parallelism()?.get().min(connections);
    let mut command = Command::from(as_nice_as_readers(&program()?));
    command.stdin(Stdio::null()).arg("--script").arg(script.path());
    command.args(["--threads", &threads.to_string(), "--connections", &connections.to_string()]);
    command.args(["--duration", &format!("{}s", seconds.ceil().max(1.0))]);
    command.args(headers.iter().flat_map(|header| ["--header", header]));
    let output = command.arg(base).arg("--").args(paths).kill_on_drop(true).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
    parse(&text).with_context(|| format!("wrk printed {text}"))
}

/// Asks for the addresses at a rate, over so many kept-alive connections. All addresses are of one server.
///
/// # Errors
/// When the server is not reached, or an answer is none.
pub async fn paced(
    urls: &[String],
    headers: &[&str],
    connections: usize,
    per_second: f64,
    seconds: f64,
) -> Result<Load> {
    wire::paced(http_wire::gets(urls, headers, connections).await?, per_second, seconds).await
}

/// Reads the line that the script prints: requests, bad statuses, other errors, then microseconds.
fn parse(text: &str) -> Option<Load> {
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "))?;
    let numbers: Vec<u64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [requests, status, other, micros, p50_us, p99_us] = numbers[..] else { return None };
    let seconds = micros as f64 / 1e6;
    Some(Load { ops: requests.saturating_sub(status), seconds, p50_us, p99_us, errors: status + other })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_script_is_read() {
        let load = parse("Running 1s test\nRESULT 1000 10 2 2000000 150 900\n").unwrap();
        assert_eq!(load, Load { ops: 990, seconds: 2.0, p50_us: 150, p99_us: 900, errors: 12 });
        assert_eq!(parse("RESULT 1 2 3\n"), None);
    }
}
