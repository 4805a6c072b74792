//! One journal message: a batch of entries as JSON lines, with what a reader needs to trust it.

use crate::entry::Entry;

/// Header that names the layout of the payload.
pub const FORMAT_HEADER: &str = "Jaego-Format";
/// Layout: JSON lines, each an [`Entry`], each ended by a line feed.
pub const FORMAT: &str = "ndjson/1";
/// Header with the number of lines, decimal.
pub const COUNT_HEADER: &str = "Jaego-Count";
/// Header with the CRC-32C of the payload, eight hexadecimal digits.
pub const CRC_HEADER: &str = "Jaego-Crc32c";
/// Header with the gateway that wrote the batch and its own number for it: `<gateway>/<number>`.
pub const WRITER_HEADER: &str = "Jaego-Writer";
/// Most entries in one batch.
pub const MAX_ENTRIES: usize = 512;
/// Most bytes in one batch.
pub const MAX_BYTES: usize = 512 * 1024;

/// Why a journal message can not be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// A header is missing or unreadable.
    #[error("header {0} is missing or unreadable")]
    Header(&'static str),
    /// The layout is not one that this version reads.
    #[error("layout {0:?} is unknown to this version; a newer jaego wrote it")]
    Format(String),
    /// The bytes are not the bytes that were written.
    #[error("CRC-32C is {found:08x}, the header says {expected:08x}: the stored bytes were damaged")]
    Crc {
        /// The checksum in the header.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// Fewer or more lines than the header says.
    #[error("{found} lines, the header says {expected}")]
    Count {
        /// The number in the header.
        expected: usize,
        /// The number of lines.
        found: usize,
    },
    /// A line is not an entry.
    #[error("line {line} is not an entry: {cause}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        cause: serde_json::Error,
    },
}

/// The headers of a batch, as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Lines.
    pub count: usize,
    /// CRC-32C of the payload.
    pub crc: u32,
}

impl Seal {
    /// The seal of a payload of `count` lines.
    #[must_use]
    pub fn of(payload: &[u8], count: usize) -> Self {
        Self { count, crc: crc32c::crc32c(payload) }
    }

    /// Reads the seal out of headers, given as a look-up by name.
    ///
    /// # Errors
    /// [`BatchError::Header`] and [`BatchError::Format`].
    pub fn read<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Result<Self, BatchError> {
        match header(FORMAT_HEADER) {
            Some(FORMAT) => {}
            Some(other) => return Err(BatchError::Format(other.to_owned())),
            None => return Err(BatchError::Header(FORMAT_HEADER)),
        }
        let count =
            header(COUNT_HEADER).and_then(|t| t.parse().ok()).ok_or(BatchError::Header(COUNT_HEADER))?;
        let crc = header(CRC_HEADER)
            .and_then(|t| u32::from_str_radix(t, 16).ok())
            .ok_or(BatchError::Header(CRC_HEADER))?;
        Ok(Self { count, crc })
    }

    /// Checks the payload against the seal and hands each entry to `each`, in order.
    ///
    /// # Errors
    /// [`BatchError`] before the first entry where checksum or count differ; at the line where one is no entry.
    pub fn open<'p>(&self, payload: &'p [u8], mut each: impl FnMut(Entry<'p>)) -> Result<(), BatchError> {
        let found = crc32c::crc32c(payload);
        if found != self.crc {
            return Err(BatchError::Crc { expected: self.crc, found });
        }
        // The short way is for text; what is none gets its error from serde_json.
        let text = std::str::from_utf8(payload).unwrap_or_default();
        let (mut at, mut found) = (0, 0);
        while let Some(first) = payload.get(at) {
            if *first == b'\n' {
                at += 1;
                continue;
            }
            found += 1;
            let (entry, next) =
                read_line(payload, text, at).map_err(|cause| BatchError::Line { line: found, cause })?;
            each(entry);
            at = next;
        }
        if found != self.count {
            return Err(BatchError::Count { expected: self.count, found });
        }
        Ok(())
    }
}

/// Reads the line that begins at `at`, and says where it ends: POS entries by the short way where they are written as we
/// write them, all else by serde_json.
#[inline]
fn read_line<'p>(
    payload: &'p [u8],
    text: &'p str,
    at: usize,
) -> Result<(Entry<'p>, usize), serde_json::Error> {
    if let Some((pos, next)) = crate::canonical::take(text, at) {
        return Ok((Entry::Pos(pos), next));
    }
    let line = &payload[at..];
    let line = &line[..line.iter().position(|byte| *byte == b'\n').unwrap_or(line.len())];
    Ok((serde_json::from_slice(line)?, at + line.len()))
}

/// Appends one entry as a line.
pub fn push_line(payload: &mut Vec<u8>, entry: &Entry<'_>) {
    serde_json::to_writer(&mut *payload, entry).expect("entries hold only text, numbers and lists");
    payload.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Tick;
    use crate::time::Millis;

    fn sample() -> Vec<u8> {
        let mut payload = Vec::new();
        for at in [1000, 2000] {
            push_line(&mut payload, &Entry::Tick(Tick { at: Millis(at), interval_ms: 1000 }));
        }
        payload
    }

    #[test]
    fn a_flipped_bit_is_noticed_before_any_entry_is_seen() {
        let mut payload = sample();
        let seal = Seal::of(&payload, 2);
        payload[5] ^= 1;
        let mut seen = 0;
        assert!(matches!(seal.open(&payload, |_| seen += 1), Err(BatchError::Crc { .. })));
        assert_eq!(seen, 0);
    }

    #[test]
    fn lines_are_counted() {
        let payload = sample();
        let seal = Seal { count: 3, ..Seal::of(&payload, 2) };
        assert!(matches!(seal.open(&payload, |_| ()), Err(BatchError::Count { expected: 3, found: 2 })));
    }
}
