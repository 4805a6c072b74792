//! The background of the map, where an operator has one: an address of raster tiles, and the words that name whose they are.

use axum::http::Uri;
use axum::http::uri::Authority;

/// What an address must hold once at least, for each tile to have one of its own.
const NEEDED: [&str; 3] = ["{z}", "{x}", "{y}"];
/// What it may hold beside them: `@2x` on screens that are twice as fine.
const RETINA: &str = "{r}";
/// Most characters of the attribution: it lies on a phone's map.
pub const MAX_ATTRIBUTION: usize = 200;

/// Where raster tiles come from, checked: the page may load pictures from [`origin`](Self::origin) and nothing else from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    template: String,
    origin: String,
    attribution: String,
}

/// Why tiles can not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TilesFault {
    /// A place holder is missing.
    #[error(
        "the address lacks {{z}}, {{x}} or {{y}}; expected one such as https://tiles.example/{{z}}/{{x}}/{{y}}.png"
    )]
    Lacks,
    /// There are braces around something else.
    #[error("only {{z}}, {{x}}, {{y}} and {{r}} are filled in; name one host in place of {{s}}")]
    UnknownHolder,
    /// It is no address of a web server.
    #[error("expected an address such as https://tiles.example/{{z}}/{{x}}/{{y}}.png")]
    NoAddress,
    /// It is `http` to another machine: a page that came over `https` may not load that.
    #[error("expected https; http is for tiles of this very machine (127.0.0.1, [::1], localhost) alone")]
    NotSafe,
    /// A place holder stands in the host, so there would be more than one origin.
    #[error("the host must be one, without place holders, user or signs of its own")]
    Host,
    /// The attribution is missing.
    #[error("map-tiles is set: say here whose map it is, as their terms ask; [words](https://…) is a link")]
    NoAttribution,
    /// The attribution is too long or holds control characters.
    #[error("expected one line of at most {MAX_ATTRIBUTION} characters")]
    Attribution,
}

impl TilesFault {
    /// Whether the attribution is at fault, not the address.
    #[must_use]
    pub fn is_of_attribution(self) -> bool {
        matches!(self, Self::NoAttribution | Self::Attribution)
    }
}

impl MapTiles {
    /// Tiles at `template`, such as `https://tiles.example/{z}/{x}/{y}.png`, with words that are shown on the map; of these
    /// `[words](https://…)` is shown as a link.
    ///
    /// # Errors
    /// [`TilesFault`].
    pub fn new(template: &str, attribution: &str) -> Result<Self, TilesFault> {
        let origin = origin(template)?;
        let attribution = attribution.trim();
        if attribution.is_empty() {
            return Err(TilesFault::NoAttribution);
        }
        if attribution.chars().count() > MAX_ATTRIBUTION || attribution.chars().any(char::is_control) {
            return Err(TilesFault::Attribution);
        }
        Ok(Self { template: template.to_owned(), origin, attribution: attribution.to_owned() })
    }

    /// The address with its place holders.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }

    /// Scheme, host and port, as a Content-Security-Policy names a source.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whose the map is.
    #[must_use]
    pub fn attribution(&self) -> &str {
        &self.attribution
    }
}

/// The one origin of an address with place holders.
fn origin(template: &str) -> Result<String, TilesFault> {
    if !NEEDED.iter().all(|needed| template.contains(needed)) {
        return Err(TilesFault::Lacks);
    }
    let filled = NEEDED.into_iter().chain([RETINA]).fold(template.to_owned(), |filled, holder| {
        // Nothing that may stand in a host, so that a place holder there is found out.
        filled.replace(holder, "!")
    });
    if filled.contains(['{', '}']) {
        return Err(TilesFault::UnknownHolder);
    }
    let address: Uri = filled.parse().map_err(|_| TilesFault::NoAddress)?;
    let plain = filled.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>\\".contains(&byte));
    let (Some(scheme), Some(host), true) = (address.scheme_str(), address.authority(), plain) else {
        return Err(TilesFault::NoAddress);
    };
    if !is_one_host(host) {
        return Err(TilesFault::Host);
    }
    match (scheme, host.host()) {
        ("https", _) | ("http", "localhost" | "127.0.0.1" | "[::1]") => Ok(format!("{scheme}://{host}")),
        ("http", _) => Err(TilesFault::NotSafe),
        _ => Err(TilesFault::NoAddress),
    }
}

/// Letters, digits, dots and hyphens, or an IPv6 address; nothing that would mean something else in a policy.
fn is_one_host(authority: &Authority) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !authority.host().is_empty() && authority.as_str().bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_origin_or_is_told_what_is_wrong() {
        use TilesFault::{Host, Lacks, NoAddress, NotSafe, UnknownHolder};
        for (template, origin) in [
            ("https://tiles.example/{z}/{x}/{y}.png", Ok("https://tiles.example")),
            ("https://a-b.example:8443/osm/{z}/{y}/{x}{r}.jpg?key=1", Ok("https://a-b.example:8443")),
            ("http://127.0.0.1:9000/{z}/{x}/{y}.png", Ok("http://127.0.0.1:9000")),
            ("http://[::1]:9000/{z}/{x}/{y}.png", Ok("http://[::1]:9000")),
            ("http://tiles.example/{z}/{x}/{y}.png", Err(NotSafe)),
            ("https://tiles.example/{z}/{x}.png", Err(Lacks)),
            ("", Err(Lacks)),
            ("https://{s}.tiles.example/{z}/{x}/{y}.png", Err(UnknownHolder)),
            ("https://tiles.example/{z}/{x}/{y}/{", Err(UnknownHolder)),
            ("https://{z}.example/{x}/{y}.png", Err(Host)),
            ("https://user:word@tiles.example/{z}/{x}/{y}.png", Err(Host)),
            ("https://tiles.example;script-src/{z}/{x}/{y}.png", Err(Host)),
            ("https://*/{z}/{x}/{y}.png", Err(Host)),
            ("/tiles/{z}/{x}/{y}.png", Err(NoAddress)),
            ("tiles.example/{z}/{x}/{y}.png", Err(NoAddress)),
            ("ftp://tiles.example/{z}/{x}/{y}.png", Err(NoAddress)),
            ("javascript:{z}{x}{y}", Err(NoAddress)),
            ("https://tiles.example/{z}/{x}/{y}.png\"><script>", Err(NoAddress)),
            ("https://tiles.example/{z} {x}/{y}.png", Err(NoAddress)),
        ] {
            let told = MapTiles::new(template, "© Somebody").map(|tiles| tiles.origin().to_owned());
            assert_eq!(told, origin.map(str::to_owned), "{template}");
        }
    }

    #[test]
    fn whose_map_it_is_must_be_said_in_one_line() {
        let tiles = |attribution: &str| MapTiles::new("https://tiles.example/{z}/{x}/{y}.png", attribution);
        assert_eq!(tiles("  ").unwrap_err(), TilesFault::NoAttribution);
        assert_eq!(tiles("a\nb").unwrap_err(), TilesFault::Attribution);
        assert_eq!(tiles(&"가".repeat(MAX_ATTRIBUTION + 1)).unwrap_err(), TilesFault::Attribution);
        assert_eq!(tiles(" © 우리 지도 ").unwrap().attribution(), "© 우리 지도");
    }
}
