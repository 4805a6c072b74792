//! The whole state as bytes with a checksum, so that a restart needs only the journal's tail.
//!
//! Layout: `JAEGOCK2`, CRC-32C of the rest (4 bytes, little endian), then the state in postcard.

use std::sync::Arc;

use schemas::OutletCode;
use schemas::entry::{Rules, Tick};
use serde::{Deserialize, Serialize};

use crate::fold::Fold;
use crate::outlet::OutletState;
use crate::places::Places;
use crate::registry::Registry;

const MAGIC: &[u8; 8] = b"JAEGOCK2";
const HEAD: usize = MAGIC.len() + 4;

/// Why bytes are no checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// They do not begin as one of this version.
    #[error("not a checkpoint of this version of jaego")]
    Magic,
    /// They are not the bytes that were written.
    #[error("CRC-32C is {found:08x}, the file says {expected:08x}: the file was damaged or cut short")]
    Crc {
        /// The checksum in the file.
        expected: u32,
        /// The checksum of the bytes.
        found: u32,
    },
    /// The state inside is not one that this version reads.
    #[error("the state in it can not be read: {0}")]
    State(#[from] postcard::Error),
}

#[derive(Serialize, Deserialize)]
struct Image {
    applied: u64,
    tick: Option<Tick>,
    rules: Rules,
    registry: Registry,
    heard: Places<OutletCode>,
    unregistered: Vec<OutletCode>,
    outlets: Vec<(OutletCode, OutletState)>,
}

impl Fold {
    /// The state as bytes: equal states give equal bytes.
    #[must_use]
    pub fn checkpoint(&self) -> Vec<u8> {
        let image = Image {
            applied: self.applied,
            tick: self.tick,
            rules: (*self.rules).clone(),
            registry: self.registry.clone(),
            heard: self.heard.clone(),
            unregistered: self.unregistered.iter().cloned().collect(),
            outlets: self.shards.sorted(),
        };
        let mut bytes = vec![0; HEAD];
        bytes[..MAGIC.len()].copy_from_slice(MAGIC);
        let mut bytes =
            postcard::to_extend(&image, bytes).expect("the state holds only text, numbers and lists");
        let crc = crc32c::crc32c(&bytes[HEAD..]);
        bytes[MAGIC.len()..HEAD].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The state that was written.
    ///
    /// # Errors
    /// [`CheckpointError`] when the bytes were not written by [`Fold::checkpoint`] of this version, or were damaged.
    pub fn restore(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(CheckpointError::Magic)?;
        let (crc, body) = rest.split_first_chunk::<4>().ok_or(CheckpointError::Magic)?;
        let (expected, found) = (u32::from_le_bytes(*crc), crc32c::crc32c(body));
        if expected != found {
            return Err(CheckpointError::Crc { expected, found });
        }
        let image: Image = postcard::from_bytes(body)?;
        let mut fold = Self {
            registry: image.registry,
            rules: Arc::new(image.rules),
            heard: image.heard,
            unregistered: image.unregistered.into_iter().collect(),
            applied: image.applied,
            tick: image.tick,
            ..Self::default()
        };
        for (code, state) in image.outlets {
            fold.shards.put(code, state);
        }
        Ok(fold)
    }
}
