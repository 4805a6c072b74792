//! The clock of this machine beside that of NATS. A core whose clock is wrong would move everybody's time, and time that has
//! passed does not come back: reservations end, and purchases are forgotten.

use std::time::Instant;

use schemas::Millis;
use schemas::time::KST_MINUTES;

use crate::clock;
use crate::journal::Journal;

/// Two clocks may differ by so much, in milliseconds: as much as the time of a message may lie ahead of ours.
const LIMIT_MS: i64 = 120_000;

/// The two clocks do not agree.
#[derive(Debug, thiserror::Error)]
#[error(
    "this machine's clock says {ours}, and that of NATS {theirs}: one of them is wrong. Set that one right (timedatectl, \
     chronyc tracking): a core that runs goes on by itself, one that did not start is started again"
)]
pub struct ClocksOff {
    ours: String,
    theirs: String,
}

/// The clock of NATS, asked when it is first needed and again where ours seems to have left it.
#[derive(Debug)]
pub struct Skew {
    journal: Journal,
    told: Option<Told>,
}

/// What NATS said, and when.
#[derive(Debug, Clone, Copy)]
struct Told {
    theirs: Millis,
    at: Instant,
}

impl Skew {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        Self { journal, told: None }
    }

    /// Whether both clocks agree. A NATS that does not answer contradicts nothing.
    ///
    /// # Errors
    /// [`ClocksOff`].
    pub async fn check(&mut self) -> Result<(), ClocksOff> {
        if self.told.is_some_and(|told| told.agrees(clock::machine(), Instant::now()).is_ok()) {
            return Ok(());
        }
        match self.journal.now().await {
            Ok(theirs) => self.told = Some(Told { theirs, at: Instant::now() }),
            Err(error) => tracing::warn!(%error, "NATS does not tell its time"),
        }
        self.told.map_or(Ok(()), |told| told.agrees(clock::machine(), Instant::now()))
    }
}

impl Told {
    fn agrees(self, ours: Millis, now: Instant) -> Result<(), ClocksOff> {
        let since = i64::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(i64::MAX);
        let theirs = self.theirs.plus(since);
        if ours.since(theirs).saturating_abs() <= LIMIT_MS {
            return Ok(());
        }
        Err(ClocksOff { ours: ours.rfc3339(KST_MINUTES), theirs: theirs.rfc3339(KST_MINUTES) })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn clocks_may_differ_by_two_minutes_either_way() {
        let told = Told { theirs: Millis(1_583_884_800_000), at: Instant::now() };
        let later = told.at + Duration::from_secs(60);
        for (ours, agree) in
            [(0, true), (120_000, true), (120_001, false), (-120_000, true), (-120_001, false)]
        {
            assert_eq!(told.agrees(told.theirs.plus(60_000 + ours), later).is_ok(), agree, "{ours}");
        }
        let off = told.agrees(told.theirs.plus(3_600_000), told.at).unwrap_err().to_string();
        assert!(off.contains("2020-03-11T10:00:00") && off.contains("2020-03-11T09:00:00"), "{off}");
    }
}
