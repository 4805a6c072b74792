//! Every interleaving of six actions by two people over the edge of a week, with the edge at every place.

use std::collections::BTreeMap;

use aggregator::Decided;
use schemas::claim::Verdict;
use schemas::policy::Window;
use schemas::pos::Reason;

use crate::world::*;

const LIMIT: u32 = 2;

/// What a person does at a counter. Retry, void and confirm are about this person's last claim or reservation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Buy(u32),
    Reserve(u32),
    Retry,
    Void,
    Confirm,
}

/// A claim as the model knows it.
#[derive(Debug, Clone, Copy)]
struct Kept {
    id: u128,
    act: Act,
    week: usize,
    granted: bool,
    remaining: u32,
    open: bool,
    void: bool,
}

/// All claims of one person.
#[derive(Default)]
struct Person(Vec<Kept>);

impl Person {
    fn held(&self, week: usize) -> u32 {
        let live = self.0.iter().filter(|kept| kept.week == week && kept.granted && !kept.void);
        live.map(|kept| kept.quantity()).sum()
    }

    fn take(&mut self, id: u128, act: Act, quantity: u32, week: usize) -> Kept {
        let left = LIMIT - self.held(week);
        let granted = quantity <= left;
        let remaining = if granted { left - quantity } else { left };
        let open = granted && matches!(act, Act::Reserve(_));
        self.0.push(Kept { id, act, week, granted, remaining, open, void: false });
        self.0[self.0.len() - 1]
    }
}

impl Kept {
    fn quantity(&self) -> u32 {
        let (Act::Buy(quantity) | Act::Reserve(quantity)) = self.act else { unreachable!() };
        quantity
    }

    fn verdict(&self) -> Verdict {
        match (self.granted, self.act) {
            (false, _) => Verdict::Refused,
            (true, Act::Reserve(_)) => Verdict::Reserved,
            (true, _) => Verdict::Granted,
        }
    }
}

/// One history: two fresh persons and their ids.
struct History<'a> {
    world: &'a mut World,
    people: [Person; 2],
    number: u128,
}

impl History<'_> {
    /// `week` 0 is the last millisecond of Sunday, 1 the first of Monday.
    fn act(&mut self, step: u128, who: usize, act: Act, week: usize) {
        let at = MONDAY.plus(if week == 0 { -1 } else { 0 });
        let id = self.number << 8 | step;
        match act {
            Act::Buy(quantity) | Act::Reserve(quantity) => {
                let expected = self.people[who].take(id, act, quantity, week);
                let said = self.send(who, &expected, at).unwrap();
                check(&expected, &said, false);
                assert!(self.people[who].held(week) <= LIMIT);
            }
            Act::Retry => {
                if let Some(before) = self.people[who].0.last().copied() {
                    check(&before, &self.send(who, &before, at).unwrap(), true);
                }
            }
            Act::Void | Act::Confirm => self.settle(id, who, act, at),
        }
    }

    fn send(&mut self, who: usize, claimed: &Kept, at: schemas::Millis) -> Said {
        let mut entry = claim(claimed.id, 0, claimed.quantity(), at);
        entry.person.key.0[..8].copy_from_slice(&mix(self.number * 2 + who as u128).to_le_bytes());
        entry.until = matches!(claimed.act, Act::Reserve(_)).then(|| at.plus(HOUR));
        self.world.claim(entry)
    }

    fn settle(&mut self, unknown: u128, who: usize, act: Act, at: schemas::Millis) {
        let last = self.people[who].0.last_mut();
        let id = last.as_ref().map_or(unknown, |kept| kept.id);
        let said = if act == Act::Void {
            self.world.void(id, OUTLETS[0], at)
        } else {
            self.world.confirm(id, OUTLETS[0], at)
        };
        let expected = last.map_or(Err(Reason::UnknownClaim), |kept| settled(kept, act));
        assert_eq!(said.map(|said| said.replayed), expected);
    }
}

/// Settles it in the model; tells whether it was so before.
fn settled(kept: &mut Kept, act: Act) -> Result<bool, Reason> {
    let reserved = matches!(kept.act, Act::Reserve(_));
    match act {
        Act::Void if !kept.granted => Err(Reason::NothingToVoid),
        Act::Void => Ok(std::mem::replace(&mut kept.void, true)),
        _ if !kept.granted || kept.void || !reserved => Err(Reason::NotHeld),
        _ => Ok(!std::mem::replace(&mut kept.open, false)),
    }
}

fn check(expected: &Kept, said: &Decided, replayed: bool) {
    assert_eq!(
        (said.verdict, said.remaining, said.replayed),
        (expected.verdict(), Some(expected.remaining), replayed),
        "{expected:?}"
    );
}

fn mix(number: u128) -> u64 {
    (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Runs them all, the first action always by the first person, and tells how many there were.
fn run_all(alphabet: &[Act], length: u32) -> usize {
    let letters = alphabet.len() * 2;
    let mut world = World::default();
    let mut histories = 0;
    for code in (0..letters.pow(length)).filter(|code| code % 2 == 0) {
        for edge in 0..=length {
            if histories % 8192 == 0 {
                world = World::under(masks(Window::Week, LIMIT));
            }
            histories += 1;
            let people = Default::default();
            let mut history = History { world: &mut world, people, number: histories as u128 };
            let mut rest = code;
            for step in 0..length {
                let letter = rest % letters;
                rest /= letters;
                history.act(u128::from(step), letter % 2, alphabet[letter / 2], usize::from(step >= edge));
            }
        }
    }
    histories
}

#[test]
fn sales_retries_and_voids() {
    assert_eq!(run_all(&[Act::Buy(2), Act::Retry, Act::Void], 6), 163_296);
}

#[test]
fn sales_in_parts() {
    assert_eq!(run_all(&[Act::Buy(1), Act::Buy(2), Act::Void], 6), 163_296);
}

#[test]
fn reservations() {
    assert_eq!(run_all(&[Act::Reserve(2), Act::Confirm, Act::Void], 6), 163_296);
}

#[test]
fn all_actions_four_at_a_time() {
    let all = [Act::Buy(1), Act::Buy(2), Act::Retry, Act::Void, Act::Reserve(2), Act::Confirm];
    assert_eq!(run_all(&all, 4), 51_840);
    // What was enumerated is what was meant: no letter twice.
    let names: BTreeMap<String, Act> = all.iter().map(|act| (format!("{act:?}"), *act)).collect();
    assert_eq!(names.len(), all.len());
}
