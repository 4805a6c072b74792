//! What lies at which path of the native API, and how long it may be used.

use std::borrow::Cow;
use std::ops::RangeInclusive;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::any;
use tokio::sync::Semaphore;

use super::body::Body;
use super::document::Kind;
use super::negotiate::Coding;
use super::scope::Scope;
use super::shelf::Key;
use super::tiles::Tile;
use super::{NativeEdition, Terms, holds_any, one, respond, respond_quickly, stream};
use crate::query::value;
use crate::{Publisher, answer, archive};

/// All paths below `/v1/` that are not named elsewhere, and the contract, with and without a slash behind them.
pub(crate) fn router(publisher: &Publisher) -> Router {
    let paths = ["/v1/{*path}", "/openapi.json", "/openapi.json/"];
    let routes = paths.into_iter().fold(Router::new(), |router, path| router.route(path, any(native)));
    routes.with_state(publisher.clone())
}

async fn native(
    State(publisher): State<Publisher>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let edition = publisher.edition();
    let (native, parts) = (edition.native(), parts(&uri));
    match method {
        Method::GET | Method::HEAD if edition.is_published() || needs_no_version(&parts) => {
            let params = Params(uri.query().unwrap_or_default());
            read(&publisher, Arc::clone(native), (&parts, params), (&method, &headers)).await
        }
        _ if !is_path(native, &parts) => answer::wrong_path(),
        Method::GET | Method::HEAD => answer::not_yet(),
        Method::OPTIONS => answer::preflight(&headers),
        _ => answer::wrong_method(),
    }
}

/// The parts of a path, without `/v1`; a slash behind it does not matter.
fn parts(uri: &Uri) -> Vec<&str> {
    let path = uri.path();
    let path = path.strip_prefix("/v1/").or_else(|| path.strip_prefix('/')).unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/').collect()
}

fn needs_no_version(parts: &[&str]) -> bool {
    matches!(parts, ["history.json" | "limits.json" | "openapi.json"] | ["history", _])
}

/// Whether there is anything to be read at a path, or will be once there is a version.
fn is_path(edition: &NativeEdition, parts: &[&str]) -> bool {
    match *parts {
        ["changes" | "stream" | "manifest.json"] => true,
        ["versions", _, ref rest @ ..] => is_resource(edition, rest),
        _ => needs_no_version(parts) || is_resource(edition, parts),
    }
}

fn is_resource(edition: &NativeEdition, parts: &[&str]) -> bool {
    matches!(parts, ["outlets", _, ..] | ["nearby" | "within"]) || key(edition, parts).is_some()
}

async fn read(
    publisher: &Publisher,
    edition: Arc<NativeEdition>,
    (parts, params): (&[&str], Params<'_>),
    (method, headers): (&Method, &HeaderMap),
) -> Response {
    match *parts {
        ["changes"] => changes(edition, headers, params).await,
        ["stream"] => streamed(publisher, headers, params),
        ["manifest.json"] => {
            let listed = publisher.listed();
            let terms = listed.terms().for_seconds(60);
            respond(headers, &*ready(listed, Key::Manifest, headers).await, terms)
        }
        ["history.json"] => archive::answer(publisher, &edition, None, (method, headers)).await,
        ["history", file] => archive::answer(publisher, &edition, Some(file), (method, headers)).await,
        ["limits.json"] => respond(headers, publisher.limits_page(), Terms::Current { ttl: 3600, age: 0 }),
        ["openapi.json"] => respond(headers, publisher.contract(), Terms::Current { ttl: 3600, age: 0 }),
        ["versions", version, ref rest @ ..] => {
            match version_of(version).and_then(|version| publisher.kept(version)) {
                Some(kept) => resource(kept, headers, params, rest, true).await,
                None => answer::version_gone(),
            }
        }
        ref parts => resource(edition, headers, params, parts, false).await,
    }
}

/// The answer to a GET or HEAD, where its bytes are there or cost next to nothing: most of what is asked. Whatever is
/// not answered here is answered by [`router`], which answers this the same.
pub(crate) fn at_once(edition: &NativeEdition, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let mut parts = [""; 4];
    let mut path = uri.path().strip_prefix("/v1/")?.split('/');
    let known = parts.iter_mut().zip(&mut path).map(|(part, told)| *part = told).count();
    match (&parts[..known], path.next()) {
        (_, Some(_)) => None,
        (["outlets", id], None) if !id.is_empty() => Some(one::answer(edition, id, headers, edition.terms())),
        (["nearby" | "within"], None) => Some(near(edition, headers, uri.query(), edition.terms())),
        (parts, None) => {
            respond_quickly(headers, &*edition.native().made(key(edition, parts)?)?, edition.terms())
        }
    }
}

fn near(edition: &NativeEdition, headers: &HeaderMap, query: Option<&str>, terms: Terms) -> Response {
    match edition.nearby(query.unwrap_or_default()) {
        Ok(body) => respond(headers, &body, terms),
        Err(wrong) => answer::wrong_question(wrong),
    }
}

/// What one version alone says.
async fn resource(
    edition: Arc<NativeEdition>,
    headers: &HeaderMap,
    params: Params<'_>,
    parts: &[&str],
    immutable: bool,
) -> Response {
    let terms = if immutable { Terms::Immutable } else { edition.terms() };
    let key = match *parts {
        // An id of HIRA's may hold a slash.
        ["outlets", ref id @ ..] if !id.is_empty() => {
            return one::answer(&edition, &id.join("/"), headers, terms);
        }
        ["nearby" | "within"] => return near(&edition, headers, Some(params.0), terms),
        _ => key(&edition, parts),
    };
    match key {
        Some(key) => respond(headers, &*ready(edition, key, headers).await, terms),
        None => answer::wrong_path(),
    }
}

fn key(edition: &NativeEdition, parts: &[&str]) -> Option<Key> {
    match *parts {
        ["regions.json"] => Some(Key::Regions),
        ["policies.json"] => Some(Key::Policies),
        ["unregistered.json"] => Some(Key::Unregistered),
        ["tiles", z, x, y] => {
            let tile = Tile::parse(z, x, y)?;
            let key = Key::Tile(tile);
            // Only tiles that hold something are ever made.
            let any = edition.native().is_made(key) || holds_any(edition.places(), tile, edition.snapshot());
            Some(if any { key } else { Key::Empty })
        }
        ["regions", code, file] => Some(Key::File(Kind::parse(file)?, Scope::parse(code)?)),
        [file] => Some(Key::File(Kind::parse(file)?, Scope::Country)),
        _ => None,
    }
}

/// A body, in the coding that the reader will be given. What takes long is made beside the threads that answer.
async fn ready(edition: Arc<NativeEdition>, key: Key, headers: &HeaderMap) -> Arc<Body> {
    let body = if edition.native().is_quick(key) {
        edition.body(key)
    } else {
        beside(move || edition.body(key)).await
    };
    coded(body, headers).await
}

/// A body whose form in the coding that the reader will be given is there.
pub(crate) async fn coded(body: Arc<Body>, headers: &HeaderMap) -> Arc<Body> {
    let coding = Coding::choose(headers, body.identity().len()).unwrap_or(Coding::Identity);
    if body.is_quick(coding) {
        return body;
    }
    beside(move || {
        body.form(coding);
        body
    })
    .await
}

/// What takes long, beside the threads that answer. Half of the cores at most: the rest is for those who sell and publish, and who asks for
/// much waits.
async fn beside<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> T {
    static SEATS: LazyLock<Semaphore> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Semaphore::new((cores / 2).max(1))
    });
    let seat = SEATS.acquire().await.expect("nobody closes it");
    // The seat is taken until the work is done, also where the reader is gone by then.
    let work = move || {
        let made = make();
        drop(seat);
        made
    };
    tokio::task::spawn_blocking(work).await.expect("writing and compressing do not panic")
}

async fn changes(edition: Arc<NativeEdition>, headers: &HeaderMap, params: Params<'_>) -> Response {
    let (since, scope) = match (params.since(), params.scope()) {
        (Ok(Some(since)), Ok(scope)) => (since, scope),
        (Ok(None), _) => {
            return answer::wrong_question("since: missing; give the version that you have".to_owned());
        }
        (Err(wrong), _) | (_, Err(wrong)) => return answer::wrong_question(wrong),
    };
    let headers = headers.clone();
    let tell = move || match edition.native().changes(since, scope, edition.snapshot()) {
        Some(body) => respond(&headers, &body, edition.terms()),
        None => answer::too_old(format!("{}/outlets_with_stock.json", scope.base())),
    };
    // Of a whole country and ten minutes it may be every row there is.
    if matches!(scope, Scope::District(_)) { tell() } else { beside(tell).await }
}

fn streamed(publisher: &Publisher, headers: &HeaderMap, params: Params<'_>) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::trim);
    let since = match last.filter(|id| !id.is_empty()) {
        Some(id) => {
            version_of(id).map(Some).ok_or_else(|| "Last-Event-ID: the number of a version".to_owned())
        }
        None => params.since(),
    };
    match (since, params.scope()) {
        (Ok(since), Ok(scope)) => stream::answer(publisher, scope, since),
        (Err(wrong), _) | (_, Err(wrong)) => answer::wrong_question(wrong),
    }
}

/// The number of a version: digits alone, for a sign before them would make an address of its own.
fn version_of(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A query string; what is wrong in it is told in words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Params<'q>(pub(crate) &'q str);

impl<'q> Params<'q> {
    /// The first value of this name.
    pub(crate) fn get(self, name: &str) -> Option<Cow<'q, str>> {
        value(self.0, name)
    }

    /// A number within limits.
    pub(crate) fn number(self, name: &str, limits: RangeInclusive<f64>) -> Result<Option<f64>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let number = text.trim().parse::<f64>().ok().filter(|number| limits.contains(number));
        let wrong = || format!("{name}: a number from {} to {}", limits.start(), limits.end());
        number.map(Some).ok_or_else(wrong)
    }

    /// A number without fractions within limits.
    pub(crate) fn whole(self, name: &str, limits: RangeInclusive<usize>) -> Result<Option<usize>, String> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let text = text.trim();
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && limits.contains(number));
        let wrong = || format!("{name}: a whole number from {} to {}", limits.start(), limits.end());
        number.map(Some).ok_or_else(wrong)
    }

    fn since(self) -> Result<Option<u64>, String> {
        let Some(text) = self.get("since") else { return Ok(None) };
        version_of(&text).map(Some).ok_or_else(|| "since: the number of a version".to_owned())
    }

    fn scope(self) -> Result<Scope, String> {
        let Some(code) = self.get("region") else { return Ok(Scope::Country) };
        Scope::parse(&code).ok_or_else(|| {
            "region: two digits of a province or five of a district; see /v1/regions.json".to_owned()
        })
    }
}
