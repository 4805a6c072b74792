//! The status page as data: every hop signs its time, so that everyone sees which one is late.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How safe an acknowledged entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// In memory of one server only.
    Memory,
    /// In memory of a majority of servers, on disk within the sync interval.
    Replicated,
    /// On disk (fsync) before the acknowledgement.
    Fsynced,
}

impl Durability {
    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Replicated => "replicated",
            Self::Fsynced => "fsynced",
        }
    }
}

/// Body of `/v1/status.json`, without the age, which the publisher adds at the moment of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// The four hops in the order of the way, over about the last minute.
    pub hops: Vec<Hop>,
    /// How safe an acknowledged entry is; absent while not yet proved.
    pub durability: Option<Durability>,
    /// Entries per kind since this process started.
    pub entries: std::collections::BTreeMap<String, u64>,
    /// Rejected messages per reason since this process started.
    pub rejected: std::collections::BTreeMap<String, u64>,
    /// Terminals whose clock is measured to be off by more than the tolerance.
    pub clocks_off: u64,
    /// Last sequence of the journal that was applied.
    pub applied: u64,
    /// Last sequence known to be in the journal.
    pub committed: u64,
    /// Bytes of the journal.
    pub journal_bytes: u64,
    /// How the writing side is.
    #[serde(default)]
    pub writing: Writing,
    /// How the archive of past days is; absent where none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// How the archive of past days is. Nothing else depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Archive")]
pub struct History {
    /// Whether versions are being written; while the disk refuses they are not.
    pub on: bool,
    /// The last version that is written.
    pub written: u64,
    /// Versions since the start that came while too many waited for the disk: what they changed was written with the next.
    pub passed_over: u64,
    /// Days that are over and could not be sealed yet.
    pub unsealed_days: usize,
}

/// How the writing side is. Readers are answered whatever it is like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Writing {
    /// What is wrong with it now.
    #[serde(default)]
    pub degraded: Vec<Degraded>,
    /// Alarm: nothing has been written for some seconds.
    #[serde(default)]
    pub dead: bool,
    /// Since when nothing has been written, where that is an alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_since: Option<crate::time::Rfc3339>,
    /// No further institutions are let in, because answers are late.
    #[serde(default)]
    pub held: bool,
    /// Since when, where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<crate::time::Rfc3339>,
    /// Classes of which messages are turned away as `overloaded`, so that those let in are answered in time.
    #[serde(default)]
    pub shed: Vec<Shed>,
    /// How long the last report of the probe took from its sending until a version that holds it was served, in
    /// milliseconds; absent where no probe runs, and while its reports do not come through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_ms: Option<u64>,
}

/// A degraded mode.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Degraded {
    /// `nats_gone`, `disk_full` or `journal_slow`; at an edge also `core_silent`: no core has told it anything, so how the writing side is
    /// is not known there.
    pub mode: String,
    /// Since when.
    pub since: crate::time::Rfc3339,
}

/// A class that is being shed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Shed {
    /// `stock`, `sale` or `check`.
    pub class: String,
    /// Since when.
    pub since: crate::time::Rfc3339,
}

impl Status {
    /// What is left of it when nobody has been heard since a moment: nothing that was measured then is told as of now.
    #[must_use]
    pub fn silent_since(mut self, since: crate::time::Rfc3339) -> Self {
        for hop in &mut self.hops {
            *hop = Hop { hop: std::mem::take(&mut hop.hop), count: 0, p50_ms: None, p99_ms: None };
        }
        let degraded = vec![Degraded { mode: "core_silent".to_owned(), since }];
        Self { durability: None, writing: Writing { degraded, ..Writing::default() }, ..self }
    }
}

/// One hop of the way of the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// `pos_to_received`, `received_to_committed`, `committed_to_applied` or `applied_to_published`.
    pub hop: String,
    /// Measurements in the window.
    pub count: u64,
    /// Median, in milliseconds; absent where nothing was measured.
    pub p50_ms: Option<f64>,
    /// 99th percentile, in milliseconds; absent where nothing was measured.
    pub p99_ms: Option<f64>,
}
