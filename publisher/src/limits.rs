//! `/v1/limits.json`: what a reader may ask for, and how often.

use std::sync::LazyLock;

use serde::Serialize;

use crate::native::{MAX_LIMIT, MAX_READERS, NativeBody};
use crate::query::{MAX_METRES, MAX_PER_PAGE};
use crate::{KEPT, LISTED_FOR_MS};

#[derive(Serialize)]
struct Limits {
    nearby: Nearby,
    pages_of_2020: Pages,
    streams: usize,
    changes_versions: usize,
    kept_versions: usize,
    manifest_every_s: i64,
}

#[derive(Serialize)]
struct Nearby {
    max_radius_m: f64,
    max_limit: usize,
}

#[derive(Serialize)]
struct Pages {
    max_per_page: usize,
}

/// The document; it never changes while a process runs.
pub(crate) fn body() -> &'static NativeBody {
    static BODY: LazyLock<NativeBody> = LazyLock::new(|| {
        let limits = Limits {
            nearby: Nearby { max_radius_m: MAX_METRES, max_limit: MAX_LIMIT },
            pages_of_2020: Pages { max_per_page: MAX_PER_PAGE },
            streams: MAX_READERS,
            changes_versions: crate::native::KEPT_CHANGES,
            kept_versions: KEPT,
            manifest_every_s: LISTED_FOR_MS / 1_000,
        };
        NativeBody::new("application/json", serde_json::to_vec(&limits).expect("numbers always serialise"))
    });
    &BODY
}
