//! One version as ready bytes: whatever the open API is asked, the answer is picked from here, the same on every edge.

use std::sync::Arc;

use bytes::Bytes;
use schemas::snapshot::Snapshot;

use crate::Face;
use crate::address_index::AddressIndex;
use crate::address_shelf::AddressShelf;
use crate::list::{JSON, List, Pages, push_number, push_rows, spread};
use crate::native::{Key, Native, NativeBody, NativeEdition, Terms};
use crate::place_index::PlaceIndex;
use crate::query::{DEFAULT_DISTRICT, Query};
use crate::rows::{Row, push_json};
use crate::status::{Counts, Totals};
use crate::table::Table;

/// The four endpoints of 2020. Every query has an answer; where the record is silent or vague it is this:
///
/// - `page` comes back as the text it was, `"1"` where missing. Page 0 and a page that is no number are page 1.
/// - `perPage` is held within 500 and 5000; one that is no number is 500.
/// - `m` is held within 0 and 5000; one that is no number, or missing, is 1000. The edge belongs to the circle.
/// - `lat` or `lng`, where missing or blank, is that of Seoul City Hall (37.5663, 126.9779); where it is no number or
///   outside 33–43 and 124–132 degrees, nothing is found.
/// - `address`, where missing, stands for 서울특별시 강남구 and comes back as `""`; where blank, unknown or a province
///   that has districts, nothing is found.
/// - Of a parameter given twice the first counts; unknown ones, bodies and a slash behind the path do not matter.
/// - Codes of post offices are numbers in `/stores` (as long as a number holds them exactly), texts elsewhere.
/// - `created_at` is when a gateway took the last word on the item, not the stamp of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// Who sells, page by page.
    Stores,
    /// What they have, page by page.
    Sales,
    /// Both, within a radius.
    StoresByGeo,
    /// Both, by district.
    StoresByAddr,
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 4] = [Self::Stores, Self::Sales, Self::StoresByGeo, Self::StoresByAddr];

    /// The path, which is also answered with a slash behind it.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Stores => "/corona19-masks/v1/stores/json",
            Self::Sales => "/corona19-masks/v1/sales/json",
            Self::StoresByGeo => "/corona19-masks/v1/storesByGeo/json",
            Self::StoresByAddr => "/corona19-masks/v1/storesByAddr/json",
        }
    }
}

/// All ready bytes and indexes of one version. Immutable.
pub struct Edition {
    face: Face,
    published: bool,
    table: Table,
    counts: Counts,
    totals: Totals,
    stores: Arc<Pages>,
    sales: Pages,
    registry: Arc<Indexes>,
    addresses: AddressShelf,
    /// Shared with those who keep this version when it is over.
    native: Arc<NativeEdition>,
}

/// What depends on the registry alone.
#[derive(Default)]
struct Indexes {
    places: Arc<PlaceIndex>,
    addresses: AddressIndex,
}

impl Edition {
    /// What is served before there is a first version: nothing.
    pub(crate) fn awaited(face: &Face) -> Self {
        let nothing = Snapshot {
            version: 0,
            at: schemas::Millis::default(),
            interval_ms: 1000,
            rules: Arc::default(),
            registry_version: 0,
            outlets: Vec::new(),
            heard: Arc::default(),
            unregistered: Arc::default(),
            schedule: None,
        };
        Self { published: false, ..Self::render(None, Arc::new(nothing), face) }
    }

    /// Renders a version. Of `previous`, an edition of any other version, all that did not change since is taken over;
    /// the bytes are the same with and without it.
    #[must_use]
    pub fn render(previous: Option<&Self>, snapshot: Arc<Snapshot>, face: &Face) -> Self {
        let previous = previous.filter(|previous| previous.speaks_like(&snapshot, face));
        let before = previous.map(|previous| (&previous.table, previous.snapshot()));
        let native_before = previous
            .filter(|previous| previous.published)
            .map(|previous| (previous.native.native(), previous.snapshot()));
        // The rows of both faces cost about the same, and neither needs the other's.
        let (rows, (table, changes)) = std::thread::scope(|scope| {
            let rows = scope.spawn(|| Native::rows(native_before, &snapshot));
            let table = Table::render(before, &snapshot, face);
            (rows.join().expect("rendering does not panic"), table)
        });
        let same_registry = previous.filter(|_| !changes.registry);
        let stores =
            same_registry.map_or_else(|| stores(&table).into(), |previous| Arc::clone(&previous.stores));
        let same_heard = previous.filter(|previous| same_heard(previous.snapshot(), &snapshot));
        let sales = Pages::render(
            same_heard.map(|previous| &previous.sales),
            List::Sales(&table, &snapshot.heard),
            |place| snapshot.heard[place].is_some_and(|index| changes.sales[index as usize]),
        );
        let registry = same_registry
            .map_or_else(|| Indexes::build(&snapshot).into(), |previous| Arc::clone(&previous.registry));
        let native = Native::of(rows, native_before, &snapshot, same_registry.is_some());
        let counts = Counts::of(&table, &snapshot);
        let totals = Totals::of(previous.map(|previous| (&previous.totals, previous.snapshot())), &snapshot);
        Self {
            published: true,
            face: face.clone(),
            table,
            counts,
            totals,
            stores,
            sales,
            native: NativeEdition::new(snapshot, native, Arc::clone(&registry.places), face.item.clone())
                .into(),
            registry,
            addresses: AddressShelf::default(),
        }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.native.version()
    }

    /// What was rendered.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        self.native.snapshot()
    }

    /// Whether this is a version at all; it is not before the first publish.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.published
    }

    /// The bytes with which an endpoint answers a raw query string. Every query has an answer.
    #[must_use]
    pub fn answer(&self, endpoint: Endpoint, query: &str) -> Bytes {
        self.face(endpoint, query).identity().clone()
    }

    /// The same as a body with its tag and codings.
    pub(crate) fn face(&self, endpoint: Endpoint, query: &str) -> Arc<NativeBody> {
        let query = Query(query);
        match endpoint {
            Endpoint::Stores => self.stores.body(List::Stores(&self.table), &query.page()),
            Endpoint::Sales => {
                self.sales.body(List::Sales(&self.table, &self.snapshot().heard), &query.page())
            }
            Endpoint::StoresByGeo => self.by_geo(query),
            Endpoint::StoresByAddr => self.by_addr(query),
        }
    }

    /// `/v1/unregistered.json`: outlets that sent something and are in no registry.
    #[must_use]
    pub fn unregistered(&self) -> Bytes {
        self.native.body(Key::Unregistered).identity().clone()
    }

    /// Forgets the bodies that were made because somebody asked: they cost far more than the rows, and hardly anybody asks for
    /// them again. Whoever does has them made again, byte for byte.
    pub(crate) fn forget(&self) {
        self.native.native().forget();
        self.addresses.clear();
    }

    /// The native face of this version.
    pub(crate) fn native(&self) -> &Arc<NativeEdition> {
        &self.native
    }

    /// How long what is said now may be used.
    pub(crate) fn terms(&self) -> Terms {
        self.native.terms()
    }

    /// How many outlets there are of which sort.
    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How much there is of each item.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// In the order of the registry, which no reader can mistake for a ranking.
    fn by_geo(&self, query: Query<'_>) -> Arc<NativeBody> {
        let found = query.circle().map(|circle| self.registry.places.within(&circle)).unwrap_or_default();
        let rows = self.rows(&found);
        let body = joined(b"{\"count\":".to_vec(), &rows);
        Arc::new(NativeBody::once(JSON, body, hash_of_rows(&rows).to_le_bytes()))
    }

    fn by_addr(&self, query: Query<'_>) -> Arc<NativeBody> {
        let asked = query.address();
        self.addresses.body(asked.as_deref(), || {
            let district = asked.as_deref().unwrap_or(DEFAULT_DISTRICT);
            let found = self.registry.addresses.find(district, self.snapshot());
            let mut head = b"{\"address\":".to_vec();
            push_json(&mut head, asked.as_deref().unwrap_or_default());
            head.extend_from_slice(b",\"count\":");
            (NativeBody::new(JSON, joined(head, &self.rows(&found))), !found.is_empty())
        })
    }

    fn rows(&self, found: &[u32]) -> Vec<&Row> {
        found.iter().filter_map(|index| self.table.row(*index as usize)).collect()
    }

    /// Whether rows of that version would be written with the same words as these.
    fn speaks_like(&self, snapshot: &Snapshot, face: &Face) -> bool {
        self.face == *face && self.snapshot().rules.offset_minutes == snapshot.rules.offset_minutes
    }
}

/// A hash of joined rows in their order, out of the hashes that they have: a polynomial of them, whose terms are spread over all
/// 128 bits as the hashes are, so that other rows or another order give another one.
fn hash_of_rows(rows: &[&Row]) -> u128 {
    // The prime of FNV-1a for 128 bits.
    const STEP: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013B;
    let begin = rows.len() as u128;
    rows.iter().fold(begin, |hash, row| hash.wrapping_mul(STEP).wrapping_add(row.hash()))
}

/// Appends count and joined rows to the head of a body.
fn joined(head: Vec<u8>, rows: &[&Row]) -> Vec<u8> {
    let rows: Vec<&[u8]> = rows.iter().map(|row| row.joined()).collect();
    let mut body = head;
    body.reserve_exact(spread(&rows) + 48);
    push_number(&mut body, rows.len());
    body.extend_from_slice(b",\"stores\":[");
    push_rows(&mut body, &rows);
    body.extend_from_slice(b"]}");
    body
}

impl Indexes {
    fn build(snapshot: &Snapshot) -> Self {
        Self { places: PlaceIndex::build(snapshot).into(), addresses: AddressIndex::build(snapshot) }
    }
}

fn stores(table: &Table) -> Pages {
    Pages::render(None, List::Stores(table), |_| true)
}

fn same_heard(old: &Snapshot, new: &Snapshot) -> bool {
    Arc::ptr_eq(&old.heard, &new.heard) || old.heard == new.heard
}
