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

/// Claims lie in blocks as they were decided, so many in each whatever pieces they lay in: equal claims give equal bytes.
fn write_claims(pieces: Vec<Piece>, block: &mut impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let empty = || vec![CLAIMS];
    let (mut bytes, whole) = (empty(), 1 + BLOCK_CLAIMS * Claim::BYTES);
    for piece in pieces {
        for claim in piece.rows() {
            claim.write(&mut bytes);
            if bytes.len() == whole {
                block(&std::mem::replace(&mut bytes, empty()))?;
            }
        }
    }
    if bytes.len() > 1 { block(&bytes) } else { Ok(()) }
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
