//! Writes an answer of HTTP/1.1 onto a connection: head and body at once where the socket takes both, large bodies from their
//! files, the same bytes at the same time without copying them.

use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Weak;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::response::Parts;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::memory_file::MemoryFile;

/// The head of an answer that has a body of so many bytes.
fn write_head(head: &Parts, length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(head.status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(head.status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        line(name.as_str().as_bytes(), value.as_bytes(), out);
    }
    // Answers that never have a body tell no length (RFC 9110, 8.6).
    if !matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        line(b"content-length", itoa::Buffer::new().format(length).as_bytes(), out);
    }
    if !head.headers.contains_key(header::DATE) {
        with_date(|date| line(b"date", date.as_bytes(), out));
    }
    out.extend_from_slice(b"\r\n");
}

fn line(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

/// The time of day as HTTP has it, written once a second.
fn with_date<T>(tell: impl FnOnce(&str) -> T) -> T {
    thread_local! {
        static DATE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let now = SystemTime::now();
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(of, date)| {
        if *of != second || date.is_empty() {
            (*of, *date) = (second, httpdate::fmt_http_date(now));
        }
        tell(date)
    })
}

/// A connection on which nothing of an answer is taken for `stall` fails.
pub(super) struct Sender<'a> {
    pub(super) stream: &'a TcpStream,
    pub(super) stall: Duration,
}

impl Sender<'_> {
    /// Sends a head and the body, or its first part, from the file of the body if it has one.
    pub(super) async fn answer(&self, head: &Parts, length: u64, body: &Bytes) -> io::Result<()> {
        let file = head.extensions.get::<Weak<MemoryFile>>().and_then(Weak::upgrade);
        let file = file.and_then(|file| file.place_of(body).map(|place| (file, place)));
        let rest = with_scratch(|scratch| {
            write_head(head, length, scratch);
            let sent = match &file {
                // The head waits for the first bytes of the body.
                Some(_) => self.stream.try_io(Interest::WRITABLE, || {
                    Ok(rustix::net::send(self.stream, scratch, SendFlags::MORE | SendFlags::NOSIGNAL)?)
                }),
                None if body.is_empty() => self.stream.try_write(scratch),
                None => self.stream.try_write_vectored(&[IoSlice::new(scratch), IoSlice::new(body)]),
            };
            let sent = taken(sent)?.unwrap_or(0);
            io::Result::Ok((
                scratch.get(sent..).unwrap_or_default().to_vec(),
                sent.saturating_sub(scratch.len()),
            ))
        });
        let (rest_of_head, sent) = rest?;
        if !rest_of_head.is_empty() {
            self.all(&rest_of_head).await?;
        }
        match file {
            Some((file, place)) => self.file(&file, place, body.len()).await,
            None => self.all(&body[sent..]).await,
        }
    }

    /// Sends all of these bytes.
    pub(super) async fn all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = &bytes[self.some(|| self.stream.try_write(bytes)).await?..];
        }
        Ok(())
    }

    /// Sends so many bytes of a file.
    async fn file(&self, file: &MemoryFile, mut place: u64, length: usize) -> io::Result<()> {
        let end = place + length as u64;
        while place < end {
            let left = usize::try_from(end - place).unwrap_or(usize::MAX);
            let mut from = place;
            let sent = self.some(|| {
                self.stream.try_io(Interest::WRITABLE, || {
                    Ok(rustix::fs::sendfile(self.stream, file, Some(&mut from), left)?)
                })
            });
            place += sent.await? as u64;
        }
        Ok(())
    }

    /// Sends what the socket takes, once it takes anything.
    async fn some(&self, mut send: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match taken(send())? {
                Some(0) => return Err(ErrorKind::WriteZero.into()),
                Some(sent) => return Ok(sent),
                None => tokio::time::timeout(self.stall, self.stream.writable()).await??,
            }
        }
    }
}

/// How much the socket took; none where it takes nothing now.
fn taken(sent: io::Result<usize>) -> io::Result<Option<usize>> {
    match sent {
        Ok(sent) => Ok(Some(sent)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// A place to write a head in, which every answer of a thread has in turn.
fn with_scratch<T>(write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        write(scratch)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::response::Response;
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::memory_file::LARGE;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// What a slow peer reads, so that no write takes all.
    async fn read_of(body: &Bytes, file: Weak<MemoryFile>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = listener.accept().await.unwrap().0;
        let (mut head, ()) = Response::new(()).into_parts();
        head.extensions.insert(file);
        let body = body.clone();
        let writing = tokio::spawn(async move {
            let sender = Sender { stream: &stream, stall: PATIENCE };
            sender.answer(&head, body.len() as u64, &body).await.unwrap();
        });
        let (mut read, mut part) = (Vec::new(), vec![0; 10_000]);
        loop {
            match peer.read(&mut part).await.unwrap() {
                0 => break,
                n => read.extend_from_slice(&part[..n]),
            }
            tokio::task::yield_now().await;
        }
        writing.await.unwrap();
        let head = read.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        assert!(read.starts_with(b"HTTP/1.1 200 OK\r\ncontent-length: "));
        read.split_off(head + 4)
    }

    #[tokio::test]
    async fn large_bodies_come_from_the_file_and_all_else_does_not() {
        let size = 5_000_000;
        let body = Bytes::from(vec![b'b'; size]);
        // The file says something else, which no real one does: so the test sees which of them was sent.
        let file = Arc::new(MemoryFile::that_says(&body, &vec![b'f'; size]));
        assert_eq!(read_of(&body, Arc::downgrade(&file)).await, vec![b'f'; size]);
        let part = body.slice(7..7 + LARGE);
        assert_eq!(read_of(&part, Arc::downgrade(&file)).await, vec![b'f'; LARGE]);
        let elsewhere = Bytes::from(vec![b'b'; size]);
        assert_eq!(read_of(&elsewhere, Arc::downgrade(&file)).await, body);
        let gone = Arc::downgrade(&file);
        drop(file);
        assert_eq!(read_of(&body, gone).await, body);
    }

    #[test]
    fn a_head_tells_length_and_date_once_and_no_length_where_there_is_never_a_body() {
        let written = |status: u16, own: &[(&'static str, &'static str)]| {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in own {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            let mut out = Vec::new();
            write_head(&response.into_parts().0, 7, &mut out);
            String::from_utf8(out).unwrap()
        };
        let own = [("content-length", "7"), ("date", "then")];
        assert_eq!(
            written(206, &own),
            "HTTP/1.1 206 Partial Content\r\ndate: then\r\ncontent-length: 7\r\n\r\n"
        );
        assert!(written(404, &[]).starts_with("HTTP/1.1 404 Not Found\r\ncontent-length: 7\r\ndate: "));
        assert!(written(204, &[]).starts_with("HTTP/1.1 204 No Content\r\ndate: "));
        assert!(written(304, &own[..1]).starts_with("HTTP/1.1 304 Not Modified\r\ndate: "));
    }
}
