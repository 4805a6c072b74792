//! Journals for the tests: entries by hand and entries by chance.

use proptest::prelude::*;
use schemas::claim::ClaimId;
use schemas::entry::{
    Act, ClaimEntry, Entry, HoldEntry, Keys, PosEntry, RegistryCommit, Rules, SettleEntry, Tick,
};
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::policy::Schedule;
use schemas::registry::{ExternalIds, OutletInfo, OutletType};
use schemas::{Millis, OutletCode};

/// Wednesday 2020-03-11 09:00 KST, in opening hours.
pub const NINE: Millis = Millis(1_583_884_800_000);

pub const OUTLETS: [&str; 4] = ["11111111", "22222222", "33333333", "44444444"];
pub const TERMINALS: [&str; 3] = ["t1", "t2", "t3"];
pub const ITEMS: [&str; 2] = ["mask", "mask_child"];

/// A message of a terminal, received at `NINE` plus so many milliseconds and observed when it was received.
pub fn pos(
    outlet: &'static str,
    terminal: &'static str,
    seq: u64,
    after_ms: i64,
    act: Act<'static>,
) -> Entry<'static> {
    let received = NINE.plus(after_ms);
    Entry::Pos(PosEntry { outlet, terminal, seq, at: received, sent: None, received, act })
}

pub fn report(count: u32) -> Act<'static> {
    Act::Report { item: "mask", count }
}

pub fn delta(change: i32) -> Act<'static> {
    Act::Delta { item: "mask", change }
}

pub fn tick(after_ms: i64) -> Entry<'static> {
    Entry::Tick(Tick { at: NINE.plus(after_ms), interval_ms: 1000 })
}

pub fn info(code: &str) -> OutletInfo {
    OutletInfo {
        code: OutletCode::new(code).unwrap(),
        name: format!("{code} 약국"),
        addr: "서울특별시 중구 세종대로 110".to_owned(),
        kind: OutletType::Pharmacy,
        place: None,
        region: None,
        hours: None,
        external_ids: code.ends_with('1').then(|| {
            let mask = OutletCode::new(&format!("mask-{code}")).ok();
            Box::new(ExternalIds { mask, hira: None })
        }),
    }
}

/// The entries of one registry import.
pub fn import(number: u64, codes: &[&str], after_ms: i64) -> Vec<Entry<'static>> {
    let rows = codes.iter().map(|code| Entry::RegistryRow { import: number, outlet: Box::new(info(code)) });
    let commit = Entry::RegistryCommit(RegistryCommit {
        import: number,
        rows: u32::try_from(codes.len()).unwrap(),
        digest: number,
        source: "test".to_owned(),
        received: NINE.plus(after_ms),
    });
    rows.chain([commit]).collect()
}

pub fn any_act() -> impl Strategy<Value = Act<'static>> {
    let item = prop::sample::select(&ITEMS[..]);
    prop_oneof![
        4 => (item.clone(), -20..20i32).prop_map(|(item, change)| Act::Delta { item, change }),
        2 => (item.clone(), 0..200u32).prop_map(|(item, count)| Act::Report { item, count }),
        1 => item.clone().prop_map(|item| Act::Pause { item }),
        1 => item.prop_map(|item| Act::Resume { item }),
    ]
}

/// Sequences as a network delivers them: mostly near each other, reordered and repeated, now and then a jump.
pub fn any_seqs(len: usize) -> impl Strategy<Value = Vec<u64>> {
    let step = prop_oneof![12 => -3..4i64, 2 => -70..10i64, 1 => 30..90i64];
    prop::collection::vec(step, len).prop_map(|steps| {
        let mut at = 100i64;
        steps
            .into_iter()
            .map(|step| {
                at = (at + step).max(0);
                at.unsigned_abs()
            })
            .collect()
    })
}

/// A whole journal: imports, messages of outlets known and unknown, rules, and ticks between them.
pub fn any_journal() -> impl Strategy<Value = Vec<Entry<'static>>> {
    let some_outlets = prop::sample::subsequence(&OUTLETS[..], 0..=OUTLETS.len());
    let piece = prop_oneof![
        30 => (prop::sample::select(&OUTLETS[..]), prop::sample::select(&TERMINALS[..]), 0..90u64, any_act())
            .prop_map(|(outlet, terminal, seq, act)| Piece::Pos(outlet, terminal, seq, act)),
        5 => Just(Piece::Tick),
        1 => some_outlets.prop_map(Piece::Import),
        1 => (1..60i64).prop_map(|minutes| Piece::Rules(minutes * 60_000)),
        20 => any_claim().prop_map(Piece::Claim),
        6 => (0..60u128, 0..OUTLETS.len(), any::<bool>())
            .prop_map(|(id, outlet, void)| Piece::Settle(id, OUTLETS[outlet], void)),
        1 => (1..5u32, 0..7u8).prop_map(|(quantity, days)| Piece::Schedule(quantity, days)),
        1 => (0..2u64, prop::option::of(0..2u64))
            .prop_map(|(current, previous)| Piece::Keys(Keys { current, previous })),
        2 => (prop::sample::select(&["a", "b"][..]), -1_000..900_000i64)
            .prop_map(|(core, lasts)| Piece::Hold(core, lasts)),
    ];
    // Steps of up to 15 minutes carry outlets into silence and places out of their grace, those of days reservations and
    // claims to their ends.
    prop::collection::vec(
        (piece, prop_oneof![18 => 0..2_000i64, 2 => 0..900_000i64, 1 => 0..200_000_000i64]),
        1..120,
    )
    .prop_map(|pieces| {
        let mut now = 0;
        let mut entries = Vec::new();
        for (number, (piece, step)) in (1..).zip(pieces) {
            now += step;
            match piece {
                Piece::Pos(outlet, terminal, seq, act) => {
                    let mut pos = pos(outlet, terminal, seq, now, act);
                    if let Entry::Pos(entry) = &mut pos {
                        // Clocks that are up to six minutes slow, and some that nobody knows of.
                        entry.sent = (seq % 3 > 0)
                            .then(|| entry.received.plus(-60_000 * i64::try_from(seq % 7).unwrap()));
                    }
                    entries.push(pos);
                }
                Piece::Tick => entries.push(tick(now)),
                Piece::Import(codes) => entries.extend(import(number, &codes, now)),
                Piece::Rules(silent_after_ms) => {
                    let clock_tolerance_ms = silent_after_ms / 10;
                    entries.push(Entry::Rules(Rules {
                        silent_after_ms,
                        clock_tolerance_ms,
                        ..Rules::default()
                    }));
                }
                Piece::Claim(claim) => entries.push(Entry::Claim(received(claim, now))),
                Piece::Settle(id, outlet, void) => {
                    let settle = if void { Entry::Void } else { Entry::Confirm };
                    entries.push(settle(settlement(id, outlet, now)));
                }
                Piece::Schedule(quantity, days) => entries.push(schedule(quantity, days)),
                Piece::Keys(keys) => entries.push(Entry::Keys(keys)),
                Piece::Hold(core, lasts) => {
                    let (since, until) = (NINE.plus(now), NINE.plus(now + lasts));
                    entries.push(Entry::Hold(HoldEntry { core, since, until }));
                }
            }
        }
        entries.push(tick(now + 1));
        entries
    })
}

#[derive(Debug, Clone)]
enum Piece {
    Pos(&'static str, &'static str, u64, Act<'static>),
    Tick,
    Import(Vec<&'static str>),
    Rules(i64),
    Claim(ClaimEntry<'static>),
    Settle(u128, &'static str, bool),
    Schedule(u32, u8),
    Keys(Keys),
    Hold(&'static str, i64),
}

/// A claim without its time: `occurred` and `until` are told from when it is received.
fn any_claim() -> impl Strategy<Value = ClaimEntry<'static>> {
    let person = (0..4u8, 0..2u8, prop::option::weighted(0.3, 0..2u8), prop::option::of(1990..2000u16));
    let ago = prop::option::weighted(0.2, (-500_000_000..0i64).prop_map(Millis));
    let hold = prop::option::weighted(0.3, (60_000..10_000_000i64).prop_map(Millis));
    let place = (prop::sample::select(&OUTLETS[..]), prop::sample::select(&ITEMS[..]));
    (0..60u128, place, 1..4u32, person, 0..2u32, (ago, hold)).prop_map(
        |(id, (outlet, item), quantity, (who, key, was, born), body, (occurred, until))| ClaimEntry {
            id: ClaimId(uuid::Uuid::from_u128(id)),
            outlet,
            terminal: "t1",
            at: NINE,
            received: NINE,
            item,
            quantity,
            person: Person {
                key: PersonKey([who * 16 + key; 16]),
                was: was.map(|was| PersonKey([who * 16 + was; 16])),
                kind: PersonKind::Resident,
                born,
                digit: None,
            },
            buyer: None,
            ground: None,
            body,
            occurred,
            until,
        },
    )
}

fn received(claim: ClaimEntry<'static>, after_ms: i64) -> ClaimEntry<'static> {
    let at = NINE.plus(after_ms);
    let from = |time: Option<Millis>| time.map(|time| at.plus(time.0));
    ClaimEntry { at, received: at, occurred: from(claim.occurred), until: from(claim.until), ..claim }
}

fn settlement(id: u128, outlet: &'static str, after_ms: i64) -> SettleEntry<'static> {
    let at = NINE.plus(after_ms);
    SettleEntry {
        id: ClaimId(uuid::Uuid::from_u128(id)),
        outlet,
        terminal: "t1",
        at,
        received: at,
        holds_place: true,
    }
}

/// Masks by the week, or by rolling days where there are two or more.
fn schedule(quantity: u32, days: u8) -> Entry<'static> {
    let window = if days < 2 { r#""week""#.to_owned() } else { format!(r#"{{"rolling_days":{days}}}"#) };
    let json = format!(
        r#"{{"name":"test","offset_minutes":540,"groups":[{{"name":"mask","items":["mask","mask_child"]}}],
        "policies":[{{"effective_from":"2020-03-01T00:00:00+09:00","group":"mask","quantity":{quantity},"window":{window}}}]}}"#
    );
    Entry::Schedule(Box::new(serde_json::from_str::<Schedule>(&json).unwrap()))
}
