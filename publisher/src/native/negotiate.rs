//! What a request asks of a body: a coding, a part of it, or nothing where it has it already (RFC 9110).

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::body::{Body, COMPRESS_FROM};

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
    /// Zstandard.
    Zstd,
}

/// Those that compress, the one that costs least first: it decides among codings that a client likes alike.
const CODINGS: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

impl Coding {
    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }

    fn named(name: &str) -> Option<Self> {
        // Its name of old (RFC 9110, 8.4.1.3).
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        [Self::Identity, Self::Gzip, Self::Brotli, Self::Zstd]
            .into_iter()
            .find(|coding| coding.name().eq_ignore_ascii_case(name))
    }

    /// The coding that a client likes best; none where it takes nothing that we have.
    pub(crate) fn choose(headers: &HeaderMap, bytes: usize) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT_ENCODING) {
            return Some(Self::Identity);
        }
        let likes = Likes::read(headers);
        let identity = likes.of(Self::Identity);
        let best = CODINGS.into_iter().filter(|coding| likes.of(*coding) > 0);
        let best = best.rev().max_by_key(|coding| likes.of(*coding));
        match best {
            Some(best) if identity == 0 || (bytes >= COMPRESS_FROM && likes.of(best) >= identity) => {
                Some(best)
            }
            _ if identity > 0 => Some(Self::Identity),
            _ => None,
        }
    }
}

/// How much a client likes each coding, in thousandths.
#[derive(Default)]
struct Likes {
    named: [Option<u16>; 4],
    any: Option<u16>,
    asked: bool,
}

impl Likes {
    fn read(headers: &HeaderMap) -> Self {
        let mut likes = Self::default();
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        for part in lines.flat_map(|line| line.split(',')) {
            likes.asked = true;
            let (name, rest) = part.split_once(';').unwrap_or((part, ""));
            let weight = rest.trim().strip_prefix("q=").or_else(|| rest.trim().strip_prefix("Q="));
            let weight = weight.map_or(1000, thousandths);
            let name = name.trim();
            if name == "*" {
                likes.any = Some(weight);
            } else if let Some(coding) = Coding::named(name) {
                likes.named[coding as usize].get_or_insert(weight);
            }
        }
        likes
    }

    fn of(&self, coding: Coding) -> u16 {
        let named = self.named[coding as usize];
        match coding {
            // Taken unless refused, and liked less than whatever is named.
            Coding::Identity => named.or(self.any.filter(|any| *any == 0)).unwrap_or(1),
            _ if !self.asked => 0,
            _ => named.or(self.any).unwrap_or(0),
        }
    }
}

/// A weight between 0 and 1; what is none counts as refused.
fn thousandths(text: &str) -> u16 {
    let weight = text.trim().parse::<f64>().ok().filter(|weight| (0.0..=1.0).contains(weight));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    weight.map_or(0, |weight| (weight * 1000.0).round() as u16)
}

/// Whether a client has this body already, in whatever coding.
pub(crate) fn is_known(headers: &HeaderMap, body: &Body) -> bool {
    is_tagged(headers, |tag| body.is_named(tag))
}

/// Whether a client names any tag, quotes included, that is one of ours.
pub(crate) fn is_tagged(headers: &HeaderMap, is_ours: impl Fn(&str) -> bool) -> bool {
    tags(headers, &header::IF_NONE_MATCH)
        .any(|tag| tag == "*" || is_ours(tag.strip_prefix("W/").unwrap_or(tag)))
}

/// Whether a client wants a body only under tags of which none is one of ours (`If-Match`). A weak one names nothing.
pub(crate) fn is_tagged_otherwise(headers: &HeaderMap, is_ours: impl Fn(&str) -> bool) -> bool {
    headers.contains_key(header::IF_MATCH)
        && !tags(headers, &header::IF_MATCH).any(|tag| tag == "*" || is_ours(tag))
}

fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> + use<'h> {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Which bytes of a body are wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All.
    Whole,
    /// These.
    Bytes(Range<usize>),
    /// Some beyond its end.
    Beyond,
}

impl Part {
    /// Reads `Range: bytes=…`. What is unreadable, of several parts, or of another version than `If-Range` means the whole.
    pub(crate) fn read(headers: &HeaderMap, etag: &HeaderValue, length: usize) -> Self {
        if headers.get(header::IF_RANGE).is_some_and(|tag| tag != etag) {
            return Self::Whole;
        }
        let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        let Some((first, last)) = asked.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'))
        else {
            return Self::Whole;
        };
        let numbers = (digits(first), digits(last));
        let range = match numbers {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            (Some(first), None) if last.is_empty() => first..length,
            (None, Some(0)) if first.is_empty() => return Self::Beyond,
            (None, Some(last)) if first.is_empty() => length.saturating_sub(last)..length,
            _ => return Self::Whole,
        };
        if range.start < length { Self::Bytes(range) } else { Self::Beyond }
    }
}

fn digits(text: &str) -> Option<usize> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: HeaderValue = HeaderValue::from_static("\"a\"");

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn the_coding_is_the_one_that_the_client_likes_best() {
        use Coding::{Brotli, Gzip, Identity, Zstd};
        let choose = |accept: &str, bytes| Coding::choose(&headers(header::ACCEPT_ENCODING, accept), bytes);
        assert_eq!(Coding::choose(&HeaderMap::new(), 5_000), Some(Identity));
        for (accept, chosen) in [
            ("gzip", Some(Gzip)),
            ("gzip, deflate, br, zstd", Some(Zstd)),
            ("gzip;q=1.0, br;q=0.5", Some(Gzip)),
            ("br;q=0.5, zstd;q=0.4", Some(Brotli)),
            ("*", Some(Zstd)),
            ("*;q=0.5, zstd;q=0", Some(Brotli)),
            ("deflate", Some(Identity)),
            ("", Some(Identity)),
            ("gzip;q=0", Some(Identity)),
            ("identity;q=0", None),
            ("*;q=0", None),
            ("identity, *;q=0", Some(Identity)),
            ("identity;q=0, gzip;q=0.001", Some(Gzip)),
            ("identity;q=1, gzip;q=0.5", Some(Identity)),
            ("gzip;q=7", Some(Identity)),
            ("X-GZIP", Some(Gzip)),
        ] {
            assert_eq!(choose(accept, 5_000), chosen, "{accept}");
        }
        assert_eq!(choose("gzip, br", 100), Some(Identity));
        assert_eq!(choose("gzip, identity;q=0", 100), Some(Gzip));
    }

    #[test]
    fn parts_are_within_the_body_or_refused() {
        let part = |range: &str| Part::read(&headers(header::RANGE, range), &TAG, 10);
        for (range, wanted) in [
            ("bytes=0-3", Part::Bytes(0..4)),
            ("bytes=4-", Part::Bytes(4..10)),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-30", Part::Bytes(0..10)),
            ("bytes=9-99999999999999999999", Part::Bytes(9..10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=3-1", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=-", Part::Whole),
        ] {
            assert_eq!(part(range), wanted, "{range}");
        }
        let mut other = headers(header::RANGE, "bytes=0-3");
        other.insert(header::IF_RANGE, "\"b\"".parse().unwrap());
        assert_eq!(Part::read(&other, &TAG, 10), Part::Whole);
    }
}
