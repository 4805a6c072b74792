//! A connection that sends large bodies from their files: the same bytes at the same time, without copying them.
//!
//! hyper hands over bytes to write and knows of no files. The bytes of the body that is being sent are found again by where they lie
//! in memory.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use rustix::net::SendFlags;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

use crate::memory_file::{LARGE, MemoryFile};

/// The file of the body that a connection sends, if it has one. The connection keeps no body that nobody else keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sending(Arc<Mutex<Weak<MemoryFile>>>);

impl Sending {
    /// The next body has this file.
    pub(crate) fn from(&self, file: Weak<MemoryFile>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = file;
    }

    /// The file that holds this part of a body, and where.
    fn find(&self, part: &[u8]) -> Option<(Arc<MemoryFile>, u64)> {
        if part.len() < LARGE {
            return None;
        }
        let file = self.0.lock().unwrap_or_else(PoisonError::into_inner).upgrade()?;
        let place = file.place_of(part)?;
        Some((file, place))
    }
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    sending: Sending,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, sending: Sending::default() }
    }

    /// The stream itself, for its options.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Where it is to be told of files.
    pub(crate) fn sending(&self) -> Sending {
        self.sending.clone()
    }

    /// Sends when it can be done without waiting.
    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        mut send: impl FnMut(&TcpStream) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_io(Interest::WRITABLE, || Ok(send(&self.stream)?)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [part, ..] = bufs
            && let Some((file, place)) = self.sending.find(part)
        {
            let from = |stream: &_| rustix::fs::sendfile(stream, &file, Some(&mut { place }), part.len());
            return self.poll_send(cx, from);
        }
        if let [head, part, ..] = bufs
            && self.sending.find(part).is_some()
        {
            // The head waits for the first bytes of the body.
            let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
            return self.poll_send(cx, |stream| rustix::net::send(stream, head, flags));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const HEAD: &[u8] = b"head";

    /// What a peer reads when a head and these bytes are written.
    async fn read_of(body: &Bytes, file: Option<&Arc<MemoryFile>>) -> Vec<u8> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut socket = Socket::new(listener.accept().await.unwrap().0);
        if let Some(file) = file {
            socket.sending().from(Arc::downgrade(file));
        }
        let body = body.clone();
        let writing = tokio::spawn(async move {
            let mut sent = 0;
            while sent < HEAD.len() + body.len() {
                let head = IoSlice::new(&HEAD[sent.min(HEAD.len())..]);
                let rest = IoSlice::new(&body[sent.saturating_sub(HEAD.len())..]);
                let bufs = if head.is_empty() { vec![rest] } else { vec![head, rest] };
                sent += socket.write_vectored(&bufs).await.unwrap();
            }
        });
        // A slow reader, so that no write takes all.
        let (mut read, mut part) = (Vec::new(), vec![0; 10_000]);
        loop {
            match peer.read(&mut part).await.unwrap() {
                0 => break,
                n => read.extend_from_slice(&part[..n]),
            }
            tokio::task::yield_now().await;
        }
        writing.await.unwrap();
        read
    }

    #[tokio::test]
    async fn large_bodies_come_from_the_file_and_all_else_does_not() {
        let size = 5_000_000;
        let body = Bytes::from(vec![b'b'; size]);
        // The file says something else, which no real one does: so the test sees which of them was sent.
        let file = Arc::new(MemoryFile::that_says(&body, &vec![b'f'; size]));
        let read = read_of(&body, Some(&file)).await;
        let from_file = read.iter().filter(|byte| **byte == b'f').count();
        assert_eq!((&read[..HEAD.len()], read.len()), (HEAD, HEAD.len() + size));
        // The last bytes of all may be too few.
        assert!(from_file > size - LARGE, "{from_file}");

        for (body, file) in [
            (body.clone(), None),
            (Bytes::from(vec![b'b'; size]), Some(&file)),
            (body.slice(..LARGE - 1), Some(&file)),
        ] {
            let read = read_of(&body, file).await;
            assert_eq!((&read[..HEAD.len()], &read[HEAD.len()..]), (HEAD, &body[..]));
        }
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_done_without() {
        let body = Bytes::from(vec![b'b'; 100_000]);
        let file = Arc::new(MemoryFile::that_says(&body, &[b'f'; 100_000]));
        let sending = Sending::default();
        sending.from(Arc::downgrade(&file));
        assert!(sending.find(&body).is_some());
        drop(file);
        assert!(sending.find(&body).is_none());
    }
}
