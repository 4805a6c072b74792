//! A synthetic registry with the real distribution of the list of 2020-03-15: types, districts, shared and missing
//! coordinates, and the ways in which addresses were written. The same seed and size give the same rows.
//!
//! Shares were counted on that list (25,439 rows); districts weigh as their pharmacies of mid-2020.

mod address;
mod crowding;
mod names;

use std::collections::HashSet;
use std::io::{Read, Write};

use anyhow::{Context, Result};
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use schemas::OutletCode;
use schemas::region::{self, Region};
use schemas::registry::{OutletInfo, OutletType, Place};

/// Rows of the list that the shares were counted on.
const LISTED: f64 = 25_439.0;
const POST_OFFICES: f64 = 1_366.0;
const MARTS: f64 = 1_797.0;

/// Makes a registry of `outlets` rows, in no order of code or district, as the real list was.
#[must_use]
pub fn synthetic(outlets: usize, seed: u64) -> Vec<OutletInfo> {
    let mut rng = StdRng::seed_from_u64(seed);
    let districts = Districts::new();
    let mut codes = Codes::default();
    let mut kinds = kinds(outlets);
    kinds.shuffle(&mut rng);
    let mut rows: Vec<OutletInfo> =
        kinds.into_iter().map(|kind| row(kind, &districts, &mut codes, &mut rng)).collect();
    names::most_common(&mut rows, &mut rng);
    crowding::share_places(&mut rows, &mut rng);
    rows
}

/// The types in their real proportion, to the nearest row.
fn kinds(outlets: usize) -> Vec<OutletType> {
    let post_offices = scaled(POST_OFFICES, outlets);
    let marts = scaled(MARTS, outlets);
    let mut kinds = vec![OutletType::Pharmacy; outlets.saturating_sub(post_offices + marts)];
    kinds.extend(std::iter::repeat_n(OutletType::PostOffice, post_offices));
    kinds.extend(std::iter::repeat_n(OutletType::Mart, marts));
    kinds
}

/// A number counted on the list, for a registry of this size.
fn scaled(listed: f64, outlets: usize) -> usize {
    (listed * outlets as f64 / LISTED).round() as usize
}

fn row(kind: OutletType, districts: &Districts, codes: &mut Codes, rng: &mut StdRng) -> OutletInfo {
    let region = districts.pick(kind, rng);
    let quarter = address::quarter(region, rng);
    let code = codes.fresh(kind, region, rng);
    let name = names::compose(kind, &quarter, rng);
    let addr = address::written(kind, region, &quarter, rng);
    let place = place(kind, region, rng);
    OutletInfo { place, region: Some(region.code), ..OutletInfo::bare(code, name, addr, kind) }
}

/// Districts by weight: pharmacies where people are, post offices and marts in the country.
struct Districts {
    regions: Vec<&'static Region>,
    urban: WeightedIndex<f64>,
    rural: WeightedIndex<f64>,
}

impl Districts {
    fn new() -> Self {
        let regions: Vec<_> = region::all().iter().filter(|region| region.pharmacies > 0).collect();
        let weights = |weight: fn(&Region) -> f64| {
            WeightedIndex::new(regions.iter().map(|region| weight(region)))
                .expect("the table has districts, all of positive weight")
        };
        let urban = weights(|region| f64::from(region.pharmacies));
        let rural = weights(rural_weight);
        Self { regions, urban, rural }
    }

    fn pick(&self, kind: OutletType, rng: &mut StdRng) -> &'static Region {
        let weights = if kind == OutletType::Pharmacy { &self.urban } else { &self.rural };
        self.regions[weights.sample(rng)]
    }
}

/// A 군 has some fourteen post offices and marts in the scheme, a city of a province some nine, a 구 hardly any.
fn rural_weight(region: &Region) -> f64 {
    match region.sigungu.chars().next_back() {
        Some('군') => 14.0,
        Some('시') => 9.0,
        _ => 1.5,
    }
}

/// Codes as the list had them: 8 digits for pharmacies, the first by province; 10 for the others, never twice.
#[derive(Default)]
struct Codes(HashSet<String>);

impl Codes {
    fn fresh(&mut self, kind: OutletType, region: &Region, rng: &mut StdRng) -> OutletCode {
        loop {
            let code = match kind {
                OutletType::Pharmacy => {
                    format!("{}{:07}", Self::first_digit(region, rng), rng.random_range(0..10_000_000))
                }
                OutletType::PostOffice => {
                    format!("{}83{:05}", rng.random_range(100..700), rng.random_range(0..100_000))
                }
                OutletType::Mart => {
                    format!("{}82{:05}", rng.random_range(100..700), rng.random_range(0..100_000))
                }
            };
            if self.0.insert(code.clone()) {
                return OutletCode::new(&code).expect("digits are a valid code");
            }
        }
    }

    /// 서울 1, 부산 2, elsewhere 3 or, for 2,897 of 15,728, 4.
    fn first_digit(region: &Region, rng: &mut StdRng) -> u8 {
        match region.sido {
            "서울특별시" => 1,
            "부산광역시" => 2,
            _ if rng.random_bool(0.184) => 4,
            _ => 3,
        }
    }
}

/// Somewhere about the middle of the district's pharmacies, or nowhere: 242 of 22,276 pharmacies, 14 of 1,366 post offices
/// and 155 of 1,797 marts had no coordinates.
fn place(kind: OutletType, region: &Region, rng: &mut StdRng) -> Option<Place> {
    let missing = match kind {
        OutletType::Pharmacy => 242.0 / 22_276.0,
        OutletType::PostOffice => 14.0 / POST_OFFICES,
        OutletType::Mart => 155.0 / MARTS,
    };
    if rng.random_bool(missing) {
        return None;
    }
    let spread_km = match region.sigungu.chars().next_back() {
        Some('구') => 1.5,
        Some('시') => 3.0,
        _ => 5.0,
    };
    let (north_km, east_km) = (normal(rng) * spread_km, normal(rng) * spread_km);
    let lat = (region.place.lat + north_km / 111.195).clamp(33.0, 38.69);
    let lng = (region.place.lng + east_km / (111.195 * lat.to_radians().cos())).clamp(124.5, 131.99);
    Some(Place { lat: seven_decimals(lat), lng: seven_decimals(lng) })
}

/// A draw from the normal distribution (Box and Muller's form), cut at three deviations so that no shop stands far out at sea.
fn normal(rng: &mut StdRng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    (radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()).clamp(-3.0, 3.0)
}

fn seven_decimals(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

/// Writes rows as the list of stores was written: `addr,code,latitude,longitude,name,type`.
///
/// # Errors
/// When the writer fails.
pub fn write_csv(rows: &[OutletInfo], to: impl Write) -> Result<()> {
    let mut csv = csv::Writer::from_writer(to);
    csv.write_record(["addr", "code", "latitude", "longitude", "name", "type"])?;
    for row in rows {
        let (lat, lng) =
            row.place.map_or_else(Default::default, |at| (at.lat.to_string(), at.lng.to_string()));
        csv.write_record([&row.addr, row.code.as_str(), &lat, &lng, &row.name, row.kind.code()])?;
    }
    csv.flush().context("writing the last rows")
}

/// Reads what [`write_csv`] writes, and the real lists of 2020, which have the same columns.
///
/// # Errors
/// When a row is no row of such a list; says which.
pub fn read_csv(from: impl Read) -> Result<Vec<OutletInfo>> {
    let mut csv = csv::Reader::from_reader(from);
    let rows = csv.deserialize::<ListedRow>().enumerate();
    rows.map(|(at, row)| {
        row.map_err(Into::into).and_then(OutletInfo::try_from).with_context(|| format!("row {}", at + 1))
    })
    .collect()
}

#[derive(serde::Deserialize)]
struct ListedRow {
    addr: String,
    code: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

impl TryFrom<ListedRow> for OutletInfo {
    type Error = anyhow::Error;

    fn try_from(row: ListedRow) -> Result<Self> {
        let kind = OutletType::from_code(&row.kind).with_context(|| format!("{:?} is no type", row.kind))?;
        let place = row.latitude.zip(row.longitude).map(|(lat, lng)| Place { lat, lng });
        Ok(Self { place, ..Self::bare(OutletCode::new(&row.code)?, row.name, row.addr, kind) })
    }
}
