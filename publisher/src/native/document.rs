//! The files of the native API: three subjects in four formats, for the country and each of its parts.

use schemars::JsonSchema;
use schemas::OutletCode;
use schemas::snapshot::{OutletView, Snapshot};
use schemas::time::Rfc3339;
use serde::Serialize;

use super::body::Body;
use super::columns;
use super::rows::{Row, push_object};
use crate::rows::push_json;

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Who sells, where and when.
    Outlets,
    /// What they have.
    Stock,
    /// Both.
    OutletsWithStock,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// A GeoJSON feature collection (RFC 7946).
    Geojson,
    /// A table with a byte order mark, which spreadsheets need to read Korean.
    Csv,
}

/// One kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    /// Its subject.
    pub(crate) subject: Subject,
    /// Its format.
    pub(crate) format: Format,
}

impl Subject {
    const ALL: [Self; 3] = [Self::Outlets, Self::Stock, Self::OutletsWithStock];

    fn name(self) -> &'static str {
        match self {
            Self::Outlets => "outlets",
            Self::Stock => "stock",
            Self::OutletsWithStock => "outlets_with_stock",
        }
    }

    /// The members of one object.
    fn members(self, row: &Row) -> [&[u8]; 2] {
        match self {
            Self::Outlets => [row.info(), b""],
            Self::Stock => [row.id(), row.stock()],
            Self::OutletsWithStock => [row.info(), row.stock()],
        }
    }
}

impl Format {
    const ALL: [Self; 4] = [Self::Json, Self::Ndjson, Self::Geojson, Self::Csv];

    /// The end of the name of a file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Geojson => "geojson",
            Self::Csv => "csv",
        }
    }

    fn media(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Ndjson => NDJSON,
            Self::Geojson => "application/geo+json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// Media type of JSON documents.
pub(crate) const JSON: &str = "application/json";
/// Media type of one JSON object a line.
pub(crate) const NDJSON: &str = "application/x-ndjson";

impl Kind {
    /// All kinds of files.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Subject::ALL.into_iter().flat_map(|subject| Format::ALL.map(|format| Self { subject, format }))
    }

    /// Reads a file name such as `stock.geojson`.
    pub(crate) fn parse(file: &str) -> Option<Self> {
        let (subject, format) = file.split_once('.')?;
        Some(Self {
            subject: Subject::ALL.into_iter().find(|known| known.name() == subject)?,
            format: Format::ALL.into_iter().find(|known| known.name() == format)?,
        })
    }

    /// The name of the file.
    pub(crate) fn file(self) -> String {
        format!("{}.{}", self.subject.name(), self.format.name())
    }

    /// Writes the file of these outlets.
    pub(crate) fn write<'a>(
        self,
        snapshot: &Snapshot,
        outlets: impl Iterator<Item = (&'a OutletView, &'a Row)> + Clone,
    ) -> Body {
        let mut out = Vec::with_capacity(
            outlets.clone().map(|(_, row)| row.info().len() + row.stock().len() + 80).sum(),
        );
        match self.format {
            Format::Json => self.json(&mut out, snapshot, outlets),
            Format::Ndjson => self.ndjson(&mut out, outlets),
            Format::Geojson => self.geojson(&mut out, snapshot, outlets),
            Format::Csv => {
                columns::write(&mut out, self.subject, snapshot, outlets.map(|(view, _)| view));
            }
        }
        let body = Body::new(self.format.media(), out);
        match self.format {
            Format::Json | Format::Geojson => body,
            Format::Ndjson | Format::Csv => body.told(snapshot),
        }
    }

    fn json<'a>(
        self,
        out: &mut Vec<u8>,
        snapshot: &Snapshot,
        outlets: impl Iterator<Item = (&'a OutletView, &'a Row)>,
    ) {
        open(out, snapshot);
        out.extend_from_slice(b",\"outlets\":[");
        for (n, (_, row)) in outlets.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            self.push(out, row);
        }
        out.extend_from_slice(b"]}");
    }

    fn ndjson<'a>(self, out: &mut Vec<u8>, outlets: impl Iterator<Item = (&'a OutletView, &'a Row)>) {
        for (_, row) in outlets {
            self.push(out, row);
            out.push(b'\n');
        }
    }

    fn geojson<'a>(
        self,
        out: &mut Vec<u8>,
        snapshot: &Snapshot,
        outlets: impl Iterator<Item = (&'a OutletView, &'a Row)>,
    ) {
        open(out, snapshot);
        out.extend_from_slice(b",\"type\":\"FeatureCollection\",\"features\":[");
        for (n, (view, row)) in outlets.enumerate() {
            if n > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"type\":\"Feature\",\"id\":");
            push_json(out, view.info.code.as_str());
            out.extend_from_slice(b",\"geometry\":");
            push_json(
                out,
                &view.info.place.map(|place| Point { kind: "Point", coordinates: [place.lng, place.lat] }),
            );
            out.extend_from_slice(b",\"properties\":");
            self.push(out, row);
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
    }

    fn push(self, out: &mut Vec<u8>, row: &Row) {
        let members = self.subject.members(row);
        push_object(out, if members[1].is_empty() { &members[..1] } else { &members });
    }
}

#[derive(Serialize)]
struct Point {
    #[serde(rename = "type")]
    kind: &'static str,
    coordinates: [f64; 2],
}

/// The license under which everything here may be used, and what is to be named.
pub(crate) const LICENCE: &str = "KOGL Type 1 (공공누리 제1유형: 출처표시)";
/// Where it stands.
pub(crate) const LICENCE_AT: &str = "https://www.kogl.or.kr/info/license.do";
/// See [`LICENCE`].
pub(crate) const ATTRIBUTION: &str = "jaego (재고) open data";

/// What every document tells first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Head {
    /// Grows with every version.
    version: u64,
    /// When this version was cut.
    #[schemars(with = "Rfc3339")]
    last_updated: String,
    /// Seconds after which a newer version is to be expected.
    ttl: u32,
    /// Under which terms all this may be used.
    licence: &'static str,
    /// What is to be named.
    attribution: &'static str,
}

/// Begins a document: its version, time and terms. The object is left open.
pub(crate) fn open(out: &mut Vec<u8>, snapshot: &Snapshot) {
    push_json(
        out,
        &Head {
            version: snapshot.version,
            last_updated: crate::status::last_updated(snapshot),
            ttl: crate::status::ttl(snapshot),
            licence: LICENCE,
            attribution: ATTRIBUTION,
        },
    );
    out.pop();
}

/// A whole document: its head and the members of `rest`.
pub(crate) fn document(snapshot: &Snapshot, rest: &impl Serialize) -> Body {
    let mut out = Vec::with_capacity(4096);
    open(&mut out, snapshot);
    let from = out.len();
    push_json(&mut out, rest);
    // Of two objects one is made.
    out[from] = b',';
    Body::new(JSON, out)
}

/// `/v1/unregistered.json`: outlets that sent something and are in no registry.
pub(crate) fn unregistered(snapshot: &Snapshot) -> Body {
    #[derive(Serialize)]
    struct Rest<'a> {
        outlets: &'a [OutletCode],
    }
    document(snapshot, &Rest { outlets: &snapshot.unregistered })
}

/// Where what lies at a path is to be had of one version, while that is kept.
pub(crate) fn of_version(path: &str, version: u64) -> String {
    path.replacen("/v1", &format!("/v1/versions/{version}"), 1)
}
