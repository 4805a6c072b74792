//! Reads the requests that nearly everybody sends: one of HTTP/1.1 on a connection that stays open, with no body or one that
//! has come whole. All others are left as they came, for hyper.

use std::mem::MaybeUninit;

use axum::http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use bytes::Bytes;
use httparse::Status;
use zeroize::Zeroizing;

/// Few have more headers.
const MAX_HEADERS: usize = 48;
/// With these a body or a connection is read in another way.
const OTHER_WAYS: [HeaderName; 4] =
    [header::TRANSFER_ENCODING, header::EXPECT, header::UPGRADE, header::TRAILER];

/// What some bytes begin with.
pub(super) enum Begin {
    /// A plain request.
    Plain(Box<Plain>),
    /// A head that has not come whole.
    Part,
    /// Anything else.
    Other,
}

/// A plain request.
pub(super) struct Plain {
    /// The request. Its body may hold a person's number: the bytes are wiped when the last who holds them lets go, whether it
    /// was read or turned away.
    pub(super) request: Request<Bytes>,
    /// Its head, as it came.
    pub(super) head: Bytes,
    /// How many bytes head and body fill.
    pub(super) length: usize,
}

/// Reads the first request in these bytes.
///
/// `httparse` was chosen because hyper reads with it: a request for one is the same request for the other.
pub(super) fn read(bytes: &[u8]) -> Begin {
    let mut lines = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut told = httparse::Request::new(&mut []);
    match told.parse_with_uninit_headers(bytes, &mut lines) {
        Ok(Status::Complete(head)) => {
            plain(&told, head, bytes).map_or(Begin::Other, |plain| Begin::Plain(Box::new(plain)))
        }
        Ok(Status::Partial) => Begin::Part,
        Err(_) => Begin::Other,
    }
}

/// The request whose head fills so many of these bytes, where it is a plain one and has come whole.
fn plain(told: &httparse::Request<'_, '_>, head: usize, bytes: &[u8]) -> Option<Plain> {
    let path = told.path.filter(|path| told.version == Some(1) && path.starts_with('/'))?;
    let (method, body) = match told.method? {
        "GET" => (Method::GET, bodyless(told.headers)?),
        "POST" => (Method::POST, length(told.headers)?),
        _ => return None,
    };
    let length = head.checked_add(body)?;
    let body = bytes.get(head..length)?;
    // Path and headers are parts of one copy.
    let head = Bytes::copy_from_slice(&bytes[..head]);
    let part = |part: &[u8]| {
        let at = part.as_ptr().addr() - bytes.as_ptr().addr();
        head.slice(at..at + part.len())
    };
    let mut request = Request::new(wiped(body));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_maybe_shared(part(path.as_bytes())).ok()?;
    let headers = request.headers_mut();
    headers.reserve(told.headers.len());
    for line in &*told.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes()).ok()?;
        if OTHER_WAYS.contains(&name) || (name == header::CONNECTION && !keeps_open(line.value)) {
            return None;
        }
        headers.append(name, HeaderValue::from_maybe_shared(part(line.value)).ok()?);
    }
    Some(Plain { request, head, length })
}

/// A copy that is wiped in the end.
fn wiped(body: &[u8]) -> Bytes {
    if body.is_empty() { Bytes::new() } else { Bytes::from_owner(Zeroizing::new(body.to_vec())) }
}

fn keeps_open(connection: &[u8]) -> bool {
    connection.eq_ignore_ascii_case(b"keep-alive")
}

fn lengths<'a>(headers: &'a [httparse::Header<'a>]) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(|line| line.name.eq_ignore_ascii_case("content-length")).map(|line| line.value)
}

fn bodyless(headers: &[httparse::Header<'_>]) -> Option<usize> {
    lengths(headers).next().is_none().then_some(0)
}

/// What is told once and in digits.
fn length(headers: &[httparse::Header<'_>]) -> Option<usize> {
    let mut lengths = lengths(headers);
    let told = lengths.next().filter(|told| told.iter().all(u8::is_ascii_digit))?;
    if lengths.next().is_some() { None } else { str::from_utf8(told).ok()?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain_of(bytes: &[u8]) -> Plain {
        match read(bytes) {
            Begin::Plain(plain) => *plain,
            _ => panic!("it is no plain one: {}", String::from_utf8_lossy(bytes)),
        }
    }

    #[test]
    fn a_plain_request_is_read_whole_and_no_byte_further() {
        let bytes = "POST /a?b=서울 HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\nX: 1\r\nx: 2\r\n\
            Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n"
            .as_bytes();
        let Plain { request, head, length } = plain_of(bytes);
        assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/a"));
        assert_eq!(request.uri().query(), Some("b=서울"));
        let values: Vec<_> = request.headers().get_all("x").iter().collect();
        assert_eq!(values, ["1", "2"]);
        assert_eq!((&head[..], length), (&bytes[..length - 3], head.len() + 3));
        assert_eq!(&request.body()[..], b"abc");
        let next = plain_of(&bytes[length..]);
        assert_eq!((next.request.method(), length + next.length), (&Method::GET, bytes.len()));
        assert!(next.request.body().is_empty());
    }

    #[test]
    fn what_is_not_plain_or_not_whole_is_left() {
        for left in [
            "GET / HTTP/1.0\r\n\r\n",
            "GET http://x/ HTTP/1.1\r\n\r\n",
            "HEAD / HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: keep-alive, upgrade\r\n\r\n",
            "GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nA : b\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: \r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\na",
            "POST / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\na",
            "\0",
        ] {
            assert!(matches!(read(left.as_bytes()), Begin::Other), "{left}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
        assert!(matches!(read(many.as_bytes()), Begin::Other));
    }
    #[test]
    fn a_head_that_has_not_come_whole_is_a_part() {
        let head = "\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n";
        for end in 0..head.len() {
            assert!(matches!(read(&head.as_bytes()[..end]), Begin::Part), "{end}");
        }
        assert_eq!(plain_of(head.as_bytes()).length, head.len());
    }
}
