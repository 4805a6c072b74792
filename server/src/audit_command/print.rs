//! What an audit found, as a table for people or JSON for programs.

use std::io::{self, Write};

use aggregator::Applied;
use schemas::claim::ClaimId;
use schemas::entry::{ClaimEntry, SettleEntry};
use schemas::time::{KST_MINUTES, Rfc3339};
use serde::Serialize;

/// One entry and what was decided.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    seq: u64,
    received_at: Rfc3339,
    kind: &'static str,
    outlet: String,
    terminal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Rfc3339>,
    /// Bought by another person.
    by_proxy: bool,
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remaining: Option<u32>,
    over_limit: bool,
    replayed: bool,
    id: ClaimId,
}

impl Line {
    /// The sequence of its entry.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) fn of_claim(seq: u64, claim: &ClaimEntry<'_>) -> Self {
        Self {
            item: Some(claim.item.to_owned()),
            quantity: Some(claim.quantity),
            occurred_at: claim.occurred.map(Rfc3339),
            by_proxy: claim.buyer.is_some(),
            ..Self::bare(seq, claim.kind(), claim.id, claim.outlet, claim.terminal, Rfc3339(claim.received))
        }
    }

    pub(super) fn of_settle(seq: u64, kind: &'static str, settle: &SettleEntry<'_>) -> Self {
        Self::bare(seq, kind, settle.id, settle.outlet, settle.terminal, Rfc3339(settle.received))
    }

    fn bare(
        seq: u64,
        kind: &'static str,
        id: ClaimId,
        outlet: &str,
        terminal: &str,
        received_at: Rfc3339,
    ) -> Self {
        Self {
            seq,
            received_at,
            kind,
            outlet: outlet.to_owned(),
            terminal: terminal.to_owned(),
            item: None,
            quantity: None,
            occurred_at: None,
            by_proxy: false,
            decision: "",
            reason: None,
            remaining: None,
            over_limit: false,
            replayed: false,
            id,
        }
    }

    /// With what the fold said.
    pub(super) fn decided(self, applied: Applied) -> Self {
        let Applied::Claim(result) = applied else { return self };
        match result {
            Ok(decided) => Self {
                decision: match self.kind {
                    "void" => "voided",
                    "confirm" => "confirmed",
                    _ => decided.verdict.name(),
                },
                reason: decided.refusal.map(|refusal| refusal.name()),
                remaining: decided.remaining,
                over_limit: decided.over_limit,
                replayed: decided.replayed,
                ..self
            },
            Err(reason) => Self { decision: "rejected", reason: Some(reason.name()), ..self },
        }
    }

    fn columns(&self) -> [String; 9] {
        let mut notes: Vec<&str> = self.reason.into_iter().collect();
        notes.extend(self.over_limit.then_some("over_limit"));
        notes.extend(self.by_proxy.then_some("by_proxy"));
        notes.extend(self.replayed.then_some("replayed"));
        [
            self.seq.to_string(),
            self.received_at.0.rfc3339(KST_MINUTES),
            self.kind.to_owned(),
            format!("{}/{}", self.outlet, self.terminal),
            self.item.clone().unwrap_or_default(),
            self.quantity.map(|n| n.to_string()).unwrap_or_default(),
            self.decision.to_owned(),
            notes.join(" "),
            self.id.to_string(),
        ]
    }
}

/// Prints the lines and, for people, how many there are.
pub(super) fn print(lines: &[Line], json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        for line in lines {
            serde_json::to_writer(&mut out, line)?;
            writeln!(out)?;
        }
        return Ok(());
    }
    let head = ["seq", "received", "kind", "outlet/terminal", "item", "pieces", "decision", "notes", "id"];
    let rows: Vec<[String; 9]> =
        std::iter::once(head.map(str::to_owned)).chain(lines.iter().map(Line::columns)).collect();
    let widths: [usize; 9] =
        std::array::from_fn(|n| rows.iter().map(|row| row[n].chars().count()).max().unwrap_or(0));
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    writeln!(out, "{} entries", lines.len())
}
