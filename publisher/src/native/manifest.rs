//! The list of all files of a version: where, how long, and their SHA-256, for whoever mirrors them.

use schemars::JsonSchema;
use schemas::snapshot::Snapshot;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Native;
use super::body::Body;
use super::document::{ATTRIBUTION, Kind, LICENCE, document, of_version};
use super::scope::Scope;

/// Which days are kept differs from server to server, and a manifest does not.
const HISTORY: &str = "/v1/history.json";

#[derive(Serialize)]
struct Rest {
    /// Where the archives of past days are listed. The same on every server, whether it keeps them or not.
    history: &'static str,
    files: Vec<File>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct File {
    /// Always the newest.
    url: String,
    /// This very version, for as long as it is kept.
    url_of_version: String,
    /// Absent for the whole country.
    region: Option<String>,
    format: &'static str,
    version: u64,
    bytes: usize,
    sha256: String,
    ttl: u32,
    licence: &'static str,
    attribution: &'static str,
}

/// Writes `/v1/manifest.json`. It makes every file of the version, which takes some hundred milliseconds.
pub(crate) fn write(native: &Native, snapshot: &Snapshot) -> Body {
    let scopes = Scope::all()
        .into_iter()
        .filter(|scope| *scope == Scope::Country || !native.members.of(*scope).is_empty());
    let files = scopes.flat_map(|scope| Kind::all().map(move |kind| (scope, kind)));
    let files = files.map(|(scope, kind)| file(native, snapshot, scope, kind));
    document(snapshot, &Rest { history: HISTORY, files: files.collect() })
}

fn file(native: &Native, snapshot: &Snapshot, scope: Scope, kind: Kind) -> File {
    // Written to be measured, not to be kept: all files together are far larger than what is read of them.
    let body = native.write(scope, kind, snapshot);
    let path = format!("{}/{}", scope.base(), kind.file());
    File {
        url_of_version: of_version(&path, snapshot.version),
        url: path,
        region: scope.code(),
        format: kind.format.name(),
        version: snapshot.version,
        bytes: body.identity().len(),
        sha256: hex(&Sha256::digest(body.identity())),
        ttl: crate::status::ttl(snapshot),
        licence: LICENCE,
        attribution: ATTRIBUTION,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
