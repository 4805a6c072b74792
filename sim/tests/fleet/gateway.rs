//! A gateway as simple as it can be, with a ledger that decides by rote, and books of all it heard.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use futures::StreamExt;
use schemas::OutletCode;
use schemas::claim::{Claim, ClaimId, ClaimState, Decision, LateClaim, Refusal, Reserve, Settle, Verdict};
use schemas::pos::{Delta, Head, Outcome, Reason, Reply, Report, Suspension};
use schemas::subject::{self, PosKind};
use schemas::time::{Millis, Rfc3339};
use sim::fleet::Standing;
use tokio::sync::watch;

/// When reservations end: not in this test. 2100-01-01.
const FAR_AWAY: Rfc3339 = Rfc3339(Millis(4_102_444_800_000));

/// Listens on behalf of the books.
pub(super) struct Gateway;

impl Gateway {
    /// Answers until the connection is lost for good; `heard` tells how many messages came.
    pub(super) async fn listen(url: &str, heard: watch::Sender<u64>) -> tokio::task::JoinHandle<Books> {
        let client =
            async_nats::ConnectOptions::new().max_reconnects(1).connect(url).await.expect("NATS is up");
        let mut messages = client.subscribe(subject::POS_ALL).await.expect("subscribing");
        client.flush().await.expect("NATS is up");
        tokio::spawn(async move {
            let mut books = Books::default();
            while let Some(message) = messages.next().await {
                let body = books.take(&message.subject, &message.payload);
                let inbox = message.reply.expect("every message asks for an answer");
                if client.publish(inbox, body).await.is_err() {
                    break;
                }
                heard.send_replace(books.messages);
            }
            books
        })
    }
}

/// What a gateway learns of the fleet.
#[derive(Default)]
pub(super) struct Books {
    pub(super) standings: HashMap<OutletCode, Standing>,
    pub(super) seqs: HashMap<(OutletCode, String), BTreeSet<u64>>,
    /// Each claim with its body, its decision, and where it stands.
    pub(super) claims: HashMap<ClaimId, Entry>,
    /// Messages decided, by kind.
    pub(super) decided: HashMap<&'static str, u64>,
    pub(super) accepted: u64,
    pub(super) duplicates: u64,
    pub(super) replayed: u64,
    pub(super) rejected: u64,
    pub(super) overtaken: u64,
    pub(super) family: u64,
    pub(super) messages: u64,
}

/// A claim in the books.
pub(super) struct Entry {
    body: Vec<u8>,
    quantity: u32,
    decision: Decision,
    state: ClaimState,
}

impl Books {
    /// Turns every hundredth away for the moment, knows repeated ones, and keeps the books of all others in the order they come.
    fn take(&mut self, subject: &str, body: &[u8]) -> Bytes {
        self.messages += 1;
        let mut reply = Reply::rejected(Reason::Overloaded, "come back".to_owned(), Millis(0));
        if self.messages.is_multiple_of(100) {
            self.rejected += 1;
            reply.retry_after_ms = Some(1);
            return json(&reply);
        }
        let (kind, outlet) = subject::parse_pos(subject).expect("the subject is right");
        let outlet = OutletCode::new(outlet).expect("the outlet is valid");
        if kind.is_personal() {
            let decision = self.decide(kind, outlet, body);
            let counter = if decision.replayed { &mut self.replayed } else { &mut self.accepted };
            *counter += 1;
            return json(&decision);
        }
        reply.reason = None;
        reply.status = self.number(kind, outlet, body);
        json(&reply)
    }

    fn number(&mut self, kind: PosKind, outlet: OutletCode, body: &[u8]) -> Outcome {
        let head: Head<'_> = serde_json::from_slice(body).expect("the message has a head");
        let seqs = self.seqs.entry((outlet.clone(), head.terminal.to_owned())).or_default();
        self.overtaken += u64::from(seqs.last().is_some_and(|last| *last > head.seq));
        if seqs.insert(head.seq) {
            self.accepted += 1;
            self.book(kind, outlet, body);
            Outcome::Accepted
        } else {
            self.duplicates += 1;
            Outcome::Duplicate
        }
    }

    fn book(&mut self, kind: PosKind, outlet: OutletCode, body: &[u8]) {
        let standing = self.standing(outlet);
        match kind {
            PosKind::Report => {
                standing.count = serde_json::from_slice::<Report<'_>>(body).expect("a report").count;
            }
            PosKind::Delta => {
                let change = serde_json::from_slice::<Delta<'_>>(body).expect("a delta").change;
                standing.count = standing.count.checked_add_signed(change).expect("never below zero");
            }
            PosKind::Pause | PosKind::Resume => {
                serde_json::from_slice::<Suspension<'_>>(body).expect("a suspension");
                standing.paused = kind == PosKind::Pause;
            }
            _ => assert_eq!(kind, PosKind::Notice),
        }
    }

    fn standing(&mut self, outlet: OutletCode) -> &mut Standing {
        self.standings.entry(outlet).or_insert(Standing { count: 0, promised: 0, paused: false })
    }

    fn decide(&mut self, kind: PosKind, outlet: OutletCode, body: &[u8]) -> Decision {
        let text = std::str::from_utf8(body).expect("JSON is text");
        let decision = match kind {
            PosKind::Claim => self.claim(&read::<Claim<'_>>(text), outlet, text, Verdict::Granted),
            PosKind::Reserve => self.claim(&read::<Reserve<'_>>(text).claim, outlet, text, Verdict::Reserved),
            PosKind::Late => self.claim(&read::<LateClaim<'_>>(text).claim, outlet, text, Verdict::Recorded),
            PosKind::Void => self.settle(read::<Settle<'_>>(text).id, outlet, ClaimState::Voided),
            _ => self.settle(read::<Settle<'_>>(text).id, outlet, ClaimState::Confirmed),
        };
        *self.decided.entry(kind.name()).or_default() += u64::from(!decision.replayed);
        decision
    }

    /// Refuses every seventh that can be refused; every seventh on paper went over the limit.
    fn claim(&mut self, claim: &Claim<'_>, outlet: OutletCode, text: &str, wish: Verdict) -> Decision {
        if let Some(entry) = self.claims.get(&claim.id) {
            assert_eq!(entry.body, text.as_bytes(), "a copy is the same");
            return Decision { replayed: true, ..entry.decision.clone() };
        }
        self.family += u64::from(claim.buyer.is_some() && claim.ground.is_some());
        let mut decision = decision(claim.id, wish);
        if self.claims.len().is_multiple_of(7) {
            decision.over_limit = wish == Verdict::Recorded;
            decision.reason = match wish {
                Verdict::Granted => Some(Refusal::LimitReached),
                Verdict::Reserved => Some(Refusal::NotYourDay),
                _ => None,
            };
        }
        if decision.reason.is_some() {
            decision.decision = Verdict::Refused;
        }
        decision.held_until = (decision.decision == Verdict::Reserved).then_some(FAR_AWAY);
        let standing = self.standing(outlet);
        match decision.decision {
            Verdict::Granted | Verdict::Recorded => standing.count -= claim.quantity,
            Verdict::Reserved => standing.promised += claim.quantity,
            Verdict::Refused => {}
        }
        assert!(
            standing.promised <= standing.count,
            "nothing is promised that is not there: {standing:?}, {text}"
        );
        let entry = Entry {
            body: text.as_bytes().to_vec(),
            quantity: claim.quantity,
            decision: decision.clone(),
            state: ClaimState::Final,
        };
        self.claims.insert(claim.id, entry);
        decision
    }

    fn settle(&mut self, id: ClaimId, outlet: OutletCode, state: ClaimState) -> Decision {
        let entry = self.claims.get_mut(&id).expect("only what was claimed is settled");
        let replayed = entry.state == state;
        assert!(replayed || entry.state == ClaimState::Final, "a claim is settled once");
        entry.state = state;
        let (verdict, quantity) = (entry.decision.decision, entry.quantity);
        let decision = Decision { state: Some(state), replayed, ..entry.decision.clone() };
        if !replayed {
            let standing = self.standing(outlet);
            match (verdict, state) {
                (Verdict::Granted, ClaimState::Voided) => standing.count += quantity,
                (Verdict::Reserved, ClaimState::Voided) => standing.promised -= quantity,
                (Verdict::Reserved, ClaimState::Confirmed) => {
                    standing.promised -= quantity;
                    standing.count -= quantity;
                }
                other => panic!("{other:?}"),
            }
        }
        decision
    }
}

fn decision(id: ClaimId, decision: Verdict) -> Decision {
    Decision {
        status: Outcome::Accepted,
        id: Some(id),
        decision,
        reason: None,
        state: None,
        remaining: Some(1),
        window_ends: None,
        next_eligible: None,
        over_limit: false,
        held_until: None,
        version: 1,
        durability: None,
        received_at: Rfc3339(Millis(0)),
        registered: true,
        replayed: false,
    }
}

fn read<'a, T: serde::Deserialize<'a>>(text: &'a str) -> T {
    serde_json::from_str(text).expect("the message is what the contract asks for")
}

fn json(answer: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(answer).expect("an answer is JSON").into()
}
