//! Claims of made-up persons: each call is another person's, so each is to be granted.

use std::cell::Cell;
use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use schemas::registry::OutletInfo;

use crate::peers::wire::closed_loop;
use crate::peers::{Load, http_wire, nats_wire};
use crate::workload::ITEM;

/// How the answer to a claim begins that was granted.
const GRANTED: &[u8] = br#"{"status":"accepted","decision":"granted""#;
/// Connections at many calls in flight over NATS; the best is kept, as for the peers.
const CONNECTIONS: [usize; 3] = [1, 2, 4];
/// Persons set apart for one load.
const ROUND: u64 = 20_000_000;
/// Days of birth, from 1930 on.
const DAYS: u64 = 27_000;

/// Where the claims go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way<'u> {
    /// To a NATS server.
    Nats(&'u str),
    /// To a desk, a connection for each call under way.
    Desk(&'u str),
}

/// Everybody, and the outlets where they buy.
pub(super) struct People {
    codes: Arc<Vec<String>>,
    /// Persons of earlier loads do not come again.
    round: Cell<u64>,
    run: u64,
}

impl People {
    pub(super) fn new(outlets: &[OutletInfo]) -> Self {
        let codes = outlets.iter().map(|outlet| outlet.code.to_string()).collect();
        Self { codes: Arc::new(codes), round: Cell::default(), run: rand::random() }
    }

    /// Everybody claims two pieces, so many at once.
    pub(super) async fn load(&self, way: Way<'_>, in_flight: usize, seconds: f64) -> Result<Load> {
        let mut best = (0.0, 1);
        if let (Way::Nats(_), 1024..) = (way, in_flight) {
            for connections in CONNECTIONS {
                let rate = self.claims(way, connections, in_flight, seconds / 5.0).await?.per_second();
                best = if rate > best.0 { (rate, connections) } else { best };
            }
        }
        self.claims(way, best.1, in_flight, seconds).await
    }

    async fn claims(&self, way: Way<'_>, connections: usize, in_flight: usize, seconds: f64) -> Result<Load> {
        match way {
            Way::Nats(url) => {
                let mut lanes = Vec::new();
                let first = self.next_round();
                for _ in 0..connections {
                    let (codes, run) = (Arc::clone(&self.codes), self.run);
                    let write = move |number: u64, subject: &mut Vec<u8>, body: &mut Vec<u8>| {
                        subject.extend_from_slice(b"pos.v1.claim.");
                        subject.extend_from_slice(outlet(&codes, number).as_bytes());
                        body.push(b'{');
                        claim(body, run, first + number);
                    };
                    lanes.push(nats_wire::connect(url, write, GRANTED).await?);
                }
                closed_loop(lanes, in_flight, seconds).await
            }
            Way::Desk(url) => self.post(url, "/desk/v1/claims", GRANTED, in_flight, seconds, claim).await,
        }
    }

    /// Posts a body for each call, by an outlet of its own.
    pub(super) async fn post(
        &self,
        url: &str,
        path: &'static str,
        wanted: &'static [u8],
        in_flight: usize,
        seconds: f64,
        body: fn(&mut Vec<u8>, u64, u64),
    ) -> Result<Load> {
        let mut lanes = Vec::new();
        let first = self.next_round();
        for _ in 0..in_flight {
            let (codes, run) = (Arc::clone(&self.codes), self.run);
            let write = move |number: u64, out: &mut Vec<u8>| {
                write!(out, r#"{{"outlet":"{}","#, outlet(&codes, number)).expect("a vector takes all bytes");
                body(out, run, first + number);
            };
            lanes.push(http_wire::connect(url, path, write, wanted).await?);
        }
        closed_loop(lanes, in_flight, seconds).await
    }

    fn next_round(&self) -> u64 {
        self.round.set(self.round.get() + ROUND);
        self.round.get()
    }
}

fn outlet(codes: &[String], number: u64) -> &str {
    &codes[number as usize % codes.len()]
}

/// A claim without its beginning.
fn claim(out: &mut Vec<u8>, run: u64, number: u64) {
    let id = uuid::Uuid::from_u64_pair(run, number);
    write!(
        out,
        r#""id":"{id}","terminal":"t1","at":"2020-03-11T09:05:00+09:00","item":"{ITEM}","quantity":2,"person":"#
    )
    .expect("a vector takes all bytes");
    person(out, number);
}

/// A check without its beginning.
pub(super) fn check(out: &mut Vec<u8>, _run: u64, number: u64) {
    write!(out, r#""terminal":"t1","at":"2020-03-11T09:05:00+09:00","item":"{ITEM}","person":"#)
        .expect("a vector takes all bytes");
    person(out, number);
}

/// A person of a made-up resident number, and the end.
fn person(out: &mut Vec<u8>, number: u64) {
    let (day, serial) = (number % DAYS, number / DAYS);
    // Months of 28 days: every one of them exists.
    let (year, month, day) = (1930 + day / 336, day % 336 / 28 + 1, day % 28 + 1);
    let century = if year < 2000 { 1 } else { 3 };
    write!(
        out,
        r#"{{"kind":"resident","number":"{:02}{month:02}{day:02}-{century}{serial:06}"}}}}"#,
        year % 100
    )
    .expect("a vector takes all bytes");
}
