//! Which path is answered by what. Every path is also answered with a slash behind it.

use std::future::ready;

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;

use crate::answer;
use crate::edition::Endpoint;
use crate::native;
use crate::status;
use crate::{Publisher, Shared};

const STATUS: &str = "/v1/status.json";
const UNREGISTERED: &str = "/v1/unregistered.json";

/// What `/` says.
const INDEX: &str = concat!(
    r#"{"name":"jaego: public stock of rationed goods","endpoints":{"#,
    r#""/corona19-masks/v1/stores/json":"who sells; page, perPage (500 to 5000)","#,
    r#""/corona19-masks/v1/sales/json":"what they have; page, perPage (500 to 5000)","#,
    r#""/corona19-masks/v1/storesByGeo/json":"both within a radius; lat, lng, m (metres, up to 5000)","#,
    r#""/corona19-masks/v1/storesByAddr/json":"both by district; address, such as 서울특별시 강남구","#,
    r#""/v1/status.json":"age of the data and delay of every hop","#,
    r#""/v1/unregistered.json":"outlets that report and are in no registry"}}"#,
);

/// All public routes of a publisher.
pub(crate) fn router(publisher: &Publisher) -> Router {
    let faces = Endpoint::ALL.into_iter().fold(Router::new(), |router, endpoint| {
        let answer = move |shared: &Shared, request: &Request| face(shared, endpoint, request);
        both(router, endpoint.path(), publisher, answer)
    });
    let router = both(faces, STATUS, publisher, |shared, _| status_page(shared));
    let router = both(router, UNREGISTERED, publisher, |shared, _| unregistered(shared))
        .merge(native::router(publisher));
    route(router, "/", publisher, |_, _| answer::json(Bytes::from_static(INDEX.as_bytes())))
        .fallback(|request: Request| ready(to_method(&request, |_| answer::wrong_path())))
}

fn face(shared: &Shared, endpoint: Endpoint, request: &Request) -> Response {
    let edition = shared.edition.load();
    if !edition.is_published() {
        return answer::not_yet();
    }
    answer::json(edition.answer(endpoint, request.uri().query().unwrap_or_default()))
}

fn status_page(shared: &Shared) -> Response {
    let edition = shared.edition.load();
    if !edition.is_published() {
        return answer::not_yet();
    }
    answer::fresh_json(status::page(&edition, &shared.status.load()))
}

fn unregistered(shared: &Shared) -> Response {
    let edition = shared.edition.load();
    if !edition.is_published() {
        return answer::not_yet();
    }
    answer::json(edition.unregistered())
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
