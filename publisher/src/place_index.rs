//! Which outlets lie within a circle: an R-tree picks candidates, the great circle decides.

use rstar::primitives::GeomWithData;
use rstar::{AABB, RTree};
use schemas::registry::Place;
use schemas::snapshot::Snapshot;

use crate::query::Circle;

/// Radius in metres of the sphere that [`Place::metres_to`] measures on.
const EARTH_RADIUS_M: f64 = 6_371_008.8;
/// How much wider than the circle the box around it is, so that rounding loses no candidate.
const SLACK: f64 = 1.000_001;
/// Straight distances, far cheaper than great circles, are right to less than this, in metres.
const STRAIGHT_ERROR_M: f64 = 0.001;

type Spot = GeomWithData<[f64; 2], Outlet>;

struct Outlet {
    index: u32,
    /// Where it is in space, in metres from the centre of the Earth.
    space: [f64; 3],
}

/// The places of all outlets that have one.
#[derive(Default)]
pub(crate) struct PlaceIndex {
    tree: RTree<Spot>,
}

impl PlaceIndex {
    /// Indexes the outlets of a version that have coordinates.
    pub(crate) fn build(snapshot: &Snapshot) -> Self {
        let spots = (0..).zip(&snapshot.outlets).filter_map(|(index, view)| {
            let place = view.as_ref()?.info.place?;
            Some(Spot::new([place.lng, place.lat], Outlet { index, space: in_space(place) }))
        });
        Self { tree: RTree::bulk_load(spots.collect()) }
    }

    /// Indexes of the outlets from west to east and from south to north, all edges included, in ascending order.
    pub(crate) fn inside(&self, [west, south, east, north]: [f64; 4]) -> Vec<u32> {
        if west > east || south > north {
            return Vec::new();
        }
        let found = self.tree.locate_in_envelope(&AABB::from_corners([west, south], [east, north]));
        let mut found: Vec<u32> = found.map(|spot| spot.data.index).collect();
        found.sort_unstable();
        found
    }

    /// Indexes of the outlets within the circle, its edge included, in ascending order.
    pub(crate) fn within(&self, circle: &Circle) -> Vec<u32> {
        let mut found = Vec::with_capacity(128);
        let centre = in_space(circle.centre);
        let straight = 2.0 * EARTH_RADIUS_M * (circle.metres / (2.0 * EARTH_RADIUS_M)).sin();
        for spot in self.tree.locate_in_envelope(&around(circle)) {
            let beyond = apart(centre, spot.data.space) - straight;
            if beyond < -STRAIGHT_ERROR_M || (beyond < STRAIGHT_ERROR_M && encloses(circle, spot)) {
                found.push(spot.data.index);
            }
        }
        found.sort_unstable();
        found
    }
}

fn encloses(circle: &Circle, spot: &Spot) -> bool {
    let [lng, lat] = *spot.geom();
    circle.centre.metres_to(Place { lat, lng }) <= circle.metres
}

/// The smallest box of degrees around a circle, and a little more.
fn around(circle: &Circle) -> AABB<[f64; 2]> {
    let Place { lat, lng } = circle.centre;
    let high = circle.metres / EARTH_RADIUS_M * SLACK + 1e-11;
    // A circle is widest a little poleward of its centre, where the sine rule of the sphere puts it.
    let wide = (high.sin() / lat.to_radians().cos()).asin() * SLACK;
    let (high, wide) = (high.to_degrees(), wide.to_degrees());
    AABB::from_corners([lng - wide, lat - high], [lng + wide, lat + high])
}

fn in_space(place: Place) -> [f64; 3] {
    let (lat, lng) = (place.lat.to_radians(), place.lng.to_radians());
    [lat.cos() * lng.cos(), lat.cos() * lng.sin(), lat.sin()].map(|part| part * EARTH_RADIUS_M)
}

fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
    let square = |n: usize| (a[n] - b[n]) * (a[n] - b[n]);
    (square(0) + square(1) + square(2)).sqrt()
}
