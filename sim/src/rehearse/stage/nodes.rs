//! Nodes of NATS that replicate to each other, each of which fsyncs before it acknowledges.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::flags::Addresses;
use super::island::Island;
use super::part::{Part, Recipe, Sort};

/// Starts all nodes with their stores under `dir`, the one that is named on an island. Called by the main thread: where `setpriv` is
/// installed, they end with it.
///
/// # Errors
/// When the system can not start them.
pub(super) fn start(
    program: &Path,
    dir: &Path,
    at: &Addresses,
    apart: Option<(&Island, &str)>,
) -> Result<Vec<Part>> {
    let routes: Vec<String> = at.nats.iter().map(|[_, route, _]| format!("nats://{route}")).collect();
    (0..at.nats.len())
        .map(|number| {
            let folder = dir.join(format!("nats{number}"));
            fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
            let [client, route, monitor] = at.nats[number];
            let store = folder.join("jetstream");
            let settings = format!(
                "server_name: n{number}\nlisten: \"{client}\"\nhttp: \"{monitor}\"\n\
                 cluster {{ name: rehearsal, listen: \"{route}\", routes: {routes:?} }}\n\
                 jetstream {{ store_dir: {store:?}, sync_interval: always, max_memory_store: 0, max_file_store: 8GB }}\n"
            );
            let file = folder.join("nats.conf");
            fs::write(&file, settings).with_context(|| format!("writing {}", file.display()))?;
            let name = format!("nats {number}");
            let mut recipe = recipe(program, &folder, at, number);
            if let Some((island, _)) = apart.filter(|(_, node)| *node == name) {
                let [runs, words @ ..] = island.prefix();
                let inner = std::mem::replace(&mut recipe.program, runs.into());
                recipe.args.splice(0..0, words.into_iter().chain([inner.display().to_string()]));
            }
            Part::start(name, Sort::Nats, recipe)
        })
        .collect()
}

fn recipe(program: &Path, folder: &Path, at: &Addresses, number: usize) -> Recipe {
    let tied = Path::new("/usr/bin/setpriv");
    let settings = folder.join("nats.conf").display().to_string();
    let (runs, args): (PathBuf, Vec<String>) = if tied.is_file() {
        let program = program.display().to_string();
        let args = ["--pdeathsig", "KILL", "--", &program, "--config", &settings];
        (tied.to_owned(), args.map(str::to_owned).into())
    } else {
        (program.to_owned(), vec!["--config".to_owned(), settings])
    };
    let monitor = Some(at.nats[number][2]);
    Recipe { program: runs, args, env: Vec::new(), log: folder.join("nats.log"), endpoints: None, monitor }
}
