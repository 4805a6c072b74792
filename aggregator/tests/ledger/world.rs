//! A fold, fed entry by entry, and the words to feed it with.

use std::sync::Arc;

use aggregator::{Applied, Cutter, Decided, Fold};
use schemas::claim::ClaimId;
use schemas::entry::{Act, ClaimEntry, Entry, Keys, PosEntry, RegistryCommit, Rules, SettleEntry, Tick};
use schemas::person::{Person, PersonKey, PersonKind};
use schemas::policy::{ItemGroup, Policy, Schedule, Window, Words};
use schemas::pos::Reason;
use schemas::registry::{OutletInfo, OutletType};
use schemas::snapshot::Snapshot;
use schemas::time::Rfc3339;
use schemas::{ItemId, Millis, OutletCode};

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
/// Monday 2020-03-09 00:00 KST.
pub const MONDAY: Millis = Millis(1_583_679_600_000);
pub const OUTLETS: [&str; 3] = ["11111111", "22222222", "33333333"];

/// What the fold says of a claim.
pub type Said = Result<Decided, Reason>;

/// A fold and its next place in the journal.
#[derive(Default)]
pub struct World {
    pub fold: Fold,
    pub cutter: Cutter,
    pub seq: u64,
}

impl World {
    /// A world with two registered pharmacies, under this schedule.
    pub fn under(schedule: Schedule) -> Self {
        let mut world = Self::default();
        world.register(&OUTLETS[..2]);
        world.apply(Entry::Rules(Rules { hidden_after_ms: 1 << 50, ..Rules::default() }));
        assert_eq!(world.schedule(schedule), Applied::Schedule { in_force: true });
        world
    }

    pub fn apply(&mut self, entry: Entry<'_>) -> Applied {
        self.seq += 1;
        self.fold.apply(self.seq, entry)
    }

    pub fn said(&mut self, entry: Entry<'_>) -> Said {
        let Applied::Claim(said) = self.apply(entry) else { panic!("no claim") };
        said
    }

    pub fn claim(&mut self, claim: ClaimEntry<'_>) -> Said {
        self.said(Entry::Claim(claim))
    }

    pub fn void(&mut self, id: u128, outlet: &'static str, at: Millis) -> Said {
        self.said(Entry::Void(settle(id, outlet, at)))
    }

    pub fn confirm(&mut self, id: u128, outlet: &'static str, at: Millis) -> Said {
        self.said(Entry::Confirm(settle(id, outlet, at)))
    }

    pub fn schedule(&mut self, schedule: Schedule) -> Applied {
        self.apply(Entry::Schedule(Box::new(schedule)))
    }

    pub fn keys(&mut self, current: u64, previous: Option<u64>) {
        self.apply(Entry::Keys(Keys { current, previous }));
    }

    pub fn tick(&mut self, at: Millis) {
        self.apply(Entry::Tick(Tick { at, interval_ms: 1_000 }));
    }

    pub fn report(&mut self, outlet: &'static str, item: &'static str, count: u32, at: Millis) {
        let (seq, act) = (self.seq, Act::Report { item, count });
        let pos = PosEntry { outlet, terminal: "t1", seq, at, sent: None, received: at, act };
        self.apply(Entry::Pos(pos));
    }

    pub fn register(&mut self, codes: &[&str]) {
        let import = self.seq + 1;
        for code in codes {
            self.apply(Entry::RegistryRow { import, outlet: Box::new(info(code)) });
        }
        let rows = u32::try_from(codes.len()).unwrap();
        let source = "test".to_owned();
        let commit = RegistryCommit { import, rows, digest: import, source, received: MONDAY };
        self.apply(Entry::RegistryCommit(commit));
    }

    /// A version as of this tick.
    pub fn cut(&mut self, at: Millis) -> Arc<Snapshot> {
        self.tick(at);
        self.cutter.cut(&mut self.fold).unwrap()
    }

    /// Count and promised pieces of an item at a registered outlet.
    pub fn stock(&mut self, outlet: &str, item: &str, at: Millis) -> (Option<u32>, u32) {
        let snapshot = self.cut(at);
        let mut rows = snapshot.outlets.iter().flatten();
        let row = rows.find(|row| row.info.code.as_str() == outlet).unwrap();
        row.item(item).map_or((None, 0), |item| (item.count, item.promised))
    }

    /// The same world after a restart from a checkpoint.
    pub fn restarted(self) -> Self {
        let fold = Fold::restore(&self.fold.checkpoint().to_bytes()[..]).unwrap();
        Self { fold, cutter: Cutter::default(), seq: self.seq }
    }
}

/// A claim of a person at an outlet; change what is to be different.
pub fn claim(id: u128, person: u8, quantity: u32, received: Millis) -> ClaimEntry<'static> {
    ClaimEntry {
        id: ClaimId(uuid::Uuid::from_u128(id)),
        outlet: OUTLETS[0],
        terminal: "t1",
        at: received,
        received,
        item: "mask",
        quantity,
        person: born(person, 1980),
        buyer: None,
        ground: None,
        body: 1,
        occurred: None,
        until: None,
    }
}

pub fn late(id: u128, person: u8, quantity: u32, occurred: Millis, received: Millis) -> ClaimEntry<'static> {
    ClaimEntry { occurred: Some(occurred), ..claim(id, person, quantity, received) }
}

pub fn reserve(id: u128, person: u8, quantity: u32, received: Millis, hold_ms: i64) -> ClaimEntry<'static> {
    ClaimEntry { until: Some(received.plus(hold_ms)), ..claim(id, person, quantity, received) }
}

pub fn settle(id: u128, outlet: &'static str, at: Millis) -> SettleEntry<'static> {
    SettleEntry {
        id: ClaimId(uuid::Uuid::from_u128(id)),
        outlet,
        terminal: "t1",
        at,
        received: at,
        holds_place: true,
    }
}

/// The key of a person in a generation of keys, spread over all bits as fingerprints are.
pub fn key(person: u8, generation: u8) -> PersonKey {
    let seed = u128::from(person) << 8 | u128::from(generation) | 1 << 20;
    PersonKey(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_le_bytes())
}

pub fn born(person: u8, year: u16) -> Person {
    Person { key: key(person, 0), was: None, kind: PersonKind::Resident, born: Some(year), digit: None }
}

pub fn info(code: &str) -> OutletInfo {
    let (name, addr) = (format!("{code} 약국"), "서울특별시 중구 세종대로 110");
    OutletInfo::bare(OutletCode::new(code).unwrap(), name, addr, OutletType::Pharmacy)
}

pub fn item(name: &str) -> ItemId {
    ItemId::new(name).unwrap()
}

pub fn group(name: &str, items: &[&str]) -> ItemGroup {
    ItemGroup { name: item(name), items: items.iter().map(|name| item(name)).collect() }
}

/// So many pieces in each window, for everybody, everywhere, on every day.
pub fn policy(group: &str, window: Window, quantity: u32, from: Millis) -> Policy {
    Policy {
        effective_from: Rfc3339(from),
        group: item(group),
        ended: false,
        window,
        quantity,
        bands: Vec::new(),
        split: true,
        days: None,
        proxy: None,
        outlets: None,
        words: Words::default(),
        source: String::new(),
    }
}

/// Masks, so many in each window.
pub fn masks(window: Window, quantity: u32) -> Schedule {
    schedule(vec![group("mask", &["mask", "mask_child"])], vec![policy("mask", window, quantity, Millis(0))])
}

pub fn schedule(groups: Vec<ItemGroup>, policies: Vec<Policy>) -> Schedule {
    Schedule {
        name: "test".to_owned(),
        title: Words::default(),
        offset_minutes: 540,
        groups,
        policies,
        holidays: Vec::new(),
    }
}
