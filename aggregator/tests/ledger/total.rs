//! Nothing that a journal can hold stops the ledger, and whatever it did reads back from a checkpoint.

use aggregator::{Applied, Fold};
use proptest::prelude::*;
use schemas::entry::Entry;
use schemas::pos::Reason;

use crate::any_entry::any_entry;
use crate::world::{OUTLETS, World};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_entry_stops_it(entries in prop::collection::vec(any_entry(), 1..80)) {
        let mut world = World::default();
        world.register(&OUTLETS[..2]);
        for entry in entries {
            let line = serde_json::to_vec(&entry).unwrap();
            let entry: Entry<'_> = serde_json::from_slice(&line).unwrap();
            let claim = if let Entry::Claim(claim) = &entry { Some(claim.id) } else { None };
            let applied = world.apply(entry);
            if let Some(id) = claim {
                let withdrawn = matches!(applied, Applied::Claim(Err(Reason::Withdrawn)));
                prop_assert_eq!(world.fold.books().claim(id).is_none(), withdrawn);
            }
        }
        if world.fold.tick().is_some() {
            world.cutter.cut(&mut world.fold);
        }
        let bytes = world.fold.checkpoint().to_bytes();
        prop_assert_eq!(Fold::restore(&bytes[..]).unwrap().checkpoint().to_bytes(), bytes);
    }
}
