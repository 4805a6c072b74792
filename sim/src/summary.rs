//! The closing lines: what the whole run came to.

use std::fmt;

use serde::Serialize;

use crate::probe::Quantiles;
use crate::tally::Counts;

/// The whole of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What the fleet was answered.
    pub summary: Counts,
    /// From sent to visible.
    pub visible: Quantiles,
    /// Reports of the probes that were not seen.
    pub unseen: u64,
    /// Outlets that know how they stand.
    pub settled: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.summary;
        writeln!(
            f,
            "\nsent {}: accepted {}, duplicate {}, replayed {}, superseded {}, rejected {}",
            counts.sent,
            counts.accepted,
            counts.duplicate,
            counts.claims.replayed,
            counts.superseded,
            counts.rejected
        )?;
        for (reason, count) in &counts.reasons {
            writeln!(f, "  rejected as {reason}: {count}")?;
        }
        self.claims(f)?;
        writeln!(
            f,
            "unanswered: {} timed out, {} without a gateway, {} broken; {} never sent",
            counts.timed_out, counts.no_gateway, counts.broken, counts.shed
        )?;
        writeln!(f, "answered after p50 {:.1} ms, p99 {:.1} ms", counts.reply_p50_ms, counts.reply_p99_ms)?;
        let Quantiles { count, p50_ms, p99_ms, max_ms } = self.visible;
        write!(f, "visible after p50 {p50_ms} ms, p99 {p99_ms} ms, at most {max_ms} ms, ")?;
        write!(f, "over {count} reports; {} not seen", self.unseen)
    }
}

impl Summary {
    /// Nothing where nobody claimed.
    fn claims(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims = &self.summary.claims;
        if claims.granted + claims.refused + claims.reserved + claims.late == 0 {
            return Ok(());
        }
        let refused: Vec<_> =
            claims.reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        writeln!(
            f,
            "claims: granted {}, refused {} ({})",
            claims.granted,
            claims.refused,
            refused.join(", ")
        )?;
        writeln!(
            f,
            "tickets: reserved {}, confirmed {}, expired {}; voided {}; late {}, {} over the limit",
            claims.reserved, claims.confirmed, claims.expired, claims.voided, claims.late, claims.over_limit
        )?;
        if claims.contradicted > 0 {
            writeln!(f, "  two answers to one message, which must not be: {}", claims.contradicted)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::ClaimCounts;

    #[test]
    fn claims_are_summed_up_where_there_were_any() {
        let mut summary =
            Summary { summary: Counts::default(), visible: Quantiles::default(), unseen: 0, settled: 3 };
        assert!(!summary.to_string().contains("claims"));
        let reasons = vec![("limit_reached", 2), ("not_your_day", 3)];
        summary.summary.claims = ClaimCounts { granted: 7, refused: 5, reasons, ..ClaimCounts::default() };
        let text = summary.to_string();
        assert!(text.contains("granted 7, refused 5 (limit_reached 2, not_your_day 3)"), "{text}");
        assert!(!text.contains("must not be"), "{text}");
    }
}
