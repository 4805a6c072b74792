//! Claims by id, for a day and more: what was decided, so that whoever asks again hears the same.

use schemas::Millis;
use schemas::claim::{ClaimId, ClaimState, KEPT_MS, Refusal, Verdict};
use schemas::entry::SettleEntry;
use schemas::person::PersonKey;

use super::NO_NUMBER;
use super::log::Log;
use crate::calendar::day_of;

/// All parts are looked through once in this time, by the ticks.
const SWEEP_MS: i64 = 600_000;
/// A stamp from its lowest bit: 10 bits of minutes held, 11 of minutes east of 12 hours west of UTC, 43 of milliseconds.
const HOLD_BITS: u32 = 10;
const OFFSET_BITS: u32 = 11;
const WEST: i16 = -720;
/// The last moment that a stamp can tell, in the year 2248.
const LAST: i64 = (1 << (64 - HOLD_BITS - OFFSET_BITS)) - 1;
/// No day, or no number, in a byte.
const NONE: u8 = u8::MAX;
const MINUTE_MS: i64 = 60_000;

/// A claim and its decision: 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: ClaimId,
    pub(crate) person: PersonKey,
    /// Journal sequence that decided.
    pub(crate) seq: u64,
    /// When the gateway took it, the offset of local time then, and how long a reservation holds.
    stamp: u64,
    /// Fingerprint of what the till said.
    pub(crate) body: u32,
    /// Fingerprint of the outlet's code.
    pub(crate) outlet: u32,
    pub(crate) quantity: u8,
    pub(crate) item: u8,
    pub(crate) group: u8,
    /// Ruling, state and whether the outlet was registered, packed.
    flags: u8,
    /// How many days before it was received it counts.
    back: u8,
    remaining: u8,
    /// Days from the day it counts for.
    window_ends_in: u8,
    next_in: u8,
}

/// What was decided, with all that a giving back needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// A sale.
    Granted,
    /// A late claim.
    Recorded {
        /// More than the allowance.
        over: bool,
        /// A later report had counted the goods away already.
        counted: bool,
    },
    /// A reservation.
    Reserved,
    /// Nothing moved.
    Refused(Refusal),
    /// Its void came first: nothing is decided under this id.
    Withdrawn,
}

impl Ruling {
    const ALL: [Self; 13] = [
        Self::Granted,
        Self::Reserved,
        Self::Recorded { over: false, counted: false },
        Self::Recorded { over: false, counted: true },
        Self::Recorded { over: true, counted: false },
        Self::Recorded { over: true, counted: true },
        Self::Refused(Refusal::ALL[0]),
        Self::Refused(Refusal::ALL[1]),
        Self::Refused(Refusal::ALL[2]),
        Self::Refused(Refusal::ALL[3]),
        Self::Refused(Refusal::ALL[4]),
        Self::Refused(Refusal::ALL[5]),
        Self::Withdrawn,
    ];

    fn code(self) -> u8 {
        let at = Self::ALL.iter().position(|r| *r == self).expect("all rulings are listed");
        u8::try_from(at).expect("thirteen")
    }

    /// As callers hear it.
    pub(crate) fn verdict(self) -> Verdict {
        match self {
            Self::Granted => Verdict::Granted,
            Self::Recorded { .. } => Verdict::Recorded,
            Self::Reserved => Verdict::Reserved,
            Self::Refused(_) | Self::Withdrawn => Verdict::Refused,
        }
    }
}

const STATES: [ClaimState; 5] =
    [ClaimState::Final, ClaimState::Held, ClaimState::Confirmed, ClaimState::Expired, ClaimState::Voided];

/// The parts of a decision that depend on the calendar, in local days since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    /// The day it was received.
    pub(crate) received: i32,
    /// The day it counts for.
    pub(crate) counts: i32,
    /// First day after the window.
    pub(crate) window_ends: Option<i32>,
    /// First day on which the person can buy again.
    pub(crate) next_eligible: Option<i32>,
}

/// What a new claim is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewClaim {
    pub(crate) id: ClaimId,
    pub(crate) person: PersonKey,
    pub(crate) seq: u64,
    pub(crate) received: Millis,
    /// Minutes that it holds, below 1,024; 0 for what is no reservation.
    pub(crate) hold_minutes: u16,
    /// Local time under the rules that decided, in minutes east of UTC.
    pub(crate) offset_minutes: i16,
    pub(crate) body: u32,
    pub(crate) outlet: u32,
    pub(crate) quantity: u8,
    pub(crate) item: u8,
    pub(crate) group: u8,
    pub(crate) ruling: Ruling,
    pub(crate) registered: bool,
    pub(crate) remaining: Option<u32>,
    pub(crate) days: Days,
}

impl Claim {
    pub(crate) fn new(new: &NewClaim) -> Self {
        let state = if new.ruling == Ruling::Reserved { ClaimState::Held } else { ClaimState::Final };
        let ahead =
            |day: Option<i32>| day.and_then(|day| u8::try_from(day - new.days.counts).ok()).unwrap_or(NONE);
        let mut claim = Self {
            id: new.id,
            person: new.person,
            seq: new.seq,
            stamp: stamp(new),
            body: new.body,
            outlet: new.outlet,
            quantity: new.quantity,
            item: new.item,
            group: new.group,
            flags: new.ruling.code() | u8::from(new.registered) << 7,
            back: u8::try_from(new.days.received - new.days.counts).unwrap_or(0),
            remaining: new.remaining.map_or(NONE, |n| u8::try_from(n).unwrap_or(NONE - 1)),
            window_ends_in: ahead(new.days.window_ends),
            next_in: ahead(new.days.next_eligible),
        };
        claim.set_state(state);
        claim
    }

    /// What a void leaves where its claim is not known: the claim may still come.
    pub(crate) fn withdrawn(seq: u64, void: &SettleEntry<'_>) -> Self {
        Self::new(&NewClaim {
            id: void.id,
            person: PersonKey([0; 16]),
            seq,
            received: void.received,
            hold_minutes: 0,
            offset_minutes: 0,
            body: 0,
            outlet: 0,
            quantity: 0,
            item: NO_NUMBER,
            group: NO_NUMBER,
            ruling: Ruling::Withdrawn,
            registered: false,
            remaining: None,
            days: Days { received: 0, counts: 0, window_ends: None, next_eligible: None },
        })
    }

    pub(crate) fn received(&self) -> Millis {
        Millis((self.stamp >> (HOLD_BITS + OFFSET_BITS)).cast_signed())
    }

    /// Until when a reservation holds.
    pub(crate) fn held_until(&self) -> Option<Millis> {
        let minutes = (self.stamp & ((1 << HOLD_BITS) - 1)).cast_signed();
        (minutes > 0).then(|| self.received().plus(minutes * MINUTE_MS))
    }

    pub(crate) fn ruling(&self) -> Ruling {
        Ruling::ALL[usize::from(self.flags & 0xF)]
    }

    pub(crate) fn state(&self) -> ClaimState {
        STATES[usize::from(self.flags >> 4 & 0x7)]
    }

    pub(crate) fn set_state(&mut self, state: ClaimState) {
        let code = STATES.iter().position(|s| *s == state).expect("all states are listed");
        self.flags = self.flags & 0x8F | u8::try_from(code).expect("five") << 4;
    }

    pub(crate) fn registered(&self) -> bool {
        self.flags >> 7 == 1
    }

    pub(crate) fn remaining(&self) -> Option<u32> {
        (self.remaining != NONE).then_some(u32::from(self.remaining))
    }

    /// Local time under the rules that decided, in minutes east of UTC: a schedule that comes later changes no answer.
    pub(crate) fn offset_minutes(&self) -> i16 {
        let minutes = (self.stamp >> HOLD_BITS) & ((1 << OFFSET_BITS) - 1);
        minutes as i16 + WEST
    }

    /// The days.
    pub(crate) fn days(&self) -> Days {
        let received = day_of(self.received(), self.offset_minutes());
        let counts = received - i32::from(self.back);
        let ahead = |days: u8| (days != NONE).then_some(counts + i32::from(days));
        Days { received, counts, window_ends: ahead(self.window_ends_in), next_eligible: ahead(self.next_in) }
    }

    fn numbers(&self) -> [u8; 8] {
        [
            self.quantity,
            self.item,
            self.group,
            self.flags,
            self.back,
            self.remaining,
            self.window_ends_in,
            self.next_in,
        ]
    }
}

/// As a checkpoint has it.
impl Claim {
    /// Bytes of a row.
    pub(crate) const BYTES: usize = 64;

    /// Appends exactly [`Claim::BYTES`] bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.id.0.as_bytes());
        out.extend_from_slice(&self.person.0);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.extend_from_slice(&self.body.to_le_bytes());
        out.extend_from_slice(&self.outlet.to_le_bytes());
        out.extend_from_slice(&self.numbers());
    }

    /// Reads what [`Claim::write`] wrote; `None` where that wrote no such bytes.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (person, rest) = rest.split_first_chunk::<16>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (stamp, rest) = rest.split_first_chunk::<8>()?;
        let (body, rest) = rest.split_first_chunk::<4>()?;
        let (outlet, rest) = rest.split_first_chunk::<4>()?;
        let [quantity, item, group, flags, back, remaining, window_ends_in, next_in] =
            rest.try_into().ok()?;
        let known =
            usize::from(flags & 0xF) < Ruling::ALL.len() && usize::from(flags >> 4 & 7) < STATES.len();
        known.then_some(Self {
            id: ClaimId(uuid::Uuid::from_bytes(*id)),
            person: PersonKey(*person),
            seq: u64::from_le_bytes(*seq),
            stamp: u64::from_le_bytes(*stamp),
            body: u32::from_le_bytes(*body),
            outlet: u32::from_le_bytes(*outlet),
            quantity,
            item,
            group,
            flags,
            back,
            remaining,
            window_ends_in,
            next_in,
        })
    }
}

fn stamp(new: &NewClaim) -> u64 {
    let east = u64::from((new.offset_minutes.clamp(WEST, 840) - WEST).unsigned_abs());
    in_range(new.received).0.cast_unsigned() << (HOLD_BITS + OFFSET_BITS)
        | east << HOLD_BITS
        | u64::from(new.hold_minutes)
}

/// The moment, within the years that a claim can tell: 1970 to 2248.
pub(crate) fn in_range(at: Millis) -> Millis {
    Millis(at.0.clamp(0, LAST))
}

/// Forgets claims that are older than is promised, some parts at each tick: all of them once in ten minutes of ticks.
pub(crate) fn sweep(claims: &Log, before: Millis, now: Millis) {
    let parts = i64::try_from(claims.parts()).expect("some thousands");
    let place = |at: Millis| at.0.saturating_mul(parts).div_euclid(SWEEP_MS);
    for part in (place(before)..place(now)).take(claims.parts()) {
        let part = usize::try_from(part.rem_euclid(parts)).expect("a remainder");
        claims.forget(part, now.plus(-KEPT_MS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(ruling: Ruling) -> Claim {
        Claim::new(&NewClaim {
            id: ClaimId(uuid::Uuid::from_u128(77)),
            person: PersonKey([9; 16]),
            seq: 1 << 60,
            received: Millis(1_583_884_800_123),
            hold_minutes: 720,
            offset_minutes: 540,
            body: u32::MAX,
            outlet: 3,
            quantity: 100,
            item: 4,
            group: 5,
            ruling,
            registered: true,
            remaining: Some(0),
            days: Days { received: 18_332, counts: 18_325, window_ends: Some(18_337), next_eligible: None },
        })
    }

    #[test]
    fn a_claim_is_64_bytes_and_reads_back() {
        assert_eq!(size_of::<Claim>(), Claim::BYTES);
        for ruling in Ruling::ALL {
            for state in STATES {
                let mut claim = claim(ruling);
                claim.set_state(state);
                let mut bytes = Vec::new();
                claim.write(&mut bytes);
                assert_eq!(bytes.len(), Claim::BYTES);
                assert_eq!(Claim::read(&bytes), Some(claim));
                assert_eq!((claim.ruling(), claim.state(), claim.registered()), (ruling, state, true));
            }
        }
        let claim = claim(Ruling::Reserved);
        assert_eq!(claim.received(), Millis(1_583_884_800_123));
        assert_eq!(claim.held_until(), Some(claim.received().plus(720 * MINUTE_MS)));
        assert_eq!((claim.remaining(), claim.state()), (Some(0), ClaimState::Held));
        let days = claim.days();
        assert_eq!((days.counts, days.window_ends, days.next_eligible), (18_325, Some(18_337), None));
    }

    #[test]
    fn a_claim_is_kept_for_a_day_and_forgotten_within_ten_minutes_after() {
        let claims = Log::default();
        let one = claim(Ruling::Granted);
        claims.get_or_put(&one.id, || one);
        let mut now = one.received();
        let mut kept_for = 0;
        while claims.get(&one.id).is_some() {
            sweep(&claims, now, now.plus(1000));
            now = now.plus(1000);
            kept_for = now.since(one.received());
        }
        assert!((KEPT_MS..=KEPT_MS + SWEEP_MS + 1000).contains(&kept_for), "{kept_for}");
    }
}
