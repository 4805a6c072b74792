//! All outlets at work over NATS request and reply: an open model, in which the schedule waits for nobody.
//!
//! One task owns every outlet, so there is no lock. A few connections carry all; a bound holds what is on its way.

mod act;
mod counter;
mod courier;
mod crowd;
mod message;
mod outlet;
mod schedule;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_nats::Client;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemas::OutletCode;
use schemas::registry::OutletInfo;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

pub(crate) use courier::{connect, now};

use crate::clock::{DayClock, Moment};
use crate::population::Population;
use crate::tally::Tally;
use act::{Act, Told};
use courier::{Parcel, Receipt, carry};
use crowd::Crowd;
use outlet::Outlet;
use schedule::{Deliveries, Schedule};

/// How the fleet behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Seed of everything that is left to chance, but for the jitter of retries.
    pub seed: u64,
    /// Messages a second on average, over all outlets, besides first reports and deliveries.
    pub rate: f64,
    /// Item that is sold.
    pub item: String,
    /// Connections that the outlets share.
    pub connections: usize,
    /// Most messages on their way at once.
    pub in_flight: usize,
    /// Real time that the fleet's day takes.
    pub real_day: Duration,
    /// Share of outlets that never say a word; about 5 % had no row in the `sales` of 2020.
    pub mute: f64,
    /// People who come to buy; 0: goods are not rationed, and are sold as deltas.
    pub population: u64,
    /// Share of outlets that sell on paper and enter it late.
    pub paper: f64,
    /// Share of outlets that give out number tickets.
    pub tickets: f64,
    /// Share of sales that are taken back.
    pub voided: f64,
    /// Share of messages that are sent once more though they were answered.
    pub repeated: f64,
    /// Share of movements that are held back until later ones have overtaken them.
    pub overtaken: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 2020,
            rate: 5000.0,
            item: "mask".to_owned(),
            connections: 8,
            in_flight: 1000,
            real_day: Duration::from_secs(600),
            mute: 0.05,
            population: 0,
            paper: 0.005,
            tickets: 0.05,
            voided: 0.015,
            repeated: 0.005,
            overtaken: 0.002,
        }
    }
}

/// What an outlet knows of itself at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Pieces on hand.
    pub count: u32,
    /// Those of them that are promised to tickets.
    pub promised: u32,
    /// Whether it suspended its sales.
    pub paused: bool,
}

/// A fleet that is connected and ready to begin.
pub struct Fleet {
    options: Options,
    item: Arc<str>,
    clients: Vec<Client>,
    outlets: Vec<Outlet>,
    crowd: Option<Crowd>,
    weights: WeightedIndex<f64>,
    rng: StdRng,
    tally: Arc<Tally>,
    on_the_way: FuturesUnordered<BoxFuture<'static, Receipt>>,
}

impl Fleet {
    /// Connects a fleet of the registry's outlets to `nats_url`; what it is answered goes to `tally`.
    ///
    /// # Errors
    /// When no NATS server answers, or the registry has no outlet that speaks.
    pub async fn connect(
        options: Options,
        registry: &[OutletInfo],
        nats_url: &str,
        tally: Arc<Tally>,
    ) -> Result<Self> {
        let mut rng = StdRng::seed_from_u64(options.seed);
        let speaking: Vec<_> = registry.iter().filter(|_| !rng.random_bool(options.mute)).collect();
        let mean_delivery = mean_delivery(&options, speaking.len());
        let outlets: Vec<_> = speaking
            .into_iter()
            .map(|info| Outlet::new(info, first_seq(), mean_delivery, &options, &mut rng))
            .collect();
        // Some outlets see ten times the customers of others.
        let weights = WeightedIndex::new(outlets.iter().map(|_| 0.2 + 1.8 * rng.random::<f64>().powi(2)))
            .context("the fleet has no outlet; next step: give it a registry with some")?;
        let mut clients = Vec::new();
        for number in 0..options.connections.max(1) {
            let client = connect(nats_url, format!("jaego-sim {number}")).await;
            clients.push(client.with_context(|| format!("connecting the fleet to {nats_url}"))?);
        }
        let item = options.item.as_str().into();
        let crowd = (options.population > 0)
            .then(|| Crowd::new(Population::new(options.population, options.seed), first_seq()));
        let on_the_way = FuturesUnordered::new();
        Ok(Self { options, item, clients, outlets, crowd, weights, rng, tally, on_the_way })
    }

    /// How many outlets speak.
    #[must_use]
    pub fn speaking(&self) -> usize {
        self.outlets.len()
    }

    /// Works until `stop` turns true or its sender is gone, then waits up to five seconds for the last answers. Returns what
    /// each outlet knows of itself whose every message was recorded: what the public shall see of it.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> HashMap<OutletCode, Standing> {
        tokio::select! {
            () = self.work() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        self.settle(Duration::from_secs(5)).await;
        let now = now();
        let standings = self.outlets.into_iter().filter_map(|outlet| {
            let (count, promised, paused) = outlet.standing(now)?;
            Some((outlet.code, Standing { count, promised, paused }))
        });
        standings.collect()
    }

    /// First reports from all, then day after day.
    async fn work(&mut self) {
        for from in 0..self.outlets.len() {
            while self.on_the_way.len() >= self.options.in_flight {
                self.hear_one().await;
            }
            let told = self.outlets[from].first_report();
            self.hand_over(from, told, Instant::now());
        }
        let clock = DayClock::start(self.options.real_day);
        let mut schedule = Schedule::start(self.options.rate, self.options.seed);
        let mut deliveries = Deliveries::of(self.outlets.iter().map(|outlet| outlet.arrival));
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                _ = tick.tick() => self.tally.shed(schedule.advance(Instant::now())),
                Some(receipt) = self.on_the_way.next() => self.hear(receipt),
            }
            let now = clock.at(Instant::now());
            while self.on_the_way.len() < self.options.in_flight
                && let Some(from) = deliveries.next(now)
            {
                if let Some(told) = self.outlets[from].receive(&mut self.rng) {
                    self.hand_over(from, told, Instant::now());
                }
            }
            while self.on_the_way.len() < self.options.in_flight
                && let Some(due) = schedule.next()
            {
                self.serve(now, due);
            }
        }
    }

    /// Somebody, somewhere, comes to a counter; where nobody has anything to say, an open outlet gives a sign of life.
    fn serve(&mut self, now: Moment, due: Instant) {
        let real = courier::now();
        let mut open = None;
        for _ in 0..16 {
            let from = self.weights.sample(&mut self.rng);
            if self.outlets[from].is_open(now) {
                open = Some(from);
                self.tally.expired(self.outlets[from].expire(real));
                if let Some(told) = self.outlets[from].next(real, self.crowd.as_mut(), &mut self.rng) {
                    return self.hand_over(from, told, due);
                }
            }
        }
        if let Some(from) = open {
            let told = self.outlets[from].sign_of_life(&mut self.rng);
            self.hand_over(from, told, due);
        }
    }

    fn hand_over(&mut self, from: usize, told: Told, due: Instant) {
        let movement = matches!(told.act, Act::Delta(_));
        let held = movement && self.rng.random_bool(self.options.overtaken);
        let outlet = &self.outlets[from];
        let parcel = Parcel {
            from,
            outlet: outlet.code.clone(),
            item: Arc::clone(&self.item),
            clock_off_ms: outlet.clock_off_ms,
            told,
            due,
            held: if held { Duration::from_millis(self.rng.random_range(50..500)) } else { Duration::ZERO },
            twice: self.rng.random_bool(self.options.repeated),
        };
        let client = self.clients[from % self.clients.len()].clone();
        self.on_the_way.push(Box::pin(carry(client, parcel, Arc::clone(&self.tally))));
    }

    fn hear(&mut self, Receipt { from, act, fate }: Receipt) {
        let expired = self.outlets[from].hear(&act, fate, self.options.voided, &mut self.rng);
        self.tally.expired(u64::from(expired));
    }

    async fn hear_one(&mut self) {
        if let Some(receipt) = self.on_the_way.next().await {
            self.hear(receipt);
        }
    }

    async fn settle(&mut self, patience: Duration) {
        let all = async {
            while !self.on_the_way.is_empty() {
                self.hear_one().await;
            }
        };
        // What is not answered by then stays open: those outlets have no standing.
        let _answered = tokio::time::timeout(patience, all).await;
    }
}

/// As much as is sold in a day, within what outlets really got: 100 pieces at least.
fn mean_delivery(options: &Options, outlets: usize) -> f64 {
    let sold = 2.0 * options.rate * options.real_day.as_secs_f64();
    (sold / outlets.max(1) as f64).clamp(100.0, 2000.0)
}

/// A POS that lost its disk numbers on from the time, so a fleet that is started again is not taken for its own past.
fn first_seq() -> u64 {
    u64::try_from(now().0).expect("the clock is past 1970")
}
