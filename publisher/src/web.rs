//! The pages for citizens and agencies, embedded in the binary: the map at `/`, the hops at `/status`, the open
//! data at `/docs`.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use axum::routing::any;
use rust_embed::RustEmbed;

use crate::native::{NativeBody, Terms, respond};
use crate::{MapTiles, Publisher, answer};

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// Seconds after which a page is asked for again; what it needs beside itself has a name of its own for each content.
const PAGE_TTL: u32 = 60;
/// All comes from here but tiles, and nothing is written into a page as a script.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:{tiles}; object-src 'none'; base-uri 'none'; frame-ancestors 'self'";
/// The page of the map, and where it is told of tiles.
const MAP: &str = "/";
const TOLD: &str = r#"<meta name="jaego-tiles" content="">"#;

/// The pages as one operator has them.
pub(crate) struct Pages {
    policy: HeaderValue,
    /// The page of the map where it is another than the built one.
    map: Option<NativeBody>,
}

impl Pages {
    /// The pages with this background of the map.
    pub(crate) fn new(tiles: Option<&MapTiles>) -> Self {
        let source = tiles.map(|tiles| format!(" {}", tiles.origin())).unwrap_or_default();
        let policy = POLICY.replace("{tiles}", &source);
        let policy =
            HeaderValue::try_from(policy).expect("an origin is letters, digits and signs of an address");
        Self { policy, map: tiles.map(map_with) }
    }

    fn body(&self, path: &str) -> Option<&NativeBody> {
        let map = self.map.as_ref().filter(|_| path == MAP);
        map.or_else(|| FILES.get(path))
    }
}

/// The page of the map that tells its script where tiles are.
fn map_with(tiles: &MapTiles) -> NativeBody {
    let built = &FILES[MAP];
    let page = std::str::from_utf8(built.identity()).expect("a page is text");
    let meta = |name: &str, content: &str| format!(r#"<meta name="{name}" content="{}">"#, escaped(content));
    let told = [meta("jaego-tiles", tiles.template()), meta("jaego-tiles-attribution", tiles.attribution())];
    NativeBody::new(built.media, page.replace(TOLD, &told.join("\n")))
}

/// A text as the value of an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// The pages and what they need.
pub(crate) fn router(publisher: &Publisher) -> Router {
    let routes = FILES.keys().fold(Router::new(), |router, path| {
        let router = router.route(path, any(page));
        if path == MAP { router } else { router.route(&format!("{path}/"), any(page)) }
    });
    routes.with_state(publisher.clone())
}

async fn page(State(publisher): State<Publisher>, request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return answer::preflight(request.headers()),
        _ => return answer::wrong_method(),
    }
    let (pages, path) = (publisher.pages(), request.uri().path());
    let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
    let Some(body) = pages.body(path) else { return answer::wrong_path() };
    let named = path.starts_with("/assets/");
    let terms = if named { Terms::Immutable } else { Terms::Current { ttl: PAGE_TTL, age: 0 } };
    let mut response = respond(request.headers(), body, terms);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, pages.policy.clone());
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The files by their paths: pages without the end of their names.
static FILES: LazyLock<HashMap<String, NativeBody>> = LazyLock::new(|| {
    let files = Dist::iter().filter(|name| name != "SOURCES");
    let entry = |name: &str| {
        let path = name.strip_suffix(".html").map_or(name, |page| if page == "index" { "" } else { page });
        let file = Dist::get(name).expect("it was listed");
        (format!("/{path}"), NativeBody::new(media(name), file.data.into_owned()))
    };
    files.map(|name| entry(&name)).collect()
});

fn media(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
