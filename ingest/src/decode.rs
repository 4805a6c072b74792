//! Decoding: bytes of a POS become a journal entry, or a rejection with a name and a next step.

pub mod claim;

use std::borrow::Cow;

use schemas::entry::{Act, Entry, Notice, PosEntry, Rules};
use schemas::pos::{MAX_COUNT, MAX_MESSAGE_BYTES, MAX_NOTICE_CHARS, MAX_SEQ, Reason};
use schemas::subject::PosKind;
use schemas::time::{BadTime, Rfc3339};
use schemas::{ItemId, Millis, TerminalId};
use serde::Deserialize;

/// 2020-01-01T00:00:00Z: a POS that names an earlier time has a clock that was never set.
const EARLIEST: Millis = Millis(1_577_836_800_000);

/// Why a message was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The reason by name.
    pub reason: Reason,
    /// The reason in words, with what to do.
    pub detail: String,
    /// When to come again, where that is known better than by chance; in milliseconds.
    pub retry_after_ms: Option<u32>,
}

impl Rejection {
    /// A rejection for this reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry_after_ms: None }
    }
}

/// The fields of all POS messages in one flat shape: one pass over the bytes, nothing copied. The documented shapes are
/// in [`schemas::pos`]; a test holds that both read the same examples.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(borrow)]
    outlet: Option<Cow<'a, str>>,
    terminal: &'a str,
    seq: u64,
    at: Rfc3339,
    sent_at: Option<Rfc3339>,
    item: Option<&'a str>,
    count: Option<u32>,
    change: Option<i32>,
    #[serde(borrow)]
    ko: Option<Cow<'a, str>>,
    #[serde(borrow)]
    en: Option<Cow<'a, str>>,
    sells_from: Option<&'a str>,
    tickets: Option<bool>,
}

/// Decodes a message about stock.
///
/// # Errors
/// [`Rejection`], for each reason but `overloaded` and `unavailable`.
pub fn decode<'a>(
    kind: PosKind,
    outlet: &'a str,
    payload: &'a [u8],
    received: Millis,
) -> Result<Entry<'a>, Rejection> {
    if payload.len() > MAX_MESSAGE_BYTES {
        let detail = format!("{} bytes, at most {MAX_MESSAGE_BYTES} are allowed", payload.len());
        return Err(Rejection::new(Reason::Oversized, detail));
    }
    let fields: Fields<'a> = object(kind, payload)?;
    check_head(&fields, outlet, received)?;
    Ok(Entry::Pos(PosEntry {
        outlet,
        terminal: fields.terminal,
        seq: fields.seq,
        at: fields.at.0,
        sent: fields.sent_at.map(|t| t.0),
        received,
        act: act(kind, fields)?,
    }))
}

/// Reads an object. serde would take an array too, and its values for the fields in their order.
fn object<'a, T: Deserialize<'a>>(kind: PosKind, payload: &'a [u8]) -> Result<T, Rejection> {
    if payload.trim_ascii_start().first() == Some(&b'[') {
        let detail =
            format!("an array, expected an object; the shape of a {} is in docs/pos-vendors.md", kind.name());
        return Err(Rejection::new(Reason::Malformed, detail));
    }
    serde_json::from_slice(payload).map_err(|error| malformed(kind, &error))
}

fn malformed(kind: PosKind, error: &serde_json::Error) -> Rejection {
    let (line, column) = (error.line(), error.column());
    Rejection::new(
        Reason::Malformed,
        format!(
            "{} at line {line} column {column}; the shape of a {} is in docs/pos-vendors.md",
            wrong(error),
            kind.name()
        ),
    )
}

/// What serde_json says is wrong, without what it repeats of the input: a value in the wrong place may be a person's number.
pub(crate) fn wrong(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let told = told.rsplit_once(" at line ").map_or(told.as_str(), |(told, _)| told);
    // Of syntax it says what it expected, in words of its own. Of data it quotes what it found, but never after the last
    // "expected", nor where a field of ours is missing or there twice.
    if !error.is_data() || told.starts_with("missing field `") || told.starts_with("duplicate field `") {
        return told.to_owned();
    }
    match told.rsplit_once(", expected ") {
        Some((_, expected)) => format!("a value of the wrong type, expected {expected}"),
        None if told == BadTime.to_string() => told.to_owned(),
        None => "a value that is not of its field's form".to_owned(),
    }
}

fn check_head(fields: &Fields<'_>, outlet: &str, received: Millis) -> Result<(), Rejection> {
    if fields.outlet.as_ref().is_some_and(|said| said != outlet) {
        let detail = "the outlet in the body is not the one of the subject or header";
        return Err(Rejection::new(Reason::WrongSubject, detail));
    }
    TerminalId::check(fields.terminal).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
    if fields.seq > MAX_SEQ {
        return Err(Rejection::new(Reason::OutOfRange, "seq is above 2^53 - 1"));
    }
    check_clock(fields.at.0, fields.sent_at.map(|t| t.0), received)
}

/// A clock may be off where `sent_at` lets it be measured; otherwise nothing can have happened after it was received.
fn check_clock(at: Millis, sent: Option<Millis>, received: Millis) -> Result<(), Rejection> {
    if at < EARLIEST {
        return Err(Rejection::new(Reason::OutOfRange, "at is before 2020: set the clock"));
    }
    let reference = sent.unwrap_or(received);
    let ahead_ms = at.since(reference);
    if ahead_ms <= Rules::default().clock_tolerance_ms {
        return Ok(());
    }
    let than =
        if sent.is_some() { "its own sent_at" } else { "the time here; set the clock, or send sent_at" };
    Err(Rejection::new(Reason::FutureDated, format!("at is {} s later than {than}", ahead_ms / 1000)))
}

fn act(kind: PosKind, fields: Fields<'_>) -> Result<Act<'_>, Rejection> {
    let missing = |name: &str| {
        Rejection::new(Reason::Malformed, format!("missing field `{name}` in a {}", kind.name()))
    };
    let item = || {
        let item = fields.item.ok_or_else(|| missing("item"))?;
        ItemId::check(item).map_err(|e| Rejection::new(Reason::OutOfRange, e.to_string()))?;
        Ok::<_, Rejection>(item)
    };
    match kind {
        PosKind::Report => {
            let count = fields.count.ok_or_else(|| missing("count"))?;
            within("count", count <= MAX_COUNT)?;
            Ok(Act::Report { item: item()?, count })
        }
        PosKind::Delta => {
            let change = fields.change.ok_or_else(|| missing("change"))?;
            within("change", change.unsigned_abs() <= MAX_COUNT)?;
            Ok(Act::Delta { item: item()?, change })
        }
        PosKind::Pause => Ok(Act::Pause { item: item()? }),
        PosKind::Resume => Ok(Act::Resume { item: item()? }),
        PosKind::Notice => Ok(Act::Notice(Box::new(notice(fields)?))),
        PosKind::Claim
        | PosKind::Late
        | PosKind::Reserve
        | PosKind::Void
        | PosKind::Confirm
        | PosKind::Check => Err(Rejection::new(Reason::WrongSubject, "no claims are taken yet")),
    }
}

fn within(name: &str, holds: bool) -> Result<(), Rejection> {
    if holds {
        Ok(())
    } else {
        Err(Rejection::new(Reason::OutOfRange, format!("{name} is beyond {MAX_COUNT}")))
    }
}

fn notice(fields: Fields<'_>) -> Result<Notice, Rejection> {
    Ok(Notice {
        ko: words("ko", fields.ko)?,
        en: words("en", fields.en)?,
        sells_from: fields.sells_from.map(minutes).transpose()?,
        tickets: fields.tickets.unwrap_or_default(),
    })
}

fn words(name: &str, text: Option<Cow<'_, str>>) -> Result<Option<String>, Rejection> {
    let Some(text) = text.filter(|t| !t.trim().is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_NOTICE_CHARS {
        return Err(Rejection::new(
            Reason::OutOfRange,
            format!("{name} is longer than {MAX_NOTICE_CHARS} characters"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(Rejection::new(Reason::OutOfRange, format!("{name} holds a control character")));
    }
    Ok(Some(text.into_owned()))
}

/// Minutes after midnight of `HH:MM`.
fn minutes(text: &str) -> Result<u16, Rejection> {
    let wrong = || Rejection::new(Reason::OutOfRange, "sells_from is not HH:MM");
    let (hours, minutes) =
        text.split_once(':').filter(|(h, m)| two_digits(h) && two_digits(m)).ok_or_else(wrong)?;
    match (hours.parse::<u16>(), minutes.parse::<u16>()) {
        (Ok(h @ 0..24), Ok(m @ 0..60)) => Ok(h * 60 + m),
        _ => Err(wrong()),
    }
}

fn two_digits(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_message_is_told_where_and_what_but_not_what_it_said() {
        for (payload, told) in [
            (r#"{"terminal":"t1"}"#, "missing field `seq` at line 1 column 17;"),
            (r#"{"terminal":"t1","terminal":"t1"}"#, "duplicate field `terminal` at line 1 column 27;"),
            (
                r#"{"terminal":"t1","seq":"9001011234568"}"#,
                "a value of the wrong type, expected u64 at line 1 column 38;",
            ),
            (
                r#"{"terminal":"t1","seq":-9001011234568}"#,
                "a value of the wrong type, expected u64 at line 1 column 37;",
            ),
            (
                r#"{"terminal":"t1","seq":", expected 9001011234568, expected "}"#,
                "a value of the wrong type, expected u64 at",
            ),
            (r#"{"terminal":"t1","seq":1,"at":"9001011234568"}"#, "not a time: expected RFC 3339"),
            (r#"{"terminal":"t1","seq":9001011234568"#, "EOF while parsing an object at line 1 column 36;"),
            (r#"{"terminal":9001011234568x"#, "a value of the wrong type, expected a borrowed string at"),
            (
                r#" [null,"t1",1,"2020-03-11T09:05:00+09:00",null,"mask",9001,null,null,null,null,null]"#,
                "an array, expected an object;",
            ),
        ] {
            let rejection = decode(PosKind::Report, "1", payload.as_bytes(), Millis(0)).unwrap_err();
            assert_eq!(rejection.reason, Reason::Malformed);
            assert!(rejection.detail.starts_with(told), "{payload}: {}", rejection.detail);
            assert!(!rejection.detail.contains("9001"), "{payload}: {}", rejection.detail);
        }
    }
}
