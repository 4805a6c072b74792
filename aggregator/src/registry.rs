//! Who is registered: imports are staged row by row and take effect at once, or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use schemas::entry::RegistryCommit;
use schemas::registry::{ExternalIds, OutletInfo};
use schemas::{Millis, OutletCode};
use serde::{Deserialize, Serialize};

use crate::places::Places;

/// Most imports that may be under way at once; the oldest gives way.
const MAX_STAGED: usize = 4;

/// A registry import that took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// Journal sequence of its commit.
    pub seq: u64,
    /// Fingerprint of its rows.
    pub digest: u64,
    /// File name.
    pub source: String,
    /// Rows.
    pub rows: u32,
    /// When it was committed.
    pub received: Millis,
}

/// What became of a registry commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryOutcome {
    /// The rows are the registry now.
    Imported {
        /// Outlets that joined.
        joined: u32,
        /// Outlets that left.
        left: u32,
    },
    /// A row is missing: nothing changed.
    Incomplete {
        /// Rows that came.
        staged: u32,
        /// Rows that were announced.
        announced: u32,
    },
}

/// The registry, and imports under way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Registry {
    pub(crate) outlets: Places<Arc<OutletInfo>>,
    /// Grows with every change of rows or places.
    pub(crate) version: u64,
    pub(crate) imports: Vec<Import>,
    staged: BTreeMap<u64, Vec<OutletInfo>>,
}

/// Ids in other registers, beside the rows in a checkpoint: by place, and by import and its row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct ExternalIdsOfRows {
    outlets: Vec<(u32, ExternalIds)>,
    staged: Vec<(u64, u32, ExternalIds)>,
}

/// What a commit changed, for those who keep state beside the registry.
pub(crate) struct Change {
    pub(crate) outcome: RegistryOutcome,
    /// Code and place of those that joined.
    pub(crate) joined: Vec<(OutletCode, u32)>,
    /// Codes of those that left.
    pub(crate) left: Vec<OutletCode>,
}

impl Registry {
    /// What a checkpoint keeps beside the rows.
    pub(crate) fn external_ids(&self) -> ExternalIdsOfRows {
        let of = |info: &OutletInfo| info.external_ids.as_deref().cloned();
        let outlets = self.outlets.iter().filter_map(|(place, info)| Some((place, of(info)?)));
        let staged = self.staged.iter().flat_map(|(import, rows)| {
            (0..).zip(rows).filter_map(move |(row, info)| Some((*import, row, of(info)?)))
        });
        ExternalIdsOfRows { outlets: outlets.collect(), staged: staged.collect() }
    }

    /// Gives the rows of a checkpoint what stood beside them; none where they do not fit.
    pub(crate) fn with_external_ids(mut self, ids: ExternalIdsOfRows) -> Option<Self> {
        for (place, ids) in ids.outlets {
            let mut info = OutletInfo::clone(self.outlets.as_slice().get(place as usize)?.as_ref()?);
            info.external_ids = Some(Box::new(ids));
            self.outlets.set(place, Arc::new(info));
        }
        for (import, row, ids) in ids.staged {
            self.staged.get_mut(&import)?.get_mut(row as usize)?.external_ids = Some(Box::new(ids));
        }
        Some(self)
    }

    /// Keeps a row for its commit.
    pub(crate) fn stage(&mut self, import: u64, outlet: OutletInfo) {
        self.staged.entry(import).or_default().push(outlet);
        if self.staged.len() > MAX_STAGED {
            self.staged.pop_first();
        }
    }

    /// Makes the staged rows the registry. Those that stay keep their places; those that join take
    /// the places of those that left and come last otherwise, in file order.
    pub(crate) fn commit(&mut self, seq: u64, commit: &RegistryCommit) -> Change {
        let rows = self.staged.remove(&commit.import).unwrap_or_default();
        let mut rows_left: HashMap<OutletCode, OutletInfo, FixedState> = HashMap::default();
        let mut order = Vec::with_capacity(rows.len());
        for row in rows {
            if !rows_left.contains_key(row.code.as_str()) {
                order.push(row.code.clone());
                rows_left.insert(row.code.clone(), row);
            }
        }
        // A batch that was written twice brings its rows twice: each outlet counts once.
        let staged = u32::try_from(order.len()).expect("a registry is far shorter than 2^32");
        if staged != commit.rows {
            let outcome = RegistryOutcome::Incomplete { staged, announced: commit.rows };
            return Change { outcome, joined: Vec::new(), left: Vec::new() };
        }
        let left = self.update_present(&mut rows_left);
        let joined = order
            .into_iter()
            .filter_map(|code| rows_left.remove(code.as_str()))
            .map(|row| (row.code.clone(), self.outlets.join(Arc::new(row))))
            .collect::<Vec<_>>();
        self.version += 1;
        self.imports.push(Import {
            seq,
            digest: commit.digest,
            source: commit.source.clone(),
            rows: commit.rows,
            received: commit.received,
        });
        let count = |n: usize| u32::try_from(n).expect("a registry is far shorter than 2^32");
        let outcome = RegistryOutcome::Imported { joined: count(joined.len()), left: count(left.len()) };
        Change { outcome, joined, left }
    }

    /// Gives those that stay their new rows and takes out those that have none; returns who left.
    fn update_present(&mut self, rows: &mut HashMap<OutletCode, OutletInfo, FixedState>) -> Vec<OutletCode> {
        let present: Vec<(u32, OutletCode)> =
            self.outlets.iter().map(|(place, info)| (place, info.code.clone())).collect();
        let mut left = Vec::new();
        for (place, code) in present {
            match rows.remove(&code) {
                Some(row) => self.outlets.set(place, Arc::new(row)),
                None => left.push(code),
            }
        }
        let gone: std::collections::HashSet<&str, FixedState> = left.iter().map(OutletCode::as_str).collect();
        self.outlets.leave(|info| gone.contains(info.code.as_str()));
        left
    }
}
