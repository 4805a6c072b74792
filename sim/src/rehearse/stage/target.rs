//! Servers that run already: where they are, and whose they are.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use schemas::OutletCode;
use schemas::registry::{OutletInfo, OutletType, Place};
use serde::Deserialize;

use super::flags::Addresses;
use crate::rehearse::plain_http;
use crate::rehearse::scenario::{Act, Event, Scenario};

const PATIENCE: Duration = Duration::from_secs(30);

/// Reads targets: `http://…` or `open=http://…` for readers, `nats://…`, `desk=http://…` and `admin=http://…`.
///
/// # Errors
/// When one is none of these, is not on loopback and not said to be for rehearsals, or the set makes no sense.
pub(super) fn addresses(targets: &[String], mine: bool) -> Result<Addresses> {
    let (mut nats, mut desks, mut admins, mut open) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for target in targets {
        let (kind, url) = kind(target);
        let at = resolve(url)?;
        ensure!(
            mine || at.ip().is_loopback(),
            "{target} is not on this machine: a rehearsal is as heavy as an attack, and its reports overwrite stock; next step: give \
             --target-is-mine where these servers are yours and made for rehearsals"
        );
        ensure!(
            mine || kind == "open",
            "{target} is written to: first reports overwrite the stock of every outlet, and a migration the registry; next step: give \
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
    if desks.is_empty() {
        // Readers play alone: nobody comes to a desk, and an operator needs no more than an admin port.
        return Ok(Addresses::given(nats, admins.into_iter().map(|admin| [admin; 2]).collect(), open));
    }
    // An operator's act needs an admin port; a scenario without one does not.
    let cores = desks.iter().enumerate().map(|(n, desk)| [*desk, admins.get(n).copied().unwrap_or(*desk)]);
    Ok(Addresses::given(nats, cores.collect(), open))
}

/// What a target is, and where.
fn kind(target: &str) -> (&str, &str) {
    match target.split_once('=') {
        Some((kind, url)) => (kind, url),
        None if target.starts_with("nats://") => ("nats", target),
        None => ("open", target),
    }
}

/// Whether all that happens on purpose in a scenario can be done to these targets: their processes and disks are not ours.
///
/// # Errors
/// Names the first event that can not.
pub(crate) fn can_play(scenario: &Scenario, targets: &[String]) -> Result<()> {
    let is_there = |sort: &str| targets.iter().any(|target| kind(target).0 == sort);
    let operated = is_there("admin");
    ensure!(
        operated || scenario.caps.is_none() || !is_there("nats"),
        "the caps of this day are applied at an admin port, and no --target is one; next step: add --target admin=http://…"
    );
    for Event { at, act, to, .. } in &scenario.events {
        match act {
            Act::Drop => {}
            Act::Migrate => ensure!(
                operated,
                "the migration at {at} needs an admin port, and no --target is one; next step: add --target admin=http://…"
            ),
            Act::Kill | Act::Pause | Act::Fill | Act::Partition | Act::SlowFsync | Act::Dawn => bail!(
                "what happens to {to} at {at} can not be done to servers that run already; next step: play {} without --target, or \
                 a copy of it without that event",
                scenario.name
            ),
        }
    }
    Ok(())
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
            Ok(OutletInfo { place, ..OutletInfo::bare(OutletCode::new(&id)?, name, addr, kind) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::catalog;

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
        let found = read(&all, true).unwrap();
        assert_eq!((found.open.len(), found.nats.len(), found.cores[0][1].port()), (1, 1, 81));
        assert!(read(&["http://192.0.2.1:80"], false).unwrap_err().to_string().contains("--target-is-mine"));
        assert!(read(&["http://192.0.2.1:80"], true).is_ok());
        assert!(read(&all[..1], false).is_ok());
        for written in &all[1..] {
            let told = read(&[all[0], written], false).unwrap_err().to_string();
            assert!(told.contains("is written to"), "{told}");
        }
        for wrong in [
            &["nats://127.0.0.1:42"][..],
            &["http://127.0.0.1:80", "nats://127.0.0.1:42"],
            &["door=127.0.0.1:80"],
        ] {
            assert!(read(wrong, true).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_can_not_be_done_to_targets_is_told_before_the_day() {
        let can = |name: &str, targets: &[&str]| {
            let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
            can_play(&catalog::find(name).unwrap(), &targets).map_err(|error| error.to_string())
        };
        let (readers, admin) = ("http://127.0.0.1:80", "admin=http://127.0.0.1:81");
        for name in
            ["core-dies-at-nine", "reconnect-storm", "mask-week", "disk-full", "partition", "slow-fsync"]
        {
            let told = can(name, &[readers, admin]).unwrap_err();
            assert!(told.contains("without --target"), "{name}: {told}");
        }
        let told = can("onnuri-2025-03-01", &[readers]).unwrap_err();
        assert!(told.contains("--target admin="), "{told}");
        // Readers and a migration without tills.
        assert_eq!(can("onnuri-2025-03-01", &[readers, admin]), Ok(()));
        let found = addresses(&[readers, admin].map(str::to_owned), true).unwrap();
        assert_eq!((found.nats.len(), found.cores[0][1].port()), (0, 81));
        // Caps are of those who write: readers alone need none.
        assert_eq!(can("mask-2020-03-11", &[readers]), Ok(()));
        let written = ["nats://127.0.0.1:42", "desk=http://127.0.0.1:82"];
        let told = can("mask-2020-03-11", &[&[readers], &written[..]].concat()).unwrap_err();
        assert!(told.contains("caps of this day") && told.contains("--target admin="), "{told}");
        assert_eq!(can("mask-2020-03-11", &[&[readers, admin], &written[..]].concat()), Ok(()));
    }
}
