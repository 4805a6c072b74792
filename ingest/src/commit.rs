//! Group commit: whatever arrived while the last batch was being written is the next batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use schemas::batch::{MAX_BYTES, MAX_ENTRIES};
use tokio::sync::mpsc;

use crate::answer::{Committed, Event};
use crate::counts::Counts;
use crate::folding::Folding;
use crate::hops::{Hop, Hops};
use crate::intake::{Caller, Pending, Waiting};
use crate::journal::{Ack, Journal, Sealed};

/// Writes the queues into the journal, batch after batch.
#[derive(Debug)]
pub struct Committer {
    /// The journal.
    pub journal: Journal,
    /// Name of this gateway in this run of the process.
    pub gateway: String,
    /// Where what is acknowledged is folded.
    pub folding: Arc<Folding>,
    /// Way to those who answer.
    pub events: mpsc::UnboundedSender<Event>,
    /// Set while the journal does not acknowledge.
    pub stalled: Arc<AtomicBool>,
    /// Counters.
    pub counts: Arc<Counts>,
    /// Measurements.
    pub hops: Arc<Hops>,
}

impl Committer {
    /// Runs until the queues are closed and empty. One batch is under way at a time: within a class the journal's order is
    /// the order of arrival, and the longer a write takes, the larger the next batch.
    pub async fn run(self, mut queues: Waiting) {
        let mut waiting = Vec::with_capacity(MAX_ENTRIES);
        for number in 1.. {
            if waiting.is_empty() && !queues.first(&mut waiting).await {
                return;
            }
            queues.fill(&mut waiting);
            let rest = waiting.split_off(fitting(&waiting));
            let batch = std::mem::replace(&mut waiting, rest);
            self.commit(number, batch).await;
        }
    }

    async fn commit(&self, number: u64, batch: Vec<Pending>) {
        let mut payload = Vec::with_capacity(batch.iter().map(|p| p.line.len()).sum());
        let mut callers = Vec::with_capacity(batch.len());
        for Pending { line, caller } in batch {
            payload.extend_from_slice(&line);
            callers.push(caller);
        }
        let writer = format!("{}/{number}", self.gateway);
        let sealed = Sealed {
            payload: payload.into(),
            count: callers.len(),
            id: writer.clone(),
            writer: Some(writer),
        };
        let ack = self.append(&sealed).await;
        let at = Instant::now();
        self.measure(&callers, at);
        self.counts.commit();
        self.folding.own(ack.seq, &sealed);
        // A closed channel means that the process is stopping without answers; the callers will send again.
        let _ = self.events.send(Event::Committed(Committed { number, seq: ack.seq, callers, at }));
    }

    /// Appends however long it takes; after the first second without an acknowledgement new messages are turned away.
    async fn append(&self, sealed: &Sealed) -> Ack {
        let append = self.journal.append(sealed);
        tokio::pin!(append);
        let ack = match tokio::time::timeout(Duration::from_secs(1), &mut append).await {
            Ok(ack) => ack,
            Err(_) => {
                self.stalled.store(true, Relaxed);
                append.await
            }
        };
        self.stalled.store(false, Relaxed);
        ack
    }

    fn measure(&self, callers: &[Caller], at: Instant) {
        for caller in callers {
            self.hops.record(Hop::ReceivedToCommitted, at.duration_since(caller.taken), 1);
        }
    }
}

impl Waiting {
    /// Waits for what comes first; false once both queues are closed and empty.
    async fn first(&mut self, into: &mut Vec<Pending>) -> bool {
        let first = tokio::select! {
            Some(sale) = self.sale.recv() => sale,
            Some(stock) = self.stock.recv() => stock,
            else => return false,
        };
        into.push(first);
        true
    }

    /// Fills a batch up with what waits: of each class its half of the room first, then whichever has more.
    fn fill(&mut self, into: &mut Vec<Pending>) {
        let half = MAX_ENTRIES.saturating_sub(into.len()) / 2;
        for (queue, most) in [(&mut self.sale, half), (&mut self.stock, MAX_ENTRIES)] {
            take(queue, most, into);
        }
        take(&mut self.sale, MAX_ENTRIES, into);
    }
}

/// Takes what waits, at most so many, and no more than fit into one batch.
fn take(queue: &mut mpsc::Receiver<Pending>, most: usize, into: &mut Vec<Pending>) {
    let room = MAX_ENTRIES.saturating_sub(into.len()).min(most);
    into.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(room));
}

/// How many of the first entries fit into one batch; at least one, since no entry is as large as a batch.
fn fitting(waiting: &[Pending]) -> usize {
    let mut bytes = 0;
    waiting
        .iter()
        .take_while(|pending| {
            bytes += pending.line.len();
            bytes <= MAX_BYTES
        })
        .count()
        .max(1)
}

#[cfg(test)]
mod tests {
    use aggregator::Fold;
    use schemas::Millis;
    use schemas::caps::Class;
    use schemas::subject::PosKind;

    use super::*;
    use crate::admission::Admission;
    use crate::intake::{Queues, ReplyTo};

    /// The batch in which a report is written that came after so many sales.
    fn batch_of_a_report(sales: usize, has_own_queue: bool) -> usize {
        let admission = Admission::new(Fold::default().outlet_types());
        let pending = |kind: PosKind| {
            let taken = Instant::now();
            let permit = admission.enter(Class::Sale, "1", taken, true).unwrap();
            let caller = Caller { kind, reply: ReplyTo::Nobody, received: Millis(0), taken, permit };
            Pending { line: b"{}\n".to_vec(), caller }
        };
        let (queues, mut waiting) = Queues::open();
        for _ in 0..sales {
            queues.sale.try_send(pending(PosKind::Claim)).unwrap();
        }
        let queue = if has_own_queue { &queues.stock } else { &queues.sale };
        queue.try_send(pending(PosKind::Report)).unwrap();
        let mut batches = 1..;
        batches
            .find(|_| {
                let mut batch = Vec::new();
                waiting.fill(&mut batch);
                assert!(!batch.is_empty(), "it is in none");
                batch.iter().any(|pending| pending.caller.kind == PosKind::Report)
            })
            .unwrap()
    }

    #[test]
    fn stock_waits_for_no_sales_that_came_before_it_as_it_would_in_one_queue() {
        assert_eq!(batch_of_a_report(2_000, true), 1);
        assert_eq!(batch_of_a_report(2_000, false), 4);
    }
}
