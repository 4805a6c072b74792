//! A person is one person under every key that was ever in use.

use aggregator::Ask;
use schemas::claim::Verdict;
use schemas::entry::ClaimEntry;
use schemas::person::Person;
use schemas::policy::Window;

use crate::world::*;

/// A claim under the key of one generation, with that of another as the one before.
fn under(id: u128, quantity: u32, generation: u8, was: Option<u8>) -> ClaimEntry<'static> {
    let mut claim = claim(id, 1, quantity, MONDAY.plus(HOUR));
    claim.person = known(generation, was);
    claim
}

fn known(generation: u8, was: Option<u8>) -> Person {
    Person { key: key(1, generation), was: was.map(|was| key(1, was)), ..born(1, 1980) }
}

fn granted(world: &mut World, claim: ClaimEntry<'_>) -> bool {
    world.claim(claim).unwrap().verdict == Verdict::Granted
}

fn remaining(world: &World, person: &Person) -> Option<u32> {
    let at = MONDAY.plus(HOUR);
    let ask = Ask { at, item: "mask", quantity: 0, person, buyer: None, ground: None, outlet: None };
    world.fold.books().check(&ask).remaining
}

#[test]
fn purchases_under_the_old_key_both_or_the_new_one_add_up() {
    for forms in [[(0, None), (1, Some(0)), (0, None)], [(1, Some(0)), (0, None), (1, Some(0))]] {
        let mut world = World::under(masks(Window::Week, 2));
        world.keys(1, Some(0));
        let [first, second, third] = forms;
        assert!(granted(&mut world, under(1, 1, first.0, first.1)));
        assert!(granted(&mut world, under(2, 1, second.0, second.1)));
        assert!(!granted(&mut world, under(3, 1, third.0, third.1)));
        world.keys(1, None);
        assert!(!granted(&mut world, under(4, 1, 1, None)));
    }
}

#[test]
fn two_changes_of_keys_make_one_chain() {
    let mut world = World::under(masks(Window::Week, 3));
    assert!(granted(&mut world, under(1, 1, 0, None)));
    world.keys(1, Some(0));
    assert!(granted(&mut world, under(2, 1, 1, Some(0))));
    world.keys(2, Some(1));
    assert!(granted(&mut world, under(3, 1, 2, Some(1))));
    for (id, generation, was) in [(4, 0, None), (5, 1, None), (6, 2, None), (7, 1, Some(0)), (8, 2, Some(1))]
    {
        assert!(!granted(&mut world, under(id, 1, generation, was)), "generation {generation}");
    }
    let mut world = world.restarted();
    world.void(1, OUTLETS[0], MONDAY.plus(HOUR)).unwrap();
    assert!(granted(&mut world, under(9, 1, 0, None)));
}

#[test]
fn a_change_of_keys_that_is_taken_back_loses_nothing() {
    let mut world = World::under(masks(Window::Week, 2));
    world.keys(1, Some(0));
    assert!(granted(&mut world, under(1, 2, 1, Some(0))));
    world.keys(0, Some(1));
    // Gateways that did not hear of it yet among those that did.
    for (id, generation) in [(2, 0), (3, 1), (4, 0), (5, 1), (6, 0)] {
        assert!(!granted(&mut world, under(id, 1, generation, Some(1 - generation))));
    }
    world.keys(0, None);
    assert!(!granted(&mut world, under(7, 1, 0, None)));
}

#[test]
fn a_claim_under_a_key_that_is_gone_gives_back_to_the_same_person() {
    let mut world = World::under(masks(Window::Week, 2));
    assert!(granted(&mut world, under(1, 2, 0, None)));
    world.keys(1, Some(0));
    assert!(!granted(&mut world, under(2, 1, 1, Some(0))));
    world.keys(1, None);
    world.void(1, OUTLETS[0], MONDAY.plus(HOUR)).unwrap();
    assert!(granted(&mut world, under(3, 2, 1, None)));
    assert!(!granted(&mut world, under(4, 1, 1, None)));
}

#[test]
fn a_check_counts_each_purchase_once_whatever_keys_are_told() {
    let mut world = World::under(masks(Window::Week, 5));
    assert!(granted(&mut world, under(1, 1, 0, Some(0))));
    assert_eq!(remaining(&world, &known(0, Some(0))), Some(4));
    assert_eq!(remaining(&world, &known(1, Some(0))), Some(4));
    assert!(granted(&mut world, under(2, 1, 1, Some(0))));
    for (generation, was) in [(1, Some(0)), (0, None), (1, None), (0, Some(1)), (1, Some(1))] {
        assert_eq!(remaining(&world, &known(generation, was)), Some(3), "{generation} {was:?}");
    }
}
