//! The floor under every latency: one JetStream publish and its ack, one after the other, nothing else going on.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_nats::jetstream::{self, stream};
use bytes::Bytes;

use super::load::{Load, Tally};

/// Publishes `size` bytes and waits for the ack, again and again for `seconds`, to a file stream of its own that is
/// deleted afterwards. Whether the ack means fsync is up to the server's `sync_interval`.
///
/// # Errors
/// When the server at `url` is not reached, has no JetStream, or refuses a message.
pub async fn publish_ack(url: &str, size: usize, seconds: f64) -> Result<Load> {
    let client = async_nats::connect(url).await.with_context(|| format!("connecting to {url}"))?;
    let jetstream = jetstream::new(client.clone());
    let name = format!("RAW_{}", client.new_inbox().rsplit('.').next().context("an inbox has a name")?);
    let subject = format!("raw.{name}");
    let storage = stream::StorageType::File;
    let settings =
        stream::Config { name: name.clone(), subjects: vec![subject.clone()], storage, ..Default::default() };
    jetstream.create_stream(settings).await.context("making the stream")?;
    let measured = in_turn(&jetstream, &subject, Bytes::from(vec![b'x'; size]), seconds).await;
    let deleted = jetstream.delete_stream(&name).await.context("deleting the stream")?;
    ensure!(deleted.success, "the stream {name} was not deleted");
    measured
}

async fn in_turn(jetstream: &jetstream::Context, subject: &str, body: Bytes, seconds: f64) -> Result<Load> {
    let mut tally = Tally::new();
    let start = Instant::now();
    let limit = Duration::from_secs_f64(seconds);
    while start.elapsed() < limit {
        let sent = Instant::now();
        jetstream.publish(subject.to_owned(), body.clone()).await?.await?;
        tally.count(sent.elapsed(), true);
    }
    Ok(tally.load(start.elapsed()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};

    use nix::sys::signal::Signal;

    use super::*;
    use crate::peers::process::{Running, find, free_port};

    #[tokio::test(flavor = "multi_thread")]
    async fn acks_are_measured_and_the_stream_is_gone_afterwards() {
        let named = std::env::var_os("NATS_SERVER").map(PathBuf::from).filter(|program| program.is_file());
        let Some(program) = named.or_else(|| find("nats-server", "nats-server").ok()) else {
            return println!("skipped: no nats-server; next step: cargo xtask setup");
        };
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let settings = dir.path().join("nats.conf");
        let store = dir.path().display();
        let text = format!(
            "listen: 127.0.0.1:{port}\njetstream {{ store_dir: {store:?}, sync_interval: always }}\n"
        );
        std::fs::write(&settings, text).unwrap();
        let mut command = Command::new(program);
        command.arg("-c").arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Running::start(&mut command, Signal::SIGTERM).unwrap();
        let url = format!("nats://127.0.0.1:{port}");
        let client = server.ready(|| async { Ok(async_nats::connect(&url).await?) }).await.unwrap();
        let load = publish_ack(&url, 256, 0.3).await.unwrap();
        println!("{load}");
        assert!(load.ops > 0 && load.errors == 0 && load.p50_us > 0, "{load:?}");
        let account = jetstream::new(client).query_account().await.unwrap();
        assert_eq!(account.streams, 0);
    }
}
