//! Two cores on one cluster, each killed and started again on its folder and at its own desk.

use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use serde_json::json;

use super::cluster::{Cluster, free_ports};
use super::journal::LIMIT_A_WEEK;
use super::till::OUTLETS;
use crate::harness::{self, Jaego};

/// Two cores.
pub struct Cores {
    pub dirs: [PathBuf; 2],
    args: [Vec<String>; 2],
    running: [Option<Jaego>; 2],
    /// Where the desks are, at all times.
    pub desks: [String; 2],
}

impl Cores {
    /// Starts both at the same moment, with the same registry and policies.
    pub async fn start(dir: &Path, cluster: &Cluster, rng: &mut StdRng) -> Self {
        let files = [registry(dir), policy(dir)].map(|path| path.to_str().unwrap().to_owned());
        let desks =
            free_ports(rng, 2).into_iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>();
        let args = [0, 1].map(|n: usize| {
            let mut args = cluster.arguments();
            args.extend(
                ["--registry", &files[0], "--policy", &files[1], "--desk-addr", &desks[n]].map(str::to_owned),
            );
            args.extend(["--log", "debug"].map(str::to_owned));
            args
        });
        let dirs = ["a", "b"].map(|name| dir.join(name));
        dirs.iter().for_each(|dir| std::fs::create_dir(dir).unwrap());
        let mut cores =
            Self { dirs, args, running: [None, None], desks: [desks[0].clone(), desks[1].clone()] };
        let children = [0, 1].map(|n| cores.spawn(n));
        for (n, child) in children.into_iter().enumerate() {
            cores.running[n] = Some(Jaego::ready(&cores.dirs[n], child).await);
        }
        cores
    }

    fn spawn(&self, n: usize) -> std::process::Child {
        harness::spawn(&self.dirs[n], &self.args[n].iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A core that runs.
    pub fn core(&self, n: usize) -> &Jaego {
        self.running[n].as_ref().unwrap()
    }

    /// Whether it was not killed, or started again.
    pub fn runs(&self, n: usize) -> bool {
        self.running[n].is_some()
    }

    /// Kills a core at once, as a power cut does.
    pub fn kill(&mut self, n: usize) {
        if let Some(mut core) = self.running[n].take() {
            core.kill();
        }
    }

    /// Starts a core that was killed, and waits until it is ready.
    pub async fn restart(&mut self, n: usize) {
        self.running[n] = Some(Jaego::ready(&self.dirs[n], self.spawn(n)).await);
    }

    /// Asks both to stop, and tells how they ended.
    pub async fn terminate(&mut self) {
        for core in &mut self.running {
            let (status, took) = core.take().unwrap().terminate().await;
            assert!(status.success() && took.as_secs() < 10, "{status} after {took:?}");
        }
    }
}

fn registry(dir: &Path) -> PathBuf {
    let path = dir.join("outlets.csv");
    let rows =
        OUTLETS.map(|code| format!("서울특별시 강남구 {code},{code},37.5,127.0,약국 {code},01\n")).concat();
    std::fs::write(&path, format!("addr,code,latitude,longitude,name,type\n{rows}")).unwrap();
    path
}

fn policy(dir: &Path) -> PathBuf {
    let path = dir.join("policy.json");
    let words = json!({ "ko": "일주일에 두 장", "en": "two a week" });
    let schedule = json!({
        "name": "weekly",
        "title": words,
        "offset_minutes": 540,
        "groups": [{ "name": "mask", "items": ["mask"] }],
        "policies": [{
            "effective_from": "2020-03-09T00:00:00+09:00", "group": "mask", "window": "week",
            "quantity": LIMIT_A_WEEK, "words": words, "source": "test",
        }],
    });
    std::fs::write(&path, schedule.to_string()).unwrap();
    path
}
