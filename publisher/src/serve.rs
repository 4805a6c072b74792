//! Serves a router on a socket until told to stop, then lets running answers finish. No connection holds its place for
//! nothing: one that sends no request and one that takes no answer are closed.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Version, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio_io_timeout::TimeoutStream;
use tower::Service;

use crate::answer;
use crate::limits::{Asked, Limits, Place};
use crate::memory_file::MemoryFile;
use crate::socket::{Sending, Socket};

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
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = sweep.tick() => limits.sweep(),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => take(stream, peer.ip(), (&ready, &router), &limits, &connections),
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    }
    drop(listener);
    // Who has not taken the answer by then is cut.
    drop(tokio::time::timeout(DRAIN, connections.shutdown()).await);
}

/// Gives the answer to a request without waiting, or none.
pub(crate) trait Ready: Fn(&Request<Incoming>) -> Option<Response> + Clone + Send + 'static {}

impl<F: Fn(&Request<Incoming>) -> Option<Response> + Clone + Send + 'static> Ready for F {}

/// Serves a connection in a task of its own, if there is a place for it.
fn take(
    stream: TcpStream,
    peer: IpAddr,
    (ready, router): (&impl Ready, &Router),
    limits: &Arc<Limits>,
    connections: &GracefulShutdown,
) {
    let rules = limits.rules();
    match limits.connect(peer) {
        Asked::Given(place) => {
            let (ready, router, limits) = (ready.clone(), router.clone(), Arc::clone(limits));
            let stream = Socket::new(stream);
            let sending = stream.sending();
            let service =
                service_fn(move |request| answer(&ready, &router, &limits, &sending, peer, request));
            let connection =
                http1(rules.idle).serve_connection(TokioIo::new(timed(stream, rules.stall)), service);
            let connection = connections.watch(connection);
            tokio::spawn(async move {
                let _held: Place = place;
                // A reader that broke off is no trouble of ours.
                drop(connection.await);
            });
        }
        Asked::Told(place) => {
            let service = service_fn(|_| async { Ok::<_, Infallible>(answer::too_many_connections()) });
            let connection = http1(TURNED_AWAY)
                .serve_connection(TokioIo::new(timed(Socket::new(stream), TURNED_AWAY)), service);
            tokio::spawn(async move {
                let _held: Place = place;
                drop(tokio::time::timeout(TURNED_AWAY, connection).await);
            });
        }
        Asked::Dropped => drop(stream),
    }
}

/// HTTP/1.1 that waits so long for the head of a request.
fn http1(idle: Duration) -> http1::Builder {
    let mut http1 = http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(MAX_HEAD);
    http1
}

/// The stream, which fails when nothing of what is written to it is taken for so long.
///
/// `tokio-io-timeout` was chosen because it does this alone, and its author keeps it beside tokio.
fn timed(stream: Socket, stall: Duration) -> std::pin::Pin<Box<TimeoutStream<Socket>>> {
    // A socket that refuses an option was closed by its peer; reading it says so.
    drop(stream.stream().set_nodelay(true));
    // A peer that is gone without a word is found out by the kernel.
    drop(SockRef::from(stream.stream()).set_tcp_user_timeout(Some(stall)));
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(stall));
    Box::pin(stream)
}

/// Whether a request says once to whom it goes, as all but old ones must (RFC 9112, 3.2).
fn has_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    request.version() != Version::HTTP_11 || (hosts.next().is_some() && hosts.next().is_none())
}

/// Answers within the limits: at once if that can be, else through the router.
fn answer<R: Ready>(
    ready: &R,
    router: &Router,
    limits: &Limits,
    sending: &Sending,
    peer: IpAddr,
    mut request: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<R> {
    // Parts are of what GET answers alone (RFC 9110, 14.2).
    if request.method() == Method::HEAD {
        request.headers_mut().remove(header::RANGE);
    }
    let reader = limits.reader(peer, request.headers());
    let (answered, spent) = match limits.enter(reader, request.headers()) {
        Ok(spent) if has_host(&request) => (ready(&request), spent),
        Ok(spent) => (Some(answer::no_host()), spent),
        Err(refused) => (Some(*refused), None),
    };
    let routed = answered.is_none().then(|| {
        if request.method() == Method::POST {
            request.extensions_mut().insert(reader);
        }
        router.clone().call(request.map(Body::new))
    });
    let sending = sending.clone();
    async move {
        let mut response = match (answered, routed) {
            (Some(answered), _) => answered,
            (None, routed) => routed.expect("what is not answered is routed").await?,
        };
        if let Some(spent) = spent {
            spent.tell(response.headers_mut());
        }
        if let Some(file) = response.extensions_mut().remove::<Weak<MemoryFile>>() {
            sending.from(file);
        }
        Ok(response)
    }
}
