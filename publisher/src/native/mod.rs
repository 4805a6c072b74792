//! The native face of a version: rows that change are rendered, bodies are made once, when they are first asked for.

mod body;
mod columns;
mod contract;
mod document;
mod edition;
mod history;
mod manifest;
pub(crate) mod nearby;
mod negotiate;
mod one;
mod policies;
mod regions;
mod respond;
mod routes;
mod rows;
mod scope;
mod shelf;
mod stream;
mod tiles;

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::registry::Place;
use schemas::snapshot::{OutletView, Snapshot};
use schemas::{ItemId, OutletCode};
use serde::Serialize;

pub(crate) use body::Body as NativeBody;
use body::{Body, Hash, half};
use document::{JSON, Kind, NDJSON};
use history::{Changes, History};
use rows::Row;
use scope::{Members, Scope};
pub(crate) use shelf::Key;
use shelf::Shelf;
use tiles::Tile;

pub(crate) use contract::documents;
pub(crate) use document::{LICENCE, LICENCE_AT, document};
pub(crate) use edition::NativeEdition;
pub(crate) use history::KEPT as KEPT_CHANGES;
pub(crate) use nearby::MAX_LIMIT;
pub(crate) use negotiate::{Part, is_tagged, is_tagged_otherwise};
pub(crate) use respond::{Terms, respond, respond_quickly, with_common};
use routes::Params;
pub(crate) use routes::{at_once, coded, router};
pub(crate) use stream::MAX_READERS;
pub(crate) use stream::Streams;

use crate::place_index::PlaceIndex;

/// The native face of one version.
pub(crate) struct Native {
    head: Head,
    rows: Vec<Option<Row>>,
    members: Arc<Members>,
    history: History,
    shelf: Shelf,
}

/// How every document of a version begins.
struct Head {
    text: Vec<u8>,
    hash: blake3::Hash,
}

impl Head {
    fn of(snapshot: &Snapshot) -> Self {
        let mut text = Vec::with_capacity(256);
        document::open(&mut text, snapshot);
        Self { hash: blake3::hash(&text), text }
    }

    /// Names the answer of this version to a question: it tells version and time, and is the same on every server.
    fn hash_of(&self, question: &str) -> Hash {
        half(&blake3::keyed_hash(self.hash.as_bytes(), question.as_bytes()))
    }
}

impl Native {
    /// The rows of a version. Of the version before all are taken over whose outlet did not change.
    pub(crate) fn rows(before: Option<(&Self, &Snapshot)>, snapshot: &Snapshot) -> Vec<Option<Row>> {
        rows::render(before.map(|(native, old)| (native.rows.as_slice(), old)), snapshot)
    }

    /// A version of these rows. `same_registry` says whether it is as in the version before who lies where.
    pub(crate) fn of(
        rows: Vec<Option<Row>>,
        before: Option<(&Self, &Snapshot)>,
        snapshot: &Snapshot,
        same_registry: bool,
    ) -> Self {
        let members = before.filter(|_| same_registry).map(|(native, _)| Arc::clone(&native.members));
        let history = before.map(|(native, old)| native.history.next(old, snapshot));
        Self {
            head: Head::of(snapshot),
            rows,
            members: members.unwrap_or_else(|| Members::build(snapshot).into()),
            history: history.unwrap_or_else(|| History::begin(snapshot)),
            shelf: Shelf::default(),
        }
    }

    /// Forgets all bodies: whoever asks for one again has it made again, byte for byte.
    pub(crate) fn forget(&self) {
        self.shelf.clear();
    }

    /// Whether a body is there already, or costs so little that a reader may be kept waiting for it.
    fn is_quick(&self, key: Key) -> bool {
        let quick = match key {
            Key::File(_, scope) | Key::Event(scope) => matches!(scope, Scope::District(_)),
            Key::Tile(tile) => tile.z > 9,
            Key::Empty | Key::Policies | Key::Unregistered => true,
            Key::Regions | Key::Manifest => false,
        };
        quick || self.is_made(key)
    }

    /// Whether somebody asked for a body of this version before.
    fn is_made(&self, key: Key) -> bool {
        self.made(key).is_some()
    }

    /// A body of this version that somebody asked for before.
    fn made(&self, key: Key) -> Option<Arc<Body>> {
        self.shelf.ready(key)
    }

    /// A body of this version.
    pub(crate) fn body(
        &self,
        key: Key,
        snapshot: &Snapshot,
        item: &ItemId,
        places: &PlaceIndex,
    ) -> Arc<Body> {
        self.shelf.body(key, || match key {
            Key::File(kind, scope) => self.write(scope, kind, snapshot),
            Key::Tile(tile) => {
                let within = places.inside(tile.bounds()).into_iter();
                let views = within.filter_map(|place| snapshot.outlets[place as usize].as_deref());
                Tile::write(
                    snapshot,
                    item,
                    views.filter(|view| view.info.place.is_some_and(|place| tile.holds(place))),
                )
            }
            Key::Empty => Tile::write(snapshot, item, std::iter::empty()),
            Key::Regions => regions::write(snapshot, &self.members, item),
            Key::Policies => policies::write(snapshot),
            Key::Unregistered => document::unregistered(snapshot),
            Key::Manifest => manifest::write(self, snapshot),
            Key::Event(scope) => {
                let changes = self.changed(self.history.before_last(), scope, snapshot);
                Body::new(stream::MEDIA, self.event(&changes.unwrap_or_default(), snapshot))
            }
        })
    }

    fn write(&self, scope: Scope, kind: Kind, snapshot: &Snapshot) -> Body {
        kind.write(snapshot, self.outlets(scope, snapshot))
    }

    fn outlets<'a>(
        &'a self,
        scope: Scope,
        snapshot: &'a Snapshot,
    ) -> impl Iterator<Item = (&'a OutletView, &'a Row)> + Clone {
        self.members.of(scope).iter().filter_map(|place| self.outlet(*place, snapshot))
    }

    fn outlet<'a>(&'a self, place: u32, snapshot: &'a Snapshot) -> Option<(&'a OutletView, &'a Row)> {
        let place = place as usize;
        Some((snapshot.outlets.get(place)?.as_deref()?, self.rows.get(place)?.as_ref()?))
    }

    /// `/v1/outlets/{id}` of the outlet at a place.
    pub(crate) fn one(&self, place: u32, snapshot: &Snapshot) -> Option<Body> {
        let (view, row) = self.outlet(place, snapshot)?;
        let mut out = Vec::with_capacity(row.info().len() + row.stock().len() + 256);
        out.extend_from_slice(&self.head.text);
        out.extend_from_slice(b",\"outlet\":");
        row.push_whole(&mut out);
        out.push(b'}');
        Some(Body::once(JSON, out, self.head.hash_of(view.info.code.as_str())))
    }

    /// What changed in a part of the country since a version; none where that is too long ago.
    fn changed(&self, since: u64, scope: Scope, snapshot: &Snapshot) -> Option<Changes> {
        self.history.since(since, (scope, self.members.of(scope)), snapshot)
    }

    /// `/v1/changes`: what to put in and to forget, a line each, and the version that a reader then has.
    fn changes(&self, since: u64, scope: Scope, snapshot: &Snapshot) -> Option<Body> {
        let changes = self.changed(since, scope, snapshot)?;
        let lines = self.lines_of(&changes, since.max(snapshot.version), snapshot);
        Some(Body::new(NDJSON, lines).told(snapshot))
    }

    /// The lines of `/v1/changes` for the whole country; none where that is too long ago.
    pub(crate) fn lines_since(&self, since: u64, snapshot: &Snapshot) -> Option<Vec<u8>> {
        let changes = self.changed(since, Scope::Country, snapshot)?;
        Some(self.lines_of(&changes, snapshot.version, snapshot))
    }

    /// The same for who has these rows, by the id of the outlet.
    pub(crate) fn lines_beyond(&self, rows: &BTreeMap<String, Box<[u8]>>, snapshot: &Snapshot) -> Vec<u8> {
        let mut row = Vec::with_capacity(1024);
        let differs = |place: &u32| {
            let Some((view, now)) = self.outlet(*place, snapshot) else { return false };
            row.clear();
            now.push_whole(&mut row);
            rows.get(view.info.code.as_str()).is_none_or(|before| **before != *row)
        };
        let upserts = self.members.of(Scope::Country).iter().copied().filter(differs).collect();
        let gone = rows.keys().filter(|id| self.members.place(id).is_none());
        let removed = gone.filter_map(|id| OutletCode::new(id).ok()).collect();
        self.lines_of(&Changes { upserts, removed }, snapshot.version, snapshot)
    }

    /// All rows, each as an object.
    pub(crate) fn whole_rows(&self, snapshot: &Snapshot) -> Vec<Vec<u8>> {
        let rows = self.outlets(Scope::Country, snapshot).map(|(_, row)| {
            let mut whole = Vec::with_capacity(row.info().len() + row.stock().len() + 3);
            row.push_whole(&mut whole);
            whole
        });
        rows.collect()
    }

    pub(crate) fn lines_of(&self, changes: &Changes, next: u64, snapshot: &Snapshot) -> Vec<u8> {
        let Changes { upserts, removed } = changes;
        let mut out = Vec::new();
        for id in removed {
            crate::rows::push_json(&mut out, &Removal { remove: id.as_str() });
            out.push(b'\n');
        }
        for (_, row) in upserts.iter().filter_map(|place| self.outlet(*place, snapshot)) {
            out.extend_from_slice(b"{\"upsert\":");
            row.push_whole(&mut out);
            out.extend_from_slice(b"}\n");
        }
        crate::rows::push_json(&mut out, &Next { next });
        out.push(b'\n');
        out
    }

    /// One event of the stream.
    fn event(&self, changes: &Changes, snapshot: &Snapshot) -> Vec<u8> {
        let mut out = format!("event: changes\nid: {}\ndata: ", snapshot.version).into_bytes();
        document::open(&mut out, snapshot);
        out.extend_from_slice(b",\"upserts\":[");
        let rows = changes.upserts.iter().filter_map(|place| self.outlet(*place, snapshot));
        for (n, (_, row)) in rows.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            row.push_whole(&mut out);
        }
        out.extend_from_slice(b"],\"removed\":");
        let removed: Vec<&str> = changes.removed.iter().map(OutletCode::as_str).collect();
        crate::rows::push_json(&mut out, &removed);
        out.extend_from_slice(b"}\n\n");
        out
    }
}

#[derive(Serialize)]
struct Removal<'a> {
    remove: &'a str,
}

#[derive(Serialize)]
struct Next {
    next: u64,
}

/// Whether anything lies within bounds; used to tell empty tiles without writing them.
fn holds_any(places: &PlaceIndex, tile: Tile, snapshot: &Snapshot) -> bool {
    let place = |place: u32| -> Option<Place> { snapshot.outlets[place as usize].as_ref()?.info.place };
    places.inside(tile.bounds()).into_iter().any(|found| place(found).is_some_and(|place| tile.holds(place)))
}
