//! One HTTP request at a time, for whoever looks after the servers: nothing is kept, nothing is fast.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use super::wire::{self, Wire, Word};

/// Status and body of a GET.
///
/// # Errors
/// When no whole answer comes within the time.
pub(crate) fn get(from: SocketAddr, path: &str, within: Duration) -> Result<(u16, Vec<u8>)> {
    let mut request = Vec::new();
    wire::get(&mut request, path);
    ask(from, &request, within)
}

/// Status and body of a POST.
///
/// # Errors
/// When no whole answer comes within the time.
pub(crate) fn post(to: SocketAddr, path: &str, body: &[u8], within: Duration) -> Result<(u16, Vec<u8>)> {
    let mut request = Vec::new();
    wire::post(&mut request, path, body);
    ask(to, &request, within)
}

fn ask(server: SocketAddr, request: &[u8], within: Duration) -> Result<(u16, Vec<u8>)> {
    let mut stream = TcpStream::connect_timeout(&server, within)?;
    stream.set_read_timeout(Some(within))?;
    stream.set_write_timeout(Some(within))?;
    stream.write_all(request)?;
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        let read = stream.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(read) = wire::read(Wire::Http, &bytes, "")?
            && let Word::Answer { status, body, .. } = read.word
        {
            return Ok((status, bytes[body.0..body.1].to_vec()));
        }
        (read > 0).then_some(()).context("the server closed the connection within an answer")?;
    }
}
