//! A ration in play: a shipped schedule, and who bought what on which local day.

use std::ops::RangeInclusive;

use aggregator::calendar::day_of;
use aggregator::{Asked, Judgment, Rulebook};
use schemas::Millis;
use schemas::claim::Refusal;
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::policy::{Ground, Schedule, shipped};
use schemas::registry::OutletType;
use schemas::time::civil;

/// Granted with so many remaining, or refused.
pub type Answer = Result<u32, Refusal>;

pub struct Ration {
    rulebook: Rulebook,
    zone: &'static str,
    /// How often one judgment may ask for what was bought.
    most_calls: usize,
    bought: Vec<(PersonKey, i32, u32)>,
}

/// Who stands at the counter, for whom, with which proof.
#[derive(Clone, Copy)]
pub struct Visit {
    pub person: Person,
    pub buyer: Option<Person>,
    pub ground: Option<Ground>,
}

/// A Korean of this year of birth; one person for each year.
pub fn born(year: u16) -> Visit {
    visit(Person { born: Some(year), ..somebody(u32::from(year), PersonKind::Resident) })
}

/// A Taiwanese with this last digit on the card, and this year of birth.
pub fn card(digit: u8, year: u16) -> Visit {
    let number = u32::from(digit) * 10_000 + u32::from(year);
    visit(Person { born: Some(year), digit: Some(digit), ..somebody(number, PersonKind::Card) })
}

/// Somebody of whom neither year nor digit is known.
pub fn unknown(kind: PersonKind) -> Visit {
    visit(somebody(0, kind))
}

fn visit(person: Person) -> Visit {
    Visit { person, buyer: None, ground: None }
}

fn somebody(number: u32, kind: PersonKind) -> Person {
    let mut key = [0; 16];
    key[..4].copy_from_slice(&number.to_le_bytes());
    Person { key: PersonKey(key), was: None, kind, born: None, digit: None }
}

impl Visit {
    /// Another comes in this person's place.
    pub fn by(self, buyer: Visit) -> Self {
        Self { buyer: Some(buyer.person), ..self }
    }

    /// … and shows this proof.
    pub fn proof(self, ground: Ground) -> Self {
        Self { ground: Some(ground), ..self }
    }
}

pub fn korea() -> Ration {
    // Weeks only: one look is enough.
    Ration::of("korea-2020", "+09:00", 1)
}

pub fn taiwan() -> Ration {
    // One look, three or four to halve a window for its end, and one for each day until something is left.
    Ration::of("taiwan-2020", "+08:00", 20)
}

impl Ration {
    fn of(name: &str, zone: &'static str, most_calls: usize) -> Self {
        let schedule: Schedule = toml::from_str(shipped(name).unwrap()).unwrap();
        let rulebook = Rulebook::new(&schedule).unwrap_or_else(|faults| panic!("{faults:#?}"));
        Self { rulebook, zone, most_calls, bought: Vec::new() }
    }

    /// Judges a purchase at a local time such as `2020-03-09 09:00:00`, and enters it where it is granted.
    pub fn judge(&mut self, at: &str, who: Visit, quantity: u32) -> Judgment {
        let at = Millis::parse(&format!("{}{}", at.replace(' ', "T"), self.zone)).unwrap();
        let today = day_of(at, self.rulebook.offset_minutes());
        let asked = Asked {
            at,
            group: self.rulebook.group_of("mask"),
            quantity,
            person: &who.person,
            buyer: who.buyer.as_ref(),
            ground: who.ground,
            outlet: Some(OutletType::Pharmacy),
        };
        let mut calls = 0;
        let judgment = self.rulebook.judge(&asked, |days| {
            calls += 1;
            assert!(*days.end() <= today, "asked for a day to come");
            assert!(*days.start() >= today - self.rulebook.look_back_days(), "asked for a day too far back");
            self.pieces(who.person.key, &days)
        });
        assert!(calls <= self.most_calls, "the books were opened {calls} times");
        if judgment.refusal.is_none() {
            self.bought.push((who.person.key, today, quantity));
        }
        judgment
    }

    pub fn buy(&mut self, at: &str, who: Visit, quantity: u32) -> Answer {
        let judgment = self.judge(at, who, quantity);
        judgment.refusal.map_or_else(|| Ok(judgment.remaining.unwrap()), Err)
    }

    /// The answer to a purchase that is not entered.
    pub fn ask(&self, at: &str, who: Visit, quantity: u32) -> Answer {
        self.copy().buy(at, who, quantity)
    }

    /// The next eligible day after a purchase that is not entered.
    pub fn next(&self, at: &str, who: Visit, quantity: u32) -> Option<String> {
        self.copy().judge(at, who, quantity).next_eligible.map(|day| civil(day).to_string())
    }

    /// The first day after the window, of a purchase that is not entered.
    pub fn ends(&self, at: &str, who: Visit, quantity: u32) -> Option<String> {
        self.copy().judge(at, who, quantity).window_ends.map(|day| civil(day).to_string())
    }

    fn copy(&self) -> Self {
        Self { rulebook: self.rulebook.clone(), bought: self.bought.clone(), ..*self }
    }

    fn pieces(&self, person: PersonKey, days: &RangeInclusive<i32>) -> u32 {
        let own = self.bought.iter().filter(|(key, day, _)| *key == person && days.contains(day));
        own.map(|(_, _, pieces)| pieces).sum()
    }
}
