//! What is to go: one table of routes, from which answers tell it in their headers and the contract in its operations.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use chrono::DateTime;
use schemas::Millis;

/// So many days at least lie between the announcement and the end, as docs/open-data.md promises.
pub const NOTICE_DAYS: i64 = 180;
const DAY_MS: i64 = 86_400_000;

/// RFC 9745.
const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
/// RFC 8594.
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// A route that is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecated {
    /// The path as the contract has it, such as `/v1/outlets/{id}`.
    pub path: String,
    /// Since when nothing new should be built on it.
    pub since: Millis,
    /// When it will answer no more.
    pub sunset: Millis,
    /// Where it is said what to use instead: an address, or a path of this server.
    pub link: String,
}

/// Why a route can not be announced so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeprecationFault {
    /// It is no path.
    #[error("{0}: expected a path as in /openapi.json")]
    Path(String),
    /// Readers would have less time than they were promised.
    #[error("{0}: the sunset must be {NOTICE_DAYS} days or more after the announcement")]
    TooSoon(String),
    /// A moment lies outside of the years that can be written.
    #[error("{0}: no such day")]
    Moment(String),
    /// The link can stand in no header.
    #[error("{0}: expected https://… or a path to read what to use instead")]
    Link(String),
}

/// The routes that are to go, ready to be told.
#[derive(Debug, Clone, Default)]
pub struct Deprecations(Arc<Vec<Told>>);

#[derive(Debug, Clone)]
struct Told {
    path: String,
    since: HeaderValue,
    sunset: HeaderValue,
    link: HeaderValue,
}

impl Deprecations {
    /// Those of this version of jaego: none. The API of 2020 is here to stay as it is.
    #[must_use]
    pub fn of_this_version() -> Self {
        Self::default()
    }

    /// These routes.
    ///
    /// # Errors
    /// The first [`DeprecationFault`].
    pub fn new(table: &[Deprecated]) -> Result<Self, DeprecationFault> {
        table.iter().map(Told::of).collect::<Result<_, _>>().map(|told| Self(Arc::new(told)))
    }

    /// Whether nothing is to go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path of the contract is to go.
    pub(crate) fn names(&self, template: &str) -> bool {
        self.0.iter().any(|told| told.path == template)
    }

    /// Puts into an answer to this path what is to be told of it.
    pub(crate) fn tell(&self, path: &str, headers: &mut HeaderMap) {
        if let Some(told) = self.0.iter().find(|told| fits(&told.path, path)) {
            headers.insert(DEPRECATION, told.since.clone());
            headers.insert(SUNSET, told.sunset.clone());
            headers.append(header::LINK, told.link.clone());
        }
    }
}

impl Told {
    fn of(one: &Deprecated) -> Result<Self, DeprecationFault> {
        let Deprecated { path, since, sunset, link } = one;
        if !path.starts_with('/') {
            return Err(DeprecationFault::Path(path.clone()));
        }
        if sunset.since(*since) < NOTICE_DAYS * DAY_MS {
            return Err(DeprecationFault::TooSoon(path.clone()));
        }
        let day = DateTime::from_timestamp_millis(sunset.0).ok_or(DeprecationFault::Moment(path.clone()))?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"<>\",;".contains(&byte);
        if !(link.starts_with("https://") || link.starts_with('/')) || !link.bytes().all(plain) {
            return Err(DeprecationFault::Link(path.clone()));
        }
        let text = |text: String| HeaderValue::try_from(text).expect("plain ASCII is a header");
        Ok(Self {
            path: path.clone(),
            since: text(format!("@{}", since.0.div_euclid(1000))),
            sunset: text(day.format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            link: text(format!("<{link}>; rel=\"deprecation\", <{link}>; rel=\"sunset\"")),
        })
    }
}

/// Tells it in every answer, whatever its status.
pub(crate) async fn tell(State(table): State<Deprecations>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    table.tell(&path, response.headers_mut());
    response
}

/// Whether a path is one of a template; a slash behind it does not matter.
fn fits(template: &str, path: &str) -> bool {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut parts = path.split('/');
    template.split('/').all(|part| parts.next().is_some_and(|given| fits_part(part, given)))
        && parts.next().is_none()
}

fn fits_part(part: &str, given: &str) -> bool {
    match part.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?.1))) {
        None => part == given,
        Some((before, after)) => {
            given.len() > before.len() + after.len() && given.starts_with(before) && given.ends_with(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_fits_its_paths_alone() {
        for (template, path, is) in [
            ("/v1/nearby", "/v1/nearby", true),
            ("/v1/nearby", "/v1/nearby/", true),
            ("/v1/nearby", "/v1/nearby/x", false),
            ("/v1/outlets/{id}", "/v1/outlets/1", true),
            ("/v1/outlets/{id}", "/v1/outlets", false),
            ("/v1/tiles/{z}/{x}/{y}.json", "/v1/tiles/6/54/24.json", true),
            ("/v1/tiles/{z}/{x}/{y}.json", "/v1/tiles/6/54/.json", false),
            ("/v1/regions/{code}/stock.csv", "/v1/regions/11/stock.json", false),
        ] {
            assert_eq!(fits(template, path), is, "{template} {path}");
        }
    }

    #[test]
    fn readers_have_the_time_that_they_were_promised() {
        let since = Millis::parse("2027-01-01T00:00:00Z").unwrap();
        let after = |days: i64| since.plus(days * DAY_MS);
        let one = |path: &str, sunset, link: &str| {
            let table = [Deprecated { path: path.to_owned(), since, sunset, link: link.to_owned() }];
            Deprecations::new(&table).map(|_| ())
        };
        assert_eq!(one("/v1/nearby", after(180), "/docs"), Ok(()));
        let too_soon = one("/v1/nearby", after(179), "/docs");
        assert_eq!(too_soon, Err(DeprecationFault::TooSoon("/v1/nearby".to_owned())));
        assert!(matches!(one("nearby", after(200), "/docs"), Err(DeprecationFault::Path(_))));
        for link in ["http://a.example/", "docs", "https://a.example/\"x", "/a b"] {
            assert!(matches!(one("/v1/nearby", after(200), link), Err(DeprecationFault::Link(_))), "{link}");
        }
    }
}
