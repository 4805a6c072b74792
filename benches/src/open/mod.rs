//! The reading side beside nginx that serves the same bytes from files, under the same load from the same machine; and alone, while
//! a nation sells.

mod listeners;
mod live;
mod rendering;
mod still;
mod town;

use std::path::Path;

use anyhow::Result;

use crate::report::Row;

/// Runs all.
///
/// # Errors
/// When a part does not run, or an answer fails.
pub async fn run(dir: &Path) -> Result<Vec<Row>> {
    let mut rows = still::run(dir).await?;
    rows.extend(live::run(dir).await?);
    rows.extend(listeners::run(dir).await?);
    rows.extend(rendering::run().await?);
    Ok(rows)
}
