//! A registry on its way into the journal: its rows in batches, then the commit that makes them the registry.

use std::collections::HashSet;

use schemas::batch::{MAX_BYTES, MAX_ENTRIES, push_line};
use schemas::entry::{Entry, RegistryCommit};
use schemas::registry::OutletInfo;
use schemas::{Millis, OutletCode};

use crate::journal::{Ack, Journal, Sealed};

/// Bits of an import's id that are drawn.
const CHANCE_BITS: u32 = 12;

/// Why a registry is not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A row that no batch can hold.
    #[error(
        "outlet {code} takes {bytes} bytes, at most {MAX_BYTES} are allowed: shorten its name or its address"
    )]
    Row {
        /// The outlet.
        code: OutletCode,
        /// Bytes of its line in the journal.
        bytes: usize,
    },
    /// The name of the list leaves no room in a batch.
    #[error("the name of the list takes {0} bytes, at most {MAX_BYTES} are allowed: give it a shorter one")]
    Source(usize),
}

/// Writes the rows and their commit (of rows with the same code the first counts); they take effect at the acknowledged sequence.
///
/// # Errors
/// [`ImportError`]; nothing takes effect then.
///
/// # Panics
/// When there are more than 2^32 rows.
pub async fn import(
    journal: &Journal,
    source: &str,
    digest: u64,
    rows: &[OutletInfo],
) -> Result<Ack, ImportError> {
    let import = id(crate::clock::now());
    let mut batch = Batches { journal, import, number: 0, payload: Vec::new(), count: 0 };
    for row in rows {
        batch.push(&Entry::RegistryRow { import, outlet: Box::new(row.clone()) }).await?;
    }
    batch.flush().await;
    let outlets: HashSet<&OutletCode> = rows.iter().map(|row| &row.code).collect();
    let rows = u32::try_from(outlets.len()).expect("a registry is far shorter than 2^32");
    let received = crate::clock::now();
    batch
        .push(&Entry::RegistryCommit(RegistryCommit {
            import,
            rows,
            digest,
            source: source.to_owned(),
            received,
        }))
        .await?;
    Ok(batch.flush().await.expect("the commit was just pushed"))
}

fn too_long(entry: &Entry<'_>, bytes: usize) -> ImportError {
    match entry {
        Entry::RegistryRow { outlet, .. } => ImportError::Row { code: outlet.code.clone(), bytes },
        _ => ImportError::Source(bytes),
    }
}

/// An id by which the older import is the smaller: where too many are under way it gives way. 53 bits, as JSON numbers have.
fn id(now: Millis) -> u64 {
    now.0.unsigned_abs() << CHANCE_BITS | rand::random::<u64>() >> (64 - CHANCE_BITS)
}

struct Batches<'j> {
    journal: &'j Journal,
    import: u64,
    number: u32,
    payload: Vec<u8>,
    count: usize,
}

impl Batches<'_> {
    async fn push(&mut self, entry: &Entry<'_>) -> Result<(), ImportError> {
        let before = self.payload.len();
        push_line(&mut self.payload, entry);
        let bytes = self.payload.len() - before;
        if bytes > MAX_BYTES {
            return Err(too_long(entry, bytes));
        }
        if self.payload.len() > MAX_BYTES {
            let last = self.payload.split_off(before);
            self.flush().await;
            self.payload = last;
        }
        self.count += 1;
        if self.count == MAX_ENTRIES {
            self.flush().await;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Option<Ack> {
        if self.count == 0 {
            return None;
        }
        self.number += 1;
        let id = format!("import-{}-{}", self.import, self.number);
        let payload = std::mem::take(&mut self.payload).into();
        let sealed = Sealed { payload, count: std::mem::take(&mut self.count), id, writer: None };
        Some(self.journal.append(&sealed).await)
    }
}
