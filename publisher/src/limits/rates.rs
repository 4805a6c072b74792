//! How often a reader may ask: by its address, or more often with a key. A bucket each (GCRA), of this process alone.
//!
//! `governor` was chosen because it is the kept library of this algorithm, lock-free per bucket.

use std::num::NonZeroU32;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{NotUntil, Quota, RateLimiter};
use rand::Rng;

use super::address::Network;
use super::keys::{BadKey, KeyId, Keys};
use super::{ReaderLimits, Refused, digits};
use crate::answer;

/// So many requests a second over time, and so many at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second.
    pub per_second: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// Seconds in which a whole burst comes back, rounded up.
    #[must_use]
    pub fn window_s(self) -> u32 {
        self.burst.get().div_ceil(self.per_second.get())
    }

    fn quota(self) -> Quota {
        Quota::per_second(self.per_second).allow_burst(self.burst)
    }

    fn larger(self, other: Self) -> Self {
        Self { per_second: self.per_second.max(other.per_second), burst: self.burst.max(other.burst) }
    }
}

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// The buckets of one kind of reader.
#[derive(Debug)]
struct Limiter<K: std::hash::Hash + Eq + Clone> {
    buckets: Buckets<K>,
    name: &'static str,
    rate: Rate,
    policy: HeaderValue,
}

#[derive(Debug)]
pub(super) struct Rates {
    plain: Limiter<Network>,
    keyed: Option<Keyed>,
}

/// A key alone raises nothing for a reader who collects keys: its address has the same rate once more.
#[derive(Debug)]
struct Keyed {
    keys: Keys,
    by_key: Limiter<KeyId>,
    by_address: Limiter<Network>,
}

/// A request was let in, and this is left.
pub(crate) struct Spent {
    name: &'static str,
    rate: Rate,
    remaining: u32,
    pub(super) policy: HeaderValue,
}

/// A request was not let in.
pub(super) enum Refusal {
    Rate { wait: Duration, spent: Spent },
    Key(BadKey, Spent),
}

impl<K: std::hash::Hash + Eq + Clone> Limiter<K> {
    fn new(name: &'static str, rate: Rate) -> Self {
        let policy = digits(&format!("\"{name}\";q={};w={}", rate.burst, rate.window_s()));
        let buckets = RateLimiter::dashmap(rate.quota()).with_middleware();
        Self { buckets, name, rate, policy }
    }

    fn take(&self, key: &K) -> Result<Spent, Refusal> {
        let spent =
            |remaining| Spent { name: self.name, rate: self.rate, remaining, policy: self.policy.clone() };
        match self.buckets.check_key(key) {
            Ok(state) => Ok(spent(state.remaining_burst_capacity())),
            Err(not_yet) => Err(Refusal::Rate { wait: self.wait(&not_yet), spent: spent(0) }),
        }
    }

    fn wait(&self, not_yet: &NotUntil<<DefaultClock as Clock>::Instant>) -> Duration {
        not_yet.wait_time_from(self.buckets.clock().now())
    }

    fn sweep(&self) {
        self.buckets.retain_recent();
        self.buckets.shrink_to_fit();
    }
}

impl Rates {
    pub(super) fn new(rate: Rate, rules: &ReaderLimits) -> Self {
        let keyed = rules.key_secret.clone().map(|secret| {
            let raised = rules.key_rate.map_or(rate, |raised| raised.larger(rate));
            let (by_key, by_address) = (Limiter::new("key", raised), Limiter::new("address", raised));
            Keyed { keys: Keys::new(secret), by_key, by_address }
        });
        Self { plain: Limiter::new("address", rate), keyed }
    }

    /// Takes one request from the bucket of the key, if there is a good one, else from that of the address: to guess keys is
    /// not free.
    pub(super) fn take(&self, address: Network, key: Option<&HeaderValue>) -> Result<Spent, Refusal> {
        match (key, &self.keyed) {
            (Some(text), Some(keyed)) => {
                let key = match keyed.keys.read(text.as_bytes()) {
                    Ok(key) => key,
                    Err(bad) => return Err(Refusal::Key(bad, self.plain.take(&address)?)),
                };
                keyed.by_address.take(&address)?;
                keyed.by_key.take(&key)
            }
            // Where there are no keys, one changes nothing.
            _ => self.plain.take(&address),
        }
    }

    /// Makes a key, unless this address had its share of them.
    pub(super) fn new_key(&self, address: Network) -> Option<Result<(String, Rate), Duration>> {
        let keyed = self.keyed.as_ref()?;
        Some(keyed.keys.make(address).map(|key| (key, keyed.by_key.rate)))
    }

    pub(super) fn raised(&self) -> Option<Rate> {
        self.keyed.as_ref().map(|keyed| keyed.by_key.rate)
    }

    pub(super) fn sweep(&self) {
        self.plain.sweep();
        if let Some(keyed) = &self.keyed {
            keyed.by_key.sweep();
            keyed.by_address.sweep();
            keyed.keys.sweep();
        }
    }
}

impl Spent {
    /// `r` requests are left at once; in `t` seconds all would be back.
    pub(super) fn left(&self) -> HeaderValue {
        let back = (self.rate.burst.get() - self.remaining).div_ceil(self.rate.per_second.get());
        digits(&format!("\"{}\";r={};t={back}", self.name, self.remaining))
    }
}

impl Refusal {
    pub(super) fn why(&self) -> Refused {
        match self {
            Self::Rate { .. } => Refused::Rate,
            Self::Key(..) => Refused::Key,
        }
    }

    pub(super) fn answer(self) -> Response {
        let (mut response, spent) = match self {
            Self::Rate { wait, spent } => (answer::too_many_requests(seconds(wait)), spent),
            Self::Key(bad, spent) => (answer::bad_key(bad.words()), spent),
        };
        spent.tell(response.headers_mut());
        response
    }
}

/// A wait in whole seconds, up to twice as long and two seconds more: those who were turned away together do not come
/// again together.
pub(super) fn seconds(wait: Duration) -> u64 {
    let least = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    least + rand::rng().random_range(0..=least + 2)
}
