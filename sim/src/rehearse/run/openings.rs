//! The caps of a scenario on their way into force, as an operator brings them there: through the admin port into the journal, before the day
//! begins, and looked at on every core.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use schemas::caps::{Caps, plan_at};
use schemas::time::Rfc3339;
use serde::Deserialize;

use super::{LEAD, LOOK};
use crate::rehearse::plain_http;
use crate::rehearse::scenario::DayCaps;
use crate::rehearse::schedule::Timeline;

/// From the application to the beginning of the day: the moments of the document have to be known before it is applied.
const BEFORE_THE_DAY: Duration = Duration::from_secs(2);
/// What may help where they come into force too late.
const QUIETER: &str =
    "; next step: look whether the core follows its journal (/readyz), and play it on a quieter machine";
/// How long an admin port may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an admin port tells of its core, as far as it is read.
#[derive(Deserialize)]
struct Admission {
    caps: String,
    effective_from: Rfc3339,
}

/// Applies the caps of the day under a name and at a scale, and waits until they are in force at all of these admin ports; returns the
/// document and the moment at which the day begins, a lead from now.
///
/// # Errors
/// When they are not taken, or not in force in time.
pub(super) fn apply(
    day: &DayCaps,
    (name, scale): (&str, f64),
    timeline: &Timeline,
    admins: &[SocketAddr],
) -> Result<(Caps, Instant)> {
    let (applied, clock) = (Instant::now(), crate::fleet::now());
    let begins = applied + BEFORE_THE_DAY;
    let caps = day.document(name, scale, |moment| timeline.real(moment, clock, BEFORE_THE_DAY));
    let first = admins.first().context("there is no admin port to apply the caps at")?;
    let body = serde_json::to_vec(&caps)?;
    let (status, said) =
        plain_http::post(*first, "/caps", &body, PATIENCE).context("applying the caps of the day")?;
    ensure!(
        status == 200,
        "the caps of the day were answered with {status}: {}",
        String::from_utf8_lossy(&said)
    );
    let plan = plan_at(&caps, clock).context("a plan is in force before the day")?.effective_from;
    for admin in admins {
        while !is_in_force(*admin, name, plan)? {
            ensure!(
                Instant::now() + LEAD < begins,
                "the caps of the day are not in force at {admin} after {} s{QUIETER}",
                BEFORE_THE_DAY.as_secs()
            );
            std::thread::sleep(LOOK);
        }
    }
    ensure!(
        Instant::now() + LEAD < begins,
        "the caps of the day were in force too late for it to begin{QUIETER}"
    );
    std::thread::sleep((begins - LEAD).saturating_duration_since(Instant::now()));
    Ok((caps, begins))
}

/// Whether a core goes by the plan of this document and moment.
fn is_in_force(admin: SocketAddr, name: &str, plan: Rfc3339) -> Result<bool> {
    let (status, body) =
        plain_http::get(admin, "/admission", PATIENCE).context("looking at the caps in force")?;
    ensure!(status == 200, "{admin}/admission is answered with {status}");
    let told: Admission = serde_json::from_slice(&body).context("reading what is in force")?;
    Ok(told.caps == name && told.effective_from == plan)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};

    use super::*;
    use crate::rehearse::catalog;
    use crate::rehearse::scenario::Scenario;

    /// An admin port that answers a document with this status, and tells of what it was given that it is in force, but for what
    /// `other` changes.
    fn admin(status: u16, other: fn(&mut Value)) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (at, given) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(json!({}))));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut request) = (stream.unwrap(), vec![0; 64 * 1024]);
                let mut read = 0;
                let body = loop {
                    read += stream.read(&mut request[read..]).unwrap();
                    let text = String::from_utf8_lossy(&request[..read]).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    if head.starts_with("GET") || serde_json::from_str::<Value>(body).is_ok() {
                        break body.to_owned();
                    }
                };
                let mut known = given.lock().unwrap();
                if let Ok(caps) = serde_json::from_str::<Caps>(&body) {
                    *known = json!({ "caps": caps.name, "effective_from": caps.plans[0].effective_from });
                    other(&mut known);
                }
                let (status, answer) =
                    if body.is_empty() { (200, known.to_string()) } else { (status, "no".to_owned()) };
                write!(stream, "HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())
                    .unwrap();
            }
        });
        at
    }

    fn applied(scenario: &Scenario, admins: &[SocketAddr]) -> Result<(Caps, Instant)> {
        let timeline = Timeline::new(scenario, scenario.short);
        apply(scenario.caps.as_ref().unwrap(), ("a-day", 0.02), &timeline, admins)
    }

    #[test]
    fn caps_are_applied_and_looked_at_before_the_day() {
        let scenario = catalog::find("mask-2020-03-11").unwrap();
        let (caps, begins) = applied(&scenario, &[admin(200, |_| {})]).unwrap();
        assert!(begins > Instant::now() && begins <= Instant::now() + LEAD, "the day begins a lead from now");
        assert_eq!((caps.name.as_str(), schemas::caps::faults(&caps)), ("a-day", Vec::new()));
    }

    #[test]
    fn caps_that_are_not_in_force_let_no_day_begin() {
        let scenario = catalog::find("mask-2020-03-11").unwrap();
        let told = |admins: &[SocketAddr]| format!("{:#}", applied(&scenario, admins).unwrap_err());
        assert!(told(&[admin(400, |_| {})]).contains("answered with 400: no"));
        assert!(told(&[]).contains("no admin port"));
        let others = |known: &mut Value| known["caps"] = json!("built-in");
        let yesterdays = |known: &mut Value| known["effective_from"] = json!("2020-03-11T00:00:00+09:00");
        for stale in [others as fn(&mut Value), yesterdays] {
            let told = told(&[admin(200, stale)]);
            assert!(told.contains("not in force") && told.contains("after 2 s"), "{told}");
        }
        // Every core is looked at: one that never heard of them is not.
        let deaf = admin(200, |_| {});
        let told = told(&[admin(200, |_| {}), deaf]);
        assert!(told.contains("reading what is in force"), "{told}");
    }
}
