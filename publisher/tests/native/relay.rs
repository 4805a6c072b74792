//! What cores tell edges leads to the very snapshot, whichever versions an edge or another core missed.

use std::sync::Arc;

use proptest::prelude::*;
use schemas::relay::Frame;
use schemas::snapshot::Snapshot;

use crate::world::{World, event};

fn told(frame: &Frame) -> Frame {
    serde_json::from_slice(&serde_json::to_vec(frame).unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn frames_lead_to_the_snapshot_that_they_were_made_of(
        // What happens in each version, how many versions the core that tells it had missed, and whether the edge hears it.
        steps in prop::collection::vec((prop::collection::vec(event(), 0..8), 0..3_usize, any::<bool>()), 1..12),
    ) {
        let mut world = World::of(30);
        let mut versions: Vec<Arc<Snapshot>> = vec![world.cut()];
        let mut held = told(&Frame::Keyframe(Arc::clone(&versions[0]))).applied(None).unwrap();
        prop_assert_eq!(&*held, &*versions[0]);
        for (events, missed, hears) in steps {
            events.iter().for_each(|event| world.happen(event));
            let new = world.cut();
            let old = Arc::clone(&versions[versions.len().saturating_sub(1 + missed)]);
            let frame = told(&Frame::between(&old, &new));
            versions.push(Arc::clone(&new));
            if !hears {
                continue;
            }
            // One that leads on from another version than is held is of no use, and is known to be.
            let reaches = old.version == held.version;
            let applied = frame.applied(Some(&held));
            prop_assert_eq!(applied.is_some(), reaches);
            if let Some(applied) = applied {
                prop_assert_eq!(&*applied, &*new);
                held = applied;
            }
        }
        let last = versions.last().unwrap();
        let anew = Frame::between(last, &versions[0]);
        prop_assert!(versions.len() == 1 || matches!(anew, Frame::Keyframe(_)), "time does not run backwards in a delta");
    }
}
