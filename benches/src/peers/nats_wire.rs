//! NATS request and reply, spoken directly: every call in flight has an inbox of its own, used again when it was answered.

use std::io::Write;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{Answer, Wire};

/// Requests of a load over one connection.
pub(crate) struct Requests<F> {
    /// Writes subject and body of a call into the two buffers.
    write: F,
    inbox: String,
    subject: Vec<u8>,
    body: Vec<u8>,
    /// How an answer must begin.
    wanted: &'static [u8],
}

/// Connects to `nats://…` and subscribes to the inboxes of the calls.
///
/// # Errors
/// When the server is not reached or does not greet.
pub(crate) async fn connect<F>(
    url: &str,
    write: F,
    wanted: &'static [u8],
) -> Result<(TcpStream, Requests<F>)> {
    let address = url.strip_prefix("nats://").context("a NATS URL begins with nats://")?;
    let mut stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {url}"))?;
    stream.set_nodelay(true)?;
    let inbox = format!("_INBOX.{:016x}", rand::random::<u64>());
    let hello = format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true}}\r\n\
         SUB {inbox}.* 1\r\nPING\r\n"
    );
    stream.write_all(hello.as_bytes()).await?;
    let mut greeting = Vec::new();
    while !greeting.ends_with(b"PONG\r\n") {
        if stream.read_buf(&mut greeting).await? == 0 {
            bail!("the server did not greet: {}", String::from_utf8_lossy(&greeting));
        }
    }
    Ok((stream, Requests { write, inbox, subject: Vec::new(), body: Vec::new(), wanted }))
}

impl<F: Fn(u64, &mut Vec<u8>, &mut Vec<u8>) + Send + 'static> Wire for Requests<F> {
    fn ask(&mut self, out: &mut Vec<u8>, place: usize, number: u64) {
        let Self { write, inbox, subject, body, .. } = self;
        subject.clear();
        body.clear();
        write(number, subject, body);
        out.extend_from_slice(b"PUB ");
        out.extend_from_slice(subject);
        write!(out, " {inbox}.{place} {}\r\n", body.len()).expect("a vector takes all bytes");
        out.extend_from_slice(body);
        out.extend_from_slice(b"\r\n");
    }

    fn answer(&mut self, read: &[u8]) -> Result<Option<Answer>> {
        let Some(end) = read.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line = std::str::from_utf8(&read[..end])?.trim_end();
        // A server that has nobody to ask says so in headers.
        let with_headers = line.starts_with("HMSG ");
        if !with_headers && !line.starts_with("MSG ") {
            return match line {
                "PING" | "PONG" | "+OK" => Ok(Some(Answer { length: end + 1, of: None })),
                _ => bail!("the server says {line:?}"),
            };
        }
        let mut words = line.split(' ');
        let (subject, size) = (words.nth(1).context("a subject")?, words.next_back().context("a size")?);
        let body = end + 1;
        let length = body + size.parse::<usize>()? + 2;
        let Some(message) = read.get(body..length) else { return Ok(None) };
        let place = subject.strip_prefix(self.inbox.as_str()).and_then(|rest| rest.strip_prefix('.'));
        let place = place.context("not an inbox of ours")?.parse()?;
        Ok(Some(Answer { length, of: Some((place, !with_headers && message.starts_with(self.wanted))) }))
    }
}
