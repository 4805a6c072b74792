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
fn who_leaves_keeps_a_place_until_the_grace_is_over() {
    let mut bench = Bench::default();
    bench.apply(import(1, &OUTLETS[..3], 0));
    bench.apply([pos(OUTLETS[1], "t1", 1, 1, report(5)), pos(OUTLETS[2], "t1", 1, 2, report(6))]);
    assert_eq!(*bench.cut(3).heard, [Some(1), Some(2)]);

    bench.apply(import(2, &[OUTLETS[3], OUTLETS[2], OUTLETS[0]], 10));
    let after = bench.cut(11);
    assert_eq!(codes(&after), [Some(OUTLETS[0]), None, Some(OUTLETS[2]), Some(OUTLETS[3])]);
    assert_eq!(*after.heard, [None, Some(2)]);
    assert_eq!(after.unregistered.iter().map(|c| c.as_str()).collect::<Vec<_>>(), [OUTLETS[1]]);

    let closed_up = bench.cut(10 * 60_000 + 10);
    assert_eq!(codes(&closed_up), [Some(OUTLETS[0]), Some(OUTLETS[2]), Some(OUTLETS[3])]);
    assert_eq!(*closed_up.heard, [Some(1)]);
    assert!(closed_up.registry_version > after.registry_version);
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
