//! What of a message that was turned away may be kept: its shape and what is known to be harmless, never a person's number.

mod letter;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use schemas::subject::parse_pos;

use self::letter::Letter;

/// Words that stay readable where all else is masked: what our own contract calls things. None holds a digit.
const WORDS: &[&str] = &[
    "outlet",
    "terminal",
    "seq",
    "at",
    "sent_at",
    "item",
    "count",
    "change",
    "ko",
    "en",
    "sells_from",
    "tickets",
    "id",
    "quantity",
    "ground",
    "hold_minutes",
    "occurred_at",
    "person",
    "buyer",
    "kind",
    "number",
    "country",
    "born",
    "resident",
    "foreigner",
    "passport",
    "card",
    "true",
    "false",
    "null",
    "pos",
    "report",
    "delta",
    "pause",
    "resume",
    "notice",
    "claim",
    "late",
    "reserve",
    "void",
    "confirm",
    "check",
    "mask",
];

/// What stands for a character that is not kept.
const MASK: char = '*';

/// A message as it may be kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    /// The bytes.
    pub payload: Bytes,
    /// Whether something was masked or left out.
    pub redacted: bool,
}

/// What may be kept of a message's body.
///
/// A JSON object of known fields of their own types is kept but for its persons, and for texts and numbers in which a
/// person's number could stand. Of anything else there stays the punctuation and the words of the contract; every other
/// character, whatever its script, becomes `*`.
#[must_use]
pub fn payload(bytes: &[u8]) -> Kept {
    match serde_json::from_slice::<Letter<'_>>(bytes) {
        Ok(mut letter) => {
            let redacted = letter.redact();
            let json = serde_json::to_vec(&letter).expect("a letter holds only text and numbers");
            Kept { payload: json.into(), redacted }
        }
        Err(_) => masked(bytes),
    }
}

/// What may be kept of a subject: all of it where it names a kind and an outlet of the usual form.
#[must_use]
pub fn subject(subject: &str) -> String {
    match parse_pos(subject) {
        Ok((_, outlet)) if letter::is_plain_outlet(outlet) => subject.to_owned(),
        _ => match subject.strip_prefix("pos.v1.") {
            Some(rest) => format!("pos.v1.{}", mask(rest)),
            None => mask(subject),
        },
    }
}

fn masked(bytes: &[u8]) -> Kept {
    let mut masked = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        masked.push_str(&mask(chunk.valid()));
        masked.extend(chunk.invalid().iter().map(|_| MASK));
    }
    Kept { redacted: masked.as_bytes() != bytes, payload: masked.into() }
}

/// Punctuation, blanks and the words of the contract; everything else masked, character by character.
fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_of_a_word(c)).unwrap_or(rest.len());
        if word > 0 {
            push_word(&mut masked, &rest[..word]);
            rest = &rest[word..];
        } else {
            masked.push(if first.is_ascii() { first } else { MASK });
            rest = &rest[first.len_utf8()..];
        }
    }
    masked
}

/// Runs of these are looked up as one word, so that no part of a longer one stays.
fn is_of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn push_word(masked: &mut String, word: &str) {
    if WORDS.contains(&word) {
        masked.push_str(word);
    } else {
        masked.extend(word.chars().map(|_| MASK));
    }
}
