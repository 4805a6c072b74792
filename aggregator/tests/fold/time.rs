//! What time does: clocks that are off, arrivals, silence, hiding.

use aggregator::{Cutter, Fold};
use schemas::entry::{Act, Entry, PosEntry};
use schemas::snapshot::{ItemView, OutletView};
use schemas::{Level, Millis};

use crate::journal::{NINE, OUTLETS, delta, import, pos, report, tick};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// The first outlet at a tick after these entries.
fn outlet_at(entries: &[Entry<'static>], after_ms: i64) -> OutletView {
    let mut fold = Fold::default();
    for (seq, entry) in (1..).zip(import(1, &OUTLETS[..1], 0).iter().chain(entries).chain(&[tick(after_ms)]))
    {
        fold.apply(seq, entry.clone());
    }
    (**Cutter::default().cut(&mut fold).unwrap().outlets[0].as_ref().unwrap()).clone()
}

fn mask_at(entries: &[Entry<'static>], after_ms: i64) -> ItemView {
    outlet_at(entries, after_ms).item("mask").unwrap().clone()
}

fn sent(at: Millis, sent: Option<Millis>, received: Millis) -> Entry<'static> {
    Entry::Pos(PosEntry { outlet: OUTLETS[0], terminal: "t1", seq: 1, at, sent, received, act: report(5) })
}

#[test]
fn a_clock_more_than_two_minutes_off_is_corrected_where_it_was_measured() {
    let hour = 60 * MINUTE;
    let observed = |at, sent_at| mask_at(&[sent(at, sent_at, NINE)], 1).observed;
    // A slow clock, a fast clock, one within the tolerance, and an offline queue behind a good clock.
    assert_eq!(observed(NINE.plus(-hour - 5_000), Some(NINE.plus(-hour))), NINE.plus(-5_000));
    assert_eq!(observed(NINE.plus(hour - 5_000), Some(NINE.plus(hour))), NINE.plus(-5_000));
    assert_eq!(observed(NINE.plus(-MINUTE - 5_000), Some(NINE.plus(-MINUTE))), NINE.plus(-MINUTE - 5_000));
    assert_eq!(observed(NINE.plus(-hour), None), NINE.plus(-hour));
    // Nothing is observed after it was received.
    assert_eq!(observed(NINE.plus(MINUTE), None), NINE);
}

#[test]
fn stock_arrives_when_the_count_goes_up_or_is_first_told() {
    let first = pos(OUTLETS[0], "t1", 1, 1_000, report(10));
    let sold = pos(OUTLETS[0], "t1", 2, 2_000, delta(-2));
    let recounted = pos(OUTLETS[0], "t1", 3, 3_000, report(8));
    let arrived = pos(OUTLETS[0], "t1", 4, 4_000, delta(50));
    let entries = [first, sold, recounted, arrived];
    assert_eq!(mask_at(&entries[..3], 9_000).arrived, NINE.plus(1_000));
    assert_eq!(mask_at(&entries[..3], 9_000).changed, NINE.plus(2_000));
    assert_eq!(mask_at(&entries, 9_000).arrived, NINE.plus(4_000));
}

#[test]
fn below_zero_is_unknown_and_keeps_the_last_band() {
    let entries = [pos(OUTLETS[0], "t1", 1, 0, report(40)), pos(OUTLETS[0], "t1", 2, 1, delta(-41))];
    let mask = mask_at(&entries, 2);
    assert_eq!((mask.count, mask.level, mask.band), (None, Level::Unknown, Some(schemas::Band::Some)));
}

#[test]
fn a_suspension_is_apart_from_the_count() {
    let pause = pos(OUTLETS[0], "t1", 2, 1, Act::Pause { item: "mask" });
    let entries = [pos(OUTLETS[0], "t1", 1, 0, report(40)), pause, pos(OUTLETS[0], "t1", 3, 2, report(30))];
    let mask = mask_at(&entries, 3);
    assert_eq!((mask.count, mask.level, mask.paused), (Some(30), Level::Break, true));
}

#[test]
fn silence_in_opening_hours_makes_the_level_unknown_and_a_month_of_it_hides_the_stock() {
    let entries = [pos(OUTLETS[0], "t1", 1, 0, report(40))];
    let at = |after_ms: i64| mask_at(&entries, after_ms);
    assert_eq!(at(30 * MINUTE - 1).level, Level::Some);
    let silent = at(30 * MINUTE);
    assert_eq!(
        (silent.level, silent.count, silent.band),
        (Level::Unknown, Some(40), Some(schemas::Band::Some))
    );
    assert!(outlet_at(&entries, 29 * DAY - 1).item("mask").is_some());
    assert!(outlet_at(&entries, 29 * DAY).items.is_empty());
}
