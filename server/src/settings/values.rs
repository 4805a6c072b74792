//! How the text of each setting is read; what does not fit is told with what would.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Uri;
use schemas::policy::Schedule;

use super::Role;
use crate::policy_file;

pub(super) fn role(text: &str) -> Result<Role, String> {
    match text {
        "all" | "core" => Ok(Role::Core),
        "edge" => Ok(Role::Edge),
        _ => Err("expected all, core or edge".to_owned()),
    }
}

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "expected an address and port, such as 127.0.0.1:8080".to_owned())
}

pub(super) fn outlets(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "expected a number of outlets".to_owned())
}

/// Days of history that are kept.
pub(super) fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| *days <= 3_660);
    days.ok_or_else(|| "expected a number of days from 0 to 3660".to_owned())
}

/// Scheme, host and port of a server; without a slash at the end.
pub(super) fn origin(text: &str) -> Result<Option<String>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let read = |url: Uri| {
        let (scheme, host) = (url.scheme_str()?, url.authority()?);
        let is_bare = url.path() == "/" && url.query().is_none() && ["http", "https"].contains(&scheme);
        is_bare.then(|| format!("{scheme}://{host}"))
    };
    let origin = text.parse().ok().and_then(read);
    origin.map(Some).ok_or_else(|| "expected scheme and host, such as https://core.example:8080".to_owned())
}

pub(super) fn replicas(text: &str) -> Result<usize, String> {
    match text {
        "1" | "3" | "5" => Ok(usize::from(text.as_bytes()[0] - b'0')),
        _ => Err("expected 1, 3 or 5".to_owned()),
    }
}

pub(super) fn yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("expected yes or no".to_owned()),
    }
}

pub(super) fn policy(text: &str) -> Result<Option<Schedule>, String> {
    match text {
        "" => Ok(None),
        name => policy_file::load(name).map(Some).map_err(|e| format!("{e:#}")),
    }
}

pub(super) fn sequences(text: &str) -> Result<Vec<u64>, String> {
    list(text).map(|n| n.parse().map_err(|_| format!("{n:?} is no sequence"))).collect()
}

pub(super) fn log_filter(text: &str) -> Result<String, String> {
    text.parse::<tracing_subscriber::EnvFilter>().map(|_| text.to_owned()).map_err(|e| e.to_string())
}

/// Whether logs are JSON lines.
pub(super) fn log_json(text: &str) -> Result<bool, String> {
    match text {
        "text" => Ok(false),
        "json" => Ok(true),
        _ => Err("expected text or json".to_owned()),
    }
}

/// The NATS of an edge is that of its cores.
pub(super) fn nats_of_cores(text: &str) -> Result<Option<String>, String> {
    match nats_url(text)? {
        None => Err("an edge is fed by the NATS of its cores: give its URLs".to_owned()),
        url => Ok(url),
    }
}

pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

pub(super) fn registry_file(text: &str) -> Result<Option<PathBuf>, String> {
    let path = PathBuf::from(text);
    if text.is_empty() {
        Ok(None)
    } else if path.is_file() {
        Ok(Some(path))
    } else {
        Err("there is no such file".to_owned())
    }
}

pub(super) fn nats_url(text: &str) -> Result<Option<String>, String> {
    let is_url = |url: &str| url.starts_with("nats://") || url.starts_with("tls://");
    match text {
        "managed" => Ok(None),
        urls if list(urls).next().is_some() && list(urls).all(is_url) => {
            Ok(Some(list(urls).collect::<Vec<_>>().join(",")))
        }
        _ => Err("expected `managed`, or URLs such as nats://127.0.0.1:4222 with commas between".to_owned()),
    }
}

pub(super) fn tick(text: &str) -> Result<Duration, String> {
    let tick = duration(text)?;
    let allowed = Duration::from_millis(100)..=Duration::from_secs(60);
    if allowed.contains(&tick) { Ok(tick) } else { Err("expected 100ms to 60s".to_owned()) }
}

/// A time with its unit: `200ms`, `1s`, `30m`, `12h`, `29d`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number with its unit, such as 200ms, 1s, 30m, 12h or 29d".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u32 = text[..digits].parse().map_err(|_| wrong())?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_millis(u64::from(number) * unit_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_host_and_a_port() {
        for good in ["https://core.example:8080", "https://core.example:8080/"] {
            assert_eq!(origin(good), Ok(Some("https://core.example:8080".to_owned())));
        }
        assert_eq!(origin(""), Ok(None));
        for wrong in
            ["core.example", "ftp://core.example", "https://core.example/v1", "https://core.example/?a"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_of_history_are_a_number_of_them() {
        assert_eq!((days("0"), days("31")), (Ok(0), Ok(31)));
        for wrong in ["", "-1", "4000", "31d"] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_servers_of_a_cluster_can_be_named() {
        assert_eq!(nats_url("nats://a:1, tls://b:2"), Ok(Some("nats://a:1,tls://b:2".to_owned())));
        assert!(nats_url("nats://a:1,localhost").is_err() && nats_url("").is_err());
    }
}
