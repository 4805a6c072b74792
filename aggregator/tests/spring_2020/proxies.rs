//! Who could be bought for, on whose day, on which proof.

use schemas::claim::Refusal::{LimitReached, NotYourDay, ProxyNotAllowed};
use schemas::policy::Ground;

use crate::ration::{Answer, Visit, born, korea};

const GROUNDS: [Ground; 6] = [
    Ground::Family,
    Ground::Inpatient,
    Ground::Pregnant,
    Ground::Veteran,
    Ground::Disabled,
    Ground::LongTermCare,
];

/// Whether a person can be bought for on a Sunday, when the day is everybody's.
fn allowed(sunday: &str, who: Visit) -> bool {
    match korea().ask(&format!("{sunday} 12:00:00"), who.by(born(1985)), 1) {
        Ok(_) => true,
        Err(ProxyNotAllowed) => false,
        Err(other) => panic!("{sunday}: {other:?}"),
    }
}

#[test]
fn age_bands_have_their_edges() {
    let edges = [
        (2009, false, true),
        (2010, true, true),
        (2011, true, true),
        (2001, false, false),
        (2002, false, true),
        (2003, false, true),
        (1939, true, true),
        (1940, true, true),
        (1941, false, false),
    ];
    for (year, march, april) in edges {
        for sunday in ["2020-03-15", "2020-04-05"] {
            assert_eq!(allowed(sunday, born(year)), march, "{sunday}, born {year}");
        }
        for sunday in ["2020-04-12", "2020-05-03", "2020-05-24", "2020-06-07", "2020-06-21"] {
            assert_eq!(allowed(sunday, born(year)), april, "{sunday}, born {year}");
        }
    }
}

#[test]
fn grounds_have_their_dates() {
    let rules: [(&str, &[Ground]); 6] = [
        ("2020-04-05", &[]),
        ("2020-04-12", &[Ground::Inpatient, Ground::Pregnant, Ground::Veteran]),
        ("2020-05-03", &[Ground::Inpatient, Ground::Pregnant, Ground::Veteran]),
        ("2020-05-24", &[Ground::Family, Ground::Inpatient, Ground::Pregnant, Ground::Veteran]),
        ("2020-06-07", &[Ground::Family, Ground::Inpatient, Ground::Pregnant, Ground::Veteran]),
        ("2020-06-21", &[Ground::Family, Ground::Inpatient, Ground::Pregnant, Ground::Veteran]),
    ];
    for (sunday, grounds) in rules {
        assert!(!allowed(sunday, born(1970)), "{sunday}, without proof");
        for ground in GROUNDS {
            let expected = grounds.contains(&ground);
            assert_eq!(allowed(sunday, born(1970).proof(ground)), expected, "{sunday}, {ground:?}");
        }
    }
}

/// A child of digit 0 (Friday) and a parent of digit 6 (Monday): answers from Monday to Friday.
fn working_days(dates: [&str; 5]) -> Vec<Answer> {
    let visit = born(2010).by(born(1986));
    dates.iter().map(|date| korea().ask(&format!("{date} 12:00:00"), visit, 1)).collect()
}

#[test]
fn until_27_april_the_day_is_the_beneficiarys() {
    let wrong = Err(NotYourDay);
    let march = working_days(["2020-03-16", "2020-03-17", "2020-03-18", "2020-03-19", "2020-03-20"]);
    assert_eq!(march, [wrong, wrong, wrong, wrong, Ok(0)]);
    let april = working_days(["2020-04-20", "2020-04-21", "2020-04-22", "2020-04-23", "2020-04-24"]);
    assert_eq!(april, [wrong, wrong, wrong, wrong, Ok(0)]);
}

#[test]
fn from_27_april_either_persons_day_counts() {
    let wrong = Err(NotYourDay);
    let may = working_days(["2020-05-11", "2020-05-12", "2020-05-13", "2020-05-14", "2020-05-15"]);
    assert_eq!(may, [Ok(0), wrong, wrong, wrong, Ok(0)]);
    let split = working_days(["2020-05-18", "2020-05-19", "2020-05-20", "2020-05-21", "2020-05-22"]);
    assert_eq!(split, [Ok(2), wrong, wrong, wrong, Ok(2)]);
}

#[test]
fn the_turn_to_either_day_is_at_midnight() {
    // Monday 27 April is the parent's day; the Monday before was not.
    let visit = born(2010).by(born(1986));
    assert_eq!(korea().ask("2020-04-20 12:00:00", visit, 2), Err(NotYourDay));
    assert_eq!(korea().ask("2020-04-27 00:00:00", visit, 3), Ok(0));
    // Told on the Friday before, when the child's week is used up: the next day is the parent's Monday.
    let mut ration = korea();
    ration.buy("2020-04-24 12:00:00", visit, 2).unwrap();
    assert_eq!(ration.next("2020-04-24 13:00:00", visit, 1).unwrap(), "2020-04-27");
    // In person the child, whose day is Friday, has to wait for it: the Thursday between was a holiday.
    assert_eq!(ration.next("2020-04-24 13:00:00", born(2010), 1).unwrap(), "2020-04-30");
}

#[test]
fn a_proxys_purchase_counts_for_the_person_bought_for() {
    let mut ration = korea();
    assert_eq!(ration.buy("2020-03-13 12:00:00", born(2010).by(born(1985)), 2), Ok(0));
    assert_eq!(ration.ask("2020-03-14 12:00:00", born(2010), 1), Err(LimitReached));
    assert_eq!(ration.ask("2020-03-14 12:00:00", born(2010).by(born(1986)), 1), Err(LimitReached));
    assert_eq!(ration.ask("2020-03-14 12:00:00", born(1985), 2), Ok(0), "the buyer's own stays");
}

#[test]
fn who_may_not_be_bought_for_is_told_when_to_come() {
    let judgment = korea().judge("2020-03-09 12:00:00", born(1983).by(born(1981)), 2);
    assert_eq!((judgment.refusal, judgment.remaining), (Some(ProxyNotAllowed), Some(2)));
    let next = korea().next("2020-03-09 12:00:00", born(1983).by(born(1981)), 2);
    assert_eq!(next.unwrap(), "2020-03-11", "the person's own day, not the buyer's");
}
