//! Outlets near a place, nearest first, or within a box of degrees. Unlike the face of 2020, a wrong question is told so.

use schemas::registry::Place;
use schemas::snapshot::{OutletView, Snapshot};
use schemas::{ItemId, Level};

use super::body::Body;
use super::document::JSON;
use super::rows::Row;
use super::scope::{LATITUDES, LONGITUDES};
use super::{Native, Params};
use crate::list::push_number;
use crate::place_index::PlaceIndex;
use crate::query::{Circle, MAX_METRES};
use crate::rows::push_json;

/// Radius where none is given, in metres.
const DEFAULT_RADIUS_M: f64 = 1_000.0;
/// Rows where no limit is given.
const DEFAULT_LIMIT: usize = 100;
/// Most rows.
pub(crate) const MAX_LIMIT: usize = 1_000;

/// A question as it was understood.
struct Wanted {
    area: Area,
    limit: usize,
    item: ItemId,
    min_level: Option<Level>,
}

enum Area {
    Circle(Circle),
    Box([f64; 4]),
}

/// Answers a query string.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn answer(
    query: &str,
    native: &Native,
    snapshot: &Snapshot,
    item: &ItemId,
    index: &PlaceIndex,
) -> Result<Body, String> {
    let wanted = Wanted::read(Params(query), item)?;
    let mut found: Vec<(Option<f64>, &OutletView, &Row)> = match &wanted.area {
        Area::Circle(circle) => index
            .within(circle)
            .into_iter()
            .filter_map(|place| native.outlet(place, snapshot))
            .filter_map(|(view, row)| Some((Some(circle.centre.metres_to(view.info.place?)), view, row)))
            .collect(),
        Area::Box(bounds) => index
            .inside(*bounds)
            .into_iter()
            .filter_map(|place| native.outlet(place, snapshot))
            .map(|(view, row)| (None, view, row))
            .collect(),
    };
    found.retain(|(_, view, _)| wanted.takes(view));
    // Among equals the order is that of the registry; the sort is stable.
    found.sort_by(|(a, ..), (b, ..)| a.partial_cmp(b).expect("distances are numbers"));
    let total = found.len();
    found.truncate(wanted.limit);
    let bytes = write(&native.head.text, &found, total);
    Ok(Body::once(JSON, bytes, native.head.hash_of(&[item.as_str(), "?", query].concat())))
}

fn write(head: &[u8], found: &[(Option<f64>, &OutletView, &Row)], total: usize) -> Vec<u8> {
    let rows: usize = found.iter().map(|(.., row)| row.info().len() + row.stock().len() + 32).sum();
    let mut out = Vec::with_capacity(head.len() + rows + 64);
    out.extend_from_slice(head);
    out.extend_from_slice(b",\"total\":");
    push_json(&mut out, &total);
    out.extend_from_slice(b",\"outlets\":[");
    for (n, (metres, _, row)) in found.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        row.push_whole(&mut out);
        if let Some(metres) = metres {
            out.pop();
            out.extend_from_slice(b",\"distance_m\":");
            push_number(&mut out, whole_metres(*metres));
            out.push(b'}');
        }
    }
    out.extend_from_slice(b"]}");
    out
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no circle is wider than some kilometres"
)]
fn whole_metres(metres: f64) -> usize {
    metres.round() as usize
}

impl Wanted {
    fn read(params: Params<'_>, item: &ItemId) -> Result<Self, String> {
        let area = match params.get("bbox") {
            Some(bbox) => Area::Box(read_box(&bbox)?),
            None => Area::Circle(circle(params)?),
        };
        let limit = params.whole("limit", 1..=1_000_000_000)?.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let item = match params.get("item") {
            None => item.clone(),
            Some(name) => ItemId::new(&name).map_err(|_| format!("item: {name:?} is no name of an item"))?,
        };
        let level =
            |name: &str| Level::ALL.into_iter().find(|level| level.name() == name && *level <= Level::Empty);
        let min_level = match params.get("min_level") {
            None => None,
            Some(name) => Some(level(&name).ok_or("min_level: one of plenty, some, few and empty")?),
        };
        Ok(Self { area, limit, item, min_level })
    }

    fn takes(&self, view: &OutletView) -> bool {
        let level = || view.item(self.item.as_str()).map_or(Level::Unknown, |item| item.level);
        self.min_level.is_none_or(|least| level() <= least)
    }
}

fn circle(params: Params<'_>) -> Result<Circle, String> {
    let required = |name, range| {
        params.number(name, range)?.ok_or_else(|| format!("{name}: missing; give lat and lng, or bbox"))
    };
    let (lat, lng) = (required("lat", LATITUDES)?, required("lng", LONGITUDES)?);
    let metres = params.number("radius_m", 0.0..=MAX_METRES)?.unwrap_or(DEFAULT_RADIUS_M);
    Ok(Circle { centre: Place { lat, lng }, metres })
}

fn read_box(text: &str) -> Result<[f64; 4], String> {
    let wrong = || "bbox: west,south,east,north in degrees".to_owned();
    let numbers: Vec<f64> =
        text.split(',').map(|part| part.trim().parse().map_err(|_| wrong())).collect::<Result<_, _>>()?;
    let [west, south, east, north] = <[f64; 4]>::try_from(numbers).map_err(|_| wrong())?;
    // Beyond the poles, or with its sides the wrong way round, a box holds nothing.
    let known = [west, south, east, north].iter().all(|side| LONGITUDES.contains(side));
    if known { Ok([west, south.max(-90.0), east, north.min(90.0)]) } else { Err(wrong()) }
}
