//! Those who read the open API: each class asks what it asks at places where outlets are, as people live.

use std::fmt::Write as _;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use schemas::region;
use schemas::registry::{OutletInfo, Place};

use super::generator::{Answer, Caller, Next, Request};
use super::scenario::{Does, Load};
use super::wire;

/// Different requests of a class.
const VARIANTS: usize = 2_048;
/// Rows of a page of the face of 2020.
const PER_PAGE: usize = 500;
/// Why a reader is turned away for now.
const OVER_RATE: &str = "over_rate";
/// Zoom of the tile that a home is on: about 8 km.
const ZOOM: u32 = 12;

/// Readers of all classes.
pub(crate) struct Readers {
    /// By class: the bytes of its requests; none of a class that is no reader's.
    scripts: Vec<Vec<Vec<u8>>>,
    rng: StdRng,
    /// Answers that were no document.
    pub(crate) wrong: u64,
}

impl Readers {
    /// Readers of these loads, at the places of these outlets.
    pub(crate) fn new(loads: &[Load], outlets: &[OutletInfo], seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let homes: Vec<Place> = outlets.iter().filter_map(|outlet| outlet.place).collect();
        let mut script = |does: Does| -> Vec<Vec<u8>> {
            let variants = if does.is_till() { 0 } else { VARIANTS };
            (0..variants)
                .map(|_| {
                    let mut request = Vec::new();
                    wire::get(&mut request, &path(does, &homes, outlets.len(), &mut rng));
                    request
                })
                .collect()
        };
        let scripts = loads.iter().map(|load| script(load.does)).collect();
        Self { scripts, rng, wrong: 0 }
    }
}

/// What a reader asks for.
fn path(does: Does, homes: &[Place], outlets: usize, rng: &mut StdRng) -> String {
    let Place { lat, lng } = home(homes, rng);
    let page = 1 + rng.random_range(0..outlets.div_ceil(PER_PAGE).max(1));
    match does {
        Does::Area => format!("/corona19-masks/v1/storesByAddr/json?address={}", district(rng)),
        Does::Sellers => format!("/corona19-masks/v1/stores/json?page={page}&perPage={PER_PAGE}"),
        Does::StockList => format!("/corona19-masks/v1/sales/json?page={page}&perPage={PER_PAGE}"),
        Does::Near => format!("/corona19-masks/v1/storesByGeo/json?lat={lat:.5}&lng={lng:.5}&m=1000"),
        Does::Nearby => format!("/v1/nearby?lat={lat:.5}&lng={lng:.5}&radius_m=1500&limit=10"),
        Does::Poll => {
            let (x, y) = tile(Place { lat, lng });
            format!("/v1/tiles/{ZOOM}/{x}/{y}.json")
        }
        _ => "/v1/status.json".to_owned(),
    }
}

/// Somewhere within a few hundred metres of an outlet.
fn home(homes: &[Place], rng: &mut StdRng) -> Place {
    let centre = Place { lat: 37.5663, lng: 126.9779 };
    let near = if homes.is_empty() { centre } else { homes[rng.random_range(0..homes.len())] };
    let mut off = || rng.random_range(-0.004..0.004);
    Place { lat: near.lat + off(), lng: near.lng + off() }
}

/// A district, each as often as it has pharmacies, as it is written in a URL.
fn district(rng: &mut StdRng) -> String {
    let all: u32 = region::all().iter().map(|region| region.pharmacies).sum();
    let mut left = rng.random_range(0..all.max(1));
    let found = region::all().iter().find(|region| {
        let here = left < region.pharmacies;
        left = left.saturating_sub(region.pharmacies);
        here
    });
    let region = found.unwrap_or(&region::all()[0]);
    let text = format!("{} {}", region.sido, region.sigungu);
    text.trim().bytes().fold(String::new(), |mut all, byte| {
        write!(all, "%{byte:02X}").expect("text takes all text");
        all
    })
}

/// The tile of a place (web mercator).
fn tile(at: Place) -> (u32, u32) {
    let across = f64::from(1_u32 << ZOOM);
    let latitude = at.lat.to_radians();
    let x = (at.lng + 180.0) / 360.0 * across;
    let y = (1.0 - latitude.tan().asinh() / std::f64::consts::PI) / 2.0 * across;
    (x as u32, y as u32)
}

impl Caller for Readers {
    fn arrive(&mut self, class: usize, intended: Duration, asks: &mut Vec<Request>) {
        let variant = self.rng.random_range(0..self.scripts[class].len());
        let what = (class as u64) << 32 | variant as u64;
        asks.push(Request { class: Some(class), pool: 0, what, intended, tries: 0 });
    }

    fn write(&mut self, request: &Request, _: &str, _: u64, out: &mut Vec<u8>) {
        let (class, variant) = (request.what >> 32, request.what & 0xffff_ffff);
        out.extend_from_slice(&self.scripts[class as usize][variant as usize]);
    }

    fn answered(&mut self, _: &Request, answer: &Answer<'_>, _: &mut Vec<Request>) -> Next {
        let whole = answer.body.first() == Some(&b'{') && answer.body.trim_ascii_end().last() == Some(&b'}');
        match answer.status {
            200 if whole => Next::Good,
            200 => {
                self.wrong += 1;
                Next::Failed
            }
            429 => Next::TurnedAway(OVER_RATE),
            _ => Next::Failed,
        }
    }

    fn unanswered(&mut self, _: &Request) -> Next {
        Next::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::rehearse::catalog;

    #[test]
    fn readers_ask_where_outlets_are() {
        let scenario = catalog::find("mask-2020-03-11").unwrap();
        let readers = Readers::new(&scenario.loads, &registry::synthetic(1_000, 1), 1);
        for (load, script) in scenario.loads.iter().zip(&readers.scripts) {
            assert_eq!(script.is_empty(), load.does.is_till(), "{}", load.class);
        }
        let seoul = Place { lat: 37.5663, lng: 126.9779 };
        assert_eq!(tile(seoul), (3492, 1586));
        assert!(district(&mut StdRng::seed_from_u64(1)).starts_with("%E"));
    }
}
