//! Who answers the requests of one connection, and within which limits.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, Version, header};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use tower::Service;

use crate::answer;
use crate::limits::{Limits, Spent};

/// Gives the answer to a request without waiting, or none.
pub(crate) trait Ready: Fn(&Parts) -> Option<Response> + Clone + Send + Sync + 'static {}

impl<F: Fn(&Parts) -> Option<Response> + Clone + Send + Sync + 'static> Ready for F {}

/// All that a connection needs to be answered.
#[derive(Clone)]
pub(super) struct Answering<R> {
    pub(super) ready: R,
    pub(super) router: Router,
    pub(super) limits: Arc<Limits>,
    pub(super) peer: IpAddr,
}

/// An answer, or the way to it.
pub(super) enum Answered {
    /// It was ready.
    Now(Response),
    /// The router makes it; what it says of the rate is known already.
    Routed(Pin<Box<RouteFuture<Infallible>>>, Option<Spent>),
}

impl Answered {
    /// The answer, once it is there.
    pub(super) async fn response(self) -> Response {
        match self {
            Self::Now(response) => response,
            Self::Routed(routed, spent) => {
                let Ok(response) = routed.await;
                told(response, spent)
            }
        }
    }
}

impl<R: Ready> Answering<R> {
    /// Answers within the limits: at once if that can be, else through the router.
    pub(super) fn answer<B>(&self, request: Request<B>, body: fn(B) -> Body) -> Answered {
        let (mut parts, rest) = request.into_parts();
        // Parts are of what GET answers alone (RFC 9110, 14.2).
        if parts.method == Method::HEAD {
            parts.headers.remove(header::RANGE);
        }
        let reader = self.limits.reader(self.peer, &parts.headers);
        let spent = match self.limits.enter(reader, &parts.headers) {
            Ok(spent) => spent,
            Err(refused) => return Answered::Now(*refused),
        };
        if !has_host(parts.version, &parts.headers) {
            return Answered::Now(told(answer::no_host(), spent));
        }
        if let Some(ready) = (self.ready)(&parts) {
            return Answered::Now(told(ready, spent));
        }
        if parts.method == Method::POST {
            parts.extensions.insert(reader);
        }
        let routed = self.router.clone().call(Request::from_parts(parts, body(rest)));
        Answered::Routed(Box::pin(routed), spent)
    }
}

/// The answer, which says what is left of the rate where there is one.
fn told(mut response: Response, spent: Option<Spent>) -> Response {
    if let Some(spent) = spent {
        spent.tell(response.headers_mut());
    }
    response
}

/// Whether a request says once to whom it goes, as all but old ones must (RFC 9112, 3.2).
fn has_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    version != Version::HTTP_11 || (hosts.next().is_some() && hosts.next().is_none())
}
