//! Same journal, same bytes: from the start, from every checkpoint, with every version cut or only the last.

use aggregator::{Cutter, Fold};
use proptest::prelude::*;
use schemas::entry::Entry;

use crate::journal::any_journal;

/// The version of this fold as bytes, by a cutter that knows no other version.
fn cut_bytes(fold: &mut Fold) -> Option<Vec<u8>> {
    Cutter::default().cut(fold).map(|snapshot| serde_json::to_vec(&*snapshot).unwrap())
}

/// Folds on from a state and returns it.
fn fold_on(mut fold: Fold, journal: &[Entry<'static>]) -> Fold {
    let from = usize::try_from(fold.applied()).unwrap();
    for (seq, entry) in (1..).zip(journal).skip(from) {
        fold.apply(seq, entry.clone());
    }
    fold
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_checkpoint_leads_to_the_same_bytes(journal in any_journal()) {
        let mut whole = fold_on(Fold::default(), &journal);
        let (state, version) = (whole.checkpoint().to_bytes(), cut_bytes(&mut whole));
        let mut fold = Fold::default();
        for (seq, entry) in (1..).zip(&journal) {
            fold.apply(seq, entry.clone());
            let restored = Fold::restore(&fold.checkpoint().to_bytes()[..]).unwrap();
            prop_assert_eq!(restored.clocks_off(), fold.clocks_off(), "counted anew after {}", seq);
            let mut resumed = fold_on(restored, &journal);
            prop_assert_eq!(&resumed.checkpoint().to_bytes(), &state, "resumed after {}", seq);
            prop_assert_eq!(&cut_bytes(&mut resumed), &version, "resumed after {}", seq);
        }
    }

    #[test]
    fn cutting_version_after_version_gives_what_cutting_one_gives(journal in any_journal()) {
        let (mut fold, mut cutter) = (Fold::default(), Cutter::default());
        for (seq, entry) in (1..).zip(&journal) {
            let ticked = fold.apply(seq, entry.clone()) == aggregator::Applied::Tick;
            if ticked {
                let cut = serde_json::to_vec(&*cutter.cut(&mut fold).unwrap()).unwrap();
                prop_assert_eq!(Some(cut), cut_bytes(&mut fold_on(Fold::default(), &journal[..usize::try_from(seq).unwrap()])));
            }
        }
    }

    #[test]
    fn a_damaged_checkpoint_is_refused(journal in any_journal(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = fold_on(Fold::default(), &journal).checkpoint().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Fold::restore(&bytes[..]).is_err());
        bytes[at] ^= 1 << bit;
        prop_assert!(Fold::restore(&bytes[..at]).is_err());
    }

    #[test]
    fn a_checkpoint_is_of_the_moment_it_was_taken_however_late_it_is_written(
        journal in any_journal(),
        at in any::<prop::sample::Index>(),
    ) {
        let at = at.index(journal.len());
        let mut fold = fold_on(Fold::default(), &journal[..at]);
        let (now, later) = (fold.checkpoint().to_bytes(), fold.checkpoint());
        fold = fold_on(fold, &journal);
        prop_assert_eq!(later.to_bytes(), now);
        prop_assert_eq!(fold.checkpoint().to_bytes(), fold_on(Fold::default(), &journal).checkpoint().to_bytes());
    }
}
