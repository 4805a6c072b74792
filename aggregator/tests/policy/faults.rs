//! Each fault alone is found, named by its place, and told with the next step; many are told at once.

use aggregator::{Rulebook, ScheduleFault as Fault};
use schemas::ItemId;
use schemas::policy::{AgeBand, Beneficiary, DayGate, ItemGroup, Policy, Schedule, Window, shipped};

fn korea() -> Schedule {
    toml::from_str(shipped("korea-2020").unwrap()).unwrap()
}

fn id(text: &str) -> ItemId {
    ItemId::new(text).unwrap()
}

fn group(name: &str, items: &[&str]) -> ItemGroup {
    ItemGroup { name: id(name), items: items.iter().map(|item| id(item)).collect() }
}

fn band(born_from: Option<u16>, born_to: Option<u16>, quantity: u32) -> AgeBand {
    AgeBand { born_from, born_to, quantity }
}

fn gate(schedule: &mut Schedule) -> &mut DayGate {
    &mut schedule.policies[0].days.as_mut().unwrap().week[1]
}

/// What is wrong with the Korean schedule after this change.
fn faults(change: impl FnOnce(&mut Schedule)) -> Vec<Fault> {
    let mut schedule = korea();
    change(&mut schedule);
    Rulebook::new(&schedule).err().unwrap_or_default()
}

/// The change makes one fault, of this sort, told in these words.
macro_rules! one_fault {
    ($change:expr, $sort:pat, $told:expr) => {{
        let found = faults($change);
        assert!(matches!(found.as_slice(), [$sort]), "{found:#?}");
        assert_eq!(found[0].to_string(), $told);
    }};
}

#[test]
fn groups_and_items() {
    one_fault!(
        |s| s.groups[0].items.clear(),
        Fault::EmptyGroup(_),
        "group mask: it has no items; list at least one, or remove the group"
    );
    one_fault!(
        |s| s.groups.push(group("mask", &["other"])),
        Fault::DuplicateGroup(_),
        "group mask: it is there twice; join the two, or rename one"
    );
    one_fault!(
        |s| s.groups[0].items = vec![id("mask"), id("kf94"), id("mask")],
        Fault::DuplicateItem { .. },
        "group mask: item mask is listed twice; remove one"
    );
    one_fault!(
        |s| s.groups.push(group("gloves", &["gloves"])),
        Fault::NoPolicy(_),
        "group gloves: it has no policy; add one, or remove the group"
    );
    one_fault!(
        |s| {
            s.groups.push(group("gloves", &["mask"]));
            s.policies.push(Policy { group: id("gloves"), ..s.policies[0].clone() });
        },
        Fault::ItemInTwoGroups { .. },
        "item mask is in the groups mask and gloves; keep it in one"
    );
}

#[test]
fn at_most_255_groups() {
    let many = |schedule: &mut Schedule, count: usize| {
        for number in 1..count {
            let name = format!("g{number}");
            schedule.groups.push(group(&name, &[&name]));
            schedule.policies.push(Policy { group: id(&name), ..schedule.policies[0].clone() });
        }
    };
    assert!(faults(|s| many(s, 255)).is_empty());
    one_fault!(
        |s| many(s, 256),
        Fault::TooManyGroups(256),
        "256 groups: at most 255 are possible, so join groups that share their policies"
    );
}

#[test]
fn a_schedule_of_nothing() {
    one_fault!(|s| s.name.clear(), Fault::NoName, "the name is empty; give one");
    one_fault!(
        |s| {
            s.groups.clear();
            s.policies.clear();
        },
        Fault::NoGroups,
        "there are no groups; list what is rationed, and end it by a policy with `ended = true`"
    );
}

#[test]
fn place_and_time() {
    one_fault!(
        |s| s.offset_minutes = 900,
        Fault::Offset(900),
        "offset_minutes = 900: give minutes east of UTC between -720 and 840, such as 540 for Korea"
    );
    one_fault!(
        |s| s.policies[1].group = id("masks"),
        Fault::UnknownGroup(..),
        "policy 2 (masks from 2020-04-06T00:00:00.000+09:00): no group has this name; \
         add it to `groups`, or write one of: mask"
    );
    one_fault!(
        |s| s.policies[2].effective_from = s.policies[1].effective_from,
        Fault::SameMoment(_, 2),
        "policy 3 (mask from 2020-04-06T00:00:00.000+09:00): policy 2 of the same group is in force \
         from the same moment; keep one, or move one"
    );
    one_fault!(
        |s| s.holidays.push(s.holidays[0].clone()),
        Fault::DuplicateHoliday(_),
        "holiday 2020-04-15: the date is there twice; keep one"
    );
}

const FIRST: &str = "policy 1 (mask from 2020-03-09T00:00:00.000+09:00)";

#[test]
fn quantities_and_windows() {
    one_fault!(
        |s| s.policies[0].quantity = 0,
        Fault::NoQuantity(_),
        format!("{FIRST}: quantity is 0 or missing; give at least 1, or `ended = true` to end the ration")
    );
    for days in [0, 1, 36, 255] {
        one_fault!(
            |s| s.policies[0].window = Window::RollingDays(days),
            Fault::RollingDays(..),
            format!("{FIRST}: rolling_days = {days}; give 2 to 35, or the window `day` or `month`")
        );
    }
    for days in [2, 35] {
        assert!(faults(|s| s.policies[0].window = Window::RollingDays(days)).is_empty());
    }
}

#[test]
fn bands_of_years() {
    one_fault!(
        |s| s.policies[0].bands = vec![band(Some(2002), None, 0)],
        Fault::NoQuantity(_),
        format!(
            "{FIRST}, band 1: quantity is 0 or missing; give at least 1, or `ended = true` to end the ration"
        )
    );
    one_fault!(
        |s| s.policies[0].bands = vec![band(Some(2002), Some(2001), 5)],
        Fault::BornRange(_, 2002, 2001),
        format!("{FIRST}, band 1: born_from = 2002 is after born_to = 2001; exchange them")
    );
    one_fault!(
        |s| s.policies[0].bands = vec![band(None, None, 5)],
        Fault::BandOfAll(_),
        format!(
            "{FIRST}, band 1: it has neither born_from nor born_to; \
             give one, or write its quantity as that of the policy"
        )
    );
}

#[test]
fn bands_that_never_fit() {
    let (old, middle, young) =
        (band(None, Some(1940), 4), band(Some(1941), Some(2001), 3), band(Some(2002), None, 5));
    let third = |third: AgeBand| {
        let bands = vec![old.clone(), middle.clone(), third];
        faults(move |s| s.policies[0].bands = bands)
    };
    assert_eq!(third(young), []);
    assert_eq!(third(band(Some(1930), Some(2002), 9)), [], "2002 is new");
    assert!(matches!(third(band(Some(1930), Some(2001), 9)).as_slice(), [Fault::BandNeverFits(_)]));
    let all = vec![band(Some(2000), None, 1), band(None, Some(2000), 2), band(Some(1900), None, 3)];
    one_fault!(
        |s| s.policies[0].bands = all,
        Fault::BandNeverFits(_),
        format!(
            "{FIRST}, band 3: the bands before it take everybody in it; move it before them, or remove it"
        )
    );
}

#[test]
fn days_and_digits() {
    one_fault!(
        |s| *gate(s) = DayGate::Digits(vec![2, 10]),
        Fault::NoDigit(_, 10),
        format!("{FIRST}, Tuesday: 10 is no last digit; give 0 to 9")
    );
    one_fault!(
        |s| *gate(s) = DayGate::Digits(vec![]),
        Fault::EmptyDigits(_),
        format!("{FIRST}, Tuesday: no digits are listed; list some, or write `closed`, `any` or `catch_up`")
    );
    one_fault!(
        |s| s.holidays[0].gate = DayGate::Digits(vec![11]),
        Fault::NoDigit(_, 11),
        "holiday 2020-04-15: 11 is no last digit; give 0 to 9"
    );
}

#[test]
fn outlets_and_proxies() {
    one_fault!(
        |s| s.policies[0].outlets = Some(vec![]),
        Fault::NoOutlets(_),
        format!(
            "{FIRST}: `outlets` is empty, so nobody may sell; list types, or leave it out to admit all outlets"
        )
    );
    one_fault!(
        |s| s.policies[0].proxy.as_mut().unwrap().beneficiaries.clear(),
        Fault::NoBeneficiary(_),
        format!(
            "{FIRST}: `proxy.for` is empty; list who may be bought for, or leave `proxy` out to allow nobody"
        )
    );
    let nobody = Beneficiary { born_from: Some(2010), born_to: Some(1940), ground: None };
    one_fault!(
        |s| s.policies[0].proxy.as_mut().unwrap().beneficiaries[0] = nobody,
        Fault::BornRange(..),
        format!("{FIRST}, proxy for 1: born_from = 2010 is after born_to = 1940; exchange them")
    );
}

#[test]
fn what_has_ended_needs_nothing_else() {
    let ended = faults(|s| {
        s.policies[6].quantity = 0;
        s.policies[6].window = Window::RollingDays(99);
    });
    assert_eq!(ended, []);
}

#[test]
fn all_faults_are_told_in_the_order_of_the_document() {
    let found = faults(|s| {
        s.holidays[2].gate = DayGate::Digits(vec![]);
        s.policies[3].quantity = 0;
        s.policies[0].quantity = 0;
        s.groups[0].items.clear();
    });
    let order = ["group mask", "policy 1 (", "policy 4 (", "holiday 2020-05-05"];
    assert_eq!(found.len(), order.len(), "{found:#?}");
    for (fault, start) in found.iter().zip(order) {
        assert!(fault.to_string().starts_with(start), "{fault} is not of {start}");
    }
}
