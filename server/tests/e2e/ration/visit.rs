//! What people do at a counter, fair and unfair: they buy, come again, send twice at once, take tickets and bring goods back.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::call::{Answer, Call, Way};
use super::till::{Street, Till};

/// Customers at a POS at the same time.
const LANES: u64 = 6;

/// Opens all tills: people come until closing time.
pub fn open(tills: &[Till], seed: u64) -> JoinSet<()> {
    let mut lanes = JoinSet::new();
    for (n, till) in (0..).zip(tills) {
        for lane in 0..LANES {
            let rng = StdRng::seed_from_u64(seed.wrapping_add(1 + n * LANES + lane));
            lanes.spawn(Lane { till: till.clone(), rng }.serve());
        }
    }
    lanes
}

struct Lane {
    till: Till,
    rng: StdRng,
}

impl Lane {
    async fn serve(mut self) {
        while !self.street().closing.is_cancelled() {
            match self.rng.random_range(0..20) {
                0..=9 => self.sale().await,
                10..=15 => self.ticket().await,
                16..=18 => self.check().await,
                _ => self.late().await,
            }
        }
    }

    fn street(&self) -> &Arc<Street> {
        &self.till.street
    }

    fn call(&mut self, kind: &'static str) -> Arc<Call> {
        let street = Arc::clone(&self.till.street);
        // Half of all calls are for a few people: they race.
        let many = if self.rng.random() { street.people.len() } else { street.people.len().div_ceil(50) };
        let person = self.rng.random_range(0..many);
        let quantity = self.rng.random_range(1..=3);
        Arc::new(Call::of_person(kind, self.till.outlet, (&street.people, person), quantity, &mut self.rng))
    }

    async fn sale(&mut self) {
        let claim = self.call("claim");
        let answer = self.tell(&claim).await;
        if granted(answer.as_ref()) && self.rng.random_ratio(2, 3) {
            self.tell(&Arc::new(claim.settle("void"))).await;
        }
        if self.rng.random_ratio(1, 20) {
            // The first answer may have come late: the claim is sent again after all of it.
            self.till.insist(&claim, &mut self.rng).await;
        }
    }

    async fn ticket(&mut self) {
        let reserve = self.call("reserve");
        if !granted(self.tell(&reserve).await.as_ref()) {
            return;
        }
        let (confirm, void) = (Arc::new(reserve.settle("confirm")), Arc::new(reserve.settle("void")));
        match self.rng.random_range(0..10) {
            0..=2 => {
                self.tell(&confirm).await;
            }
            3 | 4 => {
                self.tell(&confirm).await;
                self.tell(&void).await;
            }
            5 | 6 => {
                self.tell(&void).await;
            }
            7 => {
                tokio::join!(self.till.ask(&confirm, Way::Nats), self.till.ask(&void, Way::Desk(0)));
            }
            // Nobody comes for it: its time runs out.
            _ => {}
        }
    }

    async fn check(&mut self) {
        let check = self.call("check");
        self.till.insist(&check, &mut self.rng).await;
    }

    async fn late(&mut self) {
        let late = self.call("late");
        if granted(self.tell(&late).await.as_ref()) && self.rng.random_ratio(3, 4) {
            self.tell(&Arc::new(late.settle("void"))).await;
        }
    }

    /// Says something until it is heard: mostly once, now and then as it must not be said.
    async fn tell(&mut self, call: &Arc<Call>) -> Option<Answer> {
        match self.rng.random_range(0..20) {
            // Three copies at once, on three ways.
            0 | 1 => {
                let ask = |by| self.till.ask(call, by);
                let [nats, first, second] = Way::ALL.map(ask);
                tokio::join!(nats, first, second);
            }
            // What takes it back arrives before it does.
            2 if call.person.is_some() => {
                let void = Arc::new(call.settle("void"));
                tokio::join!(self.till.ask(&void, Way::Desk(1)), self.till.ask(call, Way::Nats));
            }
            // Another claim under the same id, at the same time.
            3 if call.person.is_some() => {
                let other = Arc::new(call.other_body());
                tokio::join!(self.till.ask(call, Way::Desk(0)), self.till.ask(&other, Way::Nats));
            }
            _ => {}
        }
        let answer = self.till.insist(call, &mut self.rng).await;
        if self.rng.random_ratio(1, 10) {
            self.till.insist(call, &mut self.rng).await;
        }
        answer
    }
}

/// Whether pieces moved.
fn granted(answer: Option<&Answer>) -> bool {
    answer.and_then(Answer::decision).is_some_and(|decision| decision != "refused")
}
