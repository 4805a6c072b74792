//! Keeps the built pages in step with their sources where Node is there; elsewhere the committed ones serve.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, Stop};
use crate::workspace::Workspace;

/// Builds `publisher/web/dist` anew if its sources changed since.
///
/// # Errors
/// When Node is there and the build fails.
pub(crate) fn ensure(workspace: &Workspace, stop: &Stop) -> Result<()> {
    let web = workspace.root.join("publisher/web");
    let answers = |args: &[&str]| {
        let answer = process::ask(Command::new("node").current_dir(&web).args(args));
        matches!(answer, Ok(Some(_)))
    };
    if !answers(&["--version"]) {
        println!("no Node on the path: the pages in publisher/web/dist are served as they were committed");
        return Ok(());
    }
    if answers(&["build.mjs", "--check"]) {
        return Ok(());
    }
    for args in [&["ci", "--no-audit", "--no-fund"][..], &["run", "build"]] {
        process::run(stop, Command::new("npm").current_dir(&web).args(args))?;
    }
    Ok(())
}
