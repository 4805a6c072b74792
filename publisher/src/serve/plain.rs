//! Answers plain requests without hyper: nearly all readers send nothing else. A connection goes to hyper with its first
//! request of another kind, or answer of no known length, and stays there.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{consume_budget, unconstrained};
use tokio::time::{Instant, Sleep, sleep};
use zeroize::{Zeroize, Zeroizing};

use super::answering::{Answering, Ready};
use super::request::{self, Begin, Plain};
use super::send::Sender;

/// So many bytes are read at once. A request that does not fit is no plain one.
const READ: usize = 16 * 1024;

/// What is left of a connection that is no longer a plain one.
pub(super) struct Left {
    /// What was read and not answered: a whole head at least, or more than is waited for. Of a request that was answered, the body
    /// is not repeated: there are zeros in its place.
    pub(super) read: Zeroizing<Vec<u8>>,
    /// The answer to the first request in it, where that was asked for.
    pub(super) answered: Option<Response>,
}

/// What was read.
enum Next {
    Plain(Box<Plain>),
    Other(Zeroizing<Vec<u8>>),
}

/// What came behind a request, before it was answered, or a part of a head.
#[derive(Default)]
struct Unread {
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
}

impl Unread {
    fn of(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into(), at: 0 }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// What comes next, once these bytes have come; none where more is to come first.
    fn add(&mut self, read: &[u8]) -> Option<Next> {
        // What comes whole is read where it lies.
        if self.rest().is_empty()
            && let Some((next, taken)) = first(read)
        {
            *self = Self::of(read[taken..].to_vec());
            return Some(next);
        }
        *self = Self::of([self.rest(), read].concat());
        self.next()
    }

    /// What comes next of that which is here.
    fn next(&mut self) -> Option<Next> {
        let (next, taken) = first(self.rest())?;
        self.at += taken;
        if self.rest().is_empty() {
            *self = Self::default();
        }
        Some(next)
    }
}

/// The first request of some bytes and how many of them it takes; none of a part of a head that may still come whole.
fn first(read: &[u8]) -> Option<(Next, usize)> {
    match request::read(read) {
        Begin::Plain(plain) => {
            let taken = plain.length;
            Some((Next::Plain(plain), taken))
        }
        Begin::Part if read.len() < READ => None,
        Begin::Part | Begin::Other => Some((Next::Other(read.to_vec().into()), read.len())),
    }
}

/// Answers until the connection ends, or is no longer a plain one.
pub(super) async fn answer(
    stream: &mut TcpStream,
    answering: &Answering<impl Ready>,
    mut stop: watch::Receiver<()>,
) -> Option<Left> {
    let rules = answering.limits.rules();
    let (idle, stall) = (rules.idle, rules.stall);
    let told = stop.clone();
    // Asked once, so it must not be put off for want of the task's budget.
    let (sleep, stopping) = (pin!(sleep(idle)), pin!(unconstrained(stop.changed())));
    let mut patience = Patience { idle, due: None, sleep, told, stopping, waits_for_stop: false };
    let mut unread = Unread::default();
    while !patience.is_stopped() {
        let next = match unread.next() {
            Some(next) => {
                // Whoever sends many requests at once does not keep the others waiting.
                consume_budget().await;
                next
            }
            None => poll_fn(|cx| read(stream, cx, &mut patience, &mut unread)).await?,
        };
        patience.due = None;
        let Plain { request, head, length } = match next {
            Next::Plain(plain) => *plain,
            Next::Other(read) => return Some(Left { read, answered: None }),
        };
        let mut response = answering.answer(request, Body::from).response().await;
        let size = response.body().size_hint().exact();
        let size = size.filter(|_| !response.headers().contains_key(header::CONNECTION));
        let is_last = patience.is_stopped();
        if is_last {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let Some(size) = size else {
            let body = vec![0; length - head.len()];
            let read = [&head[..], &body, unread.rest()].concat();
            return Some(Left { read: read.into(), answered: Some(response) });
        };
        send(&Sender { stream, stall }, response, size).await.ok()?;
        if is_last {
            break;
        }
    }
    None
}

/// The next request, once the connection has brought some bytes; none where it has ended, or is to.
fn read(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    patience: &mut Patience<'_, impl Future>,
    unread: &mut Unread,
) -> Poll<Option<Next>> {
    BYTES.with_borrow_mut(|bytes| {
        loop {
            let mut bytes = ReadBuf::new(&mut bytes[..]);
            match Pin::new(&mut *stream).poll_read(cx, &mut bytes) {
                Poll::Pending => return patience.poll_end(cx).map(|()| None),
                Poll::Ready(Ok(())) if !bytes.filled().is_empty() => {
                    let next = unread.add(bytes.filled());
                    // There may have been a person's number in it.
                    bytes.filled_mut().zeroize();
                    if next.is_some() {
                        return Poll::Ready(next);
                    }
                }
                Poll::Ready(_) => return Poll::Ready(None),
            }
        }
    })
}

thread_local! {
    /// Where a thread reads: connections that wait hold no place of their own.
    static BYTES: RefCell<Box<[u8; READ]>> = RefCell::new(Box::new([0; READ]));
}

/// How long the next request is waited for.
struct Patience<'a, S> {
    idle: Duration,
    /// When the wait under way is over.
    due: Option<Instant>,
    /// Ends no later than that, and is set anew only then: most waits are short.
    sleep: Pin<&'a mut Sleep>,
    told: watch::Receiver<()>,
    /// Wakes this task, which stays the same one, at the stop: so it need be asked but once.
    stopping: Pin<&'a mut S>,
    waits_for_stop: bool,
}

impl<S: Future> Patience<'_, S> {
    /// Whether the server stops: whoever stops it says so by a change, or is gone.
    fn is_stopped(&self) -> bool {
        self.told.has_changed().unwrap_or(true)
    }

    /// Ready when the wait has lasted too long, or the server stops.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let first = !std::mem::replace(&mut self.waits_for_stop, true);
        if self.is_stopped() || (first && self.stopping.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(());
        }
        let due = *self.due.get_or_insert_with(|| Instant::now() + self.idle);
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(due);
        }
    }
}

/// Sends an answer whose body has so many bytes.
async fn send(sender: &Sender<'_>, response: Response, length: u64) -> io::Result<()> {
    let (head, mut body) = response.into_parts();
    let first = part(&mut body).await?.unwrap_or_default();
    let mut left = length.checked_sub(first.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
    sender.answer(&head, length, &first).await?;
    while left > 0 {
        let part = part(&mut body).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
        left = left.checked_sub(part.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
        sender.all(&part).await?;
    }
    Ok(())
}

/// The next bytes of a body.
async fn part(body: &mut Body) -> io::Result<Option<Bytes>> {
    loop {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Some(Err(error)) => return Err(io::Error::other(error)),
            None => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::limits::{Limits, ReaderLimits};

    #[tokio::test]
    async fn no_thread_keeps_what_it_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut stream, peer) = listener.accept().await.unwrap();
        let answering = Answering {
            ready: |_: &_| None,
            router: Router::new().route("/", post(|body: Bytes| async move { body })),
            limits: Limits::new(ReaderLimits::of_time()),
            peer: peer.ip(),
        };
        let (stop, stopped) = watch::channel(());
        let serving = tokio::spawn(async move { answer(&mut stream, &answering, stopped).await.is_none() });
        let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n800101-1000001".repeat(3);
        caller.write_all(request.as_bytes()).await.unwrap();
        let mut told = Vec::new();
        while told.windows(7).filter(|seven| seven == b"1000001").count() < 3 {
            assert_ne!(caller.read_buf(&mut told).await.unwrap(), 0);
        }
        BYTES.with_borrow(|bytes| assert!(bytes.iter().all(|byte| *byte == 0)));
        stop.send_replace(());
        assert!(serving.await.unwrap());
    }
}
