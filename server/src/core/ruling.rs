//! What a core brings along that rules others too: reading rules, policies and keys enter the journal where others are in force.
//! A core that is out of date changes nothing, and one whose key others left behind ends.

use aggregator::{Books, Rulebook};
use anyhow::bail;
use ingest::apply::View;
use ingest::journal::Sealed;
use schemas::batch::push_line;
use schemas::entry::{Entry, Keys, Rules};
use schemas::policy::Schedule;
use tokio::sync::watch;

use super::Core;

impl Core {
    /// Puts rules into force where others are.
    ///
    /// # Errors
    /// When the fold ended before they were applied.
    pub async fn rule(&mut self, rules: &Rules) -> anyhow::Result<()> {
        if self.view.borrow().rules == *rules {
            return Ok(());
        }
        self.enter("rules", &Entry::Rules(rules.clone())).await
    }

    /// Puts policies into force where others are. Another core may have done so; and those whose place others took since are not
    /// put back by a core that starts with them again.
    ///
    /// # Errors
    /// When the fold ended before they were applied.
    pub async fn schedule(&mut self, schedule: &Schedule) -> anyhow::Result<()> {
        if self.books.schedule().is_some_and(|in_force| *in_force == *schedule) {
            return Ok(());
        }
        if self.books.superseded(schedule) {
            tracing::warn!(
                schedule = schedule.name,
                "these policies were in force before, and others have taken their place: they are not put back. Start with the \
                 newest document; to go back to this one, give it another name"
            );
            return Ok(());
        }
        self.warn_of_forgotten(schedule);
        self.enter("schedule", &Entry::Schedule(Box::new(schedule.clone()))).await
    }

    /// Says so where policies look back to purchases that those in force had no need for.
    fn warn_of_forgotten(&self, schedule: &Schedule) {
        let Some(in_force) = self.books.schedule() else { return };
        let first = |schedule: &Schedule| {
            let today = aggregator::calendar::day_of(ingest::clock::now(), schedule.offset_minutes);
            Rulebook::new(schedule).ok().map(|rulebook| rulebook.first_day_needed(today))
        };
        if let (Some(kept), Some(needed)) = (first(&in_force), first(schedule))
            && needed < kept
        {
            tracing::warn!(
                kept = schemas::time::civil(kept).to_string(),
                needed = schemas::time::civil(needed).to_string(),
                "these policies look back further than those in force: purchases of days before may be forgotten already"
            );
        }
    }

    /// Persons are to be known under these keys, where they follow those of the journal. A core that still has the key before
    /// changes nothing.
    ///
    /// # Errors
    /// When the keys are others: under them nobody would be known, and everybody could buy again.
    pub async fn keys(&mut self, ours: Keys) -> anyhow::Result<()> {
        if !knows(&self.books, ours)? {
            self.enter("keys", &Entry::Keys(ours)).await?;
            // Another core may have come first with others: then ours changed nothing.
            knows(&self.books, ours)?;
        }
        self.ours = Some(ours);
        Ok(())
    }

    /// Appends one entry of our own and waits until it is applied.
    async fn enter(&mut self, what: &str, entry: &Entry<'_>) -> anyhow::Result<()> {
        let mut payload = Vec::new();
        push_line(&mut payload, entry);
        let id = format!("{what}-{}", self.gateway_name);
        let ack = self.journal.append(&Sealed { payload: payload.into(), count: 1, id, writer: None }).await;
        self.has_applied(ack.seq).await
    }
}

/// Ends when the fold does, or with an error once others have left the keys of this process behind.
pub(super) async fn retired(
    mut view: watch::Receiver<View>,
    books: &Books,
    ours: Option<Keys>,
) -> anyhow::Result<()> {
    while view.changed().await.is_ok() {
        ours.map_or(Ok(true), |ours| knows(books, ours))?;
    }
    Ok(())
}

/// Whether persons are known under these keys.
fn knows(books: &Books, ours: Keys) -> anyhow::Result<bool> {
    match books.keys() {
        Some(known) if known == ours || known.previous == Some(ours.current) => Ok(true),
        Some(known) if !ours.follow(known) => bail!(
            "the journal knows persons under the key {:016x}, and this process has {:016x}: under another key nobody is \
             known and everybody could buy again. Start with the key of the journal, or with it as \
             --person-key-previous to change keys",
            known.current,
            ours.current
        ),
        _ => Ok(false),
    }
}
