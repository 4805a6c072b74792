//! Registry imports: all at once or not at all, places that do not shift, outlets that nobody registered.

use aggregator::{Applied, Cutter, Fold, RegistryOutcome};
use schemas::entry::Entry;
use schemas::snapshot::Snapshot;

use crate::journal::{OUTLETS, import, pos, report, tick};

/// A fold, fed and cut step by step.
#[derive(Default)]
struct Bench {
    fold: Fold,
    cutter: Cutter,
    seq: u64,
}

impl Bench {
    fn apply(&mut self, entries: impl IntoIterator<Item = Entry<'static>>) -> Applied {
        let mut last = None;
        for entry in entries {
            self.seq += 1;
            last = Some(self.fold.apply(self.seq, entry));
        }
        last.unwrap()
    }

    fn cut(&mut self, after_ms: i64) -> std::sync::Arc<Snapshot> {
        self.apply([tick(after_ms)]);
        self.cutter.cut(&mut self.fold).unwrap()
    }
}

fn codes(snapshot: &Snapshot) -> Vec<Option<&str>> {
    snapshot.outlets.iter().map(|o| o.as_ref().map(|o| o.info.code.as_str())).collect()
}

#[test]
fn an_import_that_lacks_a_row_changes_nothing() {
    let mut bench = Bench::default();
    bench.apply(import(1, &OUTLETS[..2], 0));
    let mut broken = import(2, &OUTLETS[2..], 1);
    broken.remove(0);
    let outcome = bench.apply(broken);
    assert_eq!(outcome, Applied::Registry(RegistryOutcome::Incomplete { staged: 1, announced: 2 }));
    assert_eq!(codes(&bench.cut(2)), [Some(OUTLETS[0]), Some(OUTLETS[1])]);
}

#[test]
fn who_stays_keeps_the_place_and_who_joins_takes_one_that_is_free() {
    let mut bench = Bench::default();
    bench.apply(import(1, &OUTLETS[..3], 0));
    bench.apply([pos(OUTLETS[1], "t1", 1, 1, report(5)), pos(OUTLETS[2], "t1", 1, 2, report(6))]);
    assert_eq!(*bench.cut(3).heard, [Some(1), Some(2)]);

    bench.apply(import(2, &[OUTLETS[2], OUTLETS[0]], 10));
    let after = bench.cut(11);
    assert_eq!(codes(&after), [Some(OUTLETS[0]), None, Some(OUTLETS[2])]);
    assert_eq!(*after.heard, [None, Some(2)]);
    assert_eq!(after.unregistered.iter().map(|c| c.as_str()).collect::<Vec<_>>(), [OUTLETS[1]]);

    bench.apply(import(3, &[OUTLETS[3], OUTLETS[2], OUTLETS[0]], 20));
    bench.apply([pos(OUTLETS[3], "t1", 1, 21, report(7))]);
    let filled = bench.cut(22);
    assert_eq!(codes(&filled), [Some(OUTLETS[0]), Some(OUTLETS[3]), Some(OUTLETS[2])]);
    assert_eq!(*filled.heard, [Some(1), Some(2)]);
}

#[test]
fn an_import_of_which_a_batch_was_written_twice_is_whole() {
    let mut bench = Bench::default();
    let mut twice = import(1, &OUTLETS[..2], 0);
    twice.insert(0, twice[1].clone());
    assert_eq!(bench.apply(twice), Applied::Registry(RegistryOutcome::Imported { joined: 2, left: 0 }));
}

#[test]
fn an_outlet_that_nobody_registers_is_forgotten_in_the_end() {
    let mut bench = Bench::default();
    bench.apply([pos(OUTLETS[0], "t1", 1, 0, report(7))]);
    bench.cut(1);
    let month = 29 * 24 * 3_600_000;
    assert_eq!(bench.cut(month - 1).unregistered.len(), 1);
    assert_eq!(bench.cut(month + 3_600_000).unregistered.len(), 0);
}

#[test]
fn a_tick_from_a_clock_that_is_behind_still_cuts_a_version() {
    let mut bench = Bench::default();
    bench.apply(import(1, &OUTLETS[..1], 0));
    let ahead = bench.cut(3_600_000);
    bench.apply([pos(OUTLETS[0], "t1", 1, 5, report(7))]);
    let behind = bench.cut(6);
    assert!(behind.version > ahead.version);
    assert_eq!(behind.at, ahead.at);
    assert_eq!(behind.outlets[0].as_ref().unwrap().item("mask").unwrap().count, Some(7));
}

#[test]
fn stock_of_an_unregistered_outlet_appears_when_it_is_registered() {
    let mut bench = Bench::default();
    let applied = bench.apply([pos(OUTLETS[0], "t1", 1, 0, report(7))]);
    assert!(matches!(applied, Applied::Pos { registered: false, .. }));
    assert_eq!(bench.cut(1).unregistered.len(), 1);
    bench.apply(import(1, &OUTLETS[..1], 2));
    let snapshot = bench.cut(3);
    assert_eq!(snapshot.outlets[0].as_ref().unwrap().item("mask").unwrap().count, Some(7));
    assert_eq!((snapshot.unregistered.len(), &**snapshot.heard), (0, &[Some(0)][..]));
}

/// Found by chance: what was sent before the registration once hid what was sent after it.
#[test]
fn an_outlet_that_spoke_before_it_was_registered_is_cut_when_it_speaks_again() {
    let mut bench = Bench::default();
    bench.apply([pos(OUTLETS[0], "t1", 1, 0, report(7))]);
    bench.apply(import(1, &OUTLETS[..1], 1));
    bench.cut(2);
    bench.apply([pos(OUTLETS[0], "t1", 2, 3, report(9))]);
    assert_eq!(bench.cut(4).outlets[0].as_ref().unwrap().item("mask").unwrap().count, Some(9));
}
