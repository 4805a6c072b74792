//! Taiwan's ration: odd and even digits, Sundays, and windows of 7 and 14 days that roll.

use schemas::claim::Refusal::{LimitReached, NotEligible, NotRationed, NotYourDay};
use schemas::person::PersonKind;

use crate::ration::{card, taiwan, unknown};

/// Monday to Sunday of a week under each of the two rules by digit, with its quantity.
const WEEKS: [([&str; 7], u32); 2] = [
    (["2020-02-10", "2020-02-11", "2020-02-12", "2020-02-13", "2020-02-14", "2020-02-15", "2020-02-16"], 2),
    (["2020-03-09", "2020-03-10", "2020-03-11", "2020-03-12", "2020-03-13", "2020-03-14", "2020-03-15"], 3),
];

#[test]
fn odd_on_monday_even_on_tuesday_all_on_sunday() {
    for (week, quantity) in WEEKS {
        for digit in 0..10 {
            for (day, date) in week.iter().enumerate() {
                let own = day == 6 || (day % 2 == 0) == (digit % 2 == 1);
                let expected = if own { Ok(0) } else { Err(NotYourDay) };
                for moment in ["00:00:00.000", "23:59:59.999"] {
                    let answer = taiwan().ask(&format!("{date} {moment}"), card(digit, 1980), quantity);
                    assert_eq!(answer, expected, "{date} {moment}, digit {digit}");
                }
            }
        }
    }
}

#[test]
fn each_change_takes_effect_at_its_midnight() {
    // 6 February and 5 March were Thursdays, for even digits; 4 March a Wednesday, for odd ones.
    assert_eq!(taiwan().ask("2020-02-05 23:59:59.999", card(2, 1980), 2), Err(NotRationed));
    assert_eq!(taiwan().ask("2020-02-06 00:00:00", card(2, 1980), 2), Ok(0));
    assert_eq!(taiwan().ask("2020-02-06 00:00:00", card(1, 1980), 2), Err(NotYourDay));
    assert_eq!(taiwan().ask("2020-03-04 23:59:59.999", card(1, 1980), 3), Err(LimitReached));
    assert_eq!(taiwan().ask("2020-03-05 00:00:00", card(2, 1980), 3), Ok(0));
    assert_eq!(taiwan().ask("2020-04-08 23:59:59.999", card(1, 1980), 9), Err(LimitReached));
    assert_eq!(taiwan().ask("2020-04-09 00:00:00", card(2, 1980), 9), Ok(0));
    assert_eq!(taiwan().ask("2020-04-09 00:00:00", card(1, 1980), 9), Ok(0), "any day, whatever the digit");
}

#[test]
fn two_of_february_count_in_march() {
    let mut ration = taiwan();
    assert_eq!(ration.buy("2020-02-28 09:00:00", card(1, 1980), 2), Ok(0));
    // On 5 March, an even digit's day, 1 is left of the 3; on Friday the purchase is out of the window.
    assert_eq!(ration.judge("2020-03-05 09:00:00", card(1, 1980), 1).remaining, Some(1));
    assert_eq!(ration.next("2020-03-05 09:00:00", card(1, 1980), 2).unwrap(), "2020-03-06");
    let mut even = taiwan();
    assert_eq!(even.buy("2020-02-29 09:00:00", card(2, 1980), 2), Ok(0));
    assert_eq!(even.ask("2020-03-05 00:00:00", card(2, 1980), 2), Err(LimitReached));
    assert_eq!(even.ask("2020-03-05 00:00:00", card(2, 1980), 1), Ok(0), "3 less the 2 of Saturday");
}

#[test]
fn seven_days_roll() {
    let mut ration = taiwan();
    let (bought, person) = ("2020-02-10 09:00:00", card(1, 1980));
    assert_eq!(ration.ends(bought, person, 2).unwrap(), "2020-02-17");
    assert_eq!(ration.next(bought, person, 2).unwrap(), "2020-02-17");
    assert_eq!(ration.buy(bought, person, 2), Ok(0));
    assert_eq!(ration.ask("2020-02-16 23:59:59.999", person, 1), Err(LimitReached), "the seventh day");
    assert_eq!(ration.ask("2020-02-17 00:00:00.000", person, 2), Ok(0), "the eighth");
}

#[test]
fn parts_come_back_one_by_one() {
    let mut ration = taiwan();
    let person = card(1, 1980);
    assert_eq!(ration.buy("2020-02-10 09:00:00", person, 1), Ok(1));
    assert_eq!(ration.buy("2020-02-14 09:00:00", person, 1), Ok(0));
    assert_eq!(ration.ends("2020-02-16 09:00:00", person, 1).unwrap(), "2020-02-17");
    assert_eq!(ration.ask("2020-02-17 09:00:00", person, 2), Err(LimitReached));
    assert_eq!(ration.buy("2020-02-17 09:00:00", person, 1), Ok(0));
    assert_eq!(ration.ends("2020-02-17 10:00:00", person, 1).unwrap(), "2020-02-21");
    // Free on Friday the 21st, which is an odd digit's day.
    assert_eq!(ration.next("2020-02-17 10:00:00", person, 1).unwrap(), "2020-02-21");
    // A Sunday's purchase: for an even digit, too, the eighth day is the next Sunday.
    let mut even = taiwan();
    assert_eq!(even.buy("2020-02-16 09:00:00", card(2, 1980), 2), Ok(0));
    assert_eq!(even.ends("2020-02-16 10:00:00", card(2, 1980), 1).unwrap(), "2020-02-23");
    assert_eq!(even.next("2020-02-16 10:00:00", card(2, 1980), 1).unwrap(), "2020-02-23");
}

#[test]
fn fourteen_days_roll() {
    let mut ration = taiwan();
    let person = card(1, 1980);
    assert_eq!(ration.buy("2020-04-13 09:00:00", person, 9), Ok(0));
    assert_eq!(ration.ask("2020-04-26 23:59:59.999", person, 1), Err(LimitReached), "the fourteenth day");
    assert_eq!(ration.ask("2020-04-27 00:00:00.000", person, 9), Ok(0), "the fifteenth");
    assert_eq!(ration.ends("2020-04-20 09:00:00", person, 1).unwrap(), "2020-04-27");
    assert_eq!(ration.next("2020-04-20 09:00:00", person, 1).unwrap(), "2020-04-27");
}

#[test]
fn children_are_those_born_from_2007() {
    for (year, quantity) in [(2006, 9), (2007, 10), (2008, 10), (1940, 9)] {
        let full = taiwan().ask("2020-04-15 09:00:00", card(1, year), quantity);
        let more = taiwan().ask("2020-04-15 09:00:00", card(1, year), quantity + 1);
        assert_eq!((full, more), (Ok(0), Err(LimitReached)), "born {year}");
        assert_eq!(taiwan().ask("2020-04-08 09:00:00", card(1, year), 4), Err(LimitReached), "born {year}");
    }
}

#[test]
fn without_a_card_there_is_sunday_until_years_count() {
    let person = unknown(PersonKind::Passport);
    assert_eq!(taiwan().ask("2020-02-10 09:00:00", person, 2), Err(NotEligible));
    assert_eq!(taiwan().next("2020-02-10 09:00:00", person, 2).unwrap(), "2020-02-16");
    assert_eq!(taiwan().ask("2020-02-16 09:00:00", person, 2), Ok(0));
    assert_eq!(taiwan().ask("2020-04-15 09:00:00", person, 2), Err(NotEligible));
    assert_eq!(taiwan().next("2020-04-15 09:00:00", person, 2), None);
}
