//! Holds of cores: the last word of each counts, for as long as it said; ticks end what is not said again.

use aggregator::{Applied, Fold};
use schemas::Millis;
use schemas::entry::{Entry, HoldEntry, Tick};

/// A tick at this second.
fn tick(fold: &mut Fold, second: i64) {
    fold.apply(fold.applied() + 1, Entry::Tick(Tick { at: Millis(second * 1_000), interval_ms: 1_000 }));
}

/// A core says that it holds since one second and until another.
fn say(fold: &mut Fold, core: &str, since: i64, until: i64) {
    let hold = HoldEntry { core, since: Millis(since * 1_000), until: Millis(until * 1_000) };
    let line = serde_json::to_string(&Entry::Hold(hold)).unwrap();
    let entry = serde_json::from_str(&line).unwrap();
    assert_eq!(fold.apply(fold.applied() + 1, entry), Applied::Hold);
}

/// Who holds, since and until which second.
fn holds(fold: &Fold) -> Vec<(&str, i64, i64)> {
    fold.holds().iter().map(|(core, held)| (core, held.since.0 / 1_000, held.until.0 / 1_000)).collect()
}

#[test]
fn a_hold_lasts_until_it_is_ended_or_not_said_again() {
    let mut fold = Fold::default();
    tick(&mut fold, 1_000);
    say(&mut fold, "a", 990, 1_060);
    say(&mut fold, "b", 995, 1_030);
    say(&mut fold, "a", 990, 1_080);
    assert_eq!(holds(&fold), [("a", 990, 1_080), ("b", 995, 1_030)]);
    tick(&mut fold, 1_029);
    assert_eq!(holds(&fold).len(), 2);
    tick(&mut fold, 1_030);
    assert_eq!(holds(&fold), [("a", 990, 1_080)]);
    say(&mut fold, "a", 990, 1_029);
    assert_eq!(holds(&fold), []);
    // One that comes when it is over already changes nothing.
    say(&mut fold, "c", 900, 1_001);
    assert_eq!(holds(&fold), []);
}

#[test]
fn a_clock_that_is_ahead_does_not_hold_for_ever() {
    let mut fold = Fold::default();
    tick(&mut fold, 1_000);
    say(&mut fold, "ahead", 90_000, 90_060);
    assert_eq!(holds(&fold), [("ahead", 90_000, 1_120)]);
    tick(&mut fold, 1_120);
    assert_eq!(holds(&fold), []);
}

#[test]
fn a_checkpoint_keeps_them() {
    let mut fold = Fold::default();
    tick(&mut fold, 1_000);
    say(&mut fold, "a", 990, 1_060);
    let mut restored = Fold::restore(fold.checkpoint().to_bytes().as_slice()).unwrap();
    assert_eq!(holds(&restored), [("a", 990, 1_060)]);
    tick(&mut restored, 1_060);
    assert_eq!(holds(&restored), []);
}
