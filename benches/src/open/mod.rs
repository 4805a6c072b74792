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

/// Answers that stand still, beside nginx.
///
/// # Errors
/// When a part does not run, or an answer fails.
pub async fn serving(dir: &Path) -> Result<Vec<Row>> {
    still::run(dir).await
}

/// Answers while a nation sells, streams, and what rendering takes.
///
/// # Errors
/// When a part does not run, or an answer fails.
pub async fn alive(dir: &Path) -> Result<Vec<Row>> {
    let mut rows = live::run(dir).await?;
    rows.extend(listeners::run(dir).await?);
    rows.extend(rendering::run().await?);
    Ok(rows)
}
