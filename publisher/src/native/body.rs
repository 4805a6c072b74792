//! A ready body: its bytes, the tag that names them, and its compressed forms, each made once when it is first asked for.

use std::io::Write;
use std::sync::OnceLock;

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
    identity: Bytes,
    /// 128 bits of BLAKE3, in hexadecimal digits.
    tag: String,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
    zstd: OnceLock<Bytes>,
}

impl Body {
    /// Names these bytes.
    pub(crate) fn new(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        let identity = bytes.into();
        let mut tag = blake3::hash(&identity).to_hex().to_string();
        tag.truncate(32);
        Self { media, identity, tag, gzip: OnceLock::new(), brotli: OnceLock::new(), zstd: OnceLock::new() }
    }

    /// The bytes themselves.
    pub(crate) fn identity(&self) -> &Bytes {
        &self.identity
    }

    /// Its bytes in a coding. Level and window are fixed, so that every server makes the same ones.
    pub(crate) fn bytes(&self, coding: Coding) -> &Bytes {
        match coding {
            Coding::Identity => &self.identity,
            Coding::Gzip => self.gzip.get_or_init(|| gzip(&self.identity)),
            Coding::Brotli => self.brotli.get_or_init(|| brotli(&self.identity)),
            Coding::Zstd => self.zstd.get_or_init(|| zstd(&self.identity)),
        }
    }

    /// Whether its bytes in a coding are there, or cost so little to make that a reader may be kept waiting for them.
    pub(crate) fn is_quick(&self, coding: Coding) -> bool {
        let made = match coding {
            Coding::Identity => return true,
            Coding::Gzip => &self.gzip,
            Coding::Brotli => &self.brotli,
            Coding::Zstd => &self.zstd,
        };
        made.get().is_some() || self.identity.len() < QUICK_BYTES
    }

    /// The strong tag of its bytes in a coding, quotes included.
    pub(crate) fn etag(&self, coding: Coding) -> String {
        match coding {
            Coding::Identity => format!("\"{}\"", self.tag),
            other => format!("\"{}-{}\"", self.tag, other.name()),
        }
    }

    /// Whether this strong tag, quotes included, is its own in whatever coding.
    pub(crate) fn is_named(&self, tag: &str) -> bool {
        let name = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let rest = name.and_then(|name| name.strip_prefix(self.tag.as_str()));
        rest.is_some_and(|rest| matches!(rest, "" | "-gzip" | "-br" | "-zstd"))
    }
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
