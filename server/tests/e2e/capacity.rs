//! `jaego capacity` over a report that `jaego rehearse` wrote a moment before, and over what is none.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness;

/// Bursts of three kinds, each of its own rhythm, over some twenty seconds.
const DAY: &str = r#"
name = "bursts"
title = { ko = "박자", en = "bursts" }
story = { ko = "박자", en = "bursts of three kinds" }
begins = "10:00"
ends = "10:20"
long = { scale = 1, speed = 60, outlets = 300 }
short = { scale = 1, speed = 60, outlets = 300 }

[stage]
outlets = 300
edges = 1
people = 1000000
policy = "weekly 2"
connections = { readers = 32, desk = 4, tills = 2 }

[[phase]]
name = "day"
title = { ko = "하루", en = "the day" }
from = "10:00"

[[load]]
class = "sale"
does = "sale"
rate = 120
from = "10:00"
until = "10:20"
bursts = { every_s = 300, last_s = 120, times = 2.4 }

[[load]]
class = "delivery"
does = "delivery"
rate = 80
from = "10:00"
until = "10:20"
bursts = { every_s = 180, last_s = 60, times = 2.9 }

[[load]]
class = "map"
does = "poll"
rate = 300
from = "10:00"
until = "10:20"
bursts = { every_s = 420, last_s = 180, times = 2.2 }
"#;

/// Plays the day; returns the folder of its report, and whether the run was void.
fn rehearse(dir: &Path) -> (String, bool) {
    let (day, folder) = (dir.join("bursts.toml"), dir.join("report"));
    fs::write(&day, DAY).unwrap();
    let folder = folder.to_str().unwrap().to_owned();
    let (code, out, err) = harness::jaego(&["rehearse", day.to_str().unwrap(), "--report", &folder]);
    assert!(code == 0 || code == 2, "{code}:\n{out}\n{err}");
    (folder, code == 2)
}

/// What the statement says a kind costs at a service, in µs.
fn cost(said: &Value, service: &str, kind: &str) -> f64 {
    let services = said["costs"]["services"].as_array().unwrap();
    let at = services.iter().find(|found| found["service"] == service).unwrap();
    let found = at["costs"].as_array().unwrap().iter().find(|cost| cost["kind"] == kind);
    found.unwrap_or_else(|| panic!("{kind} at {service}: {at}"))["micros"].as_f64().unwrap()
}

#[test]
fn a_rehearsal_tells_what_requests_cost() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, void) = rehearse(dir.path());
    if void {
        // A machine that was too slow says so, and what is said nevertheless is marked.
        let (code, _, err) = harness::jaego(&["capacity", &folder]);
        assert!(code == 1 && err.contains("is void") && err.contains("--take-void"), "{code} {err}");
    }
    let take: &[&str] = if void { &["--take-void"] } else { &[] };
    let (code, out, err) = harness::jaego(&[&["capacity", &folder, "--json"], take].concat());
    assert_eq!(code, 0, "{err}");
    let said: Value = serde_json::from_str(&out).unwrap();
    assert!(said["reports"][0]["seconds"].as_u64().unwrap() >= 12, "{}", said["reports"]);
    for (service, kind) in [("core", "sale"), ("nats", "sale"), ("edge", "poll")] {
        let micros = cost(&said, service, kind);
        assert!(micros > 0.0 && micros < 50_000.0, "{kind} costs {micros} µs at {service}");
    }
    assert!(
        cost(&said, "edge", "poll") > cost(&said, "nats", "poll"),
        "tiles are read at edges: {}",
        said["costs"]
    );
    // Twenty seconds are too few for a law, and no figure is told.
    assert!(
        said["responses"].as_array().unwrap().iter().all(|one| !one["scalability"]["no"].is_null()),
        "{said}"
    );
    let page = dir.path().join("page.md");
    let words = ["capacity", &folder, "--viewers", "1000", "--claims", "50", "--out", page.to_str().unwrap()];
    let (code, out, err) = harness::jaego(&[&words[..], take].concat());
    assert!(code == 0 && out.is_empty(), "{out} {err}");
    let page = fs::read_to_string(page).unwrap();
    assert!(
        page.contains("| asked for | Korea | EU | 1 billion |") && page.contains("**assumed**"),
        "{page}"
    );
    assert_eq!(page.contains("VOID REPORTS"), void, "{page}");
}

#[test]
fn what_is_no_report_is_told_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, err) = harness::jaego(&["capacity", dir.path().to_str().unwrap()]);
    assert!(code == 1 && out.is_empty() && err.contains("next step"), "{code} {out} {err}");
    let file = dir.path().join("policy.json");
    fs::write(&file, "{}").unwrap();
    let file = file.to_str().unwrap();
    let (code, _, err) = harness::jaego(&["capacity", file]);
    assert!(code == 1 && err.contains("no report of a rehearsal"), "{code} {err}");
    let (code, _, err) = harness::jaego(&["capacity", file, "--cdn-hits", "95"]);
    assert!(code == 1 && err.contains("such as 0.95"), "{code} {err}");
    let (code, _, err) = harness::jaego(&["capacity"]);
    assert!(code == 2 && err.contains("REPORT"), "{code} {err}");
}
