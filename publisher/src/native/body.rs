//! A ready body: its bytes, the tag that names them, and its compressed forms, each made once when it is first asked for.

use std::io::Write;
use std::sync::OnceLock;

use axum::http::HeaderValue;
use bytes::Bytes;

use super::negotiate::Coding;

/// Bodies below this many bytes are sent as they are: compressed they would fill the same packet.
pub(crate) const COMPRESS_FROM: usize = 860;

/// So many bytes are compressed within some milliseconds, by whichever coding.
const QUICK_BYTES: usize = 256 * 1024;

/// A body. The same bytes have the same tag on every server and after every restart.
pub(crate) struct Body {
    /// What it is.
    pub(crate) media: &'static str,
    identity: Form,
    gzip: OnceLock<Form>,
    brotli: OnceLock<Form>,
    zstd: OnceLock<Form>,
}

/// A body in one coding.
pub(crate) struct Form {
    /// What is sent.
    pub(crate) bytes: Bytes,
    /// Its strong tag, quotes included: 128 bits of BLAKE3 of the body as it is, or of what it follows from, in
    /// hexadecimal digits; and the coding.
    pub(crate) etag: HeaderValue,
}

/// Hexadecimal digits of a tag.
const DIGITS: usize = 32;

impl Body {
    /// Names these bytes.
    pub(crate) fn new(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let hash = blake3::hash(&bytes);
        Self::named(media, bytes, hash)
    }

    /// A body whose bytes follow from what was hashed, and could not be others.
    pub(crate) fn named(media: &'static str, bytes: impl Into<Bytes>, hash: blake3::Hash) -> Self {
        let bytes = bytes.into();
        let etag = etag(&hash.to_hex()[..DIGITS], Coding::Identity);
        let identity = Form { bytes, etag };
        Self { media, identity, gzip: OnceLock::new(), brotli: OnceLock::new(), zstd: OnceLock::new() }
    }

    /// The bytes themselves.
    pub(crate) fn identity(&self) -> &Bytes {
        &self.identity.bytes
    }

    /// The body in a coding. Level and window are fixed, so that every server makes the same ones.
    pub(crate) fn form(&self, coding: Coding) -> &Form {
        let make = |compress: fn(&[u8]) -> Bytes| {
            move || Form { bytes: compress(self.identity()), etag: etag(self.digits(), coding) }
        };
        match coding {
            Coding::Identity => &self.identity,
            Coding::Gzip => self.gzip.get_or_init(make(gzip)),
            Coding::Brotli => self.brotli.get_or_init(make(brotli)),
            Coding::Zstd => self.zstd.get_or_init(make(zstd)),
        }
    }

    /// The same, where it has been made.
    pub(crate) fn made(&self, coding: Coding) -> Option<&Form> {
        match coding {
            Coding::Identity => Some(&self.identity),
            Coding::Gzip => self.gzip.get(),
            Coding::Brotli => self.brotli.get(),
            Coding::Zstd => self.zstd.get(),
        }
    }

    /// Whether it is there in a coding, or costs so little to make that a reader may be kept waiting for it.
    pub(crate) fn is_quick(&self, coding: Coding) -> bool {
        self.made(coding).is_some() || self.identity().len() < QUICK_BYTES
    }

    /// The strong tag of its bytes in a coding, whether they have been made or not.
    pub(crate) fn etag(&self, coding: Coding) -> HeaderValue {
        self.made(coding).map_or_else(|| etag(self.digits(), coding), |form| form.etag.clone())
    }

    fn digits(&self) -> &str {
        let etag = self.identity.etag.to_str().expect("digits are text");
        &etag[1..=DIGITS]
    }

    /// Whether this strong tag, quotes included, is its own in whatever coding.
    pub(crate) fn is_named(&self, tag: &str) -> bool {
        let name = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let rest = name.and_then(|name| name.strip_prefix(self.digits()));
        rest.is_some_and(|rest| matches!(rest, "" | "-gzip" | "-br" | "-zstd"))
    }
}

fn etag(digits: &str, coding: Coding) -> HeaderValue {
    let mut text = Vec::with_capacity(DIGITS + 8);
    text.push(b'"');
    text.extend_from_slice(digits.as_bytes());
    if coding != Coding::Identity {
        text.push(b'-');
        text.extend_from_slice(coding.name().as_bytes());
    }
    text.push(b'"');
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("digits and letters are a header")
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut out =
        flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), flate2::Compression::new(5));
    out.write_all(bytes).and_then(|()| out.finish()).expect("memory takes all bytes").into()
}

fn brotli(bytes: &[u8]) -> Bytes {
    let params = brotli::enc::BrotliEncoderParams { quality: 4, lgwin: 20, ..Default::default() };
    let mut out = Vec::with_capacity(bytes.len() / 4);
    let mut input = bytes;
    brotli::BrotliCompress(&mut input, &mut out, &params).expect("memory takes all bytes");
    out.into()
}

fn zstd(bytes: &[u8]) -> Bytes {
    zstd::bulk::compress(bytes, 3).expect("memory takes all bytes").into()
}
