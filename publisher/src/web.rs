//! The pages for citizens and agencies, embedded in the binary: the map at `/`, the hops at `/status`, the open
//! data at `/docs`.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use axum::routing::any;
use rust_embed::RustEmbed;

use crate::answer;
use crate::native::{NativeBody, Terms, respond};

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// Seconds after which a page is asked for again; what it needs beside itself has a name of its own for each content.
const PAGE_TTL: u32 = 60;
/// All comes from here, and nothing is written into a page as a script.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'",
);

/// The pages and what they need.
pub(crate) fn router() -> Router {
    FILES.keys().fold(Router::new(), |router, path| router.route(path, any(page)))
}

async fn page(request: Request) -> Response {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return answer::preflight(request.headers()),
        _ => return answer::wrong_method(),
    }
    let path = request.uri().path();
    let Some(body) = FILES.get(path) else { return answer::wrong_path() };
    let named = path.starts_with("/assets/");
    let terms = if named { Terms::Immutable } else { Terms::Current { ttl: PAGE_TTL, age: 0 } };
    let mut response = respond(request.headers(), body, terms);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
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
