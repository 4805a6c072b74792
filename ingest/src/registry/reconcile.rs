//! What the replacement of one registry by another would change, outlet by outlet.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use schemas::OutletCode;
use schemas::registry::{OutletInfo, OutletType, Place, RegionCode};
use serde::Serialize;

/// A move beyond this is listed, in metres.
const FAR_M: f64 = 1_000.0;
/// A move beyond this is hardly the same shop any more, in metres.
const VERY_FAR_M: f64 = 50_000.0;

/// The differences between two registries; lists in order of code, moves farthest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Reconciliation {
    /// Outlets of the old registry.
    pub old: usize,
    /// Outlets of the new one.
    pub new: usize,
    /// Outlets of both.
    pub in_both: usize,
    /// Outlets that only the new one has.
    pub added: Vec<OutletInfo>,
    /// Outlets that only the old one has: they would vanish.
    pub removed: Vec<OutletInfo>,
    /// Outlets more than 1 km away from where they were.
    pub moved: Vec<Moved>,
    /// Those of `moved` that are more than 50 km away.
    pub moved_over_50_km: usize,
    /// Outlets with another position, however near.
    pub position_changed: usize,
    /// Outlets that had no position and get one.
    pub position_found: usize,
    /// Outlets that had a position and lose it.
    pub position_lost: usize,
    /// Outlets with another name.
    pub renamed: Vec<Changed<String>>,
    /// Outlets of another type.
    pub retyped: Vec<Changed<OutletType>>,
    /// Outlets with another address text.
    pub address_changed: usize,
    /// Outlets that are understood to lie in another district.
    pub region_changed: Vec<Changed<Option<RegionCode>>>,
}

/// An outlet that moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// The outlet.
    pub code: OutletCode,
    /// Its new name.
    pub name: String,
    /// Great-circle distance, metres.
    pub metres: f64,
    /// Where it was.
    pub from: Place,
    /// Where it is now.
    pub to: Place,
}

/// An outlet of which one property changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changed<T> {
    /// The outlet.
    pub code: OutletCode,
    /// Its new name.
    pub name: String,
    /// What it was.
    pub from: T,
    /// What it is now.
    pub to: T,
}

/// Compares two registries by outlet code. Of a code that one of them holds twice the last counts.
#[must_use]
pub fn reconcile(old: &[OutletInfo], new: &[OutletInfo]) -> Reconciliation {
    let (before, after) = (by_code(old), by_code(new));
    let mut result = Reconciliation { old: before.len(), new: after.len(), ..Reconciliation::default() };
    result.removed =
        before.values().filter(|row| !after.contains_key(&row.code)).map(|&row| row.clone()).collect();
    for &row in after.values() {
        match before.get(&row.code) {
            None => result.added.push(row.clone()),
            Some(was) => result.compare(was, row),
        }
    }
    result.sort();
    result
}

fn by_code(rows: &[OutletInfo]) -> HashMap<&OutletCode, &OutletInfo, FixedState> {
    rows.iter().map(|row| (&row.code, row)).collect()
}

impl Reconciliation {
    /// How many outlets would vanish.
    #[must_use]
    pub fn loss(&self) -> usize {
        self.removed.len()
    }

    fn compare(&mut self, was: &OutletInfo, is: &OutletInfo) {
        self.in_both += 1;
        self.address_changed += usize::from(was.addr != is.addr);
        if was.name != is.name {
            self.renamed.push(changed(is, was.name.clone(), is.name.clone()));
        }
        if was.kind != is.kind {
            self.retyped.push(changed(is, was.kind, is.kind));
        }
        if was.region != is.region {
            self.region_changed.push(changed(is, was.region, is.region));
        }
        self.compare_places(was, is);
    }

    fn compare_places(&mut self, was: &OutletInfo, is: &OutletInfo) {
        let (from, to) = match (was.place, is.place) {
            (Some(from), Some(to)) if from != to => (from, to),
            (None, Some(_)) => return self.position_found += 1,
            (Some(_), None) => return self.position_lost += 1,
            _ => return,
        };
        self.position_changed += 1;
        let metres = from.metres_to(to);
        if metres > FAR_M {
            self.moved_over_50_km += usize::from(metres > VERY_FAR_M);
            self.moved.push(Moved { code: is.code.clone(), name: is.name.clone(), metres, from, to });
        }
    }

    fn sort(&mut self) {
        self.added.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        self.removed.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        self.moved.sort_unstable_by(|a, b| b.metres.total_cmp(&a.metres).then_with(|| a.code.cmp(&b.code)));
        self.renamed.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        self.retyped.sort_unstable_by(|a, b| a.code.cmp(&b.code));
        self.region_changed.sort_unstable_by(|a, b| a.code.cmp(&b.code));
    }
}

fn changed<T>(row: &OutletInfo, from: T, to: T) -> Changed<T> {
    Changed { code: row.code.clone(), name: row.name.clone(), from, to }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlet(code: &str, name: &str, place: Option<(f64, f64)>) -> OutletInfo {
        let code = OutletCode::new(code).unwrap();
        OutletInfo {
            place: place.map(|(lat, lng)| Place { lat, lng }),
            region: Some(RegionCode(11_680)),
            ..OutletInfo::bare(code, name, "서울특별시 강남구", OutletType::Pharmacy)
        }
    }

    #[test]
    fn each_kind_of_change_is_counted_once() {
        let old = [
            outlet("1", "가", Some((37.5, 127.0))),
            outlet("2", "나", Some((37.5, 127.0))),
            outlet("3", "다", None),
            outlet("4", "라", Some((37.5, 127.0))),
        ];
        let new = [
            outlet("1", "가", Some((37.501, 127.0))),
            OutletInfo { kind: OutletType::Mart, region: None, ..outlet("2", "너", Some((35.1, 129.0))) },
            outlet("3", "다", Some((37.5, 127.0))),
            outlet("5", "마", None),
        ];
        let found = reconcile(&old, &new);
        assert_eq!((found.old, found.new, found.in_both), (4, 4, 3));
        assert_eq!((found.added.len(), found.loss()), (1, 1));
        assert_eq!((found.moved.len(), found.moved_over_50_km, found.position_changed), (1, 1, 2));
        assert_eq!((found.position_found, found.position_lost), (1, 0));
        assert_eq!((found.renamed.len(), found.retyped.len(), found.region_changed.len()), (1, 1, 1));
        assert_eq!((found.retyped[0].from, found.retyped[0].to), (OutletType::Pharmacy, OutletType::Mart));
    }

    #[test]
    fn the_same_list_changes_nothing() {
        let rows = [outlet("1", "가", Some((37.5, 127.0))), outlet("3", "다", None)];
        let expected = Reconciliation { old: 2, new: 2, in_both: 2, ..Reconciliation::default() };
        assert_eq!(reconcile(&rows, &rows), expected);
    }
}
