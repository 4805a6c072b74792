//! A small world to publish: outlets join, leave, report and fall silent; each cut is a snapshot as the fold makes it.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use schemas::entry::Rules;
use schemas::level::Level;
use schemas::registry::{OutletInfo, OutletType, Place};
use schemas::snapshot::{ItemView, OutletView, Snapshot};
use schemas::time::KST_MINUTES;
use schemas::{ItemId, Millis, OutletCode, region};

/// Addresses in several spellings of few districts.
const ADDRESSES: [&str; 7] = [
    "서울특별시 강남구 논현로 1 (논현동)",
    "서울특별시 강남구 도산대로 2 (신사동, \"상가\")",
    "경상남도 진주시 남강로 3 (상대동),",
    "경남 진주시 동진로 4 ",
    "진주시 진주대로 5",
    "경기도 수원시 장안구 송원로  6 (조원동)",
    "어디인지 모를 곳",
];

/// Midnight of 11 March 2020 in Korea.
pub(crate) fn midnight() -> Millis {
    Millis::parse("2020-03-11T00:00:00+09:00").unwrap()
}

/// The snapshot of the next cut, and what led there.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) next: Snapshot,
    joined: u32,
}

/// One thing that happens; numbers pick an outlet modulo how many there are.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    Join(u8),
    Leave(usize),
    Report(usize, u32),
    Pause(usize),
    BelowZero(usize),
    Hide(usize),
    Rename(usize),
    Silence(usize),
    Touch(usize),
    /// The grace is over: held places go.
    Close,
    Stranger(u32),
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    let which = || any::<usize>();
    prop_oneof![
        3 => any::<u8>().prop_map(Event::Join),
        3 => which().prop_map(Event::Leave),
        8 => (which(), 0..200u32).prop_map(|(which, count)| Event::Report(which, count)),
        2 => which().prop_map(Event::Pause),
        1 => which().prop_map(Event::BelowZero),
        1 => which().prop_map(Event::Hide),
        1 => which().prop_map(Event::Rename),
        1 => which().prop_map(Event::Silence),
        1 => which().prop_map(Event::Touch),
        1 => Just(Event::Close),
        1 => (0..99u32).prop_map(Event::Stranger),
    ]
}

impl World {
    pub(crate) fn empty() -> Self {
        let next = Snapshot {
            version: 7,
            at: midnight(),
            interval_ms: 1000,
            rules: Arc::new(Rules::default()),
            registry_version: 1,
            outlets: Vec::new(),
            heard: Arc::default(),
            unregistered: Arc::default(),
            schedule: None,
        };
        Self { next, joined: 0 }
    }

    /// So many outlets, every second of which has reported.
    pub(crate) fn of(outlets: u32) -> Self {
        let mut world = Self::empty();
        for n in 0..outlets {
            world.happen(&Event::Join(n.to_le_bytes()[0]));
            if n % 2 == 0 {
                world.report(n as usize, n);
            }
        }
        world
    }

    /// Cuts a version.
    pub(crate) fn cut(&mut self) -> Arc<Snapshot> {
        self.next.version += 3;
        self.next.at = self.next.at.plus(1000);
        Arc::new(self.next.clone())
    }

    pub(crate) fn add(&mut self, info: OutletInfo) -> usize {
        let view =
            OutletView { info: Arc::new(info), items: vec![], notice: None, received: None, silent: false };
        self.next.outlets.push(Some(Arc::new(view)));
        self.next.registry_version += 1;
        self.next.outlets.len() - 1
    }

    pub(crate) fn happen(&mut self, event: &Event) {
        match *event {
            Event::Join(seed) => self.join(seed),
            Event::Close => self.close(),
            Event::Stranger(n) => {
                Arc::make_mut(&mut self.next.unregistered).push(OutletCode::new(&n.to_string()).unwrap());
            }
            Event::Leave(which) => self.leave(which),
            Event::Report(which, count) => self.report(which, count),
            Event::Pause(which) => self.item(which, |item| item.paused = !item.paused),
            Event::BelowZero(which) => self.item(which, |item| item.band = None),
            Event::Hide(which) => self.change(which, |view| view.items.clear()),
            Event::Silence(which) => self.change(which, |view| view.silent = !view.silent),
            Event::Touch(which) => self.change(which, |_| ()),
            Event::Rename(which) => {
                self.change(which, |view| Arc::make_mut(&mut view.info).name.push('새'));
                self.next.registry_version += 1;
            }
        }
    }

    fn join(&mut self, seed: u8) {
        self.joined += 1;
        let kind = OutletType::ALL[usize::from(seed) % 3];
        let addr = ADDRESSES[usize::from(seed) % ADDRESSES.len()];
        let far = |step: u32| f64::from(self.joined * step % 1000) / 50_000.0;
        let place = Place { lat: 37.5563 + far(377), lng: 126.9679 + far(619) };
        let code = 10_000_000 + u64::from(self.joined) * 7919 % 89_999_993;
        let code = if kind == OutletType::Pharmacy { code } else { code * 100 };
        let name = format!("{}약국", self.joined);
        self.add(outlet(&code.to_string(), &name, addr, kind, (!seed.is_multiple_of(11)).then_some(place)));
    }

    fn live(&self, which: usize) -> Option<usize> {
        let live: Vec<usize> =
            (0..self.next.outlets.len()).filter(|n| self.next.outlets[*n].is_some()).collect();
        (!live.is_empty()).then(|| live[which % live.len()])
    }

    fn leave(&mut self, which: usize) {
        let Some(place) = self.live(which) else { return };
        self.next.outlets[place] = None;
        self.next.registry_version += 1;
        let gone = u32::try_from(place).unwrap();
        let heard = Arc::make_mut(&mut self.next.heard);
        for entry in heard.iter_mut().filter(|entry| **entry == Some(gone)) {
            *entry = None;
        }
    }

    fn close(&mut self) {
        let live = (0..self.next.outlets.len()).filter(|place| self.next.outlets[*place].is_some());
        let moved: HashMap<u32, u32> = live.map(|place| u32::try_from(place).unwrap()).zip(0..).collect();
        self.next.outlets.retain(Option::is_some);
        let heard = self.next.heard.iter().flatten().map(|place| Some(moved[place])).collect();
        self.next.heard = Arc::new(heard);
        self.next.registry_version += 1;
    }

    fn change(&mut self, which: usize, change: impl Fn(&mut OutletView)) {
        let Some(place) = self.live(which) else { return };
        let mut view = OutletView::clone(self.next.outlets[place].as_ref().unwrap());
        change(&mut view);
        self.next.outlets[place] = Some(Arc::new(view));
    }

    /// Changes what is known of masks at an outlet, where anything is.
    pub(crate) fn item(&mut self, which: usize, change: impl Fn(&mut ItemView)) {
        self.change(which, |view| view.items.iter_mut().for_each(&change));
    }

    /// A report of masks, with some other item known beside it.
    pub(crate) fn report(&mut self, which: usize, count: u32) {
        let Some(place) = self.live(which) else { return };
        let bands = self.next.rules.bands;
        let at = self.next.at.plus(i64::from(count) * 61_001);
        self.change(which, |view| {
            let other = item("gloves", at, Some(bands.of(1)), 1);
            view.items = vec![other, item("mask", at, Some(bands.of(count)), count)];
            view.received = Some(at.plus(777));
        });
        let place = u32::try_from(place).unwrap();
        if !self.next.heard.contains(&Some(place)) {
            Arc::make_mut(&mut self.next.heard).push(Some(place));
        }
    }
}

fn item(name: &str, at: Millis, band: Option<schemas::Band>, count: u32) -> ItemView {
    ItemView {
        item: ItemId::new(name).unwrap(),
        count: Some(count),
        level: band.map_or(Level::Unknown, Level::from),
        band,
        paused: false,
        gap: false,
        observed: at,
        received: at.plus(777),
        changed: at,
        arrived: at,
        promised: 0,
    }
}

pub(crate) fn outlet(
    code: &str,
    name: &str,
    addr: &str,
    kind: OutletType,
    place: Option<Place>,
) -> OutletInfo {
    let bare = OutletInfo::bare(OutletCode::new(code).unwrap(), name, addr, kind);
    OutletInfo { place, region: region::of_address(addr), ..bare }
}

/// Local time as the face of 2020 writes it.
pub(crate) fn naive(at: Millis) -> String {
    at.naive(KST_MINUTES)
}
