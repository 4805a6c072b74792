//! A message of known fields, and which of their values are harmless.

use std::borrow::Cow;

use schemas::claim::{ClaimId, MAX_HOLD_MINUTES, MAX_QUANTITY};
use schemas::policy::Ground;
use schemas::pos::MAX_COUNT;
use schemas::time::Rfc3339;
use schemas::{ItemId, OutletCode, TerminalId};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// Sequences from here on, nine digits and more, are as long as passport numbers, and as residents' numbers that began
/// with zeros.
const LONG_SEQ: u64 = 100_000_000;
/// Most digits in the name of a terminal or item; the shortest numbers of persons have more.
const FEW_DIGITS: usize = 4;
/// Most digits that an outlet code of digits alone has: those of the lists of 2020 have 8 to 10.
const CODE_DIGITS: usize = 10;

/// All fields that a message may have. One that has another is none of these.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Letter<'a> {
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    outlet: Option<Words<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<ClaimId>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    terminal: Option<Words<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Rfc3339>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<Rfc3339>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Rfc3339>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    item: Option<Words<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold_minutes: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ground: Option<Ground>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    sells_from: Option<Words<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tickets: Option<bool>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    ko: Option<Words<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    en: Option<Words<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<Hidden>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    buyer: Option<Hidden>,
}

impl Letter<'_> {
    /// Takes out every value that is not harmless; whether there was one. Times need no look: they are written anew from
    /// milliseconds.
    pub(super) fn redact(&mut self) -> bool {
        let taken = [
            take_unless(&mut self.outlet, |w| is_plain_outlet(&w.0)),
            take_unless(&mut self.terminal, |w| TerminalId::check(&w.0).is_ok() && has_few_digits(&w.0)),
            take_unless(&mut self.item, |w| ItemId::check(&w.0).is_ok() && has_few_digits(&w.0)),
            take_unless(&mut self.sells_from, |w| w.0.len() == 5 && has_few_digits(&w.0)),
            take_unless(&mut self.ko, |w| is_wordy(&w.0)),
            take_unless(&mut self.en, |w| is_wordy(&w.0)),
            take_unless(&mut self.id, |id| is_plain_uuid(*id)),
            take_unless(&mut self.seq, |seq| *seq < LONG_SEQ),
            take_unless(&mut self.count, |count| *count <= MAX_COUNT),
            take_unless(&mut self.change, |change| change.unsigned_abs() <= MAX_COUNT),
            take_unless(&mut self.quantity, |quantity| *quantity <= MAX_QUANTITY),
            take_unless(&mut self.hold_minutes, |minutes| *minutes <= MAX_HOLD_MINUTES),
            self.person.is_some(),
            self.buyer.is_some(),
        ];
        taken.contains(&true)
    }
}

fn take_unless<T>(field: &mut Option<T>, harmless: impl Fn(&T) -> bool) -> bool {
    field.take_if(|value| !harmless(value)).is_some()
}

/// An outlet code that can be told from a person's number: few digits alone, or a long one without many digits in a row,
/// as in HIRA's register.
pub(super) fn is_plain_outlet(code: &str) -> bool {
    let digits_alone = code.len() <= CODE_DIGITS && code.bytes().all(|b| b.is_ascii_digit());
    OutletCode::check(code).is_ok()
        && (digits_alone
            || has_few_digits(code)
            || (code.len() > 20 && !has_a_run(code.as_bytes(), FEW_DIGITS + 2)))
}

fn has_few_digits(text: &str) -> bool {
    text.chars().filter(|c| c.is_numeric()).count() <= FEW_DIGITS
}

/// Words of Hangul and Latin letters, without a digit of any script and without numbers spelled out digit by digit.
fn is_wordy(text: &str) -> bool {
    let plain =
        |c: char| (c.is_ascii() && !c.is_ascii_digit()) || ('가'..='힣').contains(&c) || "·…‘’“”".contains(c);
    let spelled = |c: char| "영공일이삼사오육륙칠팔구".contains(c);
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    text.chars().all(plain) && letters.split(|c| !spelled(c)).all(|run| run.chars().count() <= FEW_DIGITS)
}

/// More than so many decimal digits in a row.
fn has_a_run(text: &[u8], most: usize) -> bool {
    text.split(|b| !b.is_ascii_digit()).any(|run| run.len() > most)
}

/// A UUID of a known version in which no twelve decimal digits follow each other; of those made by chance, one in twenty
/// has twelve.
fn is_plain_uuid(id: ClaimId) -> bool {
    id.0.get_version().is_some() && !has_a_run(id.0.simple().to_string().as_bytes(), 11)
}

/// A text that is wiped where decoding had to copy it.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Words<'a>(#[serde(borrow)] Cow<'a, str>);

impl Drop for Words<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

/// A person, read over and written as a word.
struct Hidden;

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("masked")
    }
}
