//! A short way to read POS entries in the one form in which [`push_line`](crate::batch::push_line) writes them.
//!
//! It accepts only what serde_json would read alike; for everything else it gives `None` and serde_json decides. That is
//! what makes a restart over a long journal a matter of reading it.

use crate::entry::{Act, PosEntry};
use crate::time::Millis;

/// Reads a report, delta, pause or resume as it is written, or gives `None`.
pub(crate) fn read(line: &[u8]) -> Option<PosEntry<'_>> {
    let mut rest = Rest(line);
    rest.literal(r#"{"pos":{"outlet":""#)?;
    let outlet = rest.text()?;
    rest.literal(r#","terminal":""#)?;
    let terminal = rest.text()?;
    rest.literal(r#","seq":"#)?;
    let seq = rest.unsigned()?;
    rest.literal(r#","at":"#)?;
    let at = Millis(rest.signed()?);
    let sent = match rest.literal(r#","sent":"#) {
        Some(()) => Some(Millis(rest.signed()?)),
        None => None,
    };
    rest.literal(r#","received":"#)?;
    let received = Millis(rest.signed()?);
    rest.literal(r#","act":{""#)?;
    let act = rest.act()?;
    rest.literal("}}}}")?;
    rest.0.is_empty().then_some(PosEntry { outlet, terminal, seq, at, sent, received, act })
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn act(&mut self) -> Option<Act<'a>> {
        let kind = self.text()?;
        self.literal(r#":{"item":""#)?;
        let item = self.text()?;
        match kind {
            "delta" => {
                self.literal(r#","change":"#)?;
                Some(Act::Delta { item, change: i32::try_from(self.signed()?).ok()? })
            }
            "report" => {
                self.literal(r#","count":"#)?;
                Some(Act::Report { item, count: u32::try_from(self.unsigned()?).ok()? })
            }
            "pause" => Some(Act::Pause { item }),
            "resume" => Some(Act::Resume { item }),
            _ => None,
        }
    }

    fn literal(&mut self, text: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(text.as_bytes())?;
        Some(())
    }

    /// Printable ASCII without escapes up to the closing quote, which is taken too.
    fn text(&mut self) -> Option<&'a str> {
        let end = self.0.iter().position(|b| !matches!(b, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))?;
        let (text, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\"")?;
        std::str::from_utf8(text).ok()
    }

    fn signed(&mut self) -> Option<i64> {
        if self.literal("-").is_none() {
            return i64::try_from(self.unsigned()?).ok();
        }
        let number = i64::try_from(self.unsigned()?).ok()?;
        // JSON reads -0 as a floating-point number.
        (number != 0).then_some(-number)
    }

    /// Digits without a leading zero.
    fn unsigned(&mut self) -> Option<u64> {
        let digits = self.0.iter().take_while(|b| b.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        if digits == 0 || digits > 19 || (number[0] == b'0' && digits > 1) {
            return None;
        }
        self.0 = rest;
        Some(number.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::batch::push_line;
    use crate::entry::Entry;

    fn any_pos() -> impl Strategy<Value = (String, String, u64, i64, Option<i64>, i64, String, u8, i64)> {
        let id = "[0-9A-Za-z_+/=-]{1,20}";
        let time = prop_oneof![any::<i64>(), 0..2_000_000_000_000i64];
        (
            id,
            id,
            any::<u64>(),
            time.clone(),
            prop::option::of(time.clone()),
            time,
            "[a-z_]{1,9}",
            0..4u8,
            any::<i64>(),
        )
    }

    proptest! {
        #[test]
        fn reads_what_is_written(parts in any_pos()) {
            let (outlet, terminal, seq, at, sent, received, item, kind, number) = &parts;
            let item = item.as_str();
            let act = match kind {
                0 => Act::Delta { item, change: *number as i32 },
                1 => Act::Report { item, count: *number as u32 },
                2 => Act::Pause { item },
                _ => Act::Resume { item },
            };
            let (at, sent, received) = (Millis(*at), sent.map(Millis), Millis(*received));
            let entry = PosEntry { outlet, terminal, seq: *seq, at, sent, received, act };
            let mut line = Vec::new();
            push_line(&mut line, &Entry::Pos(entry.clone()));
            line.pop();
            // Numbers of twenty digits are left to serde_json.
            let short = *seq < 10u64.pow(19) && at.0 != i64::MIN && received.0 != i64::MIN && sent != Some(Millis(i64::MIN));
            prop_assert_eq!(read(&line), short.then_some(entry));
        }

        #[test]
        fn takes_nothing_that_serde_json_would_read_otherwise(
            parts in any_pos(),
            at in any::<prop::sample::Index>(),
            byte in prop_oneof![Just(b'0'), Just(b'-'), Just(b'"'), Just(b'\\'), Just(b'.'), any::<u8>()],
            insert in any::<bool>(),
        ) {
            let (outlet, terminal, seq, time, ..) = &parts;
            let act = Act::Delta { item: "mask", change: -2 };
            let (at_time, received) = (Millis(*time), Millis(5));
            let entry = PosEntry { outlet, terminal, seq: *seq, at: at_time, sent: None, received, act };
            let mut line = Vec::new();
            push_line(&mut line, &Entry::Pos(entry));
            line.pop();
            let at = at.index(line.len());
            if insert { line.insert(at, byte) } else { line[at] = byte }
            if let Some(read) = read(&line) {
                let parsed = serde_json::from_slice::<Entry<'_>>(&line);
                prop_assert_eq!(parsed.ok(), Some(Entry::Pos(read)));
            }
        }
    }
}
