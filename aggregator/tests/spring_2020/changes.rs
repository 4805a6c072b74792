//! Each change takes effect at its midnight and no millisecond earlier, and counts what was bought before it.

use schemas::claim::Refusal::{LimitReached, NotRationed, NotYourDay, ProxyNotAllowed};
use schemas::policy::Ground;

use crate::ration::{Answer, Visit, born, korea};

/// A purchase whose answer differs between the last millisecond of a rule and the first of the next.
struct Change {
    before: &'static str,
    from: &'static str,
    who: Visit,
    quantity: u32,
    was: Answer,
    is: Answer,
}

fn change(days: [&'static str; 2], who: Visit, quantity: u32, was: Answer, is: Answer) -> Change {
    Change { before: days[0], from: days[1], who, quantity, was, is }
}

fn changes() -> Vec<Change> {
    let parent = born(1985);
    let march = ["2020-03-08", "2020-03-09"];
    let april = ["2020-04-05", "2020-04-06"];
    let three = ["2020-04-26", "2020-04-27"];
    let family = ["2020-05-17", "2020-05-18"];
    let june = ["2020-05-31", "2020-06-01"];
    let ten = ["2020-06-17", "2020-06-18"];
    let end = ["2020-07-11", "2020-07-12"];
    vec![
        change(march, born(1981), 2, Err(NotRationed), Ok(0)),
        change(march, born(1982), 2, Err(NotRationed), Err(NotYourDay)),
        change(april, born(2006).by(parent), 2, Err(ProxyNotAllowed), Ok(0)),
        change(april, born(1976).by(parent).proof(Ground::Inpatient), 2, Err(ProxyNotAllowed), Ok(0)),
        change(april, born(1991).by(parent).proof(Ground::Pregnant), 2, Err(ProxyNotAllowed), Ok(0)),
        change(april, born(1951).by(parent).proof(Ground::Veteran), 2, Err(ProxyNotAllowed), Ok(0)),
        change(three, born(1981), 3, Err(LimitReached), Ok(0)),
        change(three, born(1981), 2, Ok(0), Ok(0)),
        change(family, born(1981), 1, Ok(0), Ok(2)),
        change(family, born(1981).by(parent).proof(Ground::Family), 3, Err(ProxyNotAllowed), Ok(0)),
        change(june, born(2002), 5, Err(LimitReached), Ok(0)),
        change(june, born(1982), 3, Ok(0), Ok(0)),
        change(june, born(2001), 4, Err(LimitReached), Err(LimitReached)),
        change(ten, born(1985), 10, Err(LimitReached), Ok(0)),
        change(ten, born(2002), 6, Err(LimitReached), Ok(4)),
        change(end, born(1985), 10, Ok(0), Err(NotRationed)),
    ]
}

#[test]
fn each_change_takes_effect_at_its_midnight() {
    for Change { before, from, who, quantity, was, is } in changes() {
        let last = format!("{before} 23:59:59.999");
        let first = format!("{from} 00:00:00.000");
        let year = who.person.born;
        assert_eq!(korea().ask(&last, who, quantity), was, "{last}, born {year:?}");
        assert_eq!(korea().ask(&first, who, quantity), is, "{first}, born {year:?}");
    }
}

#[test]
fn what_nothing_rations_tells_nothing() {
    for at in ["2020-03-08 23:59:59.999", "2020-07-12 00:00:00"] {
        let judgment = korea().judge(at, born(1981), 1);
        assert_eq!((judgment.remaining, judgment.window_ends, judgment.next_eligible), (None, None, None));
    }
}

#[test]
fn three_bought_before_18_june_leave_seven() {
    let mut ration = korea();
    assert_eq!(ration.buy("2020-06-15 09:00:00", born(1985), 1), Ok(2));
    assert_eq!(ration.buy("2020-06-17 09:00:00", born(1985), 2), Ok(0));
    assert_eq!(ration.ask("2020-06-17 23:59:59.999", born(1985), 1), Err(LimitReached));
    assert_eq!(ration.next("2020-06-17 23:59:59.999", born(1985), 1).unwrap(), "2020-06-18");
    assert_eq!(ration.ask("2020-06-18 00:00:00", born(1985), 8), Err(LimitReached));
    assert_eq!(ration.judge("2020-06-18 00:00:00", born(1985), 8).remaining, Some(7));
    assert_eq!(ration.buy("2020-06-18 00:00:00", born(1985), 7), Ok(0));
    assert_eq!(ration.ask("2020-06-21 23:59:59.999", born(1985), 1), Err(LimitReached));
    assert_eq!(ration.ask("2020-06-22 00:00:00", born(1985), 10), Ok(0));
}

#[test]
fn a_minors_five_before_18_june_leave_five() {
    let mut ration = korea();
    assert_eq!(ration.buy("2020-06-16 09:00:00", born(2002), 5), Ok(0));
    assert_eq!(ration.buy("2020-06-18 09:00:00", born(2002), 4), Ok(1));
}

#[test]
fn the_week_of_the_end_ends_early() {
    let mut ration = korea();
    assert_eq!(ration.buy("2020-07-06 09:00:00", born(1985), 10), Ok(0));
    assert_eq!(ration.ask("2020-07-11 23:59:59.999", born(1985), 1), Err(LimitReached));
    assert_eq!(ration.next("2020-07-11 23:59:59.999", born(1985), 1).unwrap(), "2020-07-12");
    assert_eq!(ration.ask("2020-07-12 00:00:00", born(1985), 1), Err(NotRationed));
}

#[test]
fn the_bands_of_june_begin_with_2002() {
    for (year, quantity) in [(2001, 3), (2002, 5), (2003, 5), (1940, 3), (2020, 5)] {
        let full = korea().ask("2020-06-02 09:00:00", born(year), quantity);
        let more = korea().ask("2020-06-02 09:00:00", born(year), quantity + 1);
        assert_eq!((full, more), (Ok(0), Err(LimitReached)), "born {year}");
    }
}
