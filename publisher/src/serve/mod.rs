//! Serves a router on a socket until told to stop, then lets running answers finish. No connection holds its place for
//! nothing: one that sends no request and one that takes no answer are closed.

mod answering;
mod plain;
mod request;
mod rewound;
mod send;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_io_timeout::TimeoutStream;

pub(crate) use self::answering::Ready;
use self::answering::{Answered, Answering};
use self::plain::Left;
use self::rewound::Rewound;
use crate::answer;
use crate::limits::{Asked, Limits, Place};

/// How long answers under way may take to finish after the stop.
pub const DRAIN: Duration = Duration::from_secs(4);
/// Longest head of a request, in bytes; a longer one is answered 431.
const MAX_HEAD: usize = 32 * 1024;
/// After this long a connection without a place is closed, whether it has heard so or not.
const TURNED_AWAY: Duration = Duration::from_secs(2);
/// So often addresses that are gone are forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// After a failed accept, such as for want of open files: others close theirs meanwhile.
const BREATH: Duration = Duration::from_millis(100);

/// Serves within `limits` until `stop` resolves, then accepts no more, closes idle connections and waits at most
/// [`DRAIN`] for the rest. Small answers go out at once (`TCP_NODELAY`).
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Arc<Limits>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    serve_with(listener, (|_: &_| None, router), limits, stop).await;
}

/// The same where some answers are `ready` without the router.
pub(crate) async fn serve_with(
    listener: TcpListener,
    (ready, router): (impl Ready, Router),
    limits: Arc<Limits>,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    // Each connection that is served listens.
    let (stopping, stopped) = watch::channel(());
    let mut stop = std::pin::pin!(stop);
    let mut sweep = tokio::time::interval(SWEEP);
    let answering = |peer: IpAddr| Answering {
        ready: ready.clone(),
        router: router.clone(),
        limits: Arc::clone(&limits),
        peer,
    };
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = sweep.tick() => limits.sweep(),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => take(stream, answering(peer.ip()), &stopped),
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }
    drop((listener, stopped));
    let all_closed = async {
        stopping.send_replace(());
        stopping.closed().await;
    };
    // Who has not taken the answer by then is cut.
    drop(tokio::time::timeout(DRAIN, all_closed).await);
}

/// Serves a connection in a task of its own, if there is a place for it.
fn take(stream: TcpStream, answering: Answering<impl Ready>, stopped: &watch::Receiver<()>) {
    match answering.limits.connect(answering.peer) {
        Asked::Given(place) => {
            let stopped = stopped.clone();
            tokio::spawn(async move {
                let _held: Place = place;
                converse(stream, answering, stopped).await;
            });
        }
        Asked::Told(place) => {
            let service = service_fn(|_| async { Ok::<_, Infallible>(answer::too_many_connections()) });
            set_up(&stream, TURNED_AWAY);
            let connection =
                http1(TURNED_AWAY).serve_connection(TokioIo::new(timed(stream, TURNED_AWAY)), service);
            tokio::spawn(async move {
                let _held: Place = place;
                drop(tokio::time::timeout(TURNED_AWAY, connection).await);
            });
        }
        Asked::Dropped => drop(stream),
    }
}

/// Serves a connection: plainly while that will do, then by hyper.
async fn converse(mut stream: TcpStream, answering: Answering<impl Ready>, stopped: watch::Receiver<()>) {
    set_up(&stream, answering.limits.rules().stall);
    if let Some(left) = plain::answer(&mut stream, &answering, stopped.clone()).await {
        by_hyper(stream, left, answering, stopped).await;
    }
}

async fn by_hyper(
    stream: TcpStream,
    left: Left,
    answering: Answering<impl Ready>,
    mut stopped: watch::Receiver<()>,
) {
    let (idle, stall) = (answering.limits.rules().idle, answering.limits.rules().stall);
    let stream = Rewound::new(left.read, stream);
    let answered = Cell::new(left.answered);
    let service = service_fn(move |request| {
        let answered = match answered.take() {
            Some(response) => Answered::Now(response),
            None => answering.answer(request, Body::new),
        };
        async { Ok::<_, Infallible>(answered.response().await) }
    });
    let connection = http1(idle).serve_connection(TokioIo::new(timed(stream, stall)), service);
    let mut connection = std::pin::pin!(connection);
    // What is left is read before the stop is looked at: it was asked before. A reader that broke off is no trouble of ours.
    tokio::select! {
        biased;
        done = &mut connection => drop(done),
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

/// HTTP/1.1 that waits so long for the head of a request.
fn http1(idle: Duration) -> http1::Builder {
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(MAX_HEAD);
    http1
}

/// Has a peer that is gone without a word found out by the kernel, after so long.
fn set_up(stream: &TcpStream, stall: Duration) {
    // A socket that refuses an option was closed by its peer; reading it says so.
    drop(stream.set_nodelay(true));
    drop(SockRef::from(stream).set_tcp_user_timeout(Some(stall)));
}

/// The stream, which fails when nothing of what is written to it is taken for so long.
///
/// `tokio-io-timeout` was chosen because it does this alone, and its author keeps it beside tokio.
fn timed<S: AsyncRead + AsyncWrite>(stream: S, stall: Duration) -> std::pin::Pin<Box<TimeoutStream<S>>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(stall));
    Box::pin(stream)
}
