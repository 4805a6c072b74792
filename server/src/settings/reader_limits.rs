//! What one reader of the open API may take, and one caller of the desk or the operator's port, among the settings.

use std::num::NonZeroU32;
use std::path::Path;

use ingest::identity::PersonSecret;
use publisher::{IpNet, KeySecret, Rate, ReaderLimits};

use super::{Layers, values};

/// After a pause a reader has as much at once as in so many seconds.
const BURST_S: u32 = 10;
/// Keys of readers are made with a secret that nothing else uses, whatever file it comes from.
const PURPOSE: &str = "jaego 2026-11-25 keys of readers of the open API";

pub(super) fn read(layers: &mut Layers) -> Option<ReaderLimits> {
    let idle = layers.value("open-idle", values::duration);
    let stall = layers.value("open-stall", values::duration);
    let connections = layers.value("open-connections", count);
    let per_address = layers.value("open-connections-per-address", count);
    let rate = layers.value("open-rate", rate);
    let key_rate = layers.value("open-key-rate", self::rate);
    let key_secret = layers.value("open-key", key_secret);
    let proxies = layers.value("open-proxies", proxies);
    Some(ReaderLimits {
        idle: idle?,
        stall: stall?,
        connections: connections?,
        connections_per_address: per_address?,
        rate: rate?,
        key_rate: key_rate?,
        key_secret: key_secret?,
        proxies: proxies?,
    })
}

/// Of the desk, whose callers are known and have caps instead of rates.
pub(super) fn desk(layers: &mut Layers) -> Option<ReaderLimits> {
    of_connections(layers, ["desk-idle", "desk-stall", "desk-connections"])
}

/// Of the operator's port.
pub(super) fn admin(layers: &mut Layers) -> Option<ReaderLimits> {
    of_connections(layers, ["admin-idle", "admin-stall", "admin-connections"])
}

fn of_connections(
    layers: &mut Layers,
    [idle, stall, connections]: [&'static str; 3],
) -> Option<ReaderLimits> {
    let (idle, stall) = (layers.value(idle, values::duration), layers.value(stall, values::duration));
    let connections = layers.value(connections, count);
    Some(ReaderLimits { idle: idle?, stall: stall?, connections: connections?, ..ReaderLimits::of_time() })
}

fn count(text: &str) -> Result<Option<usize>, String> {
    let count = text.parse().map_err(|_| "expected a number of connections, 0 for no limit".to_owned());
    count.map(|count: usize| (count > 0).then_some(count))
}

fn rate(text: &str) -> Result<Option<Rate>, String> {
    let count: u32 = text
        .parse()
        .ok()
        .filter(|count| *count <= 1_000_000)
        .ok_or("expected requests a second, at most 1000000; 0 for no limit")?;
    let rate = |per_second: NonZeroU32| Rate { per_second, burst: per_second.saturating_mul(TEN) };
    Ok(NonZeroU32::new(count).map(rate))
}

const TEN: NonZeroU32 = NonZeroU32::new(BURST_S).expect("ten is not zero");

fn key_secret(file: &str) -> Result<Option<KeySecret>, String> {
    if file.is_empty() {
        return Ok(None);
    }
    let secret = PersonSecret::read_file(Path::new(file)).map_err(|why| why.to_string())?;
    Ok(Some(KeySecret::new(secret.derive(PURPOSE))))
}

fn proxies(text: &str) -> Result<Vec<IpNet>, String> {
    let one = |text: &str| {
        let net = text.parse::<IpNet>().or_else(|_| text.parse().map(|ip: std::net::IpAddr| ip.into()));
        net.map_err(|_| format!("{text:?} is no address and no network, such as 10.0.0.0/8"))
    };
    values::list(text).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{KEY, read_all};
    use super::*;

    fn limits(flags: &[&str]) -> Result<ReaderLimits, String> {
        let environment = [("JAEGO_PERSON_KEY_HEX", KEY)];
        let told =
            |mistakes: Vec<_>| mistakes.iter().map(ToString::to_string).collect::<Vec<String>>().join("\n");
        read_all(flags, &environment).map(|settings| settings.reader_limits).map_err(told)
    }

    #[test]
    fn readers_are_limited_unless_zero_is_said() {
        let given = limits(&[]).unwrap();
        assert_eq!(given.rate.map(|rate| (rate.per_second.get(), rate.burst.get())), Some((100, 1_000)));
        assert!(given.connections.is_some() && given.connections_per_address.is_some());
        assert!(given.key_secret.is_none());
        let none = ["--open-rate", "0", "--open-connections", "0", "--open-connections-per-address", "0"];
        let none = limits(&none).unwrap();
        assert!(none.rate.is_none() && none.connections.is_none() && none.connections_per_address.is_none());
    }

    #[test]
    fn proxies_are_addresses_and_networks() {
        let proxies = limits(&["--open-proxies", "192.0.2.7, 10.0.0.0/8,2001:db8::/32"]).unwrap().proxies;
        assert_eq!(proxies.len(), 3);
        assert!(proxies[0].contains(&"192.0.2.7".parse::<std::net::IpAddr>().unwrap()));
        let told = limits(&["--open-proxies", "cdn.example", "--open-rate", "many"]).unwrap_err();
        assert!(told.contains("cdn.example") && told.contains("requests a second"), "{told}");
    }

    #[test]
    fn the_secret_of_readers_keys_is_no_key_of_persons() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        let secret = PersonSecret::generate().unwrap();
        secret.write_file(&file).unwrap();
        assert!(limits(&["--open-key", file.to_str().unwrap()]).unwrap().key_secret.is_some());
        assert_ne!(secret.derive("a"), secret.derive("b"));
        let told = limits(&["--open-key", "/nowhere/key"]).unwrap_err();
        assert!(told.contains("/nowhere/key"), "{told}");
    }
}
