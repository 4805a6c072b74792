//! Outlets at one point: several shops of one building or market share their exact coordinates.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use schemas::registry::OutletInfo;
use schemas::registry::RegionCode;

use super::scaled;

/// Sizes of the groups in the list of 2020-03-15, and how many of each there were: 1,965 rows in 821 groups, in which
/// the largest holds 15.
const GROUPS: [(usize, f64); 8] =
    [(15, 1.0), (8, 2.0), (7, 1.0), (6, 11.0), (5, 12.0), (4, 39.0), (3, 135.0), (2, 620.0)];

/// Moves rows of the same district together, in groups of the real sizes.
pub(super) fn share_places(rows: &mut [OutletInfo], rng: &mut StdRng) {
    let mut free = placed_by_district(rows, rng);
    for (size, listed) in GROUPS {
        for _ in 0..scaled(listed, rows.len()) {
            let Some(group) = take(&mut free, size) else { return };
            let place = rows[group[0]].place;
            for at in group {
                rows[at].place = place;
            }
        }
    }
}

/// The next district that still has enough rows, from the front of the line; it goes to the back.
fn take(free: &mut Vec<Vec<usize>>, size: usize) -> Option<Vec<usize>> {
    let chosen = free.iter().position(|rows| rows.len() >= size)?;
    let mut rows = free.remove(chosen);
    let group = rows.split_off(rows.len() - size);
    free.push(rows);
    Some(group)
}

/// Rows with coordinates, by district; districts and rows in random order.
fn placed_by_district(rows: &[OutletInfo], rng: &mut StdRng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].place.is_some()).collect();
    order.shuffle(rng);
    let mut districts: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<Option<RegionCode>, usize> = HashMap::new();
    for at in order {
        let district = *known.entry(rows[at].region).or_insert_with(|| {
            districts.push(Vec::new());
            districts.len() - 1
        });
        districts[district].push(at);
    }
    districts
}
