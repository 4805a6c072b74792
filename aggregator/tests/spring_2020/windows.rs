//! Weeks of purchases: the turn from Sunday to Monday, what may be split and what is forfeited, and when to come back.

use schemas::claim::Refusal::{LimitReached, NotYourDay};

use crate::ration::{born, korea};

#[test]
fn the_week_turns_between_sunday_and_monday() {
    for (sunday, monday, quantity) in
        [("2020-03-15", "2020-03-16", 2), ("2020-05-10", "2020-05-11", 3), ("2020-05-24", "2020-05-25", 3)]
    {
        let mut ration = korea();
        let last = format!("{sunday} 23:59:59.999");
        let first = format!("{monday} 00:00:00.000");
        assert_eq!(ration.buy(&last, born(1981), quantity), Ok(0));
        assert_eq!(ration.ask(&last, born(1981), 1), Err(LimitReached));
        assert_eq!(ration.ends(&last, born(1981), 1).as_deref(), Some(monday));
        assert_eq!(ration.next(&last, born(1981), 1).as_deref(), Some(monday));
        assert_eq!(ration.buy(&first, born(1981), quantity), Ok(0));
        assert_eq!(ration.ask(&first, born(1981), 1), Err(LimitReached));
    }
}

#[test]
fn before_18_may_buying_one_forfeits_the_rest() {
    for (monday, saturday) in
        [("2020-03-09", "2020-03-14"), ("2020-04-06", "2020-04-11"), ("2020-05-11", "2020-05-16")]
    {
        let mut ration = korea();
        assert_eq!(ration.buy(&format!("{monday} 09:00:00"), born(1981), 1), Ok(0), "{monday}");
        assert_eq!(ration.ask(&format!("{monday} 09:00:01"), born(1981), 1), Err(LimitReached));
        assert_eq!(ration.ask(&format!("{saturday} 09:00:00"), born(1981), 1), Err(LimitReached));
    }
}

#[test]
fn from_18_may_the_three_may_be_split() {
    let mut ration = korea();
    assert_eq!(ration.buy("2020-05-18 09:00:00", born(1981), 1), Ok(2));
    assert_eq!(ration.next("2020-05-18 09:00:01", born(1981), 3).unwrap(), "2020-05-18");
    assert_eq!(ration.ask("2020-05-18 09:00:01", born(1981), 3), Err(LimitReached));
    assert_eq!(ration.judge("2020-05-18 09:00:01", born(1981), 3).remaining, Some(2));
    assert_eq!(ration.ask("2020-05-19 09:00:00", born(1981), 1), Err(NotYourDay));
    assert_eq!(ration.next("2020-05-19 09:00:00", born(1981), 1).unwrap(), "2020-05-23");
    assert_eq!(ration.buy("2020-05-23 09:00:00", born(1981), 1), Ok(1));
    assert_eq!(ration.buy("2020-05-24 09:00:00", born(1981), 1), Ok(0));
    assert_eq!(ration.ask("2020-05-24 09:00:00", born(1981), 1), Err(LimitReached));
    assert_eq!(ration.next("2020-05-24 09:00:00", born(1981), 1).unwrap(), "2020-05-25");
}

#[test]
fn from_june_any_parts_on_any_days() {
    let mut ration = korea();
    for (day, left) in
        [("2020-06-01", 4), ("2020-06-02", 3), ("2020-06-04", 2), ("2020-06-05", 1), ("2020-06-07", 0)]
    {
        assert_eq!(ration.buy(&format!("{day} 09:00:00"), born(2010), 1), Ok(left), "{day}");
    }
    assert_eq!(ration.ask("2020-06-07 23:59:59.999", born(2010), 1), Err(LimitReached));
    assert_eq!(ration.ask("2020-06-08 00:00:00", born(2010), 5), Ok(0));
}

#[test]
fn who_has_had_it_all_is_told_their_day_of_next_week() {
    let mut ration = korea();
    ration.buy("2020-03-10 09:00:00", born(1982), 2).unwrap();
    // Nothing remains, so the wrong day is not worth a word.
    assert_eq!(ration.ask("2020-03-11 09:00:00", born(1982), 1), Err(LimitReached));
    assert_eq!(ration.next("2020-03-11 09:00:00", born(1982), 1).unwrap(), "2020-03-17");
    // On a wrong day with all left, asking for too much is told as the wrong day.
    assert_eq!(ration.ask("2020-03-10 09:00:00", born(1983), 9), Err(NotYourDay));
}

#[test]
fn the_next_day_goes_by_the_rule_of_that_day() {
    let mut ration = korea();
    // Bought in the last week of weekdays: from Monday 1 June every day is open.
    ration.buy("2020-05-29 09:00:00", born(1985), 3).unwrap();
    assert_eq!(ration.next("2020-05-29 10:00:00", born(1985), 1).unwrap(), "2020-06-01");
    // The week before, it was to be Friday again.
    let mut ration = korea();
    ration.buy("2020-05-15 09:00:00", born(1985), 3).unwrap();
    assert_eq!(ration.next("2020-05-15 10:00:00", born(1985), 1).unwrap(), "2020-05-22");
}

#[test]
fn a_question_without_pieces_moves_nothing() {
    let ration = korea();
    assert_eq!(ration.ask("2020-03-09 09:00:00", born(1981), 0), Ok(2));
    assert_eq!(ration.next("2020-03-09 09:00:00", born(1981), 0).unwrap(), "2020-03-09");
    let mut ration = korea();
    ration.buy("2020-03-09 09:00:00", born(1981), 2).unwrap();
    assert_eq!(ration.ask("2020-03-09 09:00:00", born(1981), 0), Err(LimitReached));
}
