//! Query strings read forgivingly: nothing a client of 2020 sent is an error.
//!
//! `+` and `%20` are blanks, broken percent signs stay as they are, broken UTF-8 is replaced. What stands in for missing
//! and unreadable parameters is told at [`crate::Endpoint`].

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemas::registry::Place;

/// Rows of a page where `perPage` is missing or unreadable, and the fewest it can ask for.
pub const PER_PAGE: usize = 500;
/// Most rows that `perPage` can ask for.
pub const MAX_PER_PAGE: usize = 5000;
/// Seoul City Hall (서울시청): stands in for a missing `lat` or `lng`.
pub const DEFAULT_PLACE: Place = Place { lat: 37.5663, lng: 126.9779 };
/// Radius where `m` is missing or unreadable, in metres.
pub const DEFAULT_METRES: f64 = 1000.0;
/// The largest radius, in metres: 5 km since 11 March 2020.
pub const MAX_METRES: f64 = 5000.0;
/// The district that is shown where `address` is missing; given but blank, it finds nothing.
pub const DEFAULT_DISTRICT: &str = "서울특별시 강남구";

const LATITUDES: RangeInclusive<f64> = 33.0..=43.0;
const LONGITUDES: RangeInclusive<f64> = 124.0..=132.0;

/// The raw query string of a request, without its question mark.
#[derive(Clone, Copy)]
pub(crate) struct Query<'q>(pub(crate) &'q str);

/// Which page of a list is wanted.
pub(crate) struct PageWanted<'q> {
    /// `page` as it was given; it comes back as it was.
    pub(crate) echo: Cow<'q, str>,
    /// The number it means, from 1.
    pub(crate) number: usize,
    /// Rows on a page.
    pub(crate) per_page: usize,
}

/// Which circle is wanted.
pub(crate) struct Circle {
    /// Its centre.
    pub(crate) centre: Place,
    /// Its radius; the edge is part of it.
    pub(crate) metres: f64,
}

impl<'q> Query<'q> {
    fn get(self, name: &str) -> Option<Cow<'q, str>> {
        value(self.0, name)
    }

    fn degrees(self, name: &str, missing: f64) -> f64 {
        match self.get(name).as_deref().map(str::trim) {
            None | Some("") => missing,
            Some(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// Reads `page` and `perPage`.
    pub(crate) fn page(self) -> PageWanted<'q> {
        let echo = self.get("page").unwrap_or(Cow::Borrowed("1"));
        let number = whole(&echo).unwrap_or(1).max(1);
        let per_page = self.get("perPage").and_then(|text| whole(&text)).unwrap_or(PER_PAGE);
        PageWanted { echo, number, per_page: per_page.clamp(PER_PAGE, MAX_PER_PAGE) }
    }

    /// Reads `lat`, `lng` and `m`; none where nothing can lie there.
    pub(crate) fn circle(self) -> Option<Circle> {
        let lat = self.degrees("lat", DEFAULT_PLACE.lat);
        let lng = self.degrees("lng", DEFAULT_PLACE.lng);
        let metres = self.get("m").and_then(|text| text.trim().parse::<f64>().ok());
        let metres = metres.filter(|m| !m.is_nan()).unwrap_or(DEFAULT_METRES).clamp(0.0, MAX_METRES);
        let known = LATITUDES.contains(&lat) && LONGITUDES.contains(&lng);
        known.then_some(Circle { centre: Place { lat, lng }, metres })
    }

    /// Reads `address`.
    pub(crate) fn address(self) -> Option<Cow<'q, str>> {
        self.get("address")
    }
}

/// The first value of this name in a query string. Only pairs that may have it are taken apart.
pub(crate) fn value<'q>(query: &'q str, name: &str) -> Option<Cow<'q, str>> {
    let pairs = query.split('&').filter(|pair| pair.starts_with(name) || pair.contains(['%', '+']));
    let mut pairs = pairs.filter_map(|pair| form_urlencoded::parse(pair.as_bytes()).next());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value)
}

/// A number of digits alone; too large a one is the largest there is.
fn whole(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> (String, usize, usize) {
        let page = Query(query).page();
        (page.echo.into_owned(), page.number, page.per_page)
    }

    #[test]
    fn pages_are_read_forgivingly() {
        assert_eq!(page(""), ("1".into(), 1, 500));
        assert_eq!(page("page=0"), ("0".into(), 1, 500));
        assert_eq!(page("page=3&perPage=1000"), ("3".into(), 3, 1000));
        assert_eq!(page("page=a%22&perPage=x"), ("a\"".into(), 1, 500));
        assert_eq!(page("page=-2&perPage=-7"), ("-2".into(), 1, 500));
        assert_eq!(page("perPage=1&perpage=900"), ("1".into(), 1, 500));
        assert_eq!(page("perPage=99999999999999999999999"), ("1".into(), 1, 5000));
        assert_eq!(page("page=99999999999999999999999").1, usize::MAX);
    }

    #[test]
    fn a_value_is_that_of_the_first_pair_of_its_name() {
        for (query, found) in [
            ("a=1&m=2&m=3", Some("2")),
            ("ma=1&m", Some("")),
            ("%6D=%31+2&m=3", Some("1 2")),
            ("m=%EC%84%9C%FF", Some("서\u{fffd}")),
            ("&&m=%", Some("%")),
            ("a=m", None),
            ("", None),
        ] {
            assert_eq!(value(query, "m").as_deref(), found, "{query}");
        }
    }

    #[test]
    fn circles_are_clamped_and_impossible_ones_dropped() {
        let metres = |query| Query(query).circle().map(|circle| circle.metres);
        assert_eq!(metres(""), Some(1000.0));
        assert_eq!(metres("m=10000"), Some(5000.0));
        assert_eq!(metres("m=-1"), Some(0.0));
        assert_eq!(metres("m=NaN"), Some(1000.0));
        assert_eq!(metres("lat=34&lng=125&m=5000"), Some(5000.0));
        assert_eq!(metres("lat=127&lng=37"), None);
        assert_eq!(metres("lat=undefined"), None);
        assert_eq!(metres("Lat=34"), Some(1000.0));
    }
}
