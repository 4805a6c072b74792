//! A document of caps by its name or from its file, with whatever faults it has.

use std::path::Path;

use anyhow::{Context, bail};
use schemas::caps::{Caps, SHIPPED};

/// Reads a document: one that is shipped, by its name, or one of a file `.toml` or `.json`.
///
/// # Errors
/// When there is none of this name, or the file can not be read or is no document of caps.
pub(crate) fn read(name_or_path: &str) -> anyhow::Result<Caps> {
    if let Some((_, document)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
        return Ok(toml::from_str(document).expect("a test reads every shipped document"));
    }
    let path = Path::new(name_or_path);
    let parse: fn(&str) -> Result<Caps, String> = match path.extension().and_then(|e| e.to_str()) {
        Some("toml") => |text| toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned()),
        Some("json") => |text| serde_json::from_str(text).map_err(|e| e.to_string()),
        _ => bail!(
            "{name_or_path:?} is neither a document that comes with jaego ({}) nor a file that ends in .toml or .json; write one of these",
            SHIPPED.map(|(name, _)| name).join(", ")
        ),
    };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{name_or_path}: can not be read as text in UTF-8; check its path"))?;
    parse(&text).map_err(|why| {
        anyhow::anyhow!("{name_or_path}: no document of caps: {why}\ndocs/caps.md explains every field")
    })
}
