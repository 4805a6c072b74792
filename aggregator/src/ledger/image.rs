//! The ledger as a checkpoint holds it: taken in no time, written later while the fold goes on, read back equal.

use std::io::{self, Write};
use std::sync::Arc;

use schemas::claim::ClaimId;
use schemas::entry::Keys;
use schemas::policy::Schedule;
use schemas::{Millis, OutletCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::books::{Alias, Ration};
use super::claims::Claim;
use super::log::Piece;
use super::table::{Part, Row, Table, sorted};
use super::weeks::Bought;
use super::{Ledger, Names};

const WEEK: u8 = 1;
const CLAIMS: u8 = 2;
const ALIASES: u8 = 3;
/// Claims in a block.
const BLOCK_CLAIMS: usize = 16_384;

/// The ledger at one place in the journal, sharing its rows with the books until they are written again.
#[derive(Debug)]
pub(crate) struct LedgerImage {
    head: Head,
    earlier: Vec<Arc<Schedule>>,
    weeks: Vec<(i32, Vec<Part<Bought>>)>,
    claims: Vec<Piece>,
    aliases: Vec<Part<Alias>>,
}

/// What is small.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    names: Names,
    holds: Vec<(Millis, [u8; 16], OutletCode)>,
    /// As JSON: its form leaves absent fields out, which the form of a checkpoint can not.
    schedule: Option<String>,
    keys: Option<(u64, Option<u64>)>,
}

impl Ledger {
    /// The ledger as it stands. Cost: its small parts, and a pointer for some ten thousand rows.
    pub(crate) fn image(&self) -> LedgerImage {
        let json =
            |s: Arc<Schedule>| serde_json::to_string(&*s).expect("a schedule holds only text and numbers");
        LedgerImage {
            head: Head {
                names: self.names.clone(),
                holds: self
                    .holds
                    .iter()
                    .map(|((at, id), outlet)| (*at, id.0.into_bytes(), outlet.clone()))
                    .collect(),
                schedule: self.books.schedule().map(json),
                keys: self.books.keys().map(|keys| (keys.current, keys.previous)),
            },
            earlier: self.ration.earlier.clone(),
            weeks: self.books.weeks.share().iter().map(|(week, bucket)| (*week, bucket.share())).collect(),
            claims: self.books.claims.share(),
            aliases: self.books.aliases.share(),
        }
    }

    /// All rows are read: claims lie as they were decided from here on, in whatever order a checkpoint had them.
    pub(crate) fn sort_claims(&self) {
        self.books.claims.sort();
    }

    /// A ledger of these small parts, without rows.
    ///
    /// # Errors
    /// When the schedule in it can not be read.
    pub(crate) fn of(head: Head, earlier: Vec<Schedule>) -> Result<Self, serde_json::Error> {
        let mut ledger = Self { names: head.names, ..Self::default() };
        ledger.holds = head
            .holds
            .into_iter()
            .map(|(at, id, outlet)| ((at, ClaimId(Uuid::from_bytes(id))), outlet))
            .collect();
        let earlier = earlier.into_iter().map(Arc::new).collect();
        ledger.set_ration(Ration { earlier, ..Ration::default() });
        if let Some(json) = head.schedule {
            ledger.schedule(serde_json::from_str(&json)?);
        }
        if let Some((current, previous)) = head.keys {
            ledger.books.set_keys(Keys { current, previous });
        }
        Ok(ledger)
    }
}

impl LedgerImage {
    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Schedules that were in force before, the newest last.
    pub(crate) fn earlier(&self) -> Vec<&Schedule> {
        self.earlier.iter().map(|schedule| &**schedule).collect()
    }

    /// Hands all rows to `block`, some ten thousand at a time, and lets go of them.
    ///
    /// # Errors
    /// Those of `block`.
    pub(crate) fn write(self, mut block: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for (week, parts) in self.weeks {
            write_parts(&[&[WEEK], &week.to_le_bytes()[..]].concat(), parts, &mut block)?;
        }
        write_claims(self.claims, &mut block)?;
        write_parts(&[ALIASES], self.aliases, &mut block)
    }
}

fn write_parts<R: Row>(
    head: &[u8],
    parts: Vec<Part<R>>,
    block: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    for part in parts {
        if !part.is_empty() {
            let mut bytes = head.to_vec();
            bytes.write_all(&sorted(&part))?;
            drop(part);
            block(&bytes)?;
        }
    }
    Ok(())
}

/// Claims by the message that decided them, those of one message by their ids, so many in a block whatever pieces they lay in:
/// equal claims give equal bytes.
fn write_claims(pieces: Vec<Piece>, block: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let (mut blocks, mut message) = (Blocks { bytes: vec![CLAIMS], block }, Vec::<Claim>::new());
    for piece in pieces {
        for claim in piece.rows() {
            if message.last().is_some_and(|last| last.seq != claim.seq) {
                blocks.put(&mut message)?;
            }
            message.push(*claim);
        }
    }
    blocks.put(&mut message)?;
    if blocks.bytes.len() > 1 { (blocks.block)(&blocks.bytes) } else { Ok(()) }
}

/// Blocks of claims, filled one after another.
struct Blocks<F> {
    bytes: Vec<u8>,
    block: F,
}

impl<F: FnMut(&[u8]) -> io::Result<()>> Blocks<F> {
    /// Puts the claims of a message, and empties them.
    fn put(&mut self, message: &mut Vec<Claim>) -> io::Result<()> {
        message.sort_unstable_by_key(|claim| claim.id.0);
        for claim in message.drain(..) {
            claim.write(&mut self.bytes);
            if self.bytes.len() == 1 + BLOCK_CLAIMS * Claim::BYTES {
                (self.block)(&self.bytes)?;
                self.bytes.truncate(1);
            }
        }
        Ok(())
    }
}

/// Puts the rows of a block into the books; `None` where they are no rows.
pub(crate) fn read_block(ledger: &Ledger, block: &[u8]) -> Option<()> {
    let (kind, rest) = block.split_first()?;
    match *kind {
        WEEK => {
            let (week, rows) = rest.split_first_chunk::<4>()?;
            fill(&ledger.books.weeks.bucket(i32::from_le_bytes(*week)), rows)
        }
        CLAIMS => {
            ledger.books.claims.fill(&read_rows(rest, Claim::BYTES, Claim::read)?);
            Some(())
        }
        ALIASES => {
            ledger.books.fill_aliases(&read_rows(rest, Alias::BYTES, Alias::read)?);
            Some(())
        }
        _ => None,
    }
}

fn fill<R: Row>(table: &Table<R>, bytes: &[u8]) -> Option<()> {
    table.fill(&read_rows(bytes, R::BYTES, R::read)?);
    Some(())
}

fn read_rows<R>(bytes: &[u8], each: usize, read: impl Fn(&[u8]) -> Option<R>) -> Option<Vec<R>> {
    bytes.len().is_multiple_of(each).then(|| bytes.chunks_exact(each).map(read).collect())?
}

#[cfg(test)]
mod tests {
    use schemas::entry::SettleEntry;

    use super::super::log::Log;
    use super::*;

    fn claim(number: u64) -> Claim {
        let id = ClaimId(Uuid::from_u128(u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))));
        let at = Millis(0);
        // Up to 512 of one message.
        Claim::withdrawn(
            number / 512,
            &SettleEntry { id, outlet: "a", terminal: "t", at, received: at, holds_place: true },
        )
    }

    fn written(log: &Log) -> Vec<Vec<u8>> {
        let mut blocks = Vec::new();
        write_claims(log.share(), &mut |block| {
            blocks.push(block.to_vec());
            Ok(())
        })
        .unwrap();
        blocks
    }

    #[test]
    fn claims_are_written_alike_whatever_order_they_were_read_in() {
        let (decided, read) = (Log::default(), Log::default());
        let rows: Vec<Claim> = (0..40_000).map(claim).collect();
        for row in &rows {
            decided.get_or_put(&row.id, || *row);
        }
        let mut shuffled = rows.clone();
        shuffled.sort_by_key(|row| row.id.0.as_u128().reverse_bits());
        read.fill(&shuffled);
        read.sort();
        let blocks = written(&decided);
        assert_eq!(blocks.iter().map(Vec::len).sum::<usize>(), blocks.len() + rows.len() * Claim::BYTES);
        assert!(written(&read) == blocks, "read in another order");
        let again = Log::default();
        for block in &blocks {
            again.fill(&read_rows(&block[1..], Claim::BYTES, Claim::read).unwrap());
        }
        assert!(written(&again) == blocks, "read again");
    }
}
