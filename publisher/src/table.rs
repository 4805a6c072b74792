//! The rows of all outlets at one version, and what differs from the version before: only that is rendered again.

use std::sync::Arc;

use schemas::registry::OutletInfo;
use schemas::snapshot::{OutletView, Snapshot};

use crate::Face;
use crate::rows::Row;

/// Rows by place, in the order of [`Snapshot::outlets`].
pub(crate) struct Table {
    rows: Vec<Option<Row>>,
}

/// What differs from the version before.
pub(crate) struct Changes {
    /// Who is registered, in what order and what is said of them; or there is nothing before to compare with.
    pub(crate) registry: bool,
    /// By place: whether the row of `/sales` is another.
    pub(crate) sales: Vec<bool>,
}

impl Table {
    /// Renders the rows whose outlet is not the same `Arc` at the same place as before.
    pub(crate) fn render(
        before: Option<(&Self, &Snapshot)>,
        snapshot: &Snapshot,
        face: &Face,
    ) -> (Self, Changes) {
        let outlets = &snapshot.outlets;
        let mut scratch = Vec::with_capacity(1024);
        let mut changes = Changes {
            registry: before.is_none_or(|(_, old)| old.outlets.len() != outlets.len()),
            sales: vec![false; outlets.len()],
        };
        let mut rows = Vec::with_capacity(outlets.len());
        for (place, view) in outlets.iter().enumerate() {
            let old_row = before.and_then(|(table, _)| table.row(place));
            let old_view = before.and_then(|(_, old)| old.outlets.get(place)).and_then(Option::as_ref);
            let row = match (view, old_view, old_row) {
                (Some(view), Some(old_view), Some(row)) if Arc::ptr_eq(view, old_view) => Some(row.clone()),
                (Some(view), ..) => {
                    Some(Row::render(view, &face.item, snapshot.rules.offset_minutes, &mut scratch))
                }
                (None, ..) => None,
            };
            changes.registry |= !same_info(view.as_ref(), old_view);
            changes.sales[place] = !same_sales(row.as_ref(), old_row);
            rows.push(row);
        }
        (Self { rows }, changes)
    }

    /// The row at a place; none where the outlet left.
    pub(crate) fn row(&self, place: usize) -> Option<&Row> {
        self.rows.get(place)?.as_ref()
    }

    /// The rows that are there.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().flatten()
    }

    /// Places, held ones included.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Whether two versions of a place say the same of its outlet. This is asked rather than the registry's version, which
/// may come again with other rows when a journal was started anew.
fn same_info(new: Option<&Arc<OutletView>>, old: Option<&Arc<OutletView>>) -> bool {
    let same = |new: &Arc<OutletInfo>, old: &Arc<OutletInfo>| Arc::ptr_eq(new, old) || new == old;
    match (new, old) {
        (Some(new), Some(old)) => Arc::ptr_eq(new, old) || same(&new.info, &old.info),
        (None, None) => true,
        _ => false,
    }
}

fn same_sales(new: Option<&Row>, old: Option<&Row>) -> bool {
    match (new, old) {
        (Some(new), Some(old)) => new.same(old) || new.sales() == old.sales(),
        (None, None) => true,
        (Some(one), None) | (None, Some(one)) => one.sales().is_none(),
    }
}
