//! Claims: what an outlet sends when a person buys rationed goods, and the decision it is answered with.
//!
//! Over NATS requests go to `pos.v1.<kind>.<outlet>`; over HTTP to the desk, where the body names the outlet. National ids
//! stand in these messages alone: the gateway turns them into a [`PersonKey`](crate::person::PersonKey) and wipes them.

use std::borrow::Cow;
use std::fmt;

use chrono::NaiveDate;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::person::PersonKind;
use crate::policy::Ground;
use crate::pos::Outcome;
use crate::status::Durability;
use crate::time::Rfc3339;

/// Most pieces in one claim.
pub const MAX_QUANTITY: u32 = 100;
/// A claim's id and decision are kept at least this long, in milliseconds: 24 hours.
pub const KEPT_MS: i64 = 24 * 3_600_000;
/// Longest time for which a reservation may hold, in minutes: 12 hours.
pub const MAX_HOLD_MINUTES: u32 = 12 * 60;
/// Hold of a reservation that names none, in minutes.
pub const HOLD_MINUTES: u32 = 60;
/// A late claim may lie this far back, in days.
pub const MAX_LATE_DAYS: i64 = 7;

/// The id of a claim: a UUID that the till made and stored *before* sending. Sent again, it gets the same decision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ClaimId(pub uuid::Uuid);

/// The text is no id of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a claim's id is a UUID of 36 characters, such as 0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f")]
pub struct BadClaimId;

impl std::str::FromStr for ClaimId {
    type Err = BadClaimId;

    /// Takes the one form that is documented, `8-4-4-4-12`, in small or capital digits.
    fn from_str(text: &str) -> Result<Self, BadClaimId> {
        let hyphenated = text.len() == uuid::fmt::Hyphenated::LENGTH;
        uuid::Uuid::try_parse(text).ok().filter(|_| hyphenated).map(Self).ok_or(BadClaimId)
    }
}

impl<'de> Deserialize<'de> for ClaimId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Text::deserialize(deserializer)?.0.parse().map_err(D::Error::custom)
    }
}

/// A text, borrowed where it holds no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl fmt::Debug for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for ClaimId {
    fn schema_name() -> Cow<'static, str> {
        "ClaimId".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // The format is annotation to most validators.
        let pattern = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";
        json_schema!({ "type": "string", "format": "uuid", "pattern": pattern, "examples": ["0195b1f0-6c1e-7cc3-98c4-dc0c0c07398f"] })
    }
}

/// A person as the counter sees them. Never stored, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonSaid<'a> {
    /// Document shown.
    pub kind: PersonKind,
    /// Its number, as written; blanks and hyphens do not matter.
    #[serde(borrow)]
    #[schemars(length(min = 1, max = 40))]
    pub number: Cow<'a, str>,
    /// Issuing country of a passport, three letters (ISO 3166-1 alpha-3).
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[A-Za-z]{3}$"))]
    pub country: Option<Cow<'a, str>>,
    /// Year of birth, where the number does not tell it: passports and cards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1850, max = 2200))]
    pub born: Option<u16>,
}

/// Shows the document, not its number.
impl fmt::Debug for PersonSaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonSaid({:?}, …)", self.kind)
    }
}

/// `pos.v1.claim.<outlet>`, `POST /desk/v1/claims`: a person buys. One entry moves the allowance and the stock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claim<'a> {
    /// Outlet; over NATS the subject says it, and where the body says it too, both must agree.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::OutletCode>")]
    pub outlet: Option<Cow<'a, str>>,
    /// Made and stored by the till before it sends.
    pub id: ClaimId,
    /// Terminal within the outlet.
    #[serde(borrow)]
    #[schemars(with = "crate::TerminalId")]
    pub terminal: Cow<'a, str>,
    /// When the till sent it first, by its clock.
    pub at: Rfc3339,
    /// Item bought.
    #[serde(borrow)]
    #[schemars(with = "crate::ItemId")]
    pub item: Cow<'a, str>,
    /// Pieces, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub quantity: u32,
    /// Whose allowance it is.
    #[serde(borrow)]
    pub person: PersonSaid<'a>,
    /// Who came, when it is another person.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<PersonSaid<'a>>,
    /// The proof that the other person showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
}

/// `pos.v1.late.<outlet>`, `POST /desk/v1/late-claims`: a sale that was written on paper while the network was away. It is
/// always recorded, in the window of its day, and flagged where it went over the limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LateClaim<'a> {
    /// The claim.
    #[serde(flatten, borrow)]
    pub claim: Claim<'a>,
    /// When the goods were handed over; at most 7 days back.
    pub occurred_at: Rfc3339,
}

/// `pos.v1.reserve.<outlet>`, `POST /desk/v1/reservations`: a number ticket (번호표). It holds allowance and promised stock
/// until it is confirmed, voided, or the time is up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reserve<'a> {
    /// The claim that a confirmation makes of it.
    #[serde(flatten, borrow)]
    pub claim: Claim<'a>,
    /// How long it holds, 1 to 720 minutes; 60 where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 720))]
    pub hold_minutes: Option<u32>,
}

/// `pos.v1.void.<outlet>`: the claim or reservation is taken back, once; one that is not known is `withdrawn` if it still comes
/// within 24 hours. `pos.v1.confirm.<outlet>`: the reservation becomes a
/// sale, once. Both may be sent again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Settle<'a> {
    /// Outlet; it must be the one that made the claim.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::OutletCode>")]
    pub outlet: Option<Cow<'a, str>>,
    /// The claim.
    pub id: ClaimId,
    /// Terminal within the outlet.
    #[serde(borrow)]
    #[schemars(with = "crate::TerminalId")]
    pub terminal: Cow<'a, str>,
    /// When the till sent it first, by its clock.
    pub at: Rfc3339,
}

/// `pos.v1.check.<outlet>`, `POST /desk/v1/checks`: may this person buy now? Answered from memory; nothing is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check<'a> {
    /// Outlet; over NATS the subject says it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::OutletCode>")]
    pub outlet: Option<Cow<'a, str>>,
    /// Terminal within the outlet.
    #[serde(borrow)]
    #[schemars(with = "crate::TerminalId")]
    pub terminal: Cow<'a, str>,
    /// When the till sent it, by its clock.
    pub at: Rfc3339,
    /// Item wanted.
    #[serde(borrow)]
    #[schemars(with = "crate::ItemId")]
    pub item: Cow<'a, str>,
    /// Whose allowance it is.
    #[serde(borrow)]
    pub person: PersonSaid<'a>,
    /// Who came, when it is another person.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub buyer: Option<PersonSaid<'a>>,
    /// The proof that the other person showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<Ground>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The person may have the goods; allowance and stock have moved. Of a check: could have them.
    Granted,
    /// Not; `reason` says why. Nothing has moved.
    Refused,
    /// A late claim is in the books.
    Recorded,
    /// Allowance and stock are held until `held_until`.
    Reserved,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Granted, Self::Refused, Self::Recorded, Self::Reserved];

    /// The name on the wire and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Recorded => "recorded",
            Self::Reserved => "reserved",
        }
    }
}

/// Why a claim was refused. It never says where or when the person bought before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The window's allowance is used up, or less remains than was asked for.
    LimitReached,
    /// It is not this person's day; `next_eligible` is.
    NotYourDay,
    /// The policy asks for a year of birth or a card number that was not told.
    NotEligible,
    /// This person can not be bought for by another under the policy in force, or not on this proof.
    ProxyNotAllowed,
    /// Outlets of this type do not take part.
    OutletNotAdmitted,
    /// No policy rations this item now: sell it without a claim, as a delta.
    NotRationed,
}

impl Refusal {
    /// All reasons.
    pub const ALL: [Self; 6] = [
        Self::LimitReached,
        Self::NotYourDay,
        Self::NotEligible,
        Self::ProxyNotAllowed,
        Self::OutletNotAdmitted,
        Self::NotRationed,
    ];

    /// The name on the wire and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LimitReached => "limit_reached",
            Self::NotYourDay => "not_your_day",
            Self::NotEligible => "not_eligible",
            Self::ProxyNotAllowed => "proxy_not_allowed",
            Self::OutletNotAdmitted => "outlet_not_admitted",
            Self::NotRationed => "not_rationed",
        }
    }
}

/// Where a claim stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimState {
    /// As it was decided: a sale, a refusal or a late claim.
    Final,
    /// A reservation that holds.
    Held,
    /// A reservation that became a sale.
    Confirmed,
    /// A reservation whose time was up; all was given back.
    Expired,
    /// Taken back; all was given back.
    Voided,
}

/// The answer to a claim, late claim, reservation, void, confirmation or check. A request that is sent again gets it again,
/// byte for byte but for `replayed`, and for `durability` where the core that answers could not yet ask every server for its
/// proof of fsync.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// `accepted`: it was decided. (Where it could not be, the answer is a [`Reply`](crate::pos::Reply) with `rejected`.)
    pub status: Outcome,
    /// What was decided.
    pub decision: Verdict,
    /// The claim; absent for a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ClaimId>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Refusal>,
    /// Where the claim stands: in answers to voids, confirmations and look-ups only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ClaimState>,
    /// Pieces that remain in the window after the decision; absent where nothing is rationed, and for voids and
    /// confirmations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u32>,
    /// When the window ends and the allowance is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ends: Option<Rfc3339>,
    /// First local day on which this person can buy (again) as things stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_eligible: Option<NaiveDate>,
    /// A late claim that went over the limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over_limit: bool,
    /// Until when a reservation holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Rfc3339>,
    /// Place in the journal that decided; for a check, the last one that it has seen.
    pub version: u64,
    /// How safe the decision is; absent for a check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durability: Option<Durability>,
    /// When the gateway took the request that decided.
    pub received_at: Rfc3339,
    /// Whether the outlet was in the registry.
    pub registered: bool,
    /// Whether this is the answer to a request that was decided before.
    pub replayed: bool,
}
