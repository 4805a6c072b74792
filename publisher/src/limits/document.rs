//! `/v1/limits.json`: what a reader may ask for, and how often.

use serde::Serialize;

use super::keys::KEY_DAYS;
use super::rates::Rate;
use super::{KEY_HEADER, Limits};
use crate::native::{KEPT_CHANGES, MAX_LIMIT, MAX_READERS, NativeBody};
use crate::query::{MAX_METRES, MAX_PER_PAGE};
use crate::{KEPT, LISTED_FOR_MS};

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Limits")]
pub(crate) struct Document {
    requests: Requests,
    connections: Connections,
    nearby: Nearby,
    pages_of_2020: Pages,
    /// Streams at once, of all readers together.
    streams: usize,
    /// So many versions back `/v1/changes` reaches.
    changes_versions: usize,
    /// So many versions are kept at `/v1/versions/`.
    kept_versions: usize,
    /// Seconds between two lists of all files.
    manifest_every_s: i64,
}

/// How often one reader may ask; `null`: as often as it likes.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "LimitsOfRequests")]
struct Requests {
    /// Of one address; an IPv6 network of 64 bits is one.
    by_address: Option<PerSecond>,
    /// With a key; `null`: none are given out here.
    by_key: Option<PerSecond>,
    /// Where a key comes from, and in which header it is sent.
    keys: Option<KeyPlace>,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "LimitsOfRate")]
struct PerSecond {
    /// Requests a second over time.
    per_second: u32,
    /// Requests at once after a pause.
    burst: u32,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "LimitsOfKeys")]
struct KeyPlace {
    /// `POST` here makes a key.
    url: &'static str,
    /// The header of a request that has a key.
    header: &'static str,
    /// Days for which a key is good.
    days: u16,
}

/// Connections to one server; `null`: without limit.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "LimitsOfConnections")]
struct Connections {
    /// At once, of all readers.
    at_once: Option<usize>,
    /// At once, of one address.
    by_address: Option<usize>,
    /// Seconds until a connection without a whole request head is closed.
    idle_s: u64,
    /// Seconds until a reader that takes nothing of its answer is cut.
    stall_s: u64,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "LimitsOfNearby")]
struct Nearby {
    /// Metres.
    max_radius_m: f64,
    /// Rows.
    max_limit: usize,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "LimitsOfPages")]
struct Pages {
    /// Rows of one page.
    max_per_page: usize,
}

impl From<Rate> for PerSecond {
    fn from(rate: Rate) -> Self {
        Self { per_second: rate.per_second.get(), burst: rate.burst.get() }
    }
}

/// The document; it never changes while a process runs.
pub(crate) fn body(limits: &Limits) -> NativeBody {
    let (rules, raised) = (limits.rules(), limits.rates.as_ref().and_then(super::Rates::raised));
    let document = Document {
        requests: Requests {
            by_address: rules.rate.map(Into::into),
            by_key: raised.map(Into::into),
            keys: raised.map(|_| KeyPlace { url: "/v1/keys", header: KEY_HEADER, days: KEY_DAYS }),
        },
        connections: Connections {
            at_once: rules.connections,
            by_address: rules.connections_per_address,
            idle_s: rules.idle.as_secs(),
            stall_s: rules.stall.as_secs(),
        },
        nearby: Nearby { max_radius_m: MAX_METRES, max_limit: MAX_LIMIT },
        pages_of_2020: Pages { max_per_page: MAX_PER_PAGE },
        streams: MAX_READERS,
        changes_versions: KEPT_CHANGES,
        kept_versions: KEPT,
        manifest_every_s: LISTED_FOR_MS / 1_000,
    };
    NativeBody::new("application/json", serde_json::to_vec(&document).expect("numbers always serialise"))
}
