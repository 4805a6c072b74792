//! What an acknowledgement promises, as far as it is proved: asked before the first one, and again for as long as we run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use schemas::status::Durability;

/// Between two times of asking, while fsync is not proved.
const SOON: Duration = Duration::from_secs(2);
/// Between two times of asking, once it is.
const LATER: Duration = Duration::from_secs(30);

/// What is proved now; clones share it. The asking ends with the last of them.
#[derive(Debug, Clone)]
pub struct Proof {
    fsynced: Arc<AtomicBool>,
    otherwise: Durability,
}

impl Proof {
    /// Asks the monitoring page of each server once, and goes on asking. `fsynced` is proved where every one of at least
    /// `replicas` says so; a server that can not be asked proves nothing and refutes nothing that was proved.
    pub async fn ask(monitors: &[String], replicas: usize) -> Self {
        let proof = Self::without(if replicas >= 3 { Durability::Replicated } else { Durability::Memory });
        if monitors.len() >= replicas.max(1) {
            let pages = Pages { http: reqwest::Client::new(), monitors: monitors.to_vec() };
            if let Some(yes) = pages.sync_always(true).await {
                proof.fsynced.store(yes, Relaxed);
            }
            tokio::spawn(pages.keep_asking(Arc::downgrade(&proof.fsynced)));
        }
        proof
    }

    /// No proof of fsync: what is promised is this.
    #[must_use]
    pub fn without(otherwise: Durability) -> Self {
        Self { fsynced: Arc::default(), otherwise }
    }

    /// What an acknowledgement promises now.
    #[must_use]
    pub fn durability(&self) -> Durability {
        if self.fsynced.load(Relaxed) { Durability::Fsynced } else { self.otherwise }
    }
}

/// The monitoring pages of the servers.
struct Pages {
    http: reqwest::Client,
    monitors: Vec<String>,
}

impl Pages {
    async fn keep_asking(self, fsynced: std::sync::Weak<AtomicBool>) {
        loop {
            let Some(proved) = fsynced.upgrade().map(|fsynced| fsynced.load(Relaxed)) else { return };
            tokio::time::sleep(if proved { LATER } else { SOON }).await;
            let Some(now) = self.sync_always(false).await.filter(|now| *now != proved) else { continue };
            let Some(fsynced) = fsynced.upgrade() else { return };
            match now {
                true => tracing::info!(
                    "every nats-server fsyncs before it acknowledges; answers say so from now on"
                ),
                false => tracing::error!(
                    "a nats-server no longer fsyncs before it acknowledges: set sync_interval: always"
                ),
            }
            fsynced.store(now, Relaxed);
        }
    }

    /// Whether every server fsyncs before every acknowledgement. `None` where one could not be asked and no other said no.
    async fn sync_always(&self, complain: bool) -> Option<bool> {
        let mut all = Some(true);
        for monitor in &self.monitors {
            match self.one(monitor).await {
                Ok(true) => {}
                Ok(false) => return Some(false),
                Err(error) => {
                    if complain {
                        tracing::warn!(monitor, %error, "monitoring page not read; fsync is not proved, and asked for again");
                    }
                    all = None;
                }
            }
        }
        all
    }

    async fn one(&self, monitor: &str) -> Result<bool, reqwest::Error> {
        let url = format!("{}/jsz?config=true", monitor.trim_end_matches('/'));
        let answer = self.http.get(url).timeout(Duration::from_secs(5)).send().await?;
        let page: serde_json::Value = answer.error_for_status()?.json().await?;
        Ok(page.pointer("/config/sync_always").and_then(serde_json::Value::as_bool) == Some(true))
    }
}
