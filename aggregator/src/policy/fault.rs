//! What can be wrong with a schedule, each fault with its place and the next step.

use std::fmt;

use schemas::time::civil;
use schemas::{ItemId, Millis};

/// Most pieces that a policy may give in a window: a day's purchases are counted in a byte.
pub const MAX_ALLOWANCE: u32 = 254;

/// A policy of a schedule, by its place in the document, its group and its date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyName {
    /// Place in the document, from 1.
    pub number: usize,
    /// Its group.
    pub group: ItemId,
    /// In force from.
    pub from: Millis,
    /// Local time of the schedule, minutes east of UTC.
    pub offset_minutes: i16,
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, group, from, offset_minutes } = self;
        write!(f, "policy {number} ({} from {})", group.as_str(), from.rfc3339(*offset_minutes))
    }
}

/// Where in a schedule a gate, a range of years or a quantity stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// A policy itself.
    Policy(PolicyName),
    /// Band N of a policy, from 1.
    Band(PolicyName, usize),
    /// Clause N of the proxy rule of a policy, from 1.
    Clause(PolicyName, usize),
    /// The gate of a weekday of a policy, 0 for Monday.
    Weekday(PolicyName, usize),
    /// The holiday of this local day, counted from 1970-01-01.
    Holiday(i32),
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WEEKDAYS: [&str; 7] =
            ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        match self {
            Self::Policy(policy) => policy.fmt(f),
            Self::Band(policy, number) => write!(f, "{policy}, band {number}"),
            Self::Clause(policy, number) => write!(f, "{policy}, proxy for {number}"),
            Self::Weekday(policy, day) => write!(f, "{policy}, {}", WEEKDAYS.get(*day).unwrap_or(&"day")),
            Self::Holiday(day) => write!(f, "holiday {}", civil(*day)),
        }
    }
}

/// Something that is wrong with a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// Nobody could tell it from another.
    #[error("the name is empty; give one")]
    NoName,
    /// It rations nothing, so all that was rationed would be free at once.
    #[error("there are no groups; list what is rationed, and end it by a policy with `ended = true`")]
    NoGroups,
    /// Local time is further from UTC than any place on Earth.
    #[error("offset_minutes = {0}: give minutes east of UTC between -720 and 840, such as 540 for Korea")]
    Offset(i16),
    /// More groups than a byte can number.
    #[error("{0} groups: at most 255 are possible, so join groups that share their policies")]
    TooManyGroups(usize),
    /// A group rations nothing.
    #[error("group {}: it has no items; list at least one, or remove the group", .0.as_str())]
    EmptyGroup(ItemId),
    /// Two groups have the same name.
    #[error("group {}: it is there twice; join the two, or rename one", .0.as_str())]
    DuplicateGroup(ItemId),
    /// An item is listed twice in its group.
    #[error("group {}: item {} is listed twice; remove one", .group.as_str(), .item.as_str())]
    DuplicateItem {
        /// The group.
        group: ItemId,
        /// The item.
        item: ItemId,
    },
    /// An item would count against two allowances.
    #[error("item {} is in the groups {} and {}; keep it in one", .item.as_str(), .first.as_str(), .second.as_str())]
    ItemInTwoGroups {
        /// The item.
        item: ItemId,
        /// The group that has it first.
        first: ItemId,
        /// The other one.
        second: ItemId,
    },
    /// No policy ever rations this group.
    #[error("group {}: it has no policy; add one, or remove the group", .0.as_str())]
    NoPolicy(ItemId),
    /// A policy rations a group that is not there.
    #[error("{0}: no group has this name; add it to `groups`, or write one of: {1}")]
    UnknownGroup(PolicyName, String),
    /// Two policies of one group begin at one moment.
    #[error("{0}: policy {1} of the same group is in force from the same moment; keep one, or move one")]
    SameMoment(PolicyName, usize),
    /// An allowance of nothing.
    #[error("{0}: quantity is 0 or missing; give at least 1, or `ended = true` to end the ration")]
    NoQuantity(Spot),
    /// An allowance of more than the books can count.
    #[error("{0}: quantity = {1}; give at most {MAX_ALLOWANCE}, or sell in larger pieces")]
    TooMuch(Spot, u32),
    /// A rolling window of impossible length.
    #[error("{0}: rolling_days = {1}; give 2 to 35, or the window `day` or `month`")]
    RollingDays(PolicyName, u8),
    /// A digit that is none.
    #[error("{0}: {1} is no last digit; give 0 to 9")]
    NoDigit(Spot, u8),
    /// A gate for no digit.
    #[error("{0}: no digits are listed; list some, or write `closed`, `any` or `catch_up`")]
    EmptyDigits(Spot),
    /// A range of birth years that ends before it begins.
    #[error("{0}: born_from = {1} is after born_to = {2}; exchange them")]
    BornRange(Spot, u16, u16),
    /// A band of everybody.
    #[error(
        "{0}: it has neither born_from nor born_to; give one, or write its quantity as that of the policy"
    )]
    BandOfAll(Spot),
    /// Everybody in a band is in earlier bands.
    #[error("{0}: the bands before it take everybody in it; move it before them, or remove it")]
    BandNeverFits(Spot),
    /// No type of outlet takes part.
    #[error("{0}: `outlets` is empty, so nobody may sell; list types, or leave it out to admit all outlets")]
    NoOutlets(PolicyName),
    /// A proxy rule that lets nobody be bought for.
    #[error("{0}: `proxy.for` is empty; list who may be bought for, or leave `proxy` out to allow nobody")]
    NoBeneficiary(PolicyName),
    /// Two holidays on one day.
    #[error("{0}: the date is there twice; keep one")]
    DuplicateHoliday(Spot),
}
