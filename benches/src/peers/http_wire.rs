//! HTTP/1.1 requests of a closed loop, spoken directly: one call under way on each connection, as a counter has it.

use std::io::Write;

use anyhow::{Context, Result};
use tokio::net::TcpStream;

use super::load::spread;
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
        let Some(Found { status, body, length }) = find(read)? else { return Ok(None) };
        let ok = status == "200" && body.starts_with(self.wanted);
        Ok(Some(Answer { length, of: Some((0, ok)) }))
    }
}

/// GET requests of a load over one connection.
pub(crate) struct Gets {
    requests: std::sync::Arc<[Vec<u8>]>,
}

/// Connects to the server of these addresses; `headers` are lines such as `Accept-Encoding: gzip`.
///
/// # Errors
/// When it is not reached.
pub(crate) async fn gets(
    urls: &[String],
    headers: &[&str],
    connections: usize,
) -> Result<Vec<(TcpStream, Gets)>> {
    let (mut requests, mut address) = (Vec::new(), "");
    for url in urls {
        let rest = url.strip_prefix("http://").context("an HTTP URL begins with http://")?;
        let path = rest.find('/').context("an address with a path")?;
        address = &rest[..path];
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        requests
            .push(format!("GET {} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n", &rest[path..]).into_bytes());
    }
    let requests: std::sync::Arc<[Vec<u8>]> = requests.into();
    let mut lanes = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        lanes.push((stream, Gets { requests: std::sync::Arc::clone(&requests) }));
    }
    Ok(lanes)
}

impl Wire for Gets {
    fn ask(&mut self, out: &mut Vec<u8>, _place: usize, number: u64) {
        out.extend_from_slice(&self.requests[spread(number, self.requests.len())]);
    }

    fn answer(&mut self, read: &[u8]) -> Result<Option<Answer>> {
        let found = find(read)?;
        Ok(found.map(|found| Answer {
            length: found.length,
            of: Some((0, matches!(found.status, "200" | "304"))),
        }))
    }
}

/// One answer among the bytes that were read.
struct Found<'a> {
    status: &'a str,
    body: &'a [u8],
    /// With its head.
    length: usize,
}

fn find(read: &[u8]) -> Result<Option<Found<'_>>> {
    let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&read[..end])?;
    let status = head
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .context("an answer without a status")?;
    let size = || {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let size = lines.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        anyhow::Ok(size.context("an answer without its length")?.1.parse::<usize>()?)
    };
    let length = end + 4 + if status == "304" { 0 } else { size()? };
    Ok(read.get(end + 4..length).map(|body| Found { status, body, length }))
}
