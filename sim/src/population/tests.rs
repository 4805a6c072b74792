//! What the population promises: shares, numbers that hold, and no number twice.

use std::collections::{HashMap, HashSet};

use super::*;

/// The check digit as a rule of its own: with it, the weighted sum of all thirteen is a multiple of eleven up to the two cases in
/// which 11 − r has two digits.
fn holds(digits: &[u32]) -> bool {
    let sum: u32 = (0..12).map(|at| digits[at] * (at as u32 % 8 + 2)).sum();
    let own = [1, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1][(sum % 11) as usize];
    digits[12] == if (5..=8).contains(&digits[6]) { (own + 2) % 10 } else { own }
}

#[test]
fn numbers_have_a_day_a_century_and_the_digit_of_their_time() {
    let population = Population::new(200_000, 3);
    let (mut random, mut by_chance) = (0, 0);
    for person in (0..200_000).map(|n| population.person(n)) {
        if person.kind == PersonKind::Passport {
            assert!(
                person.number.len() == 9 && person.said().country.is_some() && person.said().born.is_some()
            );
            continue;
        }
        let digits: Vec<u32> = person.number.chars().filter_map(|c| c.to_digit(10)).collect();
        assert_eq!((digits.len(), person.number.len(), &person.number[6..7]), (13, 14, "-"));
        let century = if [1, 2, 5, 6].contains(&digits[6]) { 1900 } else { 2000 };
        assert_eq!(u32::from(person.born), century + digits[0] * 10 + digits[1]);
        assert_eq!((5..=8).contains(&digits[6]), person.kind == PersonKind::Foreigner);
        let (month, day) = (digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]);
        let born = NaiveDate::from_ymd_opt(i32::from(person.born), month, day).unwrap();
        if born < NaiveDate::from_ymd_opt(2020, 10, 5).unwrap() {
            assert!(holds(&digits), "{}", person.number);
        } else {
            random += 1;
            by_chance += u32::from(holds(&digits));
        }
    }
    assert!(random > 100 && by_chance < random / 4, "{by_chance} of {random} random numbers hold");
}

#[test]
fn the_check_digit_is_that_worked_out_by_hand() {
    // 2·8 + 3·5 + 4·0 + 5·1 + 6·0 + 7·1 + 8·1 + 9·2 + 2·3 + 3·4 + 4·5 + 5·6 = 137 = 12·11 + 5; 11 − 5 = 6.
    assert_eq!(check_digit("850101123456", PersonKind::Resident), 6);
    assert_eq!(check_digit("850101123456", PersonKind::Foreigner), 8);
}

#[test]
fn ages_documents_and_digits_have_their_shares() {
    const SIZE: u64 = 300_000;
    let population = Population::new(SIZE, 9);
    let mut kinds: HashMap<PersonKind, u64> = HashMap::new();
    let mut decades: HashMap<u16, u64> = HashMap::new();
    let mut digits = [0_u64; 10];
    for person in (0..SIZE).map(|n| population.person(n)) {
        *kinds.entry(person.kind).or_default() += 1;
        *decades.entry((2020 - person.born) / 10).or_default() += 1;
        digits[usize::from(person.born % 10)] += 1;
    }
    let percent = |count: u64| count as f64 * 100.0 / SIZE as f64;
    let foreigners = percent(kinds[&PersonKind::Foreigner]);
    assert!((2.0..3.0).contains(&foreigners), "{foreigners} % foreigners");
    assert!(percent(kinds[&PersonKind::Passport]) < 0.2);
    // Ten-year groups of the notice of January 2021, in per cent; foreigners move them by half a point at most.
    for (decade, share) in (0..).zip([7.7, 9.2, 13.1, 13.3, 16.0, 16.7, 13.0, 7.2]) {
        let here = percent(decades[&decade]);
        assert!((share - 0.6..share + 0.9).contains(&here), "{here} % in their {decade}0s, not {share}");
    }
    assert!(digits.iter().all(|count| (8.5..11.5).contains(&percent(*count))), "{digits:?}");
}

#[test]
fn a_million_people_have_a_million_numbers() {
    let population = Population::new(KOREA, 1);
    let numbers: HashSet<_> = (0..1_000_000).map(|n| population.person(n).number).collect();
    assert_eq!(numbers.len(), 1_000_000);
}

#[test]
fn those_of_one_birthday_differ_too() {
    let population = Population::new(KOREA, 1);
    let day = NaiveDate::from_ymd_opt(1971, 3, 1).unwrap();
    let numbers: HashSet<_> = (0..100_000)
        .map(|among| population.registered(PersonKind::Resident, day, true, among).number)
        .collect();
    assert_eq!(numbers.len(), 100_000);
    // No birthday has more people than that, even in the largest population.
    let largest = Population::new(LARGEST, 1);
    let ends = largest.parts.iter().map(|part| part.begin).skip(1).chain([LARGEST]);
    let most =
        largest.parts.iter().zip(ends).map(|(part, end)| (end - part.begin).div_ceil(part.birthdays)).max();
    assert!(most < Some(100_000), "{most:?}");
}

#[test]
fn the_same_seed_gives_the_same_people_and_size_is_no_memory() {
    let (small, large) = (Population::new(1000, 5), Population::new(KOREA, 5));
    assert_eq!(small.person(17), Population::new(1000, 5).person(1017));
    assert_ne!(small.person(17), Population::new(1000, 6).person(17));
    assert_eq!(small.parts.capacity(), large.parts.capacity());
}

#[test]
fn relatives_are_grown_and_of_the_generation_before_or_after() {
    let population = Population::new(100_000, 2);
    let mut alone = 0;
    for n in 0..2000 {
        let person = population.person(n);
        let Some(relative) = population.relative(n, &person) else {
            alone += 1;
            continue;
        };
        let gap = i32::from(relative.born) - i32::from(person.born);
        assert!(if person.born > 1970 { (-45..=-23).contains(&gap) } else { (23..=45).contains(&gap) });
        assert!(relative.born <= 2002);
        assert_eq!(population.relative(n, &person), Some(relative));
    }
    assert!(alone < 10, "{alone} of 2000 have nobody");
}
