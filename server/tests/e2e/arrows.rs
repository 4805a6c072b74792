//! Who may import whom: the arrows of ARCHITECTURE.md, held by `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Crates of the workspace and those of it that each may use outside its tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("aggregator", &["schemas"]),
    ("ingest", &["aggregator", "schemas"]),
    ("publisher", &["schemas"]),
    // The rehearsals are an outsider that the binary brings along: they know the contracts alone.
    ("server", &["aggregator", "ingest", "publisher", "schemas", "sim"]),
    ("sim", &["schemas"]),
    ("benches", &["aggregator", "ingest", "publisher", "schemas", "sim"]),
    ("xtask", &[]),
];

/// Crates that the deterministic core must not reach, not even for its types.
const NOT_IN_THE_CORE: &[&str] = &["tokio", "async-nats", "axum", "rand", "reqwest"];

#[test]
fn no_crate_imports_another_against_the_arrows() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path", manifest])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let packages = metadata["packages"].as_array().unwrap();
    assert_eq!(packages.len(), ARROWS.len(), "a crate that has no arrows yet");
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let uses: BTreeSet<&str> = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|d| d["kind"] != "dev")
            .map(|d| d["name"].as_str().unwrap())
            .collect();
        let ours: Vec<&str> = uses.iter().copied().filter(|d| allowed.contains_key(d)).collect();
        let strays: Vec<_> = ours.iter().filter(|d| !allowed[name].contains(d)).collect();
        assert!(strays.is_empty(), "{name} must not import {strays:?}");
        if name == "aggregator" || name == "schemas" {
            assert!(
                NOT_IN_THE_CORE.iter().all(|d| !uses.contains(d)),
                "{name} must stay without I/O and async"
            );
        }
    }
}
