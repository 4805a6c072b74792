//! Which outlets lie within a circle: an R-tree picks candidates, the great circle decides.

use rstar::primitives::GeomWithData;
use rstar::{AABB, RTree};
use schemas::registry::Place;
use schemas::snapshot::Snapshot;

use crate::query::Circle;

/// Metres of one degree of latitude on the sphere that [`Place::metres_to`] measures on.
const METRES_PER_DEGREE: f64 = 6_371_008.8 * std::f64::consts::PI / 180.0;
/// How much wider than the circle the box around it is, so that rounding loses no candidate.
const SLACK: f64 = 1.000_001;

type Point = GeomWithData<[f64; 2], u32>;

/// The places of all outlets that have one.
#[derive(Default)]
pub(crate) struct PlaceIndex {
    tree: RTree<Point>,
}

impl PlaceIndex {
    /// Indexes the outlets of a version that have coordinates.
    pub(crate) fn build(snapshot: &Snapshot) -> Self {
        let points = (0..).zip(&snapshot.outlets).filter_map(|(index, view)| {
            let place = view.as_ref()?.info.place?;
            Some(Point::new([place.lng, place.lat], index))
        });
        Self { tree: RTree::bulk_load(points.collect()) }
    }

    /// Indexes of the outlets within the circle, its edge included, in ascending order.
    pub(crate) fn within(&self, circle: &Circle) -> Vec<u32> {
        let found = self.tree.locate_in_envelope(&around(circle)).filter(|point| {
            let [lng, lat] = *point.geom();
            circle.centre.metres_to(Place { lat, lng }) <= circle.metres
        });
        let mut found: Vec<u32> = found.map(|point| point.data).collect();
        found.sort_unstable();
        found
    }
}

/// The smallest box of degrees around a circle, and a little more.
fn around(circle: &Circle) -> AABB<[f64; 2]> {
    let Place { lat, lng } = circle.centre;
    let high = circle.metres / METRES_PER_DEGREE * SLACK + 1e-9;
    // A circle is widest a little poleward of its centre, where the sine rule of the sphere puts it.
    let wide = (high.to_radians().sin() / lat.to_radians().cos()).asin().to_degrees() * SLACK;
    AABB::from_corners([lng - wide, lat - high], [lng + wide, lat + high])
}
