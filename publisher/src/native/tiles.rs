//! Outlets by map tile: fixed addresses (XYZ, web mercator) that a cache in front can hold, and short rows.

use schemas::Level;
use schemas::registry::{OutletType, Place};
use schemas::snapshot::{OutletView, Snapshot};
use schemas::{ItemId, Millis};
use serde::Serialize;

use super::body::Body;
use super::document;

/// Zooms that have tiles.
pub(crate) const ZOOMS: std::ops::RangeInclusive<u8> = 6..=14;

/// One tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Tile {
    /// Zoom.
    pub(crate) z: u8,
    /// Column from the date line eastwards.
    pub(crate) x: u32,
    /// Row from the north.
    pub(crate) y: u32,
}

impl Tile {
    /// Reads the three parts of a path; none where there is no such tile.
    pub(crate) fn parse(z: &str, x: &str, y: &str) -> Option<Self> {
        let tile = Self { z: z.parse().ok()?, x: x.parse().ok()?, y: y.strip_suffix(".json")?.parse().ok()? };
        let written = format!("{}/{}/{}.json", tile.z, tile.x, tile.y) == format!("{z}/{x}/{y}");
        let side = 1_u32.checked_shl(u32::from(tile.z))?;
        (written && ZOOMS.contains(&tile.z) && tile.x < side && tile.y < side).then_some(tile)
    }

    /// West, south, east and north in degrees.
    pub(crate) fn bounds(self) -> [f64; 4] {
        let (side, x, y) = (f64::from(1_u32 << self.z), f64::from(self.x), f64::from(self.y));
        let lng = |x: f64| x / side * 360.0 - 180.0;
        let lat = |y: f64| (std::f64::consts::PI * (1.0 - 2.0 * y / side)).sinh().atan().to_degrees();
        [lng(x), lat(y + 1.0), lng(x + 1.0), lat(y)]
    }

    /// Whether a place lies in it: the northern and western edges belong to it.
    pub(crate) fn holds(self, place: Place) -> bool {
        let [west, south, east, north] = self.bounds();
        (west..east).contains(&place.lng) && place.lat > south && place.lat <= north
    }

    /// Writes the outlets in it.
    pub(crate) fn write<'a>(
        snapshot: &Snapshot,
        item: &ItemId,
        outlets: impl Iterator<Item = &'a OutletView>,
    ) -> Body {
        let rows = outlets.filter_map(|view| Short::of(view, item)).collect();
        let types = OutletType::ALL.map(OutletType::name);
        document(snapshot, &Rest { item, types, levels: Level::ALL.map(Level::name), outlets: rows })
    }
}

#[derive(Serialize)]
struct Rest<'a> {
    item: &'a ItemId,
    types: [&'static str; 3],
    levels: [&'static str; 6],
    outlets: Vec<Short<'a>>,
}

/// Id, latitude, longitude, type, level, count, seconds since 1970 of the last change, silent.
#[derive(Serialize)]
struct Short<'a>(&'a str, f64, f64, u8, u8, Option<u32>, Option<i64>, u8);

impl<'a> Short<'a> {
    fn of(view: &'a OutletView, item: &ItemId) -> Option<Self> {
        let Place { lat, lng } = view.info.place?;
        let stock = view.item(item.as_str());
        let level = stock.map_or(Level::Unknown, |stock| stock.level);
        let changed = stock.map(|stock| stock.changed).map(|Millis(at)| at.div_euclid(1000));
        let count = stock.and_then(|stock| stock.count);
        // A ten-thousandth of a second of arc is three millimetres.
        let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
        let kind = view.info.kind as u8;
        Some(Self(
            view.info.code.as_str(),
            round(lat),
            round(lng),
            kind,
            level as u8,
            count,
            changed,
            view.silent.into(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seoul_city_hall_lies_in_its_tile_alone() {
        let hall = Place { lat: 37.5663, lng: 126.9779 };
        let tile = Tile::parse("12", "3492", "1586.json").unwrap();
        assert!(tile.holds(hall), "{:?}", tile.bounds());
        for (x, y) in [(3491, 1586), (3493, 1586), (3492, 1585), (3492, 1587)] {
            assert!(!Tile { z: 12, x, y }.holds(hall));
        }
    }

    #[test]
    fn what_is_no_tile_is_none() {
        for (z, x, y) in [
            ("5", "1", "1.json"),
            ("15", "1", "1.json"),
            ("6", "64", "1.json"),
            ("6", "1", "64.json"),
            ("6", "1", "1"),
            ("06", "1", "1.json"),
            ("6", "+1", "1.json"),
            ("6", "-1", "1.json"),
            ("255", "0", "0.json"),
        ] {
            assert_eq!(Tile::parse(z, x, y), None, "{z}/{x}/{y}");
        }
    }
}
