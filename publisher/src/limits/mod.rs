//! What one reader may take of a port: connections, time, requests. Who takes more gets a typed answer that costs
//! little, and nobody else waits for it.

mod address;
mod connections;
pub(crate) mod document;
mod keys;
mod rates;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::http::header::{self, Entry};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
pub use ipnet::IpNet;

use self::address::Network;
use self::connections::Connections;
pub(crate) use self::connections::{Asked, Place};
pub(crate) use self::keys::NewKey;
pub(crate) use self::keys::answer as new_key;
pub use self::keys::{KEY_DAYS, KeySecret};
pub use self::rates::Rate;
use self::rates::Rates;
pub(crate) use self::rates::Spent;
use crate::answer::EXPOSED;

/// Where a reader puts its key.
pub const KEY_HEADER: &str = "x-api-key";
/// How many requests are left, as draft-ietf-httpapi-ratelimit-headers-10 has it.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// The rate in force, likewise.
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What one reader may take. Without a number there is no limit.
#[derive(Debug, Clone)]
pub struct ReaderLimits {
    /// Longest wait for the whole head of the next request, on a connection that is open.
    pub idle: Duration,
    /// Longest time in which a reader takes nothing of an answer that is on its way.
    pub stall: Duration,
    /// Connections at once.
    pub connections: Option<usize>,
    /// Connections at once of one address.
    pub connections_per_address: Option<usize>,
    /// Requests of one address; an IPv6 network of 64 bits counts as one.
    pub rate: Option<Rate>,
    /// Requests of one key, and of one address with whatever keys. Never less than without a key.
    pub key_rate: Option<Rate>,
    /// What keys are made with; without it there are none.
    pub key_secret: Option<KeySecret>,
    /// Proxies whose word is taken for the address of a reader (`X-Forwarded-For`).
    pub proxies: Vec<IpNet>,
}

impl ReaderLimits {
    /// Limits of time alone: for a port that is kept private, and for tests.
    #[must_use]
    pub fn of_time() -> Self {
        Self {
            idle: Duration::from_secs(65),
            stall: Duration::from_secs(30),
            connections: None,
            connections_per_address: None,
            rate: None,
            key_rate: None,
            key_secret: None,
            proxies: Vec::new(),
        }
    }
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self::of_time()
    }
}

/// The limits of one port, and who has taken how much.
#[derive(Debug)]
pub struct Limits {
    rules: ReaderLimits,
    connections: Connections,
    rates: Option<Rates>,
    refused: [AtomicU64; Refused::ALL.len()],
}

/// Why a reader was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// As many connections are open as this process serves, or as one address may hold.
    Connections,
    /// Too many requests.
    Rate,
    /// A key that is none, or is past its time.
    Key,
}

impl Refused {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Connections, Self::Rate, Self::Key];

    /// The reason by name, as the metric has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Connections => "too_many_connections",
            Self::Rate => "too_many_requests",
            Self::Key => "unknown_key",
        }
    }
}

/// Whose request it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader(pub(crate) Network);

impl Limits {
    /// Nobody has taken anything yet.
    #[must_use]
    pub fn new(rules: ReaderLimits) -> Arc<Self> {
        let connections = Connections::new(rules.connections, rules.connections_per_address);
        let rates = rules.rate.map(|rate| Rates::new(rate, &rules));
        Arc::new(Self { rules, connections, rates, refused: Default::default() })
    }

    /// The limits themselves.
    #[must_use]
    pub fn rules(&self) -> &ReaderLimits {
        &self.rules
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.open()
    }

    /// How many were turned away, by reason: connections and requests.
    pub fn refused(&self) -> impl Iterator<Item = (Refused, u64)> {
        Refused::ALL.into_iter().map(|why| (why, self.refused[why as usize].load(Relaxed)))
    }

    /// A place for a connection from this address.
    pub(crate) fn connect(self: &Arc<Self>, peer: IpAddr) -> Asked {
        // All readers behind a proxy of ours have its address: the proxy counts them.
        let counted = (!self.is_proxy(peer)).then(|| Network::of(peer));
        let asked = Place::ask(self, counted);
        if !matches!(asked, Asked::Given(_)) {
            self.count(Refused::Connections);
        }
        asked
    }

    /// Lets a request in, with what its answer says of the rate; or answers it.
    pub(crate) fn enter(&self, reader: Reader, headers: &HeaderMap) -> Result<Option<Spent>, Box<Response>> {
        let Some(rates) = &self.rates else { return Ok(None) };
        rates.take(reader.0, headers.get(KEY_HEADER)).map(Some).map_err(|refusal| {
            self.count(refusal.why());
            Box::new(refusal.answer())
        })
    }

    /// Who sent a request that came from this peer.
    pub(crate) fn reader(&self, peer: IpAddr, headers: &HeaderMap) -> Reader {
        let told =
            if self.is_proxy(peer) { address::forwarded(headers, |ip| self.is_proxy(ip)) } else { None };
        Reader(Network::of(told.unwrap_or(peer)))
    }

    /// Forgets the addresses that have taken nothing of late.
    pub(crate) fn sweep(&self) {
        if let Some(rates) = &self.rates {
            rates.sweep();
        }
    }

    /// On a port of both families the addresses of the older come in the form of the newer.
    fn is_proxy(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.rules.proxies.iter().any(|net| net.contains(&ip))
    }

    fn count(&self, why: Refused) {
        self.refused[why as usize].fetch_add(1, Relaxed);
    }
}

impl Spent {
    /// Says in an answer what is left, unless it was refused by another policy and says so.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        if let Entry::Vacant(place) = headers.entry(RATE_LIMIT) {
            place.insert(self.left());
            headers.insert(RATE_LIMIT_POLICY, self.policy);
        }
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

fn digits(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("names and digits are a header")
}
