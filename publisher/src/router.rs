//! Which path is answered by what. Every path is also answered with a slash behind it.

use std::future::ready;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::any;

use crate::answer;
use crate::edition::Endpoint;
use crate::{Publisher, Shared, deprecation, limits, native, status, web};

const STATUS: &str = "/v1/status.json";
const KEYS: &str = "/v1/keys";

/// All public routes of a publisher.
pub(crate) fn router(publisher: &Publisher) -> Router {
    let faces = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let served = any(face).with_state((publisher.clone(), endpoint));
        router.route(endpoint.path(), served.clone()).route(&format!("{}/", endpoint.path()), served)
    });
    let router = both(faces, STATUS, publisher, |shared, _| status_page(shared));
    let keys = any(keys).with_state(publisher.clone());
    let router = router
        .merge(native::router(publisher))
        .route(KEYS, keys.clone())
        .route(&format!("{KEYS}/"), keys)
        .merge(web::router(publisher))
        .fallback(nowhere);
    let deprecations = &publisher.shared.deprecations;
    if deprecations.is_empty() {
        return router;
    }
    router.layer(axum::middleware::from_fn_with_state(deprecations.clone(), deprecation::tell))
}

/// The answer of [`router`] without going through it, where it costs little: most of what is asked.
pub(crate) fn at_once(publisher: &Publisher, request: &Parts) -> Option<Response> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return None;
    }
    let edition = publisher.shared.edition.load();
    if !edition.is_published() {
        return None;
    }
    let (path, headers) = (request.uri.path(), &request.headers);
    let endpoint = Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == path);
    let mut response = match endpoint {
        Some(endpoint) => {
            let body = edition.face(endpoint, request.uri.query().unwrap_or_default());
            native::respond_quickly(headers, &body, edition.terms())?
        }
        None => native::at_once(edition.native(), &request.uri, headers)?,
    };
    publisher.shared.deprecations.tell(path, response.headers_mut());
    Some(response)
}

async fn face(State((publisher, endpoint)): State<(Publisher, Endpoint)>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return answer::preflight(request.headers()),
        _ => return answer::wrong_method(),
    }
    let (body, terms) = {
        let edition = publisher.shared.edition.load();
        if !edition.is_published() {
            return answer::not_yet();
        }
        (edition.face(endpoint, request.uri().query().unwrap_or_default()), edition.terms())
    };
    let body = native::coded(body, request.headers()).await;
    native::respond(request.headers(), &body, terms)
}

async fn keys(State(publisher): State<Publisher>, request: Request) -> Response {
    match *request.method() {
        Method::POST => limits::new_key(&publisher.shared.limits, &request),
        Method::OPTIONS => answer::preflight_of_post(request.headers()),
        _ => answer::only_post(),
    }
}

fn status_page(shared: &Shared) -> Response {
    let edition = shared.edition.load();
    if !edition.is_published() {
        return answer::not_yet();
    }
    answer::fresh_json(status::page(&edition, &shared.status.load()))
}

/// Where there is nothing, no method is a right one. `OPTIONS *` asks of the server as a whole.
async fn nowhere(request: Request) -> Response {
    match *request.method() {
        Method::OPTIONS if request.uri().path() == "*" => answer::preflight(request.headers()),
        _ => answer::wrong_path(),
    }
}

/// The path with and without a slash behind it.
fn both<A>(router: Router, path: &str, publisher: &Publisher, answer: A) -> Router
where
    A: Fn(&Shared, &Request) -> Response + Clone + Send + Sync + 'static,
{
    let router = route(router, path, publisher, answer.clone());
    route(router, &format!("{path}/"), publisher, answer)
}

fn route<A>(router: Router, path: &str, publisher: &Publisher, answer: A) -> Router
where
    A: Fn(&Shared, &Request) -> Response + Clone + Send + Sync + 'static,
{
    let publisher = publisher.clone();
    let serve =
        move |request: Request| ready(to_method(&request, |request| answer(&publisher.shared, request)));
    router.route(path, any(serve))
}

/// Answers GET and HEAD (whose body axum leaves out), preflights, and nothing else.
fn to_method(request: &Request, read: impl Fn(&Request) -> Response) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => read(request),
        Method::OPTIONS => answer::preflight(request.headers()),
        _ => answer::wrong_method(),
    }
}
