//! Servers that run already: where they are, and whose they are.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use schemas::OutletCode;
use schemas::registry::{OutletInfo, OutletType, Place};
use serde::Deserialize;

use super::flags::Addresses;
use crate::rehearse::plain_http;

const PATIENCE: Duration = Duration::from_secs(30);

/// Reads targets: `http://…` or `open=http://…` for readers, `nats://…`, `desk=http://…` and `admin=http://…`.
///
/// # Errors
/// When one is none of these, is not on loopback and not said to be for rehearsals, or the set makes no sense.
pub(super) fn addresses(targets: &[String], mine: bool) -> Result<Addresses> {
    let (mut nats, mut desks, mut admins, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for target in targets {
        let (kind, url) = match target.split_once('=') {
            Some((kind, url)) => (kind, url),
            None if target.starts_with("nats://") => ("nats", target.as_str()),
            None => ("open", target.as_str()),
        };
        let at = resolve(url)?;
        ensure!(
            mine || at.ip().is_loopback(),
            "{target} is not on this machine: a rehearsal is as heavy as an attack, and its reports overwrite stock; next step: give \
             --target-is-mine where these servers are yours and made for rehearsals"
        );
        match kind {
            "nats" => nats.push([at; 3]),
            "desk" => desks.push(at),
            "admin" => admins.push(at),
            "open" => open.push(at),
            _ => bail!("{kind:?} is no kind of target; write open=, nats=, desk= or admin="),
        }
    }
    ensure!(!open.is_empty(), "no target is an open API: readers need one");
    ensure!(nats.is_empty() == desks.is_empty(), "tills need both nats:// and desk=http://, or neither");
    // An operator's act needs an admin port; a scenario without one does not.
    let cores = desks.iter().enumerate().map(|(n, desk)| [*desk, admins.get(n).copied().unwrap_or(*desk)]);
    Ok(Addresses::given(nats, cores.collect(), open))
}

fn resolve(url: &str) -> Result<SocketAddr> {
    let host = url.split_once("://").map_or(url, |(_, host)| host).trim_end_matches('/');
    let mut all = host
        .to_socket_addrs()
        .with_context(|| format!("{url} is no address of the form http://host:port"))?;
    all.next().with_context(|| format!("{host} is nowhere"))
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    addr: String,
    #[serde(rename = "type")]
    kind: OutletType,
    lat: Option<f64>,
    lng: Option<f64>,
}

/// The registry that a server publishes.
///
/// # Errors
/// When it does not answer, or not as its contract says.
pub(super) fn registry(open: SocketAddr) -> Result<Vec<OutletInfo>> {
    let (status, body) =
        plain_http::get(open, "/v1/outlets.ndjson", PATIENCE).context("reading the target's outlets")?;
    ensure!(status == 200, "the target's outlets are answered with {status}");
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let Listed { id, name, addr, kind, lat, lng } = serde_json::from_slice(line)?;
            let place = lat.zip(lng).map(|(lat, lng)| Place { lat, lng });
            let code = OutletCode::new(&id)?;
            Ok(OutletInfo { code, name, addr, kind, place, region: None, hours: None, external_ids: None })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_strangers_refused() {
        let read = |targets: &[&str], mine| {
            addresses(&targets.iter().map(ToString::to_string).collect::<Vec<_>>(), mine)
        };
        let all = [
            "http://127.0.0.1:80",
            "nats://127.0.0.1:42",
            "desk=http://127.0.0.1:82",
            "admin=http://127.0.0.1:81",
        ];
        let found = read(&all, false).unwrap();
        assert_eq!((found.open.len(), found.nats.len(), found.cores[0][1].port()), (1, 1, 81));
        assert!(read(&["http://192.0.2.1:80"], false).unwrap_err().to_string().contains("--target-is-mine"));
        assert!(read(&["http://192.0.2.1:80"], true).is_ok());
        for wrong in [
            &["nats://127.0.0.1:42"][..],
            &["http://127.0.0.1:80", "nats://127.0.0.1:42"],
            &["door=127.0.0.1:80"],
        ] {
            assert!(read(wrong, false).is_err(), "{wrong:?}");
        }
    }
}
