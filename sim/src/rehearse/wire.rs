//! What is said over a socket, as bytes: requests are written by hand and answers told apart in what was read. On a machine that also
//! runs the server, what the client takes is missing there.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};

/// The language of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// HTTP/1.1, one request at a time.
    Http,
    /// NATS request and reply, many at a time.
    Nats,
}

/// What was read off a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// Bytes that it took.
    pub(crate) length: usize,
    /// What it was.
    pub(crate) word: Word,
}

/// A word of a server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// An answer: whose it is, its status, and where its body lies in what was read.
    Answer {
        /// Number of the request; 0 over HTTP.
        ticket: u64,
        /// HTTP's; over NATS 200, or 503 where nobody listens.
        status: u16,
        /// First and last byte of the body.
        body: (usize, usize),
        /// Whether the connection ends with it.
        last: bool,
    },
    /// NATS has taken the greeting.
    Ready,
    /// NATS asks whether we live.
    Ping,
    /// Nothing to act on.
    Other,
}

/// Takes one word off what was read; `None` where the rest is still to come.
///
/// # Errors
/// When it is no word of the language.
pub(crate) fn read(wire: Wire, bytes: &[u8], inbox: &str) -> Result<Option<Read>> {
    match wire {
        Wire::Http => read_http(bytes),
        Wire::Nats => read_nats(bytes, inbox),
    }
}

fn read_http(bytes: &[u8]) -> Result<Option<Read>> {
    let Some(end) = find_end(bytes) else { return Ok(None) };
    let head = &bytes[..end];
    ensure!(head.starts_with(b"HTTP/1.") && head.len() > 12, "the server does not speak HTTP/1");
    let status = number(&head[9..12]).context("a status of three digits")?;
    let (mut size, mut last) = (None, false);
    for line in head.split(|byte| *byte == b'\n') {
        if let Some(value) = field(line, b"content-length") {
            size = Some(number(value).context("a length")?);
        } else if let Some(value) = field(line, b"connection") {
            last = value.eq_ignore_ascii_case(b"close");
        }
    }
    let status = u16::try_from(status).context("a status of three digits")?;
    let size = if status == 304 || status == 204 { 0 } else { size.context("an answer without its length")? };
    let (from, length) = (end + 4, end + 4 + size);
    let answer = Word::Answer { ticket: 0, status, body: (from, length), last };
    Ok((bytes.len() >= length).then_some(Read { length, word: answer }))
}

/// Where the empty line begins that ends a head.
fn find_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == b'\r').map(|at| from + at) {
        if bytes[at..].starts_with(b"\r\n\r\n") {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// The value of a field, where the line is that field.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":").filter(|_| start.eq_ignore_ascii_case(name))?;
    Some(value.trim_ascii())
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn read_nats(bytes: &[u8], inbox: &str) -> Result<Option<Read>> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let line = std::str::from_utf8(&bytes[..end]).context("NATS speaks text")?.trim_end();
    let with_headers = line.starts_with("HMSG ");
    if !with_headers && !line.starts_with("MSG ") {
        let word = match line {
            "PONG" => Word::Ready,
            "PING" => Word::Ping,
            _ if line.starts_with("INFO ") || line == "+OK" => Word::Other,
            _ => bail!("NATS says {line:?}"),
        };
        return Ok(Some(Read { length: end + 1, word }));
    }
    let mut words = line.split(' ');
    let (subject, size) = (words.nth(1).context("a subject")?, words.next_back().context("a size")?);
    let from = end + 1;
    let to = from + size.parse::<usize>()?;
    let ticket = subject.strip_prefix(inbox).and_then(|rest| rest.strip_prefix('.'));
    let ticket = ticket.context("not an inbox of ours")?.parse()?;
    // The headers of a server that has nobody to ask say 503.
    let status = if with_headers { 503 } else { 200 };
    let answer = Word::Answer { ticket, status, body: (from, to), last: false };
    Ok((bytes.len() >= to + 2).then_some(Read { length: to + 2, word: answer }))
}

/// The greeting of a client of NATS, with a subscription to its inbox.
pub(crate) fn greet_nats(inbox: &str) -> Vec<u8> {
    format!(
        "CONNECT {{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"name\":\"rehearsal\"}}\r\n\
         SUB {inbox}.* 1\r\nPING\r\n"
    )
    .into_bytes()
}

/// Writes a request over NATS.
pub(crate) fn publish(out: &mut Vec<u8>, subject: &str, inbox: &str, ticket: u64, body: &[u8]) {
    write!(out, "PUB {subject} {inbox}.{ticket} {}\r\n", body.len()).expect("a vector takes all bytes");
    out.extend_from_slice(body);
    out.extend_from_slice(b"\r\n");
}

/// Writes a GET.
pub(crate) fn get(out: &mut Vec<u8>, path: &str) {
    write!(out, "GET {path} HTTP/1.1\r\nHost: jaego\r\n\r\n").expect("a vector takes all bytes");
}

/// Writes a POST of JSON.
pub(crate) fn post(out: &mut Vec<u8>, path: &str, body: &[u8]) {
    let length = body.len();
    write!(out, "POST {path} HTTP/1.1\r\nHost: jaego\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n")
        .expect("a vector takes all bytes");
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_over_http_is_whole_or_none() {
        let text = b"HTTP/1.1 200 OK\r\nETag: \"x1\"\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 304 Not Modified\r\n\r\n";
        for cut in 0..54 {
            assert_eq!(read(Wire::Http, &text[..cut], "").unwrap(), None, "{cut}");
        }
        let Read { length, word: Word::Answer { status, body, last, .. } } =
            read(Wire::Http, text, "").unwrap().unwrap()
        else {
            panic!("an answer")
        };
        assert_eq!((status, &text[body.0..body.1], last), (200, &b"hello"[..], false));
        let next = read(Wire::Http, &text[length..], "").unwrap().unwrap();
        assert!(matches!(next.word, Word::Answer { status: 304, .. }), "{next:?}");
        assert!(read(Wire::Http, b"SSH-2.0 hello there\r\n\r\n", "").is_err());
    }

    #[test]
    fn words_of_nats_are_told_apart() {
        let text =
            b"INFO {}\r\nPONG\r\nPING\r\nMSG in.7 1 2\r\nok\r\nHMSG in.8 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n";
        let (mut at, mut words) = (0, Vec::new());
        while let Some(read) = read(Wire::Nats, &text[at..], "in").unwrap() {
            at += read.length;
            words.push(read.word);
        }
        assert_eq!(at, text.len());
        assert_eq!(words[..3], [Word::Other, Word::Ready, Word::Ping]);
        assert!(matches!(words[3], Word::Answer { ticket: 7, status: 200, .. }));
        assert!(matches!(words[4], Word::Answer { ticket: 8, status: 503, .. }));
        assert!(read(Wire::Nats, b"-ERR 'no'\r\n", "in").is_err());
    }
}
