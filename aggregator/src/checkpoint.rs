//! The whole state as bytes with checksums, so that a restart needs only the journal's tail.
//!
//! Layout: `JAEGOCK6`, then blocks: length and CRC-32C (4 bytes each, little endian), then so many bytes. The first block is
//! the state but for the ledger's rows, in postcard; the second the caps, in JSON; the third the ids of outlets in other
//! registers, in postcard; the fourth the cores that hold, in JSON; the fifth the schedules of before, in JSON; then come rows; a
//! block of no bytes is the end. `JAEGOCK5` is the same without the fifth, `JAEGOCK4` without the fourth as well, `JAEGOCK3`
//! without the third, `JAEGOCK2` without the second.

use std::io::{self, Read, Write};
use std::sync::Arc;

use schemas::OutletCode;
use schemas::caps::Caps;
use schemas::entry::{Rules, Tick};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fold::Fold;
use crate::holds::Holds;
use crate::ledger::{Head, Ledger, LedgerImage, read_block};
use crate::outlet::OutletState;
use crate::outlets::Frozen;
use crate::places::Places;
use crate::registry::Registry;

const MAGIC: &[u8; 8] = b"JAEGOCK6";
/// All that are read, and how many blocks each has before the rows: what a later one adds comes last.
const MAGICS: [(&[u8; 8], usize); 5] =
    [(b"JAEGOCK2", 1), (b"JAEGOCK3", 2), (b"JAEGOCK4", 3), (b"JAEGOCK5", 4), (MAGIC, 5)];

/// Why bytes are no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// They do not begin as one of this version.
    #[error("not a checkpoint of this version of jaego")]
    Magic,
    /// They are not the bytes that were written.
    #[error("CRC-32C is {found:08x}, the file says {expected:08x}: the file was damaged")]
    Crc {
        /// The checksum in the file.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// They can not be read, or end too soon.
    #[error("the file can not be read to its end: {0}")]
    Read(#[from] io::Error),
    /// The state inside is not one that this version reads.
    #[error("the state in it can not be read: {0}")]
    State(String),
}

/// The state at one place in the journal. Outlets and the ledger's rows are shared with the fold, so that it can go on while
/// this is written.
#[derive(Debug)]
pub struct Checkpoint {
    state: State<Frozen>,
    caps: Option<Arc<Caps>>,
    holds: Holds,
    ledger: LedgerImage,
}

/// The outlets as they are read.
type Thawed = Vec<(OutletCode, OutletState)>;

#[derive(Debug, Serialize, Deserialize)]
struct State<Outlets> {
    applied: u64,
    tick: Option<Tick>,
    rules: Rules,
    registry: Registry,
    heard: Places<OutletCode>,
    unregistered: Vec<OutletCode>,
    outlets: Outlets,
}

impl Checkpoint {
    /// Sequence of the last message that is in it.
    #[must_use]
    pub fn applied(&self) -> u64 {
        self.state.applied
    }

    /// Writes it: equal states give equal bytes.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        let state = postcard::to_stdvec(&(&self.state, self.ledger.head()));
        write_block(out, &state.expect("the state holds only text, numbers and lists"))?;
        let caps = serde_json::to_vec(&self.caps.as_deref());
        write_block(out, &caps.expect("caps hold only text and numbers"))?;
        let ids = postcard::to_stdvec(&self.state.registry.external_ids());
        write_block(out, &ids.expect("ids are text"))?;
        let holds = serde_json::to_vec(&self.holds);
        write_block(out, &holds.expect("holds are text and numbers"))?;
        let earlier = serde_json::to_vec(&self.ledger.earlier());
        write_block(out, &earlier.expect("schedules hold only text and numbers"))?;
        self.ledger.write(|rows| write_block(out, rows))?;
        write_block(out, &[])
    }

    /// It as bytes.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(&mut bytes).expect("writing into memory");
        bytes
    }
}

impl Fold {
    /// The state as it stands.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let state = State {
            applied: self.applied,
            tick: self.tick,
            rules: (*self.rules).clone(),
            registry: self.registry.clone(),
            heard: self.heard.clone(),
            unregistered: self.unregistered.iter().cloned().collect(),
            outlets: self.outlets.freeze(),
        };
        Checkpoint { state, caps: self.caps.clone(), holds: self.holds.clone(), ledger: self.ledger.image() }
    }

    /// The state that was written.
    ///
    /// # Errors
    /// [`CheckpointError`] when the bytes were not written by [`Checkpoint::write`] of this version, were damaged, or end too
    /// soon.
    pub fn restore(mut bytes: impl Read) -> Result<Self, CheckpointError> {
        let mut magic = [0; MAGIC.len()];
        bytes.read_exact(&mut magic).map_err(|_| CheckpointError::Magic)?;
        let known = MAGICS.iter().find(|(known, _)| **known == magic);
        let (_, count) = known.ok_or(CheckpointError::Magic)?;
        let first = read_checked(&mut bytes)?;
        let mut next = |n| if n < *count { read_checked(&mut bytes).map(Some) } else { Ok(None) };
        let caps: Option<Caps> = next(1)?.map(|json| of_json(&json)).transpose()?.flatten();
        let ids = next(2)?.map(|bytes| of_postcard(&bytes)).transpose()?.unwrap_or_default();
        let holds = next(3)?.map(|json| of_json(&json)).transpose()?.unwrap_or_default();
        let earlier = next(4)?.map(|json| of_json(&json)).transpose()?.unwrap_or_default();
        let (mut state, head): (State<Thawed>, Head) = of_postcard(&first)?;
        state.registry = state.registry.with_external_ids(ids).ok_or_else(|| {
            CheckpointError::State("ids in other registers of outlets that are not there".to_owned())
        })?;
        let ledger = Ledger::of(head, earlier).map_err(|e| CheckpointError::State(e.to_string()))?;
        loop {
            let rows = read_checked(&mut bytes)?;
            if rows.is_empty() {
                ledger.sort_claims();
                return Ok(Self { caps: caps.map(Arc::new), holds, ..Self::of(state, ledger) });
            }
            read_block(&ledger, &rows)
                .ok_or_else(|| CheckpointError::State("rows of an unknown kind".to_owned()))?;
        }
    }

    fn of(state: State<Thawed>, ledger: Ledger) -> Self {
        ledger.seen(state.applied);
        let mut fold = Self {
            registry: state.registry,
            rules: Arc::new(state.rules),
            heard: state.heard,
            unregistered: state.unregistered.into_iter().collect(),
            applied: state.applied,
            tick: state.tick,
            ledger,
            ..Self::default()
        };
        for (code, outlet) in state.outlets {
            fold.outlets.put(code, outlet);
        }
        fold.count_clocks();
        fold
    }
}

fn of_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CheckpointError> {
    serde_json::from_slice(bytes).map_err(|e| CheckpointError::State(e.to_string()))
}

fn of_postcard<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CheckpointError> {
    postcard::from_bytes(bytes).map_err(|e| CheckpointError::State(e.to_string()))
}

fn write_block(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&crc32c::crc32c(bytes).to_le_bytes())?;
    out.write_all(bytes)
}

fn read_checked(bytes: &mut impl Read) -> Result<Vec<u8>, CheckpointError> {
    let (mut length, mut crc) = ([0; 4], [0; 4]);
    bytes.read_exact(&mut length)?;
    bytes.read_exact(&mut crc)?;
    let mut block = Vec::new();
    let length = u32::from_le_bytes(length);
    // Not more room than there are bytes: a damaged length costs nothing.
    if bytes.by_ref().take(u64::from(length)).read_to_end(&mut block)? < length as usize {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let (expected, found) = (u32::from_le_bytes(crc), crc32c::crc32c(&block));
    if expected == found { Ok(block) } else { Err(CheckpointError::Crc { expected, found }) }
}
