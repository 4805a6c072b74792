//! HTTP/1.1 requests of a closed loop, spoken directly: one call under way on each connection, as a counter has it.

use std::io::Write;

use anyhow::{Context, Result};
use tokio::net::TcpStream;

use super::wire::{Answer, Wire};

/// POST requests of a load over one connection.
pub(crate) struct Posts<F> {
    /// Writes the body of a call.
    write: F,
    path: &'static str,
    body: Vec<u8>,
    /// What the body of an answer must begin with.
    wanted: &'static [u8],
}

/// Connects to `http://host:port`.
///
/// # Errors
/// When it is not reached.
pub(crate) async fn connect<F>(
    url: &str,
    path: &'static str,
    write: F,
    wanted: &'static [u8],
) -> Result<(TcpStream, Posts<F>)> {
    let address = url.strip_prefix("http://").context("an HTTP URL begins with http://")?;
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {url}"))?;
    stream.set_nodelay(true)?;
    Ok((stream, Posts { write, path, body: Vec::new(), wanted }))
}

impl<F: Fn(u64, &mut Vec<u8>) + Send + 'static> Wire for Posts<F> {
    fn ask(&mut self, out: &mut Vec<u8>, _place: usize, number: u64) {
        self.body.clear();
        (self.write)(number, &mut self.body);
        let (path, length) = (self.path, self.body.len());
        write!(
            out,
            "POST {path} HTTP/1.1\r\nHost: jaego\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
        .expect("a vector takes all bytes");
        out.extend_from_slice(&self.body);
    }

    fn answer(&mut self, read: &[u8]) -> Result<Option<Answer>> {
        let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
        let head = std::str::from_utf8(&read[..end])?;
        let size = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("an answer without its length")?;
        let length = end + 4 + size.1.parse::<usize>()?;
        let Some(body) = read.get(end + 4..length) else { return Ok(None) };
        let ok = head.starts_with("HTTP/1.1 200") && body.starts_with(self.wanted);
        Ok(Some(Answer { length, of: Some((0, ok)) }))
    }
}
