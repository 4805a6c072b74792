//! Every weekday for every last digit, the weekend, and the three days on which the weekday rule was lifted.

use schemas::claim::Refusal::{LimitReached, NotEligible, NotYourDay};
use schemas::person::PersonKind;

use crate::ration::{born, korea, unknown};

/// Last digits of each weekday from Monday, as published on 5 March 2020.
const DIGITS: [[u16; 2]; 5] = [[1, 6], [2, 7], [3, 8], [4, 9], [5, 0]];
/// A whole week under each rule that knew weekdays, with its quantity.
const WEEKS: [([&str; 7], u32); 4] = [
    (["2020-03-09", "2020-03-10", "2020-03-11", "2020-03-12", "2020-03-13", "2020-03-14", "2020-03-15"], 2),
    (["2020-04-06", "2020-04-07", "2020-04-08", "2020-04-09", "2020-04-10", "2020-04-11", "2020-04-12"], 2),
    (["2020-05-11", "2020-05-12", "2020-05-13", "2020-05-14", "2020-05-15", "2020-05-16", "2020-05-17"], 3),
    (["2020-05-18", "2020-05-19", "2020-05-20", "2020-05-21", "2020-05-22", "2020-05-23", "2020-05-24"], 3),
];
const LAST_MOMENT: &str = "23:59:59.999";
const FIRST_MOMENT: &str = "00:00:00.000";

fn own_day(digit: u16) -> usize {
    DIGITS.iter().position(|digits| digits.contains(&digit)).unwrap()
}

#[test]
fn each_digit_has_its_weekday_from_midnight_to_midnight() {
    for (week, quantity) in WEEKS {
        for digit in 0..10 {
            for (day, date) in week.iter().enumerate() {
                for moment in [FIRST_MOMENT, LAST_MOMENT] {
                    let answer = korea().ask(&format!("{date} {moment}"), born(1970 + digit), quantity);
                    let expected = if day >= 5 || day == own_day(digit) { Ok(0) } else { Err(NotYourDay) };
                    assert_eq!(answer, expected, "{date} {moment}, digit {digit}");
                }
            }
        }
    }
}

#[test]
fn who_comes_on_a_wrong_day_is_told_the_next_right_one() {
    for (week, _) in WEEKS {
        for digit in 0..10 {
            for (day, date) in week.iter().enumerate().take(5).filter(|(day, _)| *day != own_day(digit)) {
                let expected = if day < own_day(digit) { week[own_day(digit)] } else { week[5] };
                let next = korea().next(&format!("{date} 12:00:00"), born(1970 + digit), 1);
                assert_eq!(next.as_deref(), Some(expected), "{date}, digit {digit}");
            }
        }
    }
}

#[test]
fn the_weekend_is_for_who_has_not_bought() {
    for (week, quantity) in WEEKS {
        let mut ration = korea();
        let person = born(1981);
        assert_eq!(ration.buy(&format!("{} 09:00:00", week[0]), person, quantity), Ok(0));
        for date in &week[5..] {
            let answer = ration.ask(&format!("{date} 09:00:00"), person, 1);
            assert_eq!(answer, Err(LimitReached), "bought, {date}");
            assert_eq!(ration.ask(&format!("{date} 09:00:00"), born(1982), quantity), Ok(0), "not, {date}");
        }
        assert_eq!(ration.buy(&format!("{} 09:00:00", week[5]), born(1982), quantity), Ok(0));
        let sunday = ration.ask(&format!("{} 09:00:00", week[6]), born(1982), 1);
        assert_eq!(sunday, Err(LimitReached), "bought on Saturday");
    }
}

#[test]
fn three_days_were_like_a_weekend() {
    for (date, monday, quantity) in
        [("2020-04-15", "2020-04-13", 2), ("2020-04-30", "2020-04-27", 3), ("2020-05-05", "2020-05-04", 3)]
    {
        let at = format!("{date} 12:00:00");
        for digit in 0..10 {
            assert_eq!(korea().ask(&at, born(1970 + digit), quantity), Ok(0), "{date}, digit {digit}");
        }
        let mut ration = korea();
        assert_eq!(ration.buy(&format!("{monday} 12:00:00"), born(1981), quantity), Ok(0));
        assert_eq!(ration.ask(&at, born(1981), 1), Err(LimitReached), "{date}");
    }
}

#[test]
fn the_days_beside_them_keep_their_digits() {
    for date in ["2020-04-14", "2020-04-16", "2020-04-29", "2020-05-01", "2020-05-04", "2020-05-06"] {
        for moment in [FIRST_MOMENT, LAST_MOMENT] {
            let asked = |year| korea().ask(&format!("{date} {moment}"), born(year), 1);
            let granted = (1970..1980).filter(|year| asked(*year).is_ok()).count();
            assert_eq!(granted, 2, "{date} {moment}");
        }
    }
}

#[test]
fn from_june_every_day_is_everybodys() {
    for date in 1..=7 {
        for digit in 0..10 {
            let answer = korea().ask(&format!("2020-06-0{date} 12:00:00"), born(1970 + digit), 3);
            assert_eq!(answer, Ok(0), "June {date}, digit {digit}");
        }
    }
}

#[test]
fn a_passport_without_a_year_waits_for_the_weekend() {
    let person = unknown(PersonKind::Passport);
    let ration = korea();
    assert_eq!(ration.ask("2020-03-11 12:00:00", person, 2), Err(NotEligible));
    assert_eq!(ration.next("2020-03-11 12:00:00", person, 2).unwrap(), "2020-03-14");
    assert_eq!(ration.ask("2020-03-14 12:00:00", person, 2), Ok(0));
    // From June the quantity itself goes by the year.
    let june = korea().judge("2020-06-03 12:00:00", person, 1);
    assert_eq!((june.refusal, june.remaining), (Some(NotEligible), None));
    assert_eq!(ration.next("2020-06-03 12:00:00", person, 1).unwrap(), "2020-06-18");
    assert_eq!(ration.ask("2020-06-18 00:00:00", person, 10), Ok(0));
}
