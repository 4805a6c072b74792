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

/// Bytes of a tag: half of a BLAKE3 hash.
const TAG: usize = 16;

/// How much work a smaller body is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Many readers will have it.
    Shared,
    /// It was made for one question, and may never be asked for again.
    Once,
}

/// A body. The same bytes have the same tag on every server and after every restart.
pub(crate) struct Body {
    /// What it is.
    pub(crate) media: &'static str,
    identity: Bytes,
    /// The tag of its bytes as they are, quotes included: 128 bits of BLAKE3 in hexadecimal digits. Of what is rendered for
    /// each version hardly all is ever asked for, so it is told when first needed.
    tag: OnceLock<HeaderValue>,
    effort: Effort,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
    zstd: OnceLock<Bytes>,
}

impl Body {
    /// Names these bytes.
    pub(crate) fn new(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            media,
            identity: bytes.into(),
            tag: OnceLock::new(),
            effort: Effort::Shared,
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
            zstd: OnceLock::new(),
        }
    }

    /// Bytes made for one question, with a hash that is the same where, and only where, they are: putting together the hashes of
    /// what they were joined of costs less than hashing them. They are compressed with less effort.
    pub(crate) fn once(media: &'static str, bytes: impl Into<Bytes>, hash: u128) -> Self {
        Self {
            tag: OnceLock::from(quoted(&hash.to_le_bytes())),
            effort: Effort::Once,
            ..Self::new(media, bytes)
        }
    }

    /// The bytes themselves.
    pub(crate) fn identity(&self) -> &Bytes {
        &self.identity
    }

    /// Its bytes in a coding. Level and window are fixed, so that every server makes the same ones.
    pub(crate) fn bytes(&self, coding: Coding) -> &Bytes {
        match coding {
            Coding::Identity => &self.identity,
            Coding::Gzip => self.gzip.get_or_init(|| gzip(&self.identity, self.effort)),
            Coding::Brotli => self.brotli.get_or_init(|| brotli(&self.identity, self.effort)),
            Coding::Zstd => self.zstd.get_or_init(|| zstd(&self.identity, self.effort)),
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
    pub(crate) fn etag(&self, coding: Coding) -> HeaderValue {
        match coding {
            Coding::Identity => self.tag().clone(),
            other => {
                let tag = format!("\"{}-{}\"", self.digits(), other.name());
                HeaderValue::try_from(tag).expect("digits and letters are a header")
            }
        }
    }

    /// Whether this strong tag, quotes included, is its own in whatever coding.
    pub(crate) fn is_named(&self, tag: &str) -> bool {
        let name = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let rest = name.and_then(|name| name.strip_prefix(self.digits()));
        rest.is_some_and(|rest| matches!(rest, "" | "-gzip" | "-br" | "-zstd"))
    }

    fn tag(&self) -> &HeaderValue {
        self.tag.get_or_init(|| {
            let hash = blake3::hash(&self.identity);
            quoted(hash.as_bytes().first_chunk().expect("a hash is longer than its half"))
        })
    }

    fn digits(&self) -> &str {
        let tag = self.tag().to_str().expect("digits are ASCII");
        tag.trim_matches('"')
    }
}

fn quoted(hash: &[u8; TAG]) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut tag = [b'"'; 2 * TAG + 2];
    for (pair, byte) in tag[1..].chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    HeaderValue::from_bytes(&tag).expect("digits are a header")
}

fn gzip(bytes: &[u8], effort: Effort) -> Bytes {
    let level = flate2::Compression::new(if effort == Effort::Once { 1 } else { 5 });
    let mut out = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
    out.write_all(bytes).and_then(|()| out.finish()).expect("memory takes all bytes").into()
}

fn brotli(bytes: &[u8], effort: Effort) -> Bytes {
    let quality = if effort == Effort::Once { 1 } else { 4 };
    let params = brotli::enc::BrotliEncoderParams { quality, lgwin: 20, ..Default::default() };
    let mut out = Vec::with_capacity(bytes.len() / 4);
    let mut input = bytes;
    brotli::BrotliCompress(&mut input, &mut out, &params).expect("memory takes all bytes");
    out.into()
}

fn zstd(bytes: &[u8], effort: Effort) -> Bytes {
    let level = if effort == Effort::Once { 1 } else { 3 };
    zstd::bulk::compress(bytes, level).expect("memory takes all bytes").into()
}
