//! Which outlets an address of 2020 names: districts pick candidates, the address query decides.

use std::collections::HashMap;

use schemas::region::AddressQuery;
use schemas::registry::RegionCode;
use schemas::snapshot::{OutletView, Snapshot};

/// The outlets of each district, in the order of their codes.
#[derive(Default)]
pub(crate) struct AddressIndex {
    /// Indexes of all outlets with a district, in the order of their codes.
    by_code: Vec<u32>,
    /// Positions in `by_code`, ascending.
    districts: HashMap<RegionCode, Vec<u32>>,
}

impl AddressIndex {
    /// Indexes the outlets of a version whose district is known.
    pub(crate) fn build(snapshot: &Snapshot) -> Self {
        let live = (0..).zip(&snapshot.outlets).filter_map(|(index, view)| Some((index, view.as_deref()?)));
        let mut known: Vec<(u32, &OutletView)> =
            live.filter(|(_, view)| view.info.region.is_some()).collect();
        known.sort_unstable_by(|(_, a), (_, b)| a.info.code.cmp(&b.info.code));
        let mut districts: HashMap<RegionCode, Vec<u32>> = HashMap::new();
        for (rank, (_, view)) in (0..).zip(&known) {
            let region = view.info.region.expect("filtered above");
            districts.entry(region).or_default().push(rank);
        }
        Self { by_code: known.into_iter().map(|(index, _)| index).collect(), districts }
    }

    /// Indexes of the outlets that the text names, in the order of their codes; none where it is too coarse or unknown.
    pub(crate) fn find(&self, address: &str, snapshot: &Snapshot) -> Vec<u32> {
        let Some(query) = AddressQuery::parse(address) else { return Vec::new() };
        let listed = query.regions().iter().filter_map(|region| self.districts.get(region));
        let mut ranks: Vec<u32> = listed.flatten().copied().collect();
        ranks.sort_unstable();
        ranks.dedup();
        let found = ranks.into_iter().map(|rank| self.by_code[rank as usize]);
        found.filter(|index| matches(&query, snapshot, *index)).collect()
    }
}

fn matches(query: &AddressQuery, snapshot: &Snapshot, index: u32) -> bool {
    let view = snapshot.outlets.get(index as usize).and_then(Option::as_ref);
    view.is_some_and(|view| query.matches(&view.info.addr))
}
