//! What holds for every schedule and every order of purchases in time.

use aggregator::calendar::day_of;
use aggregator::{Asked, Judgment, Rulebook};
use proptest::prelude::*;
use schemas::claim::Refusal;
use schemas::policy::Schedule;
use schemas::time::{civil, day_number};

use crate::documents::{mask, questions, schedule};
use crate::naive::{Naive, Question, allowance};

fn judge(rulebook: &Rulebook, naive: &Naive<'_>, asked: &Question) -> Judgment {
    let today = day_of(asked.at, rulebook.offset_minutes());
    let question = Asked {
        at: asked.at,
        group: rulebook.group_of(mask().as_str()),
        quantity: asked.quantity,
        person: &asked.person,
        buyer: asked.buyer.as_ref(),
        ground: asked.ground,
        outlet: asked.outlet,
    };
    rulebook.judge(&question, |days| {
        assert!(*days.end() <= today && *days.start() >= today - rulebook.look_back_days(), "{days:?}");
        let inside = naive.bought.iter().filter(|(day, _)| days.contains(&day_number(*day)));
        inside.map(|(_, pieces)| pieces).sum()
    })
}

/// Enters a purchase, if it was one.
fn enter(naive: &mut Naive<'_>, asked: &Question, judgment: &Judgment) {
    if judgment.refusal.is_none() && asked.quantity > 0 {
        naive.bought.push((naive.date(asked.at), asked.quantity));
    }
}

fn compiled(schedule: &Schedule) -> Rulebook {
    Rulebook::new(schedule).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_rulebook_says_what_the_document_says(schedule in schedule(), questions in questions()) {
        let rulebook = compiled(&schedule);
        let mut naive = Naive { schedule: &schedule, bought: Vec::new() };
        for asked in questions {
            let judgment = judge(&rulebook, &naive, &asked);
            prop_assert_eq!(judgment.refusal, naive.refusal(&asked), "{:?}", asked);
            enter(&mut naive, &asked, &judgment);
            if judgment.refusal == Some(Refusal::NotRationed) {
                let nothing = (judgment.remaining, judgment.window_ends, judgment.next_eligible);
                prop_assert_eq!(nothing, (None, None, None));
                continue;
            }
            let policy = naive.policy(asked.at).unwrap();
            let remaining = naive.left(policy, &asked.person, naive.date(asked.at));
            prop_assert_eq!(judgment.remaining, remaining, "{:?}", asked);
            prop_assert_eq!(judgment.window_ends.map(civil), naive.window_ends(&asked), "{:?}", asked);
            let next = naive.next_eligible(&asked, |later| naive.refusal(later));
            prop_assert_eq!(judgment.next_eligible.map(civil), next, "{:?}", asked);
        }
    }

    #[test]
    fn nobody_is_granted_more_than_the_quantity_of_a_window(schedule in schedule(), questions in questions()) {
        let rulebook = compiled(&schedule);
        let mut naive = Naive { schedule: &schedule, bought: Vec::new() };
        for asked in questions {
            let before = naive.clone();
            let judgment = judge(&rulebook, &naive, &asked);
            enter(&mut naive, &asked, &judgment);
            if judgment.refusal.is_none() && asked.quantity > 0 {
                let (policy, today) = (naive.policy(asked.at).unwrap(), naive.date(asked.at));
                let used = naive.used(policy.window, today);
                prop_assert!(Some(used) <= allowance(policy, &asked.person), "{used} after {asked:?}");
                prop_assert!(policy.split || before.used(policy.window, today) == 0, "split: {asked:?}");
            }
        }
    }

    #[test]
    fn the_next_eligible_day_is_the_first_that_grants(schedule in schedule(), questions in questions()) {
        let rulebook = compiled(&schedule);
        let mut naive = Naive { schedule: &schedule, bought: Vec::new() };
        for asked in questions {
            let judgment = judge(&rulebook, &naive, &asked);
            enter(&mut naive, &asked, &judgment);
            if judgment.refusal != Some(Refusal::NotRationed) {
                let next = naive.next_eligible(&asked, |later| judge(&rulebook, &naive, later).refusal);
                prop_assert_eq!(judgment.next_eligible.map(civil), next, "{:?}", asked);
            }
        }
    }
}
