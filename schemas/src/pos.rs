//! What a POS sends and what it is answered: the contract with vendors.
//!
//! Requests go to `pos.v1.<kind>.<outlet>` as JSON of at most [`MAX_MESSAGE_BYTES`]; fields that are not listed here are
//! ignored, so that the contract can grow.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::Durability;
use crate::time::Rfc3339;

/// Largest POS message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 4096;
/// Largest sequence: 2^53 − 1, so that it survives a JSON number in every language.
pub const MAX_SEQ: u64 = (1 << 53) - 1;
/// Largest count and largest movement, in pieces.
pub const MAX_COUNT: u32 = 1_000_000;
/// Longest notice text, in characters.
pub const MAX_NOTICE_CHARS: usize = 200;

/// `pos.v1.report.<outlet>`: the count on hand is this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report<'a> {
    /// Who counts.
    #[serde(flatten, borrow)]
    pub head: Head<'a>,
    /// Item counted.
    #[schemars(with = "crate::ItemId")]
    pub item: &'a str,
    /// Pieces on hand, 0 to 1,000,000.
    #[schemars(range(max = 1_000_000))]
    pub count: u32,
}

/// `pos.v1.delta.<outlet>`: the count moved by this. A change of 0 says "still here".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delta<'a> {
    /// Who sells or receives.
    #[serde(flatten, borrow)]
    pub head: Head<'a>,
    /// Item moved.
    #[schemars(with = "crate::ItemId")]
    pub item: &'a str,
    /// Pieces, negative when sold, −1,000,000 to 1,000,000.
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub change: i32,
}

/// `pos.v1.pause.<outlet>` and `pos.v1.resume.<outlet>`: sales of the item are suspended (판매중지), or go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suspension<'a> {
    /// Who says so.
    #[serde(flatten, borrow)]
    pub head: Head<'a>,
    /// Item.
    #[schemars(with = "crate::ItemId")]
    pub item: &'a str,
}

/// `pos.v1.notice.<outlet>`: how and when this outlet sells, for everyone to read. An empty notice takes the last one down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoticeMessage<'a> {
    /// Who says so.
    #[serde(flatten, borrow)]
    pub head: Head<'a>,
    /// Korean text, at most 200 characters, no control characters.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub ko: Option<Cow<'a, str>>,
    /// English text, at most 200 characters, no control characters.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub en: Option<Cow<'a, str>>,
    /// Local time at which selling starts, `HH:MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub sells_from: Option<&'a str>,
    /// Number tickets (번호표) are given out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tickets: bool,
}

/// What every POS message begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Head<'a> {
    /// Outlet; over NATS the subject says it, and where the body says it too, both must agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::OutletCode>")]
    pub outlet: Option<&'a str>,
    /// Terminal within the outlet.
    #[schemars(with = "crate::TerminalId")]
    pub terminal: &'a str,
    /// Sequence of this terminal, one more for every message, made and stored *before* sending; a message that is sent
    /// again keeps its number.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    pub seq: u64,
    /// When it happened, by the POS clock.
    pub at: Rfc3339,
    /// When this copy was sent, by the POS clock. Lets the gateway measure that clock and correct `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Rfc3339>,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in the journal and took effect.
    Accepted,
    /// The same sequence was in the journal already; nothing changed.
    Duplicate,
    /// It is in the journal, and something newer made it moot: too old, or counted in a later report.
    Superseded,
    /// It is not in the journal; `reason` says why.
    Rejected,
}

impl Outcome {
    /// The name on the wire and in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
        }
    }
}

/// Why a message was turned away. The same names stand in replies, metrics and dead-letter subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Not JSON of the shape that the subject asks for.
    Malformed,
    /// Larger than [`MAX_MESSAGE_BYTES`].
    Oversized,
    /// The subject names no known kind or no valid outlet, or disagrees with the body.
    WrongSubject,
    /// A time lies more than the clock tolerance ahead of the gateway's clock.
    FutureDated,
    /// A number or text is outside its limits.
    OutOfRange,
    /// The person's number is not of the form of its kind, or a year of birth is missing.
    BadPerson,
    /// Another claim with another body was made under this id: make a new id.
    IdConflict,
    /// A void of this id came before the claim: nothing was decided, and nothing will be under this id.
    Withdrawn,
    /// No claim of this id is known: it was never made, or more than 24 hours ago. A void leaves word: a claim that still comes under
    /// the id is `withdrawn`.
    UnknownClaim,
    /// Only the outlet that made a claim can void or confirm it.
    OtherOutlet,
    /// What was to be confirmed is no reservation that holds.
    NotHeld,
    /// What was to be voided moved nothing: it was refused, or its time was up.
    NothingToVoid,
    /// This kind of institution, or this one, may not send such messages now; `retry_after_ms` says when to ask again.
    NotAdmitted,
    /// More than the cap of this terminal, institution or kind of institution; send again after `retry_after_ms`.
    OverCap,
    /// More wait or are under way than can be answered in time; send again after `retry_after_ms`.
    Overloaded,
    /// The journal can not be written now; send again after `retry_after_ms`.
    Unavailable,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 16] = [
        Self::Malformed,
        Self::Oversized,
        Self::WrongSubject,
        Self::FutureDated,
        Self::OutOfRange,
        Self::BadPerson,
        Self::IdConflict,
        Self::Withdrawn,
        Self::UnknownClaim,
        Self::OtherOutlet,
        Self::NotHeld,
        Self::NothingToVoid,
        Self::NotAdmitted,
        Self::OverCap,
        Self::Overloaded,
        Self::Unavailable,
    ];

    /// The name on the wire, in metrics and in dead-letter subjects.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Oversized => "oversized",
            Self::WrongSubject => "wrong_subject",
            Self::FutureDated => "future_dated",
            Self::OutOfRange => "out_of_range",
            Self::BadPerson => "bad_person",
            Self::IdConflict => "id_conflict",
            Self::Withdrawn => "withdrawn",
            Self::UnknownClaim => "unknown_claim",
            Self::OtherOutlet => "other_outlet",
            Self::NotHeld => "not_held",
            Self::NothingToVoid => "nothing_to_void",
            Self::NotAdmitted => "not_admitted",
            Self::OverCap => "over_cap",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the same message may be sent again as it is.
    #[must_use]
    pub fn retryable(self) -> bool {
        matches!(self, Self::NotAdmitted | Self::OverCap | Self::Overloaded | Self::Unavailable)
    }
}

/// The answer to a POS message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// What became of it.
    pub status: Outcome,
    /// Why, where it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The reason in words, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Place in the journal; every published version of at least this number shows the effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// How safe it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub durability: Option<Durability>,
    /// When the gateway took it.
    pub received_at: Rfc3339,
    /// Whether this is the answer to a message that was in the journal before.
    pub replayed: bool,
    /// Whether the outlet is in the registry; entries of others are kept until it is. Absent where rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<bool>,
    /// Highest sequence seen from this terminal, where the message was a duplicate or superseded: number on from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_water: Option<u64>,
    /// Wait at least this long before sending again, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
}

impl Reply {
    /// The answer to a message that was turned away.
    #[must_use]
    pub fn rejected(reason: Reason, detail: String, received: crate::Millis) -> Self {
        Self {
            status: Outcome::Rejected,
            reason: Some(reason),
            detail: Some(detail),
            version: None,
            durability: None,
            received_at: Rfc3339(received),
            replayed: false,
            registered: None,
            high_water: None,
            retry_after_ms: None,
        }
    }
}
