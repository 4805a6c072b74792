//! A short way to read POS entries in the one form in which [`push_line`](crate::batch::push_line) writes them.
//!
//! It accepts only what serde_json would read alike; for everything else it gives `None` and serde_json decides. That is
//! what makes a restart over a long journal a matter of reading it.

use crate::entry::{Act, PosEntry};
use crate::time::Millis;

/// Reads a report, delta, pause or resume that begins at `at`, as it is written, and where the line after it begins; or gives
/// `None`.
#[inline]
pub(crate) fn take(lines: &str, at: usize) -> Option<(PosEntry<'_>, usize)> {
    let mut rest = Rest { lines, at };
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
    rest.literal("}}}}\n")?;
    Some((PosEntry { outlet, terminal, seq, at, sent, received, act }, rest.at))
}

/// A one in each of eight bytes.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Lines, and where reading has got to.
struct Rest<'a> {
    lines: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    #[inline(always)]
    fn bytes(&self) -> &'a [u8] {
        self.lines.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline(always)]
    fn act(&mut self) -> Option<Act<'a>> {
        if self.literal(r#"delta":{"item":""#).is_some() {
            let item = self.text()?;
            self.literal(r#","change":"#)?;
            return Some(Act::Delta { item, change: i32::try_from(self.signed()?).ok()? });
        }
        if self.literal(r#"report":{"item":""#).is_some() {
            let item = self.text()?;
            self.literal(r#","count":"#)?;
            return Some(Act::Report { item, count: u32::try_from(self.unsigned()?).ok()? });
        }
        if self.literal(r#"pause":{"item":""#).is_some() {
            return Some(Act::Pause { item: self.text()? });
        }
        self.literal(r#"resume":{"item":""#)?;
        Some(Act::Resume { item: self.text()? })
    }

    #[inline(always)]
    fn literal(&mut self, text: &str) -> Option<()> {
        self.bytes().starts_with(text.as_bytes()).then(|| self.at += text.len())
    }

    /// Printable ASCII without escapes up to the closing quote, which is taken too.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a str> {
        let (start, bytes) = (self.at, self.bytes());
        let mut length = 0;
        length += loop {
            let Some(eight) = bytes[length..].first_chunk() else {
                break bytes[length..]
                    .iter()
                    .position(|byte| stops(u64::from(*byte) | (ONES * 0x20) << 8) != 0)?;
            };
            match stops(u64::from_le_bytes(*eight)) {
                0 => length += 8,
                stops => break stops.trailing_zeros() as usize / 8,
            }
        };
        self.at = start + length;
        self.literal("\"")?;
        self.lines.get(start..start + length)
    }

    #[inline(always)]
    fn signed(&mut self) -> Option<i64> {
        if self.literal("-").is_none() {
            return i64::try_from(self.unsigned()?).ok();
        }
        let number = i64::try_from(self.unsigned()?).ok()?;
        // JSON reads -0 as a floating-point number.
        (number != 0).then_some(-number)
    }

    /// Digits without a leading zero.
    #[inline(always)]
    fn unsigned(&mut self) -> Option<u64> {
        let bytes = self.bytes();
        let (mut number, mut digits) = (0, 0);
        if let Some(eight) = bytes.first_chunk().and_then(|eight| eight_digits(u64::from_le_bytes(*eight))) {
            (number, digits) = (eight, 8);
        }
        // Nineteen digits fit; the twentieth is seen, and refused below.
        for byte in bytes[digits..].iter().take(20 - digits).take_while(|byte| byte.is_ascii_digit()) {
            number = u64::wrapping_add(u64::wrapping_mul(number, 10), u64::from(byte - b'0'));
            digits += 1;
        }
        if digits == 0 || digits > 19 || (bytes[0] == b'0' && digits > 1) {
            return None;
        }
        self.at += digits;
        Some(number)
    }
}

/// Marks, by its highest bit, the first byte that does not go on a text: a control character, a quote, a backslash, DEL or
/// one beyond ASCII. Bytes after it may be marked wrongly.
///
/// Source: "Determine if a word has a byte less than n", Sean Eron Anderson, Bit Twiddling Hacks.
#[inline(always)]
fn stops(eight: u64) -> u64 {
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word;
    let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    (below(eight, b' ') | is(b'"') | is(b'\\') | is(0x7f) | eight) & (ONES << 7)
}

/// The number that eight digits make, where all eight are digits.
///
/// Source: "Quickly parsing eight digits", Daniel Lemire, 2018.
#[inline(always)]
fn eight_digits(eight: u64) -> Option<u64> {
    let highs = (eight & (ONES * 0xf0)) | ((eight.wrapping_add(ONES * 6) & (ONES * 0xf0)) >> 4);
    if highs != ONES * 0x33 {
        return None;
    }
    let pairs = (eight & (ONES * 0x0f)).wrapping_mul((10 << 8) + 1) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul((100 << 16) + 1) >> 16;
    Some((fours & 0x0000_ffff_0000_ffff).wrapping_mul((10_000 << 32) + 1) >> 32)
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
        fn reads_what_is_written(parts in any_pos(), after in "[a-z{]{0,9}") {
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
            line.extend_from_slice(after.as_bytes());
            // Numbers of twenty digits are left to serde_json.
            let short = *seq < 10u64.pow(19) && at.0 != i64::MIN && received.0 != i64::MIN && sent != Some(Millis(i64::MIN));
            let (text, end) = (std::str::from_utf8(&line).unwrap(), line.len() - after.len());
            prop_assert_eq!(take(text, 0), short.then_some((entry, end)));
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
            let at = at.index(line.len());
            if insert { line.insert(at, byte) } else { line[at] = byte }
            let Ok(text) = std::str::from_utf8(&line) else { return Ok(()) };
            if let Some((read, end)) = take(text, 0) {
                let parsed = serde_json::from_slice::<Entry<'_>>(&line[..end]);
                prop_assert_eq!(parsed.ok(), Some(Entry::Pos(read)));
            }
        }
    }
}
