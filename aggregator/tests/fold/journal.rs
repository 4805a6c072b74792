//! Journals for the tests: entries by hand and entries by chance.

use proptest::prelude::*;
use schemas::entry::{Act, Entry, PosEntry, RegistryCommit, Rules, Tick};
use schemas::registry::{OutletInfo, OutletType};
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
    ];
    // Steps of up to 15 minutes carry outlets into silence and places out of their grace.
    prop::collection::vec((piece, prop_oneof![9 => 0..2_000i64, 1 => 0..900_000i64]), 1..120).prop_map(
        |pieces| {
            let mut now = 0;
            let mut entries = Vec::new();
            for (number, (piece, step)) in (1..).zip(pieces) {
                now += step;
                match piece {
                    Piece::Pos(outlet, terminal, seq, act) => {
                        entries.push(pos(outlet, terminal, seq, now, act));
                    }
                    Piece::Tick => entries.push(tick(now)),
                    Piece::Import(codes) => entries.extend(import(number, &codes, now)),
                    Piece::Rules(silent_after_ms) => {
                        entries.push(Entry::Rules(Rules { silent_after_ms, ..Rules::default() }));
                    }
                }
            }
            entries.push(tick(now + 1));
            entries
        },
    )
}

#[derive(Debug, Clone)]
enum Piece {
    Pos(&'static str, &'static str, u64, Act<'static>),
    Tick,
    Import(Vec<&'static str>),
    Rules(i64),
}
