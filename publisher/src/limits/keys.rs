//! Keys that readers make for themselves, to ask more often: a day, a random number and a mark that only this
//! service's secret gives. No list of them is kept, so that every edge with the same secret knows them all.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rand::Rng;
use serde::Serialize;

use super::address::Network;
use super::rates::{Rate, seconds};
use super::{Limits, RATE_LIMIT, RATE_LIMIT_POLICY, Reader, digits};
use crate::answer;
use crate::rows::push_json;

/// A key is good for so many days.
pub const KEY_DAYS: u16 = 365;
/// One address gets so many keys in an hour.
const KEYS_PER_HOUR: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
/// What stands before the mark.
const PLAIN: usize = 16;

/// What keys are made with. Whoever has it can make keys without number.
#[derive(Clone)]
pub struct KeySecret([u8; 32]);

impl KeySecret {
    /// A secret of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mark(&self, plain: &[u8; PLAIN]) -> [u8; PLAIN] {
        let mark = blake3::keyed_hash(&self.0, plain);
        *mark.as_bytes().first_chunk().expect("a hash is longer than its half")
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

/// A key that was found good.
pub(super) type KeyId = [u8; PLAIN];

/// Why a key is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadKey {
    Unknown,
    Expired,
}

impl BadKey {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Unknown => {
                "The key in X-Api-Key was not made here. POST /v1/keys makes one; without a key the open limits hold."
            }
            Self::Expired => {
                "The key in X-Api-Key is past its time. POST /v1/keys makes a new one; without a key the open limits hold."
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct Keys {
    secret: KeySecret,
    makers: DefaultKeyedRateLimiter<Network>,
}

impl Keys {
    pub(super) fn new(secret: KeySecret) -> Self {
        Self { secret, makers: RateLimiter::dashmap(Quota::per_hour(KEYS_PER_HOUR)) }
    }

    /// Makes a key; or says how long this address has to wait for one.
    pub(super) fn make(&self, address: Network) -> Result<String, Duration> {
        let now = || DefaultClock::default().now();
        self.makers.check_key(&address).map_err(|not_yet| not_yet.wait_time_from(now()))?;
        Ok(self.key_of(today()))
    }

    fn key_of(&self, day: u16) -> String {
        let mut plain = [0; PLAIN];
        rand::rng().fill(&mut plain[2..]);
        plain[..2].copy_from_slice(&day.to_be_bytes());
        let mut key = [0; 2 * PLAIN];
        key[..PLAIN].copy_from_slice(&plain);
        key[PLAIN..].copy_from_slice(&self.secret.mark(&plain));
        blake3::Hash::from_bytes(key).to_hex().to_string()
    }

    pub(super) fn read(&self, text: &[u8]) -> Result<KeyId, BadKey> {
        let key = blake3::Hash::from_hex(text).map_err(|_| BadKey::Unknown)?;
        let plain: &KeyId = key.as_bytes().first_chunk().ok_or(BadKey::Unknown)?;
        let mut marked = [0; 2 * PLAIN];
        marked[..PLAIN].copy_from_slice(plain);
        marked[PLAIN..].copy_from_slice(&self.secret.mark(plain));
        // Compared in a time that does not tell how much of it is right.
        if key != blake3::Hash::from_bytes(marked) {
            return Err(BadKey::Unknown);
        }
        let made = u16::from_be_bytes([plain[0], plain[1]]);
        if today().saturating_sub(made) > KEY_DAYS { Err(BadKey::Expired) } else { Ok(*plain) }
    }

    pub(super) fn sweep(&self) {
        self.makers.retain_recent();
    }
}

/// Days since 1970, as far as 2149.
fn today() -> u16 {
    u16::try_from(crate::status::now_ms() / 86_400_000).unwrap_or(u16::MAX)
}

#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct NewKey {
    /// To be sent as `X-Api-Key`.
    key: String,
    /// Days for which it is good.
    days: u16,
    /// Requests a second with it.
    per_second: NonZeroU32,
    /// Requests at once with it.
    burst: NonZeroU32,
}

/// Answers `POST /v1/keys`.
pub(crate) fn answer(limits: &Limits, request: &Request) -> Response {
    let reader = request.extensions().get::<Reader>();
    let made = limits.rates.as_ref().zip(reader).and_then(|(rates, reader)| rates.new_key(reader.0));
    match made {
        None => answer::no_keys(),
        Some(Err(wait)) => no_more(wait),
        Some(Ok((key, Rate { per_second, burst }))) => {
            let mut body = Vec::new();
            push_json(&mut body, &NewKey { key, days: KEY_DAYS, per_second, burst });
            answer::created(body)
        }
    }
}

/// Says that it was not the rate of requests that is spent.
fn no_more(wait: Duration) -> Response {
    let (most, hour) = (u64::from(KEYS_PER_HOUR.get()), 3_600);
    let back = wait.as_secs() + 1 + (most - 1) * hour / most;
    let mut response = answer::too_many_keys(seconds(wait));
    let headers = response.headers_mut();
    headers.insert(RATE_LIMIT, digits(&format!("\"keys\";r=0;t={back}")));
    headers.insert(RATE_LIMIT_POLICY, digits(&format!("\"keys\";q={most};w={hour}")));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_wherever_the_secret_is_and_nowhere_else() {
        let here = Keys::new(KeySecret::new([7; 32]));
        let there = Keys::new(KeySecret::new([7; 32]));
        let elsewhere = Keys::new(KeySecret::new([8; 32]));
        let key = here.make(Network::of("203.0.113.9".parse().unwrap())).unwrap();
        assert_eq!(here.read(key.as_bytes()), there.read(key.as_bytes()));
        assert!(here.read(key.as_bytes()).is_ok());
        assert_eq!(elsewhere.read(key.as_bytes()), Err(BadKey::Unknown));
        for n in 0..key.len() {
            let mut forged = key.clone().into_bytes();
            forged[n] = if forged[n] == b'0' { b'1' } else { b'0' };
            assert_eq!(here.read(&forged), Err(BadKey::Unknown), "{n}");
        }
        assert_eq!(here.read(b"demo"), Err(BadKey::Unknown));
    }

    #[test]
    fn a_key_ends() {
        let keys = Keys::new(KeySecret::new([7; 32]));
        assert!(keys.read(keys.key_of(today() - KEY_DAYS).as_bytes()).is_ok());
        assert_eq!(keys.read(keys.key_of(today() - KEY_DAYS - 1).as_bytes()), Err(BadKey::Expired));
    }

    #[test]
    fn one_address_makes_a_few_keys_an_hour() {
        let keys = Keys::new(KeySecret::new([7; 32]));
        let [one, other] = ["203.0.113.9", "203.0.113.10"].map(|ip| Network::of(ip.parse().unwrap()));
        let made: Vec<String> = (0..5).map(|_| keys.make(one).unwrap()).collect();
        assert!(made.iter().all(|key| made.iter().filter(|k| *k == key).count() == 1));
        assert!(keys.make(one).unwrap_err() > Duration::from_secs(600));
        assert!(keys.make(other).is_ok());
    }
}
