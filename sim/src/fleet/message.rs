//! The messages of an outlet as JSON, in the shapes of the contract.

use bytes::Bytes;
use schemas::Millis;
use schemas::claim::{Claim, LateClaim, Reserve, Settle};
use schemas::pos::{Delta, Head, NoticeMessage, Report, Suspension};
use schemas::time::Rfc3339;

use super::act::{Act, Held, Sale, Told};

const TERMINALS: [&str; 3] = ["t1", "t2", "t3"];
/// Tickets hold for the shortest time there is: the fleet's day passes many times faster than a real one.
const HOLD_MINUTES: u32 = 1;

/// A message as an outlet writes it down before it is sent first.
pub(super) struct Message<'a> {
    pub(super) told: &'a Told,
    pub(super) item: &'a str,
    /// How far the outlet's clock is ahead, in milliseconds.
    pub(super) clock_off_ms: i64,
    /// When it happened, by that clock.
    pub(super) happened: Millis,
}

impl Message<'_> {
    /// The body of a copy that is sent at this real time: two copies of a claim are alike, of the others all but `sent_at`.
    pub(super) fn body(&self, sent: Millis) -> Bytes {
        let head = self.head(sent);
        let item = self.item;
        let body = match &self.told.act {
            Act::Report(count) => serde_json::to_vec(&Report { head, item, count: *count }),
            Act::Delta(change) => serde_json::to_vec(&Delta { head, item, change: *change }),
            Act::Pause | Act::Resume => serde_json::to_vec(&Suspension { head, item }),
            Act::Notice { tickets } => serde_json::to_vec(&notice(head, *tickets)),
            Act::Claim(sale) => serde_json::to_vec(&self.claim(sale, sale.at.plus(self.clock_off_ms))),
            Act::Reserve(sale) => serde_json::to_vec(&Reserve {
                claim: self.claim(sale, sale.at.plus(self.clock_off_ms)),
                hold_minutes: Some(HOLD_MINUTES),
            }),
            Act::Late(sale) => serde_json::to_vec(&LateClaim {
                claim: self.claim(sale, self.happened),
                occurred_at: Rfc3339(sale.at.plus(self.clock_off_ms)),
            }),
            Act::Void(held) | Act::Confirm(held) => serde_json::to_vec(&self.settle(held)),
        };
        body.expect("messages hold only text and numbers").into()
    }

    fn terminal(&self) -> &'static str {
        TERMINALS[self.told.terminal]
    }

    fn head(&self, sent: Millis) -> Head<'static> {
        Head {
            outlet: None,
            terminal: self.terminal(),
            seq: self.told.seq,
            at: Rfc3339(self.happened),
            sent_at: Some(Rfc3339(sent.plus(self.clock_off_ms))),
        }
    }

    fn claim<'a>(&'a self, sale: &'a Sale, at: Millis) -> Claim<'a> {
        Claim {
            outlet: None,
            id: sale.id,
            terminal: self.terminal().into(),
            at: Rfc3339(at),
            item: self.item.into(),
            quantity: sale.quantity,
            person: sale.customer.person.said(),
            buyer: sale.customer.buyer.as_ref().map(|buyer| buyer.said()),
            ground: sale.customer.ground,
        }
    }

    fn settle(&self, held: &Held) -> Settle<'static> {
        let at = Rfc3339(held.at.plus(self.clock_off_ms));
        Settle { outlet: None, id: held.id, terminal: self.terminal().into(), at }
    }
}

fn notice(head: Head<'_>, tickets: bool) -> NoticeMessage<'_> {
    NoticeMessage {
        head,
        ko: tickets.then_some("번호표를 나누어 드립니다".into()),
        en: tickets.then_some("Number tickets are given out".into()),
        sells_from: tickets.then_some("15:00"),
        tickets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::act::Customer;
    use crate::population::Population;
    use schemas::claim::ClaimId;

    const HAPPENED: Millis = Millis(1_583_885_100_000);

    fn body(act: Act, sent: Millis) -> Bytes {
        let told = Told { terminal: 1, seq: 18, act };
        Message { told: &told, item: "mask", clock_off_ms: 500, happened: HAPPENED }.body(sent)
    }

    #[test]
    fn a_message_is_what_the_contract_asks_for() {
        let text = body(Act::Delta(-2), Millis(0));
        let read: Delta<'_> = serde_json::from_slice(&text).unwrap();
        assert_eq!((read.head.terminal, read.head.seq, read.item, read.change), ("t2", 18, "mask", -2));
        assert_eq!(read.head.at.0, HAPPENED);
        let text = body(Act::Notice { tickets: false }, Millis(0));
        let read: NoticeMessage<'_> = serde_json::from_slice(&text).unwrap();
        assert_eq!((read.ko, read.en, read.sells_from, read.tickets), (None, None, None, false));
    }

    #[test]
    fn copies_of_a_claim_are_alike_and_say_who_buys_and_when() {
        let population = Population::new(1000, 1);
        let customer = Customer {
            person: population.person(1),
            buyer: Some(population.person(2)),
            ground: None,
            wants: 3,
        };
        let id = ClaimId(uuid::Uuid::from_u128(7));
        let sale = Box::new(Sale { id, customer, quantity: 2, at: Millis(1_583_885_000_000) });
        let text = body(Act::Late(sale.clone()), Millis(1));
        assert_eq!(text, body(Act::Late(sale.clone()), Millis(2)));
        let read: LateClaim<'_> = serde_json::from_slice(&text).unwrap();
        assert_eq!((read.claim.id, read.claim.quantity, read.claim.at.0), (id, 2, HAPPENED));
        assert_eq!(read.occurred_at.0, Millis(1_583_885_000_500));
        assert_eq!(read.claim.person, population.person(1).said());
        assert_eq!(read.claim.buyer, Some(population.person(2).said()));
        let read = body(Act::Reserve(sale), Millis(1));
        let read: Reserve<'_> = serde_json::from_slice(&read).unwrap();
        assert_eq!((read.claim.at.0, read.hold_minutes), (Millis(1_583_885_000_500), Some(1)));
        let held = Held { id, quantity: 2, until: None, at: Millis(0) };
        assert_eq!(serde_json::from_slice::<Settle<'_>>(&body(Act::Void(held), Millis(1))).unwrap().id, id);
    }
}
