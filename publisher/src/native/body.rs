//! A ready body: its bytes, the tag that names them, and its compressed forms, each made once when it is first asked for.

use std::io::Write;
use std::sync::{Arc, LazyLock, OnceLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::Bytes;
use schemas::snapshot::Snapshot;

use super::document::LICENCE_AT;
use super::negotiate::Coding;
use crate::memory_file::{Filed, MemoryFile};

/// Bodies below this many bytes are sent as they are: compressed they would fill the same packet.
pub(crate) const COMPRESS_FROM: usize = 860;

/// So many bytes are compressed within some milliseconds, by whichever coding.
const QUICK_BYTES: usize = 256 * 1024;

/// Bytes of a tag: half of a BLAKE3 hash.
const TAG: usize = 16;

/// What a tag is made of.
pub(crate) type Hash = [u8; TAG];

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
    filed: Filed,
    /// The tag of its bytes as they are, quotes included: 128 bits of BLAKE3 in hexadecimal digits. Of what is rendered for
    /// each version hardly all is ever asked for, so it is told when first needed.
    tag: OnceLock<HeaderValue>,
    effort: Effort,
    /// What its headers tell, as its own format can not.
    told: Option<Box<Told>>,
    gzip: OnceLock<Form>,
    brotli: OnceLock<Form>,
    zstd: OnceLock<Form>,
}

/// Version and time of a body, as headers.
struct Told {
    version: HeaderValue,
    last_updated: HeaderValue,
}

const VERSION: HeaderName = HeaderName::from_static("jaego-version");
const LAST_UPDATED: HeaderName = HeaderName::from_static("jaego-last-updated");
static LICENCE: LazyLock<HeaderValue> = LazyLock::new(|| {
    let link = format!("<{LICENCE_AT}>; rel=\"license\"");
    HeaderValue::try_from(link).expect("an address is a header")
});

/// A body in a coding that compresses, and its strong tag.
struct Form {
    bytes: Bytes,
    filed: Filed,
    etag: HeaderValue,
}

impl Body {
    /// Names these bytes.
    pub(crate) fn new(media: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            media,
            identity: bytes.into(),
            filed: Filed::default(),
            tag: OnceLock::new(),
            effort: Effort::Shared,
            told: None,
            gzip: OnceLock::new(),
            brotli: OnceLock::new(),
            zstd: OnceLock::new(),
        }
    }

    /// Bytes made for one question, with a hash that is the same where, and only where, they are: that of what they follow from,
    /// or one put together from what they were joined of, costs less than hashing them. They are compressed with less effort.
    pub(crate) fn once(media: &'static str, bytes: impl Into<Bytes>, hash: Hash) -> Self {
        Self { tag: OnceLock::from(quoted(&hash)), effort: Effort::Once, ..Self::new(media, bytes) }
    }

    /// The same with version, time and terms in its headers: for formats that have no place for them. The time is no
    /// `Last-Modified`, which has whole seconds: two versions may lie within one.
    pub(crate) fn told(self, snapshot: &Snapshot) -> Self {
        let last_updated = HeaderValue::try_from(crate::status::last_updated(snapshot));
        let told = Told {
            version: snapshot.version.into(),
            last_updated: last_updated.expect("digits and signs are a header"),
        };
        Self { told: Some(Box::new(told)), ..self }
    }

    /// Puts into an answer what the body itself can not tell.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(told) = &self.told {
            // With all that is to come, so that it is done once.
            headers.reserve(16);
            headers.insert(VERSION, told.version.clone());
            headers.insert(LAST_UPDATED, told.last_updated.clone());
            headers.insert(header::LINK, LICENCE.clone());
        }
    }

    /// The bytes themselves.
    pub(crate) fn identity(&self) -> &Bytes {
        &self.identity
    }

    /// Its bytes in a coding and their strong tag, quotes included. Level and window are fixed, so that every server makes
    /// the same ones.
    pub(crate) fn form(&self, coding: Coding) -> (&Bytes, &HeaderValue) {
        let make = |compress: fn(&[u8], Effort) -> Bytes| {
            move || Form {
                bytes: compress(&self.identity, self.effort),
                filed: Filed::default(),
                etag: coded(self.digits(), coding),
            }
        };
        let form = match coding {
            Coding::Identity => return (&self.identity, self.tag()),
            Coding::Gzip => self.gzip.get_or_init(make(gzip)),
            Coding::Brotli => self.brotli.get_or_init(make(brotli)),
            Coding::Zstd => self.zstd.get_or_init(make(zstd)),
        };
        (&form.bytes, &form.etag)
    }

    /// The file of its bytes in a coding, if they have come to have one. Counts that they are asked for.
    pub(crate) fn file(&self, coding: Coding) -> Option<&Arc<MemoryFile>> {
        match coding {
            Coding::Identity => self.filed.file(&self.identity),
            _ => self.made(coding).and_then(|form| form.filed.file(&form.bytes)),
        }
    }

    /// Whether it is there in a coding, or costs so little to make that a reader may be kept waiting for it.
    pub(crate) fn is_quick(&self, coding: Coding) -> bool {
        coding == Coding::Identity || self.made(coding).is_some() || self.identity.len() < QUICK_BYTES
    }

    /// The strong tag of its bytes in a coding, whether they have been made or not.
    pub(crate) fn etag(&self, coding: Coding) -> HeaderValue {
        match (coding, self.made(coding)) {
            (Coding::Identity, _) => self.tag().clone(),
            (_, Some(form)) => form.etag.clone(),
            (_, None) => coded(self.digits(), coding),
        }
    }

    /// Whether this strong tag, quotes included, is its own in whatever coding.
    pub(crate) fn is_named(&self, tag: &str) -> bool {
        let name = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        let rest = name.and_then(|name| name.strip_prefix(self.digits()));
        rest.is_some_and(|rest| matches!(rest, "" | "-gzip" | "-br" | "-zstd"))
    }

    fn made(&self, coding: Coding) -> Option<&Form> {
        match coding {
            Coding::Identity => None,
            Coding::Gzip => self.gzip.get(),
            Coding::Brotli => self.brotli.get(),
            Coding::Zstd => self.zstd.get(),
        }
    }

    fn tag(&self) -> &HeaderValue {
        self.tag.get_or_init(|| quoted(&half(&blake3::hash(&self.identity))))
    }

    fn digits(&self) -> &str {
        let tag = self.tag().to_str().expect("digits are ASCII");
        tag.trim_matches('"')
    }
}

/// Half of a hash, which is all that a tag has.
pub(crate) fn half(hash: &blake3::Hash) -> Hash {
    *hash.as_bytes().first_chunk().expect("a hash is longer than its half")
}

fn quoted(hash: &Hash) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut tag = [b'"'; 2 * TAG + 2];
    for (pair, byte) in tag[1..].chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    HeaderValue::from_bytes(&tag).expect("digits are a header")
}

fn coded(digits: &str, coding: Coding) -> HeaderValue {
    let tag = ["\"", digits, "-", coding.name(), "\""].concat();
    HeaderValue::try_from(tag).expect("digits and letters are a header")
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
