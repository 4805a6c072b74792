//! Caps in the fold: the journal carries them, and a checkpoint keeps them.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod holds;

use aggregator::{Applied, Fold};
use schemas::caps::{Caps, SHIPPED};
use schemas::entry::Entry;

fn shipped(name: &str) -> Caps {
    let (_, document) = SHIPPED.iter().find(|(known, _)| *known == name).unwrap();
    toml::from_str(document).unwrap()
}

#[test]
fn the_journal_carries_them_and_a_checkpoint_keeps_them() {
    let mut fold = Fold::default();
    assert_eq!(fold.caps(), None);
    let caps = shipped("post-offices-2020");
    let line = serde_json::to_string(&Entry::Caps(Box::new(caps.clone()))).unwrap();
    assert_eq!(fold.apply(1, serde_json::from_str(&line).unwrap()), Applied::Caps { in_force: true });
    let mut faulty = caps.clone();
    faulty.plans.clear();
    assert_eq!(fold.apply(2, Entry::Caps(Box::new(faulty))), Applied::Caps { in_force: false });
    assert_eq!(fold.caps().map(|caps| (**caps).clone()), Some(caps.clone()));
    let bytes = fold.checkpoint().to_bytes();
    assert_eq!(Fold::restore(bytes.as_slice()).unwrap().caps().map(|c| (**c).clone()), Some(caps));
}

#[test]
fn checkpoints_of_before_what_was_added_later_are_read() {
    let mut fold = Fold::default();
    fold.apply(7, Entry::Rules(schemas::entry::Rules::default()));
    let now = fold.checkpoint().to_bytes();
    // Before: another number, and no blocks of these after that of the state.
    let end = |from: usize| from + 8 + u32::from_le_bytes(now[from..from + 4].try_into().unwrap()) as usize;
    let (state, caps) = (end(8), end(end(8)));
    let (ids, holds) = (end(caps), end(end(caps)));
    let rows = end(holds);
    let without_earlier = [b"JAEGOCK5", &now[8..holds], &now[rows..]].concat();
    let without_holds = [b"JAEGOCK4", &now[8..ids], &now[rows..]].concat();
    let without_ids = [b"JAEGOCK3", &now[8..caps], &now[rows..]].concat();
    let without_caps = [b"JAEGOCK2", &now[8..state], &now[rows..]].concat();
    for before in [without_earlier, without_holds, without_ids, without_caps] {
        let restored = Fold::restore(before.as_slice()).unwrap();
        assert_eq!((restored.applied(), restored.caps()), (7, None));
        assert_eq!(restored.holds().iter().count(), 0);
    }
}
