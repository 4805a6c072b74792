//! The lines of a day: those of `/v1/changes`, each with the version that brought it and the time of that version.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemas::Millis;
use schemas::snapshot::Snapshot;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Rows as they stand in the archive, by the id of the outlet.
pub(crate) type Rows = BTreeMap<String, Box<[u8]>>;

/// A line as it is read back. One of the last four is there.
#[derive(Debug, Deserialize)]
pub(crate) struct Line<'l> {
    pub(crate) version: u64,
    #[serde(borrow)]
    pub(crate) at: Cow<'l, str>,
    #[serde(borrow, default)]
    pub(crate) start: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(crate) upsert: Option<&'l RawValue>,
    #[serde(borrow, default)]
    pub(crate) remove: Option<Cow<'l, str>>,
    #[serde(default)]
    pub(crate) next: Option<u64>,
}

/// Appends lines of JSON objects, each stamped with a version and its time.
pub(crate) fn stamp(out: &mut Vec<u8>, (version, at): (u64, &str), lines: &[u8]) {
    let stamp = format!("{{\"version\":{version},\"at\":\"{at}\",");
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        out.extend_from_slice(stamp.as_bytes());
        // Of the two objects one is made.
        out.extend_from_slice(line.strip_prefix(b"{").unwrap_or(line));
    }
}

/// Appends the lines that tell the state with which a day begins.
pub(crate) fn push_start<'r>(out: &mut Vec<u8>, stamp_of: (u64, &str), rows: impl Iterator<Item = &'r [u8]>) {
    let mut line = Vec::with_capacity(1024);
    for row in rows {
        line.clear();
        line.extend_from_slice(b"{\"start\":");
        line.extend_from_slice(row);
        line.extend_from_slice(b"}\n");
        stamp(out, stamp_of, &line);
    }
}

/// The time of a version as it stands in its lines.
pub(crate) fn time(snapshot: &Snapshot) -> String {
    crate::status::last_updated(snapshot)
}

/// The last version that lines tell, and how many changes they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) version: u64,
    pub(crate) at: Millis,
    pub(crate) changes: u64,
}

impl Told {
    /// Reads the lines of one version; none where they are not whole.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let last = text.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
        let line: Line<'_> = serde_json::from_slice(last).ok()?;
        let is_whole = line.next == Some(line.version);
        let changes = text.split(|byte| *byte == b'\n').filter(|line| is_change(line)).count() as u64;
        is_whole.then_some(())?;
        Some(Self { version: line.version, at: Millis::parse(&line.at).ok()?, changes })
    }
}

/// Whether a line puts an outlet in or takes one out. It stands behind the time, whose text ends at the first `","`.
fn is_change(line: &[u8]) -> bool {
    let behind = line.windows(3).position(|three| three == b"\",\"").map(|at| &line[at + 3..]);
    behind.is_some_and(|rest| rest.starts_with(b"upsert\"") || rest.starts_with(b"remove\""))
}

/// Takes a line into rows.
pub(crate) fn take_in(rows: &mut Rows, line: &[u8]) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct Id<'r> {
        #[serde(borrow)]
        id: Cow<'r, str>,
    }
    let line: Line<'_> = serde_json::from_slice(line)?;
    if let Some(row) = line.start.or(line.upsert) {
        let Id { id } = serde_json::from_str(row.get())?;
        rows.insert(id.into_owned(), row.get().as_bytes().into());
    } else if let Some(id) = line.remove {
        rows.remove(&*id);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_one_of_changes_with_its_version_and_time() {
        let mut out = Vec::new();
        push_start(
            &mut out,
            (7, "2020-03-11T00:00:00.000+09:00"),
            [&b"{\"id\":\"1\",\"x\":[\"a\",\"b\"]}"[..]].into_iter(),
        );
        let changes = b"{\"remove\":\"1\"}\n{\"upsert\":{\"id\":\"2\"}}\n{\"next\":9}\n";
        stamp(&mut out, (9, "2020-03-11T00:00:01.000+09:00"), changes);
        let text = String::from_utf8(out.clone()).unwrap();
        let last = text.lines().nth(2).unwrap();
        assert_eq!(last, r#"{"version":9,"at":"2020-03-11T00:00:01.000+09:00","upsert":{"id":"2"}}"#);
        let at = Millis::parse("2020-03-11T00:00:01+09:00").unwrap();
        assert_eq!(Told::read(&out), Some(Told { version: 9, at, changes: 2 }));
        let mut rows = Rows::new();
        text.lines().for_each(|line| take_in(&mut rows, line.as_bytes()).unwrap());
        assert_eq!(rows.keys().collect::<Vec<_>>(), ["2"]);
        // What ends before its last line is not whole.
        for cut in 1..text.len() {
            assert_eq!(Told::read(&out[..cut]), None, "{cut}");
        }
    }
}
