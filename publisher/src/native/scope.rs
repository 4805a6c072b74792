//! Which part of the country a file is about, and which outlets lie in it.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use schemas::OutletCode;
use schemas::region::{self, Region};
use schemas::registry::{Place, RegionCode};
use schemas::snapshot::Snapshot;

/// A part of the country.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// All of it, and outlets whose district is not known.
    Country,
    /// A province (시도): the first two digits of the codes of its districts.
    Province(u8),
    /// A district (시군구), by its five digits. A city that is divided holds the outlets of its parts.
    District(u32),
}

impl Scope {
    /// Reads `11` or `11680`; none where there is no such region.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        let number: u32 = code.bytes().all(|b| b.is_ascii_digit()).then(|| code.parse().ok())??;
        match code.len() {
            2 => u8::try_from(number).ok().map(Self::Province).filter(|scope| scope.names().is_some()),
            5 => region::by_code(RegionCode(number)).map(|_| Self::District(number)),
            _ => None,
        }
    }

    /// Whether outlets of this district belong to it.
    pub(crate) fn holds(self, district: Option<RegionCode>) -> bool {
        match (self, district) {
            (Self::Country, _) => true,
            (_, None) => false,
            (Self::Province(province), Some(code)) => u32::from(province) == code.0 / 1_000,
            (Self::District(own), Some(code)) => own == code.0 || is_part_of(own, code),
        }
    }

    /// Its code; none for the country.
    pub(crate) fn code(self) -> Option<String> {
        match self {
            Self::Country => None,
            Self::Province(province) => Some(format!("{province:02}")),
            Self::District(district) => Some(format!("{district:05}")),
        }
    }

    /// Province and district in words; the province alone where it is one.
    pub(crate) fn names(self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Country => None,
            Self::Province(province) => {
                let found = region::all().iter().find(|region| region.code.0 / 1_000 == u32::from(province));
                found.map(|region| (region.sido, None))
            }
            Self::District(district) => {
                region::by_code(RegionCode(district)).map(|region| (region.sido, Some(region.sigungu)))
            }
        }
    }

    /// Where its files are: `/v1` or `/v1/regions/11680`.
    pub(crate) fn base(self) -> String {
        self.code().map_or_else(|| "/v1".to_owned(), |code| format!("/v1/regions/{code}"))
    }

    /// The country, its provinces and districts.
    pub(crate) fn all() -> Vec<Self> {
        let districts = region::all().iter().map(|region| region.code.0);
        let provinces: std::collections::BTreeSet<u32> = districts.clone().map(|code| code / 1_000).collect();
        let provinces =
            provinces.into_iter().map(|code| Self::Province(u8::try_from(code).expect("two digits")));
        std::iter::once(Self::Country).chain(provinces).chain(districts.map(Self::District)).collect()
    }
}

fn is_part_of(city: u32, part: RegionCode) -> bool {
    let [city, part] = [RegionCode(city), part].map(region::by_code);
    city.zip(part).is_some_and(|(city, part)| Region::covers(city, part))
}

/// Who lies where, as far as the registry alone says.
#[derive(Default)]
pub(crate) struct Members {
    by_scope: HashMap<Scope, Vec<u32>>,
    by_code: HashMap<OutletCode, u32>,
    /// By what other registers call them; none where two outlets are called so.
    by_external: HashMap<OutletCode, Option<u32>>,
}

/// Who an id means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// The outlet at this place: it is its own code.
    Own(u32),
    /// The outlet at this place: another register calls it so.
    Other(u32),
    /// Several are called so.
    Several,
    /// Nobody.
    Nobody,
}

impl Members {
    /// Sorts the outlets of a version into all parts.
    pub(crate) fn build(snapshot: &Snapshot) -> Self {
        let mut districts: BTreeMap<RegionCode, Vec<u32>> = BTreeMap::new();
        let mut members = Self::default();
        for (place, view) in (0..).zip(&snapshot.outlets) {
            let Some(view) = view else { continue };
            members.by_code.insert(view.info.code.clone(), place);
            for other in view.info.external_ids.iter().flat_map(|ids| ids.iter()) {
                let entry = members.by_external.entry(other.clone()).or_insert(Some(place));
                *entry = entry.filter(|known| *known == place);
            }
            members.by_scope.entry(Scope::Country).or_default().push(place);
            if let Some(region) = view.info.region {
                districts.entry(region).or_default().push(place);
            }
        }
        for scope in Scope::all().into_iter().skip(1) {
            let within = districts.iter().filter(|(district, _)| scope.holds(Some(**district)));
            let mut places: Vec<u32> = within.flat_map(|(_, places)| places).copied().collect();
            places.sort_unstable();
            members.by_scope.insert(scope, places);
        }
        members
    }

    /// The outlets of a part, in the order of the registry.
    pub(crate) fn of(&self, scope: Scope) -> &[u32] {
        self.by_scope.get(&scope).map_or(&[], Vec::as_slice)
    }

    /// Whom an id means: whose own code it is before who is called so elsewhere.
    pub(crate) fn named(&self, id: &str) -> Named {
        match (self.place(id), self.by_external.get(id)) {
            (Some(place), _) => Named::Own(place),
            (None, Some(Some(place))) => Named::Other(*place),
            (None, Some(None)) => Named::Several,
            (None, None) => Named::Nobody,
        }
    }

    /// The place of an outlet.
    pub(crate) fn place(&self, code: &str) -> Option<u32> {
        self.by_code.get(code).copied()
    }
}

/// West, south, east and north of what is given; none where nothing is.
pub(crate) fn bounds(places: impl Iterator<Item = Place>) -> Option<[f64; 4]> {
    places.fold(None, |bounds, Place { lat, lng }| {
        let [west, south, east, north] = bounds.unwrap_or([lng, lat, lng, lat]);
        Some([west.min(lng), south.min(lat), east.max(lng), north.max(lat)])
    })
}

/// Latitudes and longitudes inside which a question is taken seriously.
pub(crate) const LATITUDES: RangeInclusive<f64> = -90.0..=90.0;
/// See [`LATITUDES`].
pub(crate) const LONGITUDES: RangeInclusive<f64> = -180.0..=180.0;
