//! The stock rules against a model that remembers every message and derives everything anew from all of them.

use std::collections::{BTreeMap, BTreeSet};

use aggregator::{Applied, Cutter, Fold};
use proptest::prelude::*;
use schemas::entry::{Act, Entry};
use schemas::pos::Outcome;

use crate::journal::{ITEMS, OUTLETS, TERMINALS, any_act, any_seqs, import, pos, tick};

/// A message that took effect, with what had been seen of each terminal when it came.
struct Kept {
    terminal: usize,
    seq: u64,
    act: Act<'static>,
    highs: BTreeMap<usize, u64>,
}

/// All that one outlet ever sent.
#[derive(Default)]
struct Model {
    seen: BTreeMap<usize, BTreeSet<u64>>,
    kept: Vec<Kept>,
}

impl Model {
    fn take(&mut self, terminal: usize, seq: u64, act: &Act<'static>) -> Outcome {
        let seen = self.seen.entry(terminal).or_default();
        if seen.last().is_some_and(|high| seq + 64 <= *high) {
            return Outcome::Superseded;
        }
        if !seen.insert(seq) {
            return Outcome::Duplicate;
        }
        let highs = self.highs();
        if self.is_covered(terminal, seq, act) {
            return Outcome::Superseded;
        }
        self.kept.push(Kept { terminal, seq, act: act.clone(), highs });
        Outcome::Accepted
    }

    fn highs(&self) -> BTreeMap<usize, u64> {
        self.seen.iter().map(|(terminal, seqs)| (*terminal, *seqs.last().unwrap())).collect()
    }

    /// Whether something that took effect says more than this message could.
    fn is_covered(&self, terminal: usize, seq: u64, act: &Act<'static>) -> bool {
        self.kept.iter().any(|newer| same_subject(act, &newer.act) && covers(newer, terminal, seq))
    }

    fn count(&self, item: &str) -> Option<i64> {
        let of_item = |kept: &&Kept| item_of(&kept.act) == item;
        let last = self
            .kept
            .iter()
            .rposition(|kept| matches!(kept.act, Act::Report { .. }) && item_of(&kept.act) == item)?;
        let report = &self.kept[last];
        let Act::Report { count, .. } = report.act else { unreachable!() };
        let after = self.kept[last..].iter().filter(of_item).map(change).sum::<i64>();
        let overtook = |kept: &&Kept| kept.terminal == report.terminal && kept.seq > report.seq;
        let before = self.kept[..last].iter().filter(of_item).filter(overtook).map(change).sum::<i64>();
        Some(i64::from(count) + after + before)
    }

    fn paused(&self, item: &str) -> bool {
        let suspends = |kept: &&Kept| matches!(kept.act, Act::Pause { .. } | Act::Resume { .. });
        let last = self.kept.iter().rfind(|kept| suspends(kept) && item_of(&kept.act) == item);
        last.is_some_and(|kept| matches!(kept.act, Act::Pause { .. }))
    }

    fn gap(&self, item: &'static str) -> bool {
        let report = Act::Report { item, count: 0 };
        self.seen.iter().any(|(terminal, seqs)| {
            let (low, high) = (*seqs.first().unwrap(), *seqs.last().unwrap());
            (low..high).any(|seq| !seqs.contains(&seq) && !self.is_covered(*terminal, seq, &report))
        })
    }
}

/// Reports cover reports and deltas of their item; suspensions cover suspensions.
fn same_subject(act: &Act<'_>, newer: &Act<'_>) -> bool {
    let counts = matches!(act, Act::Report { .. } | Act::Delta { .. });
    let covering = if counts {
        matches!(newer, Act::Report { .. })
    } else {
        matches!(newer, Act::Pause { .. } | Act::Resume { .. })
    };
    covering && item_of(act) == item_of(newer)
}

fn covers(newer: &Kept, terminal: usize, seq: u64) -> bool {
    if newer.terminal == terminal {
        seq <= newer.seq
    } else {
        newer.highs.get(&terminal).is_some_and(|high| seq <= *high)
    }
}

fn item_of<'a>(act: &Act<'a>) -> &'a str {
    match act {
        Act::Report { item, .. } | Act::Delta { item, .. } | Act::Pause { item } | Act::Resume { item } => {
            item
        }
        Act::Notice(_) => unreachable!("the test sends no notices"),
    }
}

fn change(kept: &Kept) -> i64 {
    if let Act::Delta { change, .. } = kept.act { i64::from(change) } else { 0 }
}

fn any_traffic() -> impl Strategy<Value = Vec<(usize, u64, Act<'static>)>> {
    let terminal = prop::collection::vec(0..TERMINALS.len(), 150);
    let acts = prop::collection::vec(any_act(), 150);
    (terminal, any_seqs(150), acts).prop_map(|(terminals, seqs, acts)| {
        terminals.into_iter().zip(seqs).zip(acts).map(|((terminal, seq), act)| (terminal, seq, act)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn stock_is_what_the_model_says_under_reorder_repeat_and_gap(traffic in any_traffic()) {
        let (mut fold, mut cutter, mut model) = (Fold::default(), Cutter::default(), Model::default());
        let mut seq = 0;
        let mut apply = |fold: &mut Fold, entry: Entry<'_>| { seq += 1; fold.apply(seq, entry) };
        for entry in import(1, &OUTLETS[..1], 0) {
            apply(&mut fold, entry);
        }
        for (step, (terminal, number, act)) in (1..).zip(traffic) {
            let expected = model.take(terminal, number, &act);
            let applied = apply(&mut fold, pos(OUTLETS[0], TERMINALS[terminal], number, step, act));
            let Applied::Pos { outcome, registered: true, high_water } = applied else { panic!("{applied:?}") };
            prop_assert_eq!(outcome, expected);
            prop_assert_eq!(high_water, *model.seen[&terminal].last().unwrap());

            apply(&mut fold, tick(step));
            let snapshot = cutter.cut(&mut fold).unwrap();
            let view = snapshot.outlets[0].as_ref().unwrap();
            for item in ITEMS {
                let Some(seen) = view.item(item) else { continue };
                let count = model.count(item);
                prop_assert_eq!(seen.count.map(i64::from), count.filter(|c| *c >= 0), "{} at step {}", item, step);
                prop_assert_eq!(seen.paused, model.paused(item), "{} at step {}", item, step);
                prop_assert_eq!(seen.gap, model.gap(item), "{} at step {}", item, step);
            }
        }
    }
}
