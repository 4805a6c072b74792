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

/// Answers and streams while a nation sells.
///
/// # Errors
/// When a part does not run, or an answer fails.
pub async fn alive(dir: &Path) -> Result<Vec<Row>> {
    live::run(dir).await
}

/// Ten thousand readers of streams on an edge.
///
/// # Errors
/// When a part does not run, or a stream ends.
pub async fn listened(dir: &Path) -> Result<Vec<Row>> {
    listeners::run(dir).await
}

/// What rendering takes of a core.
///
/// # Errors
/// When an answer fails.
pub async fn rendered() -> Result<Vec<Row>> {
    rendering::run().await
}
