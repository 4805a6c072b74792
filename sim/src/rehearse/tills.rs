//! Those who sell: pharmacies over NATS, post offices at the desk. Each request is written down before it is sent, sent again as it is
//! until it is answered, and held against the books.

mod act;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemas::claim::Decision;
use schemas::pos::{Outcome, Reason, Reply};
use schemas::registry::{OutletInfo, OutletType};

use super::books::{Books, Findings, Shelf, weekday};
use super::generator::{Answer, Caller, Next, Request};
use super::scenario::{Does, Load, Ration};
use super::wire;
use crate::population::Population;
use act::{Act, Kind};

pub(crate) use act::ITEM;

/// Pool of NATS, and that of the desks.
pub(crate) const NATS: usize = 0;
/// Pool of the desks.
pub(crate) const DESK: usize = 1;
/// Pieces that an outlet has in the morning: what a pharmacy was sent a day is assumed at 250.
const MORNING: u32 = 250;
/// Pieces of a delivery that a scenario asks for.
const PARCEL: u32 = 10;
/// Below this an outlet gets a delivery.
const LOW: i64 = 20;
/// Share of claims by somebody who has bought before.
const COMES_AGAIN: f64 = 0.06;
/// Share of people who do not look whether it is their day.
const COMES_ON_A_WRONG_DAY: f64 = 0.1;
/// Share of claims that are sent once more after they were answered.
const COPIED: f64 = 0.01;
/// Persons of whom some come again.
const REMEMBERED: usize = 4_096;

/// All tills, and the books that hold against them.
pub(crate) struct Tills {
    does: Vec<Does>,
    /// Terminals of each outlet, by class.
    terminals: Vec<u32>,
    /// How often a check is asked again, by class.
    asks_again: Vec<u32>,
    shelves: Vec<Shelf>,
    pharmacies: Vec<usize>,
    posts: Vec<usize>,
    population: Population,
    next_person: u64,
    seen: Vec<u64>,
    acts: Vec<Option<Act>>,
    free: Vec<usize>,
    books: Books,
    /// Day of the week by the last answer, Monday 0.
    today: usize,
    rng: StdRng,
}

/// What the tills know at the end.
#[derive(Debug, Default, Clone)]
pub(crate) struct Accounts {
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) findings: Findings,
    pub(crate) version: u64,
}

impl Tills {
    /// Tills of these outlets, under this ration.
    pub(crate) fn new(
        loads: &[Load],
        outlets: &[OutletInfo],
        people: u64,
        ration: Ration,
        seed: u64,
    ) -> Self {
        let of = |kind: OutletType| -> Vec<usize> {
            (0..outlets.len()).filter(|index| outlets[*index].kind == kind).collect()
        };
        let sequence = u64::try_from(crate::fleet::now().0).unwrap_or(1);
        let shelf =
            |outlet: &OutletInfo| Shelf { code: outlet.code.clone(), count: 0, out: 0, coming: 0, sequence };
        let mut rng = StdRng::seed_from_u64(seed);
        let population = Population::new(people, seed);
        Self {
            does: loads.iter().map(|load| load.does).collect(),
            terminals: loads.iter().map(|load| load.terminals).collect(),
            asks_again: loads.iter().map(|load| load.asks_again).collect(),
            shelves: outlets.iter().map(shelf).collect(),
            pharmacies: of(OutletType::Pharmacy),
            posts: of(OutletType::PostOffice),
            next_person: rng.random_range(0..population.size()),
            population,
            seen: Vec::new(),
            acts: Vec::new(),
            free: Vec::new(),
            books: Books::new(ration),
            today: 0,
            rng,
        }
    }

    /// The first report of every outlet, as it opens.
    pub(crate) fn open(&mut self) -> Vec<Request> {
        (0..self.shelves.len())
            .map(|outlet| self.supply(outlet, Kind::Report, MORNING, Duration::ZERO))
            .collect()
    }

    /// Newest place in the journal that was acknowledged.
    pub(crate) fn version(&self) -> u64 {
        self.books.version
    }

    /// What is known at the end.
    pub(crate) fn accounts(self) -> Accounts {
        Accounts { shelves: self.shelves, findings: self.books.findings, version: self.books.version }
    }

    fn keep(&mut self, act: Act) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.acts.push(None);
            self.acts.len() - 1
        });
        self.acts[index] = Some(act);
        index as u64
    }

    fn supply(&mut self, outlet: usize, kind: Kind, pieces: u32, intended: Duration) -> Request {
        let shelf = &mut self.shelves[outlet];
        shelf.sequence += 1;
        shelf.coming += i64::from(pieces);
        let act = Act::supply(outlet, kind, pieces, shelf);
        let what = self.keep(act);
        Request { class: None, pool: NATS, what, intended, tries: 0 }
    }

    /// A person who buys: mostly one who has not bought yet.
    fn person(&mut self, buys: bool) -> u64 {
        if !self.seen.is_empty() && self.rng.random_bool(COMES_AGAIN) {
            return self.seen[self.rng.random_range(0..self.seen.len())];
        }
        let person = self.next_whose_day_it_is();
        if buys && self.seen.len() < REMEMBERED {
            self.seen.push(person);
        } else if buys {
            let place = self.rng.random_range(0..REMEMBERED);
            self.seen[place] = person;
        }
        person
    }

    /// The next person who has not come yet; mostly one whose day it is.
    fn next_whose_day_it_is(&mut self) -> u64 {
        let ration = self.books.ration();
        let any = self.rng.random_bool(COMES_ON_A_WRONG_DAY);
        loop {
            let person = self.next_person;
            self.next_person = (person + 1) % self.population.size();
            if any || !ration.weekdays || ration.admits(self.population.person(person).born, self.today) {
                return person;
            }
        }
    }

    fn outlet(&mut self, does: Does) -> Option<usize> {
        let pharmacies = matches!(does, Does::Sale | Does::Delivery);
        let all = if pharmacies { &self.pharmacies } else { &self.posts };
        (!all.is_empty()).then(|| all[self.rng.random_range(0..all.len())])
    }

    fn take_back(&mut self, what: u64) -> Option<Act> {
        let index = usize::try_from(what).ok()?;
        let act = self.acts.get_mut(index)?.take()?;
        self.free.push(index);
        Some(act)
    }

    /// An answer to a claim or check that could be read.
    fn decided(&mut self, request: &Request, decision: Decision, asks: &mut Vec<Request>) -> Next {
        let Some(mut act) = self.take_back(request.what) else { return Next::Failed };
        if act.kind == Kind::Check {
            return Next::Good;
        }
        if let Some(first) = &act.first {
            let alike = (first.decision, first.version, first.remaining, first.reason)
                == (decision.decision, decision.version, decision.remaining, decision.reason);
            let findings = &mut self.books.findings;
            findings.copies += 1;
            if !alike || !decision.replayed {
                findings.contradicted += 1;
                let id = act.id;
                findings.fault(|| format!("claim {id:?} was answered otherwise when it was sent again"));
            }
            return Next::Good;
        }
        let pieces = i64::from(act.pieces);
        self.today = weekday(&decision);
        let shelf = &mut self.shelves[act.outlet];
        shelf.out -= pieces;
        shelf.count -= self.books.decided((act.person, act.born), pieces, &decision);
        if self.rng.random_bool(COPIED) {
            act.first = Some(Box::new(decision));
            let what = self.keep(act);
            asks.push(Request { class: None, tries: 0, what, ..*request });
        }
        Next::Good
    }

    /// An answer to a report or delivery, or the word that nothing was recorded.
    fn replied(&mut self, request: &Request, reply: &Reply) -> Next {
        if reply.status != Outcome::Rejected {
            return self.supplied(request, reply);
        }
        let name = reply.reason.map_or("none", Reason::name).to_owned();
        self.turned_away(request, name, reply.reason, reply.retry_after_ms)
    }

    fn supplied(&mut self, request: &Request, reply: &Reply) -> Next {
        let Some(act) = self.take_back(request.what) else { return Next::Failed };
        let shelf = &mut self.shelves[act.outlet];
        shelf.coming -= i64::from(act.pieces);
        shelf.count += i64::from(act.pieces);
        self.books.version = self.books.version.max(reply.version.unwrap_or(0));
        self.books.findings.reports += 1;
        Next::Good
    }

    /// Turned away under a name. For now, where the reason is one after which it may be sent again.
    fn turned_away(
        &mut self,
        request: &Request,
        name: String,
        why: Option<Reason>,
        after_ms: Option<u32>,
    ) -> Next {
        *self.books.findings.turned_away.entry(name).or_default() += 1;
        let act = self.acts[request.what as usize].as_ref();
        let check = act.is_none_or(|act| act.kind == Kind::Check);
        // The copy of a sale is of no class, and no delivery either.
        let copy = act.is_some_and(|act| act.first.is_some());
        let again = why.is_some_and(Reason::retryable) || after_ms.is_some();
        let shed = why.filter(|reason| reason.retryable() && !copy).map(Reason::name);
        let given_up = check && !(again && self.asks_again(request));
        if given_up {
            self.take_back(request.what);
            return shed.map_or(Next::Failed, Next::TurnedAway);
        }
        if again {
            return Next::Again(self.pause(request.tries, after_ms), shed);
        }
        // What is refused for good was not recorded.
        if let Some(act) = self.take_back(request.what) {
            let shelf = &mut self.shelves[act.outlet];
            match act.kind {
                Kind::Claim => shelf.out -= i64::from(act.pieces),
                _ => shelf.coming -= i64::from(act.pieces),
            }
        }
        Next::Failed
    }

    /// Whether a check is asked once more.
    fn asks_again(&self, request: &Request) -> bool {
        request.class.is_some_and(|class| request.tries <= self.asks_again[class])
    }

    /// From a tenth of a second on, doubling, up to five; half of it by chance, and no less than was asked for.
    fn pause(&mut self, tries: u32, asked_ms: Option<u32>) -> Duration {
        let least = asked_ms.map_or(0, u64::from);
        let most = 100_u64 << tries.min(6);
        Duration::from_millis(least + self.rng.random_range(most / 2..=most).min(5_000))
    }
}

/// A problem document of the desk.
#[derive(serde::Deserialize)]
struct Problem {
    reason: Option<Reason>,
    title: String,
    retry_after_ms: Option<u32>,
}

impl Caller for Tills {
    fn arrive(&mut self, class: usize, intended: Duration, asks: &mut Vec<Request>) {
        let does = self.does[class];
        let Some(outlet) = self.outlet(does) else { return };
        if does == Does::Delivery {
            let delivery = self.supply(outlet, Kind::Delta, PARCEL, intended);
            return asks.push(Request { class: Some(class), ..delivery });
        }
        let buys = does != Does::DeskCheck;
        let person = self.person(buys);
        let pool = if does == Does::Sale { NATS } else { DESK };
        let pieces = self.books.ration().quantity;
        let said = self.population.person(person);
        let terminal = self.rng.random_range(1..=self.terminals[class]);
        let at = (&self.shelves[outlet].code, terminal);
        let act = Act::of_person(outlet, at, (person, &said), buys.then_some(pieces));
        if buys {
            let shelf = &mut self.shelves[outlet];
            shelf.out += i64::from(pieces);
            self.books.asked(person, i64::from(pieces));
            if shelf.count + shelf.coming - shelf.out < LOW {
                asks.push(self.supply(outlet, Kind::Delta, MORNING, intended));
            }
        }
        let what = self.keep(act);
        asks.push(Request { class: Some(class), pool, what, intended, tries: 0 });
    }

    fn write(&mut self, request: &Request, inbox: &str, ticket: u64, out: &mut Vec<u8>) {
        let Some(act) = &self.acts[request.what as usize] else { return };
        if request.pool == NATS {
            let subject = act.subject(&self.shelves[act.outlet].code);
            wire::publish(out, &subject, inbox, ticket, &act.body);
        } else {
            wire::post(out, act.path(), &act.body);
        }
    }

    fn answered(&mut self, request: &Request, answer: &Answer<'_>, asks: &mut Vec<Request>) -> Next {
        if request.pool == NATS && answer.status == 503 {
            return self.unanswered(request);
        }
        if let Ok(decision) = serde_json::from_slice::<Decision>(answer.body) {
            return self.decided(request, decision, asks);
        }
        if let Ok(reply) = serde_json::from_slice::<Reply>(answer.body) {
            return self.replied(request, &reply);
        }
        if let Ok(problem) = serde_json::from_slice::<Problem>(answer.body) {
            return self.turned_away(request, problem.title, problem.reason, problem.retry_after_ms);
        }
        self.books.findings.unreadable += 1;
        let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]).into_owned();
        self.books.findings.fault(|| format!("status {} with {text:?}", answer.status));
        self.unanswered(request)
    }

    fn unanswered(&mut self, request: &Request) -> Next {
        let check = self.acts[request.what as usize].as_ref().is_none_or(|act| act.kind == Kind::Check);
        if check {
            self.take_back(request.what);
            return Next::Failed;
        }
        Next::Again(self.pause(request.tries, None), None)
    }
}
