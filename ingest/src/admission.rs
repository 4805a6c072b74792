//! Admission: who may send now, decided by the address of a message before its body is looked at.
//!
//! In this order: is the kind of institution in the plan, has this one joined, are its own and its kind's messages under way
//! below their caps, is the class not overloaded, are the rates kept. One look-up in a sharded table and a few atomic numbers;
//! nothing is allocated for a message of an institution that spoke before. The state is of this process alone: with
//! several cores each applies the caps to what reaches it.

mod class;
mod hold;
pub mod keeper;
pub mod lease;
mod rate;
mod refusal;
mod report;
mod rules;
mod seats;
mod shed;
mod tally;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use aggregator::OutletTypes;
use arc_swap::ArcSwap;
use schemas::caps::{BUILT_IN, Caps, Class, Institution};
use schemas::registry::OutletType;
use schemas::subject::PROBE_OUTLET;
use schemas::{Millis, OutletCode, TerminalId};

use self::class::ClassState;
pub use self::refusal::Refusal;
pub use self::report::{Admitting, ClassReport, Refuser};
use self::rules::{Limit, Opening, PROBE, Rules, Standing};
use self::seats::{Seat, Seats, Use};
use self::shed::Shed;
pub use self::tally::Tally;

/// The caps in force and what is under way.
#[derive(Debug)]
pub struct Admission {
    rules: ArcSwap<Rules>,
    seats: Seats,
    outlets: OutletTypes,
    classes: [ClassState; Class::CAPPED.len()],
    kinds: [[Use; Class::CAPPED.len()]; Institution::ALL.len()],
    tally: Tally,
    shed: Shed,
    since: Instant,
}

/// How a message comes to the door.
#[derive(Debug)]
pub enum Door {
    /// It was let in by its address.
    Open(Permit),
    /// Its body alone says who sends it.
    Ask,
    /// The same, and it is one of many that came together: they do not count as waiting at once.
    AskOfMany,
}

/// One message that was let in. When it is dropped, the message is done and its place free.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    class: Class,
    institution: Institution,
    seat: Arc<Seat>,
    terminal: Option<Arc<Seat>>,
    /// Whether it counts against the concurrency of its institution.
    counts: bool,
    /// Whether it was good: the time until a bad one is turned away says nothing of how soon good ones are answered.
    good: bool,
    taken: Instant,
}

impl Admission {
    /// Under the built-in caps, until a keeper tells others.
    #[must_use]
    pub fn new(outlets: OutletTypes) -> Arc<Self> {
        let caps: Caps = toml::from_str(BUILT_IN).expect("a test reads the built-in document");
        let plan = caps.plans[0].clone();
        Arc::new(Self {
            rules: ArcSwap::from_pointee(Rules::new(1, Arc::new(caps), plan, None, None)),
            seats: Seats::default(),
            outlets,
            classes: Class::CAPPED.map(ClassState::new),
            kinds: Default::default(),
            tally: Tally::default(),
            shed: Shed::default(),
            since: Instant::now(),
        })
    }

    /// Lets a message in that came at `taken`, or says why not.
    ///
    /// # Errors
    /// [`Refusal`]: `not_admitted`, `over_cap` or `overloaded`. It is counted.
    pub fn enter(
        self: &Arc<Self>,
        class: Class,
        outlet: &str,
        taken: Instant,
        many: bool,
    ) -> Result<Permit, Refusal> {
        let (rules, now_ns) = (self.rules.load(), self.nanos(taken));
        let stands = || match outlet {
            PROBE_OUTLET => Standing { institution: Institution::Unregistered, opening: Opening::Open },
            _ => rules.standing(self.outlets.of(outlet).into(), outlet),
        };
        let Some((seat, standing)) = self.seats.find(outlet, rules.generation, now_ns, stands) else {
            let refusal = Refusal::crowded();
            self.tally.refuse(class, Institution::Unregistered, refusal.reason);
            return Err(refusal);
        };
        match self.judge(&rules, class, standing, &seat, now_ns, many) {
            Ok(()) => Ok(Permit {
                admission: Arc::clone(self),
                class,
                institution: standing.institution,
                seat,
                terminal: None,
                counts: !many,
                good: false,
                taken,
            }),
            Err(refusal) => {
                seat.refused.fetch_add(1, Relaxed);
                self.tally.refuse(class, standing.institution, refusal.reason);
                Err(refusal)
            }
        }
    }

    /// Whether a message whose sender is not known yet could be let in at all: its class is not overloaded.
    ///
    /// # Errors
    /// [`Refusal`], as `overloaded`. It is counted as one of an outlet that is in no registry.
    pub fn knock(&self, class: Class) -> Result<(), Refusal> {
        let state = &self.classes[class as usize];
        if state.under_way() < state.limit() {
            return Ok(());
        }
        let refusal = Refusal::overloaded(class);
        self.tally.refuse(class, Institution::Unregistered, refusal.reason);
        Err(refusal)
    }

    fn judge(
        &self,
        rules: &Rules,
        class: Class,
        standing: Standing,
        seat: &Seat,
        now_ns: u64,
        many: bool,
    ) -> Result<(), Refusal> {
        let limits = match rules.limits(standing.institution, class) {
            _ if seat.key() == PROBE_OUTLET => &PROBE,
            Some(limits) => limits,
            None => return Err(Refusal::not_in_plan()),
        };
        joined(rules, standing)?;
        let (own, kind) = (seat.of(class), &self.kinds[standing.institution as usize][class as usize]);
        if !many && !own.join(limits.each.concurrency) {
            return Err(Refusal::too_many_waiting());
        }
        let rest = self.share(class, kind, limits.all, now_ns).and_then(|()| {
            let kept = rates(own, limits.each, kind, limits.all, now_ns);
            kept.inspect_err(|_| {
                kind.leave();
                self.classes[class as usize].leave();
            })
        });
        rest.inspect_err(|_| {
            if !many {
                own.leave();
            }
        })
    }

    /// A place among those of its kind and of its class.
    fn share(&self, class: Class, kind: &Use, all: Option<Limit>, now_ns: u64) -> Result<(), Refusal> {
        if !kind.join(all.map_or(u32::MAX, |all| all.concurrency)) {
            return Err(Refusal::too_many_of_kind());
        }
        if !self.classes[class as usize].join(now_ns) {
            kind.leave();
            return Err(Refusal::overloaded(class));
        }
        Ok(())
    }

    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.since).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Permit {
    /// Lets the terminal in, which the body named.
    ///
    /// # Errors
    /// [`Refusal`], as `over_cap`. It is counted.
    pub fn terminal(&mut self, terminal: &str) -> Result<(), Refusal> {
        let admission = &*self.admission;
        let rules = admission.rules.load();
        let limits = rules.limits(self.institution, self.class);
        let Some(limit) = limits.and_then(|limits| limits.terminal) else { return Ok(()) };
        let now_ns = admission.nanos(self.taken);
        let mut room = [0; OutletCode::MAX_LEN + 1 + TerminalId::MAX_LEN];
        let key = key_of(&mut room, self.seat.key(), terminal);
        let stands = || Standing { institution: self.institution, opening: Opening::Open };
        let found = admission.seats.find(key, rules.generation, now_ns, stands);
        let refusal = match found {
            None => Refusal::crowded(),
            Some((seat, _)) => match one(seat.of(self.class), limit, now_ns) {
                Ok(()) => {
                    self.terminal = Some(seat);
                    return Ok(());
                }
                Err(refusal) => {
                    seat.refused.fetch_add(1, Relaxed);
                    refusal
                }
            },
        };
        admission.tally.refuse(self.class, self.institution, refusal.reason);
        Err(refusal)
    }

    /// The message was read and is worth an answer: it counts as admitted, and so does the time until it is done.
    pub fn good(&mut self) {
        self.good = true;
    }

    /// The type of its outlet, as the caps know it: an import of the registry is known here a moment after its version.
    #[must_use]
    pub fn outlet(&self) -> Option<OutletType> {
        self.institution.outlets()
    }

    /// The class that it was let in.
    #[must_use]
    pub fn class(&self) -> Class {
        self.class
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Self { admission, class, institution, seat, .. } = self;
        let state = &admission.classes[*class as usize];
        if self.good {
            let now = Instant::now();
            state.done(now.saturating_duration_since(self.taken), admission.nanos(now));
            admission.tally.admit(*class, *institution);
        } else {
            state.leave();
        }
        admission.kinds[*institution as usize][*class as usize].leave();
        if self.counts {
            seat.of(*class).leave();
        }
        if let Some(terminal) = &self.terminal {
            terminal.of(*class).leave();
        }
    }
}

/// A code holds no dot, so no outlet has the key of a terminal.
fn key_of<'k>(room: &'k mut [u8], outlet: &str, terminal: &str) -> &'k str {
    let (length, from) = (outlet.len() + 1 + terminal.len(), outlet.len() + 1);
    room[..outlet.len()].copy_from_slice(outlet.as_bytes());
    room[outlet.len()] = b'.';
    room[from..length].copy_from_slice(terminal.as_bytes());
    std::str::from_utf8(&room[..length]).expect("two texts and a dot are text")
}

fn one(place: &Use, limit: Limit, now_ns: u64) -> Result<(), Refusal> {
    if !place.join(limit.concurrency) {
        return Err(Refusal::too_many_of_terminal());
    }
    place.bucket.take(limit.rate, now_ns).map_err(|wait_ns| {
        place.leave();
        Refusal::too_fast_terminal(wait_ns)
    })
}

fn rates(own: &Use, each: Limit, kind: &Use, all: Option<Limit>, now_ns: u64) -> Result<(), Refusal> {
    own.bucket.take(each.rate, now_ns).map_err(Refusal::too_fast)?;
    match all {
        Some(all) => kind.bucket.take(all.rate, now_ns).map_err(Refusal::too_fast_kind),
        None => Ok(()),
    }
}

/// Whether an institution has joined.
fn joined(rules: &Rules, standing: Standing) -> Result<(), Refusal> {
    match standing.opening {
        Opening::Open => Ok(()),
        Opening::At(at) => {
            let now = crate::clock::now();
            if now < at {
                Err(Refusal::not_yet(now, at))
            } else if rules.held_since.is_some_and(|since: Millis| at >= since) {
                Err(Refusal::held())
            } else {
                Ok(())
            }
        }
        Opening::Never => Err(Refusal::in_no_cohort()),
        Opening::NotYetKnown => Err(Refusal::region_unknown()),
    }
}

#[cfg(test)]
mod off;
#[cfg(test)]
mod tests;
