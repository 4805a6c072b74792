//! Ration policies as dated documents: how much, in which window, on which day, for whom, where.
//!
//! A document is data for everyone: operators write it as TOML or JSON, it enters the journal as it is, and readers get it
//! from the open API. Nothing in it is about a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ItemId;
use crate::registry::OutletType;
use crate::time::Rfc3339;

/// The schedules that come with jaego: name, and document in TOML.
pub const SHIPPED: [(&str, &str); 3] = [
    ("korea-2020", include_str!("../policies/korea-2020.toml")),
    ("taiwan-2020", include_str!("../policies/taiwan-2020.toml")),
    ("drill", include_str!("../policies/drill.toml")),
];

/// The document of this name that comes with jaego, in TOML.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, document)| *document)
}

/// All policies of a ration, past and to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Short name, such as `korea-2020`.
    pub name: String,
    /// Title for people.
    #[serde(default)]
    pub title: Words,
    /// Where the days begin: minutes east of UTC, 540 for Korea.
    pub offset_minutes: i16,
    /// What is rationed.
    pub groups: Vec<ItemGroup>,
    /// The dated rules, each in force from its date until the next of the same group.
    pub policies: Vec<Policy>,
    /// Days on which another day rule holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holidays: Vec<Holiday>,
}

/// Text in the two languages of the place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Korean.
    #[serde(default)]
    pub ko: String,
    /// English.
    #[serde(default)]
    pub en: String,
}

/// Items that share one allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemGroup {
    /// Name, such as `mask`.
    pub name: ItemId,
    /// Items that count against the allowance, each one piece a piece.
    pub items: Vec<ItemId>,
}

/// One dated rule for one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// In force from this moment.
    pub effective_from: Rfc3339,
    /// The group it rations.
    pub group: ItemId,
    /// From here on the group is not rationed at all; the other fields are then without meaning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// The time over which purchases add up.
    #[serde(default)]
    pub window: Window,
    /// Pieces for each person in each window.
    #[serde(default)]
    pub quantity: u32,
    /// Other quantities by year of birth; the first that fits counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<AgeBand>,
    /// Whether the allowance may be bought in parts. Where not, whoever bought anything in the window has had it.
    #[serde(default = "yes")]
    pub split: bool,
    /// Who may come on which day; absent: everybody on every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<DayRule>,
    /// Who may be bought for by another person; absent: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyRule>,
    /// Types of outlets that take part; absent: all, unregistered ones too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlets: Option<Vec<OutletType>>,
    /// The rule in words.
    #[serde(default)]
    pub words: Words,
    /// Where the rule comes from.
    #[serde(default)]
    pub source: String,
}

fn yes() -> bool {
    true
}

/// The time over which purchases add up. All begin and end at local midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Monday to Sunday (ISO week).
    #[default]
    Week,
    /// One day.
    Day,
    /// One calendar month.
    Month,
    /// The day itself and those before it, so many in all, 2 to 35.
    RollingDays(u8),
}

/// A quantity for those born in these years.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgeBand {
    /// Born in this year or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_from: Option<u16>,
    /// Born in this year or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_to: Option<u16>,
    /// Pieces in each window.
    pub quantity: u32,
}

/// Who may come on which day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayRule {
    /// The digit that decides.
    pub by: Digit,
    /// Who may come on each day from Monday to Sunday.
    pub week: [DayGate; 7],
}

/// The digit by which days are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digit {
    /// Last digit of the year of birth.
    BirthYear,
    /// Last digit of the number on the card.
    Number,
}

/// Who may come on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DayGate {
    /// Everybody.
    Any,
    /// Nobody.
    Closed,
    /// Whoever has not used the window up: where it may not be split, whoever has bought nothing in it.
    CatchUp,
    /// Those with one of these last digits.
    Digits(Vec<u8>),
}

/// A day on which another rule holds than its weekday's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// Local date, `2020-05-05`.
    pub date: chrono::NaiveDate,
    /// Who may come.
    pub gate: DayGate,
    /// Name of the day.
    #[serde(default)]
    pub words: Words,
}

/// Purchases by another person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyRule {
    /// Whose day counts.
    pub day: ProxyDay,
    /// Who may be bought for: any one of these is enough.
    #[serde(rename = "for")]
    pub beneficiaries: Vec<Beneficiary>,
}

/// Whose day counts in a purchase by another person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyDay {
    /// That of the person bought for.
    Beneficiary,
    /// That of either of the two.
    Either,
}

/// Who may be bought for: all that is said here must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Beneficiary {
    /// Born in this year or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_from: Option<u16>,
    /// Born in this year or earlier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born_to: Option<u16>,
    /// The proof that was shown at the counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
}

/// The proof for a purchase by another person, as seen at the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Lives in the same household, or is family.
    Family,
    /// In hospital.
    Inpatient,
    /// Pregnant.
    Pregnant,
    /// Veteran of national merit.
    Veteran,
    /// Disabled.
    Disabled,
    /// In long-term care.
    LongTermCare,
}
