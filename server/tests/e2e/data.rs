//! Real data, where it is at hand: `$JAEGO_DATA`, or `../shared/data` beside the workspace.

use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// A file of the real data. Where it is not at hand, says so; the test then has nothing to show.
pub fn path(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data");
    let root = std::env::var_os("JAEGO_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = root.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("skipped: no real data at {}; set JAEGO_DATA to where it is", path.display());
    None
}

/// The rows of a CSV file by column.
pub fn rows(name: &str) -> Option<Vec<HashMap<String, String>>> {
    Some(records(name)?.collect())
}

/// The rows of a CSV file, each read as a `T`; unpacked when its name ends in .gz.
pub fn records<T: DeserializeOwned>(name: &str) -> Option<impl Iterator<Item = T>> {
    let file = std::fs::File::open(path(name)?).unwrap();
    let bytes: Box<dyn Read> = if name.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    Some(csv::Reader::from_reader(bytes).into_deserialize().map(Result::unwrap))
}
