//! The systems that jaego is measured against, each started on loopback in its durable setting and tuned in good faith.
//!
//! All of them are Debian packages. A peer lives as long as its value and is ended by its own process id.

pub mod http;
pub(crate) mod http_wire;
pub mod load;
pub mod nats_cluster;
pub(crate) mod nats_wire;
pub mod nginx;
pub mod postgres;
mod process;
pub mod raw_nats;
pub mod redis;
pub(crate) mod wire;

pub use load::Load;
pub use process::NotInstalled;

/// Checks that every peer is installed.
///
/// # Errors
/// [`NotInstalled`] names the Debian packages that are missing; printed, it is the `apt-get` line to run.
pub fn ensure_peers() -> Result<(), NotInstalled> {
    let packages: Vec<_> = [redis::program(), postgres::programs(), nginx::program(), http::program()]
        .into_iter()
        .filter_map(Result::err)
        .flat_map(|missing| missing.packages)
        .collect();
    if packages.is_empty() { Ok(()) } else { Err(NotInstalled { packages }) }
}

/// For tests: whether this peer can be started here; says why not.
#[cfg(test)]
fn here<T>(found: Result<T, NotInstalled>) -> bool {
    found.inspect_err(|missing| println!("skipped: {missing}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missing_peers_are_named_with_the_line_that_installs_them() {
        let missing = NotInstalled { packages: vec!["redis-server", "wrk"] };
        let line = "apt-get install --no-install-recommends redis-server wrk";
        assert!(missing.to_string().ends_with(line), "{missing}");
    }
}
