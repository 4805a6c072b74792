//! The running system as the command line sees it: the admin port's view of the registry.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use ingest::registry::RegistryFile;
use reqwest::{Client, Response, Url};
use schemas::registry::OutletInfo;

use crate::admin::Imported;
use crate::endpoints::Endpoints;

/// Longest wait for an answer; an import answers when its rows are in force, some seconds later.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where the system runs.
#[derive(Debug, Args)]
pub(crate) struct Whereabouts {
    /// Data folder of a running jaego
    #[arg(long, default_value = "jaego-data", env = "JAEGO_DATA_DIR")]
    data_dir: PathBuf,
    /// URL of its admin port, in place of the one that the data folder tells
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
}

impl Whereabouts {
    /// URL of the admin port, without a slash at its end.
    ///
    /// # Errors
    /// When no URL was told and the data folder tells none.
    pub(crate) fn admin(&self) -> anyhow::Result<String> {
        let admin = match &self.admin {
            Some(admin) => admin.clone(),
            None => admin_of(&self.data_dir)?,
        };
        Ok(admin.trim_end_matches('/').to_owned())
    }
}

/// A running system.
pub(super) struct Running {
    client: Client,
    registry: Url,
}

impl Running {
    /// Finds it, without speaking to it yet.
    pub(super) fn find(whereabouts: &Whereabouts) -> anyhow::Result<Self> {
        let admin = whereabouts.admin()?;
        let registry = format!("{admin}/registry");
        let registry = Url::parse(&registry).with_context(|| format!("{admin} is no URL"))?;
        Ok(Self { client: Client::builder().timeout(PATIENCE).build()?, registry })
    }

    /// The present registry.
    pub(super) async fn registry(&self) -> anyhow::Result<Vec<OutletInfo>> {
        let body = accepted(self.client.get(self.registry.clone()).send().await?).await?.bytes().await?;
        let lines = body.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).context("the admin port answered no registry"))
            .collect()
    }

    /// Imports the rows; returns when they are in force.
    pub(super) async fn import(&self, file: &RegistryFile) -> anyhow::Result<Imported> {
        let mut url = self.registry.clone();
        url.query_pairs_mut().append_pair("source", &file.source);
        let mut body = Vec::new();
        for row in &file.rows {
            serde_json::to_writer(&mut body, row)?;
            body.push(b'\n');
        }
        let request = self.client.post(url).header("content-type", "application/x-ndjson").body(body);
        Ok(accepted(request.send().await?).await?.json().await?)
    }
}

fn admin_of(data_dir: &std::path::Path) -> anyhow::Result<String> {
    let path = Endpoints::path(data_dir);
    let bytes = std::fs::read(&path).with_context(|| {
        format!("no jaego runs here, for there is no {}; use --data-dir or --admin", path.display())
    })?;
    let endpoints: Endpoints =
        serde_json::from_slice(&bytes).with_context(|| format!("{}", path.display()))?;
    Ok(endpoints.admin)
}

/// The answer, where it is none of an error.
///
/// # Errors
/// When it is.
pub(crate) async fn accepted(answer: Response) -> anyhow::Result<Response> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, url) = (answer.status(), answer.url().clone());
    bail!("{url} answered {status}: {}", answer.text().await?.trim())
}
